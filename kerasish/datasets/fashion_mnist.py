"""Fashion-MNIST: 70,000 grey images of 28 by 28 pixels of clothes in ten classes."""

from __future__ import annotations

import gzip
import math
import os
import zlib

import numpy as np

from kerasish.data_sources.downloads import get_file

__all__ = ["load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_LARGEST = 60000 * 28 * 28  # bytes that one file may unfold to

Split = tuple[np.ndarray, np.ndarray]


def load_data(cache_dir: str | None = None) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: uint8 images (60000, 28, 28), labels (60000,).

    The test has 10,000 of each.

    Args:
        cache_dir: the cache, `~/.keras` if None.

    Raises:
        OSError: if the files are not in the cache and cannot be fetched.
        ValueError: if a file is damaged.
    """
    train, test = (
        (_read(f"{part}-images-idx3-ubyte.gz", 3, cache_dir), _read(f"{part}-labels-idx1-ubyte.gz", 1, cache_dir))
        for part in ("train", "t10k")
    )
    return train, test


def _read(name: str, rank: int, cache_dir: str | None) -> np.ndarray:
    """An IDX file: two zeros, 8 for bytes, the rank, each dimension in four bytes, most significant first; the bytes.

    Source: the format's description on the home page of MNIST.
    """
    subdir = os.path.join("datasets", "fashion-mnist")
    path = get_file(name, _ORIGIN + name, cache_dir=cache_dir, cache_subdir=subdir)
    start = 4 + 4 * rank
    try:
        with gzip.open(path) as file:
            content = file.read(_LARGEST + start + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    if content[:4] != bytes([0, 0, 8, rank]) or len(shape) != rank or math.prod(shape) != len(content) - start:
        raise _damaged(path, f"{len(content):,} bytes that are not an IDX file of rank {rank}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _damaged(path: str, found: str) -> ValueError:
    return ValueError(f"{path} is damaged. Found: {found}\nRemove it, and load the data again.")
