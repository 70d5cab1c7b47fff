"""Functions that treat each element by itself: roots, logarithms, comparisons, limits."""
from __future__ import annotations

from typing import Any

import tensorflow as tf


def abs(x: Any) -> tf.Tensor:
    """`|x|`."""
    return tf.abs(x)


def square(x: Any) -> tf.Tensor:
    """`x^2`."""
    return tf.square(x)


def sqrt(x: Any) -> tf.Tensor:
    """The root of x; 0 where x is negative."""
    return tf.sqrt(clip(x, 0.0, None))


def exp(x: Any) -> tf.Tensor:
    """`e^x`."""
    return tf.exp(x)


def log(x: Any) -> tf.Tensor:
    """The natural logarithm of x."""
    return tf.math.log(x)


def round(x: Any) -> tf.Tensor:
    """The nearest integer, of two the even one, in the type of x."""
    return tf.round(x)


def sign(x: Any) -> tf.Tensor:
    """-1, 0 or 1."""
    return tf.sign(x)


def pow(x: Any, a: Any) -> tf.Tensor:
    """`x^a`."""
    return tf.pow(x, a)


def sin(x: Any) -> tf.Tensor:
    """The sine of x in radians."""
    return tf.sin(x)


def cos(x: Any) -> tf.Tensor:
    """The cosine of x in radians."""
    return tf.cos(x)


def clip(x: Any, min_value: Any, max_value: Any) -> tf.Tensor:
    """x within the limits, None being no limit; a lower limit above the upper one replaces it."""
    plain = (int, float)
    if isinstance(min_value, plain) and isinstance(max_value, plain) and max_value < min_value:
        max_value = min_value
    low = -float("inf") if min_value is None else min_value
    high = float("inf") if max_value is None else max_value
    return tf.clip_by_value(x, low, high)


def maximum(x: Any, y: Any) -> tf.Tensor:
    """The greater of two."""
    return tf.maximum(x, y)


def minimum(x: Any, y: Any) -> tf.Tensor:
    """The smaller of two."""
    return tf.minimum(x, y)


def equal(x: Any, y: Any) -> tf.Tensor:
    """Whether `x = y`."""
    return tf.equal(x, y)


def not_equal(x: Any, y: Any) -> tf.Tensor:
    """Whether `x != y`."""
    return tf.not_equal(x, y)


def greater(x: Any, y: Any) -> tf.Tensor:
    """Whether `x > y`."""
    return tf.greater(x, y)


def greater_equal(x: Any, y: Any) -> tf.Tensor:
    """Whether `x >= y`."""
    return tf.greater_equal(x, y)


def less(x: Any, y: Any) -> tf.Tensor:
    """Whether `x < y`."""
    return tf.less(x, y)


def less_equal(x: Any, y: Any) -> tf.Tensor:
    """Whether `x <= y`."""
    return tf.less_equal(x, y)
