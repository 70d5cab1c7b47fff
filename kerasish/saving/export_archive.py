"""ExportArchive: functions and the weights they use as a SavedModel for serving, without anything of Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from kerasish.core.tracking import Named, Tracked, unique
from kerasish.graph.scratch import unconverted
from kerasish.saving.replacement import replaced_directory
from kerasish.saving.saved_model import graph_function, named_inputs


class ExportArchive:
    """Collects endpoints, then writes them as a SavedModel that `tf.saved_model.load` and TensorFlow Serving run.

    The first endpoint is the signature `serving_default`; each is an attribute and a signature of what is loaded, which
    has `variables`, `trainable_variables` and `non_trainable_variables` too.
    """

    def __init__(self) -> None:
        self.variables: list[tf.Variable] = []
        self.trainable_variables: list[tf.Variable] = []
        self.non_trainable_variables: list[tf.Variable] = []
        self._endpoints: dict[str, Any] = {}
        self._collections: dict[str, list[tf.Variable]] = {}
        self._resources: list[Any] = []

    def track(self, resource: Any) -> None:
        """Has the weights, tables and the like of a layer, a model or another TensorFlow object written.

        Raises:
            ValueError: if it is nothing that TensorFlow can write, or a layer that has no weights yet.
        """
        if not hasattr(resource, "_trackable_children"):
            raise ValueError(f"`resource` must be a layer or another trackable object. Received: resource={resource!r}")
        if not getattr(resource, "built", True):
            raise ValueError(
                f"The layer {resource.name!r} cannot be exported: it has no weights yet.\n"
                "Call it on inputs, or build(input_shape), first."
            )
        layers = resource._flatten_layers() if hasattr(resource, "_flatten_layers") else [resource]
        self._resources = unique([*self._resources, *(part for layer in layers for part in _resources_of(layer))])
        own = [resource] if isinstance(resource, tf.Variable) else list(getattr(resource, "variables", ()))
        self.variables = unique([*self.variables, *own])
        trained = {id(v) for v in getattr(resource, "trainable_variables", [v for v in own if v.trainable])}
        self.trainable_variables = unique([*self.trainable_variables, *(v for v in own if id(v) in trained)])
        fixed = [v for v in own if id(v) not in trained]
        self.non_trainable_variables = unique([*self.non_trainable_variables, *fixed])

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Sequence[Any] | None = None) -> Any:
        """Adds a function under a name.

        Args:
            name: the endpoint's name.
            fn: a function of tensors; a `tf.function` that was called at least once needs no signature.
            input_signature: a `tf.TensorSpec`, or structure of them, for each argument.

        Returns:
            The `tf.function` that will be written.

        Raises:
            ValueError: if the name is taken, or the signature is needed and missing.
            TypeError: if `fn` cannot be called.
        """
        if name in self._endpoints or name in self._collections or hasattr(self, name):
            raise ValueError(f"There is something of that name already. Received: name={name!r}")
        if not callable(fn):
            raise TypeError(f"`fn` must be a function. Received: fn={fn!r} of type {type(fn).__name__}")
        function: Any = fn if input_signature is None else graph_function(fn, input_signature)
        if not hasattr(function, "get_concrete_function"):
            raise ValueError(
                f"`fn` needs an `input_signature`. Received: name={name!r}, input_signature=None\n"
                "Fix: add_endpoint(name, fn, input_signature=[tf.TensorSpec((None, 4), tf.float32)])"
            )
        if not function._list_all_concrete_functions():
            raise ValueError(f"The tf.function {name!r} was never called: call it once, or give an `input_signature`.")
        self._endpoints[name] = function
        return function

    def add_variable_collection(self, name: str, variables: Sequence[tf.Variable]) -> None:
        """Adds a list of variables under a name, an attribute of what is loaded.

        Raises:
            ValueError: if one of them is no variable, or the name is taken.
        """
        wrong = [variable for variable in variables if not isinstance(variable, tf.Variable)]
        if wrong:
            raise ValueError(f"`variables` must be variables. Received: {wrong[0]!r} of type {type(wrong[0]).__name__}")
        if name in self._endpoints or name in self._collections or hasattr(self, name):
            raise ValueError(f"There is something of that name already. Received: name={name!r}")
        self._collections[name] = list(variables)

    def write_out(self, filepath: Any, options: Any = None) -> None:
        """Writes the SavedModel directory `filepath`; what was there before stays if that fails.

        Args:
            filepath: the directory.
            options: a `tf.saved_model.SaveOptions`.

        Raises:
            ValueError: if there is no endpoint yet.
            OSError: if it cannot be written.
        """
        if not self._endpoints:
            raise ValueError("There is nothing to write yet. Call add_endpoint(...) first.")
        root = Named(
            variables=self.variables, trainable_variables=self.trainable_variables,
            non_trainable_variables=self.non_trainable_variables, _resources=self._resources,
            **self._collections, **self._endpoints,
        )  # fmt: skip
        signatures = {name: _signature(function) for name, function in self._endpoints.items()}
        signatures.setdefault("serving_default", next(iter(signatures.values())))
        with replaced_directory(str(filepath)) as folder:
            tf.saved_model.save(root, folder, signatures=signatures, options=options)


def _signature(function: Any) -> Any:
    """What TensorFlow takes as a signature: the function, or its latest graph if it is not bound to one."""
    return function if function.input_signature is not None else function._list_all_concrete_functions()[-1]


def _resources_of(thing: Any) -> list[Any]:
    """The tables, generators and the like that a layer keeps besides weights and layers."""
    if not isinstance(thing, Tracked):
        return [] if isinstance(thing, tf.Variable) else [thing]
    thing._maybe_initialize_trackable()
    parts = Tracked._trackable_children(thing, "savedmodel").values()  # without the graphs that a model adds
    return [part for part in parts if not isinstance(part, (tf.Variable, Tracked))]


def export(model: Any, filepath: Any) -> None:
    """Writes the model's inference as the endpoint `serve` of a SavedModel.

    Raises:
        ValueError: if the model's inputs are not known yet.
    """
    if model.save_spec() is None:
        raise ValueError(
            f"The model {model.name!r} cannot be exported: the shape of its inputs is not known yet.\n"
            "Call it on inputs, train it, or call build(input_shape), first."
        )

    def serve(args_0: Any) -> Any:
        return model(args_0, training=False)

    archive = ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", unconverted(serve), [named_inputs(model)])
    archive.write_out(filepath)
