"""Where a layer stands in models: its symbolic inputs and outputs, call by call."""

from __future__ import annotations

from typing import Any

from kerasish.core.shapes import shapes_of


class Connected:
    """A layer's inbound and outbound nodes and what can be asked of them (`input`, `output_shape`, ...)."""

    _inbound_nodes: list[Any]
    _outbound_nodes: list[Any]
    name: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls, *args, **kwargs)
        object.__setattr__(instance, "_inbound_nodes", [])
        object.__setattr__(instance, "_outbound_nodes", [])
        return instance

    @property
    def inbound_nodes(self) -> list[Any]:
        """One node for each symbolic call of this layer."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Any]:
        """The nodes that take this layer's outputs."""
        return self._outbound_nodes

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's first call."""
        return self._first_call("input").input_tensors

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's first call."""
        return self._first_call("output").output_tensors

    @property
    def input_shape(self) -> Any:
        """The shape of the input, if it is the same in every call."""
        return self._same("input_shapes", "input shape")

    @property
    def output_shape(self) -> Any:
        """The shape of the output, if it is the same in every call."""
        return self._same("output_shapes", "output shape")

    @property
    def input_mask(self) -> Any:
        """The mask that came with the input of the first call."""
        return getattr(self.input, "_keras_mask", None)

    @property
    def output_mask(self) -> Any:
        """The mask that came with the output of the first call."""
        return getattr(self.output, "_keras_mask", None)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of the call of that number."""
        return self._node(node_index, "input").input_tensors

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of the call of that number."""
        return self._node(node_index, "output").output_tensors

    def get_input_shape_at(self, node_index: int) -> Any:
        """The input's shape in the call of that number."""
        return shapes_of(self._node(node_index, "input shape").input_tensors)

    def get_output_shape_at(self, node_index: int) -> Any:
        """The output's shape in the call of that number."""
        return shapes_of(self._node(node_index, "output shape").output_tensors)

    def get_input_mask_at(self, node_index: int) -> Any:
        """The mask of the input in the call of that number."""
        return getattr(self.get_input_at(node_index), "_keras_mask", None)

    def get_output_mask_at(self, node_index: int) -> Any:
        """The mask of the output in the call of that number."""
        return getattr(self.get_output_at(node_index), "_keras_mask", None)

    def _node(self, node_index: int, what: str) -> Any:
        if not self._inbound_nodes:
            raise RuntimeError(f'Layer "{self.name}" has no {what}: it was never called on a symbolic tensor.')
        if node_index >= len(self._inbound_nodes):
            raise ValueError(
                f'Layer "{self.name}" was called {len(self._inbound_nodes)} time(s). Received: node_index={node_index}'
            )
        return self._inbound_nodes[node_index]

    def _first_call(self, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f'Layer "{self.name}" has no {what}: it was never called on a symbolic tensor.')
        return self._inbound_nodes[0]

    def _same(self, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f'Layer "{self.name}" has no {what}: it was never called.')
        shapes = [getattr(node, attribute) for node in self._inbound_nodes]
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(
                f'Layer "{self.name}" was called on different shapes: {shapes[:4]}.\n'
                f"Use `get_{what.replace(' ', '_')}_at(node_index)`."
            )
        return shapes[0]
