"""Objects as plain JSON and back.

An object becomes `{"module", "class_name", "config", "registered_name"}`, a function its name. Nothing that a
configuration says is imported or executed: names are looked up in the registries and in what the user provided.

Source: behaviour of tf.keras 2.12 and later (`.keras` files), and the two-key form of the earlier releases.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import sharing
from kerasish.core.registry import Registry, families, family_of, get_registered_name, is_registered, unknown_name

_NEWER_KEYS = ("module", "registered_name", "build_config", "compile_config")


def public_module(thing: type) -> str:
    """The module a configuration names for a class: `keras.layers` for the library's, its own for a user's."""
    if thing.__module__.partition(".")[0] == "kerasish":
        return getattr(thing, "__config_module__", thing.__module__)
    return thing.__module__


def is_library_class(thing: type) -> bool:
    """Whether a class belongs to this library rather than to a user."""
    return thing.__module__.partition(".")[0] == "kerasish"


def serialize(thing: Any) -> Any:
    """Plain JSON for an object, a function, or a structure of them."""
    if thing is None or isinstance(thing, (str, bool, int, float)):
        return getattr(thing, "content", thing)  # a path whose file belongs into the configuration
    if isinstance(thing, (list, tuple)):
        return [serialize(item) for item in thing]
    if isinstance(thing, dict):
        return {str(key): serialize(value) for key, value in thing.items()}
    if hasattr(thing, "get_config"):
        return serialize_object(thing)
    if callable(thing):
        return function_name(thing) if thing.__module__.partition(".")[0] == "kerasish" else serialize_function(thing)
    return plain(thing)


def serialize_object(thing: Any) -> dict[str, Any]:
    """The configuration of one object with what is needed to find its class again."""
    kind = type(thing)
    registered, module = is_registered(kind), public_module(kind)
    named = registered or not is_library_class(kind) or module.startswith("tf_keras.")
    return {
        "module": None if registered else module,
        "class_name": kind.__name__,
        "config": thing.get_config(),
        "registered_name": get_registered_name(kind) if named else None,
        **(sharing.mark_of(thing) if isinstance(thing, tf.Module) else {}),
    }


def serialize_function(function: Any) -> dict[str, Any]:
    """A function as `{"module": "builtins", "class_name": "function", ...}`."""
    name = function_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def function_name(function: Any) -> str:
    """The name under which a function can be found again."""
    if is_registered(function):
        return get_registered_name(function)
    name = getattr(function, "__name__", str(function))
    return name.removesuffix("_v2") if getattr(function, "__module__", "").startswith("tensorflow.") else name


def plain(value: Any) -> Any:
    """NumPy values, dtypes, shapes, tensors and policies as JSON values.

    Raises:
        TypeError: for a value that has no JSON form.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, tf.TensorShape):
        return value.as_list() if value.rank is not None else None
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return value.numpy().tolist()
    if isinstance(value, slice):
        return {"start": value.start, "stop": value.stop, "step": value.step}
    raise TypeError(f"A configuration cannot hold a value of type {type(value).__name__}. Received: {value!r}")


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, registry: Registry | None = None) -> Any:
    """The object or structure of objects that the configuration describes.

    Raises:
        ValueError: for a name that is neither the library's nor provided by the user.
    """
    if isinstance(config, list):
        return [deserialize(item, custom_objects, registry) for item in config]
    if isinstance(config, dict) and "class_name" in config and "config" in config:
        return _owner(config, custom_objects, registry).rebuild(config, custom_objects)
    if isinstance(config, dict):
        return {key: deserialize(value, custom_objects, registry) for key, value in config.items()}
    return config


def _owner(config: dict[str, Any], custom_objects: dict[str, Any] | None, registry: Registry | None) -> Registry:
    """The family that knows the class: the given one, the named module's, or the first that has the name."""
    found = registry or family_of(str(config.get("module") or "").replace("tf_keras", "keras"))
    if found is not None:
        return found
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    for family in families():
        if family.find(config.get("registered_name") or name, custom_objects) or family.find(name, custom_objects):
            return family
    raise ValueError(unknown_name("object", str(name), [known for family in families() for known in family.names()]))


def parameters(function: Any) -> tuple[inspect.Parameter, ...]:
    """The named parameters of a function or `__init__`, without `self`, `*args` and `**kwargs`."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(function).parameters.values()
    return tuple(p for p in found if p.kind in named and p.name != "self")


def two_key_form(config: Any) -> Any:
    """A configuration in the form of the earlier releases: `{"class_name", "config"}`, a function just its name."""
    if isinstance(config, list):
        return [two_key_form(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "function":
        return config["config"]
    if "class_name" in config and "config" in config:
        named = {"class_name": config.get("registered_name") or config["class_name"]}
        others = {key: value for key, value in config.items() if key not in _NEWER_KEYS}
        return {**{key: two_key_form(value) for key, value in others.items()}, **named}
    return {key: two_key_form(value) for key, value in config.items()}
