"""Recurrences over time: a loop over any step. Sequences are time-major, `(time, batch, ...)`."""

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


def last_under_mask(state: tf.Tensor, mask: tf.Tensor | None, zero_masked: bool) -> tf.Tensor:
    """The output of the last step, given the state `(batch, units)` after it: zeros if all steps so far are masked."""
    if mask is None:
        return state
    seen = mask[-1] if zero_masked else tf.reduce_any(mask, 0)
    return tf.where(seen[:, None], state, tf.zeros_like(state))
