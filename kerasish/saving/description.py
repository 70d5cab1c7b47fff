"""What files know of a model besides its weights: the arguments of `compile`, and JSON texts in general.

Everything is plain JSON. Nothing in it is imported or run: classes are found in the registries or among those the user
names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kerasish.core import object_config

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


def compile_arguments(config: Mapping[str, Any], custom_objects: dict[str, Any] | None = None) -> dict[str, Any]:
    """The arguments of `compile` that a compile configuration describes."""
    return {key: object_config.deserialize(value, custom_objects) for key, value in config.items() if key in _COMPILE}


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


def with_tuples(value: Any) -> Any:
    """Lists in place of the form in which tf.keras marks tuples."""
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__" and set(value) == {"class_name", "items"}:
            return [with_tuples(item) for item in value["items"]]
        return {key: with_tuples(item) for key, item in value.items()}
    return [with_tuples(item) for item in value] if isinstance(value, list) else value
