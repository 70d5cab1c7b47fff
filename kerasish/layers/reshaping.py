"""Layers that arrange the same elements in another shape."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec


@LAYERS.register()
class Flatten(Layer):
    """All of a sample's elements in one row: `(batch, ...)` to `(batch, elements)`.

    Args:
        data_format: with `"channels_first"` the channels are moved to the end before flattening.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> tf.Tensor:
        """One row per sample."""
        rank = inputs.shape.rank
        if self.data_format == "channels_first" and rank is not None and rank > 2:
            inputs = tf.transpose(inputs, [0, *range(2, rank), 1])
        sizes = tuple(inputs.shape)[1:]
        if None in sizes or 0 in sizes:
            return tf.reshape(inputs, [tf.shape(inputs)[0], -1 if None in sizes else 0])
        return tf.reshape(inputs, [-1, math.prod(sizes)])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The batch size and the product of the other sizes."""
        batch, *sizes = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([batch, None if None in sizes else math.prod(sizes)])


@LAYERS.register()
class Reshape(Layer):
    """Each sample in the target shape: `(batch, ...)` to `(batch, *target_shape)`.

    Args:
        target_shape: the shape of a sample; one size may be -1 and is then worked out.
        **kwargs: arguments of `Layer`.

    Raises:
        TypeError: if `target_shape` is no tuple.
        ValueError: if more than one size is -1, or, when called, if the elements do not fit.
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        if not hasattr(target_shape, "__iter__"):
            raise TypeError(f"`target_shape` must be a tuple of integers. Received: target_shape={target_shape!r}")
        self.target_shape = tuple(int(size) for size in target_shape)
        if self.target_shape.count(-1) > 1 or any(size < -1 for size in self.target_shape):
            raise ValueError(
                "`target_shape` may hold -1 once, and no other negative size. "
                f"Received: target_shape={self.target_shape}"
            )

    def call(self, inputs: Any) -> tf.Tensor:
        """The samples in their new shape."""
        batch = inputs.shape[0] if inputs.shape[0] is not None else tf.shape(inputs)[0]
        return tf.reshape(inputs, [batch, *self._sizes(tuple(inputs.shape)[1:])])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The batch size and the target shape."""
        batch, *sizes = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([batch, *(None if size == -1 else size for size in self._sizes(tuple(sizes)))])

    def _sizes(self, sizes: tuple[int | None, ...]) -> tuple[int, ...]:
        """The target with its -1 worked out where all of the input's sizes are known."""
        if None in sizes:
            return self.target_shape
        elements, known = math.prod(sizes), math.prod(size for size in self.target_shape if size != -1)  # type: ignore[arg-type]
        fits = known and not elements % known if -1 in self.target_shape else elements == known
        if not fits:
            raise ValueError(
                f'Layer "{self.name}" cannot reshape samples of shape {sizes}: they have {elements} elements. '
                f"Received: target_shape={self.target_shape}"
            )
        return tuple(elements // known if size == -1 else size for size in self.target_shape)


@LAYERS.register()
class Permute(Layer):
    """The axes of each sample in another order.

    Args:
        dims: the old axes in their new order, counted from 1: `(2, 1)` swaps the first two.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `dims` is not a permutation of 1, 2, ...
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"`dims` must be a permutation of 1 to {len(self.dims)}. Received: dims={self.dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> tf.Tensor:
        """The samples with their axes reordered."""
        return tf.transpose(inputs, [0, *self.dims])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The sizes in their new order."""
        shape = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([shape[0], *(shape[dim] for dim in self.dims)])


@LAYERS.register()
class RepeatVector(Layer):
    """Each vector `n` times in a row: `(batch, features)` to `(batch, n, features)`.

    Raises:
        TypeError: if `n` is no integer.
        ValueError: if it is less than 1.
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"`n` must be an integer. Received: n={n!r} of type {type(n).__name__}")
        self.n = arguments.positive("n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> tf.Tensor:
        """The repeated vectors."""
        return tf.tile(inputs[:, None, :], [1, self.n, 1])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The sizes with `n` between them."""
        batch, features = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([batch, self.n, features])
