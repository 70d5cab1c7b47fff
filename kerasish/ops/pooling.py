"""Maximum and mean over windows and over whole spaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from kerasish.ops.convolution import channels_to_end, channels_to_front, native_channels_first

_MAXIMUM = {1: tf.nn.max_pool1d, 2: tf.nn.max_pool2d, 3: tf.nn.max_pool3d}
_MEAN = {1: tf.nn.avg_pool1d, 2: tf.nn.avg_pool2d, 3: tf.nn.avg_pool3d}
_LAYOUTS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def max_pool(
    inputs: tf.Tensor, window: Sequence[int], strides: Sequence[int], padding: str, channels_first: bool = False
) -> tf.Tensor:
    """The maximum of each window of `(batch, *space, channels)` or `(batch, channels, *space)`."""
    return _pool(_MAXIMUM, inputs, window, strides, padding, channels_first)


def average_pool(
    inputs: tf.Tensor, window: Sequence[int], strides: Sequence[int], padding: str, channels_first: bool = False
) -> tf.Tensor:
    """The mean of each window; padded positions do not count."""
    return _pool(_MEAN, inputs, window, strides, padding, channels_first)


def _pool(
    pools: dict[int, Callable[..., tf.Tensor]],
    inputs: tf.Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    channels_first: bool,
) -> tf.Tensor:
    rank = len(window)
    turned = channels_first and not native_channels_first()
    layout = _LAYOUTS[rank][channels_first and not turned]
    # TensorFlow pools volumes of halves on GPUs only.
    dtype = tf.float32 if rank == 3 and inputs.dtype in (tf.float16, tf.bfloat16) else inputs.dtype
    inputs, given = tf.cast(inputs, dtype), inputs.dtype
    inputs = channels_to_end(inputs, rank) if turned else inputs
    by_planes = rank == 3 and given == tf.float64 and layout == "NDHWC"
    pool = _by_planes(pools[2]) if by_planes else pools[rank]
    pooled = pool(inputs, window, strides, padding.upper(), layout)
    return tf.cast(channels_to_front(pooled, rank) if turned else pooled, given)


def _by_planes(pool: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """A pooling of volumes made of two of planes: TensorFlow pools volumes of doubles under XLA only."""

    def of_volume(inputs: tf.Tensor, window: Any, strides: Any, padding: str, layout: str) -> tf.Tensor:
        batch, depth, *plane = _sizes(inputs)
        planes = pool(tf.reshape(inputs, [batch * depth, *plane]), window[1:], strides[1:], padding)
        _, height, width, channels = _sizes(planes)
        columns = tf.reshape(planes, [batch, depth, height * width, channels])
        columns = pool(columns, (window[0], 1), (strides[0], 1), padding)
        return tf.reshape(columns, [batch, _sizes(columns)[1], height, width, channels])

    return of_volume


def _sizes(tensor: tf.Tensor) -> list[Any]:
    """The sizes of the axes, as numbers where they are known."""
    return [tf.shape(tensor)[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def masked_mean(inputs: tf.Tensor, mask: tf.Tensor, axis: int, keepdims: bool = False) -> tf.Tensor:
    """The mean along one axis of the positions where the mask `(batch, time)` is true; zero where there are none.

    Source: behaviour of tf.keras 2, which gives NaN where there are none.
    """
    weight = tf.expand_dims(tf.cast(mask, inputs.dtype), 3 - axis)
    total = tf.reduce_sum(inputs * weight, axis, keepdims)
    return tf.math.divide_no_nan(total, tf.reduce_sum(weight, axis, keepdims))
