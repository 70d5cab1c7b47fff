"""From one argument of the user (arrays, frames, lists, dicts of them) to tensors with the rows first.

A structure keeps its keys; lists become tuples, as in tf.keras. NumPy floats become `floatx()`, other types stay.
pandas and SciPy are recognised but never imported.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.settings import floatx

_SCALARS = (bool, int, float, complex, str, bytes, np.generic)
_NUMBERS = (bool, int, float, np.bool_, np.number)
_SHOWN = 8
_ALIGNMENT = 64
_WIDEST = 8
_KINDS = "biufcUS"


def map_leaves(function: Callable[[Any, str], Any], value: Any, name: str, labels: Sequence[str] = ()) -> Any:
    """The structure with `function(leaf, its name)` for each leaf other than None; lists become tuples."""
    if isinstance(value, Mapping):
        return {key: map_leaves(function, part, f"{name}[{key!r}]") for key, part in value.items()}
    if isinstance(value, (list, tuple)) and value and not is_rows(value):
        shown = labels if len(labels) == len(value) else [""] * len(value)
        parts = [
            map_leaves(function, part, f"{name}[{i}]" + (f" ({label})" if label else ""))
            for i, (part, label) in enumerate(zip(value, shown, strict=True))
        ]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return None if value is None else function(value, name)


def is_rows(value: Any) -> bool:
    """Whether a list is one array written out, `[1, 2]` or `[[1, 2], [3, 4]]`, and no list of arrays."""
    while isinstance(value, (list, tuple)):
        value = next((part for part in value if part is not None), None)
    return isinstance(value, _SCALARS) or getattr(value, "shape", None) == ()


def column(value: Any, name: str) -> Any:
    """One tensor (or ragged or sparse tensor) of at least one axis.

    Raises:
        ValueError: if `value` is no array, has no rows axis, or holds something that is no number and no string.
    """
    if isinstance(value, tf.Variable):
        value = value.read_value()
    if isinstance(value, (tf.RaggedTensor, tf.SparseTensor)):
        return value
    if is_scipy_sparse(value):
        return _sparse(value)
    if not isinstance(value, tf.Tensor):
        value = _tensor(as_array(value, name), name, as_it_is=_is_pandas(value, "DataFrame"))
    if value.shape.rank == 0:
        raise ValueError(f"`{name}` must have an axis of rows. Received: {name}={value.numpy()!r}, a single number.")
    return value


def as_array(value: Any, name: str) -> np.ndarray:
    """A NumPy array of numbers or strings; a pandas series has the shape (rows, 1), a frame (rows, columns)."""
    if _is_pandas(value, "DataFrame"):
        return _frame_array(value, name)
    if _is_pandas(value, "Series"):
        gaps = not isinstance(value.dtype, np.dtype) and value.isna().any()
        return _plain(value.to_numpy(dtype=object) if gaps else value.to_numpy(), name)[:, None]
    if isinstance(value, (list, tuple)):
        return _plain(_written_out(value, name), name)
    if isinstance(value, np.ndarray) or (hasattr(value, "__array__") and not isinstance(value, np.generic)):
        return _plain(np.asarray(value), name)
    raise ValueError(
        f"`{name}` must be arrays, tensors, pandas frames, lists of numbers, or a list or dict of these;\n"
        "or, for all of x and y together, a tf.data.Dataset, a generator or a keras.utils.Sequence.\n"
        f"Received: {name}={_short(value)} of type {type(value).__name__}"
    )


def rows_of(value: Any) -> int:
    """Number of rows of an array, a tensor, a frame or a list."""
    shape = getattr(value, "shape", None)
    return len(value) if shape is None else int(shape[0])


def check_cardinality(sizes: Iterable[tuple[str, int]], argument: str) -> int:
    """The number of rows that all columns share.

    Raises:
        ValueError: if they differ, there is none, or they are empty.
    """
    named = list(sizes)
    counts = {size for _, size in named}
    if len(counts) > 1:
        listed = ", ".join(f"{name}: {size}" for name, size in named[:_SHOWN]) + (", ..." if named[_SHOWN:] else "")
        raise ValueError(
            "Data cardinality is ambiguous: all arrays must have the same number of rows.\n"
            f"Received: {listed}\nPass arrays with one row per sample."
        )
    if not counts:
        raise ValueError(f"`{argument}` must not be empty. Received: {argument} without an array.")
    if 0 in counts:
        raise ValueError(f"`{argument}` is empty. Received: {named[0][0]} with 0 rows. Pass at least one row.")
    return counts.pop()


def is_scipy_sparse(value: Any) -> bool:
    """Whether `value` is a SciPy sparse matrix or array."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _is_pandas(value: Any, kind: str) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, getattr(pandas, kind))


def _tensor(array: np.ndarray, name: str, as_it_is: bool) -> tf.Tensor:
    """The array as a tensor, floats as `floatx()`; a frame's stay as they are, as in tf.keras."""
    dtype = array.dtype if as_it_is or array.dtype.kind != "f" else np.dtype(floatx())
    shared = dtype.kind in "iuf" and dtype.isnative and dtype.itemsize <= _WIDEST
    if shared and not tf.config.list_physical_devices("GPU"):
        return _copied(array, dtype)
    try:
        return tf.constant(array, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must hold numbers or strings. Received: {name} with dtype={array.dtype}\nConvert it first."
        ) from error


def _copied(array: np.ndarray, dtype: np.dtype) -> tf.Tensor:
    """A tensor over a copy of the array, made and converted in one pass: a third of the time that TensorFlow takes.

    TensorFlow's kernels require memory aligned to 64 bytes, which NumPy does not promise.
    """
    memory = np.empty(array.size * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy = memory[start : start + array.size * dtype.itemsize].view(dtype).reshape(array.shape)
    np.copyto(copy, array, casting="unsafe")
    return tf.experimental.dlpack.from_dlpack(copy.__dlpack__())


def _plain(array: np.ndarray, name: str) -> np.ndarray:
    """The array with a dtype that TensorFlow has, an object array turned into numbers or strings."""
    if array.dtype != object:
        return array
    kinds = {_kind(value) for value in array.flat}
    if kinds <= {"number"}:
        return np.array(array.tolist())
    if kinds != {"string"}:
        row, value = _first_bad(array, "string" if _kind(array.flat[0]) == "string" else "number")
        raise ValueError(
            f"`{name}` must hold numbers only or strings only.\n"
            f"Received: {name} with {_short(value)} of type {type(value).__name__} in row {row}"
        )
    return array


def _first_bad(array: np.ndarray, wanted: str) -> tuple[int, Any]:
    for index in np.ndindex(array.shape):
        if _kind(array[index]) != wanted:
            return index[0] if index else 0, array[index]
    raise AssertionError("an array of several kinds has a row of another kind")


def _kind(value: Any) -> str:
    if isinstance(value, _NUMBERS):
        return "number"
    return "string" if isinstance(value, (str, bytes)) else "other"


def _frame_array(frame: Any, name: str) -> np.ndarray:
    """The frame as one array; strings only when all columns hold strings."""
    array = frame.to_numpy()
    if array.dtype.kind in _KINDS:
        return array
    for place, label in enumerate(frame.columns):
        _plain(frame.iloc[:, place].to_numpy(dtype=object), f"{name}[{label!r}]")
    kinds = {label: _kind(frame.iloc[0, place]) for place, label in enumerate(frame.columns) if len(frame)}
    if len(set(kinds.values())) > 1:
        label = next(label for label, kind in kinds.items() if kind == "string")
        raise ValueError(
            f"`{name}` must hold numbers only or strings only.\n"
            f"Received: {name}[{label!r}] with {_short(frame[label].iloc[0])} in row 0 beside columns of numbers.\n"
            "Pass a dict of columns, or encode the strings as numbers."
        )
    return _plain(array, name)


def _written_out(rows: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(rows)
    except ValueError as error:
        lengths = [np.shape(row)[0] if np.ndim(row) else 0 for row in map(_loose, rows)]
        row = next((i for i, length in enumerate(lengths) if length != lengths[0]), 0)
        raise ValueError(
            f"`{name}` must have rows of equal length. "
            f"Received: {name} with {lengths[row]} values in row {row} and {lengths[0]} in row 0.\n"
            "Pad the rows, or pass tf.ragged.constant(...)."
        ) from error


def _loose(row: Any) -> np.ndarray:
    return np.asarray(row, dtype=object) if not isinstance(row, (list, tuple)) else np.empty(len(row), dtype=object)


def _sparse(matrix: Any) -> tf.SparseTensor:
    listed = matrix.tocoo()
    values = listed.data.astype(floatx()) if np.issubdtype(listed.data.dtype, np.floating) else listed.data
    indices = np.stack([listed.row, listed.col], axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, values, listed.shape))


def _short(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "..."
