"""TensorFlow functions, Python operators and slices as layers of a functional model.

Source: behaviour of tf.keras 2 (`tf.math.reduce_sum (TFOpLambda)` in a summary, rebuilt from its configuration).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core.naming import unique_name
from kerasish.core.object_config import plain
from kerasish.core.tracking import flatten_owned
from kerasish.graph.symbolic_tensor import any_symbolic, is_symbolic, on_operation
from kerasish.layers.base import LAYERS, Layer

# Only pure functions of tensors can be named by a configuration: nothing here reads files or runs Python code.
_NAMESPACES = ("math", "linalg", "nn", "image", "signal", "strings", "random", "bitwise", "sparse", "ragged", "sets",
               "dtypes", "quantization", "__operators__", "")  # fmt: skip
_REFUSED = {"py_function", "numpy_function", "print", "function", "load_library", "load_op_library", "py_func"}


class _OperationLayer(Layer):
    """A TensorFlow function as a layer.

    Args:
        function: the function, or its name below `tf`, for example `"math.reduce_sum"`.
    """

    __config_module__ = "tf_keras.src.layers.core.tf_op_layer"

    def __init__(self, function: Callable[..., Any] | str, **kwargs: Any):
        symbol, function = (
            (function, function_named(function)) if isinstance(function, str) else (symbol_of(function), function)
        )
        kwargs.setdefault("name", unique_name(f"tf.{symbol}" if symbol else function.__name__))
        super().__init__(autocast=False, **kwargs)
        object.__setattr__(self, "_operation", function)
        self.function = symbol or function.__name__
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result; symbolic tensors for symbolic arguments."""
        if any_symbolic(args, kwargs):
            return self._call_symbolically(self._call_signature(), args, kwargs)
        return self._operation(*args, **_with_slices(kwargs))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result."""
        return self._operation(*args, **_with_slices(kwargs))

    def _fill_in(self, signature: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        return None

    def _cast(self, inputs: Any) -> Any:
        return inputs


@LAYERS.register()
class TFOpLambda(_OperationLayer):
    """A TensorFlow function as a layer (`tf.reduce_sum(x)` on a symbolic `x`)."""


@LAYERS.register()
class SlicingOpLambda(_OperationLayer):
    """A slice as a layer (`x[:, None]` on a symbolic `x`)."""


@on_operation
def apply_operation(operation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic result of an operation on symbolic tensors; makes the layer that will compute it."""
    first, named = _by_name(operation, args, kwargs)
    slicing = operation is tf.__operators__.getitem
    layer = (SlicingOpLambda if slicing else TFOpLambda)(operation)
    variables = [value for value in tf.nest.flatten((first, named)) if isinstance(value, tf.Variable)]
    if variables:
        layer.variables_used = list(flatten_owned(variables))
    return layer(first, **named)


def symbol_of(operation: Callable[..., Any]) -> str | None:
    """The public name of a TensorFlow function below `tf`, or None."""
    for candidate in (operation, getattr(operation, "__wrapped__", None)):
        for name in getattr(candidate, "_tf_api_names", None) or ():
            if _lookup(name) is not None:
                return name
    return _symbols().get(id(operation))


def function_named(symbol: str) -> Callable[..., Any]:
    """The TensorFlow function of a public name.

    Raises:
        ValueError: if there is none, or it is not a pure function of tensors.
    """
    namespace, _, name = symbol.rpartition(".")
    found = _lookup(symbol) if namespace in _NAMESPACES and name not in _REFUSED else None
    if found is None:
        raise ValueError(
            f"A configuration may only name TensorFlow's functions of tensors. Received: function={symbol!r}"
        )
    return found


def _lookup(symbol: str) -> Any:
    found: Any = tf
    for part in symbol.split("."):
        found = getattr(found, part, None)
    return found if callable(found) and not inspect.isclass(found) else None


@functools.cache
def _symbols() -> dict[int, str]:
    names: dict[int, str] = {}
    for namespace in _NAMESPACES:
        module = getattr(tf, namespace) if namespace else tf
        for name in dir(module):
            value = getattr(module, name, None) if name not in ("keras", "estimator") else None
            if inspect.isfunction(value):
                names.setdefault(id(value), f"{namespace}.{name}".lstrip("."))
    return names


def _by_name(
    operation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The first argument, and the others by name."""
    try:
        bound = inspect.signature(operation).bind(*args, **kwargs).arguments
        names = list(bound)
        first = bound.pop(names[0])
        extra = bound.pop("kwargs", {})
        return first, {**bound, **extra}
    except (TypeError, ValueError):
        return (args[0] if args else kwargs.pop(next(iter(kwargs)))), kwargs


def plain_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The constant arguments of a call as JSON values; symbolic tensors are left for the model to name."""
    return {key: _plain(value) for key, value in kwargs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, bool, int, float)) or is_symbolic(value):
        return value
    if value is Ellipsis:
        return {"class_name": "__ellipsis__"}
    if value is tf.newaxis:
        return None
    return plain(value)


def _with_slices(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the slices of a configuration turned into slices again."""
    if "slice_spec" not in kwargs:
        return kwargs
    spec = kwargs["slice_spec"]
    return {**kwargs, "slice_spec": tuple(map(_slice, spec)) if isinstance(spec, (list, tuple)) else _slice(spec)}


def _slice(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            Ellipsis
            if value.get("class_name") == "__ellipsis__"
            else slice(value["start"], value["stop"], value["step"])
        )
    return value
