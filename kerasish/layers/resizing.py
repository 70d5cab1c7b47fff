"""Layers that change the size of time, images and volumes: cropping, padding with zeros, upsampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import resampling as ops


class _Resized(Layer):
    """Base of layers that change sizes in space only.

    Attributes:
        rank: the number of dimensions of space.
    """

    rank = 0

    def __init__(self, data_format: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first(self) -> int:
        """The first axis of space."""
        return 2 if self.data_format == "channels_first" else 1

    def _length(self, place: int, length: int) -> int:
        """The size of a dimension of space afterwards."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with the new sizes in space."""
        shape, first = tf.TensorShape(input_shape).as_list(), self._first
        for place in range(self.rank):
            if shape[first + place] is not None:
                shape[first + place] = self._length(place, shape[first + place])
        return tf.TensorShape(shape)


class _Cropping(_Resized):
    """Base of cropping in any number of dimensions."""

    def __init__(self, cropping: Any, data_format: str | None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._pairs = arguments.size_pairs("cropping", cropping, self.rank)
        self.cropping: tuple[Any, ...] = self._pairs

    def call(self, inputs: Any) -> tf.Tensor:
        """What is left of the inputs."""
        self.compute_output_shape(inputs.shape)
        whole = [slice(None)] * self._first
        kept = [slice(start, -end if end else None) for start, end in self._pairs]
        return inputs[tuple(whole + kept)]

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with what is left of space.

        Raises:
            ValueError: if nothing is left.
        """
        shape = super().compute_output_shape(input_shape)
        if any(size is not None and size < 1 for size in shape.as_list()[1:]):
            raise ValueError(
                f'Layer "{self.name}" would leave nothing of its inputs. '
                f"Received: shape={tuple(input_shape)}, cropping={self.cropping}"
            )
        return shape

    def _length(self, place: int, length: int) -> int:
        return length - sum(self._pairs[place])


class _ZeroPadding(_Resized):
    """Base of padding with zeros in any number of dimensions."""

    def __init__(self, padding: Any, data_format: str | None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._pairs = arguments.size_pairs("padding", padding, self.rank)
        self.padding: tuple[Any, ...] = self._pairs

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with zeros around."""
        before = [(0, 0)] * self._first
        after = [(0, 0)] * (len(inputs.shape) - self._first - self.rank)
        return tf.pad(inputs, [*before, *self._pairs, *after])

    def _length(self, place: int, length: int) -> int:
        return length + sum(self._pairs[place])


class _UpSampling(_Resized):
    """Base of upsampling in any number of dimensions."""

    _factors: Sequence[int]

    def __init__(self, size: Any, data_format: str | None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.size = self._factors = arguments.sizes("size", size, self.rank)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with each element of space repeated."""
        return ops.repeat(inputs, self._factors, self._first)

    def _length(self, place: int, length: int) -> int:
        return length * self._factors[place]


@LAYERS.register()
class Cropping1D(_Cropping):
    """The input `(batch, time, channels)` without its outermost steps.

    Args:
        cropping: how many are cut off: one integer, or two: before the first and after the last.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0, or, when called, if nothing would be left.
    """

    rank = 1
    _config_excluded: tuple[str, ...] = ("data_format",)

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        pair = (cropping,) if isinstance(cropping, (list, tuple)) else cropping
        super().__init__(pair, "channels_last", **kwargs)
        self.cropping = self._pairs[0]


@LAYERS.register()
class Cropping2D(_Cropping):
    """The input `(batch, height, width, channels)` without its outermost pixels.

    Args:
        cropping: how many are cut off: one integer, two, or two pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0, or, when called, if nothing would be left.
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


@LAYERS.register()
class Cropping3D(_Cropping):
    """The input `(batch, depth, height, width, channels)` without its outermost cells.

    Args:
        cropping: how many are cut off: one integer, three, or three pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0, or, when called, if nothing would be left.
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


@LAYERS.register()
class ZeroPadding1D(_ZeroPadding):
    """The input `(batch, time, channels)` with zeros as its outermost steps.

    Args:
        padding: how many are added: one integer, or two: before the first and after the last.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0.
    """

    rank = 1
    _config_excluded: tuple[str, ...] = ("data_format",)

    def __init__(self, padding: Any = 1, **kwargs: Any):
        pair = (padding,) if isinstance(padding, (list, tuple)) else padding
        super().__init__(pair, "channels_last", **kwargs)
        self.padding = self._pairs[0]


@LAYERS.register()
class ZeroPadding2D(_ZeroPadding):
    """The input `(batch, height, width, channels)` with zeros as its outermost pixels.

    Args:
        padding: how many are added: one integer, two, or two pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0.
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


@LAYERS.register()
class ZeroPadding3D(_ZeroPadding):
    """The input `(batch, depth, height, width, channels)` with zeros as its outermost cells.

    Args:
        padding: how many are added: one integer, three, or three pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for anything but integers of at least 0.
    """

    rank = 3

    def __init__(self, padding: Any = (1, 1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


@LAYERS.register()
class UpSampling1D(_UpSampling):
    """Each step of `(batch, time, channels)` `size` times in a row.

    Args:
        size: how often.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `size` is no positive integer.
    """

    rank = 1
    _config_excluded: tuple[str, ...] = ("data_format",)

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)
        self.size = self._factors[0]  # type: ignore[assignment]


@LAYERS.register()
class UpSampling2D(_UpSampling):
    """Images `(batch, height, width, channels)` `size` times as large.

    Args:
        size: how many times higher and wider, one integer or two.
        data_format: `"channels_last"` or `"channels_first"`.
        interpolation: `"nearest"` (each pixel repeated), `"bilinear"`, `"bicubic"`, `"area"`, `"gaussian"`,
            `"lanczos3"`, `"lanczos5"` or `"mitchellcubic"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `size` is not made of positive integers, or for an unknown interpolation.
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = arguments.one_of("interpolation", interpolation, ops.INTERPOLATIONS)

    def call(self, inputs: Any) -> tf.Tensor:
        """The larger images."""
        return ops.enlarge(inputs, self._factors, self.interpolation, self._first == 2)


@LAYERS.register()
class UpSampling3D(_UpSampling):
    """Each cell of `(batch, depth, height, width, channels)` repeated `size` times in each dimension.

    Args:
        size: how often, one integer or three.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `size` is not made of positive integers.
    """

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(size, data_format, **kwargs)
