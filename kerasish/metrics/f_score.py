"""F scores: means of precision and recall."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.metrics.alignment import matrices
from kerasish.metrics.base import METRICS, Metric

_AVERAGES = (None, "micro", "macro", "weighted")
_ALL_BUT_ZERO = 1e-12


@METRICS.register()
class FBetaScore(Metric):
    """The harmonic mean `(1 + beta**2) * precision * recall / (beta**2 * precision + recall)` for each class.

    Args:
        average: None for one score per class; `"micro"` counts all classes together, `"macro"` is the mean of the
            scores, `"weighted"` their mean weighted by the classes' labels.
        beta: how many times as much recall matters as precision.
        threshold: predictions above it count as 1; by default only the largest one of a sample does.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.

    Raises:
        ValueError: for another average, a beta not above 0, a threshold not in (0, 1].
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(name, dtype)
        if average not in _AVERAGES:
            raise ValueError(f"`average` must be None, 'micro', 'macro' or 'weighted'. Received: average={average!r}")
        if not isinstance(beta, (int, float)) or beta <= 0:
            raise ValueError(f"`beta` must be a number above 0. Received: beta={beta!r}")
        if threshold is not None and (not isinstance(threshold, (int, float)) or not 0 < threshold <= 1):
            raise ValueError(f"`threshold` must be a number in (0, 1]. Received: threshold={threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self.built = False

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's counts.

        Args:
            y_true: labels 0 or 1, `(batch, classes)`.
            y_pred: predictions, `(batch, classes)`.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.

        Raises:
            ValueError: for labels or predictions of another rank.
        """
        y_true, y_pred, weights = matrices(y_true, y_pred, sample_weight, self._dtype, "classes")
        if not self.built:
            self._build(y_pred.shape[1])
        predicted = tf.cast(self._positive(y_pred), self._dtype)
        axis = None if self.average == "micro" else 0
        for variable, outcome in (
            (self.true_positives, predicted * y_true),
            (self.false_positives, predicted * (1 - y_true)),
            (self.false_negatives, (1 - predicted) * y_true),
            (self.intermediate_weights, y_true),
        ):
            variable.assign_add(tf.reduce_sum(outcome * weights, axis), read_value=False)

    def result(self) -> tf.Tensor:
        """The score so far: `(classes,)` without an average, else a scalar; 0 before the first batch."""
        if not self.built:
            return tf.zeros((), self._dtype)
        hits = self.true_positives.read_value()
        precision = tf.math.divide_no_nan(hits, hits + self.false_positives)
        recall = tf.math.divide_no_nan(hits, hits + self.false_negatives)
        square = self.beta**2
        scores = tf.math.divide_no_nan((1 + square) * precision * recall, square * precision + recall)
        if self.average == "weighted":
            labels = self.intermediate_weights.read_value()
            return tf.reduce_sum(scores * tf.math.divide_no_nan(labels, tf.reduce_sum(labels)))
        return scores if self.average is None else tf.reduce_mean(scores)

    def _positive(self, y_pred: tf.Tensor) -> tf.Tensor:
        if self.threshold is not None:
            return y_pred > self.threshold
        return (y_pred >= tf.reduce_max(y_pred, -1, keepdims=True)) & (tf.abs(y_pred) > _ALL_BUT_ZERO)

    def _build(self, classes: int | None) -> None:
        if classes is None:
            raise ValueError("The number of classes must be known. Received: y_pred of shape (batch, None)")
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_weight("true_positives", shape)
        self.false_positives = self.add_weight("false_positives", shape)
        self.false_negatives = self.add_weight("false_negatives", shape)
        self.intermediate_weights = self.add_weight("intermediate_weights", shape)
        self.built = True


@METRICS.register()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, `FBetaScore` with `beta=1`; the other arguments are its."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)
