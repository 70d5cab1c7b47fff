"""Layers that scale, resize and crop images the same way every time."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.tensors import TensorLayer
from kerasish.ops import image

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")


@LAYERS.register()
class Rescaling(TensorLayer):
    """`inputs * scale + offset`; `scale=1/255` brings bytes to the range from 0 to 1.

    Args:
        scale: a number, or one for each channel.
        offset: likewise.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: Any) -> Any:
        """Numbers of the layer's compute dtype."""
        inputs = tf.cast(inputs, self.compute_dtype)
        return inputs * tf.cast(self.scale, inputs.dtype) + tf.cast(self.offset, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)


class _Sized(TensorLayer):
    """Base of layers whose images have a fixed height and width."""

    height: int
    width: int

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with the layer's height and width."""
        shape = tf.TensorShape(input_shape)
        return shape[:-3].concatenate([self.height, self.width]).concatenate(shape[-1:])


@LAYERS.register()
class Resizing(_Sized):
    """The images in another size.

    Args:
        height: the new height in pixels.
        width: the new width.
        interpolation: how pixels are mixed: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5",
            "gaussian" or "mitchellcubic".
        crop_to_aspect_ratio: whether images of other proportions are cut rather than distorted.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for another interpolation, or sizes that are no positive integers.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.height = arguments.positive("height", height)
        self.width = arguments.positive("width", width)
        self.interpolation = arguments.one_of("interpolation", interpolation, INTERPOLATIONS)
        self.crop_to_aspect_ratio = crop_to_aspect_ratio

    def call(self, inputs: Any) -> tf.Tensor:
        """Images `(batch, height, width, channels)`, or one without the batch axis."""
        exact = self.dtype_policy.compute_dtype == "uint8"
        inputs = tf.cast(inputs, "float32" if exact else self.compute_dtype)
        find = image.resize_cropped if self.crop_to_aspect_ratio else image.resize
        outputs = find(inputs, self.height, self.width, self.interpolation)
        outputs = tf.cast(outputs, self.compute_dtype)
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs


@LAYERS.register()
class CenterCrop(_Sized):
    """The middle of the images; images that are too small are resized, and cut to the wanted proportions.

    Args:
        height: the height of the part in pixels.
        width: its width.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers.
    """

    def __init__(self, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = arguments.positive("height", height)
        self.width = arguments.positive("width", width)

    def call(self, inputs: Any) -> tf.Tensor:
        """Images `(batch, height, width, channels)`, or one without the batch axis."""
        inputs = tf.cast(inputs, self.compute_dtype)
        shape = tf.shape(inputs)
        over, wider = shape[-3] - self.height, shape[-2] - self.width
        outputs = tf.cond(
            tf.logical_and(over >= 0, wider >= 0),
            lambda: image.crop(inputs, over // 2, wider // 2, self.height, self.width),
            lambda: tf.cast(image.resize_cropped(inputs, self.height, self.width), inputs.dtype),
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs
