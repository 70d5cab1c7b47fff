"""Attention: weighted sums of values, the weights from the likeness of queries and keys.

Scores are kept as `(batch, queries, keys)`, with a heads axis before the queries where there are several heads.

Source: D. Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate (2014), additive
scores; A. Vaswani et al., Attention Is All You Need (2017), scaled dot products and several heads.
"""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# What is added to the score of an excluded position; float16 has no numbers as large.
_EXCLUDED = {"float16": -65504.0}
_MOST_SOFTMAX_AXES = 5


def dot_scores(query: tf.Tensor, key: tf.Tensor, scale: Any = None) -> tf.Tensor:
    """`scale query . key`, `(batch, queries, keys)`."""
    scores = tf.matmul(query, key, transpose_b=True)
    return scores if scale is None else scores * scale


def tanh_scores(query: tf.Tensor, key: tf.Tensor, inner: Any = None, outer: Any = None) -> tf.Tensor:
    """`sum(outer tanh(inner (query + key)))` over the features, `(batch, queries, keys)`."""
    sums = tf.expand_dims(query, -2) + tf.expand_dims(key, -3)
    bent = tf.tanh(sums if inner is None else inner * sums)
    return tf.reduce_sum(bent if outer is None else outer * bent, -1)


def causal_mask(queries: Any, keys: Any) -> tf.Tensor:
    """`(1, queries, keys)`, true where the key is not later than the query."""
    return tf.expand_dims(tf.range(queries)[:, tf.newaxis] >= tf.range(keys), 0)


def both(masks: Sequence[Any]) -> Any:
    """True where every mask that is given is true; None if none is."""
    given = [tf.cast(mask, tf.bool) for mask in masks if mask is not None]
    return functools.reduce(tf.logical_and, given) if given else None


def excluded(scores: tf.Tensor, mask: Any, fully: bool = False) -> tf.Tensor:
    """The scores, too low to count where the mask is false.

    Args:
        scores: scores of any shape.
        mask: true where a score counts, of a shape that broadcasts; None for everywhere.
        fully: whether an excluded score is replaced rather than lowered.
    """
    if mask is None:
        return scores
    lowest = tf.constant(_EXCLUDED.get(scores.dtype.name, -1e9), scores.dtype)
    if fully:
        return tf.where(mask, scores, lowest)
    return scores + tf.cast(tf.logical_not(mask), scores.dtype) * lowest


def softmax(scores: tf.Tensor, axes: int = 1) -> tf.Tensor:
    """Positive numbers that sum to 1 over the last axes together."""
    rank = scores.shape.rank
    if axes == 1 and rank <= _MOST_SOFTMAX_AXES:
        return tf.nn.softmax(scores)
    shape = tf.shape(scores)
    rows = tf.reshape(scores, tf.stack([-1, tf.reduce_prod(shape[rank - axes :])]))
    weights = tf.reshape(tf.nn.softmax(rows), shape)
    weights.set_shape(scores.shape)
    return weights


@functools.cache
def equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """How scores and outputs are summed, in the notation of `einsum`.

    Args:
        rank: the number of axes of query, key and value before they are split into heads.
        axes: those along which positions attend to each other.

    Returns:
        The sum that makes scores `(batch..., heads, queries..., keys...)` of key and query, and the one that makes
        outputs `(batch..., queries..., heads, size)` of scores and values.
    """
    letters = string.ascii_lowercase
    query = letters[: rank - 1]
    key = "".join(letter.upper() if place in axes else letter for place, letter in enumerate(query))
    shared = "".join(letter for place, letter in enumerate(query) if place not in axes)
    scores = f"{shared}y{''.join(query[axis] for axis in axes)}{''.join(key[axis] for axis in axes)}"
    return f"{key}yz,{query}yz->{scores}", f"{scores},{key}yz->{query}yz"


def multi_head_scores(query: tf.Tensor, key: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """`query . key / sqrt(size)` of each head, for `(batch, positions..., heads, size)`."""
    scaled = query * (1.0 / math.sqrt(query.shape[-1]))
    if _is_last(query, axes):
        return tf.raw_ops.BatchMatMul(x=_swapped(scaled), y=_swapped(key), adj_y=True)
    equation, _ = equations(query.shape.rank - 1, axes)
    return tf.einsum(equation, key, scaled)


def multi_head_sums(weights: tf.Tensor, value: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """The values of each head summed with the weights, `(batch, positions..., heads, size)`."""
    if _is_last(value, axes):
        return _swapped(tf.raw_ops.BatchMatMul(x=weights, y=_swapped(value)))
    _, equation = equations(value.shape.rank - 1, axes)
    return tf.einsum(equation, weights, value)


def _is_last(tensor: tf.Tensor, axes: tuple[int, ...]) -> bool:
    """Whether the only axis of attention of `(batch, positions..., heads, size)` is the one before the heads.

    Products of batches of matrices are then faster than `einsum`; the op without broadcasting has the lean gradient.
    """
    return axes == (tensor.shape.rank - 3,)


def _swapped(tensor: tf.Tensor) -> tf.Tensor:
    """`(..., heads, positions, size)` of `(..., positions, heads, size)` and the other way round."""
    rank = tensor.shape.rank
    return tf.transpose(tensor, [*range(rank - 3), rank - 2, rank - 3, rank - 1])
