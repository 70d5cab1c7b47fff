"""A function that makes the dataset, in the place of the dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class DatasetCreator:
    """What `Model.fit`, `evaluate` and `predict` take for a dataset that is made when they begin.

    They call it with a `tf.distribute.InputContext` of one input pipeline, and need to be told the number of steps.

    Args:
        dataset_fn: a function of an `InputContext` that returns a `tf.data.Dataset`.
        input_options: accepted: a `tf.distribute.InputOptions` or None.

    Raises:
        TypeError: for other arguments.

    Source: behaviour of `tf.keras.utils.experimental.DatasetCreator`.
    """

    def __init__(self, dataset_fn: Callable[..., tf.data.Dataset], input_options: Any = None):
        if not callable(dataset_fn):
            raise TypeError(f"`dataset_fn` must be a function. Received: dataset_fn={dataset_fn!r}")
        if input_options is not None and not isinstance(input_options, tf.distribute.InputOptions):
            raise TypeError(f"`input_options` must be a tf.distribute.InputOptions. Received: {input_options!r}")
        self.dataset_fn = dataset_fn
        self.input_options = input_options

    def __call__(self, *args: Any, **kwargs: Any) -> tf.data.Dataset:
        """The dataset.

        Raises:
            TypeError: if the function returns something else.
        """
        dataset = self.dataset_fn(*args, **kwargs)
        if not isinstance(dataset, tf.data.Dataset):
            raise TypeError(f"`dataset_fn` must return a tf.data.Dataset. Received: {dataset!r}")
        return dataset
