"""A dataset in two parts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import tensorflow as tf


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Two datasets, of the first and of the last samples, which are held in memory.

    Args:
        dataset: a finite tf.data dataset, an array, or a list or tuple of arrays of one length. Samples of a batched
            dataset are split one by one and batched again.
        left_size, right_size: a number of samples, or a part between 0 and 1; what the other leaves if None.
        shuffle: whether the samples are shuffled before.
        seed: of the shuffling; Python's `random` is seeded with it.

    Raises:
        TypeError: for something that is no dataset, or sizes that are no numbers.
        ValueError: for sizes that do not fit the number of samples, or arrays of several lengths.
    """
    _check_sizes(left_size, right_size)
    batch_size = getattr(dataset, "_batch_size", None)
    samples = _samples(dataset, batch_size)
    left, right = _counts(len(samples), left_size, right_size)
    if shuffle:
        random.seed(random.randint(0, 10**6) if seed is None else seed)
        random.shuffle(samples)
    parts = samples[:left], samples[len(samples) - right :]
    first, second = (_restored(part, batch_size) for part in parts)
    return first, second


def _samples(dataset: Any, batch_size: Any) -> list[Any]:
    if isinstance(dataset, tf.data.Dataset):
        single = dataset if batch_size is None else dataset.unbatch()
        samples = list(single.as_numpy_iterator())
    elif isinstance(dataset, np.ndarray):
        samples = list(dataset)
    elif isinstance(dataset, (list, tuple)):
        wrong = [part for part in dataset if not isinstance(part, np.ndarray)]
        if wrong:
            raise ValueError(
                f"A {type(dataset).__name__} must hold NumPy arrays. Received: {type(wrong[0]).__name__} in it"
            )
        if len({len(part) for part in dataset}) > 1:
            raise ValueError(f"All arrays must have one length. Received: {[len(part) for part in dataset]}")
        samples = list(zip(*dataset, strict=True))
    else:
        raise TypeError(
            "`dataset` must be a tf.data.Dataset, an array, or a list or tuple of arrays. "
            f"Received: {type(dataset).__name__}"
        )
    if not samples:
        raise ValueError(f"`dataset` has no samples. Received: {dataset!r:.100}")
    return samples


def _check_sizes(left_size: Any, right_size: Any) -> None:
    if left_size is None and right_size is None:
        raise ValueError("At least one of `left_size` and `right_size` must be given. Received: None for both")
    for name, size in (("left_size", left_size), ("right_size", right_size)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, float, np.integer))):
            raise TypeError(f"`{name}` must be a number or None. Received: {name}={size!r}")


def _counts(total: int, left_size: Any, right_size: Any) -> tuple[int, int]:
    counts: list[int | None] = []
    for name, size in (("left_size", left_size), ("right_size", right_size)):
        if size is not None and not 0 < size < (1 if isinstance(size, float) else total):
            raise ValueError(
                f"`{name}` must be a number of samples from 1 to {total - 1}, or a part between 0 and 1. "
                f"Received: {name}={size}"
            )
        counts.append(round(size * total) if isinstance(size, float) else size)
    left, right = counts
    left = total - (right or 0) if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(
            f"Both parts must have at most {total} samples together. "
            f"Received: left_size={left_size}, right_size={right_size}"
        )
    if not left or not right:
        raise ValueError(
            f"Both parts must have samples; of {total} these would have {left} and {right}. "
            f"Received: left_size={left_size}, right_size={right_size}"
        )
    return left, right


def _restored(samples: list[Any], batch_size: Any) -> tf.data.Dataset:
    columns = tf.nest.map_structure(lambda *values: np.stack(values), *samples)
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    if batch_size is not None:
        dataset = dataset.batch(batch_size)
    return dataset.prefetch(tf.data.AUTOTUNE)
