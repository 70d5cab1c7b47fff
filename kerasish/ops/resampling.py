"""Images, series and volumes a whole number of times as large."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from kerasish.ops.convolution import channels_to_end, channels_to_front

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "gaussian", "lanczos3", "lanczos5", "mitchellcubic")


def repeat(inputs: tf.Tensor, factors: Sequence[int], first: int) -> tf.Tensor:
    """The inputs with each element along the axes from `first` on repeated as often as its factor says."""
    for axis, factor in reversed(list(enumerate(factors, first))):
        if factor > 1:
            known, actual = inputs.shape.as_list(), tf.shape(inputs)
            sizes = [actual[place] if size is None else size for place, size in enumerate(known)]
            sizes[axis] *= factor
            # A stack, for the gradient of `tf.tile` is ten times as slow.
            inputs = tf.reshape(tf.stack([inputs] * factor, axis + 1), sizes)
    return inputs


def enlarge(inputs: tf.Tensor, factors: Sequence[int], interpolation: str, channels_first: bool) -> tf.Tensor:
    """Images `(batch, height, width, channels)` (or channels first) with interpolated values between their pixels.

    Floats keep their type; integers become float32, unless the nearest pixel is taken.
    """
    images = channels_to_end(inputs, 2) if channels_first else inputs
    known, actual = images.shape.as_list()[1:3], tf.shape(images)[1:3]
    size = [factor * (actual[axis] if known[axis] is None else known[axis]) for axis, factor in enumerate(factors)]
    outputs = tf.image.resize(images, size, interpolation)
    outputs = tf.cast(outputs, inputs.dtype) if inputs.dtype.is_floating else outputs
    return channels_to_front(outputs, 2) if channels_first else outputs
