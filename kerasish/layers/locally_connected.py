"""Locally connected layers: a window that has other weights at each position."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops.convolution import output_length
from kerasish.ops.local_connection import LocalWindows


class _LocallyConnected(Layer):
    """Base of locally connected layers of any rank.

    Attributes:
        rank: the number of dimensions that the window moves along.
    """

    rank = 0

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None, activation: Any,
        use_bias: bool, kernel_initializer: Any, bias_initializer: Any, kernel_regularizer: Any,
        bias_regularizer: Any, activity_regularizer: Any, kernel_constraint: Any, bias_constraint: Any,
        implementation: int, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = arguments.positive("filters", filters)
        self.kernel_size = arguments.sizes("kernel_size", kernel_size, self.rank)
        self.strides = arguments.sizes("strides", strides, self.rank)
        if implementation not in (1, 2, 3):
            raise ValueError(f"`implementation` must be 1, 2 or 3. Received: implementation={implementation!r}")
        self.implementation = implementation
        self.padding = arguments.one_of("padding", padding, ("valid", "same"))
        if padding != "valid" and implementation == 1:
            raise ValueError(
                f'`padding` must be "valid" with implementation=1. Received: padding={padding!r}\n'
                "Use implementation=2, or 3 for large inputs."
            )
        self.data_format = arguments.data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _channels_first(self) -> bool:
        return self.data_format == "channels_first"

    def _split(self, shape: Any) -> tuple[int | None, tuple[int | None, ...]]:
        """Channels and sizes in space of a shape with the batch."""
        _, *inner = tuple(shape)
        return (inner[0], tuple(inner[1:])) if self._channels_first else (inner[-1], tuple(inner[:-1]))

    def build(self, input_shape: Any) -> None:
        """Creates the kernel, in the shape of the implementation, and the bias `(*positions, filters)`.

        Raises:
            ValueError: if the input's sizes are not known, or smaller than the window.
        """
        channels, space = self._split(input_shape)
        if channels is None or None in space:
            raise ValueError(
                f'The inputs of layer "{self.name}" must have known sizes, for each position has its own weights. '
                f"Received: shape={tuple(input_shape)}"
            )
        self.compute_output_shape(input_shape)
        self.windows = LocalWindows(
            space, self.kernel_size, self.strides, self.padding, channels, self.filters, self._channels_first  # type: ignore[arg-type]
        )
        self.kernel = self.add_weight("kernel", self.windows.kernel_shape(self.implementation))
        self.bias = self.add_weight("bias", (*self.windows.positions, self.filters)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes=dict(enumerate((channels, *space), 1)))
        if not self._channels_first:
            self.input_spec = InputSpec(ndim=self.rank + 2, axes=dict(enumerate((*space, channels), 1)))
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """`activation(sums + bias)`."""
        kernel = self.kernel
        inputs = inputs if inputs.dtype == kernel.dtype else tf.cast(inputs, kernel.dtype)
        outputs = self.windows.apply(inputs, kernel, self.implementation)
        if self.bias is not None:
            # With channels first Keras 2 fills the output's shape with the bias as it is stored, filters last.
            outputs += tf.reshape(self.bias, outputs.shape[1:])
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with `filters` channels and what the window leaves of space.

        Raises:
            ValueError: if the window is larger than the input.
        """
        shape = tuple(tf.TensorShape(input_shape).as_list())
        windows = zip(self._split(shape)[1], self.kernel_size, self.strides, strict=True)
        left = [output_length(size, window, self.padding, step) for size, window, step in windows]
        if any(size is not None and size < 1 for size in left):
            raise ValueError(
                f'The inputs of layer "{self.name}" are smaller than its window. Received: shape={shape}, '
                f"kernel_size={self.kernel_size}\nUse a smaller `kernel_size`."
            )
        return tf.TensorShape([shape[0], *([self.filters, *left] if self._channels_first else [*left, self.filters])])


@LAYERS.register()
class LocallyConnected1D(_LocallyConnected):
    """A window moved along time, with weights of its own at each position.

    From `(batch, time, channels)` to `(batch, time', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"`, or `"same"` (with the implementations 2 and 3).
        data_format: `"channels_last"` or `"channels_first"`.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added, one number for each position and filter.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        implementation: how the kernel is stored: 1, one matrix for each position; 2, every input times every output
            (needlessly large, but for small inputs); 3, the used elements of that in one row. The outputs are the same.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding, data format or implementation.
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, implementation, **kwargs,
        )  # fmt: skip


@LAYERS.register()
class LocallyConnected2D(_LocallyConnected):
    """A window moved over images, with weights of its own at each position.

    From `(batch, height, width, channels)` to `(batch, height', width', filters)`.

    Args:
        filters: the number of output channels.
        kernel_size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"`, or `"same"` (with the implementations 2 and 3).
        data_format: `"channels_last"` or `"channels_first"`.
        activation: a function of the sums, or its name.
        use_bias: whether a bias is added, one number for each position and filter.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        implementation: how the kernel is stored: 1, one matrix for each position; 2, every input times every output
            (needlessly large, but for small inputs); 3, the used elements of that in one row. The outputs are the same.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers, an unknown padding, data format or implementation.
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, implementation, **kwargs,
        )  # fmt: skip
