"""tf_keras's images without SciPy: the oracle gets the one function of it that it needs, pixel by pixel."""

import importlib.util
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tf_keras


def _pixel(place, length, mode):
    if mode == "reflect":
        place %= 2 * length
        return min(place, 2 * length - 1 - place)
    return min(max(place, 0), length - 1)


def _taps(place, length, order, mode):
    if mode == "wrap" and not 0 <= place <= length - 1:
        place %= length - 1
    if mode == "nearest":
        place = min(max(place, 0), length - 1)
    if order == 0:
        return [(_pixel(math.floor(place + 0.5), length, mode), 1)]
    first = math.floor(place)
    return [(_pixel(first, length, mode), 1 - place + first), (_pixel(first + 1, length, mode), place - first)]


def affine_transform(image, matrix, offset, order, mode, cval):
    """What `scipy.ndimage.affine_transform` is documented to return, for splines of order 0 and 1."""
    result = np.zeros(image.shape)
    for pixel in np.ndindex(image.shape):
        places = matrix @ pixel + offset
        if mode == "constant" and any(not 0 <= c <= n - 1 for c, n in zip(places, image.shape, strict=True)):
            result[pixel] = cval
            continue
        rows, columns = (_taps(c, n, order, mode) for c, n in zip(places, image.shape, strict=True))
        result[pixel] = sum(image[r, c] * one * other for r, one in rows for c, other in columns)
    return result.astype(image.dtype)


@pytest.fixture
def theirs(monkeypatch):
    """`tf_keras.preprocessing.image`, also where SciPy is not installed."""
    images = tf_keras.preprocessing.image
    if importlib.util.find_spec("scipy") is None:
        module = sys.modules[images.ImageDataGenerator.__module__]
        ndimage = SimpleNamespace(interpolation=SimpleNamespace(affine_transform=affine_transform))
        monkeypatch.setattr(module, "scipy", SimpleNamespace(ndimage=ndimage), raising=False)
        monkeypatch.setattr(module, "ndimage", ndimage, raising=False)
    return images
