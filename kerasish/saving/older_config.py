"""Configurations in the form of SavedModels: classes by two keys, and tuples, shapes and types as JSON objects.

Source: files written by tf.keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kerasish.core import object_config

_ONLY_NEWER = ("module", "registered_name", "build_config")


def written(value: Any) -> Any:
    """Plain JSON for a configuration: its objects, tuples, shapes and types.

    Raises:
        TypeError: for a value that has no JSON form.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, tf.TensorShape):
        return {"class_name": "TensorShape", "items": None if value.rank is None else value.as_list()}
    if isinstance(value, tf.TypeSpec):
        return _type(value)
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "items": [written(item) for item in value]}
    if isinstance(value, list):
        return [written(item) for item in value]
    if isinstance(value, Mapping):
        return _mapping(value)
    return written(object_config.serialize(value))


def read(value: Any) -> Any:
    """The configuration of a JSON value, with tuples, shapes and types; classes stay described."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__tuple__" and isinstance(value.get("items"), list):
        return tuple(read(item) for item in value["items"])
    if kind == "TensorShape" and "items" in value:
        return tf.TensorShape(value["items"])
    if kind == "TypeSpec" and "serialized" in value:
        return _type_from(value)
    found = {key: read(item) for key, item in value.items()}
    if isinstance(kind, str) and ">" in kind and "config" in value:
        return {"registered_name": kind, **found, "class_name": kind.rpartition(">")[2]}
    return found


def _mapping(value: Mapping[Any, Any]) -> Any:
    if value.get("class_name") == "function" and "config" in value:
        return value["config"]
    kept = {str(key): written(item) for key, item in value.items() if key not in _ONLY_NEWER or "config" not in value}
    if value.get("registered_name") and "config" in value:
        kept["class_name"] = value["registered_name"]
    return kept


def _type(spec: tf.TypeSpec) -> Any:
    if isinstance(spec, tf.TensorSpec):
        parts: tuple[Any, ...] = (spec.shape, spec.dtype.name, spec.name)
    elif isinstance(spec, tf.RaggedTensorSpec):
        parts = (spec.shape, spec.dtype.name, spec.ragged_rank, spec.row_splits_dtype.name)
    elif isinstance(spec, tf.SparseTensorSpec):
        parts = (spec.shape, spec.dtype.name)
    else:
        raise TypeError(f"A configuration cannot hold a type like {spec!r}.")
    return {"class_name": "TypeSpec", "type_spec": f"tf.{type(spec).__name__}", "serialized": written(parts)}


def _type_from(value: dict[str, Any]) -> Any:
    known = {"tf.TensorSpec": tf.TensorSpec, "tf.RaggedTensorSpec": tf.RaggedTensorSpec,
             "tf.SparseTensorSpec": tf.SparseTensorSpec}  # fmt: skip
    kind = known.get(value.get("type_spec", ""))
    if kind is None:
        raise ValueError(f"The configuration names a type that is not known here: {value.get('type_spec')!r}.")
    return kind(*read(value["serialized"]))
