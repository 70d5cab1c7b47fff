"""Configurations of models in files: their JSON text, and models made from them.

Everything is plain JSON. Nothing in it is imported or run: classes are found in the registries or among those the user
names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kerasish.core import object_config, sharing
from kerasish.core.registry import family_of, find_custom
from kerasish.saving import older_config

KERAS_VERSION = "2.21.0"  # of tf.keras, whose configurations these are
_LARGEST = 64 * 2**20
_COMPILE = (
    "optimizer",
    "loss",
    "metrics",
    "loss_weights",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)


def rebuild(
    config: Any, place: str, custom_objects: dict[str, Any] | None = None, method: str = "compile_from_config"
) -> Any:
    """The model that a configuration from a file describes, with fresh weights.

    Args:
        config: the JSON value.
        place: what messages call the file.
        custom_objects: the user's classes and functions by name.
        method: what tells a model from a layer.

    Raises:
        ValueError: if it describes no model, or names a class that is not known.
    """
    try:
        with sharing.shared():
            model = family_of("keras.layers").get(older_config.read(config), custom_objects)  # type: ignore[union-attr]
    except (AttributeError, IndexError, KeyError, TypeError, RecursionError, OverflowError, tf.errors.OpError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).splitlines()[:1])[:300]}"
        raise ValueError(f"{place} does not describe a model: {reason}") from error
    if not hasattr(model, method):
        raise ValueError(f"{place} does not describe a model, but: {model!r:.100}")
    return model


def compile_arguments(config: Mapping[str, Any], custom_objects: dict[str, Any] | None = None) -> dict[str, Any]:
    """The arguments of `compile` that a compile configuration describes."""
    found = {key: object_config.deserialize(value, custom_objects) for key, value in config.items() if key in _COMPILE}
    return {**found, "loss": losses_of(found.get("loss"))}


def losses_of(described: Any) -> Any:
    """The losses that were described, the user's own as what their names stand for while the file is read."""
    if isinstance(described, dict):
        return {key: losses_of(value) for key, value in described.items()}
    if isinstance(described, list):
        return [losses_of(value) for value in described]
    return (find_custom(described) or described) if isinstance(described, str) else described


def to_json(thing: Any, **options: Any) -> str:
    """The JSON text of a configuration, in which types, shapes and arrays may still stand."""
    return json.dumps(thing, default=object_config.serialize, **options)


def from_json(text: str | bytes, name: str = "the text") -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: if it is no JSON, nested too deeply, or longer than any configuration.
    """
    if len(text) > _LARGEST:
        raise ValueError(f"{name} is too long for a model's configuration: {len(text)} bytes.")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply for a model's configuration.") from None
    except ValueError as error:
        raise ValueError(f"{name} is not valid JSON: {error}") from None
