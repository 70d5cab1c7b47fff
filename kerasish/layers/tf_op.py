"""TensorFlow functions, Python operators and slices as layers of a functional model.

Source: behaviour of tf.keras 2 (`tf.math.reduce_sum (TFOpLambda)` in a summary, rebuilt from its configuration).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.naming import unique_name
from kerasish.core.object_config import plain
from kerasish.core.shapes import to_shape
from kerasish.core.tracking import flatten_owned
from kerasish.graph.symbolic_tensor import any_symbolic, is_symbolic, on_operation
from kerasish.layers.base import LAYERS, Layer

# Only pure functions of tensors can be named by a configuration: nothing here reads files or runs Python code.
_NAMESPACES = ("math", "linalg", "nn", "image", "signal", "strings", "random", "bitwise", "sparse", "ragged", "sets",
               "dtypes", "quantization", "__operators__", "")  # fmt: skip
# Some functions pass their arguments on to the form they had in TensorFlow 1, which is then what the model contains.
_FIRST_RELEASE = "compat.v1."
_RENAMED = {"floor_div"}
_REFUSED = {
    "py_function", "numpy_function", "py_func", "function", "load_library", "load_op_library", "import_graph_def",
    "print", "fixed_unigram_candidate_sampler",  # these two write or read a file of any name
    "create_rng_state", "custom_gradient", "device", "get_global_generator", "get_logger", "grad_pass_through",
    "init_scope", "control_dependencies", "no_gradient", "nondifferentiable_batch_function", "recompute_grad",
    "register_tensor_conversion_function", "set_global_generator", "set_seed", "variable_creator_scope",
}  # fmt: skip


class OperationLayer(Layer):
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
            self._build_input_shape = _shapes_of(args[0])
            outputs = self._call_symbolically(self._call_signature(), args, kwargs)
            given = [tensor for tensor in tf.nest.flatten((args, kwargs)) if is_symbolic(tensor)]
            if any(map(_is_sequence, tf.nest.flatten(outputs))) and any(one._keras_mask is not None for one in given):
                self._tell_dropped_mask()
            return outputs
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result."""
        return self._operation(*args, **kwargs)

    def _fill_in(self, signature: Any, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        return None

    def _cast(self, inputs: Any) -> Any:
        return inputs


@LAYERS.register()
class TFOpLambda(OperationLayer):
    """A TensorFlow function as a layer (`tf.reduce_sum(x)` on a symbolic `x`)."""


@LAYERS.register()
class SlicingOpLambda(OperationLayer):
    """A slice as a layer (`x[:, None]` on a symbolic `x`); its bounds may be symbolic too."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The part of the first argument that the slices choose."""
        return self._operation(*args, **revived_arguments(kwargs))


@on_operation
def apply_operation(operation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic result of an operation on symbolic tensors; makes the layer that will compute it."""
    if operation is tf.__operators__.getitem:
        return SlicingOpLambda(operation)(args[0], slice_spec=_as_dicts(args[1]))
    args, kwargs = _by_name(operation, args, kwargs)
    layer = TFOpLambda(operation)
    variables = [value for value in tf.nest.flatten((args, kwargs)) if isinstance(value, tf.Variable)]
    if variables:
        layer.variables_used = list(flatten_owned(variables))
    return layer(*args, **kwargs)


def symbol_of(operation: Callable[..., Any]) -> str | None:
    """The public name of a TensorFlow function below `tf`, or None."""
    for attribute, prefix in (("_tf_api_names", ""), ("_tf_api_names_v1", _FIRST_RELEASE)):
        for candidate in _unwrapped(operation):
            names = getattr(candidate, attribute, None) or ()
            outdated = getattr(candidate, "_tf_deprecated_api_names", None) or ()
            for name in sorted(names, key=lambda name: name in outdated):
                if _lookup(prefix + name) is not None:
                    return prefix + name
    return _symbols().get(id(operation))


def _is_sequence(tensor: Any) -> bool:
    """Whether a mask of steps could belong to the tensor."""
    return tensor.dtype.is_floating and tensor.shape.rank is not None and tensor.shape.rank > 2


def _unwrapped(function: Any) -> Iterator[Any]:
    """The function and what its decorators wrap, from outside in."""
    while function is not None:
        yield function
        function = getattr(function, "__wrapped__", None)


def function_named(symbol: str) -> Callable[..., Any]:
    """The TensorFlow function of a public name.

    Raises:
        ValueError: if there is none, or it is not a pure function of tensors.
    """
    present = symbol.removeprefix(_FIRST_RELEASE)  # a function that TensorFlow 2 has no more is not taken either
    namespace, _, name = present.rpartition(".")
    allowed = namespace in _NAMESPACES and name not in _REFUSED and not name.startswith("_")
    found = _lookup(symbol) if allowed else None
    if found is None or (_lookup(present) is None and present not in _RENAMED):
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
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The first argument alone, and the others by name; all as they are for a function of any number of arguments."""
    try:
        signature = inspect.signature(operation)
        bound = signature.bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return args, kwargs
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return args, kwargs
    first = bound.pop(next(iter(bound)))
    return (first,), {**bound, **bound.pop("kwargs", {})}


def plain_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The constant arguments of a call as JSON values; symbolic tensors are left for the model to name."""
    return {key: _plain(value) for key, value in kwargs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, (str, bool, int, float)) or is_symbolic(value) else plain(value)


def _as_dicts(item: Any) -> Any:
    """What stands in the brackets with slices as dicts, in which symbolic bounds are seen and that JSON can hold."""
    if isinstance(item, (list, tuple)):
        return [_as_dicts(part) for part in item]
    if isinstance(item, slice):
        return {"start": item.start, "stop": item.stop, "step": item.step}
    return {"class_name": "__ellipsis__"} if item is Ellipsis else item


def revived_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The constant arguments of a configuration as the function takes them: slices and dtypes again what they were."""
    return {key: _revived(value) for key, value in kwargs.items()}


def _revived(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        items = [_revived(item) for item in value]
        in_brackets = any(isinstance(item, slice) or item is Ellipsis or item is None for item in items)
        return tuple(items) if in_brackets else items
    if _is_ellipsis(value):
        return Ellipsis
    if isinstance(value, dict) and set(value) == {"start", "stop", "step"}:
        return slice(*(_revived(value[key]) for key in ("start", "stop", "step")))
    if isinstance(value, str) and value.startswith("tf."):
        dtype = getattr(tf, value.removeprefix("tf."), None)
        return dtype if isinstance(dtype, tf.DType) else value
    return value


def _is_ellipsis(value: Any) -> bool:
    return isinstance(value, str) and value == "Ellipsis" or (
        isinstance(value, dict) and value.get("class_name") == "__ellipsis__"
    )


def _shapes_of(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and any_symbolic(value):
        return [_shapes_of(item) for item in value]
    return to_shape(value.shape if hasattr(value, "shape") else np.shape(value) if not isinstance(value, dict) else ())
