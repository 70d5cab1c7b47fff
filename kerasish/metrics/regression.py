"""Errors and similarities of predicted numbers."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.losses import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasish.metrics.alignment import align, check_same_shape, to_dtype
from kerasish.metrics.base import METRICS
from kerasish.metrics.reduction import Mean, MeanMetricWrapper

METRICS.register("mse", "MSE")(mean_squared_error)
METRICS.register("mae", "MAE")(mean_absolute_error)
METRICS.register("mape", "MAPE")(mean_absolute_percentage_error)
METRICS.register("msle", "MSLE")(mean_squared_logarithmic_error)
METRICS.register("logcosh")(log_cosh)


@METRICS.register("cosine_proximity")
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> tf.Tensor:
    """The cosine of the angle between labels and predictions, `sum(y_true * y_pred) / (|y_true| * |y_pred|)`.

    1 is the same direction and -1 the opposite one, other than the loss of that name.

    Args:
        y_true: labels, `(batch, ..., n)`.
        y_pred: predictions of the same shape.
        axis: the axis along which the vectors lie.
    """
    y_pred = tf.convert_to_tensor(y_pred)
    y_true = tf.cast(y_true, y_pred.dtype)
    return tf.reduce_sum(tf.math.l2_normalize(y_true, axis) * tf.math.l2_normalize(y_pred, axis), axis)


@METRICS.register()
class MeanSquaredError(MeanMetricWrapper, fn=mean_squared_error, default_name="mean_squared_error"):
    """The mean of `(y_true - y_pred)**2`."""


@METRICS.register()
class MeanAbsoluteError(MeanMetricWrapper, fn=mean_absolute_error, default_name="mean_absolute_error"):
    """The mean of `|y_true - y_pred|`."""


@METRICS.register()
class MeanAbsolutePercentageError(
    MeanMetricWrapper, fn=mean_absolute_percentage_error, default_name="mean_absolute_percentage_error"
):
    """The mean of `100 * |y_true - y_pred| / |y_true|`."""


@METRICS.register()
class MeanSquaredLogarithmicError(
    MeanMetricWrapper, fn=mean_squared_logarithmic_error, default_name="mean_squared_logarithmic_error"
):
    """The mean of `(log(1 + y_true) - log(1 + y_pred))**2`."""


@METRICS.register()
class LogCoshError(MeanMetricWrapper, fn=log_cosh, default_name="logcosh"):
    """The mean of `log(cosh(y_pred - y_true))`."""


@METRICS.register()
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions, 1 for the same direction.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        axis: the axis along which the vectors lie.
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


@METRICS.register()
class RootMeanSquaredError(Mean):
    """The root of the mean of `(y_true - y_pred)**2` over all samples and outputs.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes the squared errors of one batch in.

        Args:
            y_true: labels, `(batch, ...)`.
            y_pred: predictions of the same shape.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.
        """
        y_true, y_pred = align(to_dtype(y_true, self._dtype), to_dtype(y_pred, self._dtype))
        super().update_state(tf.math.squared_difference(y_pred, y_true), sample_weight)

    def result(self) -> tf.Tensor:
        """The root so far."""
        return tf.sqrt(super().result())


@METRICS.register()
class MeanRelativeError(Mean):
    """The mean of `|y_true - y_pred| / normalizer`, 0 where the normalizer is 0.

    Args:
        normalizer: numbers of the labels' shape.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
    """

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None):
        super().__init__(name, dtype)
        self.normalizer = to_dtype(normalizer, self._dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes the relative errors of one batch in.

        Args:
            y_true: labels of the normalizer's shape.
            y_pred: predictions of the same shape.
            sample_weight: weights, `(batch,)` or a shape that can be repeated to that of the predictions.

        Raises:
            ValueError: if labels and predictions have different shapes.
        """
        y_true, y_pred = align(to_dtype(y_true, self._dtype), to_dtype(y_pred, self._dtype))
        check_same_shape(y_true, y_pred)
        _check_normalizer(self.normalizer, y_true)
        errors = tf.math.divide_no_nan(tf.abs(y_true - y_pred), self.normalizer)
        super().update_state(errors, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the normalizer as a list."""
        return {"name": self.name, "dtype": self._dtype, "normalizer": self.normalizer.numpy().tolist()}


def _check_normalizer(normalizer: tf.Tensor, y_true: tf.Tensor) -> None:
    try:
        tf.broadcast_static_shape(normalizer.shape, y_true.shape)
    except ValueError:
        raise ValueError(
            f"`normalizer` must have the shape of `y_true`. Received: normalizer.shape={normalizer.shape}, "
            f"y_true.shape={y_true.shape}"
        ) from None
