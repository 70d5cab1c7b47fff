"""The same architecture once more, with weights of its own; and models from configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import tensorflow as tf

from kerasish.core.registry import Registry, custom_object_scope
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.endpoints import AddLoss, AddMetric
from kerasish.layers.input import InputLayer
from kerasish.models.functional import rebuild
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.saving import older_config
from kerasish.saving.description import from_json


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None) -> Any:
    """A model of the same layers with fresh weights.

    Args:
        model: a functional model, a Sequential, or one with a configuration.
        input_tensors: symbolic tensors that the copy starts from instead of inputs of its own.
        clone_function: makes the copy of each layer that is no input; by default from the layer's configuration.

    Raises:
        ValueError: if `model` is no model, or the further arguments are given for a subclass's own `call`.
    """
    if not isinstance(model, Model):
        raise ValueError(f"`model` must be a model. Received: model={model!r}")
    if isinstance(model, Sequential):
        return _clone_sequential(model, input_tensors, clone_function or _copy)
    if model._network is not None:
        return _clone_functional(model, input_tensors, clone_function or _copy)
    if input_tensors is not None or clone_function is not None:
        raise ValueError(f"`input_tensors` and `clone_function` need a model of symbolic tensors. Received: {model!r}")
    return type(model).from_config(model.get_config())


def model_from_config(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a configuration `{"class_name": ..., "config": ...}`, with fresh weights.

    Raises:
        TypeError: for a list of layers without its class.
        ValueError: for a class that is not known, or Python code in the configuration.
    """
    if isinstance(config, list):
        raise TypeError(
            f"Expected a dict with 'class_name' and 'config'. Received: a list of {len(config)} entries\n"
            "Use Sequential.from_config(config) for the layers of a Sequential."
        )
    if not isinstance(config, dict):
        raise ValueError(f"Expected a dict with 'class_name' and 'config'. Received: {config!r:.200}")
    with custom_object_scope(custom_objects or {}):
        return LAYERS.get(config, custom_objects)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of `model.to_json()`, with fresh weights.

    Raises:
        ValueError: if the text is no JSON, names an unknown class, or holds Python code.
    """
    return model_from_config(older_config.read(from_json(json_string, "`json_string`")), custom_objects)


def model_from_yaml(yaml_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Refused: YAML can hold code.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("Models are not read from YAML, which can hold code. Use `to_json` and `model_from_json`.")


class _Clones:
    """Stands for the registry while a configuration is rebuilt: gives the copy of the layer of that name.

    Args:
        layers: the layers to copy.
        copy: makes the copy of one.
    """

    def __init__(self, layers: list[Any], copy: Callable[[Any], Any]):
        self._layers, self._copy = {layer.name: layer for layer in layers}, copy

    def get(self, entry: dict[str, Any], custom_objects: Any = None) -> Any:
        """The copy of the layer that the entry describes."""
        layer = self._layers[entry["name"]]
        return _copy(layer) if isinstance(layer, InputLayer) else _checked(self._copy(layer))


def _clone_functional(model: Any, input_tensors: Any, copy: Callable[[Any], Any]) -> Any:
    clones = cast(Registry, _Clones(model._network.layers, copy))
    inputs, outputs, layers = rebuild(model._network.get_config(), clones)
    clone: Any = Model(inputs=inputs, outputs=outputs, name=model.name, trainable=model.trainable)
    if input_tensors is not None:
        return Model(inputs=input_tensors, outputs=clone._network.run(input_tensors), name=model.name)
    known = {id(layer) for layer in clone.layers}
    extra = [layer for layer in layers if isinstance(layer, (AddLoss, AddMetric)) and id(layer) not in known]
    clone._network.append([tensor for layer in extra for tensor in tf.nest.flatten(layer._inbound_nodes[-1].outputs)])
    return clone


def _clone_sequential(model: Any, input_tensors: Any, copy: Callable[[Any], Any]) -> Any:
    clone = Sequential(name=model.name)
    if input_tensors is not None:
        given = tf.nest.flatten(input_tensors)
        if len(given) != 1:
            raise ValueError(f"A Sequential has one input. Received: {len(given)} `input_tensors`")
        clone.add(given[0])
    for layer in model._stack:
        if not isinstance(layer, InputLayer):
            clone.add(_checked(copy(layer)))
        elif input_tensors is None:
            clone.add(_copy(layer))
    return clone


def _copy(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _checked(layer: Any) -> Any:
    if not isinstance(layer, Layer):
        raise ValueError(f"`clone_function` must return a layer. Received: {layer!r}")
    return layer
