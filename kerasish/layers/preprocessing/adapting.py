"""Layers that learn what they need from examples before training: `adapt`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.graph.symbolic_tensor import SymbolicTensor
from kerasish.layers.preprocessing.tensors import TensorLayer, as_tensor


class PreprocessingLayer(TensorLayer):
    """A layer with a state that `adapt` computes from examples: `reset_state`, `update_state`, `finalize_state`."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._is_adapted = False

    @property
    def is_adapted(self) -> bool:
        """Whether the layer has seen examples since it was made or reset."""
        return self._is_adapted

    @property
    def learns(self) -> bool:
        """Whether the layer needs examples, rather than having been given what it would learn."""
        return True

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Forgets what was learned, and learns from the examples.

        Args:
            data: an array, a tensor, a list, or a `tf.data.Dataset` whose elements are batches.
            batch_size: how many rows of an array are looked at at once.
            steps: how many batches are looked at; all if None.

        Raises:
            ValueError: for a `batch_size` with a dataset, or no data at all.
        """
        seen = False
        self.reset_state()
        for batch in itertools.islice(_batches(data, batch_size), steps):
            self._build_for(batch)
            self.update_state(batch)
            seen = True
        if not seen:
            raise ValueError(f'Layer "{self.name}" needs examples to adapt to. Received: data={data!r}')
        self.finalize_state()
        self._is_adapted = True

    def compile(self, run_eagerly: bool | None = None, steps_per_execution: int | None = None) -> None:
        """Accepted for compatibility: examples are always counted eagerly, a batch at a time."""

    def make_adapt_function(self) -> Callable[[Iterator[Any]], None]:
        """A function that learns from the next batch of an iterator."""

        def learn(iterator: Iterator[Any]) -> None:
            batch = next(iterator)
            self._build_for(batch)
            self.update_state(batch)

        return learn

    def reset_state(self) -> None:
        """Forgets what was learned."""
        self._is_adapted = False

    def update_state(self, data: Any) -> None:
        """Learns from one batch."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Computes what calls need from what was learned."""

    def _build_for(self, batch: Any) -> None:
        if not self.built:
            batch = as_tensor(batch)
            shape = (None, *batch.shape[1:]) if batch.shape.rank else ()
            with self._named_scope():
                self._maybe_build(SymbolicTensor(tf.TensorSpec(shape, batch.dtype)))


def _batches(data: Any, batch_size: int | None) -> Iterator[Any]:
    """The data in pieces: arrays whole, unless a batch size is given."""
    if isinstance(data, tf.data.Dataset) or hasattr(data, "__next__"):
        if batch_size is not None:
            raise ValueError(f"A dataset brings its own batches. Received: batch_size={batch_size}\nFix: leave it out.")
        yield from data
        return
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    if batch_size is None:
        yield data
        return
    for start in range(0, data.shape[0], batch_size):
        yield data[start : start + batch_size]
