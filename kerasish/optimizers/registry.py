"""Optimizers and learning rate schedules by name, and as plain JSON."""
from __future__ import annotations

from typing import Any

from kerasish.core import object_config
from kerasish.core.registry import Registry

OPTIMIZERS = Registry("optimizer", "keras.optimizers")
LEGACY = Registry("optimizer", "keras.optimizers.legacy")
SCHEDULES = Registry("learning rate schedule", "keras.optimizers.schedules")


def get(identifier: Any, **kwargs: Any) -> Any:
    """The optimizer that a name in any case, a configuration or the optimizer itself stands for.

    Raises:
        ValueError: for an unknown name, None, or an object that is no optimizer.
        TypeError: for a class instead of an instance.
    """
    if isinstance(identifier, str):
        return OPTIMIZERS.get(_known_name(identifier, None))
    if isinstance(identifier, dict):
        return deserialize(identifier, **kwargs)
    if isinstance(identifier, type) or hasattr(identifier, "apply_gradients"):
        return OPTIMIZERS.get(identifier) if isinstance(identifier, type) else identifier
    raise ValueError(
        "Expected an optimizer, its name such as 'adam', or its configuration. "
        f"Received: identifier={identifier!r} of type {type(identifier).__name__}"
    )


def serialize(optimizer: Any, use_legacy_format: bool = False) -> dict[str, Any]:
    """The optimizer's class and arguments as plain JSON."""
    config = object_config.serialize(object_config.serialize_object(optimizer))
    return {name: config[name] for name in ("class_name", "config")} if use_legacy_format else config


def deserialize(
    config: dict[str, Any],
    custom_objects: dict[str, Any] | None = None,
    use_legacy_format: bool = False,
    **kwargs: Any,
) -> Any:
    """A fresh optimizer from what `serialize` returned; the class may be named in any case.

    Raises:
        ValueError: for an unknown class.
    """
    name = config.get("class_name")
    if _is_older(config) and LEGACY.find(str(name), custom_objects) is not None:
        return LEGACY.rebuild(config, custom_objects)
    if isinstance(name, str):
        config = {**config, "class_name": _known_name(name, custom_objects)}
    return OPTIMIZERS.rebuild(config, custom_objects)


def _is_older(config: dict[str, Any]) -> bool:
    """Whether a configuration is of TensorFlow 2.0 to 2.10, or of an optimizer of that kind."""
    arguments = config.get("config")
    whole = isinstance(arguments, dict) and "decay" in arguments and "jit_compile" not in arguments
    return config.get("module") == LEGACY.module or ("module" not in config and whole)


def _known_name(name: str, custom_objects: dict[str, Any] | None) -> str:
    own = name.removeprefix("Custom>")  # how tf.keras 2.11 and later write it in HDF5 files
    return next((known for known in (name, own) if OPTIMIZERS.find(known, custom_objects) is not None), own.lower())


def serialize_schedule(learning_rate_schedule: Any, use_legacy_format: bool = False) -> dict[str, Any]:
    """The schedule's class and arguments as plain JSON."""
    return serialize(learning_rate_schedule, use_legacy_format)


def deserialize_schedule(
    config: dict[str, Any], custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False
) -> Any:
    """A schedule from what `serialize_schedule` returned.

    Raises:
        ValueError: for an unknown class.
    """
    return SCHEDULES.rebuild(config, custom_objects)
