"""Python generators, iterators and `Sequence`s: drawn by Python, handed to the program several batches at a time.

User code never runs inside tf.data, so that its exceptions keep their type and traceback. Batches of equal shapes are
stacked into one block; a batch of another shape begins the next block. A block holds at most 64 MiB.
"""
from __future__ import annotations

import itertools
import warnings
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from kerasish.core import seeds
from kerasish.core.settings import floatx
from kerasish.data_sources.ahead import Ahead
from kerasish.data_sources.blocks import (
    WHOLE,
    Batch,
    Block,
    Epoch,
    Run,
    Source,
    pack_x_y_sample_weight,
    relaxed,
    unpack_x_y_sample_weight,
)
from kerasish.data_sources.columns import as_array, column, is_scipy_sparse, map_leaves
from kerasish.data_sources.order import batch_order, new_seed
from kerasish.data_sources.processes import Processes
from kerasish.data_sources.sequence import Sequence
from kerasish.data_sources.weights import class_weighting

_BLOCK_BYTES = 64 * 2**20
_PATIENCE = 1.0


class Stacked:
    """Batch `i` of tensors that hold one batch per entry of their first axis."""

    drawn = False

    def batch(self, arguments: tuple, i: tf.Tensor) -> Batch:
        """Entry `i` of each tensor."""
        return tf.nest.map_structure(lambda part: None if part is None else tf.gather(part, i), arguments[0])


STACKED = Stacked()


class PythonSource(Source):
    """Batches that Python code returns; up to `queue_size` of them are drawn ahead by `workers` threads."""

    def __init__(
        self, run: Run, *, workers: int = 1, queue_size: int = 10, class_weight: Any = None,
        output_names: Iterable[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(run)
        self.workers, self.queue_size = workers, queue_size
        self._weighted = class_weighting(class_weight, run.argument, [*output_names]) if class_weight else None
        self._block_specs: tuple = (None,)
        self._block_form: Any = None
        self._draws_random = False

    @property
    def element_spec(self) -> Any:
        """Types of the first batch's tensors, the number of rows left open."""
        return relaxed(self.first_batch())

    def first_batch(self) -> Batch:
        """The first batch that the source returns; an epoch returns it again."""
        return tf.nest.map_structure(_to_tensor, self._first())

    def standard(self, element: Any) -> Batch:
        """The batch with NumPy arrays (floats as `floatx()`) and its class weights multiplied in.

        Raises:
            ValueError: if it is no batch of arrays.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(element)
        if self._weighted is not None:
            parts = tf.nest.map_structure(_to_tensor, _arrays((x, y, sample_weight), self.argument))
            x, y, sample_weight = self._weighted(*parts)
        return _arrays(pack_x_y_sample_weight(x, y, sample_weight), self.argument)

    def block(self, batches: list[Batch], first: int) -> Block:
        """The batches, all of one shape, as one block."""
        rows = _rows(batches[0])
        samples = None if rows is None else rows * len(batches)
        if not _stackable(batches[0]):
            arguments = (tf.nest.map_structure(_to_tensor, batches[0]),)
            return Block(arguments, WHOLE, first, 1, relaxed(arguments), samples)
        stacked = tf.nest.map_structure(_stack, *batches)
        if (form := _form(batches[0])) != self._block_form:
            self._block_form = form
            self._block_specs = (_widened(self._block_specs[0], relaxed(stacked, open_axes=2)),)
        return Block((stacked,), STACKED, first, len(batches), self._block_specs, samples)

    def keep(self, batches: Iterable[Batch]) -> None:
        """Takes back batches that were drawn for an epoch which did not use them."""

    def _watched(self, fetch: Callable[[], Batch]) -> Batch:
        """A batch; it is noted whether random numbers were drawn for it."""
        before = seeds.get_state()
        batch = fetch()
        self._draws_random |= seeds.differ(before, seeds.get_state())
        return batch

    def _threads(self) -> int:
        """How many threads draw ahead: none where the random numbers drawn for batches must be those of their turn."""
        return 0 if self.exact and self._draws_random else self.workers

    @abstractmethod
    def _first(self) -> Batch:
        """The first batch, with arrays."""


class GeneratorSource(PythonSource):
    """What an iterator returns; epochs go on where the last one stopped.

    Raises:
        ValueError: if it returns nothing.
    """

    def __init__(self, iterator: Iterator[Any], run: Run, **drawing: Any) -> None:
        super().__init__(run, **drawing)
        self._iterator = iterator
        self._drawn: deque[Batch] = deque()
        self._taken = 0
        try:
            self._drawn.append(self._watched(self.fetch))
        except StopIteration:
            raise self.empty_error() from None

    def fetch(self) -> Batch:
        """One batch more from the iterator."""
        return self.standard(next(self._iterator))

    def position(self) -> dict[str, Any]:
        """How many batches were used."""
        return {"taken": self._taken}

    def seek(self, position: dict[str, Any]) -> None:
        """Draws and leaves out as many batches, which is right if the generator gives the same again."""
        self._taken = int(position["taken"])
        if not self._taken:
            return
        warnings.warn(
            f"`{self.argument}` is a generator, which cannot be set to where the interrupted run was. Its first "
            f"{self._taken} batches are drawn and left out: the run goes on as it would have only if the generator "
            "gives the same batches again. A keras.utils.Sequence or a tf.data.Dataset needs no such luck.",
            stacklevel=2,
        )
        for _ in range(self._taken):
            if self._drawn:
                self._drawn.popleft()
            else:
                self.fetch()

    def epoch(self, index: int) -> Epoch:
        """An epoch of `steps` batches, or of all that are left."""
        if index == 0:
            self.ran_out = False
        ready, self._drawn = self._drawn, deque()
        wanted = None if self.steps is None else max(self.steps - len(ready), 0)
        calls = itertools.repeat(self.fetch) if wanted is None else itertools.repeat(self.fetch, wanted)
        ahead = Ahead(calls, min(self._threads(), 1), self.queue_size)
        return _GeneratorEpoch(self, index, self.steps, ready, ahead)

    def used(self, batches: int) -> None:
        """Counts batches that an epoch has used."""
        self._taken += batches

    def keep(self, batches: Iterable[Batch]) -> None:
        """Keeps batches that were drawn for an epoch which did not use them, for the next one."""
        self._drawn.extend(batches)

    def _first(self) -> Batch:
        if not self._drawn:
            self._drawn.append(self.fetch())
        return self._drawn[0]


class SequenceSource(PythonSource):
    """The batches `sequence[i]`, in a new order each epoch if `shuffle`; `on_epoch_end` is called after each epoch.

    With `in_processes` they are made by as many processes as there are workers.

    Raises:
        ValueError: if its length is 0.
    """

    def __init__(
        self, sequence: Sequence, run: Run, *, shuffle: bool | str = False, in_processes: bool = False, **drawing: Any
    ) -> None:
        super().__init__(run, **drawing)
        self.sequence = sequence
        self._shuffle = shuffle
        self._processes = Processes(sequence, self.workers) if in_processes and self.workers else None
        self._seed = new_seed() if shuffle or self._processes is not None else 0
        self._ends: list[dict[str, Any] | None] = []
        if len(sequence) == 0:
            raise self.empty_error()
        self.batches = self.steps or len(sequence)

    def epoch(self, index: int) -> Epoch:
        """An epoch of `steps` batches, or of all that the sequence has now."""
        if index == 0:
            self.ran_out = False
        self.batches = self.steps or len(self.sequence)
        number = self.first + index
        order = batch_order(len(self.sequence), self._shuffle, self._seed, number)[: self.batches]
        calls = (partial(self._fetch, i) for i in order)
        if self._processes is not None:
            self._processes.begin()
            keys = ((self._seed, number, place) for place in itertools.count())
            calls = (partial(self._fetch_from, self._processes, i, key) for i, key in zip(order, keys, strict=False))
        return _SequenceEpoch(self, index, self.batches, deque(), Ahead(calls, self._threads(), self.queue_size))

    def close(self) -> None:
        """Ends the processes."""
        if self._processes is not None:
            self._processes.close()

    def end_epoch(self) -> None:
        """Calls the sequence's `on_epoch_end`, and notes what random numbers it draws from."""
        before = seeds.get_state()
        self.sequence.on_epoch_end()
        self._ends.append(before if seeds.differ(before, seeds.get_state()) else None)

    def position(self) -> dict[str, Any]:
        """The seed of the orders; the sequence's own state, or what its `on_epoch_end` was called with each time."""
        own = {"ends": list(self._ends)}
        sequence: Any = self.sequence
        if all(hasattr(sequence, name) for name in ("get_state", "set_state")):
            own = {"state": sequence.get_state()}
        return {"seed": self._seed, **own}

    def seek(self, position: dict[str, Any]) -> None:
        """Sets the sequence's state, or ends its epochs again, each with the random numbers that it had."""
        self._seed = int(position["seed"])
        if "state" in position:
            sequence: Any = self.sequence
            sequence.set_state(position["state"])
        for before in position.get("ends", ()):
            if before is not None:
                seeds.set_state(before)
            self.end_epoch()

    def _fetch(self, i: int) -> Batch:
        return self.standard(self.sequence[i])

    def _fetch_from(self, processes: Processes, i: int, key: tuple[int, ...]) -> Batch:
        return self.standard(processes.batch(i, key))

    def _threads(self) -> int:
        return self.workers if self._processes is not None and self._processes.works else super()._threads()

    def _first(self) -> Batch:
        return self._watched(partial(self._fetch, 0))


AnyPythonSource = TypeVar("AnyPythonSource", bound=PythonSource)


class _PythonEpoch(Epoch[AnyPythonSource]):
    """Batches that were drawn before, then those that `ahead` draws."""

    def __init__(self, source: AnyPythonSource, index: int, limit: int | None, ready: deque, ahead: Ahead) -> None:
        super().__init__(source, index, limit)
        self._ready, self._ahead = ready, ahead
        self._error: Exception | None = None
        self._closed = False
        self._patience: float | None = None

    def _draw(self, count: int, equal: bool) -> Block | None:
        batches: list[Batch] = []
        size = 0
        while len(batches) < count and size < _BLOCK_BYTES:
            batch = self._next_batch(ends_block=bool(batches))
            if batch is None:
                break
            if batches and not (_stackable(batch) and _form(batch) == _form(batches[0])):
                self._ready.appendleft(batch)
                break
            batches.append(batch)
            size += sum(getattr(part, "nbytes", _BLOCK_BYTES) for part in tf.nest.flatten(batch) if part is not None)
        return self._source.block(batches, self._given) if batches else None

    def _next_batch(self, ends_block: bool) -> Batch | None:
        """The next batch, None at the end; an error waits until the block before it has been used."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._ready:
            return self._ready.popleft()
        try:
            return next(self._ahead, None)
        except Exception as error:
            if not ends_block:
                raise
            self._error = error
            return None

    def close(self) -> None:
        super().close()
        self._source.keep([*self._ready, *self._ahead.close(self._patience)])
        self._ready.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patience = None if kind is None else _PATIENCE
        super().__exit__(kind, error, trace)


class _GeneratorEpoch(_PythonEpoch[GeneratorSource]):
    def close(self) -> None:
        if not self._closed:
            self._source.used(self._given)
        self._closed = True
        super().close()


class _SequenceEpoch(_PythonEpoch[SequenceSource]):
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._source.close()
        super().__exit__(kind, error, trace)
        if kind is None:
            self._source.end_epoch()

    def skip(self, batches: int) -> None:
        self._ahead.skip(batches)
        self._source.has_given = True
        self._given = batches


def _arrays(batch: Batch, name: str) -> Batch:
    return map_leaves(_array, batch, name) if isinstance(batch, (tuple, dict, list)) else _array(batch, name)


def _array(value: Any, name: str) -> Any:
    if isinstance(value, (tf.RaggedTensor, tf.SparseTensor)) or is_scipy_sparse(value):
        return column(value, name)
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return value.numpy()
    array = np.asarray(value) if isinstance(value, (bool, int, float, str, np.generic)) else as_array(value, name)
    return array.astype(floatx(), copy=False) if np.issubdtype(array.dtype, np.floating) else array


def _to_tensor(value: Any) -> Any:
    return tf.constant(value) if isinstance(value, np.ndarray | np.generic | bytes) else value


def _stackable(batch: Batch) -> bool:
    return all(part is None or isinstance(part, np.ndarray | np.generic | bytes) for part in tf.nest.flatten(batch))


def _stack(*parts: Any) -> Any:
    if parts[0] is None:
        return None
    return tf.constant(np.stack(parts) if len(parts) > 1 else np.asarray(parts[0])[None])


def _form(batch: Batch) -> Any:
    """What must be equal in batches that are stacked: structure, shapes and types."""
    return tf.nest.map_structure(lambda part: (np.shape(part), getattr(part, "dtype", type(part))), batch)


def _rows(batch: Batch) -> int | None:
    first = tf.nest.flatten(batch)[0]
    return None if first is None or not len(first.shape) else int(first.shape[0])


def _widened(old: Any, new: Any) -> Any:
    """A type for both, so that batches of many lengths share one program; `new` where there is none."""

    def joined(a: tf.TensorSpec | None, b: tf.TensorSpec | None) -> tf.TensorSpec | None:
        return b if a is None or b is None else a.most_specific_common_supertype([b]) or b

    try:
        return tf.nest.map_structure(joined, old, new)
    except (TypeError, ValueError):
        return new
