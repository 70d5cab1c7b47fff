"""Where symbolic tensors come from."""

from __future__ import annotations

from typing import Any


def get_source_inputs(tensor: Any, layer: Any = None, node_index: int | None = None) -> list[Any]:
    """The symbolic inputs that the symbolic tensor depends on, in the order in which they are met.

    Args:
        tensor: a symbolic tensor.
        layer, node_index: the call to start from instead: a layer and the number of its call.
    """
    if layer is not None:
        node = layer._inbound_nodes[node_index or 0]
        waiting = list(reversed(node.inputs)) or [node.outputs]
    else:
        waiting = [tensor]
    found: dict[int, Any] = {}
    met: set[int] = set()
    while waiting:
        tensor = waiting.pop()
        if tensor.node.is_input:
            found.setdefault(id(tensor), tensor)
        elif id(tensor.node) not in met:
            met.add(id(tensor.node))
            waiting.extend(reversed(tensor.node.inputs))
    return list(found.values())
