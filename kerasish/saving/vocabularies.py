"""The vocabularies of lookup layers in a SavedModel of tf_keras, which keeps them as constants of the graph.

The constants are read from the file; nothing is run for that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from kerasish.saving import keras_metadata
from kerasish.saving.keras_metadata import Record

_LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their numbers, and for the output mode "tf_idf" their weights."""

    tokens: list[Any]
    weights: list[float] | None


def found(path: str, records: Mapping[int, Record]) -> dict[int, Vocabulary]:
    """The vocabularies in the SavedModel at `path` by the number of the layer that has it."""
    if not any(_class_name(record) in _LOOKUPS for record in records.values()):
        return {}
    nodes = keras_metadata.graph_of(path).object_graph_def.nodes
    tables = {number: {c.local_name: c.node_id for c in nodes[number].children} for number in records}
    vocabularies = {}
    for number, record in records.items():
        holder = tables[number].get("_lookup_layer", number) if _class_name(record) in _LOOKUPS else None
        if holder in tables and "lookup_table" in tables[holder]:
            config = records[holder].metadata.get("config", {})
            entries = _entries(path, tables[holder]["lookup_table"], bool(config.get("invert")))
            tokens = [token for token, _ in sorted(entries, key=lambda entry: entry[1])]
            tokens = [token for token in tokens if token not in (config.get("mask_token"), config.get("oov_token"))]
            weights = _weights(path, f"{records[holder].path}.idf_weights", config) if tokens else None
            vocabularies[number] = Vocabulary(tokens, weights and weights[: len(tokens)])
    return {number: vocabulary for number, vocabulary in vocabularies.items() if vocabulary.tokens}


def filled(config: Any, by_name: Mapping[str, Vocabulary]) -> Any:
    """The configuration with the vocabularies of the layers in it that have none there."""
    if isinstance(config, list):
        return [filled(item, by_name) for item in config]
    if not isinstance(config, dict):
        return config
    made = {key: filled(value, by_name) for key, value in config.items()}
    inner = made.get("config")
    if made.get("class_name") in _LOOKUPS and isinstance(inner, dict) and not inner.get("vocabulary"):
        known = by_name.get(str(inner.get("name")))
        if known is not None:
            made["config"] = {**inner, "vocabulary": known.tokens, "idf_weights": known.weights}
    return made


def _class_name(record: Record) -> Any:
    return record.metadata.get("class_name") if isinstance(record.metadata, dict) else None


def _entries(path: str, table: int, inverted: bool) -> list[tuple[Any, int]]:
    """Tokens and numbers that the function filling the table is given."""
    graph = keras_metadata.graph_of(path)
    nodes = graph.object_graph_def.nodes
    fill = next((c.node_id for c in nodes[table].children if c.local_name == "_initialize"), None)
    names = list(nodes[fill].function.concrete_functions) if fill is not None else []
    inputs = graph.object_graph_def.concrete_functions[names[0]].bound_inputs if names else []
    given = [nodes[number] for number in inputs]
    operations = [node.constant.operation for node in given if node.WhichOneof("kind") == "constant"]
    values = {node.name: node.attr["value"].tensor for node in graph.graph_def.node if node.name in operations}
    if len(operations) != 2:
        return []
    keys, numbers = (tf.make_ndarray(values[name]).reshape(-1).tolist() for name in operations)
    tokens, places = (numbers, keys) if inverted else (keys, numbers)
    return list(zip((_text(token) for token in tokens), places, strict=True))


def _weights(path: str, place: str, config: Mapping[str, Any]) -> list[float] | None:
    """The weights of the tokens proper, whose variable lies at `place`."""
    if config.get("output_mode") != "tf_idf":
        return None
    key = "/".join(place.split(".")[1:]) + "/.ATTRIBUTES/VARIABLE_VALUE"
    reader = tf.train.load_checkpoint(os.path.join(path, "variables", "variables"))
    return reader.get_tensor(key).tolist()[int(config.get("num_oov_indices", 1)) :] if reader.has_tensor(key) else None


def _text(token: Any) -> Any:
    return token.decode("utf-8", "surrogateescape") if isinstance(token, bytes) else token
