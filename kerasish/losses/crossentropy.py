"""Cross-entropies between labels and predicted probabilities, or logits.

Probabilities that a softmax or sigmoid has just made are traced back to their logits (the `_keras_logits` that
`activations` leaves on them, or the operation in the graph): the value is the same where float32 can tell, and the
gradient does not vanish. Other probabilities are kept epsilon away from 0 and 1.
"""
from __future__ import annotations

import warnings
from typing import Any

import tensorflow as tf

from kerasish.core.settings import epsilon
from kerasish.losses.base import LOSSES, FunctionLoss, check_given, check_options, same_type
from kerasish.losses.reduction import as_tensor, cast
from kerasish.ops.bounds import check_range

_OUTSIDE = (
    "Received a label value of {number} which is outside the valid range of [0, {size}), the classes of `y_pred`.\n"
    "Correct the labels `y`, or give the model's output a unit for each class."
)


@LOSSES.register("bce", "BCE")
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> tf.Tensor:
    """`-mean(t log p + (1 - t) log(1 - p))` over the axis, for labels t of 0 or 1.

    Args:
        y_true: labels `(..., outputs)`.
        y_pred: probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` are logits.
        label_smoothing: from 0 to 1, the part of each label that is replaced by 0.5.
        axis: the axis that is averaged.

    Raises:
        ValueError: for a smoothing outside 0 to 1 or an axis that is no integer.
    """
    check_options(label_smoothing=label_smoothing, axis=axis)
    y_true, y_pred = same_type(y_true, y_pred)
    return tf.reduce_mean(binary_values(smooth_binary(y_true, label_smoothing), y_pred, from_logits), axis=axis)


def smooth_binary(labels: Any, smoothing: Any) -> Any:
    """Labels drawn towards 0.5."""
    return labels if _is_zero(smoothing) else labels * (1.0 - smoothing) + 0.5 * smoothing


def binary_values(labels: Any, y_pred: Any, from_logits: bool) -> tf.Tensor:
    """The binary cross-entropy of each element."""
    logits = find_logits(y_pred, "Sigmoid", from_logits)
    if logits is not None:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    e = epsilon()
    p = tf.clip_by_value(y_pred, e, 1.0 - e)
    return -(labels * tf.math.log(p + e) + (1.0 - labels) * tf.math.log(1.0 - p + e))


@LOSSES.register()
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> tf.Tensor:
    """`-sum(t log p)` over the classes, for one-hot labels or a distribution t.

    Args:
        y_true: labels `(..., classes)`.
        y_pred: probabilities (they are divided by their sum), or logits, of the same shape.
        from_logits: whether `y_pred` are logits.
        label_smoothing: from 0 to 1, the part of each label that is spread evenly over the classes.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes differ, for a smoothing outside 0 to 1 or an axis that is no integer.
    """
    check_options(label_smoothing=label_smoothing, axis=axis)
    y_true, y_pred = same_type(y_true, y_pred)
    check_same_shape(y_true, y_pred)
    y_true = smooth_categorical(y_true, label_smoothing)
    logits = find_logits(y_pred, "Softmax", from_logits)
    if logits is not None:
        return tf.nn.softmax_cross_entropy_with_logits(y_true, logits, axis=axis)
    return -tf.reduce_sum(y_true * tf.math.log(normalized(y_pred, axis)), axis=axis)


def smooth_categorical(labels: Any, smoothing: Any) -> Any:
    """Labels drawn towards the even distribution over the last axis."""
    if _is_zero(smoothing):
        return labels
    return labels * (1.0 - smoothing) + smoothing / tf.cast(tf.shape(labels)[-1], labels.dtype)


def normalized(probabilities: Any, axis: int) -> tf.Tensor:
    """Probabilities that sum to 1 along the axis, epsilon away from 0 and 1."""
    total = tf.reduce_sum(probabilities, axis=axis, keepdims=True)
    return tf.clip_by_value(probabilities / total, epsilon(), 1.0 - epsilon())


@LOSSES.register()
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> tf.Tensor:
    """`-log p[t]` for the number t of the right class.

    Args:
        y_true: class numbers `(...)` or `(..., 1)`; ragged where the predictions are.
        y_pred: probabilities, or logits, `(..., classes)`.
        from_logits: whether `y_pred` are logits.
        axis: the axis of the classes.
        ignore_class: a class number whose samples count as masked; their value is 0.

    Raises:
        ValueError: if there are not as many labels as predictions, or for an axis that is no integer.
    """
    check_options(axis=axis)
    if isinstance(y_pred, tf.RaggedTensor) and isinstance(y_true, tf.RaggedTensor):
        flat = (y_true.flat_values, y_pred.flat_values)
        return y_pred.with_flat_values(sparse_categorical_crossentropy(*flat, from_logits, axis, ignore_class))
    check_given(y_true, y_pred)
    given, y_pred = as_tensor(y_true), as_tensor(y_pred)
    labels = cast(given, tf.int64)
    logits = find_logits(y_pred, "Softmax", from_logits)
    if logits is None:
        logits = tf.math.log(tf.clip_by_value(y_pred, epsilon(), 1.0 - epsilon()))
    logits = _classes_last(logits, axis)
    labels = _labels_for(labels, logits)
    if ignore_class is None:
        check_range(given, _classes(logits), _OUTSIDE)
        return _sparse_values(labels, logits)
    kept = tf.not_equal(labels, tf.cast(ignore_class, tf.int64))
    labels = tf.where(kept, labels, tf.zeros_like(labels))
    check_range(labels, _classes(logits), _OUTSIDE)
    values = _sparse_values(labels, logits)
    values = tf.where(kept, values, tf.zeros_like(values))
    values._keras_mask = kept
    return values


def _sparse_values(labels: Any, logits: Any) -> tf.Tensor:
    """The cross-entropy of each label; for a matrix of logits the bare operation, at a third of the cost of a call."""
    single = labels.shape.rank == 1 and logits.shape.rank == 2 and logits.dtype in (tf.float32, tf.float64)
    if single and isinstance(logits, tf.Tensor):
        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=labels)[0]
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _classes(logits: Any) -> Any:
    known = logits.shape[-1] if logits.shape.rank else None
    return tf.shape(logits)[-1] if known is None else known


def _classes_last(logits: Any, axis: int) -> Any:
    rank = logits.shape.rank
    if axis == -1 or rank is None or axis % rank == rank - 1:
        return logits
    return tf.transpose(logits, [*(i for i in range(rank) if i != axis % rank), axis % rank])


def _labels_for(labels: Any, logits: Any) -> Any:
    """Labels in the shape of the logits without their classes."""
    wanted = logits.shape[:-1]
    if labels.shape.rank is not None and labels.shape.rank == wanted.rank and labels.shape.is_compatible_with(wanted):
        return labels
    given, count = labels.shape.num_elements(), wanted.num_elements()
    one_hot = wanted.rank is not None and labels.shape.rank == wanted.rank + 1 and labels.shape[-1] not in (1, None)
    if one_hot or (given is not None and count is not None and given != count):
        raise ValueError(
            f"A sparse cross-entropy needs one class number per prediction. Received: y_true of shape "
            f"{tuple(labels.shape)}, y_pred of shape {tuple(logits.shape)}\n"
            f"Fix: for one-hot labels use categorical_crossentropy."
        )
    return tf.reshape(labels, tf.shape(logits)[:-1])


def check_same_shape(y_true: Any, y_pred: Any) -> None:
    """Raises a ValueError if labels and predictions are known to differ in shape."""
    if not y_true.shape.is_compatible_with(y_pred.shape):
        raise ValueError(
            f"A categorical cross-entropy needs labels of the predictions' shape. Received: y_true of shape "
            f"{tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}\n"
            f"Fix: for class numbers instead of one-hot labels use sparse_categorical_crossentropy."
        )


def find_logits(y_pred: Any, operation: str, from_logits: bool) -> Any:
    """The logits behind predictions: themselves if they are logits, None if they are not and none are known."""
    logits = getattr(y_pred, "_keras_logits", None)
    made_by = getattr(y_pred, "op", None)
    if logits is None and made_by is not None and made_by.type == operation:
        logits = made_by.inputs[0]
    if logits is None:
        return y_pred if from_logits else None
    if from_logits:
        warnings.warn(
            f"from_logits=True was given, but y_pred are probabilities that a {operation.lower()} made. The loss uses "
            f"that function's logits. Leave out the activation or from_logits.",
            stacklevel=3,
        )
    return logits


def _is_zero(smoothing: Any) -> bool:
    return not tf.is_tensor(smoothing) and smoothing == 0


@LOSSES.register()
class BinaryCrossentropy(FunctionLoss, fn=binary_crossentropy, default_name="binary_crossentropy"):
    """The cross-entropy of labels that are 0 or 1, and independent of one another."""


@LOSSES.register()
class CategoricalCrossentropy(FunctionLoss, fn=categorical_crossentropy, default_name="categorical_crossentropy"):
    """The cross-entropy of one-hot labels."""


@LOSSES.register()
class SparseCategoricalCrossentropy(
    FunctionLoss,
    fn=sparse_categorical_crossentropy,
    default_name="sparse_categorical_crossentropy",
    without=("axis",),
):
    """The cross-entropy of class numbers; samples of class `ignore_class` are counted out."""
