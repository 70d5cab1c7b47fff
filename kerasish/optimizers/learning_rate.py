"""What a learning rate may be, and the numbers that one step needs of it."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def checked_rate(value: Any) -> Any:
    """The rate itself, once it is known to be a finite number that is not negative.

    A symbolic tensor is returned unchecked: it has no value yet.

    Raises:
        TypeError: if it is no single number.
        ValueError: if it is negative, infinite or not a number.
    """
    if isinstance(value, str) or value is None or np.ndim(_concrete(value)) != 0:
        raise TypeError(
            "`learning_rate` must be a number, a LearningRateSchedule or a function without arguments. "
            f"Received: learning_rate={value!r}"
        )
    number = _concrete(value)
    if tf.is_tensor(number):
        return value
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"`learning_rate` must be finite and not negative. Received: learning_rate={value!r}")
    return value


def _concrete(value: Any) -> Any:
    """The value as a Python number where it has one."""
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return value.numpy() if hasattr(value, "numpy") and tf.executing_eagerly() else tf.convert_to_tensor(value)
    return value if isinstance(value, (int, float)) else np.asarray(value, dtype=float)


class StepScalars:
    """The scalar tensors of one step, each made once per type however many variables are updated.

    Args:
        iterations: how many steps were taken before this one.
        rate: the step's learning rate.
    """

    def __init__(self, iterations: tf.Variable, rate: Any):
        self._iterations, self._rate = iterations, rate
        self._made: dict[Any, tf.Tensor] = {}

    def rate(self, dtype: tf.DType) -> tf.Tensor:
        """The learning rate."""
        return self.once("rate", dtype, lambda: tf.cast(tf.convert_to_tensor(self._rate), dtype))

    def count(self, dtype: tf.DType) -> tf.Tensor:
        """The number of this step, from 1."""
        return self.once("count", dtype, lambda: tf.cast(self._iterations + 1, dtype))

    def power(self, base: float, dtype: tf.DType) -> tf.Tensor:
        """`base` to the power of the step's number."""
        return self.once(("power", base), dtype, lambda: tf.pow(self.constant(base, dtype), self.count(dtype)))

    def constant(self, value: Any, dtype: tf.DType) -> tf.Tensor:
        """A hyperparameter as a tensor."""
        if isinstance(value, (tf.Tensor, tf.Variable)):
            return tf.cast(value, dtype)
        return self.once(("constant", value), dtype, lambda: tf.constant(value, dtype))

    def once(self, key: Any, dtype: tf.DType, make: Callable[[], tf.Tensor]) -> tf.Tensor:
        """The scalar of that key and type, made at its first use."""
        if (key, dtype) not in self._made:
            self._made[key, dtype] = make()
        return self._made[key, dtype]
