"""UnitNormalization: vectors of length 1."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class UnitNormalization(Layer):
    """`x / sqrt(sum(x ** 2))`, the sum being taken along `axis`; all zeros stay so.

    Args:
        axis: the axis, or several, whose elements form a vector of length 1.
        **kwargs: arguments of `Layer`.

    Raises:
        TypeError: for an axis that is no integer.
        ValueError: when called, for an axis that does not exist.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        arguments.axis_list(axis)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks that the axes exist."""
        arguments.axes_within(self.name, arguments.axis_list(self.axis), len(tuple(input_shape)))
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with length 1 along `axis`."""
        inputs = inputs if inputs.dtype.is_floating else tf.cast(inputs, self.compute_dtype)
        return tf.linalg.l2_normalize(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)
