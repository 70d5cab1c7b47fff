"""The coefficient of determination."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.metrics.alignment import matrices
from kerasish.metrics.base import METRICS, Metric

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@METRICS.register()
class R2Score(Metric):
    """The share of the labels' variance that predictions explain.

    `1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)`, for each output.

    Args:
        class_aggregation: None for one score per output, `"uniform_average"` for their mean,
            `"variance_weighted_average"` for their mean weighted by the outputs' variance.
        num_regressors: if not 0, the score is adjusted for that many regressors; without effect until there are at
            least two labels more than that.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.

    Raises:
        ValueError: for another aggregation, or a negative number of regressors.
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(name, dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"`class_aggregation` must be None, 'uniform_average' or 'variance_weighted_average'. "
                f"Received: class_aggregation={class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"`num_regressors` must not be negative. Received: num_regressors={num_regressors!r}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight("num_samples", dtype="int32")
        self.built = False

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's sums.

        Args:
            y_true: labels, `(batch, outputs)`.
            y_pred: predictions, `(batch, outputs)`.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.

        Raises:
            ValueError: for labels or predictions of another rank.
        """
        y_true, y_pred, weights = matrices(y_true, y_pred, sample_weight, self._dtype, "outputs")
        if not self.built:
            self._build(y_pred.shape[1])
        for variable, values in (
            (self.sum, y_true),
            (self.squared_sum, y_true**2),
            (self.residual, (y_true - y_pred) ** 2),
            (self.count, tf.ones_like(y_true)),
        ):
            variable.assign_add(tf.reduce_sum(values * weights, 0), read_value=False)
        self.num_samples.assign_add(tf.size(y_true), read_value=False)

    def result(self) -> tf.Tensor:
        """The score so far: `(outputs,)` without an aggregation, else a scalar; 0 before the first batch."""
        if not self.built:
            return tf.zeros((), self._dtype)
        mean = self.sum.read_value() / self.count
        variation = self.squared_sum.read_value() - self.sum * mean
        scores = 1 - self.residual.read_value() / variation
        scores = tf.where(tf.math.is_inf(scores), tf.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            scores = tf.reduce_mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = tf.reduce_sum(variation * scores) / tf.reduce_sum(variation)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: tf.Tensor) -> tf.Tensor:
        samples = tf.cast(self.num_samples.read_value(), self._dtype)
        freedom = samples - self.num_regressors - 1
        return tf.where(freedom > 0, 1 - tf.math.divide_no_nan((1 - scores) * (samples - 1), freedom), scores)

    def _build(self, outputs: int | None) -> None:
        if outputs is None:
            raise ValueError("The number of outputs must be known. Received: y_pred of shape (batch, None)")
        self.squared_sum = self.add_weight("squared_sum", (outputs,))
        self.sum = self.add_weight("sum", (outputs,))
        self.residual = self.add_weight("residual", (outputs,))
        self.count = self.add_weight("count", (outputs,))
        self.built = True
