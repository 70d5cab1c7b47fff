"""The order in which the nodes between given inputs and outputs run, and the run itself.

Source: the order of layers (and so of weights) is that of tf.keras 2: by depth below the outputs, deepest first, and
within one depth in the order of a depth-first walk from the outputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from kerasish.graph.node import Node
from kerasish.graph.symbolic_tensor import SymbolicTensor, is_symbolic


class Plan:
    """Nodes and layers in order, with every tensor's place worked out once.

    Args:
        inputs: the symbolic tensors that will be given.
        outputs: the symbolic tensors that are wanted.

    Raises:
        ValueError: if an output depends on a tensor that is not among the inputs, or two layers share a name.
    """

    def __init__(self, inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]):
        self.inputs, self.outputs = inputs, outputs
        walked, met = _walk(outputs)
        self.nodes, self.layers = _by_depth(walked, met, inputs)
        _check_connected(self.nodes, {id(tensor) for tensor in inputs})
        _check_names(self.layers)
        self._places = {id(tensor): place for place, tensor in enumerate(inputs)}
        self._steps = [self._step(node) for node in self.nodes if not node.is_input]
        self._wanted = [self._places[id(tensor)] for tensor in outputs]

    def __contains__(self, node: Node) -> bool:
        return any(node is known for known in self.nodes)

    def run(self, values: Iterable[Any]) -> list[Any]:
        """The outputs, flat, for the inputs' values in order."""
        values = list(values)
        for layer, argument, args, kwargs in self._steps:
            outputs = layer(values[argument], **kwargs) if args is None else self._call(layer, values, args, kwargs)
            if isinstance(outputs, (list, tuple, dict)):
                values.extend(tf.nest.flatten(outputs))
            else:
                values.append(outputs)
        return [values[place] for place in self._wanted]

    def _call(self, layer: Any, values: list[Any], args: Any, kwargs: Any) -> Any:
        args, kwargs = tf.nest.map_structure(
            lambda part: values[part.place] if type(part) is _Place else part, (args, kwargs)
        )
        return layer(*args, **kwargs)

    def _step(self, node: Node) -> tuple[Any, int, Any, Any]:
        """The layer with one place and constants where that is all, else with structures of places."""
        simple = len(node.args) == 1 and is_symbolic(node.args[0]) and len(node.inputs) == 1
        first = self._places[id(node.inputs[0])] if node.inputs else 0
        args, kwargs = (None, node.kwargs) if simple else tf.nest.map_structure(self._placed, (node.args, node.kwargs))
        for tensor in tf.nest.flatten(node.outputs):
            self._places[id(tensor)] = len(self._places)
        return node.layer, first, args, kwargs

    def _placed(self, part: Any) -> Any:
        return _Place(self._places[id(part)]) if is_symbolic(part) else part


class _Place:
    """Where a value lies among those computed so far."""

    def __init__(self, place: int):
        self.place = place


def _walk(outputs: list[SymbolicTensor]) -> tuple[list[Node], list[Any]]:
    """The nodes above the outputs, inputs before those who use them, and the layers in the order they are first met.

    Without recursion: models may be deep.
    """
    order: list[Node] = []
    met: dict[int, Any] = {}
    entered: set[int] = set()
    stack: list[tuple[Node, bool]] = [(tensor.node, False) for tensor in reversed(outputs)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif id(node) not in entered:
            entered.add(id(node))
            met.setdefault(id(node.layer), node.layer)
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.parents))
    return order, list(met.values())


def _by_depth(walked: list[Node], met: list[Any], inputs: list[SymbolicTensor]) -> tuple[list[Node], list[Any]]:
    """Nodes and layers, deepest first; an input that leads nowhere stands at depth 0, before the layers met there."""
    node_depth: dict[int, int] = defaultdict(int)
    layer_depth: dict[int, int] = defaultdict(int)
    for node in reversed(walked):
        depth = max(node_depth[id(node)], layer_depth[id(node.layer)])
        node_depth[id(node)] = layer_depth[id(node.layer)] = depth
        for parent in node.parents:
            node_depth[id(parent)] = max(node_depth[id(parent)], depth + 1)
    known = {id(layer) for layer in met}
    unused = [tensor.node for tensor in inputs if id(tensor.node.layer) not in known]
    layers = sorted([*(node.layer for node in unused), *met], key=lambda layer: -layer_depth[id(layer)])
    nodes = sorted([*walked, *unused], key=lambda node: -node_depth[id(node)])
    return nodes, layers


def _check_connected(nodes: list[Node], given: set[int]) -> None:
    for node in nodes:
        outputs = tf.nest.flatten(node.outputs)
        if node.is_input and not any(id(tensor) in given for tensor in outputs):
            raise ValueError(
                f"Graph disconnected: the outputs depend on {outputs[0]!r}, which is not among the model's `inputs`.\n"
                f"Add it to `inputs`, or build the outputs from the given inputs only."
            )


def _check_names(layers: list[Any]) -> None:
    names: dict[str, Any] = {}
    for layer in layers:
        if names.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f'The name "{layer.name}" is used by two layers of the model ({type(names[layer.name]).__name__} and '
                f"{type(layer).__name__}); every layer needs its own. Pass another `name=` to one of them."
            )
