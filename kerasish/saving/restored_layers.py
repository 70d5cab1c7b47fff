"""Layers of unknown classes within a model that is known: their graphs stand in for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasish.core.registry import family_of
from kerasish.saving.keras_metadata import Record

_STAND_IN = "RestoredLayer"


def can_stand_for(root: Mapping[str, Any], unknown: list[str]) -> bool:
    """Whether the model itself is a network or a stack whose class is known, so that only layers are to be replaced."""
    config = root.get("config")
    return bool(unknown) and isinstance(config, dict) and "layers" in config and _name(root) not in unknown


def put_in(
    root: Mapping[str, Any], records: Mapping[int, Record], unknown: list[str], loaded: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description of the model with stand-ins for the layers of unknown classes, and the class of these by name.

    Args:
        root: the description.
        records: the descriptions of all objects.
        unknown: the names of the classes.
        loaded: the model as `tf.saved_model.load` returned it.
    """
    takes_training = {
        record.metadata.get("name"): bool(record.metadata.get("expects_training_arg"))
        for record in records.values()
        if isinstance(record.metadata, dict)
    }
    graphs: dict[str, Any] = {}
    replaced = _replaced(root, loaded, unknown, graphs)
    kind: Any = family_of("keras.layers").resolve(_STAND_IN)  # type: ignore[union-attr]

    class Bound(kind):
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            """The layer that runs the graph of that name."""
            return kind(graphs[config["name"]], takes_training.get(config["name"], False), name=config["name"])

    return replaced, {_STAND_IN: Bound}


def _replaced(entry: Mapping[str, Any], loaded: Any, unknown: list[str], graphs: dict[str, Any]) -> dict[str, Any]:
    """A model's entry with its layers' entries replaced where their class is unknown."""
    number, layers = 0, []
    is_stack = not any("inbound_nodes" in layer for layer in entry["config"]["layers"])
    for layer in entry["config"]["layers"]:
        if is_stack and layer["class_name"] == "InputLayer":
            layers.append(layer)
            continue
        graph = getattr(loaded, f"layer-{number}", None)
        number += 1
        if _name(layer) in unknown:
            name = str(layer.get("name") or layer["config"].get("name") or f"layer-{number}")
            graphs[name] = graph
            kept = {key: layer[key] for key in ("name", "inbound_nodes") if key in layer}
            layer = {**kept, "class_name": _STAND_IN, "config": {"name": name}}
        elif isinstance(layer.get("config"), dict) and "layers" in layer["config"]:
            layer = _replaced(layer, graph, unknown, graphs)
        layers.append(layer)
    return {**entry, "config": {**entry["config"], "layers": layers}}


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("registered_name") or entry["class_name"])
