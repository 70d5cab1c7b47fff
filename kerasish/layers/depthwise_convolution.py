"""Depthwise and separable convolution layers: a window of its own for each channel."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.convolution import _Convolution
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import convolution as ops


class _ByChannel(_Convolution):
    """Base of convolutions that begin with each channel by itself."""

    _config_excluded: tuple[str, ...] = ("depthwise", "pointwise")

    def __init__(self, *convolution: Any, depth_multiplier: int, depthwise: tuple[Any, Any, Any], **kwargs: Any):
        groups = kwargs.pop("groups", 1)
        if groups != 1:
            raise ValueError(
                f"{type(self).__name__} does not support `groups`: it convolves each channel by itself. "
                f"Received: groups={groups!r}\nLeave it out."
            )
        super().__init__(*convolution, **kwargs)
        self.depth_multiplier = arguments.positive("depth_multiplier", depth_multiplier)
        arguments.weight_options(self, "depthwise", *depthwise)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _add_kernels(self, channels: int) -> None:
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )

    def _convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel, channels_first = self.depthwise_kernel, self.data_format == "channels_first"
        if inputs.dtype != kernel.dtype:
            inputs = tf.cast(inputs, kernel.dtype)
        return ops.convolve_depthwise(
            inputs, kernel, self.strides, self.padding, self.dilation_rate, channels_first
        )


class _DepthwiseConvolution(_ByChannel):
    """Base of depthwise convolutions of any rank."""

    _config_excluded: tuple[str, ...] = ("filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(
        self, kernel_size: Any, strides: Any, padding: str, data_format: str | None, dilation_rate: Any,
        activation: Any, use_bias: bool, bias_initializer: Any, bias_regularizer: Any, activity_regularizer: Any,
        bias_constraint: Any, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(
            1, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            None, bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint, **kwargs,
        )  # fmt: skip
        self.filters = None  # type: ignore[assignment]

    def _output_channels(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier


class _SeparableConvolution(_ByChannel):
    """Base of separable convolutions of any rank."""

    def __init__(self, *convolution: Any, pointwise: tuple[Any, Any, Any], **kwargs: Any):
        super().__init__(*convolution, **kwargs)
        arguments.weight_options(self, "pointwise", *pointwise)

    def _add_kernels(self, channels: int) -> None:
        super()._add_kernels(channels)
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            (*[1] * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )

    def _convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        by_channel, ones = super()._convolve(inputs), [1] * self.rank
        first = self.data_format == "channels_first"
        return ops.convolve(by_channel, self.pointwise_kernel, ones, "valid", ones, first)


@LAYERS.register()
class DepthwiseConv1D(_DepthwiseConvolution):
    """A window of its own moved along time for each channel.

    From `(batch, time, channels)` to `(batch, time', channels * depth_multiplier)`.

    Args:
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of windows, and so of outputs, for each channel.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        depthwise_initializer: initial values of the kernel `(*kernel_size, channels, depth_multiplier)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, or strides together
            with dilation.
    """

    rank = 1

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint, depth_multiplier=depth_multiplier,
            depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint), **kwargs,
        )  # fmt: skip


@LAYERS.register()
class DepthwiseConv2D(_DepthwiseConvolution):
    """A window of its own moved over images for each channel.

    From `(batch, height, width, channels)` to `(batch, height', width', channels * depth_multiplier)`.

    Args:
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of windows, and so of outputs, for each channel.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        depthwise_initializer: initial values of the kernel `(*kernel_size, channels, depth_multiplier)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, or strides together
            with dilation.
    """

    rank = 2

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, bias_initializer,
            bias_regularizer, activity_regularizer, bias_constraint, depth_multiplier=depth_multiplier,
            depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint), **kwargs,
        )  # fmt: skip


@LAYERS.register("SeparableConvolution1D")
class SeparableConv1D(_SeparableConvolution):
    """A window of its own moved along time for each channel, then a mixture of the channels at each position.

    From `(batch, time, channels)` to `(batch, time', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"`, `"same"`, or `"causal"` (no output sees later inputs).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        depth_multiplier: the number of windows for each channel.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        depthwise_initializer: initial values of the windows `(*kernel_size, channels, depth_multiplier)`.
        pointwise_initializer: initial values of the mixture `(1, ..., channels * depth_multiplier, filters)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer: a penalty on the windows.
        pointwise_regularizer: a penalty on the mixture.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint: a projection of the windows after each update.
        pointwise_constraint: a projection of the mixture after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, or strides together
            with dilation.
    """

    rank = 1
    _paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        kernels = [kwargs.pop(f"kernel_{role}", None) for role in ("initializer", "regularizer", "constraint")]
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            kernels[0] or "glorot_uniform", bias_initializer, kernels[1], bias_regularizer, activity_regularizer,
            kernels[2], bias_constraint, depth_multiplier=depth_multiplier,
            depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint),
            pointwise=(pointwise_initializer, pointwise_regularizer, pointwise_constraint), **kwargs,
        )  # fmt: skip


@LAYERS.register("SeparableConvolution2D")
class SeparableConv2D(_SeparableConvolution):
    """A window of its own moved over images for each channel, then a mixture of the channels at each position.

    From `(batch, height, width, channels)` to `(batch, height', width', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        depth_multiplier: the number of windows for each channel.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        depthwise_initializer: initial values of the windows `(*kernel_size, channels, depth_multiplier)`.
        pointwise_initializer: initial values of the mixture `(1, ..., channels * depth_multiplier, filters)`.
        bias_initializer: initial values of the bias.
        depthwise_regularizer: a penalty on the windows.
        pointwise_regularizer: a penalty on the mixture.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        depthwise_constraint: a projection of the windows after each update.
        pointwise_constraint: a projection of the mixture after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, or strides together
            with dilation.
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        kernels = [kwargs.pop(f"kernel_{role}", None) for role in ("initializer", "regularizer", "constraint")]
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            kernels[0] or "glorot_uniform", bias_initializer, kernels[1], bias_regularizer, activity_regularizer,
            kernels[2], bias_constraint, depth_multiplier=depth_multiplier,
            depthwise=(depthwise_initializer, depthwise_regularizer, depthwise_constraint),
            pointwise=(pointwise_initializer, pointwise_regularizer, pointwise_constraint), **kwargs,
        )  # fmt: skip
