"""Normalization of tensors by their moments, and the moving averages of those.

Source: S. Ioffe and C. Szegedy, Batch Normalization (2015); J. L. Ba et al., Layer Normalization (2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

_LAYOUTS = {4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}


def fused_batch_norm(
    inputs: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
    training: bool,
    channels_first: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalized images or volumes with the moments used; in training those of the batch, the variance unbiased."""
    unused = tf.zeros([0], mean.dtype)
    outputs, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=unused if training else mean,
        variance=unused if training else variance,
        epsilon=epsilon,
        data_format=_LAYOUTS[len(inputs.shape)][channels_first],
        is_training=training,
    )
    return outputs, batch_mean, batch_variance


def moments(
    inputs: tf.Tensor, axes: Sequence[int], weights: tf.Tensor | None = None, keepdims: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and (biased) variance over the axes, weighted if weights that broadcast to the inputs are given."""
    if weights is None:
        return tf.nn.moments(inputs, list(axes), keepdims=keepdims)
    weights = tf.broadcast_to(tf.cast(weights, inputs.dtype), tf.shape(inputs))
    total = tf.reduce_sum(weights, axes, keepdims=True)
    mean = tf.math.divide_no_nan(tf.reduce_sum(inputs * weights, axes, keepdims=True), total)
    squares = tf.math.squared_difference(inputs, tf.stop_gradient(mean)) * weights
    variance = tf.math.divide_no_nan(tf.reduce_sum(squares, axes, keepdims=True), total)
    return (mean, variance) if keepdims else (tf.squeeze(mean, axes), tf.squeeze(variance, axes))


def normalize(
    inputs: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    beta: tf.Tensor | None,
    gamma: tf.Tensor | None,
    epsilon: float,
) -> tf.Tensor:
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`."""
    return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon)


def layer_norm(
    inputs: tf.Tensor, axes: Sequence[int], beta: tf.Tensor | None, gamma: tf.Tensor | None, epsilon: float
) -> tf.Tensor:
    """The inputs normalized over the axes, computed in float32 at least.

    Args:
        beta, gamma: shift and scale that broadcast to the inputs.
    """
    precise = tf.cast(inputs, tf.float32) if inputs.dtype in (tf.float16, tf.bfloat16) else inputs
    mean, variance = moments(precise, axes, keepdims=True)
    shift, scale = (None if weight is None else tf.cast(weight, precise.dtype) for weight in (beta, gamma))
    return tf.cast(normalize(precise, mean, variance, shift, scale, epsilon), inputs.dtype)


def move_average(average: tf.Variable, value: tf.Tensor, momentum: float) -> None:
    """Moves the average towards the value: `average * momentum + value * (1 - momentum)`."""
    average.assign_sub((average - tf.cast(value, average.dtype)) * (1.0 - momentum))
