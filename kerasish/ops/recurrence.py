"""Recurrences over time: a loop over any step, and the LSTM and the GRU with gradients worked out by hand.

Sequences are time-major, `(time, batch, features)`. The hand-written gradients do in the loop back only what depends on
the step after; whatever does not (activations' slopes, the gradients of weights) is computed for all steps at once.

Source: S. Hochreiter and J. Schmidhuber, Long Short-Term Memory (1997); K. Cho et al., Learning Phrase Representations
using RNN Encoder-Decoder (2014); P. J. Werbos, Backpropagation Through Time (1990).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(
    step: Step, sequence: Any, states: Any, mask: tf.Tensor | None = None, *, zero_masked: bool = False,
    unroll: bool = False, all_outputs: bool = True,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Outputs of every step `(time, batch, ...)` (None unless asked for), the last output, and the last states.

    Where the mask is False the states stay and the output is that of the step before (zeros before the first).

    Args:
        step: from the inputs of one step and the states to an output and new states.
        sequence: inputs, a structure of tensors `(time, batch, ...)`.
        states: a structure of tensors.
        mask: booleans `(time, batch)`.
        zero_masked: whether outputs under the mask are zero instead.
        unroll: whether the graph holds every step instead of a loop.
        all_outputs: whether the outputs of all steps are kept.

    Raises:
        ValueError: if the number of steps is unknown and the loop shall be unrolled.
    """
    flat = [tf.convert_to_tensor(part) for part in tf.nest.flatten(sequence)]
    if unroll and flat[0].shape[0] is None:
        raise ValueError("Unrolling needs a known number of time steps. Give it in the input's shape, or unroll=False.")
    unroll = unroll or tf.executing_eagerly()
    kinds = _Kinds(sequence, states)
    carried = [tf.convert_to_tensor(state) for state in tf.nest.flatten(states)]
    # One call before the loop tells what comes out, and lets a cell draw what it keeps for the sequence.
    shown, _ = step(kinds.inputs([part[0] for part in flat]), states)
    previous = [tf.zeros_like(part) for part in tf.nest.flatten(shown)]
    keeps_previous = mask is not None or not all_outputs
    count = len(previous)

    def body(carried: list[Any], parts: list[Any]) -> tuple[list[Any], list[Any]]:
        here = parts.pop() if mask is not None else None
        before, old = (carried[:count], carried[count:]) if keeps_previous else ([], carried)
        output, new = step(kinds.inputs(parts), kinds.states(old))
        outputs, after = tf.nest.flatten(output), tf.nest.flatten(new)
        if here is not None:
            other = [tf.zeros_like(part) for part in outputs] if zero_masked else before
            outputs = [_choose(here, part, instead) for part, instead in zip(outputs, other, strict=True)]
            after = [_choose(here, part, instead) for part, instead in zip(after, old, strict=True)]
        return (outputs if keeps_previous else []) + after, outputs if all_outputs else []

    specs = [tf.TensorSpec(part.shape, part.dtype) for part in previous] if all_outputs else []
    parts = flat if mask is None else [*flat, mask]
    last, kept = fold(body, parts, (previous if keeps_previous else []) + carried, specs, unroll=unroll)
    final = last[:count] if keeps_previous else [part[-1] for part in kept]
    pack = lambda values: tf.nest.pack_sequence_as(shown, values)  # noqa: E731
    return pack(kept) if all_outputs else None, pack(final), kinds.states(last[count:] if keeps_previous else last)


class _Kinds:
    """The structures of inputs and states, to which flat lists are brought back."""

    def __init__(self, sequence: Any, states: Any):
        self._sequence, self._states = sequence, states

    def inputs(self, values: list[Any]) -> Any:
        return tf.nest.pack_sequence_as(self._sequence, values)

    def states(self, values: list[Any]) -> Any:
        return tf.nest.pack_sequence_as(self._states, values)


def fold(
    body: Callable[[list[Any], list[Any]], tuple[list[Any], list[Any]]], sequences: list[tf.Tensor],
    carried: list[tf.Tensor], specs: list[tf.TensorSpec], *, reverse: bool = False, unroll: bool = False,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:  # fmt: skip
    """What is carried after the last step, and what was kept of each step, stacked along time.

    Args:
        body: from what is carried and the step's slices to what is carried on and what is kept.
        sequences: tensors `(time, ...)`.
        carried: tensors for the first step.
        specs: shape and type of what is kept of one step.
        reverse: whether the last step comes first; what is kept stays in the order of time.
        unroll: whether the steps stand one after the other in the graph (always so eagerly).
    """
    loop = _steps_one_by_one if unroll or tf.executing_eagerly() else _steps_in_a_loop
    return loop(body, sequences, carried, specs, reverse)


def _steps_one_by_one(
    body: Any, sequences: list[Any], carried: list[Any], specs: list[Any], reverse: bool
) -> tuple[list[Any], list[Any]]:
    slices = list(zip(*[tf.unstack(part) for part in sequences], strict=True))
    kept: list[list[Any]] = []
    for parts in reversed(slices) if reverse else slices:
        carried, values = body(carried, list(parts))
        kept.append(values)
    ordered = kept[::-1] if reverse else kept
    return carried, [tf.stack([values[place] for values in ordered]) for place in range(len(specs))]


def _steps_in_a_loop(
    body: Any, sequences: list[Any], carried: list[Any], specs: list[Any], reverse: bool
) -> tuple[list[Any], list[Any]]:
    known = sequences[0].shape[0]
    count = tf.shape(sequences[0])[0] if known is None else tf.constant(known)
    read = [tf.TensorArray(part.dtype, count, element_shape=part.shape[1:]).unstack(part) for part in sequences]
    written = [tf.TensorArray(spec.dtype, count, element_shape=spec.shape) for spec in specs]

    def turn(i: tf.Tensor, carried: list[Any], written: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        place = count - 1 - i if reverse else i
        after, values = body(list(carried), [array.read(place) for array in read])
        for old, new in zip(carried, after, strict=True):
            new.set_shape(old.shape)
        return i + 1, after, [array.write(place, value) for array, value in zip(written, values, strict=True)]

    _, carried, written = tf.while_loop(
        lambda i, *rest: i < count, turn, (tf.constant(0), list(carried), written), maximum_iterations=count
    )
    kept = [array.stack() for array in written]
    for part, spec in zip(kept, specs, strict=True):
        part.set_shape([known, *spec.shape])
    return list(carried), kept


def _choose(here: tf.Tensor, value: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """The value in rows where `here` `(batch,)` is True, else the other."""
    for _ in range(value.shape.rank - 1):
        here = here[..., None]
    return tf.where(here, value, other)


def under_mask(hidden: tf.Tensor, mask: tf.Tensor | None, zero_masked: bool) -> tf.Tensor:
    """The outputs that belong to the states `(time, batch, units)`: zeros before the first step that is not masked."""
    if mask is None:
        return hidden
    seen = mask if zero_masked else tf.cumsum(tf.cast(mask, tf.int32)) > 0
    return tf.where(seen[..., None], hidden, tf.zeros_like(hidden))


def lstm(
    projected: tf.Tensor, h: tf.Tensor, c: tf.Tensor, recurrent_kernel: tf.Tensor, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The states `h` after every step, and `h` and `c` after the last.

        i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (projected + h @ R),  c' = f c + i g,  h' = o tanh(c')

    Args:
        projected: inputs times kernel plus bias `(time, batch, 4 units)`.
        h: the state that is also the output, before the first step.
        c: the cell's memory before the first step.
        recurrent_kernel: R, `(units, 4 units)`.
        mask: booleans `(time, batch)`; where False both states stay.
    """

    @tf.custom_gradient
    def forward(projected: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor) -> Any:
        return _lstm_and_gradient(mask, projected, h, c, kernel)

    return forward(projected, h, c, tf.convert_to_tensor(recurrent_kernel))


def _lstm_and_gradient(
    mask: tf.Tensor | None, projected: tf.Tensor, h: tf.Tensor, c: tf.Tensor, kernel: tf.Tensor
) -> tuple[Any, Any]:
    def body(carried: list[Any], parts: list[Any]) -> tuple[list[Any], list[Any]]:
        h, c = carried
        gates = tf.split(parts[0] + tf.matmul(h, kernel), 4, axis=1)
        i, f, g, o = tf.sigmoid(gates[0]), tf.sigmoid(gates[1]), tf.tanh(gates[2]), tf.sigmoid(gates[3])
        memory = f * c + i * g
        squashed = tf.tanh(memory)
        output = o * squashed
        if mask is not None:
            output, memory = tf.where(parts[1], output, h), tf.where(parts[1], memory, c)
        return [output, memory], [output, memory, squashed, i, f, g, o]

    columns = None if mask is None else mask[..., None]
    sequences = [projected] if columns is None else [projected, columns]
    specs = [tf.TensorSpec(h.shape, h.dtype)] * 7
    (last_h, last_c), (hidden, memories, squashed, i, f, g, o) = fold(body, sequences, [h, c], specs)

    def gradient(d_hidden: Any, d_last_h: Any, d_last_c: Any) -> tuple[Any, Any, Any, Any]:
        before = tf.concat([c[None], memories[:-1]], 0)
        slopes = [g * i * (1 - i), before * f * (1 - f), i * (1 - g * g), squashed * o * (1 - o)]
        through = [o * (1 - squashed * squashed), f]
        sequences = _masked([d_hidden, tf.concat(slopes, 2), *through], columns)
        transposed = tf.transpose(kernel)

        def back(carried: list[Any], parts: list[Any]) -> tuple[list[Any], list[Any]]:
            dh = carried[0] + parts[0]
            dc = carried[1] + dh * parts[2]
            dz = tf.concat([dc, dc, dc, dh], 1) * parts[1]
            earlier = tf.matmul(dz, transposed)
            return [earlier if columns is None else earlier + dh * parts[4], dc * parts[3]], [dz]

        specs = [tf.TensorSpec(projected.shape[1:], projected.dtype)]
        (dh, dc), (dz,) = fold(back, sequences, [d_last_h, d_last_c], specs, reverse=True)
        return dz, dh, dc, _kernel_gradient(h, hidden, dz)

    return (hidden, last_h, last_c), gradient


def gru(
    projected: tf.Tensor, h: tf.Tensor, recurrent_kernel: tf.Tensor, recurrent_bias: tf.Tensor,
    mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:  # fmt: skip
    """The states after every step and after the last, the reset gate being applied after the matrix product.

        z, r = sigmoid(projected + h @ R + b),  g = tanh(projected + r (h @ R + b)),  h' = z h + (1 - z) g

    Args:
        projected: inputs times kernel plus their bias `(time, batch, 3 units)`, in the order z, r, g.
        h: the state before the first step.
        recurrent_kernel: R, `(units, 3 units)`.
        recurrent_bias: b, `(3 units,)`.
        mask: booleans `(time, batch)`; where False the state stays.
    """

    @tf.custom_gradient
    def forward(projected: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> Any:
        return _gru_and_gradient(mask, projected, h, kernel, bias)

    return forward(projected, h, tf.convert_to_tensor(recurrent_kernel), tf.convert_to_tensor(recurrent_bias))


def _gru_and_gradient(
    mask: tf.Tensor | None, projected: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
) -> tuple[Any, Any]:
    units = h.shape[-1]

    def body(carried: list[Any], parts: list[Any]) -> tuple[list[Any], list[Any]]:
        (h,) = carried
        inner = tf.nn.bias_add(tf.matmul(h, kernel), bias)
        gates = tf.sigmoid(parts[0][:, : 2 * units] + inner[:, : 2 * units])
        z, r = tf.split(gates, 2, axis=1)
        recalled = inner[:, 2 * units :]
        g = tf.tanh(parts[0][:, 2 * units :] + r * recalled)
        output = z * h + (1 - z) * g
        if mask is not None:
            output = tf.where(parts[1], output, h)
        return [output], [output, z, r, g, recalled]

    columns = None if mask is None else mask[..., None]
    sequences = [projected] if columns is None else [projected, columns]
    (last,), (hidden, z, r, g, recalled) = fold(body, sequences, [h], [tf.TensorSpec(h.shape, h.dtype)] * 5)

    def gradient(d_hidden: Any, d_last: Any) -> tuple[Any, Any, Any, Any]:
        before = tf.concat([h[None], hidden[:-1]], 0)
        to_g = (1 - z) * (1 - g * g)
        to_z, to_r = (before - g) * z * (1 - z), to_g * recalled * r * (1 - r)
        sequences = _masked([d_hidden, tf.concat([to_z, to_r, to_g * r], 2), z], columns)
        transposed = tf.transpose(kernel)

        def back(carried: list[Any], parts: list[Any]) -> tuple[list[Any], list[Any]]:
            dh = carried[0] + parts[0]
            d_inner = tf.concat([dh, dh, dh], 1) * parts[1]
            return [dh * parts[2] + tf.matmul(d_inner, transposed)], [d_inner, dh]

        specs = [tf.TensorSpec(projected.shape[1:], projected.dtype), tf.TensorSpec(h.shape, h.dtype)]
        (dh,), (d_inner, total) = fold(back, sequences[:3], [d_last], specs, reverse=True)
        to_g = to_g if columns is None else tf.where(columns, to_g, tf.zeros_like(to_g))
        d_projected = tf.concat([d_inner[..., : 2 * units], total * to_g], 2)
        return d_projected, dh, _kernel_gradient(h, hidden, d_inner), tf.reduce_sum(d_inner, [0, 1])

    return (hidden, last), gradient


def _masked(sequences: list[tf.Tensor], columns: tf.Tensor | None) -> list[tf.Tensor]:
    """Factors for the way back: under the mask nothing goes to the gates and all goes to the step before.

    The first sequence is the gradient itself, the last what passes on; one more passes the output's gradient on.
    """
    if columns is None:
        return sequences
    first, *slopes, passing = sequences
    slopes = [tf.where(columns, slope, tf.zeros_like(slope)) for slope in slopes]
    past = tf.cast(tf.logical_not(columns), first.dtype)
    return [first, *slopes, tf.where(columns, passing, tf.ones_like(passing)), past]


def _kernel_gradient(h: tf.Tensor, hidden: tf.Tensor, d_projected: tf.Tensor) -> tf.Tensor:
    """The gradient of the recurrent kernel: states before each step times gradients of the sums, over all steps."""
    before = tf.reshape(tf.concat([h[None], hidden[:-1]], 0), [-1, h.shape[-1]])
    return tf.matmul(before, tf.reshape(d_projected, [-1, d_projected.shape[-1]]), transpose_a=True)
