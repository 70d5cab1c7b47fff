"""Objects as plain dictionaries and back, under the public names."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.registry import custom_object_scope, unknown_name


def serialize_keras_object(obj: Any) -> Any:
    """Plain JSON for an object, a function, an array or a structure of them.

    Raises:
        TypeError: for a class, a lambda, or a value that has no such form.
    """
    if isinstance(obj, (list, tuple)):
        found = list(map(serialize_keras_object, obj))
        return tuple(found) if type(obj) is tuple else found
    if isinstance(obj, dict):
        return {str(key): serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, (tf.Tensor, tf.Variable)):
        return {"class_name": "__tensor__", "config": {"value": obj.numpy().tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if inspect.isclass(obj):
        raise TypeError(f"Expected an object. Received: the class {obj.__name__}. Did you forget the parentheses?")
    if inspect.isroutine(obj):
        if obj.__name__ == "<lambda>":
            raise TypeError("A lambda has no name to be found by. Define a function with `def` and register it.")
        return object_config.serialize_function(obj)
    return object_config.serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object, function, array or structure of them that the configuration describes.

    Args:
        config: what `serialize_keras_object` returned.
        custom_objects: the user's classes and functions by name.
        safe_mode: accepted; a configuration is never executed.
        **kwargs: `module_objects` and `printable_module_name` of the earlier releases: where names are looked up, and
            what they name.

    Raises:
        TypeError: for another keyword.
        ValueError: for an unknown name.
    """
    known = kwargs.pop("module_objects", None)
    family = kwargs.pop("printable_module_name", "object")
    if kwargs:
        raise TypeError(f"deserialize_keras_object takes no keyword argument {', '.join(map(repr, kwargs))}.")
    if isinstance(config, str) and known is not None:
        found = {**known, **(custom_objects or {})}.get(config)
        if found is None:
            raise ValueError(unknown_name(family, config, known))
        return found() if inspect.isclass(found) else found
    with custom_object_scope(known or {}, custom_objects or {}):
        return _revived(config)


def _revived(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return type(config)(map(_revived, config))
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if name in _VALUES:
        return _VALUES[name](config["config"])
    if name is not None and "config" in config:
        return object_config.deserialize(config)
    return {key: _revived(value) for key, value in config.items()}


_VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__bytes__": lambda inner: inner["value"].encode("utf-8"),
    "__tensor__": lambda inner: tf.constant(inner["value"], inner["dtype"]),
    "__numpy__": lambda inner: np.array(inner["value"], inner["dtype"]),
}
