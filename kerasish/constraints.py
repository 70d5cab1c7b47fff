"""Projections that an optimizer applies to weights after each step."""
from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.configurable import Configurable
from kerasish.core.registry import Registry
from kerasish.core.settings import epsilon

CONSTRAINTS = Registry("constraint", "keras.constraints")

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "RadialConstraint",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "radial_constraint",
    "serialize",
    "unit_norm",
]


class Constraint(Configurable):
    """Base of projections: called with a weight, an instance returns the admissible weight to use instead.

    A subclass defines `__call__(self, w)`, and `get_config` where its arguments are not plain values.
    """

    __config_module__ = "keras.constraints"
    _family_base = True

    def __init__(self) -> None:
        """Nothing to keep; subclasses with arguments define their own."""

    def __call__(self, w: Any) -> Any:
        """The weight itself: everything is admissible here."""
        return w


@CONSTRAINTS.register("max_norm", "maxnorm")
class MaxNorm(Constraint):
    """Shortens vectors along `axis` to the Euclidean norm `max_value` where they are longer.

    Args:
        max_value: the largest norm.
        axis: the axis or axes of one vector: 0 for a Dense kernel (a unit's inputs), `[0, 1, 2]` for a Conv2D kernel.

    Raises:
        ValueError: if `max_value` is negative.

    Source: N. Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014).
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        if max_value < 0:
            raise ValueError(f"`max_value` must be at least 0. Received: max_value={max_value!r}")
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> tf.Tensor:
        """The weight with its long vectors shortened."""
        norms = _norms(w, self.axis)
        return w * (tf.clip_by_value(norms, 0, self.max_value) / (epsilon() + norms))


@CONSTRAINTS.register("min_max_norm")
class MinMaxNorm(Constraint):
    """Brings the norms of vectors along `axis` between `min_value` and `max_value`.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: the part of the way that one call goes: 1 all of it, 0 none.
        axis: the axis or axes of one vector.

    Raises:
        ValueError: if a norm or the rate is negative, or the bounds are crossed.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        if not 0 <= min_value <= max_value:
            raise ValueError(
                f"Expected 0 <= min_value <= max_value. Received: min_value={min_value!r}, max_value={max_value!r}"
            )
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must lie between 0 and 1. Received: rate={rate!r}")
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> tf.Tensor:
        """The weight with its vectors shortened or lengthened."""
        norms = _norms(w, self.axis)
        wanted = self.rate * tf.clip_by_value(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (epsilon() + norms))


@CONSTRAINTS.register("non_neg", "nonneg")
class NonNeg(Constraint):
    """Replaces negative weights by 0."""

    def __call__(self, w: Any) -> tf.Tensor:
        """The weight, its negative elements being 0."""
        return tf.nn.relu(w)


@CONSTRAINTS.register("unit_norm", "unitnorm")
class UnitNorm(Constraint):
    """Scales vectors along `axis` to norm 1.

    Args:
        axis: the axis or axes of one vector.
    """

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> tf.Tensor:
        """The weight with its vectors scaled."""
        return w / (epsilon() + _norms(w, self.axis))


@CONSTRAINTS.register("radial_constraint")
class RadialConstraint(Constraint):
    """Makes square convolution kernels `(size, size, channels, filters)` equal on every ring around the centre.

    A ring takes one diagonal element's value. With an odd size that of ring r is the element r - 1 steps from the
    centre, not r: what tf.keras 2 computes, and trained weights rely on.

    Raises:
        ValueError: when called with a weight of another rank, or kernels that are not square.
    """

    def __call__(self, w: Any) -> tf.Tensor:
        """The weight, constant on rings."""
        shape = tuple(w.shape)
        if len(shape) != 4 or shape[0] != shape[1]:
            raise ValueError(
                f"RadialConstraint needs weights of shape (size, size, channels, filters). Received: shape {shape}"
            )
        source = _ring_sources(shape[0])
        return tf.gather_nd(w, np.stack([source, source], axis=-1))


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
radial_constraint = RadialConstraint
unit_norm = UnitNorm


def get(identifier: Any) -> Any:
    """The constraint that a name, a configuration or a callable stands for; None stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for a class or something that cannot be called.
    """
    return CONSTRAINTS.get(identifier)


def serialize(constraint: Any, use_legacy_format: bool = False) -> Any:
    """The configuration of a constraint, in the two-key form of earlier releases if asked for."""
    config = object_config.serialize(constraint)
    return object_config.two_key_form(config) if use_legacy_format else config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The constraint of a name or configuration."""
    return CONSTRAINTS.get(config, custom_objects)


def _norms(w: Any, axis: Any) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(tf.square(w), axis=axis, keepdims=True))


def _ring_sources(size: int) -> np.ndarray:
    """For each place of a kernel the index on the diagonal whose value it takes, `(size, size)`."""
    half = size // 2
    distance = np.maximum(np.abs(2 * np.arange(size) - size + 1)[:, None], np.abs(2 * np.arange(size) - size + 1)) // 2
    if size % 2:
        return np.maximum(half - 1 + distance, 0)
    return np.where(distance == 0, half - 1, half + distance)
