"""Images turned, moved, sheared and zoomed about their middle.

Splines of order 0 and 1 are computed here, as `scipy.ndimage` defines them and its fill modes; higher orders by SciPy
itself (`pip install scipy`), which is imported where it is needed.

Source: behaviour of `tf.keras.preprocessing.image` and of `scipy.ndimage.affine_transform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_FILL_MODES = ("constant", "nearest", "reflect", "wrap")


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """The image `(channels, height, width)` turned, moved, sheared and zoomed, in this order, about its middle.

    As in tf.keras, the middle of an image that is no square is taken with its two coordinates exchanged.

    Args:
        x: the image; an image `(height, width, channels)` needs the three axes.
        theta: degrees by which it is turned.
        tx, ty: columns and rows by which it is moved to the left and up.
        shear: degrees.
        zx, zy: the part of the width and of the height that is seen: above 1 the image gets smaller.
        row_axis, col_axis, channel_axis: where rows, columns and channels are.
        fill_mode: what is outside the image: `"constant"` (`cval`), or the image's `"nearest"` pixel, `"reflect"`ed
            (`dcba|abcd|dcba`), or again (`"wrap"`).
        cval: a constant outside.
        order: the order of the spline through the pixels; 0 is the nearest pixel, 1 linear, 2 to 5 need SciPy.

    Returns:
        An image of the same shape and type; `x` itself where nothing changes.

    Raises:
        ValueError: for another rank, axes, fill mode or order.
        ImportError: for an order above 1 without SciPy.
    """
    _check(x, (row_axis, col_axis, channel_axis), fill_mode, order)
    matrix = _matrix(theta, (tx, ty), shear, (zx, zy))
    if matrix is None:
        return x
    middle = np.array([x.shape[row_axis] / 2 - 0.5, x.shape[col_axis] / 2 - 0.5])
    matrix[:2, 2] += middle - matrix[:2, :2] @ middle
    if row_axis < col_axis:
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    channels = np.moveaxis(x, channel_axis, 0)
    transformed = _transformed(channels, matrix[:2, :2], matrix[:2, 2], order, fill_mode, cval)
    return np.moveaxis(transformed, 0, channel_axis)


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """The image turned by up to `rg` degrees to either side; see `apply_affine_transform`."""
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta=theta, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval,
        order=interpolation_order,
    )  # fmt: skip


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """The image moved by up to `wrg` of its width and `hrg` of its height; see `apply_affine_transform`."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x, tx=tx, ty=ty, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """The image sheared by up to `intensity` degrees to either side; see `apply_affine_transform`."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, shear=shear, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval,
        order=interpolation_order,
    )  # fmt: skip


def random_zoom(
    x: np.ndarray,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """The image with a part of its height and width between the two of `zoom_range`; see `apply_affine_transform`.

    Raises:
        ValueError: if `zoom_range` has not two numbers.
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` must be two numbers, (lower, upper). Received: zoom_range={zoom_range!r}")
    zx, zy = random_parts(zoom_range)
    return apply_affine_transform(
        x, zx=zx, zy=zy, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_parts(zoom_range: Sequence[float]) -> tuple[float, float]:
    """Parts of height and width between two numbers; nothing is drawn for (1, 1)."""
    if zoom_range[0] == 1 and zoom_range[1] == 1:
        return 1, 1
    zx, zy = np.random.uniform(zoom_range[0], zoom_range[1], 2)
    return zx, zy


def _check(x: np.ndarray, axes: tuple[int, int, int], fill_mode: str, order: int) -> None:
    if x.ndim != 3:
        raise ValueError(f"`x` must be an image of rank 3. Received: shape={x.shape}")
    if sorted(axes) != [0, 1, 2] or axes[2] == 1:
        raise ValueError(
            "`row_axis`, `col_axis` and `channel_axis` must be 0, 1 and 2 in an order that has channels first or last. "
            f"Received: row_axis={axes[0]}, col_axis={axes[1]}, channel_axis={axes[2]}"
        )
    if fill_mode not in _FILL_MODES:
        raise ValueError(f"`fill_mode` must be one of {', '.join(map(repr, _FILL_MODES))}. Received: {fill_mode!r}")
    if order not in range(6):
        raise ValueError(f"The order of the spline must be from 0 to 5. Received: {order!r}")


def _matrix(theta: float, shift: tuple[float, float], shear: float, zoom: tuple[float, float]) -> np.ndarray | None:
    """Where the pixel at the output's (column, row, 1) is found in the input; None if it stays where it is."""
    steps = []
    if theta != 0:
        sine, cosine = np.sin(np.deg2rad(theta)), np.cos(np.deg2rad(theta))
        steps.append([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    if any(shift):
        steps.append([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    if shear != 0:
        angle = np.deg2rad(shear)
        steps.append([[1, -np.sin(angle), 0], [0, np.cos(angle), 0], [0, 0, 1]])
    if zoom[0] != 1 or zoom[1] != 1:
        steps.append([[zoom[0], 0, 0], [0, zoom[1], 0], [0, 0, 1]])
    if not steps:
        return None
    matrix = np.eye(3)
    for step in steps:
        matrix = matrix @ np.array(step)
    return matrix


def _transformed(
    channels: np.ndarray, matrix: np.ndarray, offset: np.ndarray, order: int, mode: str, cval: float
) -> np.ndarray:
    if order > 1:
        ndimage = _ndimage()
        options: dict[str, Any] = {"order": order, "mode": mode, "cval": cval}
        return np.stack([ndimage.affine_transform(channel, matrix, offset, **options) for channel in channels])
    height, width = channels.shape[1:]
    rows, columns = np.arange(height)[:, np.newaxis], np.arange(width)
    found = [start + down * rows + right * columns for start, (down, right) in zip(offset, matrix, strict=True)]
    row_taps, column_taps = (
        _taps(places, length, order, mode) for places, length in zip(found, (height, width), strict=True)
    )
    values = np.zeros(channels.shape)
    for row, row_weight in row_taps:
        for column, column_weight in column_taps:
            values += channels[:, row, column] * (row_weight * column_weight)
    if mode == "constant":
        outside = (found[0] < 0) | (found[0] > height - 1) | (found[1] < 0) | (found[1] > width - 1)
        values[:, outside] = cval
    if channels.dtype.kind in "iu":
        values = np.trunc(values + np.copysign(0.5, values))
    return values.astype(channels.dtype)


def _taps(places: np.ndarray, length: int, order: int, mode: str) -> list[tuple[np.ndarray, Any]]:
    """The pixels along an axis that make up the values at the places, with their weights."""
    if mode == "reflect":
        places = np.fmod(places, 2 * length)
        places = np.where(places < -length, places + 2 * length, np.where(places < 0, -places - 1, places))
        places = np.where(places >= length, 2 * length - places - 1, places)
    elif mode == "wrap":
        period = max(length - 1, 1)
        places = np.where(places < 0, places + period * (np.trunc(-places / period) + 1), places)
        places = np.where(places > length - 1, places - period * np.trunc(places / period), places)
    else:
        places = np.clip(places, 0, length - 1)
    first = np.floor(places + 0.5 if order == 0 else places)
    pixels = [np.clip(first + step, 0, length - 1).astype(int) for step in range(order + 1)]
    share = places - first
    return [(pixels[0], 1.0)] if order == 0 else [(pixels[0], 1 - share), (pixels[1], share)]


def _ndimage() -> Any:
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ImportError("Splines of an order above 1 need SciPy: pip install scipy") from error
    return ndimage
