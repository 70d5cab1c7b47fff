"""Transposed convolution layers: from what a convolution makes back to the size of what it was given."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.convolution import Conv1D, Conv2D, Conv3D, _Convolution
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import convolution as ops


class _TransposedConvolution(_Convolution):
    """Base of transposed convolutions of any rank; a concrete class also is the convolution of its rank."""

    _paddings: tuple[str, ...] = ("valid", "same")

    def __init__(self, *convolution: Any, output_padding: Any, **kwargs: Any):
        groups = kwargs.pop("groups", 1)
        if groups != 1:
            raise ValueError(
                f"{type(self).__name__} does not support `groups`. Received: groups={groups!r}\nLeave it out."
            )
        super().__init__(*convolution, **kwargs)
        self.output_padding = (
            None if output_padding is None else arguments.sizes("output_padding", output_padding, self.rank, 0)
        )
        if self.output_padding and any(e >= s for e, s in zip(self.output_padding, self.strides, strict=True)):
            raise ValueError(
                "`output_padding` must be less than `strides` in every dimension. "
                f"Received: output_padding={self.output_padding}, strides={self.strides}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self.add_weight("kernel", (*self.kernel_size, self.filters, channels))

    def _lengths(self, space: Any) -> list[Any]:
        """The output's sizes in space, None where the input's is."""
        extras = self.output_padding or (None,) * self.rank
        windows = zip(space, self.kernel_size, self.strides, self.dilation_rate, extras, strict=True)
        return [
            None if size is None else ops.transposed_length(size, window, self.padding, stride, rate, extra)
            for size, window, stride, rate, extra in windows
        ]

    def _convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = self.kernel
        if inputs.dtype != kernel.dtype:
            inputs = tf.cast(inputs, kernel.dtype)
        start = 2 if self.data_format == "channels_first" else 1
        known, actual = inputs.shape[start : start + self.rank], None
        if None in tuple(known):
            actual = tf.unstack(tf.shape(inputs)[start : start + self.rank])
        sizes = self._lengths(known if actual is None else actual)
        outputs = ops.convolve_transposed(
            inputs, kernel, sizes, self.strides, self.padding, self.dilation_rate, start == 2
        )
        return tf.ensure_shape(outputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with `filters` channels and what the windows span of space."""
        shape = tf.TensorShape(input_shape).as_list()
        if self.data_format == "channels_first":
            return tf.TensorShape([shape[0], self.filters, *self._lengths(shape[2:])])
        return tf.TensorShape([shape[0], *self._lengths(shape[1:-1]), self.filters])


@LAYERS.register("Convolution1DTranspose")
class Conv1DTranspose(_TransposedConvolution, Conv1D):
    """The adjoint of a window moved along time.

    From `(batch, time, channels)` to `(batch, time', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far neighbouring inputs are apart in the output.
        padding: `"valid"` or `"same"`.
        output_padding: what the output is longer at its end than needed, for each dimension; worked out if None.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, an output padding not
            below the strides, or strides together with dilation.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, output_padding=output_padding, **kwargs,
        )  # fmt: skip


@LAYERS.register("Convolution2DTranspose")
class Conv2DTranspose(_TransposedConvolution, Conv2D):
    """The adjoint of a window moved over images.

    From `(batch, height, width, channels)` to `(batch, height', width', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far neighbouring inputs are apart in the output.
        padding: `"valid"` or `"same"`.
        output_padding: what the output is longer at its end than needed, for each dimension; worked out if None.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, an output padding not
            below the strides, or strides together with dilation.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, output_padding=output_padding, **kwargs,
        )  # fmt: skip


@LAYERS.register("Convolution3DTranspose")
class Conv3DTranspose(_TransposedConvolution, Conv3D):
    """The adjoint of a window moved through volumes.

    From `(batch, depth, height, width, channels)` to `(batch, ..., filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far neighbouring inputs are apart in the output.
        padding: `"valid"` or `"same"`.
        output_padding: what the output is longer at its end than needed, for each dimension; worked out if None.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: accepted for compatibility, must be 1.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(*kernel_size, filters, channels)`.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding or data format, an output padding not
            below the strides, or dilation.
    """

    _config_excluded: tuple[str, ...] = ("dilation_rate",)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1, 1),
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
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, output_padding=output_padding, **kwargs,
        )  # fmt: skip
        if max(self.dilation_rate) > 1:
            raise ValueError(f"Conv3DTranspose supports no dilation. Received: dilation_rate={dilation_rate!r}")
