"""What CIFAR-10 and CIFAR-100 share: files that hold a dictionary of pixels and labels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kerasish.core import settings
from kerasish.data_sources.pickled import unpickled


def read_batch(folder: str, name: str, label_key: str) -> tuple[np.ndarray, Any]:
    """The images `(images, 3, 32, 32)` of one file as bytes, and its labels `(images,)`.

    Raises:
        ValueError: if the file is damaged or is another one.
    """
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        try:
            found = unpickled(file, encoding="bytes")
            pixels, labels = found[b"data"], found[label_key.encode()]
            return pixels.reshape(len(labels), 3, 32, 32), labels
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} is not a file of CIFAR: {error}\nRemove {folder!r} and load the data again."
            ) from error


def as_images(pixels: np.ndarray) -> np.ndarray:
    """`(images, 3, 32, 32)`, or `(images, 32, 32, 3)` where the colours come last."""
    return pixels.transpose(0, 2, 3, 1) if settings.image_data_format() == "channels_last" else pixels
