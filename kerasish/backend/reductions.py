"""One number for many: sums, means, extremes along axes, and running sums."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core import settings


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The sum along the axes, of everything if `axis` is None."""
    return tf.reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The product along the axes."""
    return tf.reduce_prod(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The mean along the axes; of truth values the share that is true."""
    return tf.reduce_mean(_numbers(x), axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The variance along the axes, `mean((x - mean(x))^2)`."""
    return tf.math.reduce_variance(_numbers(x), axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The standard deviation along the axes, the root of `var`."""
    return tf.math.reduce_std(_numbers(x), axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The largest element along the axes."""
    return tf.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """The smallest element along the axes."""
    return tf.reduce_min(x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """Whether something along the axes is not zero."""
    return tf.reduce_any(tf.cast(x, tf.bool), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> tf.Tensor:
    """Whether nothing along the axes is zero."""
    return tf.reduce_all(tf.cast(x, tf.bool), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> tf.Tensor:
    """The index of the largest element along the axis, int64."""
    return tf.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> tf.Tensor:
    """The index of the smallest element along the axis, int64."""
    return tf.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> tf.Tensor:
    """The running sum along the axis."""
    return tf.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> tf.Tensor:
    """The running product along the axis."""
    return tf.math.cumprod(x, axis)


def _numbers(x: Any) -> Any:
    """Truth values as 0 and 1, anything else as it is."""
    if not hasattr(x, "dtype"):
        x = tf.convert_to_tensor(x)
    return tf.cast(x, settings.floatx()) if x.dtype == tf.bool else x
