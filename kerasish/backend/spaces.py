"""Windows over time, images and volumes: convolutions, pooling, padding, resizing.

`data_format` None is the global setting. Padding is `"valid"`, `"same"` or, over time, `"causal"`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.layers import arguments
from kerasish.ops import convolution, pooling, resampling
from kerasish.ops.local_connection import LocalWindows


def conv1d(
    x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> tf.Tensor:  # fmt: skip
    """The convolution of a series with a kernel `(size, channels, filters)`."""
    return _convolved(1, x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> tf.Tensor:  # fmt: skip
    """The convolution of images with a kernel `(rows, columns, channels, filters)`."""
    return _convolved(2, x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> tf.Tensor:  # fmt: skip
    """The convolution of volumes with a kernel `(size1, size2, size3, channels, filters)`."""
    return _convolved(3, x, kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> tf.Tensor:  # fmt: skip
    """The adjoint of a convolution: images of `output_shape`, with a kernel `(rows, columns, filters, channels)`.

    The batch size in `output_shape` is not looked at.
    """
    first = _is_channels_first(data_format)
    sizes = list(output_shape)[2:] if first else list(output_shape)[1:3]
    steps, holes = arguments.sizes("strides", strides, 2), arguments.sizes("dilation_rate", dilation_rate, 2)
    return convolution.convolve_transposed(_tensor(x), _tensor(kernel), sizes, steps, _padding(padding), holes, first)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> tf.Tensor:  # fmt: skip
    """Each channel convolved by itself, with a kernel `(rows, columns, channels, multiplier)`."""
    steps, holes = arguments.sizes("strides", strides, 2), arguments.sizes("dilation_rate", dilation_rate, 2)
    first = _is_channels_first(data_format)
    return convolution.convolve_depthwise(_tensor(x), _tensor(depthwise_kernel), steps, _padding(padding), holes, first)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> tf.Tensor:  # fmt: skip
    """`depthwise_conv2d`, then a convolution with windows of one pixel, `(1, 1, channels * multiplier, filters)`."""
    by_channel = depthwise_conv2d(x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv2d(by_channel, pointwise_kernel, data_format=data_format)


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: str | None = None
) -> tf.Tensor:
    """As `conv1d`, with a kernel `(positions, size * channels, filters)` that differs from position to position."""
    return _locally(1, inputs, kernel, kernel_size, strides, data_format)


def local_conv2d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: str | None = None
) -> tf.Tensor:
    """As `conv2d`, with a kernel `(positions, rows * columns * channels, filters)`; `output_shape` is known anyway."""
    return _locally(2, inputs, kernel, kernel_size, strides, data_format)


def pool2d(
    x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> tf.Tensor:  # fmt: skip
    """The maximum (`"max"`) or mean (`"avg"`) of each window of images."""
    return _pooled(2, x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> tf.Tensor:  # fmt: skip
    """The maximum (`"max"`) or mean (`"avg"`) of each window of volumes."""
    return _pooled(3, x, pool_size, strides, padding, data_format, pool_mode)


def temporal_padding(x: Any, padding: Any = (1, 1)) -> tf.Tensor:
    """A series `(batch, time, features)` with steps of zeros before and after."""
    return tf.pad(x, [(0, 0), tuple(padding), (0, 0)])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> tf.Tensor:
    """Images with rows and columns of zeros around them."""
    return _padded(2, x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> tf.Tensor:
    """Volumes with zeros around them."""
    return _padded(3, x, padding, data_format)


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> tf.Tensor:
    """Images a whole number of times as high and wide.

    Raises:
        ValueError: for an unknown layout or interpolation.
    """
    first, factors = _is_channels_first(data_format), (height_factor, width_factor)
    kind = arguments.one_of("interpolation", interpolation, resampling.INTERPOLATIONS)
    if kind == "nearest":
        return resampling.repeat(_tensor(x), factors, 2 if first else 1)
    return resampling.enlarge(_tensor(x), factors, kind, first)


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str) -> tf.Tensor:
    """Volumes a whole number of times as large, each element repeated.

    Raises:
        ValueError: for an unknown layout.
    """
    first = 2 if _is_channels_first(data_format) else 1
    return resampling.repeat(_tensor(x), (depth_factor, height_factor, width_factor), first)


def _convolved(
    rank: int, x: Any, kernel: Any, strides: Any, padding: str, data_format: str | None, dilation_rate: Any
) -> tf.Tensor:
    steps = arguments.sizes("strides", strides, rank)
    holes = arguments.sizes("dilation_rate", dilation_rate, rank)
    allowed = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    padding = arguments.one_of("padding", padding, allowed)
    return convolution.convolve(_tensor(x), _tensor(kernel), steps, padding, holes, _is_channels_first(data_format))


def _locally(
    rank: int, inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: str | None
) -> tf.Tensor:
    inputs, kernel, first = _tensor(inputs), _tensor(kernel), _is_channels_first(data_format)
    shape = inputs.shape.as_list()
    space, channels = (shape[2:], shape[1]) if first else (shape[1:-1], shape[-1])
    size, steps = arguments.sizes("kernel_size", kernel_size, rank), arguments.sizes("strides", strides, rank)
    windows = LocalWindows(space, size, steps, "valid", channels, kernel.shape[-1], first)
    return windows.apply(inputs, kernel, 1)


def _pooled(
    rank: int, x: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None, pool_mode: str
) -> tf.Tensor:
    window, steps = arguments.sizes("pool_size", pool_size, rank), arguments.sizes("strides", strides, rank)
    pool = pooling.max_pool if arguments.one_of("pool_mode", pool_mode, ("max", "avg")) == "max" else None
    pool = pool or pooling.average_pool
    return pool(_tensor(x), window, steps, _padding(padding), _is_channels_first(data_format))


def _padded(rank: int, x: Any, padding: Any, data_format: str | None) -> tf.Tensor:
    pairs: Sequence[tuple[int, int]] = arguments.size_pairs("padding", padding, rank)
    return tf.pad(x, [(0, 0), (0, 0), *pairs] if _is_channels_first(data_format) else [(0, 0), *pairs, (0, 0)])


def _padding(padding: str) -> str:
    return arguments.one_of("padding", padding, ("valid", "same"))


def _is_channels_first(data_format: str | None) -> bool:
    return arguments.data_format(data_format) == "channels_first"


def _tensor(value: Any) -> Any:
    return tf.convert_to_tensor(value) if isinstance(value, (np.ndarray, list, tf.Variable)) else value
