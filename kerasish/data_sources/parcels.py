"""Objects sent from process to process; the large arrays in them lie in memory that both see and nobody copies.

Only the standard library is needed, so that a worker process can begin with this.
"""
from __future__ import annotations

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


class Parcel:
    """A pickle, and the large arrays that belong to it.

    Args:
        value: what is sent.
        dumps: `pickle.dumps` or one that takes the same arguments.
    """

    def __init__(self, value: Any, dumps: Callable[..., bytes] = pickle.dumps) -> None:
        parts: list[memoryview] = []

        def small(buffer: pickle.PickleBuffer) -> bool:
            part = buffer.raw()
            if part.nbytes >= _LARGE:
                parts.append(part)
            return part.nbytes < _LARGE

        self.dumped = dumps(value, protocol=5, buffer_callback=small)
        self.sizes = [part.nbytes for part in parts]
        self.handle: int | None = None
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
        if self.handle is not None:
            send_handle(connection, self.handle, process)

    def same(self, other: Parcel) -> bool:
        """Whether both hold the same bytes."""
        return (self.dumped, self.sizes) == (other.dumped, other.sizes) and all(
            a == b for a, b in zip(self._pieces(), other._pieces(), strict=True)
        )

    def _pieces(self) -> Iterator[bytes]:
        if self.handle is not None:
            for start in range(0, os.fstat(self.handle).st_size, 1 << 20):
                yield os.pread(self.handle, 1 << 20, start)


def receive(connection: Connection) -> Callable[[], Any]:
    """A function that makes what the other end has sent anew; changes to it are the receiver's own.

    Raises:
        EOFError, OSError: if the other end is closed.
    """
    dumped, sizes = connection.recv()
    parts, start = [], 0
    if sizes:
        with open(recv_handle(connection), "rb") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        for size in sizes:
            parts.append(memory[start : start + size])
            start += size + -size % _ALIGNMENT
    return partial(pickle.loads, dumped, buffers=parts)
