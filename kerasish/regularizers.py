"""Penalties on weights or outputs that are added to the loss."""
from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.configurable import Configurable
from kerasish.core.registry import Registry
from kerasish.core.settings import floatx

REGULARIZERS = Registry("regularizer", "keras.regularizers")

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer(Configurable):
    """Base of penalties: called with a tensor, an instance returns a number.

    A subclass defines `__call__(self, x)`, and `get_config` where its arguments are not plain values.
    """

    __config_module__ = "keras.regularizers"
    _family_base = True

    def __init__(self) -> None:
        """Nothing to keep; subclasses with arguments define their own."""

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor: none here."""
        return 0.0


@REGULARIZERS.register("l1")
class L1(Regularizer):
    """`l1 sum|x|`.

    Args:
        l1: the factor; `l` is accepted too.

    Raises:
        ValueError: if the factor is no finite number.
        TypeError: for any other argument.
    """

    def __init__(self, l1: float = 0.01, **kwargs: Any):
        self.l1 = _penalty("l1", _factor_of(l1, kwargs))

    def __call__(self, x: Any) -> tf.Tensor:
        """The penalty, a scalar."""
        return self.l1 * tf.reduce_sum(tf.abs(x))


@REGULARIZERS.register("l2")
class L2(Regularizer):
    """`l2 sum(x^2)`.

    Args:
        l2: the factor; `l` is accepted too.

    Raises:
        ValueError: if the factor is no finite number.
        TypeError: for any other argument.
    """

    def __init__(self, l2: float = 0.01, **kwargs: Any):
        self.l2 = _penalty("l2", _factor_of(l2, kwargs))

    def __call__(self, x: Any) -> tf.Tensor:
        """The penalty, a scalar."""
        return self.l2 * tf.reduce_sum(tf.square(x))


@REGULARIZERS.register()
class L1L2(Regularizer):
    """`l1 sum|x| + l2 sum(x^2)`.

    Raises:
        ValueError: if a factor is no finite number.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _penalty("l1", l1, default=0.0)
        self.l2 = _penalty("l2", l2, default=0.0)

    def __call__(self, x: Any) -> tf.Tensor:
        """The penalty, a scalar."""
        total = tf.zeros((), x.dtype)
        if self.l1:
            total += self.l1 * tf.reduce_sum(tf.abs(x))
        return total + self.l2 * tf.reduce_sum(tf.square(x)) if self.l2 else total


@REGULARIZERS.register("orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean |cosine| between the rows (or columns) of a matrix: 0 when they are orthogonal.

    Args:
        factor: the factor.
        mode: `"rows"` or `"columns"`, which vectors are to be orthogonal to one another.

    Raises:
        ValueError: for another mode, or when called with anything but a matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        self.factor = _penalty("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f'`mode` must be "rows" or "columns". Received: mode={mode!r}')
        self.mode = mode

    def __call__(self, inputs: Any) -> tf.Tensor:
        """The penalty, a scalar."""
        if inputs.shape.rank != 2:
            raise ValueError(f"OrthogonalRegularizer needs a matrix. Received: inputs of shape {tuple(inputs.shape)}")
        vectors = tf.math.l2_normalize(inputs if self.mode == "rows" else tf.transpose(inputs), axis=1)
        count = vectors.shape[0]
        cosines = tf.matmul(vectors, vectors, transpose_b=True) * (1 - tf.eye(count, dtype=vectors.dtype))
        return self.factor * tf.reduce_sum(tf.abs(cosines)) / (count * (count - 1))


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """An `L1L2` whose two factors are 0.01 unless given."""
    return L1L2(l1=l1, l2=l2)


REGULARIZERS.register()(l1_l2)
l1 = L1
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """The regularizer that a name, a configuration or a callable stands for; None stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for a class or something that cannot be called.
    """
    found = REGULARIZERS.get(identifier)
    return found() if found is l1_l2 else found


def serialize(regularizer: Any, use_legacy_format: bool = False) -> Any:
    """The configuration of a regularizer, in the two-key form of earlier releases if asked for."""
    config = object_config.serialize(regularizer)
    return object_config.two_key_form(config) if use_legacy_format else config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The regularizer of a name or configuration."""
    found = REGULARIZERS.get(config, custom_objects)
    return found() if found is l1_l2 else found


def _factor_of(value: Any, kwargs: dict[str, Any]) -> Any:
    value = kwargs.pop("l", value)
    if kwargs:
        raise TypeError(f"Unknown argument: {', '.join(kwargs)}. Received: {kwargs}")
    return value


def _penalty(argument: str, value: Any, default: float = 0.01) -> float:
    """The factor as the float type holds it, so that configurations equal those of tf.keras to the last digit."""
    if value is None:
        return float(np.asarray(default, floatx()))
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"`{argument}` must be a finite number. Received: {argument}={value!r}")
    return float(np.asarray(value, floatx()))
