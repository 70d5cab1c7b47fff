"""What every source of batches gives to the training loop: epochs, and in them blocks of batches.

A block says with which tensors the compiled program is called (`arguments`), how batch `i` is taken from them inside
the program (`take`), and with which sizes left open the program is to be traced so that it serves all blocks (`specs`).
"""
from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import tensorflow as tf

Batch = Any
"""What `train_step` is given: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""


class Take(Protocol):
    """How a batch is taken from a block's arguments, eagerly or inside a graph; one object per way, hashable."""

    drawn: bool
    """True: `batch` returns a `tf.experimental.Optional`, without a value once the iterator has ended."""

    def batch(self, arguments: tuple, i: tf.Tensor) -> Any:
        """Batch `i` of the block, `0 <= i < steps`."""


class Whole:
    """The one batch of a block: tensors that are a batch already, among them those that cannot be stacked."""

    drawn = False

    def batch(self, arguments: tuple, i: tf.Tensor) -> Batch:
        """The batch, whatever `i`."""
        return arguments[0]


WHOLE = Whole()
FRESH = Whole()
"""Likewise, and the metrics start afresh with this batch."""


@dataclass(frozen=True)
class Block:
    """Up to `steps` batches in a row of one epoch, ready for one execution of the program.

    Attributes:
        arguments: what the program is called with.
        take: how a batch comes out of the arguments.
        first: index of the block's first batch within the epoch.
        steps: number of batches; of a drawn block, at most so many.
        specs: type of `arguments`, with the sizes open that differ from block to block.
        samples: rows of all its batches together, None when they are not known before.
    """

    arguments: tuple
    take: Take
    first: int
    steps: int
    specs: tuple
    samples: int | None = None


@dataclass(frozen=True)
class Run:
    """What a source is opened for: `epochs` epochs of `steps` batches, or of all batches there are.

    `argument` and `steps_argument` are the names that messages use; `steps=-1` asks for an endless epoch; `first` is
    how many epochs other runs have done before.
    """

    argument: str = "x"
    steps: int | None = None
    steps_argument: str = "steps"
    epochs: int = 1
    first: int = 0


class Source(ABC):
    """Batches for any number of epochs.

    Attributes:
        argument: name of the user's argument, for messages.
        steps: number of batches that an epoch was asked to have, None for all.
        epochs: number of epochs that the source was opened for.
        samples: rows of all batches of a pass; None for datasets and generators.
        batches: batches of an epoch, None while they are not known.
        batch_size: rows of a full batch, None when the source decides.
        unit: what a progress bar counts, "samples" or "steps".
        drawn: whether its blocks are drawn from an iterator and may turn out shorter than asked for.
        ran_out: True once an epoch got fewer batches than its `steps`: nothing is left to train on.
        has_given: True once there has been a batch.
        exact: whether nothing random may be drawn ahead of its use, since a run may be resumed within an epoch.
    """

    unit = "steps"
    drawn = False

    def __init__(self, run: Run) -> None:
        self.argument, self.steps_argument, self.epochs = run.argument, run.steps_argument, run.epochs
        self.first = run.first
        self.steps = None if run.steps == -1 else run.steps
        self.samples: int | None = None
        self.batches = self.steps
        self.batch_size: int | None = None
        self.ran_out = False
        self.has_given = False
        self.exact = False
        self._warned = False

    @property
    @abstractmethod
    def element_spec(self) -> Any:
        """The batch structure with a `tf.TensorSpec` for each tensor; the number of rows is left open."""

    @abstractmethod
    def first_batch(self) -> Batch:
        """A batch of real rows, to build a model on or to check; the epochs still give it."""

    @abstractmethod
    def epoch(self, index: int) -> Epoch:
        """Epoch number `index` of this run, a context manager; 0 starts afresh whatever can be started afresh."""

    def position(self) -> dict[str, Any]:
        """Where the next epoch begins, as plain values: what `seek` needs to go there in a new process."""
        return {}

    def seek(self, position: dict[str, Any]) -> None:  # noqa: B027
        """Goes to where another source of the same data was when it gave this `position`."""

    def close(self) -> None:  # noqa: B027
        """Ends what the source keeps from epoch to epoch; another epoch may begin it again."""

    def report_shortage(self, epoch: int, taken: int) -> None:
        """Notes that there are no more batches, and says so once."""
        self.ran_out = True
        if self._warned:
            return
        self._warned = True
        wanted = "" if self.steps is None else f" of {self.steps}"
        tf.get_logger().warning(
            f"The input ran out of data: epoch {epoch + 1} got {taken}{wanted} batches, and there are no more.\n"
            f"`{self.argument}` must give enough for all epochs. Received: {self.steps_argument}={self.steps}.\n"
            f"Repeat the input, or lower {self.steps_argument} or the number of epochs."
        )

    def empty_error(self) -> ValueError:
        """The error for a source without a single batch."""
        return ValueError(
            f"`{self.argument}` is empty: it gives no batch to work on.\n"
            f"Received: {self.argument} with 0 rows or batches. Pass at least one."
        )


AnySource = TypeVar("AnySource", bound=Source)


class Epoch(ABC, Generic[AnySource]):
    """The batches of one epoch, in order; closing it ends what it has opened (iterators, threads)."""

    def __init__(self, source: AnySource, index: int, limit: int | None) -> None:
        self._source, self._index, self._limit = source, index, limit
        self._given = 0
        self._ended = False

    def next(self, count: int, equal: bool = False) -> Block | None:
        """A block of at most `count` further batches, None when the epoch is over.

        With `equal` a short last batch of arrays comes in a block of its own, so that the batches of each block have
        the same number of rows (those of a dataset may still differ).

        Raises:
            ValueError: if the source gives no batch at all.
        """
        if self._limit is not None:
            count = min(count, self._limit - self._given)
        if self._ended or count <= 0:
            return None
        block = self._draw(count, equal)
        if block is None:
            self._end()
        else:
            self._given += block.steps
            self._source.has_given |= not block.take.drawn
        return block

    def taken(self, block: Block, steps: int) -> None:
        """Tells how many batches of a drawn block there really were; fewer than `block.steps` end the epoch.

        The loop calls it after each drawn block.

        Raises:
            ValueError: if the source gives no batch at all.
        """
        self._source.has_given |= steps > 0
        if steps < block.steps:
            self._given -= block.steps - steps
            self._end()

    def skip(self, batches: int) -> None:
        """Leaves out the epoch's first batches, which were used before the run was interrupted."""
        while self._given < batches and self.next(batches - self._given) is not None:
            pass

    def close(self) -> None:
        """Ends what the epoch has opened; it gives no further block."""
        self._ended = True

    @abstractmethod
    def _draw(self, count: int, equal: bool) -> Block | None:
        """The next 1 to `count` batches, None when there are none."""

    def _end(self) -> None:
        """The source has no further batch: that is a shortage unless the epoch may have any length."""
        self._ended = True
        source = self._source
        if not source.has_given:
            raise source.empty_error()
        if self._limit is not None or self._given == 0:
            source.report_shortage(self._index, self._given)
        elif source.batches is None:
            source.batches = self._given

    def __enter__(self) -> Epoch[AnySource]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The batch `x`, `(x, y)` or `(x, y, sample_weight)`; an `x` that is itself a tuple comes as `(x,)`.

    Source: behaviour of `tf.keras.utils.pack_x_y_sample_weight`.
    """
    if y is None:
        return (x,) if isinstance(x, tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The three parts `(x, y, sample_weight)` of a batch, None for those it lacks.

    Raises:
        ValueError: for a tuple or list of another length than 1, 2 or 3.

    Source: behaviour of `tf.keras.utils.unpack_x_y_sample_weight`.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "A batch must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.\n"
            f"Received: a {type(data).__name__} of {len(data)} parts. Put several inputs into one part, `((a, b), y)`."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def relaxed(structure: Any, open_axes: int = 1) -> Any:
    """Type of the tensors in `structure`, with the sizes of their first `open_axes` axes left open."""

    def spec(value: Any) -> Any:
        if not isinstance(value, tf.Tensor):
            return None if value is None else tf.type_spec_from_value(value)
        kept = value.shape[open_axes:].as_list()
        return tf.TensorSpec([None] * (value.shape.rank - len(kept)) + kept, value.dtype)

    return tf.nest.map_structure(spec, structure)


def type_of(batch: Batch) -> Any:
    """`relaxed(batch)`, which for tuples and dicts of tensors is made once: the same object for the same types."""
    kind = _kind(batch)
    return relaxed(batch) if kind is None else _relaxed_kind(kind)


def _kind(batch: Batch) -> Any:
    """Structure, types and sizes without the rows as something hashable, None where there is more to a type."""
    if isinstance(batch, tf.Tensor):
        return batch.dtype, *batch.shape.as_list()[1:]
    if type(batch) not in (tuple, dict):
        return (None,) if batch is None else None
    parts = tuple(_kind(part) for part in (batch.values() if type(batch) is dict else batch))
    return None if None in parts else (type(batch), tuple(batch) if type(batch) is dict else (), parts)


@functools.lru_cache(maxsize=256)
def _relaxed_kind(kind: Any) -> Any:
    if kind[0] is tuple:
        return tuple(_relaxed_kind(part) for part in kind[2])
    if kind[0] is dict:
        return dict(zip(kind[1], map(_relaxed_kind, kind[2]), strict=True))
    return None if kind[0] is None else tf.TensorSpec([None, *kind[1:]], kind[0])
