"""Weights as an HDF5 file in the layout of tf.keras 2: a group for each layer, its arrays in order.

A file is read with distrust: no link, no values outside of the file, and nothing whose size is not the weight's own.
All arrays are compared and read before the first weight changes.

Source: layout of tf.keras 2 (`layer_names`, `weight_names`, `top_level_model_weights`; long lists of names in pieces).
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.saving.description import KERAS_VERSION
from kerasish.saving.replacement import recover, replaced_file

_LONGEST_ATTRIBUTE = 64512
_TOP = "top_level_model_weights"


def save(model: Any, path: str) -> None:
    """Writes the weights of the model to the file `path`.

    Raises:
        ValueError: if the model has no weights yet.
        OSError: if it cannot be written; the earlier file is then unchanged.
    """
    import h5py

    _check_built(model, "save")
    with replaced_file(path) as new, h5py.File(new, "w") as file:
        write(file, model)


def load(model: Any, path: str, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Reads the weights of the file `path` into the model, layer by layer in order, or by the layers' names.

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: if numbers of layers or weights, or shapes, differ (with `skip_mismatch` such layers are left out).
        OSError: if the file is damaged.
    """
    import h5py

    if skip_mismatch and not by_name:
        raise ValueError("`skip_mismatch` needs `by_name=True`. Received: skip_mismatch=True, by_name=False")
    recover(path)
    _check_built(model, "load")
    try:
        with h5py.File(path, "r") as file:
            values = _ByLayer(file, path).values(model, by_name, skip_mismatch)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path!r}.") from None
    except OSError as error:
        raise OSError(f"The HDF5 file {path!r} cannot be read: {error}\nThe model is as it was.") from error
    for variable, value in values:
        variable.assign(value)


def is_hdf5(path: str) -> bool:
    """Whether the file begins as HDF5 files do."""
    with open(path, "rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def write(group: Any, model: Any) -> None:
    """Writes the model's weights into an open group."""
    layers = model.layers
    group.attrs.update({"backend": "tensorflow", "keras_version": KERAS_VERSION})
    _write_names(group, "layer_names", [layer.name for layer in layers])
    for name, weights in [*((layer.name, _weights_of(layer)) for layer in layers), (_TOP, _top_weights(model))]:
        inner = group.require_group(name)
        _write_names(inner, "weight_names", [weight.name for weight in weights])
        for weight in weights:
            inner.create_dataset(weight.name, data=weight.numpy())


class _ByLayer:
    """The arrays of a file by layer, each compared with the weight it is meant for before it is read."""

    def __init__(self, file: Any, path: str):
        self.path = path
        whole = "layer_names" not in file.attrs and "layer_names0" not in file.attrs
        self.group = self._inside(file, "model_weights") if whole else file
        self.names = _read_names(self.group, "layer_names")

    def values(self, model: Any, by_name: bool, skip_mismatch: bool) -> list[tuple[tf.Variable, np.ndarray]]:
        """Every weight with its new value."""
        found: list[tuple[tf.Variable, np.ndarray]] = []
        pairs = self._by_name(model) if by_name else self._in_order(model)
        for name, weights in pairs:
            try:
                found.extend(self._arrays(name, weights))
            except ValueError as error:
                if not skip_mismatch:
                    raise
                warnings.warn(f"Left out: {str(error).splitlines()[0]}", stacklevel=6)
        return found

    def _by_name(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        own = [(layer.name, _weights_of(layer)) for layer in model.layers if layer.name in self.names]
        return [(name, weights) for name, weights in own if weights or self._weight_names(name)] + self._top(model)

    def _in_order(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        layers = [layer for layer in model.layers if _weights_of(layer)]
        names = [name for name in self.names if self._weight_names(name)]
        if len(layers) != len(names):
            raise ValueError(
                f"The model has {len(layers)} layers with weights, the file {self.path!r} {len(names)}. "
                "Nothing was loaded."
            )
        return [(name, _weights_of(layer)) for name, layer in zip(names, layers, strict=True)] + self._top(model)

    def _top(self, model: Any) -> list[tuple[str, list[tf.Variable]]]:
        return [(_TOP, _top_weights(model))] if _TOP in self.group else []

    def _weight_names(self, name: str) -> list[str]:
        return _read_names(self._inside(self.group, name), "weight_names")

    def _arrays(self, name: str, weights: list[tf.Variable]) -> list[tuple[tf.Variable, np.ndarray]]:
        group, names = self._inside(self.group, name), self._weight_names(name)
        if len(names) != len(weights):
            raise ValueError(
                f"The layer {name!r} has {len(weights)} weights, in the file {self.path!r} {len(names)}. "
                "Nothing was loaded."
            )
        datasets = [self._dataset(group, place) for place in names]
        for weight, dataset in zip(weights, datasets, strict=True):
            if not weight.shape.is_compatible_with(dataset.shape):
                raise ValueError(
                    f"The weight {weight.name} of layer {name!r} has the shape {tuple(weight.shape)}, in the file "
                    f"{tuple(dataset.shape)}. Nothing was loaded: the model is as it was."
                )
        return [(weight, dataset[()]) for weight, dataset in zip(weights, datasets, strict=True)]

    def _dataset(self, group: Any, name: str) -> Any:
        found = self._inside(group, name)
        if not hasattr(found, "dtype") or found.external or found.is_virtual or found.dtype.kind not in "fiub":
            raise ValueError(f"{name!r} in {self.path!r} is not a plain array of numbers within the file.")
        return found

    def _inside(self, group: Any, name: str) -> Any:
        """The member of that name, reached over plain members only: a link could lead to any file."""
        import h5py

        for part in name.split("/"):
            link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{self.path!r} is not laid out as tf.keras 2 does it: {name!r} is missing or a link.")
            group = group[part]
        return group


def _weights_of(layer: Any) -> list[tf.Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _top_weights(model: Any) -> list[tf.Variable]:
    """The weights that belong to the model itself rather than to a layer of it."""
    of_layers = {id(weight) for layer in model.layers for weight in layer.weights}
    return [weight for weight in _weights_of(model) if id(weight) not in of_layers]


def _check_built(model: Any, verb: str) -> None:
    if not model.built or not (model.weights or model.inputs is not None):
        raise ValueError(
            f"Cannot {verb} weights in HDF5 for {model.name!r}, which has none yet.\n"
            "Call the model on inputs, or build(input_shape), first."
        )


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """A list of names as an attribute, in pieces if it is too long for one."""
    encoded = [name.encode() for name in names]
    pieces = 1
    while any(np.asarray(part).nbytes > _LONGEST_ATTRIBUTE for part in np.array_split(np.asarray(encoded), pieces)):
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = encoded
        return
    for number, part in enumerate(np.array_split(np.asarray(encoded), pieces)):
        group.attrs[f"{attribute}{number}"] = part


def _read_names(group: Any, attribute: str) -> list[str]:
    if attribute in group.attrs:
        found = list(group.attrs[attribute])
    else:
        keys = (f"{attribute}{number}" for number in itertools.count())
        found = [name for key in itertools.takewhile(group.attrs.__contains__, keys) for name in group.attrs[key]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]
