"""Boston housing: 506 districts of 1978 with 13 measures each, and the median price of a house in thousands of dollars.

One of the measures is built on the assumption that prices depend on the inhabitants' race; it is kept for what runs on
it already, and other data are better for anything new.
"""

from __future__ import annotations

import numpy as np

from kerasish.data_sources.downloads import get_file

__all__ = ["load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz"
_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"

Split = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113, cache_dir: str | None = None
) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: float64 measures (districts, 13) and prices (districts,).

    Args:
        path: the file's name in the cache.
        test_split: the part of the districts, from 0 to below 1, that is for testing.
        seed: of the order.
        cache_dir: the cache, `~/.keras` if None.

    Raises:
        OSError: if the file is not in the cache and cannot be fetched.
        ValueError: if `test_split` is not from 0 to below 1.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"`test_split` must lie from 0 to below 1. Received: test_split={test_split}")
    with np.load(get_file(path, _ORIGIN, file_hash=_SHA256, cache_dir=cache_dir), allow_pickle=False) as arrays:
        x, y = arrays["x"], arrays["y"]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    end = int(len(x) * (1 - test_split))
    return (x[:end], y[:end]), (x[end:], y[end:])
