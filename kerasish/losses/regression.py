"""Losses between numbers: squared, absolute, relative and logarithmic errors, and the angle between vectors.

Each function takes targets and predictions `(..., size)` and returns `(...)`; each class reduces what it returns.
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.settings import epsilon, floatx
from kerasish.losses.base import LOSSES, FunctionLoss, check_options, same_type
from kerasish.losses.reduction import as_tensor


@LOSSES.register("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean((y_true - y_pred)^2)` over the last axis."""
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(tf.math.squared_difference(y_pred, y_true), axis=-1)


@LOSSES.register("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean(|y_true - y_pred|)` over the last axis."""
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(tf.abs(y_pred - y_true), axis=-1)


@LOSSES.register("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`100 mean(|y_true - y_pred| / |y_true|)` over the last axis; targets count as at least epsilon."""
    y_true, y_pred = same_type(y_true, y_pred)
    return 100.0 * tf.reduce_mean(tf.abs(y_true - y_pred) / tf.maximum(tf.abs(y_true), epsilon()), axis=-1)


@LOSSES.register("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean((log(1 + y_true) - log(1 + y_pred))^2)` over the last axis; values count as at least epsilon."""
    y_true, y_pred = same_type(y_true, y_pred)
    predicted = tf.math.log(tf.maximum(y_pred, epsilon()) + 1.0)
    wanted = tf.math.log(tf.maximum(y_true, epsilon()) + 1.0)
    return tf.reduce_mean(tf.math.squared_difference(predicted, wanted), axis=-1)


@LOSSES.register("huber_loss")
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> tf.Tensor:
    """The mean over the last axis of `e^2 / 2` for errors up to delta and `delta |e| - delta^2 / 2` beyond.

    Source: P. Huber, Robust Estimation of a Location Parameter (1964).
    """
    check_options(delta=delta)
    error = tf.cast(as_tensor(y_pred), floatx()) - tf.cast(as_tensor(y_true), floatx())
    size, delta = tf.abs(error), tf.cast(delta, error.dtype)
    values = tf.where(size <= delta, 0.5 * tf.square(error), delta * size - 0.5 * tf.square(delta))
    return tf.reduce_mean(values, axis=-1)


@LOSSES.register("logcosh")
def log_cosh(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean(log(cosh(y_pred - y_true)))` over the last axis: `e^2 / 2` for small errors, `|e| - log 2` for large."""
    y_true, y_pred = same_type(y_true, y_pred)
    error = y_pred - y_true
    return tf.reduce_mean(error + tf.math.softplus(-2.0 * error) - tf.cast(tf.math.log(2.0), error.dtype), axis=-1)


@LOSSES.register()
def cosine_similarity(y_true: Any, y_pred: Any, axis: Any = -1) -> tf.Tensor:
    """Minus the cosine of the angle between target and prediction: -1 for the same direction, 0 for a zero vector."""
    check_options(axis=axis)
    y_true, y_pred = same_type(y_true, y_pred)
    return -tf.reduce_sum(tf.math.l2_normalize(y_true, axis) * tf.math.l2_normalize(y_pred, axis), axis=axis)


@LOSSES.register()
class MeanSquaredError(FunctionLoss, fn=mean_squared_error, default_name="mean_squared_error"):
    """The mean of squared errors, `(y_true - y_pred)^2`."""


@LOSSES.register()
class MeanAbsoluteError(FunctionLoss, fn=mean_absolute_error, default_name="mean_absolute_error"):
    """The mean of absolute errors, `|y_true - y_pred|`."""


@LOSSES.register()
class MeanAbsolutePercentageError(
    FunctionLoss, fn=mean_absolute_percentage_error, default_name="mean_absolute_percentage_error"
):
    """The mean of absolute errors in percent of the targets."""


@LOSSES.register()
class MeanSquaredLogarithmicError(
    FunctionLoss, fn=mean_squared_logarithmic_error, default_name="mean_squared_logarithmic_error"
):
    """The mean of squared errors of `log(1 + y)`."""


@LOSSES.register()
class Huber(FunctionLoss, fn=huber, default_name="huber_loss"):
    """Squared errors up to `delta`, absolute ones beyond."""


@LOSSES.register()
class LogCosh(FunctionLoss, fn=log_cosh, default_name="log_cosh"):
    """The logarithm of the hyperbolic cosine of the errors."""


@LOSSES.register()
class CosineSimilarity(FunctionLoss, fn=cosine_similarity, default_name="cosine_similarity"):
    """Minus the cosine of the angle between targets and predictions along `axis`."""
