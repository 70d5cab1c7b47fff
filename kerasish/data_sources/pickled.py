"""Arrays, lists, dictionaries, texts and numbers out of pickles; a pickle that names anything else is refused.

Nothing that a pickle names is imported or called: the three names with which NumPy writes an array stand for the
classes below, which check sizes before they make the array.
"""

from __future__ import annotations

import io
import math
import pickle
import re
import zipfile
from typing import Any, BinaryIO

import numpy as np


def unpickled(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """What the pickle holds.

    Args:
        file: where it begins.
        encoding: that of Python 2's texts, `"bytes"` to leave them bytes.

    Raises:
        ValueError: if it names a class or a function other than those of NumPy's arrays, or is damaged.
    """
    try:
        return _with_arrays(_PlainUnpickler(file, encoding=encoding).load())
    except (pickle.UnpicklingError, EOFError, TypeError, AttributeError, IndexError, KeyError, MemoryError) as error:
        raise ValueError(f"the pickle is damaged, or holds more than arrays and lists: {error}") from error


def read_npz(path: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file by name; arrays of objects may hold lists, texts and numbers.

    Raises:
        ValueError: if the file is damaged or holds other objects; says which file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _read_npy(archive, name) for name in archive.namelist()}
    except (ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"{path} cannot be read as arrays: {error}") from error


def _read_npy(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    content = io.BytesIO(archive.read(name))
    version = np.lib.format.read_magic(content)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content)
    if not dtype.hasobject:
        content.seek(0)
        return np.lib.format.read_array(content, allow_pickle=False)
    found = unpickled(content)
    if not isinstance(found, np.ndarray) or found.shape != shape:
        raise ValueError(f"{name} announces an array of the shape {shape} and holds something else")
    return found


class _Array:
    """An array as a pickle builds it: made empty, then given its state."""

    def __init__(self, *_: Any) -> None:
        self.array = np.zeros(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, kind, fortran, content = state[-4:]
        if kind.dtype.hasobject:
            flat = np.empty(len(content), object)
            for place, value in enumerate(content):
                flat[place] = value
        else:
            flat = np.frombuffer(content.encode("latin1") if isinstance(content, str) else content, kind.dtype).copy()
        if math.prod(shape) != flat.size:
            raise pickle.UnpicklingError(f"an array of the shape {shape} has {flat.size} elements")
        self.array = flat.reshape(shape, order="F" if fortran else "C")


class _Type:
    """The type of an array's elements as a pickle builds it: a code, then the order of the bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not re.fullmatch(r"O8?|[biuf][1248]|[SU]\d{1,6}", code):
            raise pickle.UnpicklingError(f"arrays of the type {code!r} are not read")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


def _encoded(text: str, encoding: str) -> bytes:
    """Bytes as Python 3 writes them for older readers."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r} are not read")
    return text.encode("latin1")


_ARRAY_CLASS = "the class of arrays"  # named by a pickle as an argument only
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _ARRAY_CLASS,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None


def _with_arrays(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {key: _with_arrays(inner) for key, inner in value.items()}
    return value
