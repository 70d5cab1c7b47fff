"""Variables, constants and random tensors, and their values as NumPy arrays."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.core.seeds import make_seed
from kerasish.graph.symbolic_tensor import is_symbolic


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A variable with that value; for a sparse matrix a `tf.SparseTensor`."""
    if hasattr(value, "tocoo"):
        entries = value.tocoo()
        indices = np.stack([entries.row, entries.col], 1)
        return tf.SparseTensor(indices, tf.cast(entries.data, dtype or settings.floatx()), entries.shape)
    return tf.Variable(value, dtype=dtype or settings.floatx(), name=name, constraint=constraint)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> tf.Tensor:
    """A tensor with that value."""
    return tf.constant(value, dtype=dtype or settings.floatx(), shape=shape, name=name or "Const")


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros; a tensor if a size of the shape is a tensor."""
    return _filled(tf.zeros, shape, dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones; a tensor if a size of the shape is a tensor."""
    return _filled(tf.ones, shape, dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable with the unit matrix of that size."""
    return tf.Variable(tf.eye(size, dtype=dtype or settings.floatx()), name=name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> tf.Tensor:
    """Zeros in the shape of x."""
    return tf.zeros_like(x, dtype=dtype, name=name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> tf.Tensor:
    """Ones in the shape of x."""
    return tf.ones_like(x, dtype=dtype, name=name)


def arange(start: Any, stop: Any = None, step: int = 1, dtype: Any = "int32") -> tf.Tensor:
    """The numbers from start (0 if it is the only one) to stop, exclusive."""
    if stop is None and start < 0:
        start = 0
    found = tf.range(start, limit=stop, delta=step)
    return found if dtype == "int32" else tf.cast(found, dtype)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> tf.Tensor:
    """Normally distributed numbers."""
    return tf.random.normal(shape, mean, stddev, dtype or settings.floatx(), seed=make_seed(seed))


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> tf.Tensor:
    """Numbers that are equally likely everywhere in `[minval, maxval)`."""
    return tf.random.uniform(shape, minval, maxval, dtype or settings.floatx(), seed=make_seed(seed))


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: int | None = None) -> tf.Tensor:
    """1 with probability p, else 0."""
    drawn = tf.random.uniform(shape, dtype=tf.as_dtype(dtype or settings.floatx()), seed=make_seed(seed))
    return tf.cast(drawn <= p, drawn.dtype)


random_binomial = random_bernoulli


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> tf.Tensor:
    """Normally distributed numbers, none further than two standard deviations from the mean."""
    return tf.random.truncated_normal(shape, mean, stddev, dtype or settings.floatx(), seed=make_seed(seed))


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> tf.Variable:
    """A variable with normally distributed numbers."""
    return tf.Variable(random_normal(shape, mean, scale, dtype, seed), name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> tf.Variable:
    """A variable with numbers that are equally likely everywhere in `[low, high)`."""
    return tf.Variable(random_uniform(shape, low, high, dtype, seed), name=name)


# Values.


def eval(x: Any) -> Any:
    """The value as a NumPy array."""
    return get_value(tf.sparse.to_dense(x) if isinstance(x, tf.SparseTensor) else x)


def get_value(x: Any) -> Any:
    """The value of a variable or tensor as a NumPy array; anything else is returned as it is.

    Raises:
        TypeError: for a symbolic tensor, which has no value.
    """
    if is_symbolic(x):
        np.asarray(x)
    return x.numpy() if tf.is_tensor(x) or isinstance(x, tf.Variable) else x


def batch_get_value(tensors: Iterable[Any]) -> list[Any]:
    """The values of several variables."""
    return [get_value(x) for x in tensors]


def set_value(x: Any, value: Any) -> None:
    """Gives the variable a value."""
    x.assign(np.asarray(value, dtype=x.dtype.as_numpy_dtype))


def batch_set_value(tuples: Iterable[tuple[Any, Any]]) -> None:
    """Gives several variables their values, `[(variable, value), ...]`."""
    for x, value in tuples:
        set_value(x, value)


def count_params(x: Any) -> int:
    """The number of elements of a variable or tensor."""
    return np.prod(tf.TensorShape(x.shape).as_list(), dtype=np.int64)  # type: ignore[return-value]


def update(x: Any, new_x: Any) -> Any:
    """Gives the variable a value and returns the variable."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """Adds to the variable and returns it."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtracts from the variable and returns it."""
    return x.assign_sub(decrement)


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """Moves the variable towards the value, `x = momentum x + (1 - momentum) value`, and returns it."""
    return x.assign_sub((x - tf.cast(value, x.dtype)) * (1 - tf.cast(momentum, x.dtype)))


def _filled(make: Any, shape: Any, dtype: Any, name: str | None) -> Any:
    found = make(shape, dtype or settings.floatx())
    known = not any(tf.is_tensor(size) for size in tf.nest.flatten(shape))
    return tf.Variable(found, name=name) if known and found.shape.is_fully_defined() else found
