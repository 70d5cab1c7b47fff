"""What is between scores and losses: cross-entropies, dropout, normalization over batches, gradients."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish import losses
from kerasish.core.seeds import make_seed
from kerasish.losses.base import same_type
from kerasish.losses.crossentropy import binary_values


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> tf.Tensor:
    """`-(t log p + (1 - t) log(1 - p))` of each element."""
    return binary_values(*same_type(target, output), from_logits)


def binary_focal_crossentropy(
    target: Any, output: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False,
) -> tf.Tensor:  # fmt: skip
    """The binary cross-entropy of each element times `(1 - p)^gamma`, p being the right label's probability."""
    target, output = (tf.expand_dims(value, -1) for value in same_type(target, output))
    return losses.binary_focal_crossentropy(target, output, apply_class_balancing, alpha, gamma, from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> tf.Tensor:
    """`-sum(t log p)` over the classes."""
    return losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def categorical_focal_crossentropy(
    target: Any, output: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, axis: int = -1
) -> tf.Tensor:
    """`-sum(alpha (1 - p)^gamma t log p)` over the classes."""
    return losses.categorical_focal_crossentropy(target, output, alpha, gamma, from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> tf.Tensor:
    """`-log p[t]` for the number t of the right class; 0 where it is `ignore_class`."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits, axis, ignore_class)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> tf.Tensor:
    """x with the share `level` of its elements set to zero, the others divided by `1 - level`."""
    return tf.nn.dropout(x, rate=level, noise_shape=noise_shape, seed=make_seed(seed))


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 0.001
) -> tf.Tensor:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, with a number for each position along the axis."""
    shape = [1] * x.shape.rank
    shape[axis] = -1
    along = [None if one is None else tf.reshape(one, shape) for one in (mean, var, beta, gamma)]
    return tf.nn.batch_normalization(x, *along, epsilon)


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int], epsilon: float = 0.001
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """x normalized by its own mean and variance over the axes, and these two."""
    axes = sorted(reduction_axes)
    mean, variance = tf.nn.moments(x, axes)
    shape = [1 if axis in axes else size for axis, size in enumerate(tf.unstack(tf.shape(x)))]
    along = [None if one is None else tf.reshape(one, shape) for one in (mean, variance, beta, gamma)]
    return tf.nn.batch_normalization(x, *along, epsilon), mean, _unbiased(x, variance, axes)


def _unbiased(x: Any, variance: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """As the fused kernel gives it for images, channels being last: with n - 1 instead of n."""
    if x.shape.rank != 4 or axes != [0, 1, 2]:
        return variance
    count = tf.cast(tf.size(x) / tf.size(variance), variance.dtype)
    return variance * count / tf.maximum(count - 1, 1)


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a loss within a graph (of a `tf.function`); eagerly `tf.GradientTape` is the way.

    Raises:
        RuntimeError: outside of a graph.
    """
    return tf.gradients(loss, variables)
