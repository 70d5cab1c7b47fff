"""CIFAR-10: 60,000 colour images of 32 by 32 pixels in ten classes."""

from __future__ import annotations

import numpy as np

from kerasish.data_sources.downloads import get_file
from kerasish.datasets.cifar import as_images, read_batch

__all__ = ["load_data"]

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

Split = tuple[np.ndarray, np.ndarray]


def load_data(cache_dir: str | None = None) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: uint8 images (50000, 32, 32, 3), labels (50000, 1).

    The test has 10,000 of each.

    Args:
        cache_dir: the cache, `~/.keras` if None.

    Raises:
        OSError: if the files are not in the cache and cannot be fetched.
        ValueError: if a file is damaged.
    """
    folder = get_file("cifar-10-batches-py", _ORIGIN, untar=True, file_hash=_SHA256, cache_dir=cache_dir)
    batches = [read_batch(folder, f"data_batch_{number}", "labels") for number in range(1, 6)]
    x_train = np.concatenate([pixels for pixels, _ in batches])
    y_train = np.concatenate([labels for _, labels in batches]).astype(np.uint8)
    x_test, y_test = read_batch(folder, "test_batch", "labels")
    y_test = np.asarray(y_test, np.uint8)
    return (as_images(x_train), y_train[:, np.newaxis]), (as_images(x_test), y_test[:, np.newaxis])
