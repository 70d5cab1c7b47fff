"""Losses of margins: nothing is lost on what lies on the right side by 1 or more.

Each function takes targets and predictions `(..., size)` and returns `(...)`; each class reduces what it returns.
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.losses.base import LOSSES, FunctionLoss, same_type


@LOSSES.register()
def hinge(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean(max(1 - y_true y_pred, 0))` over the last axis, for labels -1 and 1; labels 0 and 1 are taken for those."""
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(tf.nn.relu(1.0 - _signs(y_true) * y_pred), axis=-1)


@LOSSES.register()
def squared_hinge(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`mean(max(1 - y_true y_pred, 0)^2)` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(tf.square(tf.nn.relu(1.0 - _signs(y_true) * y_pred)), axis=-1)


@LOSSES.register()
def categorical_hinge(y_true: Any, y_pred: Any) -> tf.Tensor:
    """`max(1 + largest wrong score - right score, 0)` over the last axis, for labels of 0 and 1."""
    y_true, y_pred = same_type(y_true, y_pred)
    right = tf.reduce_sum(y_true * y_pred, axis=-1)
    wrong = tf.reduce_max((1.0 - y_true) * y_pred, axis=-1)
    return tf.nn.relu(wrong - right + 1.0)


def _signs(labels: Any) -> tf.Tensor:
    """Labels as they are; -1 and 1 where all of them are 0 or 1."""
    binary = tf.reduce_all(tf.logical_or(tf.equal(labels, 0), tf.equal(labels, 1)))
    return tf.where(binary, 2.0 * labels - 1.0, labels)


@LOSSES.register()
class Hinge(FunctionLoss, fn=hinge, default_name="hinge"):
    """The mean of `max(1 - y_true y_pred, 0)`."""


@LOSSES.register()
class SquaredHinge(FunctionLoss, fn=squared_hinge, default_name="squared_hinge"):
    """The mean of `max(1 - y_true y_pred, 0)^2`."""


@LOSSES.register()
class CategoricalHinge(FunctionLoss, fn=categorical_hinge, default_name="categorical_hinge"):
    """The margin between the right class and the best wrong one."""
