"""MNIST: 70,000 handwritten digits, which come with the package (their licence: mnist.LICENSE.md)."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

__all__ = ["load_data"]

_PACKAGED = Path(__file__).with_name("mnist.npz")
_PACKAGED_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"
# The file that Keras 2 and 3 download: the same arrays in another archive.
_KERAS_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

Split = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "mnist.npz", cache_dir: str | None = None) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: uint8 images (60000, 28, 28) and (10000, 28, 28), uint8 digits.

    A file `path` in the ``datasets`` folder of `cache_dir` (default ``$KERAS_HOME``, then ``~/.keras``) is read if
    its SHA-256 is that of MNIST as Keras ships it; otherwise the package's own file is. Nothing is downloaded.

    Raises:
        OSError: the file of the package is missing or damaged.
    """
    with np.load(_cached_file(path, cache_dir) or _packaged_file(), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _cached_file(path: str, cache_dir: str | None) -> Path | None:
    homes = [cache_dir] if cache_dir is not None else [os.environ.get("KERAS_HOME"), os.path.join("~", ".keras")]
    for home in filter(None, homes):
        file = Path(os.path.expanduser(home), "datasets", path)
        if not file.is_file():
            continue
        if _sha256(file) in (_PACKAGED_SHA256, _KERAS_SHA256):
            return file
        warnings.warn(f"{file} is not MNIST (its SHA-256 differs); the copy in kerasish is used instead.", stacklevel=3)
    return None


def _packaged_file() -> Path:
    found = _sha256(_PACKAGED) if _PACKAGED.is_file() else "no such file"
    if found != _PACKAGED_SHA256:
        raise OSError(
            f"{_PACKAGED} must have the SHA-256 {_PACKAGED_SHA256}.\nReceived: {found}\nFix: install kerasish anew."
        )
    return _PACKAGED


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
