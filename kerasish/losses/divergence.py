"""Losses between distributions and rates: Kullback-Leibler divergence and Poisson likelihood.

Each function takes targets and predictions `(..., size)` and returns `(...)`; each class reduces what it returns.
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.settings import epsilon
from kerasish.losses.base import LOSSES, FunctionLoss, same_type


@LOSSES.register("kullback_leibler_divergence", "kld", "KLD")
def kl_divergence(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`sum(y_true log(y_true / y_pred))` over the last axis; probabilities are kept between epsilon and 1.

    Source: S. Kullback, R. Leibler, On Information and Sufficiency (1951).
    """
    y_true, y_pred = same_type(y_true, y_pred)
    t, p = (tf.clip_by_value(y, epsilon(), 1) for y in (y_true, y_pred))
    return tf.reduce_sum(t * tf.math.log(t / p), axis=-1)


@LOSSES.register()
def poisson(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean(y_pred - y_true log(y_pred))` over the last axis: the likelihood of counts under predicted rates."""
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(y_pred - y_true * tf.math.log(y_pred + epsilon()), axis=-1)


@LOSSES.register()
class KLDivergence(FunctionLoss, fn=kl_divergence, default_name="kl_divergence"):
    """The Kullback-Leibler divergence of the predicted from the true distribution."""


@LOSSES.register()
class Poisson(FunctionLoss, fn=poisson, default_name="poisson"):
    """The negative logarithm of the Poisson likelihood, up to a constant."""
