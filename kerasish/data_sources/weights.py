"""Sample weights: those that outputs lack, and those that follow from the class of a row."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.registry import unknown_name
from kerasish.core.settings import floatx
from kerasish.data_sources.blocks import Batch, unpack_x_y_sample_weight
from kerasish.graph.scratch import unconverted

Table = tuple[np.ndarray, np.ndarray]
"""Class numbers, sorted, and their weights."""


def complete_weights(sample_weight: Any, rows: int) -> Any:
    """The weights with ones where an output has None; None when no output has weights."""
    flat = tf.nest.flatten(sample_weight)
    if all(part is None for part in flat):
        return None
    ones = tf.ones((rows,), floatx()) if any(part is None for part in flat) else None
    return tf.nest.map_structure(lambda part: ones if part is None else part, sample_weight)


def class_weighting(class_weight: Any, argument: str, output_names: Sequence[str] = ()) -> Callable[..., Batch]:
    """A function of a batch's parts that multiplies the sample weights by the weight of each row's class.

    `w[i] = sample_weight[i] * class_weight[class of y[i]]`; a class that `class_weight` does not name weighs 1. The
    class is the index of the largest value where `y` has several columns, otherwise `y` rounded.

    Args:
        class_weight: `{class: weight}` for the one output; for several `{output: {class: weight}}` or a list of dicts
            in the order of the outputs, where one that is absent or None weighs its rows 1.
        argument: what `y` is called in messages.
        output_names: the model's outputs, in order.

    Raises:
        TypeError: if `class_weight` is nothing of that.
        ValueError: if a key is no class number or no output, or a weight no finite number.

    Source: behaviour of tf.keras 2.0, which takes one dict for each output; missing classes are refused there.
    """
    if _is_by_output(class_weight):
        return _weighting_by_output(class_weight, argument, list(output_names))
    classes, weights = _table(class_weight)

    @unconverted
    def weighted(*batch: Any) -> Batch:
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        factor = _look_up(_classes_of(y, argument), classes, weights)
        if sample_weight is not None:
            (sample_weight,) = tf.nest.flatten(sample_weight)
        return x, y, _product(sample_weight, factor)

    return weighted


def _is_by_output(class_weight: Any) -> bool:
    if isinstance(class_weight, Mapping):
        class_weight = class_weight.values()
    elif not isinstance(class_weight, (list, tuple)):
        return False
    return len(class_weight) > 0 and all(part is None or isinstance(part, Mapping) for part in class_weight)


def _weighting_by_output(class_weight: Any, argument: str, names: list[str]) -> Callable[..., Batch]:
    tables = {
        key: _table(part, f"[{key!r}]")
        for key, part in (class_weight.items() if isinstance(class_weight, Mapping) else enumerate(class_weight))
        if part is not None
    }

    @unconverted
    def weighted(*batch: Any) -> Batch:
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        keys = list(y) if isinstance(y, Mapping) else names if len(names) == len(tf.nest.flatten(y)) else []
        keys = keys or [f"output_{i + 1}" for i in range(len(tf.nest.flatten(y)))]
        of_key = _by_key(tables, class_weight, keys, names)
        targets = y if isinstance(y, Mapping) else dict(zip(keys, tf.nest.flatten(y), strict=True))
        given = _given_weights(sample_weight, keys)
        weights = {key: _weights_of(targets[key], given[key], of_key.get(key), f"{argument}[{key!r}]") for key in keys}
        if isinstance(y, Mapping):
            return x, y, weights
        return x, y, tuple(weights.values()) if isinstance(y, (list, tuple)) else weights[keys[0]]

    return weighted


def _by_key(tables: dict[Any, Table], class_weight: Any, keys: list[Any], names: list[str]) -> dict[Any, Table]:
    """The tables by the keys of the targets; a list is in the order of the outputs."""
    if isinstance(class_weight, Mapping):
        for key in tables:
            if key not in keys:
                raise ValueError(unknown_name("output in `class_weight`", str(key), map(str, keys)).split("\n")[0]
                                 + f" The outputs are {keys}.")
        return tables
    order = names if set(names) == set(keys) else keys
    if len(class_weight) != len(order):
        raise ValueError(
            f"`class_weight` must have one dict, or None, for each of the {len(order)} output(s) {order}. "
            f"Received: a list of {len(class_weight)}"
        )
    return {order[place]: table for place, table in tables.items()}


def _given_weights(sample_weight: Any, keys: list[Any]) -> dict[Any, Any]:
    """The sample weights of each output; one array serves all."""
    if isinstance(sample_weight, Mapping):
        return {key: sample_weight.get(key) for key in keys}
    if isinstance(sample_weight, (list, tuple)) and len(sample_weight) == len(keys):
        return dict(zip(keys, sample_weight, strict=True))
    one = tf.nest.flatten(sample_weight)
    return dict.fromkeys(keys, one[0] if one else None)


def _weights_of(y: Any, sample_weight: Any, table: Table | None, argument: str) -> Any:
    if table is not None:
        return _product(sample_weight, _look_up(_classes_of(y, argument), *table))
    if sample_weight is not None or y is None:
        return sample_weight
    return tf.ones(tf.shape(y)[:1], floatx())


def _table(class_weight: Any, of: str = "") -> Table:
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "`class_weight` must be a dict from class number to weight, such as {0: 1.0, 1: 5.0},\n"
            "or for several outputs a dict from output to such a dict.\n"
            f"Received: class_weight={class_weight!r} of type {type(class_weight).__name__}"
        )
    for key, weight in class_weight.items():
        if isinstance(key, bool) or not isinstance(key, (int, np.integer)) or key < 0:
            raise ValueError(
                f"`class_weight{of}` must have class numbers, 0 or higher, as its keys.\n"
                f"Received: class_weight{of} with the key {key!r} of type {type(key).__name__}"
            )
        if not np.isscalar(weight) or isinstance(weight, str) or not np.isfinite(weight):
            raise ValueError(f"`class_weight` must give finite numbers. Received: class_weight{of}[{key}]={weight!r}")
    classes = sorted(int(key) for key in class_weight)
    return np.array(classes, np.int64), np.array([class_weight[key] for key in classes], floatx())


def _classes_of(y: Any, argument: str) -> tf.Tensor:
    flat = tf.nest.flatten(y)
    if len(flat) != 1 or flat[0] is None:
        raise ValueError(
            "`class_weight` of this form needs exactly one output to take the classes from.\n"
            f"Received: {argument} with {sum(part is not None for part in flat)} outputs. "
            "Pass {output: {class: weight}} instead."
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
    if sample_weight is None:
        return factor
    factor = tf.cast(factor, sample_weight.dtype) if sample_weight.dtype.is_floating else factor
    sample_weight = tf.cast(sample_weight, factor.dtype)
    missing = factor.shape.rank - sample_weight.shape.rank
    for _ in range(missing):
        sample_weight = sample_weight[..., None]
    return sample_weight * factor
