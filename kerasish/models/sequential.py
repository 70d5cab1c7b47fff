"""Sequential: layers one after another."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.shapes import shapes_of
from kerasish.graph.symbolic_tensor import is_symbolic
from kerasish.layers.base import LAYERS, Layer, masks_of, named_scope
from kerasish.layers.input import Input, InputLayer
from kerasish.models.functional import Network
from kerasish.models.model import Model


@LAYERS.register()
class Sequential(Model):
    """A stack of layers, each with one input and one output.

    The weights are made when the input's shape is known: from an `Input`, from the first layer's `input_shape`, or from
    the first data.

    Args:
        layers: the layers in order.
        name: the model's name.

    Raises:
        TypeError: for something that is no layer.
        ValueError: for two layers of one name.
    """

    __config_module__ = "keras"
    _object_identifier: Any = "_tf_keras_sequential"
    _config_excluded = ("layers",)
    _stack: list[Any]
    _tensors: list[Any]

    def __init__(self, layers: Any = None, name: str | None = None):
        super().__init__(name=name)
        object.__setattr__(self, "_stack", [])  # its layers are tracked as `layer-0`, ...
        object.__setattr__(self, "_tensors", [])  # the symbolic output of each, as far as they are joined
        self._deferred = False
        for layer in layers if isinstance(layers, (list, tuple)) else [layers] if layers is not None else []:
            self.add(layer)

    @property
    def layers(self) -> list[Any]:
        """The layers in order, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _children(self) -> list[Any]:
        own = [child for child in Layer._children(self) if not any(child is layer for layer in self._stack)]
        return [*self._stack, *own]

    def add(self, layer: Any) -> None:
        """Puts a layer on top.

        Raises:
            TypeError: for something that is no layer.
            ValueError: if the name is taken, or the layer has several outputs.
        """
        if is_symbolic(layer) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            layer = self._from_module(layer)
        if any(layer.name == known.name for known in self._stack):
            raise ValueError(f"Every layer of a Sequential needs its own name. Received: a second {layer.name!r}")
        if not self._stack and not isinstance(layer, InputLayer):
            shape = layer._batch_input_shape or _network_shape(layer)
            if shape is not None:
                self._stack.append(
                    Input(batch_shape=shape, dtype=_input_dtype(layer), name=f"{layer.name}_input").node.layer
                )
        self._stack.append(layer)
        try:
            self._join()
        except Exception:
            self._stack.pop()
            self._join()
            raise

    def _from_module(self, layer: Any) -> Any:
        if isinstance(layer, tf.Module) and callable(layer):
            return _ModuleLayer(layer)
        raise TypeError(f"A Sequential takes layers. Received: {layer!r} of type {type(layer).__name__}")

    def pop(self) -> None:
        """Takes the top layer away.

        Raises:
            TypeError: if there is none.
        """
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        top = self._stack.pop()
        if self._tensors:
            top._inbound_nodes.remove(self._tensors.pop().node)
        self._join()

    def _join(self) -> None:
        """Calls the layers that were not joined yet, if the input's shape is known."""
        object.__setattr__(self, "_network", None)
        self.built = False
        self._programs = {}
        if not self._stack or not isinstance(self._stack[0], InputLayer):
            return
        if not self._tensors:
            self._tensors.append(self._stack[0].symbolic)
        for layer in self._stack[len(self._tensors) :]:
            output = layer(self._tensors[-1])
            if len(tf.nest.flatten(output)) != 1:
                raise ValueError(
                    f"Every layer of a Sequential must have one output. Received: {layer.name!r} with several"
                )
            self._tensors.append(output)
        if len(self._stack) > 1:
            self._connect(Network(self._tensors[0], self._tensors[-1]))

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of that shape, the batch axis included.

        Raises:
            ValueError: if no shape is given and none is known.
        """
        if self._network is not None or not self._stack:
            self.built = True
            return
        if input_shape is None:
            raise ValueError("The input's shape is not known yet. Call build(input_shape), or start with an `Input`.")
        self._infer_network(tf.TensorSpec((None, *tuple(input_shape)[1:]), _input_dtype(self._stack[0]) or "float32"))

    def _infer_network(self, spec: Any) -> None:
        first = Input(batch_shape=spec.shape.as_list(), dtype=spec.dtype, name=f"{self._stack[0].name}_input")
        self._stack.insert(0, first.node.layer)
        self._deferred = True
        try:
            self._join()
        except Exception:
            del self._stack[0], self._tensors[:]
            self._deferred = False
            raise

    def _maybe_build(self, inputs: Any) -> None:
        if self._network is None and self._stack and not tf.nest.is_nested(inputs) and inputs.shape.rank is not None:
            with named_scope(""):
                self._infer_network(tf.TensorSpec([None, *inputs.shape[1:]], inputs.dtype))
        if self._build_input_shape is None:
            self._build_input_shape = shapes_of(inputs)
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The output of the top layer."""
        if self._network is not None:
            return super().call(inputs, training, mask)
        outputs = inputs
        if mask is not None:
            outputs._keras_mask = mask
        for layer in self.layers:
            outputs = layer(outputs)
        return outputs

    def compute_mask(self, inputs: Any, mask: Any) -> Any:  # type: ignore[override]
        """The mask of the output for the inputs."""
        return masks_of(self.call(inputs, mask=mask))

    def _mark(self, inputs: Any, mask: Any, outputs: Any) -> None:
        """The layers have marked the output."""

    def get_config(self) -> dict[str, Any]:
        """The layers' configurations in order."""
        layers = []
        for layer in self._stack:
            entry = object_config.serialize_object(layer)
            if layer._build_input_shape is not None:
                entry["build_config"] = {"input_shape": layer._build_input_shape}
            layers.append(entry)
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The model of a configuration, with fresh weights."""
        entries, name = (config["layers"], config.get("name")) if isinstance(config, dict) else (config, None)
        model = cls(name=name) if name is not None else cls()
        for entry in entries:
            model.add(LAYERS.get(entry, custom_objects))
        shape = config.get("build_input_shape") if isinstance(config, dict) else None
        if shape is not None and model._network is None and model._stack:
            model.build(shape)
        return model


@LAYERS.register("ModuleWrapper")
class _ModuleLayer(Layer):
    """A plain `tf.Module` as a layer."""

    def __init__(self, module: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.module = module

    def call(self, inputs: Any) -> Any:
        """What the module returns."""
        return self.module(inputs)


def _network_shape(layer: Any) -> Any:
    """The input shape of a model that stands first."""
    network = getattr(layer, "_network", None)
    return tuple(network.flat_inputs[0].shape) if network is not None else None


def _input_dtype(layer: Any) -> Any:
    network = getattr(layer, "_network", None)
    if network is not None:
        return network.flat_inputs[0].dtype
    return None if layer.dtype == "float32" else layer.dtype
