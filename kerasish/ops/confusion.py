"""Weights of true and false positives and negatives at one or many thresholds.

Few thresholds are compared with every prediction; for many, each prediction is put into the bin between the two
thresholds around it, and the counts at a threshold are sums over the bins above it: `O(n log(thresholds))` instead of
`O(n * thresholds)`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

COMPARED_THRESHOLDS = 8
LOWEST_SCORE = -1e10


class Counts(NamedTuple):
    """Summed weights by outcome, each of shape `(thresholds,)` or `(thresholds, labels)`."""

    true_positives: tf.Tensor
    true_negatives: tf.Tensor
    false_positives: tf.Tensor
    false_negatives: tf.Tensor


def confusion_counts(
    positive: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor | None, thresholds: Sequence[float], evenly: bool = False
) -> Counts:
    """The outcomes' weights, a score above a threshold being a positive prediction.

    Args:
        positive: boolean labels, `(n,)` or `(n, labels)`.
        scores: predictions of the same shape.
        weights: weights of the same shape, or None for ones.
        thresholds: in any order.
        evenly: whether the thresholds are `i / (number - 1)`, the first and the last perhaps moved just outside [0, 1];
            scores are then clipped into [0, 1].
    """
    weights = tf.ones_like(scores) if weights is None else weights
    if len(thresholds) <= COMPARED_THRESHOLDS and not evenly:
        return _by_comparing(positive, scores, weights, thresholds)
    if evenly:
        return _by_binning(positive, _even_bins(scores, thresholds), weights, len(thresholds))
    order = np.argsort(thresholds, kind="stable")
    limits = tf.constant(np.asarray(thresholds)[order], scores.dtype)
    bins = tf.reshape(tf.searchsorted(limits, tf.reshape(scores, [-1])), tf.shape(scores))
    counts = _by_binning(positive, bins, weights, len(thresholds))
    return Counts(*(tf.gather(outcome, np.argsort(order)) for outcome in counts))


def are_even(thresholds: Sequence[float]) -> bool:
    """Whether at least three thresholds are those of a regular grid over [0, 1]."""
    if len(thresholds) < 3:
        return False
    return bool(np.allclose(thresholds, np.linspace(0.0, 1.0, len(thresholds)), atol=1e-7))


def keep_top_k(scores: tf.Tensor, k: int) -> tf.Tensor:
    """The scores along the last axis, all but the `k` largest replaced by a very low one."""
    best = tf.math.top_k(scores, k, sorted=False).indices
    kept = tf.reduce_any(tf.one_hot(best, tf.shape(scores)[-1], True, False, dtype=tf.bool), -2)
    return tf.where(kept, scores, LOWEST_SCORE)


def _by_comparing(positive: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor, thresholds: Sequence[float]) -> Counts:
    limits = tf.reshape(tf.constant(thresholds, scores.dtype), [-1] + [1] * scores.shape.rank)
    above = tf.cast(scores > limits, scores.dtype)
    of_positives = tf.where(positive, weights, 0)
    of_negatives = weights - of_positives
    hits, alarms = tf.reduce_sum(above * of_positives, 1), tf.reduce_sum(above * of_negatives, 1)
    return Counts(hits, tf.reduce_sum(of_negatives, 0) - alarms, alarms, tf.reduce_sum(of_positives, 0) - hits)


def _even_bins(scores: tf.Tensor, thresholds: Sequence[float]) -> tf.Tensor:
    """How many thresholds lie below each score."""
    intervals = len(thresholds) - 1
    bins = tf.cast(tf.math.ceil(tf.clip_by_value(scores, 0, 1) * intervals), tf.int32)
    return tf.maximum(bins, 1) if thresholds[0] < 0 else bins


def _by_binning(positive: tf.Tensor, bins: tf.Tensor, weights: tf.Tensor, thresholds: int) -> Counts:
    """The counts from the bin of each score, bin `i` lying above the first `i` thresholds."""
    segments = tf.cast(positive, tf.int32) * (thresholds + 1) + bins
    shape = [2, thresholds + 1]
    if bins.shape.rank > 1:
        labels = tf.shape(bins)[1]
        segments = segments * labels + tf.range(labels)
        shape = [*shape, labels]
    binned = tf.reshape(tf.math.unsorted_segment_sum(weights, segments, tf.reduce_prod(shape)), shape)
    sums = tf.cumsum(binned, axis=1, reverse=True)
    everything, above = tf.split(sums, [1, thresholds], axis=1)
    alarms, hits = tf.unstack(above)
    rejections, misses = tf.unstack(everything - above)
    return Counts(hits, rejections, alarms, misses)
