"""Arrays, tensors, frames and lists: columns that lie on the device, gathered batch by batch inside the program."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.data_sources.blocks import FRESH, WHOLE, Batch, Block, Epoch, Run, Source, pack_x_y_sample_weight, type_of
from kerasish.data_sources.columns import check_cardinality, column, is_rows, map_leaves, rows_of
from kerasish.data_sources.order import new_seed, row_order
from kerasish.data_sources.weights import class_weighting, complete_weights


class Gathered:
    """Batch `i` of `(columns, order, batch_size, start)`: the rows `order[(start + i) * batch_size : ...]`.

    Rows are picked by gathering only, so that XLA compiles one program for all starts. A `batch_size` that is a Python
    integer gives exactly that many rows, which the caller must know to be there; a tensor gives a short last batch.
    """

    drawn = False

    def batch(self, arguments: tuple, i: tf.Tensor) -> Batch:
        """The columns' rows of batch `start + i`."""
        columns, order, batch_size, start = arguments
        first = (start + i) * batch_size
        if isinstance(batch_size, int):
            places = first + tf.range(batch_size, dtype=tf.int64)
        else:
            places = tf.range(first, tf.minimum(first + batch_size, tf.size(order, out_type=tf.int64)))
        rows = tf.gather(order, places)
        return tf.nest.map_structure(lambda column: None if column is None else tf.gather(column, rows), columns)


GATHERED = Gathered()
_ORDER, _NUMBER = tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)


class ArraySource(Source):
    """Batches of columns with one row per sample; `columns` is the structure `(x, y, sample_weight)`, packed.

    Epochs of `steps` batches follow one another through the rows: where one stops the next goes on, with a new order
    whenever all rows have been visited. `epochs` times the rows is what there is. Without `steps` each epoch visits
    all rows.
    """

    unit = "samples"

    def __init__(
        self, columns: Batch, rows: int, run: Run, *, batch_size: int | None = None, shuffle: bool | str = False
    ) -> None:
        super().__init__(run)
        self.samples = self._rows = rows
        self.batch_size = self._batch_rows = batch_size or default_batch_size(rows, self.steps)
        self.pass_batches = math.ceil(rows / self.batch_size)
        self.batches = self.steps or self.pass_batches
        self.columns = columns
        self._shuffle = shuffle
        self._seed = new_seed() if shuffle else 0
        self._order: tf.Tensor | None = None
        self._position = self._passes = 0
        self.element_type = type_of(columns)

    @property
    def element_spec(self) -> Any:
        """The columns' types, the number of rows left open."""
        return self.element_type

    def first_batch(self) -> Batch:
        """The first rows as they were given, at most `batch_size`."""
        order = tf.range(self._rows, dtype=tf.int64)
        zero = tf.constant(0, tf.int64)
        return GATHERED.batch((self.columns, order, tf.constant(self._batch_rows, tf.int64), zero), zero)

    def epoch(self, index: int) -> Epoch:
        """An epoch of `steps` batches that goes on where the last one stopped, or of all rows in a new order."""
        if index == 0:
            self.ran_out = False
        if index == 0 or self.steps is None or self._order is None:
            self._position, self._passes = self.pass_batches, index if self.steps is None else 0
        return _ArrayEpoch(self, index, self.batches)

    def draw(self, count: int, first: int, equal: bool) -> Block | None:
        """A block of at most `count` batches within one order of the rows; if `equal`, all have as many rows."""
        if not equal and self.batches == self.pass_batches == 1 and not self._shuffle:
            self._position, self._passes = 1, self._passes + 1
            return Block((self.columns,), WHOLE, first, 1, (self.element_type,), self._rows)
        if self._position >= self.pass_batches:
            if self.steps is not None and self._passes >= self.epochs:
                return None
            self._begin_pass()
        start, size, rows = self._position, self._batch_rows, self._rows
        steps = min(count, self.pass_batches - start)
        if equal:
            steps = min(steps, rows // size - start) or 1
        self._position += steps
        samples = min((start + steps) * size, rows) - start * size
        arguments = (self.columns, self._order, tf.constant(size, tf.int64), tf.constant(start, tf.int64))
        return Block(arguments, GATHERED, first, steps, (self.element_type, _ORDER, _NUMBER, _NUMBER), samples)

    def _begin_pass(self) -> None:
        self._passes += 1
        self._position = 0
        if self._shuffle or self._order is None:
            self._set_order()

    def _set_order(self) -> None:
        order = row_order(self._rows, self._batch_rows, self._shuffle, self._seed, self.first + self._passes)
        self._order = tf.constant(order, tf.int64)

    def position(self) -> dict[str, Any]:
        """The seed of the orders, the passes begun, and the place in the last one."""
        return {"seed": self._seed, "passes": self._passes, "place": self._position}

    def seek(self, position: dict[str, Any]) -> None:
        """Makes the order of that pass anew."""
        self._seed, self._passes, self._position = (int(position[name]) for name in ("seed", "passes", "place"))
        if self._passes:
            self._set_order()


class _ArrayEpoch(Epoch[ArraySource]):
    def _draw(self, count: int, equal: bool) -> Block | None:
        return self._source.draw(count, self._given, equal)


def default_batch_size(rows: int, steps: int | None) -> int:
    """Rows of a batch when the user names none: 32, or what makes `steps` batches of all rows."""
    return math.ceil(rows / steps) if steps and steps > 0 else 32


def convert(
    x: Any, y: Any = None, sample_weight: Any = None, *, argument: str = "x", class_weight: Any = None,
    input_names: Sequence[str] = (), output_names: Sequence[str] = (),
) -> tuple[Any, Any, Any, int]:
    """The tensors of x, y and sample_weight, class weights multiplied in, and their common number of rows.

    Raises:
        ValueError: if a column is no array, the numbers of rows differ, or there are no rows.
    """
    names = [f"{argument}[{i}]" for i in range(3)] if argument == "validation_data" else ["x", "y", "sample_weight"]
    labels = (input_names, output_names, output_names)
    sizes: list[tuple[str, int]] = []

    def converted(leaf: Any, name: str) -> Any:
        made = column(leaf, name)
        sizes.append((name, rows_of(made)))
        return made

    x, y, sample_weight = (
        None if part is None else map_leaves(converted, part, name, label)
        for part, name, label in zip((x, y, sample_weight), names, labels, strict=True)
    )
    rows = check_cardinality(sizes, argument)
    if sample_weight is not None:
        sample_weight = complete_weights(sample_weight, rows)
    if class_weight:
        x, y, sample_weight = class_weighting(class_weight, names[1], output_names)(x, y, sample_weight)
    return x, y, sample_weight, rows


def single_batch(
    x: Any, y: Any = None, sample_weight: Any = None, *, argument: str = "x", class_weight: Any = None,
    output_names: Sequence[str] = (),
) -> tuple:  # fmt: skip
    """All rows as one batch `(x,)`, `(x, y)` or `(x, y, sample_weight)`, for train_on_batch and its like."""
    x, y, sample_weight, _ = convert(
        x, y, sample_weight, argument=argument, class_weight=class_weight, output_names=output_names
    )
    batch = pack_x_y_sample_weight(x, y, sample_weight)
    return (x,) if y is None else batch


def split(x: Any, y: Any, sample_weight: Any, fraction: float) -> tuple[tuple, tuple]:
    """`(x, y, sample_weight)` without the last rows, and those of the last rows: `fraction` of them, unshuffled.

    Raises:
        ValueError: if `fraction` is not in [0, 1), leaves one part without rows, or the input is not made of arrays.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.number)) or not 0 <= fraction < 1:
        raise ValueError(
            "`validation_split` must be a number from 0 to less than 1.\n"
            f"Received: validation_split={fraction!r}. Use 0.2 to hold back the last fifth of the rows."
        )
    sizes: list[tuple[str, int]] = []
    parts = (x, y, sample_weight)
    for part, name in zip(parts, ("x", "y", "sample_weight"), strict=True):
        map_leaves(lambda leaf, of: sizes.append((of, _splittable_rows(leaf, of))), part, name)
    rows = check_cardinality(sizes, "x")
    kept = int(math.floor(rows * (1.0 - fraction)))
    if kept in (0, rows) and fraction:
        raise ValueError(
            f"`validation_split` must leave rows on both sides. Received: validation_split={fraction!r} "
            f"for {rows} rows.\nPass more rows or another fraction."
        )
    return _slice(parts, 0, kept), _slice(parts, kept, rows)


def _splittable_rows(leaf: Any, name: str) -> int:
    if not (is_rows(leaf) or hasattr(leaf, "shape")):
        raise ValueError(
            "`validation_split` works on arrays, tensors, frames and lists of numbers only.\n"
            f"Received: {name} of type {type(leaf).__name__}. Pass validation_data instead."
        )
    return rows_of(leaf) if not hasattr(leaf, "shape") or len(leaf.shape) else 1


def _slice(parts: tuple, start: int, stop: int) -> tuple:
    def rows(leaf: Any, _: str) -> Any:
        if isinstance(leaf, tf.SparseTensor):
            shape = leaf.dense_shape
            begin = tf.concat([[start], tf.zeros_like(shape[1:])], 0)
            return tf.sparse.slice(leaf, begin, tf.concat([[stop - start], shape[1:]], 0))
        return leaf.iloc[start:stop] if hasattr(leaf, "iloc") else leaf[start:stop]

    return tuple(map_leaves(rows, part, "x") for part in parts)


def one_block(batch: Batch, fresh: bool = False) -> Block:
    """A block of one batch that already lies in tensors; `fresh` sets the metrics back before it."""
    return Block((batch,), FRESH if fresh else WHOLE, 0, 1, (type_of(batch),))
