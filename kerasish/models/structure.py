"""How a model looks from outside: its inputs, outputs and layers by name and number."""

from __future__ import annotations

from collections import deque
from typing import Any

import tensorflow as tf

from kerasish.core.registry import unknown_name
from kerasish.layers.base import Layer
from kerasish.models.functional import Network


class Structured(Layer):
    """A layer that may have a network of layers within."""

    _network: Network | None
    compiled_loss: Any

    @property
    def layers(self) -> list[Any]:
        """The layers of the model, in order."""
        return [child for child in self._children() if isinstance(child, Layer)]

    @property
    def inputs(self) -> Any:
        """The symbolic inputs in order, None for a model without."""
        return None if self._network is None else list(self._network.flat_inputs)

    @property
    def outputs(self) -> Any:
        """The symbolic outputs in order, None for a model without."""
        return None if self._network is None else list(self._network.flat_outputs)

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of them."""
        return self._network.inputs if self._network is not None else super().input

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of them."""
        return self._network.outputs if self._network is not None else super().output

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the structure of them."""
        return (
            tf.nest.map_structure(lambda t: tuple(t.shape), self.input)
            if self._network is not None
            else super().input_shape
        )

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the structure of them."""
        return (
            tf.nest.map_structure(lambda t: tuple(t.shape), self.output)
            if self._network is not None
            else super().output_shape
        )

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs in order, empty for a model without symbolic ones."""
        return [] if self._network is None else self._network.input_names

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs in order, as far as they are known."""
        if self._network is not None:
            return self._network.output_names
        return (
            [] if self.compiled_loss is None or self.compiled_loss.outputs is None else self.compiled_loss.outputs.names
        )

    def get_weight_paths(self) -> dict[str, tf.Variable]:
        """The variables by the attributes that lead to them, `"encoder.dense.kernel"`; layers of a network by name.

        A layer that stands in two places has the shortest path.
        """
        named = self._network is not None
        paths: dict[str, tf.Variable] = {}
        waiting = deque((layer, [layer.name]) for layer in self.layers) if named else deque([(self, [])])
        seen = {id(thing) for thing, _ in waiting}
        while waiting:
            thing, path = waiting.popleft()
            if isinstance(thing, tf.Variable):
                paths[".".join(path)] = thing
                continue
            for name, child in thing._trackable_children().items():
                if id(child) not in seen:
                    seen.add(id(child))
                    waiting.append((child, [*path, name]))
        own = {id(variable) for variable in self.variables}
        return {path: variable for path, variable in paths.items() if id(variable) in own}

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of that name or number.

        Raises:
            ValueError: if there is none, or not exactly one of the arguments is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"`get_layer` needs either `name` or `index`. Received: name={name!r}, index={index}")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"`index` must be below the number of layers, {len(self.layers)}. Received: index={index}"
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(unknown_name("layer", str(name), [layer.name for layer in self.layers]).split("\n")[0])
