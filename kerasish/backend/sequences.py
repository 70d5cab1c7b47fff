"""Recurrences over time, and labels without places in time (CTC)."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from kerasish.core.settings import epsilon
from kerasish.ops import recurrence


def rnn(
    step_function: Callable[[Any, Any], tuple[Any, Any]], inputs: Any, initial_states: Any, go_backwards: bool = False,
    mask: Any = None, constants: Sequence[Any] | None = None, unroll: bool = False, input_length: Any = None,
    time_major: bool = False, zero_output_for_mask: bool = False, return_all_outputs: bool = True,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The last output, all outputs `(batch, time, ...)`, and the last states of a step repeated along time.

    Where the mask is False the states stay and the output is that of the step before (zeros before the first).

    Args:
        step_function: from the inputs of one step, `(batch, ...)`, and the list of states (then of constants) to an
            output and new states.
        inputs: `(batch, time, ...)`, or a structure of such tensors.
        initial_states: the states before the first step.
        go_backwards: whether time runs from the end; the outputs come in the order in which they are computed.
        mask: booleans `(batch, time)`.
        constants: further tensors for every step.
        unroll: whether the graph holds every step instead of a loop.
        input_length: accepted; the length is the inputs' own.
        time_major: whether inputs, mask and outputs are `(time, batch, ...)`.
        zero_output_for_mask: whether outputs under the mask are zero.
        return_all_outputs: whether there are outputs of all steps; otherwise only of the last, `(batch, 1, ...)`.

    Raises:
        ValueError: if the number of steps is unknown and the loop shall be unrolled.
    """
    swap = (lambda value: value) if time_major else _swapped
    sequence = tf.nest.map_structure(swap, inputs)
    shown = None if mask is None else swap(tf.cast(mask, tf.bool))
    if shown is not None and shown.shape.rank == 3:
        shown = shown[..., 0]
    if go_backwards:
        sequence = tf.nest.map_structure(_reversed, sequence)
        shown = None if shown is None else _reversed(shown)
    further = list(constants or ())

    def step(values: Any, states: Any) -> tuple[Any, Any]:
        output, new = step_function(values, [*states, *further])
        return output, list(new)

    outputs, last, states = recurrence.scan(
        step, sequence, list(initial_states), shown, zero_masked=zero_output_for_mask, unroll=unroll,
        all_outputs=return_all_outputs,
    )  # fmt: skip
    if not return_all_outputs:
        outputs = tf.nest.map_structure(lambda value: value[None], last)
    return last, tf.nest.map_structure(swap, outputs), states


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> tf.Tensor:
    """The CTC loss of each sample, `(batch, 1)`.

    Args:
        y_true: labels `(batch, longest)`.
        y_pred: probabilities `(batch, time, classes + 1)`, those of the blank last.
        input_length: steps of each sample, `(batch, 1)`.
        label_length: labels of each sample, `(batch, 1)`.

    Source: A. Graves et al., Connectionist Temporal Classification (2006).
    """
    steps, labels = (tf.cast(tf.squeeze(length, -1), tf.int32) for length in (input_length, label_length))
    loss = tf.nn.ctc_loss(
        tf.cast(y_true, tf.int32), _logits(y_pred), labels, steps, logits_time_major=True, blank_index=-1
    )
    return tf.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """The likeliest labels `(batch, time)`, filled up with -1, for each path, and the paths' scores.

    Args:
        y_pred: probabilities `(batch, time, classes + 1)`, those of the blank last.
        input_length: steps of each sample, `(batch,)`.
        greedy: whether to take the likeliest class at each step, whose score is the negative sum of their logarithms;
            otherwise a beam search, whose scores are the paths' log probabilities.
        beam_width: width of the beam.
        top_paths: how many paths a beam search returns.
    """
    logits, steps = _logits(y_pred), tf.cast(input_length, tf.int32)
    if greedy:
        paths, scores = tf.nn.ctc_greedy_decoder(logits, steps)
    else:
        paths, scores = tf.nn.ctc_beam_search_decoder(logits, steps, beam_width, top_paths)
    batch, longest = tf.unstack(tf.shape(y_pred, tf.int64)[:2])
    wide = [tf.SparseTensor(path.indices, path.values, tf.stack([batch, longest])) for path in paths]
    return [tf.sparse.to_dense(path, default_value=-1) for path in wide], scores


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> tf.SparseTensor:
    """Labels `(batch, longest)` as a sparse tensor that holds as many of each row as its length says."""
    labels = tf.convert_to_tensor(labels)
    indices = tf.where(tf.sequence_mask(label_lengths, tf.shape(labels)[1]))
    return tf.SparseTensor(indices, tf.gather_nd(labels, indices), tf.shape(labels, tf.int64))


def _logits(y_pred: Any) -> tf.Tensor:
    """Logarithms of probabilities, `(time, batch, classes)`."""
    return tf.math.log(_swapped(tf.convert_to_tensor(y_pred)) + epsilon())


def _swapped(value: Any) -> tf.Tensor:
    return tf.transpose(value, [1, 0, *range(2, value.shape.rank)])


def _reversed(value: tf.Tensor) -> tf.Tensor:
    return tf.reverse(value, [0])
