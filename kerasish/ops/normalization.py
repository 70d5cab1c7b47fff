"""Normalization of tensors by their moments, and the moving averages of those.

Source: S. Ioffe and C. Szegedy, Batch Normalization (2015); J. L. Ba et al., Layer Normalization (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.ops.products import in_rows_of

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
    momentum: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalized images or volumes, and mean and variance moved towards the batch's (unbiased) moments in training.

    Training normalizes by the moments of the batch, else the given ones do. They move as in `move_average`.
    """
    outputs, moved_mean, moved_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        exponential_avg_factor=1.0 - momentum,
        data_format=_LAYOUTS[len(inputs.shape)][channels_first],
        is_training=training,
    )
    return outputs, moved_mean, moved_variance


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
    shift, scale = (None if weight is None else tf.cast(weight, precise.dtype) for weight in (beta, gamma))
    if list(axes) == [len(inputs.shape) - 1] and inputs.shape[-1]:
        return tf.cast(_by_row(precise, shift, scale, epsilon), inputs.dtype)
    mean, variance = moments(precise, axes, keepdims=True)
    return tf.cast(normalize(precise, mean, variance, shift, scale, epsilon), inputs.dtype)


def _by_row(inputs: tf.Tensor, beta: tf.Tensor | None, gamma: tf.Tensor | None, epsilon: float) -> tf.Tensor:
    """Layer normalization over the last axis, with the gradient written out: a third of the operations.

    With n the normalized row, g the gradient times gamma and r = 1 / sqrt(variance + epsilon), the gradient of the
    inputs is r (g - mean(g) - n mean(g n)).
    """
    size, dtype = inputs.shape[-1], inputs.dtype
    beta = tf.zeros([size], dtype) if beta is None else beta
    gamma = tf.ones([size], dtype) if gamma is None else gamma

    @tf.custom_gradient
    def forward(inputs: tf.Tensor, beta: tf.Tensor, gamma: tf.Tensor) -> Any:
        rows = tf.reshape(inputs, [-1, size])
        averaging = tf.fill([size, 1], tf.constant(1.0 / size, dtype))
        centered = rows - tf.matmul(rows, averaging)
        factor = tf.math.rsqrt(tf.matmul(tf.square(centered), averaging) + epsilon)
        normal = centered * factor

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            upstream = tf.reshape(upstream, [-1, size])
            product = upstream * normal
            averaging = tf.reshape(gamma, [size, 1]) / size
            along = normal * tf.matmul(product, averaging)
            d_inputs = factor * (upstream * gamma - tf.matmul(upstream, averaging) - along)
            d_beta, d_gamma = (tf.raw_ops.BiasAddGrad(out_backprop=rows) for rows in (upstream, product))
            return in_rows_of(d_inputs, inputs, 1, [size]), d_beta, d_gamma

        return in_rows_of(tf.nn.bias_add(normal * gamma, beta), inputs, 1, [size]), gradient

    return forward(inputs, tf.convert_to_tensor(beta), tf.convert_to_tensor(gamma))


def group_norm(
    inputs: tf.Tensor,
    groups: int,
    axis: int,
    beta: tf.Tensor | None,
    gamma: tf.Tensor | None,
    epsilon: float,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """The inputs normalized over everything of a sample but its groups of channels, computed in float32 at least.

    Args:
        inputs: `(batch, ...)` with the channels along `axis`.
        groups: the number of groups of neighbouring channels.
        axis: a positive axis.
        beta, gamma: shift and scale, one number for each channel.
        epsilon: keeps the division finite.
        mask: which elements count, of the inputs' shape or without its last axes.

    Source: Y. Wu and K. He, Group Normalization (2018).
    """
    precise = tf.cast(inputs, tf.float32) if inputs.dtype in (tf.float16, tf.bfloat16) else inputs
    shape, rank = tf.shape(inputs), len(inputs.shape)
    sizes = [shape[place] if size is None else size for place, size in enumerate(inputs.shape)]
    split = [*sizes[:axis], groups, sizes[axis] // groups, *sizes[axis + 1 :]]
    within = [place for place in range(1, rank + 1) if place != axis]
    weights = None
    if mask is not None:
        mask = tf.cast(mask, precise.dtype)
        mask = tf.reshape(mask, tf.concat([tf.shape(mask), [1] * (rank - len(mask.shape))], 0))
        weights = tf.reshape(tf.broadcast_to(mask, shape), split)
    grouped = tf.reshape(precise, split)
    mean, variance = moments(grouped, within, weights, keepdims=True)
    by_group = [1] * axis + [groups, -1] + [1] * (rank - axis - 1)
    shift, scale = (
        None if weight is None else tf.reshape(tf.cast(weight, precise.dtype), by_group) for weight in (beta, gamma)
    )
    outputs = tf.reshape(normalize(grouped, mean, variance, shift, scale, epsilon), sizes)
    return tf.cast(tf.ensure_shape(outputs, inputs.shape), inputs.dtype)


def spectral_norm(kernel: tf.Tensor, vector: tf.Tensor, iterations: int) -> tuple[tf.Tensor, tf.Tensor]:
    """An estimate of the largest singular value of a kernel, by power iteration, and the improved starting vector.

    Args:
        kernel: `(..., outputs)`, seen as a matrix with as many columns as outputs.
        vector: `(1, outputs)`, where the iteration starts.
        iterations: the number of improvements.

    Source: T. Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018), algorithm 1.
    """
    matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
    u, v = tf.cast(vector, matrix.dtype), None
    for _ in range(iterations):
        v = tf.linalg.l2_normalize(tf.matmul(u, matrix, transpose_b=True))
        u = tf.linalg.l2_normalize(tf.matmul(v, matrix))
    u, v = tf.stop_gradient(u), tf.stop_gradient(v)
    return tf.reshape(tf.matmul(tf.matmul(v, matrix), u, transpose_b=True), []), u


def renorm_correction(
    mean: tf.Tensor,
    stddev: tf.Tensor,
    average_mean: tf.Tensor,
    average_stddev: tf.Tensor,
    epsilon: float,
    rmin: float | None = None,
    rmax: float | None = None,
    dmax: float | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The scale r and the shift d that take what the batch's moments normalize to what their averages would.

    Source: S. Ioffe, Batch Renormalization (2017).
    """
    scale = tf.maximum(average_stddev, epsilon**0.5)
    r, d = stddev / scale, (mean - average_mean) / scale
    r = r if rmin is None else tf.maximum(r, rmin)
    r = r if rmax is None else tf.minimum(r, rmax)
    d = d if dmax is None else tf.clip_by_value(d, -dmax, dmax)
    return tf.stop_gradient(r), tf.stop_gradient(d)


def move_average(average: tf.Variable, value: tf.Tensor, momentum: float) -> None:
    """Moves the average towards the value: `average * momentum + value * (1 - momentum)`."""
    average.assign_sub((average - tf.cast(value, average.dtype)) * (1.0 - momentum))
