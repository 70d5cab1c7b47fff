"""One call of a layer on symbolic tensors."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.shapes import shapes_of
from kerasish.graph.symbolic_tensor import SymbolicTensor, is_symbolic


class Node:
    """What a layer was called with and what came out; the layers before and after are reached through the tensors.

    Args:
        layer: the layer that was called.
        args: its positional arguments, structures that may contain symbolic tensors.
        kwargs: its keyword arguments, likewise.
        outputs: the structure of symbolic tensors that came out.
    """

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any):
        self.layer, self.args, self.kwargs, self.outputs = layer, args, kwargs, outputs
        self.inputs = [value for value in tf.nest.flatten([args, kwargs]) if is_symbolic(value)]
        self.index = len(layer._inbound_nodes)
        layer._inbound_nodes.append(self)
        for tensor in self.inputs:
            if tensor.node is not None:
                tensor.node.layer._outbound_nodes.append(self)
        for index, tensor in enumerate(tf.nest.flatten(outputs)):
            tensor.node, tensor.index = self, index

    @property
    def is_input(self) -> bool:
        """Whether the node starts a graph."""
        return not self.inputs

    @property
    def parents(self) -> list[Node]:
        """The nodes whose outputs this one takes, in order of the arguments."""
        return [tensor.node for tensor in self.inputs if tensor.node is not None]

    @property
    def input_tensors(self) -> Any:
        """The symbolic tensors of the first argument (of a starting node: its outputs)."""
        return self.args[0] if not self.is_input else _alone(tf.nest.flatten(self.outputs))

    @property
    def output_tensors(self) -> Any:
        """The structure of symbolic tensors that came out."""
        return self.outputs

    @property
    def input_shapes(self) -> Any:
        """The shapes of `input_tensors`."""
        return shapes_of(self.input_tensors)

    @property
    def output_shapes(self) -> Any:
        """The shapes of `output_tensors`."""
        return shapes_of(self.outputs)

    @property
    def inbound_layers(self) -> Any:
        """The layers that the inputs come from."""
        return _alone([tensor.node.layer for tensor in self.inputs if tensor.node is not None])

    @property
    def outbound_layer(self) -> Any:
        """The layer that was called."""
        return self.layer

    def output(self, index: int) -> SymbolicTensor:
        """The tensor of that number among the flattened outputs."""
        return tf.nest.flatten(self.outputs)[index]


def _alone(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
