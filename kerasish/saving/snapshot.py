"""A nested state of plain values and arrays as one file that is replaced whole and read without running anything.

The file is an uncompressed zip archive: `state.json`, in which each array is a number, and the arrays' bytes under
those numbers. Sizes are compared before anything is read, the archive's checksums tell damage.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

from kerasish.saving.replacement import is_remote, recover, replaced_file

_STATE = "state.json"
_ARRAY = "__array__"


def write(path: str, state: Mapping[str, Any]) -> None:
    """Writes the state: numbers, texts, None, lists, dicts with texts as keys, arrays and tensors.

    Raises:
        TypeError: for anything else, naming the place.
        OSError: if it cannot be written; what was there before is unchanged.
    """
    arrays: list[np.ndarray] = []
    tree = _plain(state, arrays, "")
    described = [[array.dtype.name, list(array.shape)] for array in arrays]
    with replaced_file(path) as new:
        if not is_remote(path):
            with open(new, "wb") as file:
                _write(file, {"state": tree, "arrays": described}, arrays)
            return
        buffer = io.BytesIO()
        _write(buffer, {"state": tree, "arrays": described}, arrays)
        with tf.io.gfile.GFile(new, "wb") as remote:
            remote.write(buffer.getvalue())


def read(path: str) -> dict[str, Any] | None:
    """The state in the file, or None if there is no such file. Tuples come back as lists.

    Raises:
        OSError: if the file is damaged or none of these.
    """
    recover(path)
    if not tf.io.gfile.exists(path):
        return None
    try:
        with tf.io.gfile.GFile(path, "rb") if is_remote(path) else open(path, "rb") as file:
            source = io.BytesIO(file.read()) if is_remote(path) else file
            with zipfile.ZipFile(source) as archive:
                found = json.loads(_member(archive, _STATE))
                arrays = [_array(archive, number, *about) for number, about in enumerate(found["arrays"])]
                return dict(_rebuilt(found["state"], arrays))
    except (zipfile.BadZipFile, tf.errors.OpError, OSError, ArithmeticError, LookupError, RuntimeError, TypeError,
            ValueError) as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise OSError(
            f"The file {path!r} is damaged or was not written by a backup: {reason[0][:200]}\n"
            "Put back an undamaged copy, or delete it to start anew."
        ) from error


def _write(file: BinaryIO, about: dict[str, Any], arrays: list[np.ndarray]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_STATE, json.dumps(about))
        for number, array in enumerate(arrays):
            archive.writestr(str(number), np.ascontiguousarray(array).tobytes())


def _plain(value: Any, arrays: list[np.ndarray], place: str) -> Any:
    """The value as JSON has it, with the arrays put into the list and their numbers in their places."""
    if value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, Mapping) and _ARRAY not in value and all(isinstance(key, str) for key in value):
        return {key: _plain(part, arrays, f"{place}/{key}") for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part, arrays, f"{place}/{index}") for index, part in enumerate(value)]
    if isinstance(value, (np.ndarray, np.generic, tf.Tensor, tf.Variable)):
        array = np.asarray(value)
        if array.dtype.kind not in "OSUMmV" or tf.as_dtype(array.dtype).is_floating:
            arrays.append(array)
            return {_ARRAY: len(arrays) - 1}
    raise TypeError(
        f"A state must be made of numbers, texts, None, lists, dicts with texts as keys, and arrays of numbers.\n"
        f"Received: {place.strip('/')}={value!r:.200} of type {type(value).__name__}"
    )


def _rebuilt(tree: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(tree, dict):
        return arrays[tree[_ARRAY]] if _ARRAY in tree else {key: _rebuilt(part, arrays) for key, part in tree.items()}
    return [_rebuilt(part, arrays) for part in tree] if isinstance(tree, list) else tree


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    about = archive.getinfo(name)
    if about.compress_type != zipfile.ZIP_STORED or about.compress_size != about.file_size:
        raise ValueError(f"{name!r} is compressed")
    return archive.read(about)


def _array(archive: zipfile.ZipFile, number: int, dtype: str, shape: list[int]) -> np.ndarray:
    kind = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    count = 1
    for size in shape:
        count *= int(size)
    if kind.kind == "O" or archive.getinfo(str(number)).file_size != count * kind.itemsize:
        raise ValueError(f"array {number} does not have the size that it should have")
    return np.frombuffer(bytearray(_member(archive, str(number))), kind).reshape(shape)
