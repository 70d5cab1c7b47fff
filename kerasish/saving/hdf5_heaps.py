"""Files that the HDF5 library reads under watch: the heaps in which texts lie are checked as they come by.

The library takes the next object of a heap to lie as far on as the present one says it is large, for ever if that is 0.
It sees nothing of a file but what `Watched` hands to it; a heap without an end is handed over without its mark, so that
the library takes it for none. The values of arrays, which are most of a file, lie in no heap and are not searched.

Source: HDF5 File Format Specification, "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
from collections.abc import Iterator
from typing import Any

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BEGIN = b"GCOL\x01\x00\x00\x00"
_SMALLEST = 4096  # of a heap, and what the library reads of one first


class Watched(io.FileIO):
    """A file to read.

    Args:
        path: where it lies.
        told: how messages call it.

    Attributes:
        is_damaged: whether a heap without an end was met.
    """

    def __init__(self, path: str, told: str):
        super().__init__(path, "r")
        self.told, self.is_damaged, self._in_values = told, False, False
        empty = os.path.getsize(path) == 0
        self._content = b"" if empty else mmap.mmap(self.fileno(), 0, access=mmap.ACCESS_READ)

    def __repr__(self) -> str:
        return f"watched file {id(self)}"  # which h5py makes the file's name

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer from the present place on; the number of bytes."""
        start, view = self.tell(), memoryview(buffer).cast("B")
        count = 0
        while count < len(view):
            read = super().readinto(view[count:])
            if not read:
                break
            count += read
        if not self._in_values or count <= _SMALLEST:
            self._check(start, view[:count])
        return count

    @contextlib.contextmanager
    def values(self) -> Iterator[None]:
        """A context in which the library reads the values of an array of numbers, and nothing else that is large."""
        self._in_values = True
        try:
            yield
        finally:
            self._in_values = False

    def close(self) -> None:
        """Closes the file."""
        if isinstance(self._content, mmap.mmap):
            self._content.close()
        super().close()

    def _check(self, start: int, read: memoryview) -> None:
        """Blots out the marks of heaps without an end in what was read; a mark may have begun before it."""
        first = max(0, start - len(_BEGIN) + 1)
        around = self._content[first : start + len(read) + len(_BEGIN) - 1]
        place = around.find(_BEGIN)
        while place >= 0:
            if not _has_end(self._content, first + place, self._size_length()):
                self.is_damaged = True
                inside = range(max(0, first + place - start), min(len(read), first + place - start + len(_BEGIN)))
                read[inside.start : inside.stop] = bytes(len(inside))
            place = around.find(_BEGIN, place + 1)

    def _size_length(self) -> int:
        """Bytes of a size, by the version of the header, which begins the file or comes after 512, 1024, ... bytes."""
        place = 0
        while self._content[place : place + len(SIGNATURE)] != SIGNATURE and place < len(self._content):
            place = max(512, 2 * place)
        header = self._content[place : place + 16].ljust(16, b"\0")
        return header[14] if header[8] < 2 else header[10]


def _has_end(content: Any, start: int, length: int) -> bool:
    header = _aligned(8 + length)  # of the heap, and of each object in it
    size = int.from_bytes(content[start + 8 : start + 8 + length], "little")
    end = min(start + max(size, _SMALLEST), len(content))
    place = start + header
    while place + header <= end:
        number = content[place : place + 2]
        size = int.from_bytes(content[place + 8 : place + 8 + length], "little")
        step = size if number == b"\0\0" else header + _aligned(size)  # number 0 is the space that is left
        if step == 0:
            return False
        place += step
    return True


def _aligned(size: int) -> int:
    return -(-size // 8) * 8
