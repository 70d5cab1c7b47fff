"""The LSTM and the GRU along whole sequences, products with the inputs included, with gradients worked out by hand.

Sequences are time-major, `(time, batch, features)`. Steps are done in groups, one turn of a loop each: the loop costs
less, and one product makes the inputs' part of the sums for a whole group. The way back does step by step only what
depends on the step after; gradients of weights and inputs are products over all steps at once.

Source: S. Hochreiter and J. Schmidhuber, Long Short-Term Memory (1997); K. Cho et al., Learning Phrase Representations
using RNN Encoder-Decoder (2014); P. J. Werbos, Backpropagation Through Time (1990).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_GROUP = 5
"""Steps of a group. Larger groups make larger graphs, which take longer to trace, and gain nothing."""

Turn = Callable[[Any, int, Any], Any]


def lstm(
    inputs: Any, states: list[tf.Tensor], weights: list[Any], mask: tf.Tensor | None = None, all_outputs: bool = True
) -> list[tf.Tensor]:
    """The states h and c after the last step and, if asked for, h after every step `(time, batch, units)`.

        i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (x @ W + b + h @ R),  c' = f c + i g,  h' = o tanh(c')

    Args:
        inputs: x, `(time, batch, features)`.
        states: h, which is also the output, and the cell's memory c before the first step, each `(batch, units)`.
        weights: W `(features, 4 units)`, R `(units, 4 units)` and b `(4 units,)`.
        mask: booleans `(time, batch)`; where False both states stay.
        all_outputs: whether h is wanted after every step.
    """
    return _differentiable(_lstm_and_gradient, inputs, states, weights, mask, all_outputs)


def gru(
    inputs: Any, states: list[tf.Tensor], weights: list[Any], mask: tf.Tensor | None = None, all_outputs: bool = True
) -> list[tf.Tensor]:
    """The state h after the last step and, if asked for, after every step `(time, batch, units)`.

        z, r = sigmoid(x @ W + b + h @ R + d),  g = tanh(x @ W + b + r (h @ R + d)),  h' = z h + (1 - z) g

    The reset gate r is applied after the matrix product.

    Args:
        inputs: x, `(time, batch, features)`.
        states: h before the first step, `(batch, units)`.
        weights: W `(features, 3 units)`, R `(units, 3 units)` and b over d `(2, 3 units)`, in the order z, r, g.
        mask: booleans `(time, batch)`; where False the state stays.
        all_outputs: whether h is wanted after every step.
    """
    return _differentiable(_gru_and_gradient, inputs, states, weights, mask, all_outputs)


def _differentiable(
    rule: Callable[..., Any], inputs: Any, states: list[Any], weights: list[Any], mask: Any, all_outputs: bool
) -> list[tf.Tensor]:
    columns = None if mask is None else mask[..., None]

    @tf.custom_gradient
    def forward(*tensors: tf.Tensor) -> Any:
        return rule(columns, all_outputs, *tensors)

    return forward(*[tf.convert_to_tensor(tensor) for tensor in (inputs, *states, *weights)])


def _lstm_and_gradient(
    columns: Any, all_outputs: bool, x: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor, bias: tf.Tensor,
) -> tuple[Any, Any]:  # fmt: skip
    count = _length(x)

    def turn(first: Any, size: int, carried: Any) -> Any:
        h, c, arrays = carried
        sums, shown = _products(x, first, size, kernel, bias), _steps(columns, first, size)
        for step in range(size):
            i, f, g, o = _side_by_side(sums[step] + tf.matmul(h, recurrent_kernel), 4)
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            memory = f * c + i * g
            squashed = tf.tanh(memory)
            arrays = _written(arrays, first + step, [h, c, squashed, i, f, g, o])
            h, c = _where(shown[step], o * squashed, h), _where(shown[step], memory, c)
        return h, c, arrays

    last_h, last_c, arrays = _in_groups(turn, count, (h, c, [_array(h, count) for _ in range(7)]))
    kept = [array.stack() for array in arrays]

    def gradient(d_last_h: tf.Tensor, d_last_c: tf.Tensor, d_hidden: Any = None) -> tuple[tf.Tensor, ...]:
        to_h = tf.split(tf.transpose(recurrent_kernel), 4)

        def back(first: Any, size: int, carried: Any) -> Any:
            dh, dc, arrays = carried
            parts = [_steps(part, first, size) for part in (*kept, d_hidden, columns)]
            for step in reversed(range(size)):
                _, before, squashed, i, f, g, o, arriving, here = [part[step] for part in parts]
                dh, past_h = _through(here, _plus(dh, arriving))
                dc, past_c = _through(here, dc)
                dc += _by_tanh(squashed, dh * o)
                sums = [_by_sigmoid(i, dc * g), _by_sigmoid(f, dc * before), _by_tanh(g, dc * i)]
                sums.append(_by_sigmoid(o, dh * squashed))
                arrays = _written(arrays, first + step, sums)
                dh, dc = _plus(_product(sums, to_h), past_h), _plus(dc * f, past_c)
            return dh, dc, arrays

        begun = (d_last_h, d_last_c, [_array(h, count) for _ in range(4)])
        dh, dc, arrays = _in_groups(back, count, begun, reverse=True)
        sums = [_rows(array.stack()) for array in arrays]
        to_x, to_kernel, to_bias = _of_inputs(x, kernel, sums)
        return to_x, dh, dc, to_kernel, _of_kernel(_rows(kept[0]), sums), to_bias

    return _outputs([last_h, last_c], kept[0], all_outputs), gradient


def _gru_and_gradient(
    columns: Any, all_outputs: bool, x: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[Any, Any]:  # fmt: skip
    count, two = _length(x), 2 * recurrent_kernel.shape[0]
    outer = bias[0] + tf.concat([bias[1, :two], tf.zeros_like(bias[1, two:])], 0)

    def turn(first: Any, size: int, carried: Any) -> Any:
        h, arrays = carried
        sums, shown = _products(x, first, size, kernel, outer), _steps(columns, first, size)
        for step in range(size):
            inner = tf.matmul(h, recurrent_kernel)
            z, r = _side_by_side(tf.sigmoid(sums[step][:, :two] + inner[:, :two]), 2)
            recalled = inner[:, two:] + bias[1, two:]
            g = tf.tanh(sums[step][:, two:] + r * recalled)
            arrays = _written(arrays, first + step, [h, z, r, g, recalled])
            h = _where(shown[step], g + z * (h - g), h)
        return h, arrays

    last, arrays = _in_groups(turn, count, (h, [_array(h, count) for _ in range(5)]))
    kept = [array.stack() for array in arrays]

    def gradient(d_last: tf.Tensor, d_hidden: Any = None) -> tuple[tf.Tensor, ...]:
        to_h = tf.split(tf.transpose(recurrent_kernel), 3)

        def back(first: Any, size: int, carried: Any) -> Any:
            dh, arrays = carried
            parts = [_steps(part, first, size) for part in (*kept, d_hidden, columns)]
            for step in reversed(range(size)):
                before, z, r, g, recalled, arriving, here = [part[step] for part in parts]
                dh, past = _through(here, _plus(dh, arriving))
                onward = dh * z
                to_g = _by_tanh(g, dh - onward)
                to_z, to_r = _by_sigmoid(z, dh * (before - g)), _by_sigmoid(r, to_g * recalled)
                inner = [to_z, to_r, to_g * r]
                arrays = _written(arrays, first + step, [*inner, to_g])
                dh = _plus(_product(inner, to_h, onward), past)
            return dh, arrays

        begun = (d_last, [_array(h, count) for _ in range(4)])
        dh, arrays = _in_groups(back, count, begun, reverse=True)
        *inner, to_g = [_rows(array.stack()) for array in arrays]
        to_x, to_kernel, to_bias = _of_inputs(x, kernel, [*inner[:2], to_g])
        to_biases = tf.stack([to_bias, tf.concat([to_bias[:two], tf.reduce_sum(inner[2], 0)], 0)])
        return to_x, dh, to_kernel, _of_kernel(_rows(kept[0]), inner), to_biases

    return _outputs([last], kept[0], all_outputs), gradient


def _outputs(last: list[tf.Tensor], before: tf.Tensor, all_outputs: bool) -> list[tf.Tensor]:
    """The last states and, if wanted, the first of them after every step, given it before every step."""
    return [*last, tf.concat([before[1:], last[0][None]], 0)] if all_outputs else last


# Groups of steps.


def _length(sequence: tf.Tensor) -> Any:
    return tf.shape(sequence)[0] if sequence.shape[0] is None else sequence.shape[0]


def _in_groups(turn: Turn, count: Any, carried: Any, reverse: bool = False) -> Any:
    """What is carried after all steps; `turn(first, size, carried)` does `size` steps, of which `first` is the first.

    Args:
        turn: does a group of steps.
        count: how many steps there are, a number or a tensor.
        carried: what the first group gets.
        reverse: whether the last group comes first.
    """
    if tf.executing_eagerly():
        return turn(0, count, carried)
    whole = count // _GROUP * _GROUP
    rest = (count - whole, 1) if isinstance(count, int) else (1, count - whole)
    spans = [(0, _GROUP, count // _GROUP), (whole, *rest)]
    for begin, size, times in reversed(spans) if reverse else spans:
        carried = _repeated(turn, begin, size, times, carried, reverse)
    return carried


def _repeated(turn: Turn, begin: Any, size: int, times: Any, carried: Any, reverse: bool) -> Any:
    if isinstance(times, int) and (times < 2 or not size):
        return turn(begin, size, carried) if times and size else carried

    def body(i: tf.Tensor, carried: Any) -> tuple[tf.Tensor, Any]:
        place = times - 1 - i if reverse else i
        after = turn(begin + place * size, size, carried)
        tf.nest.map_structure(_set_shape, after, carried)
        return i + 1, after

    return tf.while_loop(lambda i, _: i < times, body, (tf.constant(0), carried), maximum_iterations=times)[1]


def _set_shape(value: Any, like: Any) -> None:
    if isinstance(value, tf.Tensor):
        value.set_shape(like.shape)


def _part(sequence: tf.Tensor, first: Any, size: int) -> tf.Tensor:
    """Steps from the first on, `(size, ...)`: at a place that is a tensor, a size that is not, as XLA asks for."""
    actual = tf.shape(sequence)
    sizes = [actual[axis] if length is None else length for axis, length in enumerate(sequence.shape)]
    part = tf.slice(sequence, [first, *[0] * (len(sizes) - 1)], [size, *sizes[1:]])
    part.set_shape([size, *sequence.shape[1:]])
    return part


def _steps(sequence: Any, first: Any, size: int) -> list[Any]:
    """Steps from the first on, one by one; None for each where there is no sequence."""
    return [None] * size if sequence is None else tf.unstack(_part(sequence, first, size))


def _products(x: tf.Tensor, first: Any, size: int, kernel: tf.Tensor, bias: tf.Tensor) -> list[tf.Tensor]:
    """The inputs' part of the sums of each of the steps, from one product."""
    sums = tf.nn.bias_add(tf.matmul(_rows(_part(x, first, size)), kernel), bias)
    return tf.unstack(tf.reshape(sums, [size, -1, kernel.shape[-1]]))


def _array(like: tf.Tensor, count: Any) -> tf.TensorArray:
    """A place for one such tensor of each step."""
    return tf.TensorArray(like.dtype, count, element_shape=like.shape)


def _written(arrays: list[tf.TensorArray], place: Any, values: list[tf.Tensor]) -> list[tf.TensorArray]:
    return [array.write(place, value) for array, value in zip(arrays, values, strict=True)]


# Parts of a step.


def _side_by_side(sums: tf.Tensor, number: int) -> list[tf.Tensor]:
    """The columns of each gate. Slices are taken by one thread; a split that size wakes others, which takes longer."""
    if tf.executing_eagerly():
        return tf.split(sums, number, axis=1)
    width = sums.shape[-1] // number
    return [sums[:, gate * width : (gate + 1) * width] for gate in range(number)]


def _by_sigmoid(output: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.SigmoidGrad(y=output, dy=gradient)


def _by_tanh(output: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.TanhGrad(y=output, dy=gradient)


def _where(here: Any, value: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return value if here is None else tf.where(here, value, other)


def _through(here: Any, gradient: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """What of a gradient goes to the gates of a step, and what passes by where the mask is False; None for nothing."""
    if here is None:
        return gradient, None
    nothing = tf.zeros_like(gradient)
    return tf.where(here, gradient, nothing), tf.where(here, nothing, gradient)


def _plus(value: tf.Tensor, other: Any) -> tf.Tensor:
    return value if other is None else value + other


def _product(sums: list[tf.Tensor], kernels: list[tf.Tensor], *others: tf.Tensor) -> tf.Tensor:
    """The gates' sums side by side times the kernels one below the other, without putting them there."""
    return tf.add_n([*others, *(tf.matmul(part, kernel) for part, kernel in zip(sums, kernels, strict=True))])


# Gradients for all steps at once.


def _rows(sequence: tf.Tensor) -> tf.Tensor:
    """`(time, batch, features)` as `(time batch, features)`."""
    return tf.reshape(sequence, [-1, sequence.shape[-1]])


def _of_kernel(factors: tf.Tensor, sums: list[tf.Tensor]) -> tf.Tensor:
    """The gradient of a kernel that the factors are multiplied with, given the gradients of each gate's sums."""
    return tf.concat([tf.matmul(factors, part, transpose_a=True) for part in sums], 1)


def _of_inputs(x: tf.Tensor, kernel: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of inputs, kernel and bias, given the gradients of each gate's sums."""
    to_x = tf.reshape(_product(sums, tf.split(tf.transpose(kernel), len(sums))), tf.shape(x))
    both = _of_kernel(tf.concat([_rows(x), tf.ones_like(sums[0][:, :1])], 1), sums)
    return to_x, both[:-1], both[-1]
