"""Whole models as TensorFlow's SavedModel directory.

The directory holds what TensorFlow itself needs to run the model without Python (graphs of the call and of the
signature `serving_default`, and the values), and in `assets.extra/keras.json`, the place that SavedModel leaves to
libraries, the description from which the model is rebuilt here. A SavedModel without that file, or of classes that are
not provided, is loaded as a model that runs the graphs.

Graphs can read and write files: load only SavedModels whose author you trust, or load them in a sandbox.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from kerasish.core import trust
from kerasish.core.registry import family_of
from kerasish.layers.calling import context
from kerasish.saving import checkpoint
from kerasish.saving.description import describe, from_json, rebuild, restore_compilation, to_json, unknown_classes
from kerasish.saving.replacement import recover, replaced_directory

_DESCRIPTION = ("assets.extra", "keras.json")


def save(model: Any, path: str, signatures: Any = None, options: Any = None, compiled: bool = True) -> None:
    """Writes the directory `path`; without the compile arguments if `compiled` is False.

    Raises:
        ValueError: if the model's inputs are not known yet.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    _check_callable(model)
    text = to_json(describe(model, compiled), indent=1)
    with replaced_directory(path) as folder, _told_as(folder, path):
        tf.saved_model.save(model, folder, signatures=signatures, options=options)
        place = os.path.join(folder, *_DESCRIPTION)
        tf.io.gfile.makedirs(os.path.dirname(place))
        with tf.io.gfile.GFile(place, "w") as file:
            file.write(text)


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
        ValueError: if the description is damaged, or brings Python code and `safe_mode` is on.
        OSError: if the values are damaged.
    """
    recover(path)
    _check_saved_model(path)
    description = _description(path)
    reason = _not_rebuilt(description, custom_objects)
    if reason is not None:
        return _restored(path, reason, options)
    with trust.safe_mode(safe_mode):
        try:
            model = rebuild(description, custom_objects)
        except TypeError as error:
            return _restored(path, f"its classes do not take the configured arguments: {error}", options)
        if compile:
            restore_compilation(model, description, custom_objects)
    checkpoint.load_weights(model, os.path.join(path, "variables", "variables"), every=True)
    return model


def is_saved_model(path: str) -> bool:
    """Whether a SavedModel lies at the path."""
    return tf.io.gfile.exists(os.path.join(path, "saved_model.pb"))


def functions(model: Any, traced: dict[Any, Any] | None = None) -> dict[str, Any]:
    """The graphs of a model, none if its inputs are unknown: `__call__` with and without training, default signature.

    Args:
        model: the model.
        traced: where the graphs of the save in progress are kept, so that each model is traced once.
    """
    traced = {} if traced is None else traced
    if model not in traced:
        spec = model.save_spec()
        traced[model] = {} if spec is None else _traced(model, spec[0][0])
    return traced[model]


def _traced(model: Any, inputs: Any) -> dict[str, Any]:
    def call(inputs: Any, training: bool = False) -> Any:
        outer, context.exporting = context.exporting, True
        try:
            return model(inputs, training=training)
        finally:
            context.exporting = outer
            model._clear_losses()

    traced = tf.function(call, autograph=False)
    names = iter(_input_names(model, inputs))
    named = tf.nest.map_structure(lambda spec: _named(spec, next(names)), inputs)  # nameless ones are traced twice
    for training in (False, True):
        traced.get_concrete_function(named, training)
    return {"__call__": traced, "_default_save_signature": _signature(model, inputs, traced)}


def _restored(path: str, reason: str, options: Any) -> Any:
    warnings.warn(f"The SavedModel {path!r} is loaded as a model that runs its graphs, because {reason}.", stacklevel=5)
    return family_of("keras.layers").resolve("RestoredModel")(tf.saved_model.load(path, options=options))  # type: ignore[union-attr]


def _signature(model: Any, inputs: Any, call: Any) -> Any:
    """The call as a function from named tensors to a dict of named tensors."""
    specs, names = tf.nest.flatten(inputs), _input_names(model, inputs)

    def serving(*flat: Any) -> dict[str, Any]:
        outputs = call(tf.nest.pack_sequence_as(inputs, flat), training=False)
        return dict(zip(_output_names(model, outputs), tf.nest.flatten(outputs), strict=True))

    signature = [_named(spec, name) for spec, name in zip(specs, names, strict=True)]
    return tf.function(serving, input_signature=signature, autograph=False)


def _named(spec: Any, name: str) -> Any:
    return tf.TensorSpec(spec.shape, spec.dtype, name) if isinstance(spec, tf.TensorSpec) else spec


def _input_names(model: Any, inputs: Any) -> list[str]:
    if model.input_names:
        return model.input_names
    if isinstance(inputs, Mapping):
        return [str(key) for key in sorted(inputs)]
    return [f"input_{number + 1}" for number in range(len(tf.nest.flatten(inputs)))]


def _output_names(model: Any, outputs: Any) -> list[str]:
    flat = tf.nest.flatten(outputs)
    if isinstance(outputs, Mapping):
        return [str(key) for key in sorted(outputs)]
    if len(model.output_names) == len(flat):
        return model.output_names
    return [f"output_{number + 1}" for number in range(len(flat))]


def _check_callable(model: Any) -> None:
    if model.save_spec() is None:
        raise ValueError(
            f"The model {model.name!r} cannot be saved: the shape of its inputs is not known yet.\n"
            "Call it on inputs, train it, or call build(input_shape), first."
        )


def _check_saved_model(path: str) -> None:
    if not is_saved_model(path):
        found = "no file 'saved_model.pb' in it" if tf.io.gfile.exists(path) else "nothing"
        raise FileNotFoundError(f"Expected a SavedModel directory at {path!r}, found {found}.")


def _description(path: str) -> Any:
    place = os.path.join(path, *_DESCRIPTION)
    if not tf.io.gfile.exists(place):
        return None
    with tf.io.gfile.GFile(place, "rb") as file:
        description = from_json(file.read(2**27), repr(place))
    if not isinstance(description, dict) or description.get("format") != "kerasish":
        raise ValueError(f"{place!r} does not describe a model.")
    if description.get("format_version") != 1:
        raise ValueError(f"{place!r} is of a later release: format version {description.get('format_version')!r}.")
    return description


def _not_rebuilt(description: Any, custom_objects: dict[str, Any] | None) -> str | None:
    """Why the model cannot be made from its classes; None if it can."""
    if description is None:
        return "it holds no description of its layers"
    if description.get("model") is None:
        return f"{description.get('class_name')} has no configuration (define `get_config`)"
    unknown = unknown_classes(description, custom_objects)
    if not unknown:
        return None
    hint = ", ".join(f"{name!r}: {name.rpartition('>')[2]}" for name in unknown)
    return f"these classes are not provided: {', '.join(unknown)} (custom_objects={{{hint}}})"


@contextmanager
def _told_as(folder: str, path: str) -> Iterator[None]:
    """Has TensorFlow's log speak of the path that was asked for instead of the directory beside it."""
    logger = tf.get_logger()

    def rename(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.replace(folder, path) if isinstance(arg, str) else arg for arg in record.args)
        return True

    logger.addFilter(rename)
    try:
        yield
    finally:
        logger.removeFilter(rename)
