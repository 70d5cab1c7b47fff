"""Optimizers and learning rate schedules by name, and as plain JSON."""
from __future__ import annotations

from typing import Any

from kerasish.core import object_config
from kerasish.core.registry import Registry

OPTIMIZERS = Registry("optimizer", "keras.optimizers")
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
    if isinstance(name, str):
        config = {**config, "class_name": _known_name(name, custom_objects)}
    return OPTIMIZERS.rebuild(config, custom_objects)


def _known_name(name: str, custom_objects: dict[str, Any] | None) -> str:
    return name if OPTIMIZERS.find(name, custom_objects) is not None else name.lower()


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
