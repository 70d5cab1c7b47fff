"""Whole models as TensorFlow's SavedModel directory, read: those of this library and those of tf.keras and tf_keras.

A model is made anew from the classes and configurations of `keras_metadata.pb`; its values are then found by their
places in the graph of objects. Where classes are not provided, the model runs the graphs that were saved.

Graphs can read and write files: load only SavedModels whose author you trust, or load them in a sandbox.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from kerasish import optimizers
from kerasish.core import object_config, trust
from kerasish.core.registry import custom_object_scope, family_of, find_custom
from kerasish.core.tracking import Named
from kerasish.saving import checkpoint, keras_metadata, older_config, restored_layers, vocabularies
from kerasish.saving.keras_metadata import Record
from kerasish.saving.replacement import recover
from kerasish.saving.vocabularies import Vocabulary


def load(
    path: str,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    options: Any = None,
) -> Any:
    """The model of the directory `path`, compiled and with its optimizer's state if it was saved so.

    Raises:
        FileNotFoundError: if there is no SavedModel.
        ValueError: if it is damaged, or brings Python code and `safe_mode` is on.
        OSError: if the values are damaged.
    """
    recover(path)
    _check_saved_model(path)
    records = keras_metadata.read(path)
    root = _root(path, records)
    reason = _not_rebuilt(root, custom_objects)
    graphs: dict[str, Any] = {}
    if reason is not None:
        unknown = _unknown_classes(root, custom_objects) if "config" in root else []
        if not restored_layers.can_stand_for(root, unknown):
            return _restored(path, reason, options)
        _warn(f"The SavedModel {path!r} is loaded with layers that run their graphs, because {reason}.")
        root, graphs = restored_layers.put_in(root, records, unknown, tf.saved_model.load(path, options=options))
    with trust.safe_mode(safe_mode), custom_object_scope(custom_objects or {}, graphs):
        try:
            model, outputs = _rebuilt(path, root, records)
            if compile:
                _compile(model, root, outputs)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            if isinstance(error, TypeError) and any(find_custom(name, custom_objects) for name in _class_names(root)):
                return _restored(path, f"its classes do not take the configured arguments: {error}", options)
            raise ValueError(f"{_place(path)} does not describe a model: {error!r:.200}") from error
    values = os.path.join(path, "variables", "variables")
    if compile and model.optimizer is not None:
        _build_optimizer(model, root, len(checkpoint.children(values, "optimizer", "_variables")))
    loaded = [v for layer in model._flatten_layers() for v in getattr(layer, "restored_variables", ())]
    checkpoint.load_weights(model, values, every=True, loaded=loaded)
    if compile and model.compiled:
        checkpoint.load_found(Named(keras_api=Named(metrics=list(model.metrics))), values)
    return model


def is_saved_model(path: str) -> bool:
    """Whether a SavedModel lies at the path."""
    return tf.io.gfile.exists(os.path.join(path, "saved_model.pb"))


def _check_saved_model(path: str) -> None:
    if not is_saved_model(path):
        found = "no file 'saved_model.pb' in it" if tf.io.gfile.exists(path) else "nothing"
        raise FileNotFoundError(f"Expected a SavedModel directory at {path!r}, found {found}.")


def _root(path: str, records: Mapping[int, Record]) -> dict[str, Any]:
    """What the file says of the model itself; empty if it says nothing."""
    record = records.get(0)
    if record is None:
        return {}
    if not isinstance(record.metadata, dict) or "class_name" not in record.metadata:
        raise ValueError(f"{_place(path)} does not describe a model.")
    return older_config.read(record.metadata)


def _place(path: str) -> str:
    return repr(os.path.join(path, keras_metadata.NAME))


def _not_rebuilt(root: Mapping[str, Any], custom_objects: dict[str, Any] | None) -> str | None:
    """Why the model cannot be made from its classes; None if it can."""
    if not root:
        return "it holds no description of its layers"
    if "config" not in root:
        return f"{root.get('class_name')} has no configuration (define `get_config`)"
    unknown = _unknown_classes(root, custom_objects)
    if not unknown:
        return None
    hint = ", ".join(f"{name!r}: {name.rpartition('>')[2]}" for name in unknown)
    return f"these classes are not provided: {', '.join(unknown)} (custom_objects={{{hint}}})"


def _unknown_classes(root: Mapping[str, Any], custom_objects: dict[str, Any] | None) -> list[str]:
    """The names of the user's classes among the model and its layers that are not provided."""
    return sorted(name for name in _class_names(root) if not any(
        find_custom(known, custom_objects) or family_of("keras.layers").find(known)  # type: ignore[union-attr]
        for known in (name, name.partition(">")[2]) if known
    ))  # fmt: skip


def _class_names(root: Mapping[str, Any]) -> set[str]:
    """The names, registered ones where there are, of the classes of the model and its layers."""
    return {str(entry.get("registered_name") or entry["class_name"]) for entry in _layer_entries(root)}


def _layer_entries(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The model's entry, those of its layers, and of the layers of models and wrappers among them."""
    waiting: list[Any] = [root]
    while waiting:
        entry = waiting.pop()
        yield entry
        config = entry.get("config")
        if isinstance(config, dict):
            inner = [config.get("layer"), config.get("cell"), *_listed(config.get("layers"))]
            waiting.extend(part for part in inner if isinstance(part, dict) and "class_name" in part)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _restored(path: str, reason: str, options: Any) -> Any:
    _warn(f"The SavedModel {path!r} is loaded as a model that runs its graphs, because {reason}.")
    return family_of("keras.layers").resolve("RestoredModel")(tf.saved_model.load(path, options=options))  # type: ignore[union-attr]


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=6)


def _rebuilt(path: str, root: Mapping[str, Any], records: Mapping[int, Record]) -> tuple[Any, Any]:
    """The model of a description, built as far as its inputs are known, with fresh weights; the types of its outputs.

    The latter are None where the model knows them itself.
    """
    entry = {key: root[key] for key in ("class_name", "config", "registered_name") if key in root}
    learned = vocabularies.found(path, records)
    by_name = {records[number].metadata["name"]: vocabulary for number, vocabulary in learned.items()}
    model = family_of("keras.layers").get(vocabularies.filled(entry, by_name))  # type: ignore[union-attr]
    if model.name != root.get("name", model.name):
        model._name = root["name"]
    outputs = None
    if not model.built:
        _set_vocabularies(model, path, learned)
        specs = root.get("save_spec")
        if specs is not None:
            outputs = model.compute_output_signature(specs)
        elif root.get("build_input_shape") is not None:
            model.build(root["build_input_shape"])
    return model, outputs


def _set_vocabularies(model: Any, path: str, learned: Mapping[int, Vocabulary]) -> None:
    """Gives the layers of a user's model, as far as it has made them, the vocabularies that they had."""
    if not learned:
        return
    graph = keras_metadata.graph_of(path).object_graph_def
    for number, _, layer in keras_metadata.walk(model, graph, lambda thing: thing._trackable_children()):
        if number in learned and not getattr(layer, "get_vocabulary", list)():
            layer.set_vocabulary(learned[number].tokens, learned[number].weights)


def _compile(model: Any, root: Mapping[str, Any], outputs: Any) -> None:
    """Compiles the model as it was and binds losses and metrics to its outputs, if their types are given.

    Raises:
        ValueError: for a loss, metric or optimizer that is not known.
    """
    training, further = root.get("training_config"), dict(root.get("kerasish") or {})
    if training is None:
        return
    further.pop("optimizer_variables", None)
    families = {"loss": "losses", "metrics": "metrics", "weighted_metrics": "metrics"}
    try:
        config = {name: object_config.deserialize(training.get(name), None, family_of(f"keras.{family}"))
                  for name, family in families.items()}  # fmt: skip
        described = training.get("optimizer_config")
        optimizer = None if described is None else optimizers.deserialize(described)
        model.compile_from_config(
            {**further, **config, "loss_weights": training.get("loss_weights"), "optimizer": optimizer}
        )
        if outputs is not None and model.compiled:
            model.compiled_loss.build(outputs)
            model.compiled_metrics.build(None, outputs)
    except ValueError as error:
        raise ValueError(
            f"{error}\nOr load the model without its loss and metrics: load_model(path, compile=False)."
        ) from error


def _build_optimizer(model: Any, root: Mapping[str, Any], saved: int) -> None:
    """Makes the variables of the optimizer where it had more than its step counter, `saved` in all."""
    places = (root.get("kerasish") or {}).get("optimizer_variables")
    if saved < 2 and not places:
        return
    weights = model.weights
    model.optimizer.build(model.trainable_variables if places is None else [weights[place] for place in places])
    model.optimizer._built = True
    if len(model.optimizer.variables) != saved:
        fresh = type(model.optimizer).from_config(model.optimizer.get_config())
        model.compile_from_config({**model.get_compile_config(), "optimizer": fresh})
        warnings.warn(
            f"The optimizer of {model.name!r} starts afresh: it was saved with {saved} variables, which are not those "
            "of the model's present trainable weights.", stacklevel=5,
        )  # fmt: skip
