"""tf.data datasets: batches drawn from an iterator inside the program.

Measured on two cores, guide's MNIST pipeline `shuffle(1024).batch(64)`, loop in the graph: with TensorFlow's autotuner
0.31 ms a batch and 40-110 ms (860 ms after a slow `map`) to drop the iterator; without it 0.23 ms and 0.3 ms. Stages
with `AUTOTUNE` parallelism keep it: TensorFlow then uses its default for them, one call per core (a `map` that sleeps
5 ms took 3.3 ms a batch either way). So the autotuner is switched off unless the dataset's options say something about
it. It would have added the prefetching at the end that is therefore added here.
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.data_sources.blocks import Batch, Block, Epoch, Run, Source

_AHEAD = 2


class Drawn:
    """The next batch of the iterator, as an Optional that has no value once the iterator has ended."""

    drawn = True

    def batch(self, arguments: tuple, i: tf.Tensor) -> tf.experimental.Optional:
        """The next batch, whatever `i`."""
        (iterator,) = arguments
        return iterator.get_next_as_optional()


DRAWN = Drawn()


class DatasetSource(Source):
    """The elements of a dataset.

    Each epoch goes through the dataset from its beginning; with `steps` other than the dataset's size, epochs go on
    where the last one stopped.

    Raises:
        ValueError: if the dataset is empty, or endless and `steps` is not given; `steps=-1` asks for endless epochs.
    """

    drawn = True

    def __init__(
        self, dataset: tf.data.Dataset, run: Run, *, samples: int | None = None, batch_size: int | None = None
    ) -> None:
        super().__init__(run)
        self._dataset = prepared(dataset)
        size = int(dataset.cardinality())
        if size == 0:
            raise self.empty_error()
        if size == tf.data.INFINITE_CARDINALITY and run.steps is None:
            raise ValueError(
                f"`{run.argument}` is an endless dataset: an epoch needs a number of steps.\n"
                f"Received: {run.steps_argument}=None. Give {run.steps_argument}, or leave out the dataset's repeat()."
            )
        self.samples, self.batch_size = samples, batch_size
        self.unit = "steps" if samples is None else "samples"
        self._size = size if size >= 0 else None
        self.batches = self.steps or self._size
        self._goes_on = self.steps is not None and size != self.steps
        self._iterator: tf.data.Iterator | None = None
        self._opened = self._taken = 0
        self._spec = (tf.data.IteratorSpec(self._dataset.element_spec),)

    @property
    def element_spec(self) -> Any:
        """The dataset's own."""
        return self._dataset.element_spec

    def first_batch(self) -> Batch:
        """The first batch of an iterator of its own.

        Raises:
            ValueError: if there is none.
        """
        for batch in prepared(self._dataset.take(1)):
            return batch
        raise self.empty_error()

    def epoch(self, index: int) -> Epoch:
        """An epoch with an iterator of its own, or with the last one's if epochs go on."""
        if index == 0:
            self.ran_out = False
        if index == 0 or self._iterator is None or not self._goes_on:
            self._open()
        return _DatasetEpoch(self, index, self.steps or self._size)

    def draw(self, count: int, first: int) -> Block:
        """A block of at most `count` batches; the iterator tells how many there are."""
        return Block((self._iterator,), DRAWN, first, count, self._spec)

    def taken(self, batches: int) -> None:
        """Counts batches drawn from the iterator."""
        self._taken += batches

    def position(self) -> dict[str, Any]:
        """How many iterators were made: each shuffles anew; and how far the one is that the next epoch goes on with."""
        return {"opened": self._opened, "taken": self._taken if self._goes_on else 0}

    def seek(self, position: dict[str, Any]) -> None:
        """Makes as many iterators, and leaves out the batches which that one had given."""
        while self._opened < position["opened"]:
            self._open()
        self.leave_out(position["taken"])

    def leave_out(self, batches: int) -> None:
        """Draws batches that are not used."""
        for _ in range(batches):
            if self._iterator is not None and self._iterator.get_next_as_optional().has_value():
                self._taken += 1

    def _open(self) -> None:
        self._iterator = iter(self._dataset)
        self._opened, self._taken = self._opened + 1, 0

    def close(self) -> None:
        """Drops the iterator unless the next epoch goes on with it."""
        if not self._goes_on or self.ran_out:
            self._iterator = None


class _DatasetEpoch(Epoch[DatasetSource]):
    def _draw(self, count: int, equal: bool) -> Block | None:
        return self._source.draw(count, self._given)

    def taken(self, block: Block, steps: int) -> None:
        self._source.taken(steps)
        super().taken(block, steps)

    def skip(self, batches: int) -> None:
        self._source.leave_out(batches)
        self._source.has_given = True
        self._given = batches

    def close(self) -> None:
        super().close()
        self._source.close()


def prepared(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset that computes two batches ahead, its autotuner off unless its options mention autotuning."""
    dataset = dataset.prefetch(_AHEAD)
    if dataset.options().autotune != tf.data.experimental.AutotuneOptions():
        return dataset
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def sliced(columns: Any, rows: int, batch_size: int, shuffle: bool | str) -> tf.data.Dataset:
    """A dataset of batches of columns that cannot be gathered, ragged and sparse ones among them."""
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    if shuffle:
        dataset = dataset.shuffle(rows)
    return dataset.batch(batch_size)
