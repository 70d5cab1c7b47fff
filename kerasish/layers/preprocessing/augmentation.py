"""Layers that change images at random in training, so that a model sees each in many forms.

Each draws from a stream of its own, as `Dropout` does; outside training the images pass as they are. Longer than most
files because nine layers with long lists of arguments are one family.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.seeds import make_seed
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.images import INTERPOLATIONS
from kerasish.layers.preprocessing.tensors import TensorLayer
from kerasish.ops import image, noise
from kerasish.ops.condition import choose

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")
_HORIZONTAL, _VERTICAL = "horizontal", "vertical"


class _RandomImage(TensorLayer):
    """Base of random changes of images `(batch, height, width, channels)`, or of one without the batch axis."""

    def __init__(self, seed: int | None = None, **kwargs: Any):
        self._rng_type = kwargs.pop("rng_type", None) or "stateful"
        super().__init__(**kwargs)
        self.seed = seed
        self._noise = noise.new_state(make_seed(seed))

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        return {**super().get_config(), "rng_type": self._rng_type}

    def call(self, inputs: Any, training: Any = True) -> tf.Tensor:
        """The changed images in training, else the images, in the layer's compute dtype."""
        inputs = tf.cast(inputs, self.compute_dtype)
        outputs = choose(training, lambda: self._changed(inputs), lambda: self._calm(inputs))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)

    def _changed(self, inputs: tf.Tensor) -> tf.Tensor:
        batched = inputs.shape.rank != 3
        outputs = tf.cast(self._augment(inputs if batched else inputs[tf.newaxis]), inputs.dtype)
        return outputs if batched else outputs[0]

    def _calm(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def _draw(self, images: tf.Tensor, low: float, high: float) -> tf.Tensor:
        """A number for each image."""
        return noise.uniform(self._noise, tf.shape(images)[:1], low, high)


@LAYERS.register()
class RandomFlip(_RandomImage):
    """Images mirrored or not, each by chance.

    Args:
        mode: "horizontal" (left and right exchanged), "vertical", or "horizontal_and_vertical".
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for another mode.
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.mode = arguments.one_of("mode", mode, (_HORIZONTAL, _VERTICAL, f"{_HORIZONTAL}_and_{_VERTICAL}"))

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        for word, axis in ((_HORIZONTAL, 2), (_VERTICAL, 1)):
            if word in self.mode:
                images = image.flip(images, noise.chance(self._noise, tf.shape(images)[:1], 0.5), axis)
        return images


class _Transformed(_RandomImage):
    """Base of changes that move pixels."""

    def __init__(self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.fill_mode = _known("fill_mode", fill_mode, _FILL_MODES)
        self.interpolation = _known("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = fill_value

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(images)
        transforms = self._transforms(images, shape[1], shape[2])
        return image.transformed(images, transforms, self.fill_mode, self.interpolation, self.fill_value)

    def _transforms(self, images: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
        raise NotImplementedError


@LAYERS.register()
class RandomRotation(_Transformed):
    """Images turned about their middle, each by its own angle.

    Args:
        factor: the largest angle in full turns either way, or the range `(lower, upper)`, counterclockwise.
        fill_mode: what lies beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: makes the draws the same in every run.
        fill_value: the colour of "constant".
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a wrong range.
        NotImplementedError: for another fill mode or interpolation.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.factor = factor
        self.lower, self.upper = _range("factor", factor)

    def _transforms(self, images: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
        angles = self._draw(images, image.full_turns(self.lower), image.full_turns(self.upper))
        return image.rotation(angles, height, width)


@LAYERS.register()
class RandomZoom(_Transformed):
    """Images from nearer or farther, each by its own factor.

    Args:
        height_factor: the largest zoom as a share of the height either way, or the range `(lower, upper)`; positive
            shrinks, negative enlarges.
        width_factor: likewise for the width; that of the height, so that proportions stay, if None.
        fill_mode: what lies beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: makes the draws the same in every run.
        fill_value: the colour of "constant".
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1].
        NotImplementedError: for another fill mode or interpolation.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = _within_one("height_factor", height_factor)
        if width_factor is not None:
            self.width_lower, self.width_upper = _within_one("width_factor", width_factor)

    def _transforms(self, images: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
        vertical = horizontal = self._draw(images, 1 + self.height_lower, 1 + self.height_upper)
        if self.width_factor is not None:
            horizontal = self._draw(images, 1 + self.width_lower, 1 + self.width_upper)
        return image.zoom(vertical, horizontal, height, width)


@LAYERS.register()
class RandomTranslation(_Transformed):
    """Images moved up or down and sideways, each by its own distance.

    Args:
        height_factor: the largest distance as a share of the height either way, or the range `(lower, upper)`;
            positive is down.
        width_factor: likewise for the width; positive is to the right.
        fill_mode: what lies beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: makes the draws the same in every run.
        fill_value: the colour of "constant".
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1].
        NotImplementedError: for another fill mode or interpolation.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = _within_one("height_factor", height_factor)
        self.width_lower, self.width_upper = _within_one("width_factor", width_factor)

    def _transforms(self, images: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
        down = self._draw(images, self.height_lower, self.height_upper) * tf.cast(height, tf.float32)
        right = self._draw(images, self.width_lower, self.width_upper) * tf.cast(width, tf.float32)
        return image.translation(down, right)


@LAYERS.register()
class RandomCrop(_RandomImage):
    """A part of the images, the same for a whole batch; outside training, or if they are too small, they are resized.

    Args:
        height: the height of the part in pixels.
        width: its width.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for sizes that are no positive integers.
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.height = arguments.positive("height", height)
        self.width = arguments.positive("width", width)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with the layer's height and width."""
        shape = tf.TensorShape(input_shape)
        return shape[:-3].concatenate([self.height, self.width]).concatenate(shape[-1:])

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(images)
        over, wider = shape[1] - self.height, shape[2] - self.width

        def part() -> tf.Tensor:
            shares = noise.uniform(self._noise, tf.constant([2]), 0.0, 1.0)
            corner = tf.cast(shares * tf.cast(tf.stack([over, wider]) + 1, tf.float32), tf.int32)
            return image.crop(images, corner[0], corner[1], self.height, self.width)

        return tf.cond(tf.logical_and(over >= 0, wider >= 0), part, lambda: self._calm(images))

    def _calm(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(image.resize_cropped(inputs, self.height, self.width), inputs.dtype)


class _Stretched(_RandomImage):
    """Base of changes of one side's length, the same for a whole batch."""

    axis = 0

    def __init__(self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        self.interpolation = arguments.one_of("interpolation", interpolation, INTERPOLATIONS)
        self._lower, self._upper = _range("factor", factor)
        if self._lower <= -1 or self._upper <= -1:
            raise ValueError(f"`factor` must be greater than -1. Received: factor={factor!r}")

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape, the side's length unknown."""
        shape = tf.TensorShape(input_shape).as_list()
        shape[self.axis] = None
        return tf.TensorShape(shape)

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        sizes = tf.unstack(tf.shape(images)[1:3])
        share = noise.uniform(self._noise, tf.constant([1]), 1.0 + self._lower, 1.0 + self._upper)[0]
        place = self.axis + 3
        sizes[place] = tf.cast(share * tf.cast(sizes[place], tf.float32), tf.int32)
        return image.resize(images, sizes[0], sizes[1], self.interpolation)


@LAYERS.register()
class RandomHeight(_Stretched):
    """Images of another height.

    Args:
        factor: the largest change as a share of the height either way, or the range `(lower, upper)`.
        interpolation: how pixels are mixed, as in `Resizing`.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a wrong range or another interpolation.
    """

    axis = -3


@LAYERS.register()
class RandomWidth(_Stretched):
    """Images of another width.

    Args:
        factor: the largest change as a share of the width either way, or the range `(lower, upper)`.
        interpolation: how pixels are mixed, as in `Resizing`.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a wrong range or another interpolation.
    """

    axis = -2


@LAYERS.register()
class RandomContrast(_RandomImage):
    """Images with more or less contrast, the same for a whole batch, cut to the range from 0 to 255.

    Args:
        factor: the largest change either way, or `(lower, upper)` for factors from `1 - lower` to `1 + upper`.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1].
    """

    def __init__(self, factor: Any, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor = factor
        pair = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        if len(pair) != 2 or not all(0 <= one <= 1 for one in pair):
            raise ValueError(f"`factor` must be one number in [0, 1] or two. Received: factor={factor!r}")
        self.lower, self.upper = pair

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        factor = noise.uniform(self._noise, tf.constant([1]), 1.0 - self.lower, 1.0 + self.upper)[0]
        return tf.clip_by_value(image.contrast(images, factor), tf.cast(0, images.dtype), tf.cast(255, images.dtype))


@LAYERS.register()
class RandomBrightness(_RandomImage):
    """Images lighter or darker, each by its own amount, cut to the range of values.

    Args:
        factor: the largest amount as a share of the range either way, or the range `(lower, upper)`.
        value_range: the smallest and the largest value of a pixel.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a factor outside [-1, 1], or a range that is no pair.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        pair = tuple(factor) if isinstance(factor, (tuple, list)) else (-abs(factor), abs(factor))
        if len(pair) != 2 or not all(-1 <= one <= 1 for one in pair):
            raise ValueError(f"`factor` must be one number in [-1, 1] or two. Received: factor={factor!r}")
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise ValueError(f"`value_range` must be a list of two numbers. Received: value_range={value_range!r}")
        self.factor = sorted(pair)
        self.value_range = sorted(value_range)

    def _augment(self, images: tf.Tensor) -> tf.Tensor:
        lowest, highest = self.value_range
        amounts = self._draw(images, *self.factor) * float(highest - lowest)
        lighter = tf.cast(images, tf.float32) + amounts[:, tf.newaxis, tf.newaxis, tf.newaxis]
        return tf.clip_by_value(lighter, float(lowest), float(highest))


def _known(argument: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        words = ", ".join(f'"{word}"' for word in allowed)
        raise NotImplementedError(f"`{argument}` must be one of {words}. Received: {argument}={value!r}")
    return value


def _range(argument: str, factor: Any) -> tuple[float, float]:
    """The range a factor stands for; a pair is one, a number reaches as far down as up."""
    pair = tuple(factor) if isinstance(factor, (tuple, list)) else (-factor, factor)
    if len(pair) != 2 or pair[1] < pair[0]:
        raise ValueError(
            f"`{argument}` must be a positive number or a pair, the smaller number first. "
            f"Received: {argument}={factor!r}"
        )
    return pair[0], pair[1]


def _within_one(argument: str, factor: Any) -> tuple[float, float]:
    pair = tuple(factor) if isinstance(factor, (tuple, list)) else (-factor, factor)
    if len(pair) != 2 or not all(-1 <= one <= 1 for one in pair):
        raise ValueError(f"`{argument}` must be one number in [-1, 1] or two. Received: {argument}={factor!r}")
    return pair[0], pair[1]
