"""HDF5 files, opened and read with distrust: no link is followed, nothing outside of the file is read, and nothing is
read whose size the file only declares.

Source: the HDF5 file format; long lists of names in pieces as tf.keras 2 writes them.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.saving.hdf5_heaps import SIGNATURE, Watched
from kerasish.saving.replacement import begin_flush, recover, replaced_file

_LONGEST_ATTRIBUTE = 64512
_LARGEST_TEXT = 64 * 2**20
_SMALL, _LARGEST_RATIO = 2**20, 1000
_PIECE = 2**22
_LEAST_SHARED = 2**16  # bytes of values that are worth the trouble of not copying them
_ALIGNMENT = 64  # of memory that TensorFlow takes as it is
_watched: dict[str, Watched] = {}  # the files that are open, by the names that h5py has for them


def is_hdf5(path: str) -> bool:
    """Whether the file begins as HDF5 files do."""
    with open(path, "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def is_open_group(target: Any) -> bool:
    """Whether a user gave an open file of h5py, or a group within one, instead of a path."""
    return type(target).__module__.startswith("h5py.")


class _Steady(io.FileIO):
    """A part of a file, from a place to the end, as if it were a whole file.

    It takes what it cannot write too, and keeps the first error: HDF5 never closes a file that fails.
    """

    error: OSError | None = None

    def __init__(self, path: str, mode: str, start: int):
        super().__init__(path, mode)
        self._start = start
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The place in the part."""
        return super().seek(offset + (self._start if whence == os.SEEK_SET else 0), whence) - self._start

    def tell(self) -> int:
        """The place in the part."""
        return super().tell() - self._start

    def write(self, content: Any) -> int:
        """The number of bytes, as if all were written."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while rest and self.error is None:
                place, written = super().tell(), super().write(rest[:_PIECE])
                rest = rest[written:]
                if size >= _PIECE:
                    begin_flush(self.fileno(), place, written)  # so that there is less to wait for at the end
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """The size asked for, as if the part had it; HDF5 makes room for its data so."""
        size = self.tell() if size is None else size
        try:
            super().truncate(self._start + size)
        except OSError as error:
            self.error = self.error or error
        return size


@contextmanager
def written(target: Any) -> Iterator[Any]:
    """A file to write to that takes the place of the path at the end; a group that the user opened is itself."""
    if is_open_group(target):
        yield target
        return
    with replaced_file(target) as new:
        open(new, "xb").close()
        with made(new) as file:
            yield file


@contextmanager
def made(path: str, start: int = 0) -> Iterator[Any]:
    """A new HDF5 file from the place `start` to the end of the file at the path, which nothing guards."""
    import h5py

    with _Steady(path, "r+b", start) as disk:
        with h5py.File(disk, "w") as file:
            yield file
        if disk.error is not None:
            raise disk.error


@contextmanager
def opened(target: Any, name: str | None = None) -> Iterator[Any]:
    """The file at the path, open for reading; a group that the user opened is itself.

    Args:
        target: the path or group.
        name: how messages call the file, if not by its path.

    Raises:
        FileNotFoundError: if there is no file.
        OSError: if it is damaged.
    """
    if is_open_group(target):
        yield target
        return
    import h5py

    recover(target)
    if not os.path.exists(target):
        raise FileNotFoundError(f"There is no file {target!r}.")
    with Watched(target, name or target) as disk:
        _watched[repr(disk)] = disk
        try:
            with h5py.File(disk, "r") as file:
                yield file
        except (OSError, RuntimeError, KeyError) as error:  # h5py's words for one and the same
            if isinstance(error, FileNotFoundError):
                raise
            reason = " ".join(str(error).splitlines()[:1])[:300]
            reason = "a heap of texts in it is damaged." if disk.is_damaged else reason
            raise OSError(f"The HDF5 file {disk.told!r} cannot be read: {reason}") from error
        finally:
            del _watched[repr(disk)]


def name_of(group: Any) -> str:
    """How messages call the file of a group."""
    name = os.fsdecode(group.file.filename)
    return repr(_watched[name].told if name in _watched else name)


def member(group: Any, name: str) -> Any:
    """The member of that name, None if there is none, reached over plain members only: a link could lead to any file.

    Raises:
        ValueError: if a link is on the way.
    """
    import h5py

    for part in name.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{name_of(group)} is not laid out as tf.keras 2 does it: {name!r} is a link.")
        group = group[part]
    return group


def inside(group: Any, name: str) -> Any:
    """The member of that name.

    Raises:
        ValueError: if it is missing, or a link is on the way.
    """
    found = member(group, name)
    if found is None:
        raise ValueError(f"{name_of(group)} is not laid out as tf.keras 2 does it: {name!r} is missing.")
    return found


def array(group: Any, name: str) -> Any:
    """The data set of that name, unread: a plain array of numbers whose values lie within the file.

    Raises:
        ValueError: if it is something else, or is declared to be far larger than what the file holds of it.
    """
    found = inside(group, name)
    plain = hasattr(found, "dtype") and not found.external and not found.is_virtual
    if not plain or found.dtype.kind not in "fiubc":
        raise ValueError(f"{name!r} in {name_of(group)} is not a plain array of numbers within the file.")
    if found.nbytes > max(_SMALL, _LARGEST_RATIO * found.id.get_storage_size()):
        raise ValueError(
            f"{name!r} in {name_of(group)} is declared to have {found.nbytes} bytes, of which the file holds "
            f"{found.id.get_storage_size()}. It was not read."
        )
    return found


def values(dataset: Any, variable: tf.Variable) -> Any:
    """The values of a data set for a variable, which takes the memory over where it can."""
    disk = _watched.get(os.fsdecode(dataset.file.filename))
    with contextlib.nullcontext() if disk is None else disk.values():
        if dataset.nbytes < _LEAST_SHARED or dataset.dtype != variable.dtype.as_numpy_dtype:
            return dataset[()]
        memory = np.empty(dataset.nbytes + _ALIGNMENT, "uint8")
        start = -memory.ctypes.data % _ALIGNMENT
        array = memory[start : start + dataset.nbytes].view(dataset.dtype).reshape(dataset.shape)
        dataset.read_direct(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__()) if dataset.dtype.kind in "fiu" else array


def written_values(variable: tf.Variable) -> np.ndarray:
    """The values of a variable for a data set, in the very memory where they are if NumPy can read it."""
    try:
        return np.asarray(memoryview(variable.value()))
    except (BufferError, TypeError, ValueError):
        return variable.numpy()


def numbers(group: Any, attribute: str, below: int) -> list[int] | None:
    """An attribute that is a list of numbers from 0 to `below`, None if there is none of the name.

    Raises:
        ValueError: if it is something else.
    """
    if attribute not in group.attrs:
        return None
    _check_size(group, attribute)
    found = np.ravel(group.attrs[attribute])
    if found.dtype.kind not in "iu" or any(not 0 <= number < below for number in found):
        raise ValueError(f"The attribute {attribute!r} of {name_of(group)} is no list of numbers below {below}.")
    return [int(number) for number in found]


def text(group: Any, attribute: str) -> str | None:
    """An attribute that is one text, None if there is none of the name.

    Raises:
        ValueError: if it is something else, or longer than any configuration.
    """
    if attribute not in group.attrs:
        return None
    _check_size(group, attribute)
    value = group.attrs[attribute]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise ValueError(f"The attribute {attribute!r} of {name_of(group)} is no text.")
    return value


def write_text(group: Any, attribute: str, value: str) -> None:
    """Writes a text as an attribute; HDF5 keeps it apart from the others, so that it may be long."""
    import h5py

    group.attrs.create(attribute, value.encode(), dtype=h5py.string_dtype())


def names(group: Any, attribute: str) -> list[str]:
    """A list of names, which may be in pieces.

    Raises:
        ValueError: if it is something else.
    """
    keys = [attribute] if attribute in group.attrs else (f"{attribute}{number}" for number in itertools.count())
    found: list[Any] = []
    for key in itertools.takewhile(group.attrs.__contains__, keys):
        _check_size(group, key)
        found.extend(np.ravel(group.attrs[key]))
    if not all(isinstance(name, (bytes, str)) for name in found):
        raise ValueError(f"The attribute {attribute!r} of {name_of(group)} is no list of names.")
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in found]


def has_names(group: Any, attribute: str) -> bool:
    """Whether there is such a list of names."""
    return attribute in group.attrs or f"{attribute}0" in group.attrs


def write_names(group: Any, attribute: str, values: Sequence[str]) -> None:
    """A list of names as an attribute, in pieces if it is too long for one."""
    encoded = [value.encode() for value in values]
    pieces = 1
    while any(np.asarray(part).nbytes > _LONGEST_ATTRIBUTE for part in np.array_split(np.asarray(encoded), pieces)):
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = encoded
        return
    for number, part in enumerate(np.array_split(np.asarray(encoded), pieces)):
        group.attrs[f"{attribute}{number}"] = part


def free_place(group: Any, name: str) -> str:
    """The name, or one made from it, under which a new data set can be written into the group."""
    import h5py

    def taken(place: str) -> bool:
        parts = place.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return place in group or any(isinstance(group.get(part), h5py.Dataset) for part in above)

    tries = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(1)))
    return next(place for place in tries if not taken(place))


def _check_size(group: Any, attribute: str) -> None:
    stored = group.attrs.get_id(attribute)
    size = math.prod(stored.shape or ()) * stored.get_type().get_size()
    if size > _LARGEST_TEXT:
        raise ValueError(f"The attribute {attribute!r} of {name_of(group)} is too long: {size} bytes.")
