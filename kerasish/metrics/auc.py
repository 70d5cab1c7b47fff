"""The area under the ROC, the precision-recall or the precision-recall-gain curve."""
from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.metrics.alignment import align, check_same_shape, spread, to_dtype
from kerasish.metrics.base import METRICS, Metric
from kerasish.ops.confusion import Counts, are_even, confusion_counts


class AUCCurve(enum.Enum):
    """Which curve's area is meant."""

    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PR_GAIN"


class AUCSummationMethod(enum.Enum):
    """The height of the area between two points: mean (or the curve's own), smaller, or larger of the two."""

    INTERPOLATION = "interpolation"
    MINORING = "minoring"
    MAJORING = "majoring"


@METRICS.register()
class AUC(Metric):
    """The area under a curve over thresholds, by Riemann sums.

    Args:
        num_thresholds: how many thresholds there are, those just outside 0 and 1 among them.
        curve: `"ROC"`, `"PR"` or `"PR_GAIN"`.
        summation_method: `"interpolation"`, `"minoring"` or `"majoring"`: between two thresholds the mean (for PR the
            area under the interpolated true positives), the lower or the higher value.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        thresholds: thresholds of your own instead of `num_thresholds`; those just outside 0 and 1 are added.
        multi_label: whether each output has a curve of its own, their areas being averaged.
        num_labels: the number of outputs, with `multi_label`; by default learnt from the first batch.
        label_weights: a weight for each output, in the average (`multi_label`) or in the counts.
        from_logits: whether predictions are logits, taken through a sigmoid first.

    Raises:
        ValueError: for a curve or method that is not known, fewer than two thresholds, thresholds out of [0, 1],
            negative weights, or weights that are not one per label.

    Source: J. Davis and M. Goadrich, The relationship between precision-recall and ROC curves (2006); P. Flach and
    M. Kull, Precision-recall-gain curves (2015).
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        self._inner = _inner_thresholds(num_thresholds, thresholds)
        self._thresholds_given = thresholds is not None
        self.curve = _member(AUCCurve, "curve", curve)
        self.summation_method = _member(AUCSummationMethod, "summation_method", summation_method)
        super().__init__(name, dtype)
        self.num_thresholds = len(self._inner) + 2
        self.multi_label = multi_label
        self.num_labels = num_labels
        self._from_logits = from_logits
        self._evenly = are_even([0.0, *self._inner, 1.0])
        self.label_weights = _checked_weights(label_weights, num_labels if multi_label else None, self._dtype)
        self.built = False
        if not multi_label or num_labels:
            self._build((num_labels,) if multi_label else ())

    @property
    def thresholds(self) -> list[float]:
        """All thresholds in ascending order, the first just below 0, the last just above 1."""
        return [0.0 - settings.epsilon(), *self._inner, 1.0 + settings.epsilon()]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's counts.

        Args:
            y_true: labels, anything but 0 counting as positive, `(batch, ...)`; with `multi_label` `(batch, labels)`.
            y_pred: predictions of the same shape, in [0, 1] unless `from_logits`.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.
        """
        y_true, y_pred = align(to_dtype(y_true, self._dtype), to_dtype(y_pred, self._dtype))
        check_same_shape(y_true, y_pred)
        if self.multi_label:
            y_true, y_pred = self._as_matrix(y_true), self._as_matrix(y_pred)
        if not self.built:
            self._build((y_pred.shape[1],))
        scores = tf.sigmoid(y_pred) if self._from_logits else y_pred
        positive, weights = tf.cast(y_true, tf.bool), self._weights(sample_weight, y_pred)
        if not self.multi_label:
            positive, scores = tf.reshape(positive, [-1]), tf.reshape(scores, [-1])
            weights = None if weights is None else tf.reshape(weights, [-1])
        counts = confusion_counts(positive, scores, weights, self.thresholds, self._evenly)
        for outcome in Counts._fields:
            getattr(self, outcome).assign_add(getattr(counts, outcome), read_value=False)

    def result(self) -> tf.Tensor:
        """The area so far, a scalar; 0 before the first batch."""
        if not self.built:
            return tf.zeros((), self._dtype)
        if self.curve is AUCCurve.PR and self.summation_method is AUCSummationMethod.INTERPOLATION:
            return self.interpolate_pr_auc()
        x, y = _curve(self.curve, self._counts())
        return self._mean_of_labels((x[:-1] - x[1:]) * _heights(self.summation_method, y))

    def interpolate_pr_auc(self) -> tf.Tensor:
        """The area under the interpolated precision-recall curve so far, a scalar, whatever `curve` is."""
        return self._mean_of_labels(interpolated_pr_areas(self._counts()))

    def _counts(self) -> Counts:
        return Counts(*(getattr(self, outcome).read_value() for outcome in Counts._fields))

    def _mean_of_labels(self, areas: tf.Tensor) -> tf.Tensor:
        area = tf.reduce_sum(areas, 0)
        if not self.multi_label:
            return area
        if self.label_weights is None:
            return tf.reduce_mean(area)
        return tf.math.divide_no_nan(tf.reduce_sum(area * self.label_weights), tf.reduce_sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        weights = self.label_weights
        config = {
            "name": self.name,
            "dtype": self._dtype,
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if weights is None else weights.tolist(),
            "from_logits": self._from_logits,
        }
        if self._thresholds_given:
            config["thresholds"] = list(self._inner)
        return config

    def _build(self, label_shape: tuple[int | None, ...]) -> None:
        shape = (self.num_thresholds, *label_shape)
        for outcome in Counts._fields:
            setattr(self, outcome, self.add_weight(outcome, shape))
        self.built = True

    def _as_matrix(self, values: tf.Tensor) -> tf.Tensor:
        values = values[:, None] if values.shape.rank == 1 else values
        if values.shape.rank != 2 or values.shape[1] is None:
            raise ValueError(f"With `multi_label` values must have the shape (batch, labels). Received: {values.shape}")
        expected = self.num_labels or (self.true_positives.shape[1] if self.built else None)
        if expected not in (None, values.shape[1]):
            raise ValueError(f"Expected {expected} labels (`num_labels`). Received: values of shape {values.shape}")
        return values

    def _weights(self, sample_weight: Any, values: tf.Tensor) -> tf.Tensor | None:
        weights = None if sample_weight is None else spread(to_dtype(sample_weight, self._dtype), values)
        if self.label_weights is None or self.multi_label:
            return weights
        own = tf.broadcast_to(self.label_weights, tf.shape(values))
        return own if weights is None else own * weights


def interpolated_pr_areas(counts: Counts) -> tf.Tensor:
    """The areas between neighbouring points of the precision-recall curve, `(thresholds - 1, ...)`.

    Between two points with `P` positive predictions, true positives are taken to lie on the line
    `TP = slope * P + intercept`; integrating the precision `TP / P` over the true positives gives
    `slope * (dTP + intercept * log(P_left / P_right))`, divided by the number of positives.
    """
    hits = counts.true_positives
    predicted = hits + counts.false_positives
    more_hits, more_predicted = hits[:-1] - hits[1:], predicted[:-1] - predicted[1:]
    slope = tf.math.divide_no_nan(more_hits, tf.maximum(more_predicted, 0))
    intercept = hits[1:] - slope * predicted[1:]
    both = tf.logical_and(predicted[:-1] > 0, predicted[1:] > 0)
    ratio = tf.where(both, tf.math.divide_no_nan(predicted[:-1], tf.maximum(predicted[1:], 0)), 1)
    positives = tf.maximum(hits[1:] + counts.false_negatives[1:], 0)
    return tf.math.divide_no_nan(slope * (more_hits + intercept * tf.math.log(ratio)), positives)


def _curve(curve: AUCCurve, counts: Counts) -> tuple[tf.Tensor, tf.Tensor]:
    """The curve's points by threshold."""
    hits, misses, alarms = counts.true_positives, counts.false_negatives, counts.false_positives
    recall = tf.math.divide_no_nan(hits, hits + misses)
    if curve is AUCCurve.ROC:
        return tf.math.divide_no_nan(alarms, alarms + counts.true_negatives), recall
    if curve is AUCCurve.PR:
        return recall, tf.math.divide_no_nan(hits, hits + alarms)
    odds = tf.math.divide_no_nan(hits + misses, alarms + counts.true_negatives)
    recall_gain, precision_gain = (1 - odds * tf.math.divide_no_nan(errors, hits) for errors in (misses, alarms))
    return tf.where(hits > 0, tf.maximum(recall_gain, 0), 0), precision_gain


def _heights(method: AUCSummationMethod, y: tf.Tensor) -> tf.Tensor:
    if method is AUCSummationMethod.INTERPOLATION:
        return (y[:-1] + y[1:]) / 2
    return (tf.minimum if method is AUCSummationMethod.MINORING else tf.maximum)(y[:-1], y[1:])


def _inner_thresholds(number: int, thresholds: Sequence[float] | None) -> list[float]:
    if thresholds is None:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number <= 1:
            raise ValueError(f"`num_thresholds` must be a whole number above 1. Received: num_thresholds={number!r}")
        return np.linspace(0.0, 1.0, number)[1:-1].tolist()
    if any(not 0 <= threshold <= 1 for threshold in thresholds):
        raise ValueError(f"`thresholds` must be in [0, 1]. Received: thresholds={thresholds!r}")
    return sorted(float(threshold) for threshold in thresholds)


def _member(kind: type[enum.Enum], argument: str, value: Any) -> Any:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(member.value) for member in kind)
        raise ValueError(f"`{argument}` must be one of {known}. Received: {argument}={value!r}") from None


def _checked_weights(label_weights: Any, labels: int | None, dtype: str) -> np.ndarray | None:
    if label_weights is None:
        return None
    weights = np.asarray(label_weights, dtype)
    if (weights < 0).any():
        raise ValueError(f"`label_weights` must not be negative. Received: label_weights={label_weights!r}")
    if labels is not None and weights.size != labels:
        raise ValueError(f"`label_weights` must hold {labels} weights. Received: label_weights={label_weights!r}")
    return weights
