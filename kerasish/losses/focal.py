"""Focal cross-entropies: samples that are classified well already weigh less.

Source: T. Lin et al., Focal Loss for Dense Object Detection (2017).
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.losses.base import LOSSES, FunctionLoss, check_options, same_type
from kerasish.losses.crossentropy import (
    binary_values,
    check_same_shape,
    find_logits,
    normalized,
    smooth_binary,
    smooth_categorical,
)


@LOSSES.register()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tf.Tensor:
    """The binary cross-entropy times `(1 - p)^gamma`, p being the right label's probability; mean over the axis.

    Args:
        y_true: labels `(..., outputs)`.
        y_pred: probabilities, or logits, of the same shape.
        apply_class_balancing: whether label 1 weighs `alpha` and label 0 `1 - alpha`.
        alpha: the weight of label 1.
        gamma: how fast good predictions lose weight; 0 gives the plain cross-entropy.
        from_logits: whether `y_pred` are logits.
        label_smoothing: from 0 to 1, the part of each label that is replaced by 0.5.
        axis: the axis that is averaged.

    Raises:
        ValueError: for a negative gamma, a smoothing outside 0 to 1 or an axis that is no integer.
    """
    check_options(gamma=gamma, label_smoothing=label_smoothing, axis=axis)
    y_true, y_pred = same_type(y_true, y_pred)
    y_true = smooth_binary(y_true, label_smoothing)
    p = tf.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * p + (1.0 - y_true) * (1.0 - p)
    values = tf.pow(1.0 - right, gamma) * binary_values(y_true, y_pred, from_logits)
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return tf.reduce_mean(values, axis=axis)


@LOSSES.register()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tf.Tensor:
    """`-sum(alpha (1 - p)^gamma t log p)` over the classes.

    Args:
        y_true: one-hot labels `(..., classes)`.
        y_pred: probabilities (they are divided by their sum), or logits, of the same shape.
        alpha: a weight, or one for each class.
        gamma: how fast good predictions lose weight; 0 leaves the cross-entropy times alpha.
        from_logits: whether `y_pred` are logits.
        label_smoothing: from 0 to 1, the part of each label that is spread evenly over the classes.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes differ, or for a gamma, smoothing or axis outside its range.
    """
    check_options(gamma=gamma, label_smoothing=label_smoothing, axis=axis)
    y_true, y_pred = same_type(y_true, y_pred)
    check_same_shape(y_true, y_pred)
    y_true = smooth_categorical(y_true, label_smoothing)
    logits = find_logits(y_pred, "Softmax", from_logits)
    p = normalized(y_pred if logits is None else tf.nn.softmax(logits, axis), axis)
    return -tf.reduce_sum(alpha * tf.pow(1.0 - p, gamma) * y_true * tf.math.log(p), axis=axis)


@LOSSES.register()
class BinaryFocalCrossentropy(FunctionLoss, fn=binary_focal_crossentropy, default_name="binary_focal_crossentropy"):
    """The binary cross-entropy with less weight on what is predicted well."""


@LOSSES.register()
class CategoricalFocalCrossentropy(
    FunctionLoss, fn=categorical_focal_crossentropy, default_name="categorical_focal_crossentropy"
):
    """The cross-entropy of one-hot labels with less weight on what is predicted well."""
