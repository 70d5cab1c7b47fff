"""Metrics made of true and false positives and negatives: the counts, precision and recall, one rate at another."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.metrics.alignment import align, check_same_shape, spread, to_dtype
from kerasish.metrics.base import METRICS, Metric
from kerasish.ops.confusion import LOWEST_SCORE, Counts, are_even, confusion_counts, keep_top_k


class _ConfusionMetric(Metric):
    """A metric whose variables are summed weights of outcomes, one per threshold."""

    _outcomes: tuple[str, ...] = Counts._fields

    def __init__(self, thresholds: Sequence[float], name: str | None, dtype: Any):
        super().__init__(name, dtype)
        self.thresholds = list(thresholds)
        self._evenly = are_even(self.thresholds)

    def _add_outcome_weights(self) -> None:
        for outcome in self._outcomes:
            setattr(self, outcome, self.add_weight(outcome, (len(self.thresholds),)))

    def _counts(
        self, y_true: Any, y_pred: Any, sample_weight: Any, top_k: int | None = None, class_id: int | None = None
    ) -> Counts:
        """The batch's counts over all samples and outputs."""
        y_true, y_pred = align(to_dtype(y_true, self._dtype), to_dtype(y_pred, self._dtype))
        check_same_shape(y_true, y_pred)
        if top_k is not None:
            y_pred = keep_top_k(y_pred, top_k)
        if class_id is not None:
            _check_class(class_id, y_pred.shape)
            y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
        weights = None
        if sample_weight is not None:
            weights = tf.reshape(spread(to_dtype(sample_weight, self._dtype), y_pred), [-1])
        positive = tf.reshape(tf.cast(y_true, tf.bool), [-1])
        return confusion_counts(positive, tf.reshape(y_pred, [-1]), weights, self.thresholds, self._evenly)

    def _add(self, counts: Counts) -> None:
        for outcome in self._outcomes:
            getattr(self, outcome).assign_add(getattr(counts, outcome), read_value=False)

    def _of(self, outcome: str) -> tf.Tensor:
        return getattr(self, outcome).read_value()


class _OutcomeCount(_ConfusionMetric):
    """The summed weight of one outcome."""

    _counted = ""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(_as_thresholds(thresholds, 0.5), name, dtype)
        self.init_thresholds = thresholds.tolist() if isinstance(thresholds, np.ndarray) else thresholds
        self.accumulator = self.add_weight("accumulator", (len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's count.

        Args:
            y_true: labels, anything but 0 counting as positive, `(batch, ...)`.
            y_pred: predictions of the same shape.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.
        """
        counts = self._counts(y_true, y_pred, sample_weight)
        self.accumulator.assign_add(getattr(counts, self._counted), read_value=False)

    def result(self) -> tf.Tensor:
        """The count so far: a scalar for one threshold, else `(thresholds,)`."""
        return _scalar_if_one(self.accumulator.read_value())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self._dtype, "thresholds": self.init_thresholds}


@METRICS.register()
class TruePositives(_OutcomeCount):
    """The summed weight of positives predicted as such.

    Args:
        thresholds: one number in [0, 1] or several; predictions above count as positive; by default 0.5.
        name: the name under which the value is reported.
        dtype: type of the variable and the result.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    _counted = "true_positives"


@METRICS.register()
class TrueNegatives(_OutcomeCount):
    """The summed weight of negatives predicted as such; the arguments are those of `TruePositives`."""

    _counted = "true_negatives"


@METRICS.register()
class FalsePositives(_OutcomeCount):
    """The summed weight of negatives predicted as positive; the arguments are those of `TruePositives`."""

    _counted = "false_positives"


@METRICS.register()
class FalseNegatives(_OutcomeCount):
    """The summed weight of positives predicted as negative; the arguments are those of `TruePositives`."""

    _counted = "false_negatives"


class _TruePositiveShare(_ConfusionMetric):
    """True positives divided by them and one other outcome."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(_as_thresholds(thresholds, 0.5 if top_k is None else LOWEST_SCORE), name, dtype)
        self.init_thresholds = thresholds.tolist() if isinstance(thresholds, np.ndarray) else thresholds
        self.top_k = top_k
        self.class_id = class_id
        self._add_outcome_weights()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's counts.

        Args:
            y_true: labels, anything but 0 counting as positive, `(batch, ...)`.
            y_pred: predictions of the same shape.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.
        """
        self._add(self._counts(y_true, y_pred, sample_weight, self.top_k, self.class_id))

    def result(self) -> tf.Tensor:
        """The share so far, 0 where nothing was counted: a scalar for one threshold, else `(thresholds,)`."""
        hits, others = (self._of(outcome) for outcome in self._outcomes)
        return _scalar_if_one(tf.math.divide_no_nan(hits, hits + others))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "dtype": self._dtype,
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


@METRICS.register()
class Precision(_TruePositiveShare):
    """The share of true ones among the positive predictions, `TP / (TP + FP)`.

    Args:
        thresholds: one number in [0, 1] or several; predictions above count as positive; by default 0.5, or with
            `top_k` none.
        top_k: only the `k` largest predictions of the last axis can count as positive.
        class_id: only this index of the last axis is looked at.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    _outcomes = ("true_positives", "false_positives")


@METRICS.register()
class Recall(_TruePositiveShare):
    """The share of positives that are predicted as such, `TP / (TP + FN)`; the arguments are those of `Precision`."""

    _outcomes = ("true_positives", "false_negatives")


class _RateAtRate(_ConfusionMetric):
    """The best of one rate over the thresholds at which another reaches a wanted value."""

    _wanted, _reported = "", ""

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any):
        if not 0 <= value <= 1:
            raise ValueError(f"`{self._wanted}` must be in [0, 1]. Received: {self._wanted}={value!r}")
        if num_thresholds <= 0:
            raise ValueError(f"`num_thresholds` must be at least 1. Received: num_thresholds={num_thresholds!r}")
        grid = [0.5] if num_thresholds == 1 else np.linspace(0.0, 1.0, num_thresholds).tolist()
        super().__init__(grid, name, dtype)
        self.value = value
        setattr(self, self._wanted, value)
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self._add_outcome_weights()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's counts.

        Args:
            y_true: labels, anything but 0 counting as positive, `(batch, ...)`.
            y_pred: predictions of the same shape.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.
        """
        self._add(self._counts(y_true, y_pred, sample_weight, class_id=self.class_id))

    def result(self) -> tf.Tensor:
        """The best rate so far, 0 if the other rate reaches the wanted value at no threshold."""
        reached = self._rate(self._wanted) >= self.value
        return tf.reduce_max(tf.where(reached, self._rate(self._reported), 0))

    def _rate(self, name: str) -> tf.Tensor:
        hit, miss = {
            "sensitivity": ("true_positives", "false_negatives"),
            "recall": ("true_positives", "false_negatives"),
            "specificity": ("true_negatives", "false_positives"),
            "precision": ("true_positives", "false_positives"),
        }[name]
        hits = self._of(hit)
        return tf.math.divide_no_nan(hits, hits + self._of(miss))


@METRICS.register()
class SensitivityAtSpecificity(_RateAtRate):
    """The best sensitivity `TP / (TP + FN)` where the specificity `TN / (TN + FP)` is at least a given one.

    Args:
        specificity: the specificity to reach, in [0, 1].
        num_thresholds: how many thresholds from 0 to 1 are tried.
        class_id: only this index of the last axis is looked at.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.

    Raises:
        ValueError: for a number out of its range.
    """

    _wanted, _reported = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@METRICS.register()
class SpecificityAtSensitivity(_RateAtRate):
    """The best specificity `TN / (TN + FP)` where the sensitivity `TP / (TP + FN)` is at least a given one.

    The arguments are those of `SensitivityAtSpecificity`.
    """

    _wanted, _reported = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


@METRICS.register()
class PrecisionAtRecall(_RateAtRate):
    """The best precision `TP / (TP + FP)` where the recall `TP / (TP + FN)` is at least a given one.

    The arguments are those of `SensitivityAtSpecificity`.
    """

    _wanted, _reported = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@METRICS.register()
class RecallAtPrecision(_RateAtRate):
    """The best recall `TP / (TP + FN)` where the precision `TP / (TP + FP)` is at least a given one.

    The arguments are those of `SensitivityAtSpecificity`.
    """

    _wanted, _reported = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)


def _as_thresholds(thresholds: Any, default: float) -> list[float]:
    """A list of numbers in [0, 1], or of the default alone."""
    if thresholds is None:
        return [default]
    several = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    for threshold in several:
        if isinstance(threshold, (str, type(None))) or not 0 <= threshold <= 1:
            raise ValueError(f"`thresholds` must be numbers in [0, 1]. Received: thresholds={thresholds!r}")
    return [float(threshold) for threshold in several]


def _check_class(class_id: int, shape: tf.TensorShape) -> None:
    classes = shape[-1]
    if classes is not None and not -classes <= class_id < classes:
        raise ValueError(f"`class_id` must be below {classes} (size of the last axis). Received: class_id={class_id}")


def _scalar_if_one(values: tf.Tensor) -> tf.Tensor:
    return values[0] if values.shape[0] == 1 else values
