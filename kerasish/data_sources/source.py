"""The one place that asks what kind of thing the user has passed as data."""
from __future__ import annotations

import math
from collections.abc import Sequence as Names
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.data_sources.arrays import ArraySource, convert, default_batch_size
from kerasish.data_sources.blocks import (
    Block,
    Epoch,
    Run,
    Source,
    Take,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from kerasish.data_sources.creator import DatasetCreator
from kerasish.data_sources.datasets import DatasetSource, sliced
from kerasish.data_sources.generators import GeneratorSource, SequenceSource
from kerasish.data_sources.sequence import Sequence
from kerasish.data_sources.weights import class_weighting

__all__ = [
    "Block", "Epoch", "Source", "Take", "open_source", "pack_x_y_sample_weight", "unpack_x_y_sample_weight",
]


def open_source(
    x: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int | None = None,
    shuffle: bool | str | None = False, steps: int | None = None, epochs: int = 1, first_epoch: int = 0,
    class_weight: Any = None, argument: str = "x", steps_argument: str = "steps",
    input_names: Names[str] = (), output_names: Names[str] = (), workers: int = 1,
    use_multiprocessing: bool = False, max_queue_size: int = 10,
) -> Source:
    """A source of batches for `epochs` epochs of `steps` batches (or of all there are), `first_epoch` the first one.

    `argument` and `steps_argument` are what the caller's own arguments are called, for messages. With
    `use_multiprocessing` the workers of a `Sequence` are processes; a generator is drawn by a thread either way.

    Raises:
        TypeError: for a `batch_size`, `steps`, `epochs`, `workers` or `max_queue_size` that is no whole number.
        ValueError: for data of no known kind, of unequal lengths, empty, or endless without `steps`.
    """
    if batch_size is not None:
        _check_count("batch_size", batch_size, 1)
    _check_count("workers", workers, 0)
    _check_count("max_queue_size", max_queue_size, 1)
    run = Run(argument, _checked_steps(steps, steps_argument), steps_argument, epochs, first_epoch)
    drawing = {"workers": workers, "queue_size": max_queue_size, "class_weight": class_weight,
               "output_names": output_names}  # fmt: skip
    if isinstance(x, DatasetCreator):
        x = _created(x, run)
    if isinstance(x, tf.data.Dataset):
        _refuse(y, sample_weight, argument, "a tf.data.Dataset")
        return DatasetSource(x.map(class_weighting(class_weight, argument, output_names)) if class_weight else x, run)
    if _is_sequence(x):
        _refuse(y, sample_weight, argument, "a keras.utils.Sequence")
        return SequenceSource(x, run, shuffle=shuffle or False, in_processes=bool(use_multiprocessing), **drawing)
    if hasattr(x, "__next__"):
        _refuse(y, sample_weight, argument, "a generator")
        return GeneratorSource(x, run, **drawing)
    x, y, sample_weight, rows = convert(
        x, y, sample_weight, argument=argument, class_weight=class_weight, input_names=input_names,
        output_names=output_names,
    )
    columns = pack_x_y_sample_weight(x, y, sample_weight)
    if all(part is None or isinstance(part, tf.Tensor) for part in tf.nest.flatten(columns)):
        return ArraySource(columns, rows, run, batch_size=batch_size, shuffle=shuffle or False)
    size = batch_size or default_batch_size(rows, run.steps)
    dataset = sliced(columns, rows, size, shuffle or False).repeat(epochs if run.steps and run.steps > 0 else 1)
    return DatasetSource(dataset, run, samples=rows, batch_size=size)


def _created(creator: DatasetCreator, run: Run) -> tf.data.Dataset:
    if run.steps is None:
        raise ValueError(
            f"`{run.steps_argument}` must be given when `{run.argument}` is a DatasetCreator. "
            f"Received: {run.steps_argument}=None"
        )
    return creator(tf.distribute.InputContext())


def _is_sequence(x: Any) -> bool:
    """A Sequence, or a class of another library written like one."""
    return isinstance(x, Sequence) or all(hasattr(x, name) for name in ("__getitem__", "__len__", "on_epoch_end"))


def _refuse(y: Any, sample_weight: Any, argument: str, kind: str) -> None:
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not (isinstance(value, (list, tuple, dict)) and not value):
            raise ValueError(
                f"`{name}` must be left out when `{argument}` is {kind}, which gives it batch by batch.\n"
                f"Received: {name} of type {type(value).__name__}. Let it give batches (x, y, sample_weight)."
            )


def _checked_steps(steps: Any, name: str) -> int | None:
    """The steps as an integer; a float, as a division leaves it, counts up to the next one, -1 means endless."""
    if isinstance(steps, (float, np.floating)) and math.isfinite(steps):
        steps = math.ceil(steps)
    if steps is not None and not (steps == -1 and isinstance(steps, (int, np.integer))):
        _check_count(name, steps, 1)
    return None if steps is None else int(steps)


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
