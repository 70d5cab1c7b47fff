"""Convolution layers: one weighted window moved over time, image or volume.

Longer than most files because the three classes write out the same fifteen arguments, which are the public signatures.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import convolution as ops


class _Convolution(Layer):
    """Base of convolutions of any rank.

    Attributes:
        rank: the number of dimensions that the window moves along.
    """

    _tells_shape = True
    rank = 0
    _paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        groups: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = arguments.positive("filters", filters)
        self.groups = arguments.positive("groups", groups)
        self.kernel_size = arguments.sizes("kernel_size", kernel_size, self.rank)
        self.strides = arguments.sizes("strides", strides, self.rank)
        self.dilation_rate = arguments.sizes("dilation_rate", dilation_rate, self.rank)
        self.padding = arguments.one_of("padding", padding, self._paddings)
        self.data_format = arguments.data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        self._check_combination()

    def _check_combination(self) -> None:
        if self.filters % self.groups:
            raise ValueError(
                f"`filters` must be divisible by `groups`. Received: filters={self.filters}, groups={self.groups}"
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides` and `dilation_rate` cannot both exceed 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    @property
    def _channel_axis(self) -> int:
        return -1 - self.rank if self.data_format == "channels_first" else -1

    def build(self, input_shape: Any) -> None:
        """Creates the kernel `(*kernel_size, channels / groups, filters)` and the bias `(filters,)`.

        Raises:
            ValueError: if the number of channels is unknown or not divisible by `groups`.
        """
        channels = tuple(input_shape)[self._channel_axis]
        if channels is None or channels % self.groups:
            raise ValueError(
                f'The inputs of layer "{self.name}" must have a known number of channels (axis {self._channel_axis}), '
                f"divisible by groups={self.groups}. Received: shape={tuple(input_shape)}"
            )
        self._add_kernels(channels)
        self.bias = self.add_weight("bias", (self._output_channels(channels),)) if self.use_bias else None
        spec = self.input_spec
        self.input_spec = InputSpec(ndim=spec.ndim, min_ndim=spec.min_ndim, axes={self._channel_axis: channels})
        super().build(input_shape)

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self.add_weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))

    def _output_channels(self, channels: int | None) -> int | None:
        return self.filters

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """The bare convolution; a subclass may override it, for example to standardize the kernel first."""
        channels_first = self.data_format == "channels_first"
        return ops.convolve(inputs, kernel, self.strides, self.padding, self.dilation_rate, channels_first)

    def call(self, inputs: Any) -> tf.Tensor:
        """`activation(convolution + bias)`; several leading batch axes are accepted."""
        self.compute_output_shape(inputs.shape)
        outputs = self._convolve(inputs)
        if self.bias is not None:
            first = self.data_format == "channels_first"
            outputs += tf.reshape(self.bias, [-1, *[1] * self.rank]) if first else self.bias
        return self.activation(outputs)

    def _convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = self.kernel
        if inputs.dtype != kernel.dtype:
            inputs = tf.cast(inputs, kernel.dtype)
        return self.convolution_op(inputs, kernel)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with the output's channels and what the window leaves of space.

        Raises:
            ValueError: if the window is larger than the input.
        """
        shape = tf.TensorShape(input_shape).as_list()
        batch, inner = shape[: -self.rank - 1], shape[-self.rank - 1 :]
        channels_first = self.data_format == "channels_first"
        channels, space = (inner[0], inner[1:]) if channels_first else (inner[-1], inner[:-1])
        channels = self._output_channels(channels)
        windows = zip(space, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        space = [ops.output_length(size, window, self.padding, stride, rate) for size, window, stride, rate in windows]
        if any(size is not None and size < 1 for size in space):
            raise ValueError(
                f'The inputs of layer "{self.name}" are smaller than its window. Received: shape={tuple(input_shape)}, '
                f"kernel_size={self.kernel_size}, dilation_rate={self.dilation_rate}\n"
                'Use a smaller `kernel_size`, or padding="same".'
            )
        return tf.TensorShape([*batch, *([channels, *space] if channels_first else [*space, channels])])


@LAYERS.register("Convolution1D")
class Conv1D(_Convolution):
    """A window moved along time: `(batch, time, channels)` to `(batch, time', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"`, `"same"`, or `"causal"` (no output sees later inputs).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        groups: parts of the channels that are convolved separately.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, filters that are not
            divisible by the groups, or strides together with dilation.
    """

    rank = 1
    _paddings: tuple[str, ...] = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.register("Convolution2D")
class Conv2D(_Convolution):
    """A window moved over images: `(batch, height, width, channels)` to `(batch, height', width', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size, one integer or two.
        strides: how far the window moves at each step.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        groups: parts of the channels that are convolved separately.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, filters that are not
            divisible by the groups, or strides together with dilation.
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
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


@LAYERS.register("Convolution3D")
class Conv3D(_Convolution):
    """A window moved through volumes: `(batch, depth, height, width, channels)` to `(batch, ..., filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size, one integer or three.
        strides: how far the window moves at each step.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        groups: parts of the channels that are convolved separately.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, filters that are not
            divisible by the groups, or strides together with dilation.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
