"""The LSTM and the GRU along whole sequences, products with the inputs included, with gradients worked out by hand.

Sequences are time-major, `(time, batch, features)`. Steps are done in groups, one turn of a loop each: the loop costs
less, one product makes the inputs' part of the sums for a whole group, and what the way back needs of a group is kept
in one piece. The way back does step by step only what depends on the step after: all else, the slopes of the gates
and the gradients of weights, is worked out for a whole group at once. The rows of a batch do not depend on each other:
in graphs its two halves go their ways side by side, because the operations of a step are too small for two cores.

Source: S. Hochreiter and J. Schmidhuber, Long Short-Term Memory (1997); K. Cho et al., Learning Phrase Representations
using RNN Encoder-Decoder (2014); P. J. Werbos, Backpropagation Through Time (1990).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_GROUP = 5
"""Steps of a group. Larger groups make larger graphs, which take longer to trace, and gain nothing."""
_LEAST_HALVED = 16
"""Rows of a batch that is worth going along in two halves; a batch of unknown size always does."""

Span = tuple[Any, int, Any]
"""Groups that follow each other: the first one's first step, the steps of each, and how many there are."""
Kept = list[Any]
"""What is kept of a span, `(steps of a group, batch, ...)` of each group: TensorArrays, and tensors of a lone group."""


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
    weights = [tf.convert_to_tensor(weight) for weight in weights]
    tensors = [tf.convert_to_tensor(tensor) for tensor in (inputs, *states)]
    columns = None if mask is None else mask[..., None]

    def along(columns: Any, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        @tf.custom_gradient
        def forward(*tensors: tf.Tensor) -> Any:
            return rule(columns, all_outputs, *tensors)

        return forward(*tensors, *weights)

    rows = tensors[0].shape[1]
    if tf.executing_eagerly() or (rows is not None and rows < _LEAST_HALVED):
        return along(columns, tensors)
    rows = tf.shape(tensors[0])[1] if rows is None else rows
    parts = [rows // 2, rows - rows // 2]
    halves = [tf.split(tensor, parts, axis=-2) for tensor in tensors]
    masks = [None, None] if columns is None else tf.split(columns, parts, axis=-2)
    results = [along(mask, tensors) for mask, tensors in zip(masks, zip(*halves, strict=True), strict=True)]
    return [tf.concat(both, -2) for both in zip(*results, strict=True)]


def _lstm_and_gradient(
    columns: Any, all_outputs: bool, x: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor, bias: tf.Tensor,
) -> tuple[Any, Any]:  # fmt: skip
    spans, units = _spans(x), recurrent_kernel.shape[0]

    def turn(first: Any, size: int, carried: Any) -> tuple[Any, list[tf.Tensor]]:
        h, c = carried
        sums, shown = _products(x, first, size, kernel, bias), _steps(columns, first, size)
        kept = []
        for step in range(size):
            both, g, o = _side_by_side(sums[step] + tf.matmul(h, recurrent_kernel), [2 * units, units, units])
            both, g, o = tf.sigmoid(both), tf.tanh(g), tf.sigmoid(o)
            i, f = _side_by_side(both, [units, units])
            memory = f * c + i * g
            squashed = tf.tanh(memory)
            kept.append([h, c, both, g, o, squashed])
            h, c = _where(shown[step], o * squashed, h), _where(shown[step], memory, c)
        return (h, c), _stacked(kept)

    (last_h, last_c), kept = _in_groups(turn, spans, (h, c), [units, units, 2 * units, units, units, units])

    def gradient(d_last_h: tf.Tensor, d_last_c: tf.Tensor, d_hidden: Any = None) -> tuple[tf.Tensor, ...]:
        to_h = tf.transpose(recurrent_kernel)

        def back(first: Any, size: int, carried: Any, kept: list[tf.Tensor]) -> tuple[Any, list[tf.Tensor]]:
            dh, dc, total = carried
            h, c, both, g, o, squashed = kept
            i, f = _side_by_side(both, [units, units])
            here, arriving = _part(columns, first, size), _steps(d_hidden, first, size)
            slopes = [_by_sigmoid(both, tf.concat([g, c], -1)), _by_tanh(g, i), _by_sigmoid(o, squashed)]
            to_sums = tf.unstack(_where(here, tf.concat(slopes, -1), 0))
            to_memory, onward = tf.unstack(_where(here, _by_tanh(squashed, o), 0)), tf.unstack(_where(here, f, 1))
            shown, sums = _steps(columns, first, size), []
            for step in reversed(range(size)):
                dh = _plus(dh, arriving[step])
                dc += dh * to_memory[step]
                sums.append(tf.concat([dc, dc, dc, dh], 1) * to_sums[step])
                past = None if here is None else _where(shown[step], tf.zeros_like(dh), dh)
                dh, dc = _plus(tf.matmul(sums[-1], to_h), past), dc * onward[step]
            all_sums = tf.stack(sums[::-1])
            total = _further(total, [h, _part(x, first, size)], all_sums)
            return (dh, dc, total), [all_sums]

        begun = (d_last_h, d_last_c, _nothing([h, x], kernel))
        (dh, dc, total), sums = _in_groups(back, spans, begun, [4 * units], kept)
        to_x = tf.matmul(_sequence(sums, 0, x), kernel, transpose_b=True)
        total = tf.cast(total, kernel.dtype)
        return to_x, dh, dc, total[units:-1], total[:units], total[-1]

    return _outputs([last_h, last_c], kept, x, all_outputs), gradient


def _gru_and_gradient(
    columns: Any, all_outputs: bool, x: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[Any, Any]:  # fmt: skip
    spans, units = _spans(x), recurrent_kernel.shape[0]
    outer = bias[0] + tf.concat([bias[1, : 2 * units], tf.zeros_like(bias[1, 2 * units :])], 0)

    def turn(first: Any, size: int, carried: Any) -> tuple[Any, list[tf.Tensor]]:
        (h,) = carried
        sums, shown = _products(x, first, size, kernel, outer), _steps(columns, first, size)
        kept = []
        for step in range(size):
            both, recalled = _side_by_side(tf.matmul(h, recurrent_kernel), [2 * units, units])
            to_both, to_g = _side_by_side(sums[step], [2 * units, units])
            both, recalled = tf.sigmoid(to_both + both), recalled + bias[1, 2 * units :]
            z, r = _side_by_side(both, [units, units])
            g = tf.tanh(to_g + r * recalled)
            kept.append([h, both, g, recalled])
            h = _where(shown[step], g + z * (h - g), h)
        return (h,), _stacked(kept)

    (last,), kept = _in_groups(turn, spans, (h,), [units, 2 * units, units, units])

    def gradient(d_last: tf.Tensor, d_hidden: Any = None) -> tuple[tf.Tensor, ...]:
        to_h = tf.transpose(recurrent_kernel)

        def back(first: Any, size: int, carried: Any, kept: list[tf.Tensor]) -> tuple[Any, list[tf.Tensor]]:
            dh, of_h, of_x = carried
            h, both, g, recalled = kept
            z, r = _side_by_side(both, [units, units])
            here, arriving = _part(columns, first, size), _steps(d_hidden, first, size)
            to_g = _where(here, _by_tanh(g, 1 - z), 0)
            slopes = [_where(here, _by_sigmoid(both, tf.concat([h - g, to_g * recalled], -1)), 0), to_g * r]
            to_inner, onward = tf.unstack(tf.concat(slopes, -1)), tf.unstack(_where(here, z, 1))
            inner, arrived = [], []
            for step in reversed(range(size)):
                dh = _plus(dh, arriving[step])
                arrived.append(dh)
                inner.append(tf.concat([dh, dh, dh], 1) * to_inner[step])
                dh = tf.matmul(inner[-1], to_h) + dh * onward[step]
            all_inner = tf.stack(inner[::-1])
            all_outer = tf.concat([all_inner[..., : 2 * units], tf.stack(arrived[::-1]) * to_g], -1)
            of_h, of_x = _further(of_h, [h], all_inner), _further(of_x, [_part(x, first, size)], all_outer)
            return (dh, of_h, of_x), [all_outer]

        begun = (d_last, _nothing([h], kernel), _nothing([x], kernel))
        (dh, of_h, of_x), sums = _in_groups(back, spans, begun, [3 * units], kept)
        to_x = tf.matmul(_sequence(sums, 0, x), kernel, transpose_b=True)
        of_h, of_x = tf.cast(of_h, kernel.dtype), tf.cast(of_x, kernel.dtype)
        return to_x, dh, of_x[:-1], of_h[:-1], tf.stack([of_x[-1], of_h[-1]])

    return _outputs([last], kept, x, all_outputs), gradient


def _outputs(last: list[tf.Tensor], kept: list[Kept], x: tf.Tensor, all_outputs: bool) -> list[tf.Tensor]:
    """The last states and, if wanted, the first of them after every step, which is kept first, before every step."""
    return [*last, tf.concat([_sequence(kept, 0, x)[1:], last[0][None]], 0)] if all_outputs else last


# Groups of steps.


def _spans(sequence: tf.Tensor) -> list[Span]:
    """The groups that a sequence falls into: all of `_GROUP` steps, and what is left; eagerly one of all steps."""
    count = tf.shape(sequence)[0] if sequence.shape[0] is None else sequence.shape[0]
    if tf.executing_eagerly():
        return [(0, count, 1)]
    whole = count // _GROUP * _GROUP
    if not isinstance(count, int):
        return [(0, _GROUP, count // _GROUP), (whole, 1, count - whole)]
    spans = [(0, _GROUP, count // _GROUP), (whole, count - whole, 1)]
    return [(first, size, times) for first, size, times in spans if size and times]


def _in_groups(
    turn: Callable[..., Any], spans: list[Span], carried: Any, widths: list[int], given: list[Kept] | None = None
) -> tuple[Any, list[Kept]]:
    """What is carried after all steps, and what was kept of each group.

    Args:
        turn: does a group of steps: from its first step, their number, what is carried and what is given of the group
            to what is carried on and what is kept, `(steps of the group, batch, width)` each.
        spans: the groups.
        carried: tensors for the first group, `(batch, units)` the first of them.
        widths: of what is kept.
        given: what was kept of each group on the way there; the last group then comes first.
    """
    kept: list[Kept] = [[] for _ in spans]
    for place in range(len(spans)) if given is None else reversed(range(len(spans))):
        carried, kept[place] = _repeated(turn, spans[place], carried, widths, None if given is None else given[place])
    return carried, kept


def _repeated(
    turn: Callable[..., Any], span: Span, carried: Any, widths: list[int], given: Kept | None
) -> tuple[Any, Kept]:
    begin, size, times = span
    if isinstance(times, int) and times == 1:
        return turn(begin, size, carried, *([] if given is None else [given]))
    shapes = [[size, carried[0].shape[0], width] for width in widths]
    empty = [tf.TensorArray(carried[0].dtype, times, element_shape=shape) for shape in shapes]

    def body(i: Any, carried: Any, kept: Kept) -> tuple[Any, Any, Kept]:
        place = i if given is None else times - 1 - i
        parts = [] if given is None else [[array.read(place) for array in given]]
        after, values = turn(begin + place * size, size, carried, *parts)
        tf.nest.map_structure(lambda value, like: value.set_shape(like.shape), after, carried)
        return i + 1, after, [array.write(place, value) for array, value in zip(kept, values, strict=True)]

    return tf.while_loop(lambda i, *_: i < times, body, (tf.constant(0), carried, empty), maximum_iterations=times)[1:]


def _part(sequence: Any, first: Any, size: int) -> Any:
    """Steps from the first on, `(size, ...)`: at a place that is a tensor, a size that is not, as XLA asks for."""
    if sequence is None:
        return None
    actual = tf.shape(sequence)
    sizes = [actual[axis] if length is None else length for axis, length in enumerate(sequence.shape)]
    part = tf.slice(sequence, [first, *[0] * (len(sizes) - 1)], [size, *sizes[1:]])
    part.set_shape([size, *sequence.shape[1:]])
    return part


def _steps(sequence: Any, first: Any, size: int) -> list[Any]:
    """Steps from the first on, one by one; None for each where there is no sequence."""
    return [None] * size if sequence is None else tf.unstack(_part(sequence, first, size))


def _stacked(steps: list[list[tf.Tensor]]) -> list[tf.Tensor]:
    """What was kept of each step as `(steps, ...)`."""
    return [tf.stack(values) for values in zip(*steps, strict=True)]


def _sequence(kept: list[Kept], place: int, x: tf.Tensor) -> tf.Tensor:
    """What was kept at that place, `(time, batch, width)`, along the sequence x."""
    rows = tf.shape(x)[1] if x.shape[1] is None else x.shape[1]
    parts = []
    for span in kept:
        part = span[place]
        if isinstance(part, tf.TensorArray):  # its own `stack` refuses an empty one if the batch has an unknown length
            size, _, width = part.element_shape
            groups = tf.raw_ops.TensorListStack(
                input_handle=part.flow, element_shape=[size, rows, width], element_dtype=part.dtype
            )
            part = tf.reshape(groups, [-1, rows, width])
        parts.append(part)
    return parts[0] if len(parts) == 1 else tf.concat(parts, 0)


def _products(x: tf.Tensor, first: Any, size: int, kernel: tf.Tensor, bias: tf.Tensor) -> list[tf.Tensor]:
    """The inputs' part of the sums of each of the steps, from one product."""
    sums = tf.nn.bias_add(tf.matmul(_rows(_part(x, first, size)), kernel), bias)
    return tf.unstack(tf.reshape(sums, [size, -1, kernel.shape[-1]]))


# Parts of a step.


def _side_by_side(value: tf.Tensor, widths: list[int]) -> list[tf.Tensor]:
    """The columns of each gate. Slices are taken by one thread; a split that size wakes others, which takes longer."""
    if tf.executing_eagerly():
        return tf.split(value, widths, axis=-1)
    ends = list(itertools.accumulate(widths))
    return [value[..., end - width : end] for width, end in zip(widths, ends, strict=True)]


def _by_sigmoid(output: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.SigmoidGrad(y=output, dy=gradient)


def _by_tanh(output: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.TanhGrad(y=output, dy=gradient)


def _where(here: Any, value: Any, other: Any) -> Any:
    """The value where the mask is True, else the other, numbers among them; the value where there is no mask."""
    return value if here is None else tf.where(here, value, other)


def _plus(value: tf.Tensor, other: Any) -> tf.Tensor:
    return value if other is None else value + other


# Gradients of weights.


def _rows(sequence: tf.Tensor) -> tf.Tensor:
    """`(time, batch, features)` as `(time batch, features)`."""
    return tf.reshape(sequence, [-1, sequence.shape[-1]])


def _nothing(factors: list[tf.Tensor], kernel: tf.Tensor) -> tf.Tensor:
    """Zeros for `_further`: in no less than single precision, so that many small parts are not lost."""
    dtype = tf.float32 if kernel.dtype.size < 4 else kernel.dtype
    return tf.zeros([sum(factor.shape[-1] for factor in factors) + 1, kernel.shape[-1]], dtype)


def _further(total: tf.Tensor, factors: list[tf.Tensor], sums: tf.Tensor) -> tf.Tensor:
    """The total and a group's share of the gradient of a kernel for each of the factors, and in the last row of a bias.

    Args:
        total: of the groups so far.
        factors: what the kernels are multiplied with, `(steps, batch, features)`.
        sums: the gradients of the sums, `(steps, batch, columns)`.
    """
    columns = [*map(_rows, factors), tf.ones_like(_rows(sums)[:, :1])]
    return total + tf.cast(tf.matmul(tf.concat(columns, 1), _rows(sums), transpose_a=True), total.dtype)
