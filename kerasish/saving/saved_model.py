"""Whole models as TensorFlow's SavedModel directory, written.

The directory holds what TensorFlow itself needs to run the model without Python (graphs of the call and of the
signature `serving_default`, and the values), and in `keras_metadata.pb` the classes and configurations from which
tf.keras, tf_keras and this library make the model anew.
"""

from __future__ import annotations

import functools
import keyword
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.tracking import Named, Tracked, exports, wrapped
from kerasish.layers.calling import context
from kerasish.saving import keras_metadata, older_config, optimizer_weights
from kerasish.saving.description import KERAS_VERSION, to_json
from kerasish.saving.replacement import replaced_directory

_OPTIMIZERS = {
    "LossScaleOptimizer": "LossScaleOptimizerV3", "Lion": "Custom>Lion", "Adafactor": "Custom>Adafactor"
}  # fmt: skip


def save(
    model: Any, path: str, signatures: Any = None, options: Any = None, compiled: bool = True, traces: bool = True
) -> None:
    """Writes the directory `path`; without the compile arguments if `compiled`, without graphs of layers if `traces`
    is False.

    Raises:
        ValueError: if the model's inputs are not known yet.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    _check_callable(model)
    export = _Export(model, compiled, traces)
    with replaced_directory(path) as folder, _told_as(folder, path), export.in_progress():
        tf.saved_model.save(model, folder, signatures=signatures, options=options)
        keras_metadata.write(folder, export.records(keras_metadata.graph_of(folder).object_graph_def))


class _Export:
    """What Keras has in the file besides the graphs.

    Args:
        model: the model that is saved.
        compiled: whether its compile arguments are.
        traces: whether the graphs of the user's layers are, for where their classes are not known.
    """

    def __init__(self, model: Any, compiled: bool, traces: bool):
        self._model, self._compiled, self._traces = model, compiled, traces
        self._added: dict[int, dict[str, Any]] = {}

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Has TensorFlow see the additions."""
        exports.added = self.added
        try:
            yield
        finally:
            exports.added = None

    def added(self, thing: Any) -> dict[str, Any]:
        """The additional children of an object."""
        if id(thing) not in self._added:
            self._added[id(thing)] = self._additions(thing)
        return self._added[id(thing)]

    def _additions(self, thing: Any) -> dict[str, Any]:
        if thing is self._model:
            return {"keras_api": Named(metrics=list(thing.metrics))}
        is_own = not object_config.is_library_class(type(thing)) and hasattr(thing, "_call_signature")
        return _graphs_of_own(thing) if is_own and self._traces and thing._inbound_nodes else {}

    def records(self, graph: Any) -> Iterator[tuple[int, str, str, str]]:
        """Number, path, kind and description of every Keras object in the graph that was written."""
        parts = lambda thing: {  # noqa: E731
            **thing._trackable_children(), **(self.added(thing) if isinstance(thing, Tracked) else {})
        }  # fmt: skip
        for number, path, thing in keras_metadata.walk(self._model, graph, parts):
            kind = getattr(thing, "_object_identifier", "")
            if kind.startswith("_tf_keras_"):
                yield number, path, kind, to_json(self._description(thing, kind))

    def _description(self, thing: Any, kind: str) -> dict[str, Any]:
        if kind == "_tf_keras_metric":
            return {"name": thing.name, "dtype": thing.dtype, **_class_and_config(thing)}
        common = {"name": thing.name, "trainable": thing.trainable, "dtype": _dtype(thing),
                  "batch_input_shape": older_config.written(thing._batch_input_shape),
                  **_class_and_config(thing)}  # fmt: skip
        if kind == "_tf_keras_input_layer":
            return {**common, "sparse": thing.sparse, "ragged": thing.ragged}
        from_config = type(thing).__name__ in ("TFOpLambda", "SlicingOpLambda")
        layer = {**common, "expects_training_arg": thing._call_signature().takes_training, "stateful": thing.stateful,
                 "must_restore_from_config": from_config, "preserve_input_structure_in_config": from_config,
                 "autocast": thing._autocast, "build_input_shape": _shape(thing._build_input_shape)}  # fmt: skip
        return {**layer, **self._of_model(thing)} if hasattr(thing, "save_spec") else layer

    def _of_model(self, model: Any) -> dict[str, Any]:
        spec = model.save_spec()
        found = {"is_graph_network": model._network is not None, "keras_version": KERAS_VERSION,
                 "backend": "tensorflow", "model_config": _class_and_config(model),
                 "full_save_spec": older_config.written(spec and (list(spec[0]), spec[1])),
                 "save_spec": older_config.written(spec and spec[0][0])}  # fmt: skip
        if model is self._model and self._compiled and model.compiled:
            found.update(_compilation(model))
        return found


def _graphs_of_own(layer: Any) -> dict[str, Any]:
    """The calls of a user's layer as tf.keras looks for them: outputs, and outputs with the losses within."""
    node = layer._inbound_nodes[0]
    if node.is_input or len(node.args) != 1 or node.kwargs:
        return {}
    specs = tf.nest.map_structure(lambda tensor: tensor.type_spec, node.args[0])
    takes_training = layer._call_signature().takes_training

    def with_losses(inputs: Any, training: bool = False) -> Any:
        layer._clear_losses()
        with _exporting():
            outputs = layer(inputs, **({"training": training} if takes_training else {}))
        losses = list(layer.losses)
        layer._clear_losses()
        return outputs, losses

    def call(inputs: Any, training: bool = False) -> Any:
        return with_losses(inputs, training)[0]

    functions = [_for_both(function, specs, takes_training) for function in (call, with_losses)]
    api = Named(call_and_return_conditional_losses=functions[1], __call__=functions[0])
    return {"__call__": functions[0], "call_and_return_all_conditional_losses": functions[1], "keras_api": api,
            "variables": wrapped(list(layer.variables))}  # fmt: skip


def _for_both(function: Any, specs: Any, takes_training: bool) -> Any:
    if not takes_training:
        single = tf.function(lambda inputs: function(inputs), autograph=False)
        single.get_concrete_function(specs)
        return single
    traced = tf.function(function, autograph=False)
    for training in (False, True):
        traced.get_concrete_function(specs, training)
    return traced


def _class_and_config(thing: Any) -> dict[str, Any]:
    """Class and configuration; without the latter if the object has none."""
    name = object_config.get_registered_name(type(thing))
    try:
        config = older_config.written(thing.get_config())
    except (NotImplementedError, TypeError, ValueError):
        return {"class_name": name}
    return {"class_name": name, "config": config}


def _compilation(model: Any) -> dict[str, Any]:
    """The compile arguments as tf.keras has them, and further ones of this library."""
    config = model.get_compile_config()
    try:
        metrics = {"metrics": config["metrics"], "weighted_metrics": config["weighted_metrics"]}
        metrics.update(model.compiled_metrics.by_output())  # which have the names that they report under
        usual = {"loss": older_config.written(config["loss"]), **older_config.written(metrics),
                 "loss_weights": older_config.written(config["loss_weights"])}  # fmt: skip
        training = {**usual, "optimizer_config": _renamed(older_config.written(config["optimizer"]))}
    except (NotImplementedError, TypeError, ValueError) as error:
        warnings.warn(f"The loss, metrics and optimizer of {model.name!r} are not saved: {error}", stacklevel=5)
        return {}
    further = {name: config[name] for name in ("run_eagerly", "steps_per_execution", "jit_compile") if name in config}
    further["optimizer_variables"] = optimizer_weights.places(model)
    return {"training_config": training, "kerasish": further}


def _renamed(optimizer: Any) -> Any:
    """The optimizer's configuration under the name by which tf.keras finds the class in a SavedModel."""
    if not isinstance(optimizer, dict):
        return optimizer
    config = {key: _renamed(value) if key == "inner_optimizer" else value for key, value in optimizer["config"].items()}
    name = optimizer["class_name"]
    return {**optimizer, "class_name": _OPTIMIZERS.get(name, name), "config": config}


def _dtype(layer: Any) -> Any:
    policy = layer.dtype_policy
    return policy.name if policy.name == policy.variable_dtype else older_config.written(policy)


def _shape(shapes: Any) -> Any:
    if shapes is None or isinstance(shapes, tf.TensorShape):
        return older_config.written(shapes)
    if isinstance(shapes, Mapping):
        return {key: _shape(shape) for key, shape in shapes.items()}
    if all(size is None or isinstance(size, int) for size in shapes):
        return older_config.written(tf.TensorShape(shapes))
    return [_shape(shape) for shape in shapes]


def functions(model: Any, traced: dict[Any, Any] | None = None) -> dict[str, Any]:
    """The graphs of a model, none if its inputs are unknown: `__call__` with and without training, default signature.

    Args:
        model: the model.
        traced: where the graphs of the save in progress are kept, so that each model is traced once.
    """
    traced = {} if traced is None else traced
    if model not in traced:
        traced[model] = {} if model.save_spec() is None else _traced(model)
    return traced[model]


def graph_function(function: Any, input_signature: Any) -> Any:
    """The function as a graph for a file, in which metrics have no place; it is traced at once."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _exporting():
            return function(*args, **kwargs)

    traced = tf.function(call, input_signature=list(input_signature))
    traced.get_concrete_function()
    return traced


@contextmanager
def _exporting() -> Iterator[None]:
    outer, context.exporting = context.exporting, True
    try:
        yield
    finally:
        context.exporting = outer


def named_inputs(model: Any) -> Any:
    """The types of the model's inputs with the names that a signature gives them; a batch size that is fixed stays."""
    inputs = model.save_spec(dynamic_batch=False)[0][0]
    names = iter(_input_names(model, inputs))
    return tf.nest.map_structure(lambda spec: _named(spec, next(names)), inputs)


def _traced(model: Any) -> dict[str, Any]:
    def call(inputs: Any, training: bool = False) -> Any:
        try:
            with _exporting():
                return model(inputs, training=training)
        finally:
            model._clear_losses()

    traced = tf.function(call, autograph=False)
    named = named_inputs(model)  # nameless ones would be traced twice
    for training in (False, True):
        traced.get_concrete_function(named, training)
    return {"__call__": traced, "_default_save_signature": _signature(model, named, traced)}


def _signature(model: Any, inputs: Any, call: Any) -> Any:
    """The call as a function from named tensors to a dict of named tensors."""

    def serving(*flat: Any) -> dict[str, Any]:
        outputs = call(tf.nest.pack_sequence_as(inputs, flat), training=False)
        return dict(zip(_output_names(model, outputs), tf.nest.flatten(outputs), strict=True))

    return tf.function(serving, input_signature=tf.nest.flatten(inputs), autograph=False)


def _named(spec: Any, name: str) -> Any:
    """The type under the name; words of Python's own become `arg_in` and the like, as TensorFlow does with `1x`."""
    name = f"arg_{name}" if keyword.iskeyword(name) else name
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
