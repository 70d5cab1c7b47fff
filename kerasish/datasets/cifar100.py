"""CIFAR-100: 60,000 colour images of 32 by 32 pixels in a hundred classes, or in twenty coarser ones."""

from __future__ import annotations

import numpy as np

from kerasish.data_sources.downloads import get_file
from kerasish.datasets.cifar import as_images, read_batch

__all__ = ["load_data"]

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"

Split = tuple[np.ndarray, np.ndarray]


def load_data(label_mode: str = "fine", cache_dir: str | None = None) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: uint8 images (50000, 32, 32, 3), labels (50000, 1).

    The test has 10,000 of each.

    Args:
        label_mode: `"fine"` for labels from 0 to 99, `"coarse"` for 0 to 19.
        cache_dir: the cache, `~/.keras` if None.

    Raises:
        OSError: if the files are not in the cache and cannot be fetched.
        ValueError: for another `label_mode`, or if a file is damaged.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"`label_mode` must be 'fine' or 'coarse'. Received: label_mode={label_mode!r}")
    folder = get_file("cifar-100-python", _ORIGIN, untar=True, file_hash=_SHA256, cache_dir=cache_dir)
    train, test = (_split(folder, name, label_mode) for name in ("train", "test"))
    return train, test


def _split(folder: str, name: str, label_mode: str) -> Split:
    pixels, labels = read_batch(folder, name, f"{label_mode}_labels")
    return as_images(pixels), np.reshape(labels, (-1, 1))
