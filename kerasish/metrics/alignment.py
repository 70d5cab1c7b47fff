"""Shapes of labels, predictions and weights brought to agree, as losses and metrics of tf.keras 2 take them."""
from __future__ import annotations

from typing import Any

import tensorflow as tf


def as_tensor(values: Any) -> Any:
    """The values as a tensor; a tensor is returned as it is."""
    return values if isinstance(values, (tf.Tensor, tf.RaggedTensor)) else tf.convert_to_tensor(values)


def cast(values: Any, dtype: tf.DType | str) -> Any:
    """The tensor in that type; itself where it has it."""
    return values if values.dtype == dtype else tf.cast(values, dtype)


def to_dtype(values: Any, dtype: str) -> Any:
    """The values as a tensor of that type; a tensor that has it already is returned as it is."""
    return cast(as_tensor(values), dtype)


def align(y_true: tf.Tensor, y_pred: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both tensors, the last axis of the one with an axis more removed if its size is 1."""
    excess = _excess_rank(y_pred, y_true)
    if excess == 1 and y_pred.shape[-1] == 1:
        return y_true, tf.squeeze(y_pred, -1)
    if excess == -1 and y_true.shape[-1] == 1:
        return tf.squeeze(y_true, -1), y_pred
    return y_true, y_pred


def check_same_shape(y_true: tf.Tensor, y_pred: tf.Tensor) -> None:
    """Raises ValueError if the static shapes contradict each other."""
    if not y_true.shape.is_compatible_with(y_pred.shape):
        raise ValueError(
            f"`y_true` and `y_pred` must have the same shape. Received: y_true.shape={y_true.shape}, "
            f"y_pred.shape={y_pred.shape}"
        )


def spread(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The weights repeated to the shape of the values; weights of fewer axes belong to the first ones.

    Raises:
        ValueError: if the static shapes do not allow it.
    """
    excess = _excess_rank(weights, values)
    if weights.shape.rank == 0 or excess == 0:
        pass
    elif excess == 1 and weights.shape[-1] in (1, None):
        weights = tf.squeeze(weights, -1)
    elif excess == -1:
        weights = tf.expand_dims(weights, -1)
    elif excess is None or excess < -1:
        missing = tf.ones(tf.rank(values) - tf.rank(weights), tf.int32)
        weights = tf.reshape(weights, tf.concat([tf.shape(weights), missing], 0))
    if not _repeats_to(weights.shape, values.shape):
        raise ValueError(
            f"`sample_weight` must have one value per sample, or the shape of the values it weighs. "
            f"Received: sample_weight.shape={weights.shape}, values.shape={values.shape}"
        )
    return weights if _same_static_shape(weights, values) else tf.broadcast_to(weights, tf.shape(values))


def matrices(
    y_true: Any, y_pred: Any, sample_weight: Any, dtype: str, columns: str
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Labels and predictions `(batch, columns)` and a weight for each of their numbers, in that type.

    Raises:
        ValueError: for labels or predictions of another rank, or weights that do not fit.
    """
    y_true, y_pred = to_dtype(y_true, dtype), to_dtype(y_pred, dtype)
    check_same_shape(y_true, y_pred)
    if y_pred.shape.rank != 2:
        raise ValueError(f"`y_true` and `y_pred` must have the shape (batch, {columns}). Received: {y_pred.shape}")
    if sample_weight is None:
        return y_true, y_pred, tf.ones_like(y_pred)
    return y_true, y_pred, spread(to_dtype(sample_weight, dtype), y_pred)


def _excess_rank(tensor: tf.Tensor, reference: tf.Tensor) -> int | None:
    rank, reference_rank = tensor.shape.rank, reference.shape.rank
    return None if rank is None or reference_rank is None else rank - reference_rank


def _same_static_shape(one: tf.Tensor, other: tf.Tensor) -> bool:
    return one.shape.is_fully_defined() and other.shape.is_fully_defined() and one.shape == other.shape


def _repeats_to(shape: tf.TensorShape, target: tf.TensorShape) -> bool:
    if shape.rank is None or target.rank is None or shape.rank == 0:
        return True
    return shape.rank == target.rank and all(
        size in (1, None) or wanted is None or size == wanted for size, wanted in zip(shape, target, strict=True)
    )
