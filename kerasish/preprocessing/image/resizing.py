"""Images in another size, what does not fit its proportions cut off."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.ops.image import resize_cropped
from kerasish.ops.resampling import INTERPOLATIONS


def smart_resize(x: Any, size: Any, interpolation: str = "bilinear") -> Any:
    """The largest middle part of each image that has the proportions of `size`, resized to it.

    Args:
        x: an image `(height, width, channels)` or images `(batch, height, width, channels)`.
        size: `(height, width)`.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`, `"lanczos3"`, `"lanczos5"`, `"gaussian"` or
            `"mitchellcubic"`.

    Returns:
        Floats (of the type of `x` with `"nearest"`); an array if `x` is one, else a tensor.

    Raises:
        ValueError: for another rank, size or interpolation.
    """
    if np.shape(size) != (2,):
        raise ValueError(f"`size` must be (height, width). Received: size={size!r}")
    if interpolation not in INTERPOLATIONS:
        names = ", ".join(map(repr, INTERPOLATIONS))
        raise ValueError(f"`interpolation` must be one of {names}. Received: interpolation={interpolation!r}")
    images = tf.convert_to_tensor(x)
    if images.shape.rank is not None and images.shape.rank not in (3, 4):
        raise ValueError(
            "`x` must be an image (height, width, channels) or images (batch, height, width, channels). "
            f"Received: shape={tuple(images.shape)}"
        )
    height, width = size
    resized = resize_cropped(images, height, width, interpolation)
    return resized.numpy() if isinstance(x, np.ndarray) else resized
