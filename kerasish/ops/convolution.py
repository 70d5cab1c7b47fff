"""Convolutions of any rank, any layout, any number of groups, on every device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

_LAYOUTS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def convolve(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    channels_first: bool = False,
) -> tf.Tensor:
    """The convolution of inputs `(batch..., *space, channels)` or `(batch..., channels, *space)` with a kernel.

    Args:
        inputs: with any number of batch axes.
        kernel: `(*size, channels / groups, filters)`; the number of groups follows from its shape.
        strides: how far the window moves at each step, for each dimension of space.
        padding: `"valid"`, `"same"` or, for one dimension of space, `"causal"`.
        dilations: the distance between neighbouring elements of the window.
        channels_first: where the channels are.
    """
    rank = len(strides)
    if padding == "causal":
        reach = dilations[0] * (kernel.shape[0] - 1)
        inputs, padding = pad_start(inputs, reach, channels_first), "valid"
    turned = channels_first and not native_channels_first()
    layout = _LAYOUTS[rank][channels_first and not turned]

    def apply(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.convolution(inputs, kernel, strides, padding.upper(), layout, dilations)

    inputs = channels_to_end(inputs, rank) if turned else inputs
    axis = -1 - rank if channels_first and not turned else -1
    groups = inputs.shape[axis] // kernel.shape[-2]
    convolved = _by_group(apply, inputs, kernel, groups, axis) if rank == 3 and groups > 1 else apply(inputs, kernel)
    return channels_to_front(convolved, rank) if turned else convolved


def _by_group(
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], inputs: tf.Tensor, kernel: tf.Tensor, groups: int, axis: int
) -> tf.Tensor:
    """Each group convolved by itself: TensorFlow has no grouped convolution of volumes on the CPU."""
    parts = zip(tf.split(inputs, groups, axis), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([apply(part, filters) for part, filters in parts], axis)


def convolve_transposed(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    sizes: Sequence[int | tf.Tensor],
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    channels_first: bool = False,
) -> tf.Tensor:
    """The adjoint of a convolution: each input adds the kernel, times its value, to the outputs around it.

    Args:
        inputs: `(batch, *space, channels)` or `(batch, channels, *space)`.
        kernel: `(*size, filters, channels)`.
        sizes: the output's sizes in space.
        strides: how far neighbouring inputs are apart in the output.
        padding: `"valid"` or `"same"`, as of the convolution it is the adjoint of.
        dilations: the distance between neighbouring elements of the window.
        channels_first: where the channels are.
    """
    rank = len(strides)
    turned = channels_first and not native_channels_first()
    native_first = channels_first and not turned
    layout = _LAYOUTS[rank][native_first]
    inputs = channels_to_end(inputs, rank) if turned else inputs
    filters = kernel.shape[-2]
    shape = [tf.shape(inputs)[0], *([filters, *sizes] if native_first else [*sizes, filters])]
    kernel = _spread(kernel, dilations)
    outputs = tf.nn.conv_transpose(inputs, kernel, tf.stack(shape), strides, padding.upper(), layout)
    return channels_to_front(outputs, rank) if turned else outputs


def _spread(kernel: tf.Tensor, dilations: Sequence[int]) -> tf.Tensor:
    """The kernel with zeros between its elements: TensorFlow has no transposed convolution with holes on the CPU."""
    for axis, rate in enumerate(dilations):
        if rate > 1:
            shape, rank = kernel.shape.as_list(), len(kernel.shape)
            gaps = [[0, 0]] * (axis + 1) + [[0, rate - 1]] + [[0, 0]] * (rank - axis - 1)
            shape[axis] *= rate
            kernel = tf.reshape(tf.pad(tf.expand_dims(kernel, axis + 1), gaps), shape)
            kernel = tf.slice(kernel, [0] * rank, [*shape[:axis], shape[axis] - rate + 1, *shape[axis + 1 :]])
    return kernel


def convolve_depthwise(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    channels_first: bool = False,
) -> tf.Tensor:
    """Each channel convolved by itself with its own kernels, along time or over images.

    Args:
        inputs: `(batch, *space, channels)` or `(batch, channels, *space)`.
        kernel: `(*size, channels, multiplier)`; the outputs have `channels * multiplier` channels.
        strides: how far the window moves at each step, for each dimension of space.
        padding: `"valid"`, `"same"` or, for one dimension of space, `"causal"`.
        dilations: the distance between neighbouring elements of the window.
        channels_first: where the channels are.
    """
    rank = len(strides)
    if len(set(strides)) > 1:  # which TensorFlow's op for depthwise convolutions lacks for some types
        by_group = tf.reshape(kernel, [*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1]])
        return convolve(inputs, by_group, strides, padding, dilations, channels_first)
    if padding == "causal":
        inputs = pad_start(inputs, dilations[0] * (kernel.shape[0] - 1), channels_first)
        padding = "valid"
    turned = channels_first and (rank == 1 or not native_channels_first())
    inputs = channels_to_end(inputs, rank) if turned else inputs
    if rank == 1:
        inputs, kernel = inputs[:, None], kernel[None]
        strides, dilations = [strides[0]] * 2, [1, dilations[0]]
    native_first = channels_first and not turned
    steps = [1, 1, *strides] if native_first else [1, *strides, 1]
    layout = _LAYOUTS[2][native_first]
    outputs = tf.nn.depthwise_conv2d(inputs, kernel, steps, padding.upper(), layout, dilations)
    outputs = outputs[:, 0] if rank == 1 else outputs
    return channels_to_front(outputs, rank) if turned else outputs


def pad_start(inputs: tf.Tensor, size: int, channels_first: bool) -> tf.Tensor:
    """Inputs `(batch..., time, channels)` with `size` zero steps before the first."""
    outer = [[0, 0]] * (len(inputs.shape) - 2)
    inner = [[0, 0], [size, 0]] if channels_first else [[size, 0], [0, 0]]
    return tf.pad(inputs, outer + inner)


def output_length(length: int | None, size: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """How many positions a window of `size` takes along `length`; None if the length is unknown."""
    if length is None:
        return None
    reach = (size - 1) * dilation if padding == "valid" else 0
    return -((reach - length) // stride)


def transposed_length(
    length: int, size: int, padding: str, stride: int, dilation: int = 1, extra: int | None = None
) -> int:
    """The length of what a transposed convolution makes of `length` positions.

    Args:
        length: an integer, or a tensor with one.
        size: the window's size.
        padding: `"valid"` or `"same"`.
        stride: how far neighbouring inputs are apart in the output.
        dilation: the distance between neighbouring elements of the window.
        extra: positions added at the end, or None for the longest output that fits the stride.
    """
    reach = (size - 1) * dilation + 1
    if extra is None:
        return length * stride + (max(reach - stride, 0) if padding == "valid" else 0)
    return (length - 1) * stride + reach + extra - (2 * (reach // 2) if padding == "same" else 0)


def native_channels_first() -> bool:
    """Whether kernels for the layout `channels_first` exist: on GPUs only."""
    return bool(tf.config.list_physical_devices("GPU"))


def channels_to_end(inputs: tf.Tensor, rank: int) -> tf.Tensor:
    """`(batch..., channels, *space)` as `(batch..., *space, channels)`."""
    first = len(inputs.shape) - 1 - rank
    return tf.transpose(inputs, [*range(first), *range(first + 1, first + 1 + rank), first])


def channels_to_front(inputs: tf.Tensor, rank: int) -> tf.Tensor:
    """`(batch..., *space, channels)` as `(batch..., channels, *space)`."""
    first = len(inputs.shape) - 1 - rank
    return tf.transpose(inputs, [*range(first), first + rank, *range(first, first + rank)])
