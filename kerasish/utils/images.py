"""Images as arrays and as files, with Pillow (`pip install pillow`), which is imported where it is needed."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from kerasish.core import settings

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """The Pillow image of an array `(height, width, channels)` of 1, 3 or 4 channels.

    Args:
        x: the array.
        data_format: `"channels_last"` or `"channels_first"`, the setting if None.
        scale: whether values are stretched to 0 to 255.
        dtype: the type in which that is done, the setting `floatx` if None.

    Raises:
        ValueError: for another rank, number of channels or format.
    """
    pillow = _pillow()
    x = np.asarray(x, dtype or settings.floatx())
    if x.ndim != 3:
        raise ValueError(f"An image has the rank 3. Received: shape={x.shape}")
    if _format(data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - np.min(x)
        largest = np.max(x)
        x = x / largest * 255 if largest else x
    channels = x.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"An image has 1, 3 or 4 channels. Received: {channels}")
    if channels == 1:
        large = np.max(x) > 255
        return pillow.fromarray(x[:, :, 0].astype("int32" if large else "uint8"), "I" if large else "L")
    return pillow.fromarray(x.astype("uint8"), "RGB" if channels == 3 else "RGBA")


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """The array `(height, width, channels)`, or `(channels, height, width)`, of a Pillow image or an array.

    Raises:
        ValueError: for an array whose rank is neither 2 nor 3, or another format.
    """
    channels_first = _format(data_format) == "channels_first"
    x = np.asarray(img, dtype or settings.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"An image has the rank 2 or 3. Received: shape={x.shape}")
    if x.ndim == 2:
        return x[np.newaxis] if channels_first else x[..., np.newaxis]
    return x.transpose(2, 0, 1) if channels_first else x


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """The Pillow image of a file.

    Args:
        path: a path, or bytes in an `io.BytesIO`.
        grayscale: an earlier way to say `color_mode="grayscale"`.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        target_size: `(height, width)` to resize to.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"hamming"`, `"box"` or `"lanczos"`.
        keep_aspect_ratio: whether what does not fit `target_size` is cut off around the middle instead of squeezed.

    Raises:
        ValueError: for another `color_mode` or `interpolation`.
        TypeError: for a path that is none.
    """
    pillow = _pillow()
    mode = "grayscale" if grayscale else color_mode
    if mode not in _MODES:
        raise ValueError(f"`color_mode` must be one of {', '.join(map(repr, _MODES))}. Received: {color_mode!r}")
    if interpolation not in _INTERPOLATIONS:
        names = ", ".join(map(repr, _INTERPOLATIONS))
        raise ValueError(f"`interpolation` must be one of {names}. Received: {interpolation!r}")
    if not isinstance(path, (str, bytes, os.PathLike, io.BytesIO)):
        raise TypeError(f"`path` must be a path or an io.BytesIO. Received: {path!r}")
    with pillow.open(path) as file:
        wide = mode == "grayscale" and file.mode in ("I;16", "I", "L")  # 16 bits stay as they are
        img = file.copy() if wide else file.convert(_MODES[mode])
    if target_size is None:
        return img
    height, width = target_size
    box = _middle(img.width, img.height, width, height) if keep_aspect_ratio else None
    if (img.width, img.height) == (width, height):
        return img
    return img.resize((width, height), getattr(pillow.Resampling, interpolation.upper()), box)


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file; `kwargs` are those of Pillow's `save`.

    Args:
        path: where to.
        x: the array; see `array_to_img`.
        data_format: where its channels are.
        file_format: `"png"` and the like, by the path's ending if None.
        scale: whether values are stretched to 0 to 255.
    """
    img = array_to_img(x, data_format, scale)
    if img.mode == "RGBA" and file_format in ("jpg", "jpeg"):
        img = img.convert("RGB")  # JPEG has no transparency
    img.save(path, "jpeg" if file_format == "jpg" else file_format, **kwargs)


def _middle(width: int, height: int, wanted_width: int, wanted_height: int) -> tuple[int, int, int, int]:
    """The largest part around the middle that has the wanted shape: left, upper, right, lower."""
    part_width = min(width, height * wanted_width // wanted_height)
    part_height = min(height, width * wanted_height // wanted_width)
    left, upper = (width - part_width) // 2, (height - part_height) // 2
    return left, upper, left + part_width, upper + part_height


def _format(data_format: str | None) -> str:
    data_format = data_format or settings.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"`data_format` must be 'channels_first' or 'channels_last'. Received: {data_format!r}")
    return data_format


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Images need Pillow: pip install pillow") from error
    return Image
