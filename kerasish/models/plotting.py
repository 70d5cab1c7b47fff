"""Drawings of models: a box for each layer, an arrow for each call; as a pydot graph or a picture made by Graphviz.

Source: boxes, labels and order are those of tf.keras 2 (`plot_model`, `model_to_dot`).
"""
from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasish.layers.base import Layer
from kerasish.layers.input import InputLayer
from kerasish.models.summary import check_built, class_name, layers_in_range


@dataclass(frozen=True)
class _Style:
    """What the boxes tell."""

    shapes: bool
    dtype: bool
    names: bool
    activations: bool
    trainable: bool
    expand_nested: bool


def model_to_dot(
    model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True, rankdir: str = "TB",
    expand_nested: bool = False, dpi: int = 96, subgraph: bool = False, layer_range: Any = None,
    show_layer_activations: bool = False, show_trainable: bool = False,
) -> Any:  # fmt: skip
    """A `pydot.Dot` of the model, or a `pydot.Cluster` if `subgraph`.

    Args:
        model: a built model.
        show_shapes: tell the shapes that go in and come out.
        show_dtype: tell the type of the layers' weights.
        show_layer_names: tell the layers' names.
        rankdir: "TB" draws downwards, "LR" to the right.
        expand_nested: draw the inside of models within the model.
        dpi: dots per inch.
        subgraph: return a part that can be put into another graph.
        layer_range: names (or patterns of them) of the first and the last layer to be drawn.
        show_layer_activations: tell the activations.
        show_trainable: mark layers with T or, if they are not trained, NT.

    Raises:
        ImportError: without pydot.
        ValueError: for a model that is not built, or a `layer_range` that names no layers.
    """
    pydot = _import_pydot()
    check_built(model)
    style = _Style(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested)
    if subgraph:
        graph = pydot.Cluster(style="dashed", graph_name=model.name)
        graph.set("label", model.name)
        graph.set("labeljust", "l")
    else:
        graph = pydot.Dot()
        graph.set("rankdir", rankdir)
        graph.set("concentrate", True)
        graph.set("dpi", dpi)
        graph.set_node_defaults(shape="record")
    if model._network is None:
        graph.add_node(pydot.Node(str(id(model)), label=model.name))
    else:
        layers = model._network.layers if layer_range is None else layers_in_range(model.layers, layer_range)
        _draw(pydot, graph, model._network, layers, style)
    return graph


def plot_model(
    model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_dtype: bool = False,
    show_layer_names: bool = True, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 96,
    layer_range: Any = None, show_layer_activations: bool = False, show_trainable: bool = False,
) -> Any:  # fmt: skip
    """Writes a picture of the model; returns it as an `IPython.display.Image` within IPython, else None.

    Args:
        model: a built model.
        to_file: where to; the extension names the format, "png" if there is none. "dot" needs no Graphviz.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, layer_range, show_layer_activations,
            show_trainable: as for `model_to_dot`.

    Raises:
        ImportError: without pydot or without Graphviz's program `dot` (within IPython that is printed instead).
        ValueError: for a model that is not built, or a format that Graphviz cannot write.
    """
    try:
        dot = model_to_dot(
            model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, layer_range=layer_range,
            show_layer_activations=show_layer_activations, show_trainable=show_trainable,
        )  # fmt: skip
        path = _write(dot.to_string(), os.fspath(to_file))
    except ImportError as error:
        if _in_ipython():
            print(error)
            return None
        raise
    return _shown(path) if _in_ipython() else None


def _draw(pydot: Any, graph: Any, network: Any, layers: list[Any], style: _Style) -> None:
    """Boxes, then arrows between those that were drawn."""
    for layer in layers:
        inner = _expanded(layer, style)
        if inner is None:
            graph.add_node(pydot.Node(str(id(layer)), label=_label(layer, style)))
        else:
            cluster = model_to_dot(
                inner, style.shapes, style.dtype, style.names, expand_nested=True, subgraph=True,
                show_layer_activations=style.activations, show_trainable=style.trainable,
            )  # fmt: skip
            graph.add_subgraph(cluster)
    drawn = {id(layer) for layer in layers}
    known: set[tuple[str, str]] = set()
    for source, target in _calls(network, layers, style):
        if id(source[0]) in drawn and (source[1], target) not in known:
            known.add((source[1], target))
            graph.add_edge(pydot.Edge(source[1], target))


def _calls(network: Any, layers: list[Any], style: _Style) -> Iterator[tuple[tuple[Any, str], str]]:
    """For each tensor that a layer takes: the layer it comes from with the box it leaves, and the box it enters."""
    members = {id(node) for node in network.plan.nodes}
    for layer in layers:
        for node in layer._inbound_nodes:
            if id(node) in members:
                for place, tensor in enumerate(node.inputs):
                    yield (tensor.node.layer, _exit(tensor, style)), _entrance(layer, place, style)


def _entrance(layer: Any, place: int, style: _Style) -> str:
    inner = _expanded(layer, style)
    if inner is None:
        return str(id(layer))
    inputs = inner._network.flat_inputs
    return str(id(inputs[min(place, len(inputs) - 1)].node.layer))


def _exit(tensor: Any, style: _Style) -> str:
    inner = _expanded(tensor.node.layer, style)
    if inner is None:
        return str(id(tensor.node.layer))
    outputs = inner._network.flat_outputs
    return _exit(outputs[min(tensor.index, len(outputs) - 1)], style)


def _expanded(layer: Any, style: _Style) -> Any:
    """The model whose inside is drawn for the layer: itself or what it wraps; None for a plain box."""
    if not style.expand_nested:
        return None
    return next((model for model in (layer, _wrapped(layer)) if getattr(model, "_network", None) is not None), None)


def _wrapped(layer: Any) -> Any:
    inner = getattr(layer, "layer", None)
    return inner if isinstance(inner, Layer) else None


def _label(layer: Any, style: _Style) -> str:
    """The text of a box; braces and bars are Graphviz's notation for fields within fields."""
    name, text = layer.name, class_name(layer)
    inner = _wrapped(layer)
    if inner is not None:
        name, text = f"{name}({inner.name})", f"{text}({class_name(inner)})"
    if style.activations and getattr(layer, "activation", None) is not None:
        text = f"{{{text}|{_activation_name(layer.activation)}}}"
    if style.names:
        text = f"{name}|{text}"
    if style.dtype:
        text = f"{text}|{layer.dtype or '?'}"
    if style.shapes:
        text = f"{{{text}}}|{{input:|output:}}|{{{{{_shape(layer, 'input')}}}|{{{_shape(layer, 'output')}}}}}"
    return f"{'T' if layer.trainable else 'NT'}|{text}" if style.trainable else text


def _activation_name(activation: Any) -> str:
    return str(getattr(activation, "name", None) or getattr(activation, "__name__", type(activation).__name__))


def _shape(layer: Any, side: str) -> str:
    try:
        shape = getattr(layer, f"{side}_shape")
    except AttributeError:
        return "?"
    return str([shape] if isinstance(layer, InputLayer) else shape).replace("{", r"\{").replace("}", r"\}")


def _import_pydot() -> Any:
    try:
        return importlib.import_module("pydot")
    except ImportError:
        raise ImportError("Drawing a model needs the Python package pydot. Run `pip install pydot`.") from None


def _write(text: str, path: str) -> str:
    """Writes the picture in the format that the path's extension names; returns the path."""
    kind = Path(path).suffix[1:].lower()
    if kind == "dot":
        Path(path).write_text(text, encoding="utf-8")
        return path
    program = shutil.which("dot")
    if program is None:
        raise ImportError(
            "Drawing a model needs Graphviz: its program `dot` is not on the PATH.\n"
            "Install it (for example `apt-get install graphviz`), or write a file that ends in .dot, which needs none."
        )
    command = [program, f"-T{kind or 'png'}", "-o", path]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        told = done.stderr.decode()[:400].strip()
        raise ValueError(f"Graphviz could not write the picture. Received: to_file={path!r}\n{told}")
    return path


def _in_ipython() -> bool:
    """Whether the program runs within IPython or a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _shown(path: str) -> Any:
    """The picture for a notebook, None for a format that it cannot show."""
    display = importlib.import_module("IPython.display")
    kind = Path(path).suffix[1:].lower()
    if kind == "svg":
        return display.SVG(filename=path)
    return display.Image(filename=path) if kind in ("", "png", "jpg", "jpeg", "gif") else None
