"""The inside of a functional model: symbolic inputs and outputs, and the layers between them.

Source: the configuration is that of tf.keras 2 (`layers` with `inbound_nodes`, `input_layers`, `output_layers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.registry import Registry
from kerasish.graph.node import Node
from kerasish.graph.plan import Plan
from kerasish.graph.symbolic_tensor import SymbolicTensor, any_symbolic, is_symbolic
from kerasish.layers.input import Input, InputLayer
from kerasish.layers.tf_op import OperationLayer, TFOpLambda, plain_arguments, revived_arguments

_OF_LAYER = ("class_name", "config", "name", "registered_name", "module", "shared_object_id")
_CONSTANT = "_CONSTANT_VALUE"
_SPREAD = "*"  # further arguments of a function that takes any number of them


class Network:
    """The layers between symbolic inputs and outputs.

    Args:
        inputs: a symbolic tensor, or a list or dict of them.
        outputs: likewise.

    Raises:
        ValueError: if they are not symbolic, an input is given twice, or an output depends on something else.
    """

    def __init__(self, inputs: Any, outputs: Any):
        inputs, outputs = _only(inputs), _only(outputs)
        _check_symbolic("inputs", inputs)
        _check_symbolic("outputs", outputs)
        flat = tf.nest.flatten(inputs)
        if len({id(tensor) for tensor in flat}) != len(flat):
            raise ValueError(f"Every one of `inputs` must be another tensor. Received: inputs={inputs}")
        if not all(tensor.node.is_input for tensor in flat):
            inputs, outputs = _cut_at(inputs, outputs)
        self.inputs, self.outputs = inputs, outputs
        self.flat_inputs, self.flat_outputs = tf.nest.flatten(inputs), tf.nest.flatten(outputs)
        self.plan = Plan(self.flat_inputs, self.flat_outputs)
        self.layers = list(self.plan.layers)
        self._extra: list[SymbolicTensor] = []

    @property
    def input_names(self) -> list[str]:
        """The names of the input layers, in order."""
        return [tensor.node.layer.name for tensor in self.flat_inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that give the outputs, numbered where one gives several."""
        names: list[str] = []
        for tensor in self.flat_outputs:
            name, number = tensor.node.layer.name, 1
            while (unique := name if number == 1 else f"{name}_{number - 1}") in names:
                number += 1
            names.append(unique)
        return names

    def append(self, outputs: list[SymbolicTensor]) -> None:
        """Lets the run compute further tensors (losses, metrics), whose layers come after the others."""
        self._extra.extend(outputs)
        self.plan = Plan(self.flat_inputs, [*self.flat_outputs, *self._extra])
        known = {id(layer) for layer in self.layers}
        self.layers.extend(layer for layer in self.plan.layers if id(layer) not in known)

    def run(self, inputs: Any) -> Any:
        """The outputs for the inputs' values, in the structure of the symbolic outputs."""
        values = self.plan.run(self.in_order(inputs))[: len(self.flat_outputs)]
        if self.outputs is self.flat_outputs[0]:
            return values[0]
        return tf.nest.pack_sequence_as(self.outputs, values)

    def in_order(self, inputs: Any) -> list[Any]:
        """The inputs' values in the order of the symbolic inputs, cast and with a missing or spare last axis mended."""
        if isinstance(inputs, Mapping):
            keys = sorted(self.inputs) if isinstance(self.inputs, Mapping) else self.input_names
            if not all(key in inputs for key in keys):
                keys = self.input_names
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(f"The inputs lack {missing}. The model takes {keys}. Received: keys {sorted(inputs)}")
            values = [inputs[key] for key in keys]
        else:
            values = tf.nest.flatten(inputs)
        if len(values) != len(self.flat_inputs):
            raise ValueError(
                f"The model takes {len(self.flat_inputs)} input(s) {self.input_names}. Received: {len(values)}"
            )
        return [_conform(value, wanted) for value, wanted in zip(values, self.flat_inputs, strict=True)]

    # Configuration.

    def get_config(self) -> dict[str, Any]:
        """Layers, their calls, and where inputs and outputs are."""
        number = self._node_numbers()
        layers = []
        for layer in self.layers:
            entry = object_config.serialize_object(layer)
            if layer._build_input_shape is not None:
                entry["build_config"] = {"input_shape": layer._build_input_shape}
            nodes = [node for node in layer._inbound_nodes if id(node) in number and not node.is_input]
            layers.append(
                {**entry, "name": layer.name, "inbound_nodes": [_node_config(node, number) for node in nodes]}
            )
        place = lambda tensor: [tensor.node.layer.name, number[id(tensor.node)], tensor.index]  # noqa: E731
        return {
            "layers": layers,
            "input_layers": _map_structure(place, _several(self.inputs)),
            "output_layers": _map_structure(place, _several(self.outputs)),
        }

    def _node_numbers(self) -> dict[int, int]:
        """For each node of the network its number among those of its layer that belong to the network."""
        members = {id(node) for node in self.plan.nodes}
        numbers: dict[int, int] = {}
        for layer in self.layers:
            own = [node for node in layer._inbound_nodes if id(node) in members]
            numbers.update((id(node), number) for number, node in enumerate(own, _calls_of_its_own(layer)))
        return numbers


def rebuild(
    config: dict[str, Any], layers: Registry, custom_objects: dict[str, Any] | None = None
) -> tuple[Any, Any, list[Any]]:
    """Inputs, outputs and all layers of the network that a configuration describes.

    Raises:
        ValueError: if a call refers to a layer or call that is not there.
    """
    made: dict[str, Any] = {}
    waiting: list[tuple[Any, list[Any], int]] = []
    created: dict[str, list[Any]] = {}
    for entry in config["layers"]:
        layer = layers.get(
            {key: entry[key] for key in _OF_LAYER if key in entry},
            custom_objects,
        )
        made[entry["name"]] = layer
        created[entry["name"]] = layer._inbound_nodes[:1] if isinstance(layer, InputLayer) else []
        created[entry["name"]] += [None] * _calls_of_its_own(layer)
        if entry["inbound_nodes"]:
            waiting.append((layer, list(entry["inbound_nodes"]), 0))
    names = {id(layer): name for name, layer in made.items()}
    while waiting:
        left = []
        for layer, nodes, done in waiting:
            while done < len(nodes) and _is_ready(nodes[done], created):
                _replay(layer, nodes[done], created)
                created[names[id(layer)]].append(layer._inbound_nodes[-1])
                done += 1
            if done < len(nodes):
                left.append((layer, nodes, done))
        if [item[2] for item in left] == [item[2] for item in waiting] and len(left) == len(waiting):
            raise ValueError(f"The configuration refers to layers that are not in it, near {left[0][0].name!r}.")
        waiting = left
    find = lambda place: created[place[0]][place[1]].output(place[2])  # noqa: E731
    inputs, outputs = _map_places(find, config["input_layers"]), _map_places(find, config["output_layers"])
    return inputs, outputs, list(made.values())


def _calls_of_its_own(layer: Any) -> int:
    """1 for a model within the model: its configuration counts its own inputs and outputs as the first call."""
    return int(getattr(layer, "_network", None) is not None)


def _node_config(node: Node, number: dict[int, int]) -> Any:
    """One call as tf.keras writes it: the places of the first argument's tensors, each with the other arguments."""
    spread = {_SPREAD: list(node.args[1:])} if len(node.args) > 1 else {}
    others = _placed(plain_arguments({**node.kwargs, **spread}), number)
    place = lambda tensor: (  # noqa: E731
        [tensor.node.layer.name, number[id(tensor.node)], tensor.index, others]
        if is_symbolic(tensor)
        else [_CONSTANT, -1, plain_arguments({"value": tensor})["value"], others]
    )
    if not any_symbolic(node.args[0]):
        return place(node.args[0])
    found = _map_structure(place, node.args[0])
    single = is_symbolic(node.args[0]) and not isinstance(node.layer, OperationLayer)
    return [found] if single else found


def _only(tensors: Any) -> Any:
    """The tensor itself for a list of one."""
    single = isinstance(tensors, (list, tuple)) and len(tensors) == 1 and is_symbolic(tensors[0])
    return tensors[0] if single else tensors


def _several(tensors: Any) -> Any:
    return [tensors] if is_symbolic(tensors) else tensors


def _placed(value: Any, number: dict[int, int]) -> Any:
    if is_symbolic(value):
        return [value.node.layer.name, number[id(value.node)], value.index]
    if isinstance(value, list):
        return [_placed(item, number) for item in value]
    if isinstance(value, dict):
        return {key: _placed(item, number) for key, item in value.items()}
    return value


def _is_place(value: Any) -> bool:
    """Whether a part of a configuration is `[layer, call, output]` or that with arguments."""
    return (
        isinstance(value, (list, tuple))
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _map_places(function: Any, value: Any) -> Any:
    if _is_place(value):
        return function(value)
    if isinstance(value, dict):
        return {key: _map_places(function, item) for key, item in value.items()}
    return [_map_places(function, item) for item in value] if isinstance(value, (list, tuple)) else value


def _map_structure(function: Any, structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {key: _map_structure(function, item) for key, item in structure.items()}
    return (
        [_map_structure(function, item) for item in structure]
        if isinstance(structure, (list, tuple))
        else function(structure)
    )


def _is_ready(call: Any, created: dict[str, list[Any]]) -> bool:
    ready = True

    def look(place: Any) -> None:
        nonlocal ready
        ready = ready and (place[0] == _CONSTANT or (place[0] in created and place[1] < len(created[place[0]])))
        for value in (place[3] if len(place) > 3 else {}).values():
            _look_into(value, created, look)

    _map_places(look, call)
    return ready


def _look_into(value: Any, created: dict[str, list[Any]], look: Any) -> None:
    if _is_place(value) and value[0] in created:
        look(value[:3])
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _look_into(item, created, look)


def _replay(layer: Any, call: Any, created: dict[str, list[Any]]) -> None:
    """Calls the layer once more on the symbolic tensors that the configuration names."""
    arguments: dict[str, Any] = {}

    def tensor(place: Any) -> Any:
        arguments.update(place[3] if len(place) > 3 else {})
        return place[2] if place[0] == _CONSTANT else created[place[0]][place[1]].output(place[2])

    first = _map_places(tensor, call)
    arguments = {key: _revived(value, created) for key, value in arguments.items()}
    rest = arguments.pop(_SPREAD, ())
    if isinstance(layer, TFOpLambda):
        arguments = revived_arguments(arguments)
    elif isinstance(first, list) and len(first) == 1 and len(call) == 1 and _is_place(call[0]):
        first = first[0]
    layer(first, *rest, **arguments)


def _revived(value: Any, created: dict[str, list[Any]]) -> Any:
    if _is_place(value) and len(value) == 3 and value[0] in created and value[1] < len(created[value[0]]):
        return created[value[0]][value[1]].output(value[2])
    if isinstance(value, list):
        return [_revived(item, created) for item in value]
    return {key: _revived(item, created) for key, item in value.items()} if isinstance(value, dict) else value


def _conform(value: Any, wanted: SymbolicTensor) -> Any:
    if not isinstance(value, (tf.Tensor, SymbolicTensor)):
        return value
    if value.dtype != wanted.dtype and wanted.dtype != tf.string and value.dtype != tf.string:
        value = tf.cast(value, wanted.dtype)
    rank, expected = value.shape.rank, wanted.shape.rank
    if rank is not None and expected is not None and rank != expected:
        if rank == expected + 1 and value.shape[-1] == 1:
            value = tf.squeeze(value, -1)
        elif rank == expected - 1 and wanted.shape[-1] == 1:
            value = tf.expand_dims(value, -1)
    return value


def _check_symbolic(argument: str, tensors: Any) -> None:
    for tensor in tf.nest.flatten(tensors):
        if not is_symbolic(tensor):
            raise ValueError(
                f"`{argument}` of a model must be symbolic tensors: what `Input(...)` and layers called on it return. "
                f"Received: {type(tensor).__name__} {tensor!r:.80}"
            )


def _cut_at(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Fresh inputs in place of inner tensors, and the calls from there to the outputs made once more."""
    flat = tf.nest.flatten(inputs)
    fresh = [
        t if t.node.is_input else Input(batch_shape=t.shape.as_list(), dtype=t.dtype)
        for t in flat
    ]
    known = {id(old): new for old, new in zip(flat, fresh, strict=True)}

    def renewed(tensor: Any) -> Any:
        stack = [tensor]
        while stack:
            top = stack[-1]
            if id(top) in known or top.node.is_input:
                stack.pop()
                continue
            needed = [t for t in top.node.inputs if id(t) not in known and not t.node.is_input]
            if needed:
                stack.extend(needed)
                continue
            swap = lambda part: known.get(id(part), part)  # noqa: E731
            args, kwargs = tf.nest.map_structure(swap, (top.node.args, top.node.kwargs))
            made = tf.nest.map_structure(lambda old: SymbolicTensor(old.type_spec), top.node.outputs)
            Node(top.node.layer, args, kwargs, made)
            known.update(
                (id(o), n) for o, n in zip(tf.nest.flatten(top.node.outputs), tf.nest.flatten(made), strict=True)
            )
        return known.get(id(tensor), tensor)

    return tf.nest.pack_sequence_as(inputs, fresh), tf.nest.map_structure(renewed, outputs)
