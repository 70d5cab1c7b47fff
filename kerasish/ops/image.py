"""Images `(batch, height, width, channels)` resized, cropped, moved and recoloured.

Transforms are given as TensorFlow's image kernel takes them: for each image eight numbers that say where the colour of
an output pixel is found in the input.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf


def resize(images: tf.Tensor, height: Any, width: Any, interpolation: str = "bilinear") -> tf.Tensor:
    """The images in another size, distorted if need be; floats."""
    return tf.image.resize(images, tf.stack([height, width]), method=interpolation)


def resize_cropped(images: tf.Tensor, height: int, width: int, interpolation: str = "bilinear") -> tf.Tensor:
    """The images in another size, what exceeds the wanted proportions cut off on both sides."""
    has_height, has_width = tf.unstack(tf.cast(tf.shape(images)[-3:-1], tf.float32))
    keep_height = tf.minimum(has_height, tf.floor(has_width * height / width))
    keep_width = tf.minimum(has_width, tf.floor(has_height * width / height))
    top, left = (has_height - keep_height) / 2, (has_width - keep_width) / 2
    box = [tf.cast(number, tf.int32) for number in (top, left, keep_height, keep_width)]
    return resize(crop(images, *box), height, width, interpolation)


def crop(images: tf.Tensor, top: Any, left: Any, height: Any, width: Any) -> tf.Tensor:
    """A part of the images."""
    return images[..., top : top + height, left : left + width, :]


def flip(images: tf.Tensor, which: tf.Tensor, axis: int) -> tf.Tensor:
    """The images reversed along an axis where `which` is true."""
    return tf.where(which[:, tf.newaxis, tf.newaxis, tf.newaxis], tf.reverse(images, [axis]), images)


def rotation(angles: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
    """The transform that turns images by the angles (radians, counterclockwise) about their middle."""
    cosine, sine = tf.cos(angles), tf.sin(angles)
    right, bottom = tf.cast(width, tf.float32) - 1, tf.cast(height, tf.float32) - 1
    x = (right - cosine * right + sine * bottom) / 2
    y = (bottom - sine * right - cosine * bottom) / 2
    zero = tf.zeros_like(angles)
    return tf.stack([cosine, -sine, x, sine, cosine, y, zero, zero], 1)


def zoom(vertical: tf.Tensor, horizontal: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
    """The transform that shows images at `1 / vertical` and `1 / horizontal` of their size about their middle."""
    x = (tf.cast(width, tf.float32) - 1) * (1 - horizontal) / 2
    y = (tf.cast(height, tf.float32) - 1) * (1 - vertical) / 2
    zero = tf.zeros_like(vertical)
    return tf.stack([horizontal, zero, x, zero, vertical, y, zero, zero], 1)


def translation(down: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The transform that moves images by so many pixels."""
    one, zero = tf.ones_like(down), tf.zeros_like(down)
    return tf.stack([one, zero, -right, zero, one, -down, zero, zero], 1)


def transformed(
    images: tf.Tensor, transforms: tf.Tensor, fill_mode: str, interpolation: str, fill_value: float
) -> tf.Tensor:
    """The images with each pixel fetched from where the transforms say."""
    found = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=tf.cast(fill_value, tf.float32),
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    )
    found.set_shape(images.shape)
    return found


def contrast(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """The images with each channel's deviations from its mean multiplied by the factor."""
    return tf.image.adjust_contrast(images, factor)


def full_turns(share: float) -> float:
    """Radians for a share of a full turn."""
    return share * 2.0 * math.pi
