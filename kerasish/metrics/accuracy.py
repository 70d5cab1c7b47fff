"""How often predictions hit their labels."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.settings import floatx
from kerasish.metrics.alignment import align, as_tensor, cast
from kerasish.metrics.base import METRICS
from kerasish.metrics.reduction import MeanMetricWrapper


@METRICS.register("acc")
def accuracy(y_true: Any, y_pred: Any) -> tf.Tensor:
    """1 where labels and predictions are equal, else 0; of their shape."""
    y_true, y_pred = align(tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred))
    return tf.cast(tf.equal(tf.cast(y_true, y_pred.dtype), y_pred), floatx())


@METRICS.register()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> tf.Tensor:
    """The share of hits along the last axis, `mean(y_true == (y_pred > threshold))`.

    Args:
        y_true: labels 0 or 1, `(batch, ..., n)`.
        y_pred: predictions, `(batch, ..., n)`.
        threshold: predictions above it count as 1.
    """
    return tf.reduce_mean(binary_hits(y_true, y_pred, threshold), -1)


def binary_hits(y_true: Any, y_pred: Any, threshold: float = 0.5) -> tf.Tensor:
    """1 where `y_true == (y_pred > threshold)`, else 0; of their shape."""
    y_pred = tf.convert_to_tensor(y_pred)
    hard = tf.cast(y_pred > tf.cast(threshold, y_pred.dtype), y_pred.dtype)
    return tf.cast(tf.equal(tf.cast(y_true, y_pred.dtype), hard), floatx())


@METRICS.register()
def categorical_accuracy(y_true: Any, y_pred: Any) -> tf.Tensor:
    """1 where the largest prediction is at the place of the largest label, else 0.

    Args:
        y_true: one-hot labels or probabilities, `(batch, ..., classes)`.
        y_pred: predictions, `(batch, ..., classes)`.
    """
    return tf.cast(tf.equal(tf.argmax(y_true, -1), tf.argmax(y_pred, -1)), floatx())


@METRICS.register()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> tf.Tensor:
    """1 where the largest prediction is that of the labelled class, else 0.

    Args:
        y_true: class indices, `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: predictions, `(batch, ..., classes)`.
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    rank = y_true.shape.rank
    if rank is not None and rank == y_pred.shape.rank and y_true.shape[-1] == 1:
        y_true = tf.squeeze(y_true, -1)
    if y_true.dtype.is_integer and y_true.dtype != tf.int32:  # a narrower type might not hold the predicted class
        y_true = cast(y_true, tf.int64)
    best = cast(tf.argmax(y_pred, -1, tf.int32 if y_true.dtype == tf.int32 else tf.int64), y_true.dtype)
    return tf.raw_ops.Cast(x=tf.equal(y_true, best), DstT=floatx())


@METRICS.register()
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> tf.Tensor:
    """1 where the prediction for the largest label is among the `k` largest, else 0.

    Args:
        y_true: one-hot labels or probabilities, `(batch, ..., classes)`.
        y_pred: predictions, `(batch, ..., classes)`.
        k: how many of the largest predictions count; equal ones share their rank.
    """
    return sparse_top_k_categorical_accuracy(tf.argmax(y_true, -1), y_pred, k)


@METRICS.register()
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> tf.Tensor:
    """1 where the prediction for the labelled class is among the `k` largest, else 0; of the labels' shape.

    Args:
        y_true: class indices, `(batch, ...)`.
        y_pred: predictions, `(batch, ..., classes)`.
        k: how many of the largest predictions count; equal ones share their rank.
    """
    y_true, y_pred = tf.convert_to_tensor(y_true), tf.cast(y_pred, tf.float32)
    classes = tf.reshape(tf.cast(y_true, tf.int32), [-1])
    scores = y_pred if y_pred.shape.rank == 2 else tf.reshape(y_pred, tf.stack([-1, tf.shape(y_pred)[-1]]))
    hits = tf.cast(tf.math.in_top_k(classes, scores, k), floatx())
    return hits if y_true.shape.rank == 1 else tf.reshape(hits, tf.shape(y_true))


@METRICS.register()
class Accuracy(MeanMetricWrapper, fn=accuracy, default_name="accuracy"):
    """How often predictions equal their labels."""


@METRICS.register()
class CategoricalAccuracy(MeanMetricWrapper, fn=categorical_accuracy, default_name="categorical_accuracy"):
    """How often the largest of `(batch, ..., classes)` predictions is at the place of the one-hot label."""


@METRICS.register()
class SparseCategoricalAccuracy(
    MeanMetricWrapper, fn=sparse_categorical_accuracy, default_name="sparse_categorical_accuracy"
):
    """How often the largest of `(batch, ..., classes)` predictions is that of the class index."""

    _converts_labels = False


@METRICS.register()
class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions lie on their 0 or 1 label's side of a threshold.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        threshold: predictions above it count as 1; 0 for logits.
    """

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(binary_hits, name, dtype, threshold=threshold)


@METRICS.register()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label's class is among the `k` largest predictions.

    Args:
        k: how many of the largest predictions count.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@METRICS.register()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class index is among the `k` largest predictions.

    Args:
        k: how many of the largest predictions count.
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
    """

    _converts_labels = False

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)
