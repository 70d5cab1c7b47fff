"""Masking: marks the steps of a sequence that hold nothing."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class Masking(Layer):
    """The inputs `(batch, time, features)`, with a mask that is false where all features equal `mask_value`."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with their masked steps set to zero."""
        kept = self.compute_mask(inputs)
        outputs = inputs * tf.cast(kept[..., None], inputs.dtype)
        outputs._keras_mask = kept
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> tf.Tensor:
        """`(batch, time)`: true where any feature differs from `mask_value`."""
        return tf.reduce_any(tf.not_equal(inputs, tf.cast(self.mask_value, inputs.dtype)), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)
