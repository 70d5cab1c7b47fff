"""How a model is written and read: the methods that `Model` inherits, and the names that checkpoints give its parts."""

from __future__ import annotations

import inspect
import os
import tempfile
import warnings
from typing import Any

import tensorflow as tf

from kerasish import optimizers
from kerasish.core import dtype_policy, object_config
from kerasish.core.object_config import is_library_class
from kerasish.layers.base import Layer
from kerasish.models.functional import Network
from kerasish.saving import checkpoint, export_archive, formats, object_tree, saved_model
from kerasish.saving.description import KERAS_VERSION, compile_arguments, to_json


class Persistent(Layer):
    """A layer that can be saved whole or as weights."""

    _network: Network | None
    _input_specs: Any = None
    _run_eagerly: Any
    _jit_compile: Any
    _compile_arguments: Any
    steps_per_execution: Any
    compiled: Any
    compiled_loss: Any
    compiled_metrics: Any
    optimizer: Any
    compile: Any
    layers: Any

    # Files.

    def save(self, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any) -> None:
        """Writes the model whole: architecture, weights, compile arguments, optimizer; see `models.save_model`."""
        formats.save_model(self, filepath, overwrite, save_format, **kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """In a pickle a model is the bytes of an archive `.keras`, with the names of the user's classes within.

        Whoever wrote a pickle can have any code run where it is read: read your own only. Python code in the model
        itself, a Lambda's, is not run; provide the function by `custom_object_scope`.
        """
        if not self.built:
            return super().__reduce_ex__(protocol)
        named = {name: kind for name, kind in _own_classes(self).items() if "<locals>" not in kind.__qualname__}
        return from_archive, (self._archive(), named)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A model with weights, optimizer and metrics of its own, which hold what they hold here."""
        if not self.built:
            return super().__deepcopy__(memo)
        copy = from_archive(self._archive(), _own_classes(self), safe_mode=False)
        memo[id(self)] = copy
        return copy

    def _archive(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            self.save(path)
            with open(path, "rb") as file:
                return file.read()

    def save_weights(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
    ) -> None:
        """Writes the weights: a TensorFlow checkpoint, with the optimizer's variables, or for `.h5` an HDF5 file.

        Args:
            filepath: prefix of the checkpoint's files, or the HDF5 file.
            overwrite: whether what is there may be replaced without asking.
            save_format: `"tf"` or `"h5"`; by the path if None.
            options: a `tf.train.CheckpointOptions`.

        Raises:
            ValueError: for an unknown format, or HDF5 of a model without weights yet.
            FileExistsError: if something is there that may not be overwritten.
        """
        formats.save_weights(self, filepath, overwrite, save_format, options)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None
    ) -> Any:
        """Reads weights that `save_weights` or `save` has written, all or none of them.

        Args:
            filepath: prefix of a checkpoint, an HDF5 file, or a SavedModel directory.
            skip_mismatch: leave out layers that do not fit (HDF5 by name only).
            by_name: match layers by their names instead of by their order (HDF5 only).
            options: a `tf.train.CheckpointOptions`.

        Returns:
            TensorFlow's status of the restoration for a checkpoint, else None.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if they do not fit the model.
            NotImplementedError: for `by_name` or `skip_mismatch` with a checkpoint.
        """
        return formats.load_weights(self, filepath, skip_mismatch, by_name, options)

    def export(self, filepath: Any) -> None:
        """Writes the model's inference for serving, as the endpoint `serve` of a SavedModel; see `keras.export`.

        What is written can be run, not trained: `save` is for that.

        Raises:
            ValueError: if the model's inputs are not known yet.
        """
        export_archive.export(self, filepath)

    # Configurations.

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON text for `models.model_from_json`; `kwargs` are those of `json.dumps`."""
        return to_json({"class_name": type(self).__name__, "config": self.get_config(), "keras_version": KERAS_VERSION,
                        "backend": "tensorflow"}, **kwargs)  # fmt: skip

    def to_yaml(self, **kwargs: Any) -> str:
        """Refused: YAML can hold code.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("Models are not written as YAML, which can hold code. Use `to_json()`.")

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain JSON, empty for a model that is not compiled."""
        if not self.compiled:
            return {}
        own = {"run_eagerly": self._run_eagerly, "jit_compile": True if self._jit_compile is True else None,
               "steps_per_execution": self.steps_per_execution}  # fmt: skip
        with self.compiled_metrics.as_given():
            return object_config.serialize({**self._compile_arguments, **own})

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with the arguments that `get_compile_config` gave.

        Raises:
            ValueError: for a name that is not known.
        """
        if not is_library_class(next(base for base in type(self).__mro__ if "compile" in base.__dict__)):
            warnings.warn(
                f"{type(self).__name__} has a `compile` of its own, which was not called. "
                "Compile the model before training it, or define `compile_from_config(self, config)`.",
                stacklevel=2,
            )
            return
        self.compile(**compile_arguments(config))

    # Inputs.

    def save_spec(self, dynamic_batch: bool = True) -> Any:
        """The types of the arguments that `call` takes, `((inputs,), {})`; None as long as they are not known.

        Args:
            dynamic_batch: whether the batch axis may have any size.
        """
        network = self._network
        if network is not None:
            specs = tf.nest.map_structure(lambda tensor: tensor.type_spec, network.inputs)
        elif self._input_specs is not None:
            specs = self._input_specs
        else:
            return None
        return ((tf.nest.map_structure(_any_batch, specs) if dynamic_batch else specs,), {})

    def _call_with(self, signature: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._input_specs is None and self._network is None:
            object.__setattr__(self, "_input_specs", _specs_of(inputs))
        return super()._call_with(signature, inputs, args, kwargs)

    # What TensorFlow's checkpoints and SavedModels see.

    _object_identifier: Any = property(
        lambda self: "_tf_keras_model" if self._network is None else "_tf_keras_network"
    )

    def _own(self, name: str, value: Any) -> None:
        """An optimizer among the attributes is saved with the model, but its variables are no weights of the model."""
        if not isinstance(value, optimizers.Optimizer):
            super()._own(name, value)

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = {**self._numbered_layers(), **super()._trackable_children(save_type, **kwargs)}
        if save_type == "savedmodel":
            children.update(saved_model.functions(self, kwargs.get("cache")))
        return children

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        if name.startswith(checkpoint.AMBIGUOUS):
            return None
        found = self._numbered_layers().get(name)
        return found if found is not None else super()._lookup_dependency(name, cached_dependencies)

    def _numbered_layers(self) -> dict[str, Any]:
        """The layers of a functional model or a Sequential under the names that tf.keras gives them in checkpoints."""
        if self._network is None and not hasattr(self, "_stack"):
            return {}
        names: dict[str, Any] = {}
        with_weights = 0
        for number, layer in enumerate(self.layers):
            if layer.weights or getattr(layer, "learns_vocabulary", False):
                names[f"{checkpoint.AMBIGUOUS}{with_weights}"] = layer
                with_weights += 1
            names[f"layer-{number}"] = layer
        return names


def from_arguments(cls: Any, config: dict[str, Any]) -> Any:
    """A subclass's object; name, dtype and trainable are set afterwards where its constructor does not take them.

    Raises:
        TypeError: if the constructor takes other arguments than the configuration holds.
    """
    taken = inspect.signature(cls).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values())
    common = () if takes_any else ("name", "trainable", "dtype")
    left = {key: config[key] for key in common if key in config and key not in taken}
    model = cls(**{key: value for key, value in config.items() if key not in left})
    if "name" in left:
        model._name = left["name"]
    if "dtype" in left:
        object.__setattr__(model, "_dtype_policy", dtype_policy.get_policy(left["dtype"]))
    if left.get("trainable") is False:
        model.trainable = False
    return model


def from_archive(content: bytes, own_classes: dict[str, Any], safe_mode: bool = True) -> Any:
    """The model that the bytes of an archive `.keras` describe, compiled as it was.

    Raises:
        ValueError: if they bring Python code, or name something unknown.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(content)
        return formats.load_model(path, own_classes, safe_mode=safe_mode)


def _own_classes(model: Any) -> dict[str, Any]:
    """The user's classes in the model by their names."""
    kinds = {type(thing) for _, thing in object_tree.members(model)}
    return {kind.__name__: kind for kind in kinds if not is_library_class(kind)}


def _specs_of(inputs: Any) -> Any:
    """The types of the inputs, None if there is something among them that is no tensor."""
    if not all(tf.is_tensor(value) for value in tf.nest.flatten(inputs)):
        return None
    return tf.nest.map_structure(_any_batch, tf.nest.map_structure(tf.type_spec_from_value, inputs))


def _any_batch(spec: Any) -> Any:
    if not isinstance(spec, tf.TensorSpec) or not spec.shape.rank:
        return spec
    return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype, spec.name)
