"""Identity: what comes in goes out."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class Identity(Layer):
    """The inputs, unchanged.

    Args:
        *args: `trainable`, `name` and `dtype` of `Layer`.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)

    def call(self, inputs: Any) -> Any:
        """New tensors with the values of the inputs."""
        return tf.nest.map_structure(tf.identity, inputs)
