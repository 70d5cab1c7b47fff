"""Symbolic tensors: shape and type of a value that a model will compute, and where in the model it comes from.

Python operators, slices and TensorFlow functions applied to one become layers of the model; who makes those layers
registers itself with `on_operation` (layers know symbolic tensors, not the other way round). TensorFlow offers the hook
for functions that were given a foreign type through `tf.__internal__.dispatch` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

_operation: list[Callable[..., Any]] = []


class SymbolicTensor:
    """A value of a model under construction.

    Args:
        spec: shape and dtype, for example `tf.TensorSpec((None, 4), tf.float32)`.
        name: a name for messages.
    """

    __array_priority__ = 100  # NumPy's operators leave it to ours: np.sqrt(3) * x

    def __init__(self, spec: tf.TypeSpec, name: str | None = None):
        self.type_spec = spec
        self.node: Any = None
        self.index = 0
        self._name = name
        self._keras_mask: SymbolicTensor | None = None

    @property
    def shape(self) -> tf.TensorShape:
        """The static shape, sizes not known being None."""
        return self.type_spec.shape

    @property
    def dtype(self) -> tf.DType:
        """The type of the elements."""
        return self.type_spec.dtype

    @property
    def name(self) -> str:
        """The given name, else that of the layer that made it."""
        return self._name or (self.node.layer.name if self.node else "symbolic")

    @property
    def rank(self) -> int | None:
        """The number of axes."""
        return self.shape.rank

    ndim = rank

    @property
    def _keras_history(self) -> tuple[Any, int, int]:
        return (self.node.layer, self.node.index, self.index)

    def get_shape(self) -> tf.TensorShape:
        """The static shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Narrows the static shape."""
        self.type_spec = tf.TensorSpec(self.shape.merge_with(shape), self.dtype, self.type_spec.name)

    def __repr__(self) -> str:
        made = f" (created by layer {self.node.layer.name!r})" if self.node else ""
        return f"<KerasTensor: shape={_shape_text(self.shape)} dtype={self.dtype.name}{made}>"

    __str__ = __repr__

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        raise TypeError(_no_value(self, "has no length"))

    def __bool__(self) -> bool:
        raise TypeError(_no_value(self, "has no truth value"))

    def __iter__(self) -> Any:
        if self.shape.rank is None or not self.shape.rank or self.shape[0] is None:
            raise TypeError(_no_value(self, "cannot be iterated over"))
        return iter([self[i] for i in range(self.shape[0])])

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(_no_value(self, "cannot become a NumPy array"))

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        raise TypeError(_no_value(self, "cannot become a tensor"))

    def __getitem__(self, item: Any) -> Any:
        return _operation[0](tf.__operators__.getitem, (self, item), {})


def is_symbolic(value: Any) -> bool:
    """Whether the value is a symbolic tensor."""
    return isinstance(value, SymbolicTensor)


def any_symbolic(*structures: Any) -> bool:
    """Whether a symbolic tensor is anywhere in the structures."""
    return any(isinstance(value, SymbolicTensor) for value in tf.nest.flatten(structures))


def on_operation(make_layer: Callable[..., Any]) -> Callable[..., Any]:
    """Registers the function `(op, args, kwargs) -> outputs` that joins an operation to the model."""
    _operation[:] = [make_layer]
    return make_layer


class _Dispatcher(tf.__internal__.dispatch.GlobalOpDispatcher):
    """Receives TensorFlow functions that refused an argument."""

    def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
        if not any_symbolic(args, kwargs):
            return self.NOT_SUPPORTED
        return _operation[0](op, args, kwargs)


def _shape_text(shape: tf.TensorShape) -> str:
    return str(tuple(shape.as_list())) if shape.rank is not None else "<unknown>"


def _no_value(tensor: SymbolicTensor, what: str) -> str:
    return (
        f"{tensor!r} is symbolic: it stands for a value that the model will compute, and {what}.\n"
        "Put code that needs the value into a Layer's `call`, or call the finished model on data."
    )


def _operator(function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    if reflected:
        return lambda self, other: _operation[0](function, (_left_of(self, other), self), {"name": None})
    return lambda self, other: _operation[0](function, (self, other), {"name": None})


def _comparison(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: _operation[0](function, (self, other), {})


def _change(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: _operation[0](function, (self,), {"name": None})


def _left_of(tensor: SymbolicTensor, value: Any) -> Any:
    """A number on the left of an operator, in the tensor's type: `1 - x` of floats takes 1.0."""
    return value if is_symbolic(value) else tf.convert_to_tensor(value, tensor.dtype)


_BINARY = {
    "add": tf.__operators__.add, "sub": tf.math.subtract, "mul": tf.math.multiply, "truediv": tf.math.truediv,
    "floordiv": tf.math.floordiv, "mod": tf.math.floormod, "pow": tf.math.pow, "matmul": tf.linalg.matmul,
    "and": tf.math.logical_and, "or": tf.math.logical_or, "xor": tf.math.logical_xor,
}  # fmt: skip
_ORDER = {"lt": tf.math.less, "le": tf.math.less_equal, "gt": tf.math.greater, "ge": tf.math.greater_equal}
_EQUALITY = {"eq": tf.__operators__.eq, "ne": tf.__operators__.ne}
_UNARY = {"neg": tf.math.negative, "abs": tf.math.abs, "invert": tf.math.logical_not}

for _name, _function in _BINARY.items():
    setattr(SymbolicTensor, f"__{_name}__", _operator(_function))
    setattr(SymbolicTensor, f"__r{_name}__", _operator(_function, reflected=True))
for _name, _function in _ORDER.items():
    setattr(SymbolicTensor, f"__{_name}__", _operator(_function))
for _name, _function in _EQUALITY.items():
    setattr(SymbolicTensor, f"__{_name}__", _comparison(_function))
for _name, _function in _UNARY.items():
    setattr(SymbolicTensor, f"__{_name}__", _change(_function))
_Dispatcher().register()
