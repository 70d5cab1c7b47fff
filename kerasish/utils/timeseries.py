"""Windows over a time series as a tf.data dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.utils.folders import ordered


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> tf.data.Dataset:
    """A dataset of windows over a series, each with the target of its first step.

    The window that begins at step `t` holds `t, t + sampling_rate, ..., t + (sequence_length - 1) * sampling_rate`.

    Args:
        data: the series, one step per entry of the first axis.
        targets: `targets[t]` belongs to the window that begins at step `t`; None: there are none.
        sequence_length: steps in a window.
        sequence_stride: steps between the beginnings of windows.
        sampling_rate: steps between neighbours within a window.
        batch_size: windows in a batch; None for single windows.
        shuffle: whether the order is another each epoch.
        seed: of the orders.
        start_index: steps before this one are left out.
        end_index: steps from this one on are left out.

    Returns:
        A dataset of windows `(batch, sequence_length, ...)`, or of pairs of them and targets `(batch, ...)`.

    Raises:
        ValueError: for steps, strides or rates that do not fit the length of the series.
    """
    length = len(data)
    first, end = _range(length, start_index, end_index)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < length:
            raise ValueError(f"`{name}` must lie from 1 to {length - 1}, below the length. Received: {name}={value}")
    count = end - first - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets) - first)
    beginnings = np.arange(first, first + max(count, 0), sequence_stride, dtype="int64")
    if shuffle:
        seed = np.random.randint(10**6) if seed is None else seed
        np.random.RandomState(seed).shuffle(beginnings)
    series = tf.convert_to_tensor(data)
    wanted = None if targets is None else tf.convert_to_tensor(targets)
    steps = tf.range(0, sequence_length * sampling_rate, sampling_rate, tf.int64)

    def window(beginning: tf.Tensor) -> Any:
        found = tf.gather(series, beginning[..., tf.newaxis] + steps)
        return found if wanted is None else (found, tf.gather(wanted, beginning))

    dataset = ordered(tf.data.Dataset.from_tensor_slices(beginnings), batch_size, shuffle, seed)
    if batch_size is not None:
        dataset = dataset.batch(batch_size)
    return dataset.map(window, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _range(length: int, start_index: int | None, end_index: int | None) -> tuple[int, int]:
    if start_index is not None and not 0 <= start_index < length:
        raise ValueError(f"`start_index` must lie from 0 to {length - 1}. Received: start_index={start_index}")
    if end_index is not None and not 0 <= end_index < length:
        raise ValueError(f"`end_index` must lie from 0 to {length - 1}. Received: end_index={end_index}")
    if start_index and end_index is not None and end_index <= start_index:
        raise ValueError(
            f"`end_index` must be above `start_index`. Received: start_index={start_index}, end_index={end_index}"
        )
    return start_index or 0, length if end_index is None else end_index
