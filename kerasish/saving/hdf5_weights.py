"""Weights as an HDF5 file in the layout of tf.keras 2: a group for each layer, its arrays in order.

All arrays are compared with the weights they are meant for and read before the first weight changes.

Source: layout of tf.keras 2 (`layer_names`, `weight_names`, `top_level_model_weights`).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.saving.description import KERAS_VERSION
from kerasish.saving.hdf5_access import (
    array,
    free_place,
    has_names,
    inside,
    name_of,
    names,
    opened,
    values,
    write_names,
    written,
    written_values,
)

_TOP = "top_level_model_weights"


def save(model: Any, path: str) -> None:
    """Writes the weights of the model to the file `path`.

    Raises:
        ValueError: if the model has no weights yet.
        OSError: if it cannot be written; the earlier file is then unchanged.
    """
    check_built(model, "save")
    with written(path) as file:
        write(file, model)


def load(model: Any, path: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Reads the weights of the file `path`, or of an open one: layer by layer in order, or by the layers' names.

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: if numbers of layers or weights, or shapes, differ (with `skip_mismatch` such layers are left out).
        OSError: if the file is damaged.
    """
    if skip_mismatch and not by_name:
        raise ValueError("`skip_mismatch` needs `by_name=True`. Received: skip_mismatch=True, by_name=False")
    check_built(model, "load")
    with opened(path) as file:
        group = file if has_names(file, "layer_names") else inside(file, "model_weights")
        pairs = _ByLayer(group).pairs(model, by_name, skip_mismatch)
    for variable, value in pairs:
        variable.assign(value)


def is_by_layer(file: Any) -> bool:
    """Whether an open file has this layout: a list of its layers."""
    return has_names(file, "layer_names") or "model_weights" in file


def read(group: Any, model: Any) -> None:
    """Reads an open group that `write` has written into the model, layer by layer in order.

    Raises:
        ValueError: if it does not fit.
    """
    for variable, value in _ByLayer(group).pairs(model, False, False):
        variable.assign(value)


def write(group: Any, model: Any) -> None:
    """Writes the model's weights into an open group."""
    layers = model.layers
    group.attrs.update({"backend": "tensorflow", "keras_version": KERAS_VERSION})
    write_names(group, "layer_names", [layer.name for layer in layers])
    for name, weights in [*((layer.name, _weights_of(layer)) for layer in layers), (_TOP, _top_weights(model))]:
        write_arrays(group.require_group(name), [(weight.name, weight) for weight in weights])


def write_arrays(group: Any, named: list[tuple[str, Any]]) -> None:
    """Writes the values of variables into a group, and the list of their names."""
    places = []
    for name, variable in named:
        places.append(free_place(group, name))
        group.create_dataset(places[-1], data=written_values(variable))
    write_names(group, "weight_names", places)


class _ByLayer:
    """The arrays of a file by layer, each compared with the weight it is meant for before it is read."""

    def __init__(self, group: Any):
        self.group, self.path = group, name_of(group)
        self.names = names(group, "layer_names")

    def pairs(self, model: Any, by_name: bool, skip_mismatch: bool) -> list[tuple[tf.Variable, np.ndarray]]:
        """Every weight with its new value."""
        found: list[tuple[tf.Variable, np.ndarray]] = []
        pairs = self._by_name(model) if by_name else self._in_order(model)
        for name, weights in pairs:
            try:
                found.extend(self._arrays(name, weights))
            except ValueError as error:
                if not skip_mismatch:
                    raise ValueError(f"{error} Nothing was loaded: the model is as it was.") from None
                warnings.warn(f"Left out: {str(error).splitlines()[0]}", stacklevel=6)
        return found

    def _by_name(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        own = [(layer.name, _weights_of(layer)) for layer in model.layers if layer.name in self.names]
        return [(name, weights) for name, weights in own if weights or self._weight_names(name)] + self._top(model)

    def _in_order(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        layers = [layer for layer in model.layers if _weights_of(layer)]
        filled = [name for name in self.names if self._weight_names(name)]
        if len(layers) != len(filled):
            raise ValueError(
                f"The model has {len(layers)} layers with weights, the file {self.path} {len(filled)}. "
                "Nothing was loaded."
            )
        return [(name, _weights_of(layer)) for name, layer in zip(filled, layers, strict=True)] + self._top(model)

    def _top(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        return [(_TOP, _top_weights(model))] if _TOP in self.group else []

    def _weight_names(self, name: str) -> list[str]:
        return names(inside(self.group, name), "weight_names")

    def _arrays(self, name: str, weights: list[tf.Variable]) -> list[tuple[tf.Variable, np.ndarray]]:
        group, places = inside(self.group, name), self._weight_names(name)
        if len(places) != len(weights):
            raise ValueError(
                f"The layer {name!r} has {len(weights)} weights, in the file {self.path} {len(places)}."
            )
        datasets = [array(group, place) for place in places]
        for weight, dataset in zip(weights, datasets, strict=True):
            if not weight.shape.is_compatible_with(dataset.shape):
                raise ValueError(
                    f"The weight {weight.name} of layer {name!r} has the shape {tuple(weight.shape)}, in the file "
                    f"{tuple(dataset.shape)}."
                )
        return [(weight, values(dataset, weight)) for weight, dataset in zip(weights, datasets, strict=True)]


def _weights_of(layer: Any) -> list[tf.Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _top_weights(model: Any) -> list[tf.Variable]:
    """The weights that belong to the model itself rather than to a layer of it."""
    of_layers = {id(weight) for layer in model.layers for weight in layer.weights}
    return [weight for weight in _weights_of(model) if id(weight) not in of_layers]


def check_built(model: Any, verb: str) -> None:
    """Raises ValueError if the model has no weights yet."""
    if not model.built or not (model.weights or model.inputs is not None):
        raise ValueError(
            f"Cannot {verb} weights in HDF5 for {model.name!r}, which has none yet.\n"
            "Call the model on inputs, or build(input_shape), first."
        )
