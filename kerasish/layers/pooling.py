"""Pooling layers: the maximum or mean of windows, or of everything, along time, image or volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import pooling as ops
from kerasish.ops.convolution import output_length


class _Pooling(Layer):
    """Base of pooling over windows.

    Attributes:
        rank: the number of dimensions that the window moves along.
        function: what makes one number of a window.
    """

    _tells_shape = True
    rank = 0
    function: Callable[..., tf.Tensor]

    def __init__(self, pool_size: Any, strides: Any, padding: str, data_format: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.pool_size = arguments.sizes("pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else arguments.sizes("strides", strides, self.rank)
        self.padding = arguments.one_of("padding", padding, ("valid", "same"))
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> tf.Tensor:
        """One number for each window and channel."""
        self.compute_output_shape(inputs.shape)
        channels_first = self.data_format == "channels_first"
        return self.function(inputs, self.pool_size, self.strides, self.padding, channels_first)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with what the window leaves of space.

        Raises:
            ValueError: if the window is larger than the input.
        """
        shape = tf.TensorShape(input_shape).as_list()
        start = 2 if self.data_format == "channels_first" else 1
        space = zip(shape[start : start + self.rank], self.pool_size, self.strides, strict=True)
        left = [output_length(size, window, self.padding, stride) for size, window, stride in space]
        if any(size is not None and size < 1 for size in left):
            raise ValueError(
                f'The inputs of layer "{self.name}" are smaller than its window. Received: shape={tuple(shape)}, '
                f'pool_size={self.pool_size}\nUse a smaller `pool_size`, or padding="same".'
            )
        return tf.TensorShape([*shape[:start], *left, *shape[start + self.rank :]])


class _Pooling1D(_Pooling):
    rank = 1

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
        data_format: str | None = "channels_last", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _Pooling2D(_Pooling):
    rank = 2

    def __init__(
        self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid",
        data_format: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _Pooling3D(_Pooling):
    rank = 3

    def __init__(
        self, pool_size: Any = (2, 2, 2), strides: Any = None, padding: str = "valid",
        data_format: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _GlobalPooling(Layer):
    """Base of pooling over all of space."""

    _tells_shape = True
    rank = 0
    function: Callable[..., tf.Tensor]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self) -> list[int]:
        start = 2 if self.data_format == "channels_first" else 1
        return list(range(start, start + self.rank))

    def call(self, inputs: Any) -> tf.Tensor:
        """One number for each channel."""
        return self.function(inputs, self._axes, keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """`(batch, channels)`, with ones in place of space if `keepdims`."""
        shape = tf.TensorShape(input_shape).as_list()
        kept = [1 if axis in self._axes else size for axis, size in enumerate(shape)]
        return tf.TensorShape(
            kept if self.keepdims else [size for axis, size in enumerate(shape) if axis not in self._axes]
        )


@LAYERS.register("MaxPool1D")
class MaxPooling1D(_Pooling1D):
    """The maximum of each window of steps of `(batch, time, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.max_pool)


@LAYERS.register("MaxPool2D")
class MaxPooling2D(_Pooling2D):
    """The maximum of each window of pixels of `(batch, height, width, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.max_pool)


@LAYERS.register("MaxPool3D")
class MaxPooling3D(_Pooling3D):
    """The maximum of each window of cells of `(batch, depth, height, width, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.max_pool)


@LAYERS.register("AvgPool1D")
class AveragePooling1D(_Pooling1D):
    """The mean of each window of steps of `(batch, time, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`, where added positions do not count.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.average_pool)


@LAYERS.register("AvgPool2D")
class AveragePooling2D(_Pooling2D):
    """The mean of each window of pixels of `(batch, height, width, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`, where added positions do not count.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.average_pool)


@LAYERS.register("AvgPool3D")
class AveragePooling3D(_Pooling3D):
    """The mean of each window of cells of `(batch, depth, height, width, channels)`.

    Args:
        pool_size: the window's size.
        strides: how far the window moves at each step, its own size if None.
        padding: `"valid"` or `"same"`, where added positions do not count.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.
    """

    function = staticmethod(ops.average_pool)


@LAYERS.register("GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all of time: `(batch, time, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`, and `keepdims`.
    """

    rank = 1
    function = staticmethod(tf.reduce_mean)

    def __init__(self, data_format: str | None = "channels_last", **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> tf.Tensor:
        """The mean over the steps that the mask `(batch, time)` keeps."""
        if mask is None:
            return super().call(inputs)
        return ops.masked_mean(inputs, mask, self._axes[0], self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: there is no time left."""
        return None


@LAYERS.register("GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all of the image: `(batch, height, width, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the reduced axes stay, with size 1.
        **kwargs: arguments of `Layer`.
    """

    rank = 2
    function = staticmethod(tf.reduce_mean)


@LAYERS.register("GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over all of the volume: `(batch, depth, height, width, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the reduced axes stay, with size 1.
        **kwargs: arguments of `Layer`.
    """

    rank = 3
    function = staticmethod(tf.reduce_mean)


@LAYERS.register("GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum over all of time: `(batch, time, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the reduced axes stay, with size 1.
        **kwargs: arguments of `Layer`.
    """

    rank = 1
    function = staticmethod(tf.reduce_max)

    def __init__(self, data_format: str | None = "channels_last", keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, keepdims, **kwargs)


@LAYERS.register("GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum over all of the image: `(batch, height, width, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the reduced axes stay, with size 1.
        **kwargs: arguments of `Layer`.
    """

    rank = 2
    function = staticmethod(tf.reduce_max)


@LAYERS.register("GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum over all of the volume: `(batch, depth, height, width, channels)` to `(batch, channels)`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
        keepdims: whether the reduced axes stay, with size 1.
        **kwargs: arguments of `Layer`.
    """

    rank = 3
    function = staticmethod(tf.reduce_max)
