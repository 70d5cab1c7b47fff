"""Labels as vectors, and vectors of unit length, in NumPy."""
from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """A row for each label with 1 at the label's place and 0 elsewhere.

    Args:
        y: labels from 0 on, of any shape; a last axis of size 1 is dropped.
        num_classes: length of a row, the largest label plus one if None.
        dtype: type of the elements.

    Returns:
        An array of the labels' shape with a new last axis of size `num_classes`.

    Raises:
        IndexError: for a label below 0 or beyond `num_classes`.
    """
    labels, num_classes = _labels(y, num_classes)
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise IndexError(
            f"Labels must lie from 0 to {num_classes - 1}, one below `num_classes`. "
            f"Received: labels from {labels.min()} to {labels.max()}"
        )
    return (labels[..., np.newaxis] == np.arange(num_classes)).astype(dtype)


def to_ordinal(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """A row for each label in which as many leading places are 1 as the label says: 2 of four classes is `[1, 1, 0]`.

    Args:
        y: labels from 0 on, of any shape; a last axis of size 1 is dropped.
        num_classes: number of classes, the largest label plus one if None.
        dtype: type of the elements.

    Returns:
        An array of the labels' shape with a new last axis of size `num_classes - 1`.
    """
    labels, num_classes = _labels(y, num_classes)
    return (labels[..., np.newaxis] > np.arange(num_classes - 1)).astype(dtype)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """`x / |x|` along the axis; what has length 0 stays as it is.

    Args:
        x: an array; one axis counts as one row.
        axis: the axis along which lengths are measured.
        order: the norm, 2 for Euclid's.
    """
    x = np.asarray(x)
    if x.ndim == 1:
        x, axis = x[np.newaxis], -1
    lengths = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(lengths == 0, 1, lengths)


def _labels(y: Any, num_classes: int | None) -> tuple[np.ndarray, int]:
    labels = np.array(y, dtype="int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    return labels, int(num_classes or labels.max() + 1)
