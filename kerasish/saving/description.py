"""What a file knows of a model besides its weights: layers, input types, compile arguments, optimizer variables.

Everything is plain JSON. Nothing in it is imported or run: classes are found in the registries or among those the user
names.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.registry import custom_object_scope, family_of, find_custom
from kerasish.saving import optimizer_weights

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


def describe(model: Any, compiled: bool = True) -> dict[str, Any]:
    """The description of a model; one that has no configuration is described by its class's name only."""
    compilation = {}
    if compiled:
        compilation = {"compile_config": _compile_config(model), "optimizer_variables": optimizer_weights.places(model)}
    return {
        "format": "kerasish", "format_version": 1, "keras_version": KERAS_VERSION, "backend": "tensorflow",
        **_architecture(model), "inputs": _specs_to_json(_inputs(model)), **compilation,
    }  # fmt: skip


def rebuild(description: Mapping[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a description, built as far as its inputs are known, with fresh weights.

    Raises:
        ValueError: if it names a class that is not known.
    """
    with custom_object_scope(custom_objects or {}):
        model = _layers().get(description["model"], custom_objects)
        specs = _specs_from_json(description.get("inputs"))
        if specs is not None and not model.built:
            model.compute_output_signature(specs)
    return model


def restore_compilation(
    model: Any, description: Mapping[str, Any], custom_objects: dict[str, Any] | None = None
) -> None:
    """Compiles the model as it was and makes the variables of its optimizer, for their values to be read.

    Raises:
        ValueError: for a loss, metric or optimizer that is not known.
    """
    config = description.get("compile_config")
    if config is None:
        return
    with custom_object_scope(custom_objects or {}):
        try:
            model.compile_from_config(config)
        except ValueError as error:
            raise ValueError(
                f"{error}\nOr load the model without its loss and metrics: load_model(path, compile=False)."
            ) from error
    places = description.get("optimizer_variables")
    if model.optimizer is not None and places is not None:
        weights = model.weights
        model.optimizer.build([weights[place] for place in places])
        model.optimizer._built = True


def unknown_classes(description: Mapping[str, Any], custom_objects: dict[str, Any] | None = None) -> list[str]:
    """The names of the user's classes in the architecture that are not provided."""
    names = (entry.get("registered_name") for entry in _entries(description.get("model")))
    asked = {name for name in names if name not in (None, "function")}
    known = {name for name in asked if find_custom(name, custom_objects) or _layers().find(name)}
    short = {name for name in asked if ">" in name and find_custom(name.partition(">")[2], custom_objects)}
    return sorted(asked - known - short)


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


def _layers() -> Any:
    return family_of("keras.layers")


def _architecture(model: Any) -> dict[str, Any]:
    """The model's configuration, or why there is none."""
    try:
        config = object_config.serialize_object(model)
        to_json(config)
    except (NotImplementedError, TypeError, ValueError) as error:
        return {"model": None, "class_name": type(model).__name__, "reason": str(error)}
    return {"model": config, "class_name": type(model).__name__}


def _compile_config(model: Any) -> dict[str, Any] | None:
    config = model.get_compile_config()
    try:
        to_json(config)
    except (NotImplementedError, TypeError, ValueError) as error:
        warnings.warn(f"The loss, metrics and optimizer of {model.name!r} are not saved: {error}", stacklevel=5)
        return None
    return config or None


def _inputs(model: Any) -> Any:
    spec = model.save_spec()
    return None if spec is None else spec[0][0]


def _specs_to_json(structure: Any) -> Any:
    if structure is None or isinstance(structure, tf.TensorSpec):
        return structure and {
            "shape": structure.shape.as_list() if structure.shape.rank is not None else None,
            "dtype": structure.dtype.name,
        }
    if isinstance(structure, Mapping):
        return {"keys": {key: _specs_to_json(value) for key, value in structure.items()}}
    return [_specs_to_json(item) for item in structure] if isinstance(structure, (list, tuple)) else None


def _specs_from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_specs_from_json(item) for item in value]
    if isinstance(value, dict) and "keys" in value:
        return {key: _specs_from_json(item) for key, item in value["keys"].items()}
    return value and tf.TensorSpec(value["shape"], value["dtype"])


def _entries(config: Any) -> Iterator[dict[str, Any]]:
    """Every `{"class_name", "config", ...}` within a configuration."""
    stack = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "class_name" in value and "config" in value:
                yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
