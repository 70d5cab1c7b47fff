"""What happens to gradients before a rule sees them: pairing with variables, clipping, sums of repeated rows."""
from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, TypeAlias

import tensorflow as tf

Gradient: TypeAlias = "tf.Tensor | tf.IndexedSlices"

_log = logging.getLogger("kerasish")


def paired(grads_and_vars: Iterable[Any], warned: set[str]) -> tuple[list[Gradient], list[tf.Variable]]:
    """The gradients that are not None, and their variables.

    Variables without a gradient are named in a warning once each; `warned` remembers them.

    Raises:
        ValueError: if no variable has a gradient, or a gradient has another shape or type than its variable.
        TypeError: if an entry is no pair of a gradient and a variable.
    """
    gradients: list[Gradient] = []
    variables: list[tf.Variable] = []
    missing: list[str] = []
    for entry in grads_and_vars:
        gradient, variable = _pair(entry)
        if gradient is None:
            missing.append(variable.name)
        else:
            gradients.append(_fitting(gradient, variable))
            variables.append(variable)
    if missing and not gradients:
        raise ValueError(
            f"No gradients provided for any variable: {', '.join(missing[:10])}.\n"
            "The loss does not depend on them. Compute it from them inside the tape, with TensorFlow operations only."
        )
    unseen = [name for name in missing if name not in warned]
    if unseen:
        warned.update(unseen)
        _log.warning("Gradients do not exist for variables %s; they keep their values.", unseen)
    return gradients, variables


def _pair(entry: Any) -> tuple[Any, tf.Variable]:
    if not isinstance(entry, (tuple, list)) or len(entry) != 2:
        raise TypeError(
            f"`grads_and_vars` must hold pairs of a gradient and its variable. Received: an entry of type "
            f"{type(entry).__name__}\nFix: apply_gradients(zip(gradients, variables))"
        )
    if not hasattr(entry[1], "assign"):
        raise TypeError(
            "The second part of each pair in `grads_and_vars` must be a tf.Variable. "
            f"Received: an object of type {type(entry[1]).__name__}"
        )
    return entry[0], entry[1]


def _fitting(gradient: Any, variable: tf.Variable) -> Gradient:
    if not isinstance(gradient, (tf.Tensor, tf.IndexedSlices)):
        gradient = tf.convert_to_tensor(gradient, variable.dtype)
    if gradient.dtype != variable.dtype or not variable.shape.is_compatible_with(gradient.shape):
        raise ValueError(
            f"The gradient of variable {variable.name} must have its shape {tuple(variable.shape)} and type "
            f"{variable.dtype.name}. Received: shape={tuple(gradient.shape)}, dtype={gradient.dtype.name}"
        )
    return gradient


def clipped(
    gradients: list[Gradient], clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
) -> list[Gradient]:
    """The gradients with limited norms or values; the first limit that is given counts.

    Source: behaviour of tf.keras 2 (each norm, else the norm of all together, else each value).
    """
    if clipnorm:
        return [tf.clip_by_norm(gradient, clipnorm) for gradient in gradients]
    if global_clipnorm:
        return list(tf.clip_by_global_norm(gradients, global_clipnorm)[0])
    if clipvalue:
        return [tf.clip_by_value(gradient, -clipvalue, clipvalue) for gradient in gradients]
    return gradients


def dense(gradient: Gradient, variable: tf.Variable) -> tf.Tensor:
    """The gradient as a tensor of the variable's shape; repeated rows are added up."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, tf.shape(variable)[0])


def with_unique_rows(gradient: Gradient) -> Gradient:
    """The gradient with each row index at most once; repeated rows are added up."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    indices, positions = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, positions, tf.shape(indices)[0])
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def summed_rows(gradient: tf.IndexedSlices) -> tuple[tf.Tensor, tf.Tensor]:
    """Row indices and values of a gradient of rows, as many as before, where repeated rows are added up in one.

    The places that become free hold zeros for the first row. All sizes are static, as XLA needs them.
    """
    count = tf.shape(gradient.indices)[0]
    order = tf.argsort(gradient.indices)
    ordered = tf.gather(gradient.indices, order)
    is_new = tf.cast(ordered[1:] != ordered[:-1], tf.int32)
    places = tf.concat([tf.zeros([tf.minimum(count, 1)], tf.int32), tf.cumsum(is_new)], 0)
    values = tf.math.unsorted_segment_sum(tf.gather(gradient.values, order), places, count)
    indices = tf.maximum(tf.math.unsorted_segment_max(ordered, places, count), 0)
    return indices, values
