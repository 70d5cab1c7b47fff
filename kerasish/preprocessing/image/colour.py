"""Images with their channels or their brightness shifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.utils.images import array_to_img, img_to_array


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """The image plus the intensity, kept within its own smallest and largest value.

    Args:
        x: an image of rank 3.
        intensity: what is added.
        channel_axis: accepted; all channels get the same.
    """
    return np.clip(x + intensity, np.min(x), np.max(x))


def random_channel_shift(x: np.ndarray, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """`apply_channel_shift` by up to `intensity_range` to either side."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """The image with its values, as whole numbers from 0 to 255, multiplied by `brightness`.

    Args:
        x: an image of rank 3.
        brightness: 1 leaves it as it is, 0 is black.
        scale: whether values are stretched to 0 to 255 before. If not, only an image with values outside of 0 to 255
            is, and its values are stretched back.

    Raises:
        ImportError: without Pillow.
    """
    smallest, largest = np.min(x), np.max(x)
    outside = smallest < 0 or largest > 255
    img = array_to_img(x, scale=bool(outside or scale))
    shifted = img_to_array(_brightness(img).enhance(brightness))
    if outside and not scale:
        shifted = shifted / 255 * (largest - smallest) + smallest
    return shifted


def random_brightness(x: np.ndarray, brightness_range: Sequence[float], scale: bool = True) -> np.ndarray:
    """`apply_brightness_shift` by a number between the two of `brightness_range`.

    Raises:
        ValueError: if `brightness_range` has not two numbers.
    """
    if len(brightness_range) != 2:
        raise ValueError(
            f"`brightness_range` must be two numbers, (lower, upper). Received: brightness_range={brightness_range!r}"
        )
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]), scale)


def _brightness(img: Any) -> Any:
    from PIL import ImageEnhance

    return ImageEnhance.Brightness(img)
