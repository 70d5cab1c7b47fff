"""Images, series and volumes a whole number of times as large."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from kerasish.ops.convolution import channels_to_end, channels_to_front

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "gaussian", "lanczos3", "lanczos5", "mitchellcubic")


def repeat(inputs: tf.Tensor, factors: Sequence[int], first: int) -> tf.Tensor:
    """The inputs with each element along the axes from `first` on repeated as often as its factor says."""
    known, actual = inputs.shape.as_list(), tf.shape(inputs)
    sizes = [actual[axis] if size is None else size for axis, size in enumerate(known)]
    space = sizes[first : first + len(factors)]
    apart = [*sizes[:first], *(part for size in space for part in (size, 1)), *sizes[first + len(factors) :]]
    times = [*[1] * first, *(part for factor in factors for part in (1, factor)), *[1] * (len(known) - first - len(factors))]
    larger = [size * factor for size, factor in zip(space, factors, strict=True)]
    outputs = tf.tile(tf.reshape(inputs, apart), times)
    return tf.reshape(outputs, [*sizes[:first], *larger, *sizes[first + len(factors) :]])


def enlarge(inputs: tf.Tensor, factors: Sequence[int], interpolation: str, channels_first: bool) -> tf.Tensor:
    """Images `(batch, height, width, channels)` (or channels first) with interpolated values between their pixels.

    Floats keep their type, integers become float32.
    """
    images = channels_to_end(inputs, 2) if channels_first else inputs
    known, actual = images.shape.as_list()[1:3], tf.shape(images)[1:3]
    size = [factor * (actual[axis] if known[axis] is None else known[axis]) for axis, factor in enumerate(factors)]
    outputs = tf.image.resize(images, size, interpolation)
    outputs = tf.cast(outputs, inputs.dtype) if inputs.dtype.is_floating else outputs
    return channels_to_front(outputs, 2) if channels_first else outputs
