"""The file `keras_metadata.pb` of a SavedModel: what tf.keras knows of each object of the graph that belongs to it.

A record gives an object's number in the graph of `saved_model.pb`, the way to it from the root, its kind
(`_tf_keras_layer`, ...) and a JSON text with its class and configuration. Releases before 2.5 kept the text within
`saved_model.pb` itself.

Source: files written by tf.keras; the numbers of the fields are those found there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from kerasish.saving.checkpoint import AMBIGUOUS
from kerasish.saving.description import from_json

NAME = "keras_metadata.pb"
KINDS = ("layer", "input_layer", "rnn_layer", "model", "network", "sequential", "metric")
_LARGEST = 2**31 - 1  # of a protocol buffer
_VERSION = {"producer": 2, "min_consumer": 1}


@dataclass(frozen=True)
class Record:
    """One object of the graph.

    Attributes:
        path: names of the children on the way from the root, joined by points.
        kind: `"_tf_keras_layer"` and the like.
        metadata: class, configuration and the like, as the JSON value that was or will be written.
    """

    path: str
    kind: str
    metadata: Any


def write(folder: str, records: Iterable[tuple[int, str, str, str]]) -> None:
    """Writes the file from the numbers, paths, kinds and JSON texts of the objects."""
    message = _message("SavedMetadata")()
    for number, path, kind, text in records:
        message.nodes.add(node_id=number, node_path=path, identifier=kind, metadata=text, version=_VERSION)
    with tf.io.gfile.GFile(os.path.join(folder, NAME), "wb") as file:
        file.write(message.SerializeToString(deterministic=True))


def read(path: str) -> dict[int, Record]:
    """The records of the SavedModel at `path` by number; empty for one that no Keras has written.

    Raises:
        ValueError: if the file is damaged.
    """
    place = os.path.join(path, NAME)
    if not tf.io.gfile.exists(place):
        return _within_graph(path)
    with tf.io.gfile.GFile(place, "rb") as file:
        content = file.read(_LARGEST)
    try:
        nodes = _message("SavedMetadata").FromString(content).nodes
    except DecodeError as error:
        raise ValueError(f"{place!r} is damaged: it is no record of Keras objects ({error}).") from None
    named = [(node.node_id, node.node_path, node.identifier, node.metadata) for node in nodes]
    return {number: Record(path, kind, from_json(text, repr(place))) for number, path, kind, text in named}


def graph_of(path: str) -> Any:
    """The graphs of the SavedModel at `path`, and as `object_graph_def` its objects.

    Raises:
        ValueError: if the file is damaged.
    """
    place = os.path.join(path, "saved_model.pb")
    with tf.io.gfile.GFile(place, "rb") as file:
        content = file.read(_LARGEST)
    try:
        graphs = SavedModel.FromString(content).meta_graphs
    except DecodeError as error:
        raise ValueError(f"{place!r} is damaged: it is no SavedModel ({error}).") from None
    if len(graphs) != 1 or not graphs[0].object_graph_def.nodes:
        raise ValueError(f"{place!r} holds no objects: it is damaged, or was written by TensorFlow 1.")
    return graphs[0]


def walk(root: Any, graph: Any, parts: Callable[[Any], Mapping[str, Any]]) -> Iterator[tuple[int, str, Any]]:
    """Number, path and object of everything below `root` that is in the graph too, each once.

    Args:
        root: the object that the graph begins with.
        graph: the `object_graph_def` of a SavedModel.
        parts: gives the parts of an object by name.
    """
    seen = {0}
    waiting = [(0, "root", root)]
    for number, path, thing in waiting:
        yield number, path, thing
        known = parts(thing)
        for child in graph.nodes[number].children:
            ambiguous = child.local_name.startswith(AMBIGUOUS)
            if child.local_name in known and not ambiguous and child.node_id not in seen:
                seen.add(child.node_id)
                waiting.append((child.node_id, f"{path}.{child.local_name}", known[child.local_name]))


def _within_graph(path: str) -> dict[int, Record]:
    place = repr(os.path.join(path, "saved_model.pb"))
    found = {}
    for number, node in enumerate(graph_of(path).object_graph_def.nodes):
        thing = node.user_object
        if thing.identifier.startswith("_tf_keras_") and thing.metadata:
            found[number] = Record("", thing.identifier, from_json(thing.metadata, place))
    return found


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"keras_metadata.{name}"))


def _described() -> Any:
    """The layout of the file, in a pool of its own so that another Keras in the process may have its like."""
    text, number, record = (
        descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
        descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
    )
    layout = {
        "Version": [("producer", 1, number, ""), ("min_consumer", 2, number, "")],
        "SavedObject": [
            ("node_id", 2, number, ""), ("node_path", 3, text, ""), ("identifier", 4, text, ""),
            ("metadata", 5, text, ""), ("version", 6, record, "Version"),
        ],
        "SavedMetadata": [("nodes", 1, record, "SavedObject")],
    }  # fmt: skip
    file = descriptor_pb2.FileDescriptorProto(name="keras_metadata.proto", package="keras_metadata", syntax="proto3")
    for message, fields in layout.items():
        made = file.message_type.add(name=message)
        for name, place, kind, of in fields:
            made.field.add(
                name=name, number=place, type=kind, label=3 if name == "nodes" else 1,
                **({"type_name": f".keras_metadata.{of}"} if of else {}),
            )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_pool = _described()
