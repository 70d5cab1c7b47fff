"""The table of a model's layers that `model.summary()` prints.

Source: every line is laid out as tf.keras 2 lays it out; the tests compare the texts.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from kerasish.callbacks.console import console
from kerasish.core.tracking import unique

_TITLES = ("Layer (type)", "Output Shape", "Param #", "Connected to")
_NARROW = (65, (0.45, 0.85, 1.0))
_WIDE = (98, (0.3, 0.6, 0.7, 1.0))
_PARTS = ("),", "},", "],", "',")
_UNITS = ("Byte", "KB", "MB", "GB", "TB", "PB")


class Summarized:
    """What can tell its layers in a table."""

    def summary(
        self, line_length: int | None = None, positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None, expand_nested: bool = False, show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Prints a table of the layers with their outputs' shapes and numbers of parameters.

        Args:
            line_length: width of the table, 65 for a chain of layers and 98 for others if None.
            positions: where the columns end, as parts of the width (the last at most 1) or in characters.
            print_fn: called with each line; if None it is printed.
            expand_nested: also list the layers of models within the model, in frames.
            show_trainable: add a column that says whether a layer is trained.
            layer_range: names (or patterns of them) of the first and the last layer to be listed.

        Raises:
            ValueError: for a model that is not built, a `layer_range` that names no layers, or too few `positions`.
        """
        check_built(self)
        layers = layers_in_range(self.layers, layer_range)  # type: ignore[attr-defined]
        table = _Table(self, line_length, positions, show_trainable, expand_nested)
        for line in table.lines(layers):
            (print_fn or console.line)(line)


class _Table:
    """The lines of a summary.

    Args:
        model: a built model.
        width: characters in a line, None for what suits the model.
        positions: where the columns end, None for what suits the model.
        show_trainable: whether there is a column that tells what is trained.
        expand_nested: whether the layers of inner models are listed.
    """

    def __init__(
        self, model: Any, width: int | None, positions: Sequence[float] | None, show_trainable: bool,
        expand_nested: bool,
    ):  # fmt: skip
        self.model, self.show_trainable, self.expand_nested = model, show_trainable, expand_nested
        self.nodes = [] if is_chain(model) else model._network.plan.nodes
        usual_width, usual_positions = _WIDE if self.nodes else _NARROW
        self.width = width or usual_width
        ends = list(positions or usual_positions)
        self.ends = [int(self.width * end) for end in ends] if ends[-1] <= 1 else [int(end) for end in ends]
        self.titles = list(_TITLES if self.nodes else _TITLES[:3])
        if show_trainable:
            self.width += 11
            self.ends.append(self.width)
            self.titles.append("Trainable")
        if len(self.ends) < len(self.titles):
            raise ValueError(
                f"`positions` must say where each column ends: {', '.join(self.titles)}. Received: {positions=}"
            )

    def lines(self, layers: Sequence[Any]) -> Iterator[str]:
        """All lines for these of the model's layers."""
        yield f'Model: "{self.model.name}"'
        yield "_" * self.width
        yield from self._cells(self.titles, 0)
        yield "=" * self.width
        yield from self._listed(layers, 0)
        yield "=" * self.width
        trainable = unique(self.model.trainable_weights)
        known = {id(weight) for weight in trainable}
        others = unique([weight for weight in self.model.non_trainable_weights if id(weight) not in known])
        for kind, weights in (("Total", trainable + others), ("Trainable", trainable), ("Non-trainable", others)):
            yield f"{kind} params: {sum(map(_size, weights))} ({_memory(weights)})"
        yield "_" * self.width

    def _listed(self, layers: Sequence[Any], level: int) -> Iterator[str]:
        """The layers' rows within `level` frames."""
        for layer in layers:
            yield from self._cells(self._row(layer), level)
            inner = getattr(layer, "layers", None) if self.expand_nested else None
            if inner:
                yield self._across("¯", level + 1)
                yield from self._listed(inner, level + 1)
                yield self._across("¯", level)
            elif level == 0 or layer is not layers[-1]:
                yield self._across(" ", level)

    def _across(self, character: str, level: int) -> str:
        frame = "|" * level
        return frame + character * (self.width - 2 * level) + frame

    def _row(self, layer: Any) -> list[str]:
        row = [f"{layer.name} ({class_name(layer)})", _output_shape(layer), _parameters(layer)]
        if self.nodes:
            row.append(str(self._sources(layer)))
        return [*row, "Y" if layer.trainable else "N"] if self.show_trainable else row

    def _sources(self, layer: Any) -> list[str]:
        """The tensors that the layer takes within the model: `layer[call][output]`."""
        members = {id(node) for node in self.nodes}
        tensors = [tensor for node in layer._inbound_nodes if id(node) in members for tensor in node.inputs]
        return [f"{tensor.node.layer.name}[{tensor.node.index}][{tensor.index}]" for tensor in tensors]

    def _cells(self, row: Sequence[str], level: int) -> Iterator[str]:
        """The lines of a row, as many as its longest cell needs."""
        starts = [level, *self.ends]
        last = len(row) - 1
        widths = [self.ends[place] - starts[place] - 3 * (place < last) for place in range(len(row))]
        columns = [list(_wrapped(text, width)) for text, width in zip(row, widths, strict=False)]
        for parts in zip_longest(*columns, fillvalue=""):
            line = "|" * level + " "
            for part, end in zip(parts[:-1], self.ends, strict=False):
                line = f"{line}{part}  ".ljust(end)
            yield (line + parts[-1]).ljust(self.ends[last] - level) + "|" * level


def is_chain(model: Any) -> bool:
    """Whether every layer is called once, on nothing but the layer before; a subclassed model counts as such."""
    network = model._network
    if network is None:
        return True
    nodes = network.plan.nodes
    pairs = zip(nodes, nodes[1:], strict=False)
    follows = all(len(node.inputs) == 1 and node.parents[0] is before for before, node in pairs)
    return follows and len({id(node.layer) for node in nodes}) == len(nodes)


def class_name(layer: Any) -> str:
    """The name of the layer's class; a model that was made from symbolic tensors is `Functional`."""
    name = type(layer).__name__
    return "Functional" if name == "Model" and getattr(layer, "_network", None) is not None else name


def layers_in_range(layers: Sequence[Any], layer_range: Sequence[str] | None) -> list[Any]:
    """The layers from the first to the second of two names or patterns, either way round; all if None.

    Raises:
        ValueError: if it is not a pair of strings, or one of them fits no layer.
    """
    if layer_range is None:
        return list(layers)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"`layer_range` must be two names of layers. Received: layer_range={layer_range!r}")
    places = [[place for place, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range]
    if not all(places):
        raise ValueError(
            f"`layer_range` must name layers of the model. Received: layer_range={layer_range!r}\n"
            f"The layers are {', '.join(layer.name for layer in layers):.300}."
        )
    ends = sorted((min(places[0]), max(places[1])))
    return list(layers[ends[0] : ends[1] + 1])


def check_built(model: Any) -> None:
    """Raises a ValueError for a model whose layers do not know their inputs' shapes yet."""
    if not model.built:
        raise ValueError(
            f'The model "{model.name}" is not built yet: its weights and shapes are not known.\n'
            "Call model.build(input_shape), or call the model on a batch."
        )


def _wrapped(text: str, width: int) -> Iterator[str]:
    """The text in lines of that width; a part of a list, tuple or dict that ends earlier ends its line."""
    while text:
        ends = [text.find(mark, 0, width) + len(mark) for mark in _PARTS if mark in text[: max(width, 0)]]
        end = min(ends, default=max(width, 1))
        yield text[:end]
        text = text[end:]


def _output_shape(layer: Any) -> str:
    if not layer._inbound_nodes and getattr(layer, "_network", None) is None:
        return "multiple"
    try:
        shape = layer.output_shape
    except AttributeError:
        return "multiple"
    return str([shape] if class_name(layer) == "InputLayer" else shape)


def _parameters(layer: Any) -> str:
    return str(sum(map(_size, layer.weights))) if layer.built else "0 (unused)"


def _size(weight: Any) -> int:
    return int(weight.shape.num_elements() or 0)


def _memory(weights: Sequence[Any]) -> str:
    """The bytes that the weights take, in the largest unit of which there is one."""
    size = float(sum(_size(weight) * weight.dtype.size for weight in weights))
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.2f} {_UNITS[unit]}"
