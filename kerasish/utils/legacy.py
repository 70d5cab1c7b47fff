"""`keras.utils.legacy`: objects as dictionaries of two keys, as files of HDF5 hold them."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish.core.registry import get_registered_name, get_registered_object
from kerasish.utils.serialization import deserialize_keras_object as revived

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance: Any) -> Any:
    """`{"class_name": ..., "config": ...}` for an object, its name for a function, None for None.

    Raises:
        ValueError: for a thing that has neither a configuration nor a name.
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not inspect.isclass(instance):
        return {"class_name": get_registered_name(type(instance)), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError(f"`instance` must be a function or have get_config. Received: instance={instance!r}")


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """What `serialize_keras_object` described: an object of the class, or the function.

    Args:
        identifier: the description; a function is returned as it is, and None too.
        module_objects: where names are looked up.
        custom_objects: the user's own classes and functions by name, which come first.
        printable_module_name: what the names name, for messages.

    Raises:
        ValueError: for an unknown name, or something that is no description.
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        known = get_registered_object(identifier, custom_objects, module_objects)
        names = {**(module_objects or {}), **({} if known is None else {identifier: known})}
        return revived(identifier, custom_objects, module_objects=names, printable_module_name=printable_module_name)
    if isinstance(identifier, dict) and {"class_name", "config"} <= set(identifier):
        return revived(
            identifier, custom_objects, module_objects=module_objects, printable_module_name=printable_module_name
        )
    raise ValueError(
        f"A description of a {printable_module_name} is a name, or a dictionary with `class_name` and `config`. "
        f"Received: {identifier!r:.200}"
    )
