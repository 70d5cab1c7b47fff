"""Objects sent from process to process; the large arrays in them lie in memory that both see and nobody copies.

Only the standard library is needed, so that a worker process can begin with this.
"""
from __future__ import annotations

import itertools
import mmap
import os
import pickle
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

_LARGE = 1 << 16
_ALIGNMENT = 64
_PIECE = 1 << 20


def taken_apart(value: Any, dumps: Callable[..., bytes] = pickle.dumps) -> tuple[bytes, list[memoryview]]:
    """The pickle of a value by `dumps`, and the large arrays that are left out of it, which are the value's own."""
    parts: list[memoryview] = []

    def small(buffer: pickle.PickleBuffer) -> bool:
        part = buffer.raw()
        if part.nbytes >= _LARGE:
            parts.append(part)
        return part.nbytes < _LARGE

    return dumps(value, protocol=5, buffer_callback=small), parts


class Parcel:
    """What `taken_apart` has returned, the arrays copied to where they can be shared."""

    def __init__(self, dumped: bytes, parts: list[memoryview]) -> None:
        self.dumped = dumped
        self.sizes = [part.nbytes for part in parts]
        self.handle = -1
        if parts:
            self.handle = os.memfd_create("kerasish")
            weakref.finalize(self, os.close, self.handle)
            with open(self.handle, "wb", closefd=False) as file:
                for part in parts:
                    file.write(part)
                    file.write(bytes(-part.nbytes % _ALIGNMENT))

    def send(self, connection: Connection, process: int) -> None:
        """Sends it to the process with this number, which calls `receive`."""
        connection.send((self.dumped, self.sizes))
        if self.sizes:
            send_handle(connection, self.handle, process)

    def holds(self, dumped: bytes, parts: list[memoryview]) -> bool:
        """Whether a parcel of these would hold the same bytes."""
        return dumped == self.dumped and self.sizes == [part.nbytes for part in parts] and all(
            os.pread(self.handle, len(piece), place) == piece.tobytes() for place, piece in _pieces(parts)
        )


def receive(connection: Connection) -> Callable[[], Any]:
    """A function that makes what the other end has sent anew; changes to it are the receiver's own.

    Raises:
        EOFError, OSError: if the other end is closed.
    """
    dumped, sizes = connection.recv()
    parts = []
    if sizes:
        with open(recv_handle(connection), "rb") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        parts = [memory[start : start + size] for start, size in zip(_starts(sizes), sizes, strict=False)]
    return partial(pickle.loads, dumped, buffers=parts)


def _starts(sizes: list[int]) -> Iterator[int]:
    """Where in the shared memory parts of these sizes begin."""
    return itertools.accumulate((size + -size % _ALIGNMENT for size in sizes), initial=0)


def _pieces(parts: list[memoryview]) -> Iterator[tuple[int, memoryview]]:
    """The parts in pieces of 1 MiB, and where in the shared memory each lies."""
    for start, part in zip(_starts([part.nbytes for part in parts]), parts, strict=False):
        for place in range(0, part.nbytes, _PIECE):
            yield start + place, part[place : place + _PIECE]
