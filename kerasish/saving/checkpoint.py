"""Weights, and the optimizer's variables with them, as a TensorFlow checkpoint.

A checkpoint names every value by the way from the model to its variable (`layer_with_weights-0/kernel`), as tf.keras 2
does, so that either library reads the other's. Before anything is read, the model is compared with the checkpoint: a
value that does not fit leaves the model as it was.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from kerasish.saving import optimizer_weights
from kerasish.saving.replacement import is_remote, recover, replaced_file, replaced_group

# Layers are found by their number in the model: which of them have weights depends on the library that wrote.
AMBIGUOUS = "layer_with_weights-"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def save_weights(model: Any, path: str, options: Any = None) -> None:
    """Writes the checkpoint `path` (an index and a file of values) and the name of the folder's latest checkpoint.

    Raises:
        OSError: if it cannot be written; the earlier checkpoint is then unchanged.
    """
    with replaced_group(path) as prefix:
        tf.train.Checkpoint(root=model).write(prefix, options=options)
    if not is_remote(path):
        _note_latest(path)


def load_weights(
    model: Any, path: str, options: Any = None, every: bool = False, loaded: Collection[Any] = (), root: Any = None
) -> Any:  # fmt: skip
    """Reads the checkpoint into the model; weights that are made later are read when they are.

    Args:
        model: the model that is read.
        path: prefix of the checkpoint's files.
        options: a `tf.train.CheckpointOptions`.
        every: whether a weight that the checkpoint lacks is an error rather than a warning.
        loaded: weights that have their values already.
        root: what the checkpoint was written from, if that is not the model but holds it.

    Returns:
        TensorFlow's status of the restoration.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if a shape or type differs, or none of the weights is there.
        OSError: if the files are damaged.
    """
    recover(path)
    reader, nodes = _opened(path)
    root = model if root is None else root
    _build_older_optimizer(model, root, nodes)
    matched = _matched(root, reader, nodes)
    _check_present(model, {*matched, *map(id, loaded)}, path, every)
    before = [(variable, tf.identity(variable)) for variable in matched.values()]
    try:
        older = [(variable, reader.get_tensor(key)) for variable, key in _older_keys(root, nodes)]
        status = tf.train.Checkpoint(root=root).read(path, options=options).expect_partial()
        for variable, value in older:
            variable.assign(value)
        return status
    except (tf.errors.OpError, ValueError) as error:
        for variable, value in before:
            variable.assign(value)
        raise _damaged(path, error) from error


def load_found(thing: Any, path: str) -> None:
    """Reads into the variables of `thing` those values that the checkpoint has for them; it may have none."""
    reader, nodes = _opened(path)
    keys = _keys(thing, nodes)
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    fit = [(v, k) for v, k in keys if types.get(k) == v.dtype and v.shape.is_compatible_with(shapes[k])]
    values = [(variable, reader.get_tensor(key)) for variable, key in fit]
    for variable, value in values:
        variable.assign(value)


def children(path: str, *names: str) -> list[str]:
    """The names of what the object at the end of `names` holds in the checkpoint; none if it is not there."""
    _, nodes = _opened(path)
    node = nodes[0]
    for name in names:
        number = next((child.node_id for child in node.children if child.local_name == name), None)
        if number is None:
            return []
        node = nodes[number]
    return [child.local_name for child in node.children]


def known(root: Any, path: str) -> list[tf.Variable]:
    """The variables of an object that the checkpoint holds."""
    _, nodes = _opened(path)
    return [variable for variable, _ in [*_keys(root, nodes), *_older_keys(root, nodes)]]


def _opened(path: str) -> tuple[Any, Any]:
    """A checkpoint's reader and the objects it was written from."""
    if not tf.io.gfile.exists(f"{path}.index"):
        raise FileNotFoundError(f"There is no checkpoint {path!r} (a file {path + '.index'!r} was expected).")
    try:
        reader = tf.train.load_checkpoint(path)
        nodes = TrackableObjectGraph.FromString(reader.get_tensor(_GRAPH)).nodes if reader.has_tensor(_GRAPH) else None
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError, DecodeError) as error:
        raise _damaged(path, error) from error
    if nodes is None:
        raise ValueError(f"The checkpoint {path!r} names no objects: it was written by TensorFlow 1.")
    return reader, nodes


def _damaged(path: str, error: Exception) -> OSError:
    reason = str(getattr(error, "message", error)).splitlines()[:1]
    return OSError(f"The checkpoint {path!r} cannot be read: {' '.join(reason)[:300]}\nThe model is as it was.")


def _matched(model: Any, reader: Any, nodes: Any) -> dict[int, tf.Variable]:
    """The model's variables that the checkpoint holds, by identity.

    Raises:
        ValueError: if one of them has another shape or type there.
    """
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    matched: dict[int, tf.Variable] = {}
    for variable, key in [*_keys(model, nodes), *_older_keys(model, nodes)]:
        _check_fits(variable, shapes.get(key), types.get(key))
        matched[id(variable)] = variable
    return matched


def _keys(root: Any, nodes: Any) -> list[tuple[tf.Variable, str]]:
    """The variables of an object that the checkpoint holds, each with the key of its value."""
    found = [(thing, number) for thing, number in _walk(root, nodes) if isinstance(thing, tf.Variable)]
    return [(variable, key) for variable, number in found for key in _values(nodes[number])]


def _walk(root: Any, nodes: Any) -> Iterator[tuple[Any, int]]:
    """Everything below `root` that the checkpoint knows too, with its number there."""
    seen: set[tuple[int, int]] = set()
    stack: list[tuple[Any, int]] = [(root, 0)]
    while stack:
        thing, number = stack.pop()
        if (id(thing), number) in seen:
            continue
        seen.add((id(thing), number))
        yield thing, number
        known = {n: c for n, c in thing._trackable_children().items() if not n.startswith(AMBIGUOUS)}
        stack.extend((known[c.local_name], c.node_id) for c in nodes[number].children if c.local_name in known)


def _values(node: Any) -> list[str]:
    return [attribute.checkpoint_key for attribute in node.attributes if attribute.name == "VARIABLE_VALUE"]


def _older_keys(root: Any, nodes: Any) -> list[tuple[tf.Variable, str]]:
    """The variables of optimizers that TensorFlow 2.0 to 2.10 wrote, where slots belong to the updated variables."""
    things = list(_walk(root, nodes))
    owners = {number: thing for thing, number in things if isinstance(thing, tf.Variable)}
    found: list[tuple[tf.Variable, int]] = []
    for optimizer, number in things:
        if not hasattr(optimizer, "apply_gradients"):
            continue
        slots = nodes[number].slot_variables
        known = optimizer_weights.older_slots(optimizer, owners.values()) if slots else {}
        for slot in slots:
            owner = owners.get(slot.original_variable_node_id)
            variable = known.get((id(owner), slot.slot_name))
            found += [] if variable is None else [(variable, slot.slot_variable_node_id)]
        numbers = optimizer_weights.older_numbers(optimizer)
        found += [(numbers[c.local_name], c.node_id) for c in nodes[number].children if c.local_name in numbers]
    return [(variable, key) for variable, number in found for key in _values(nodes[number])]


def _build_older_optimizer(model: Any, root: Any, nodes: Any) -> None:
    """Makes the slots of the model's optimizer where an older checkpoint has values for them."""
    for optimizer, number in _walk(root, nodes):
        if hasattr(optimizer, "apply_gradients") and nodes[number].slot_variables and model.built:
            optimizer_weights.build(optimizer, model.trainable_variables)


def _check_fits(variable: tf.Variable, shape: Any, dtype: Any) -> None:
    if shape is None or not variable.shape.is_compatible_with(shape):
        raise ValueError(
            f"The weight {variable.name} has the shape {tuple(variable.shape)}, in the checkpoint "
            f"{'nothing' if shape is None else tuple(shape)}. Nothing was loaded: the model is as it was."
        )
    if dtype != variable.dtype:
        raise ValueError(
            f"The weight {variable.name} is of type {variable.dtype.name}, in the checkpoint {dtype.name}. "
            "Nothing was loaded: the model is as it was."
        )


def _check_present(model: Any, matched: Collection[int], path: str, every: bool) -> None:
    missing = [variable.name for variable in model.weights if id(variable) not in matched]
    if not missing:
        return
    some = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    if every or len(missing) == len(model.weights):
        raise ValueError(f"The checkpoint {path!r} lacks weights of {model.name!r}: {some}. Nothing was loaded.")
    warnings.warn(
        f"The checkpoint {path!r} lacks weights of {model.name!r}, which stay as they are: {some}.", stacklevel=4
    )


def _note_latest(path: str) -> None:
    """Writes the file that `tf.train.latest_checkpoint(folder)` reads."""
    folder, name = os.path.split(path)
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    with replaced_file(os.path.join(folder, "checkpoint")) as new, open(new, "w", encoding="utf-8") as file:
        file.write(f"model_checkpoint_path: {quoted}\nall_model_checkpoint_paths: {quoted}\n")
