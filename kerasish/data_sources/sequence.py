"""`keras.utils.Sequence`: the base class of users' indexed batches."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Sequence:
    """Batches by index: `self[i]` returns batch `i` of `len(self)`, as `(x, y)` or `(x, y, sample_weight)`.

    A subclass writes `__getitem__` and `__len__`, and `on_epoch_end` if it wants to change its batches between epochs.
    With several workers `__getitem__` is called from several threads at once; with `use_multiprocessing=True` workers
    are processes, which have copies of the sequence as it is when an epoch begins.

    Source: behaviour of `tf.keras.utils.Sequence`.
    """

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index), which returns a batch.")

    def __len__(self) -> int:
        """Number of batches."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self), the number of batches.")

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        """The batches of one pass, in order."""
        return (self[i] for i in range(len(self)))
