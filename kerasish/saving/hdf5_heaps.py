"""The heaps of an HDF5 file in which texts lie, checked before the HDF5 library reads them.

The library takes the next object of a heap to lie as far on as the present one says it is large, for ever if that is 0.

Source: HDF5 File Format Specification, "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

_BEGIN = b"GCOL\x01\x00\x00\x00"
_SMALLEST = 4096


def is_readable(path: str) -> bool:
    """Whether the library comes to the end of every heap in the file."""
    if os.path.getsize(path) == 0:
        return True
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        length = content[14] if content[8:9] < b"\x02" else content[10]  # bytes of a size, by the file's version
        if length not in (2, 4, 8, 16, 32):
            return True  # no HDF5 file, as the library will say
        return all(_has_end(content, start, length) for start in _starts(content))


def _starts(content: mmap.mmap) -> Iterator[int]:
    place = content.find(_BEGIN)
    while place >= 0:
        yield place
        place = content.find(_BEGIN, place + 1)


def _has_end(content: mmap.mmap, start: int, length: int) -> bool:
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
