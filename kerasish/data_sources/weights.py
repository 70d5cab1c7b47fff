"""Sample weights: those that outputs lack, and those that follow from the class of a row."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.settings import floatx
from kerasish.data_sources.blocks import Batch, unpack_x_y_sample_weight


def complete_weights(sample_weight: Any, rows: int) -> Any:
    """The weights with ones where an output has None; None when no output has weights."""
    flat = tf.nest.flatten(sample_weight)
    if all(part is None for part in flat):
        return None
    ones = tf.ones((rows,), floatx()) if any(part is None for part in flat) else None
    return tf.nest.map_structure(lambda part: ones if part is None else part, sample_weight)


def class_weighting(class_weight: Mapping[int, float], argument: str) -> Callable[..., Batch]:
    """A function of a batch's parts that multiplies the sample weights by the weight of each row's class.

    `w[i] = sample_weight[i] * class_weight[class of y[i]]`; a class that `class_weight` does not name weighs 1. The
    class is the index of the largest value where `y` has several columns, otherwise `y` rounded.

    Raises:
        TypeError: if `class_weight` is no dict.
        ValueError: if a key is no class number, or a weight no finite number.

    Source: behaviour of tf.keras, which refuses missing classes.
    """
    classes, weights = _table(class_weight)

    @tf.autograph.experimental.do_not_convert
    def weighted(*batch: Any) -> Batch:
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        factor = _look_up(_classes_of(y, argument), classes, weights)
        return x, y, factor if sample_weight is None else _product(sample_weight, factor)

    return weighted


def _table(class_weight: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "`class_weight` must be a dict from class number to weight, such as {0: 1.0, 1: 5.0}.\n"
            f"Received: class_weight={class_weight!r} of type {type(class_weight).__name__}"
        )
    for key, weight in class_weight.items():
        if isinstance(key, bool) or not isinstance(key, (int, np.integer)) or key < 0:
            raise ValueError(
                "`class_weight` must have class numbers, 0 or higher, as its keys.\n"
                f"Received: class_weight with the key {key!r} of type {type(key).__name__}"
            )
        if not np.isscalar(weight) or isinstance(weight, str) or not np.isfinite(weight):
            raise ValueError(f"`class_weight` must give finite numbers. Received: class_weight[{key}]={weight!r}")
    classes = sorted(int(key) for key in class_weight)
    return np.array(classes, np.int64), np.array([class_weight[key] for key in classes], floatx())


def _classes_of(y: Any, argument: str) -> tf.Tensor:
    flat = tf.nest.flatten(y)
    if len(flat) != 1 or flat[0] is None:
        raise ValueError(
            "`class_weight` needs exactly one output to take the classes from.\n"
            f"Received: {argument} with {sum(part is not None for part in flat)} outputs. "
            "Pass sample_weight, one array per output, instead."
        )
    (y,) = flat
    if y.shape.rank is not None and y.shape.rank >= 2:
        if y.shape[-1] is not None and y.shape[-1] > 1:
            return tf.argmax(y, axis=-1)
        y = tf.squeeze(y, axis=-1)
    return tf.cast(y if y.dtype.is_integer or y.dtype == tf.bool else tf.round(y), tf.int64)


def _look_up(labels: tf.Tensor, classes: np.ndarray, weights: np.ndarray) -> tf.Tensor:
    if not len(classes):
        return tf.ones_like(labels, weights.dtype)
    flat = tf.reshape(labels, [-1])
    place = tf.minimum(tf.searchsorted(classes, flat), len(classes) - 1)
    found = tf.where(tf.gather(classes, place) == flat, tf.gather(weights, place), tf.ones_like(flat, weights.dtype))
    return tf.reshape(found, tf.shape(labels))


def _product(sample_weight: Any, factor: tf.Tensor) -> tf.Tensor:
    (sample_weight,) = tf.nest.flatten(sample_weight)
    factor = tf.cast(factor, sample_weight.dtype) if sample_weight.dtype.is_floating else factor
    sample_weight = tf.cast(sample_weight, factor.dtype)
    missing = factor.shape.rank - sample_weight.shape.rank
    for _ in range(missing):
        sample_weight = sample_weight[..., None]
    return sample_weight * factor
