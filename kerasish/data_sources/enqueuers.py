"""Batches of a `Sequence` or a generator drawn ahead by workers, for loops that users write themselves.

Source: behaviour of `tf.keras.utils.OrderedEnqueuer`.
"""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kerasish.data_sources.ahead import Ahead
from kerasish.data_sources.processes import Processes


class SequenceEnqueuer:
    """Draws batches ahead, from `start` to `stop`, for the iterator that `get` returns.

    Args:
        sequence: where the batches come from.
        use_multiprocessing: whether the workers are processes rather than threads; those of a generator are threads.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._ahead: Ahead | None = None
        self._batches: Iterator[Any] = iter(())

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begins.

        Args:
            workers: the number of workers; with 0 each batch is drawn when it is asked for.
            max_queue_size: batches that wait at most.
        """
        self.stop()
        self._batches = self._drawn(workers, max_queue_size)
        self._ahead = Ahead(iter(()), 0, 1)

    def get(self) -> Iterator[Any]:
        """The batches that were and will be drawn, until `stop`.

        An error in drawing one stops the enqueuer and comes out here, with its own type.
        """
        while self.is_running():
            try:
                batch = next(self._batches)
            except StopIteration:
                return
            except BaseException:
                self.stop()
                raise
            yield batch

    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._ahead is not None

    def stop(self, timeout: float | None = None) -> None:
        """Ends the workers.

        Args:
            timeout: the seconds to wait for a batch that is being drawn, for as long as it takes if None.
        """
        ahead, self._ahead = self._ahead, None
        self._batches = iter(())
        if ahead is not None:
            ahead.close(timeout)

    def _results(self, calls: Iterator[Callable[[], Any]], workers: int, size: int) -> Iterator[Any]:
        """What the calls return, drawn by threads that `stop` ends."""
        ahead = self._ahead = Ahead(calls, workers, size)
        while self._ahead is ahead:
            try:
                result = next(ahead)
            except StopIteration:
                break
            yield result
        ahead.close()

    @abstractmethod
    def _drawn(self, workers: int, size: int) -> Iterator[Any]:
        """The batches, without end if there is none."""
        raise NotImplementedError(f"{type(self).__name__} must say how batches are drawn; use OrderedEnqueuer.")


class OrderedEnqueuer(SequenceEnqueuer):
    """The batches of a `Sequence`, epoch after epoch without end, in their order however many workers there are.

    Args:
        sequence: a `keras.utils.Sequence`; its `on_epoch_end` is called between epochs.
        use_multiprocessing: see `SequenceEnqueuer`.
        shuffle: whether each epoch has a new order, drawn from Python's `random`.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle
        self._processes: Processes | None = None

    def stop(self, timeout: float | None = None) -> None:
        super().stop(timeout)
        if self._processes is not None:
            self._processes.close()

    def _drawn(self, workers: int, size: int) -> Iterator[Any]:
        self._processes = Processes(self.sequence, workers) if self.use_multiprocessing and workers else None
        order, seed = list(range(len(self.sequence))), random.getrandbits(63) if self._processes is not None else 0
        for epoch in itertools.takewhile(lambda _: self.is_running(), itertools.count()):
            if self.shuffle:
                random.shuffle(order)
            calls = (partial(self.sequence.__getitem__, i) for i in order)
            if self._processes is not None:
                self._processes.begin()
                calls = (partial(self._processes.batch, i, (seed, epoch, place)) for place, i in enumerate(order))
            yield from self._results(calls, workers, size)
            self.sequence.on_epoch_end()
            order = order if len(order) == len(self.sequence) else list(range(len(self.sequence)))


class GeneratorEnqueuer(SequenceEnqueuer):
    """What a generator returns, until it ends; one thread draws it, for a generator cannot be drawn by several.

    Args:
        generator: the generator.
        use_multiprocessing: see `SequenceEnqueuer`.
        random_seed: accepted; only processes would need seeds of their own.
    """

    def __init__(self, generator: Iterator[Any], use_multiprocessing: bool = False, random_seed: int | None = None):
        super().__init__(generator, use_multiprocessing)
        self.random_seed = random_seed

    def _drawn(self, workers: int, size: int) -> Iterator[Any]:
        return self._results(itertools.repeat(partial(next, self.sequence)), min(workers, 1), size)
