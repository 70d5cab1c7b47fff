"""Sequences of several lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """An array `(sequences, maxlen, ...)`: short sequences are filled up, long ones cut.

    Args:
        sequences: a list of sequences of numbers, or of arrays of one shape.
        maxlen: the length of all, that of the longest if None.
        dtype: the type of the elements.
        padding: whether `value` fills the beginning (`"pre"`) or the end (`"post"`).
        truncating: whether the beginning or the end is cut off.
        value: stands where there is nothing.

    Raises:
        ValueError: for something that is no list of sequences, elements of several shapes, or a wrong word.
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f"`{name}` must be 'pre' or 'post'. Received: {name}={word!r}")
    rows = _rows(sequences)
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    inner = next((np.asarray(row).shape[1:] for row in rows if len(row)), ())
    if isinstance(value, str) and np.dtype(dtype).kind in "iuf":
        raise ValueError(f"`value` does not fit `dtype`. Received: value={value!r}, dtype={dtype!r}. Use dtype=object.")
    padded = np.full((len(rows), length, *inner), value, dtype)
    for place, row in enumerate(rows):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        found = np.asarray(kept, dtype)
        if not len(found):
            continue
        if found.shape[1:] != inner:
            raise ValueError(
                f"The elements of all sequences must have the shape {inner}. Received: {found.shape[1:]} at {place}"
            )
        padded[place, slice(-len(found), None) if padding == "pre" else slice(len(found))] = found
    return padded


def _rows(sequences: Any) -> list[Sequence[Any]]:
    if not hasattr(sequences, "__len__") or not all(hasattr(row, "__len__") for row in sequences):
        raise ValueError(f"`sequences` must be a list of sequences. Received: {sequences!r:.100}")
    return list(sequences)
