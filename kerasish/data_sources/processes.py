"""Batches of a `Sequence` made by other processes, for `use_multiprocessing=True`.

The processes are fresh interpreters, never forks of one in which TensorFlow's threads run, and do not import it
(`worker.py`). They share one copy of the sequence's arrays. Each batch is made with random numbers of its own place in
the run, whichever process makes it: workers neither repeat each other's numbers nor change the results by their number.
"""
from __future__ import annotations

import contextlib
import importlib
import pickle
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from kerasish.data_sources.parcels import Parcel, receive, taken_apart

_PATIENCE = 1.0


class WorkerTraceback(Exception):
    """The cause of an error that was raised in a worker process: its traceback there, as text."""


@dataclass
class Worker:
    """A process, the connection to it and the parcel that it has."""

    process: subprocess.Popen
    connection: Connection
    parcel: Parcel | None = None

    def ask(self, request: tuple, parcel: Parcel | None = None) -> Callable[[], tuple[bool, Any]]:
        """What makes the answer to a request: whether it went well, and the batch or the failure.

        Raises:
            EOFError, OSError: if the process has ended.
        """
        self.connection.send(request)
        if parcel is not None:
            parcel.send(self.connection, self.process.pid)
        return receive(self.connection)


@dataclass
class _Crew:
    """What must be ended with the run."""

    workers: list[Worker] = field(default_factory=list)
    idle: SimpleQueue[Worker | None] = field(default_factory=SimpleQueue)
    ended: bool = False

    def add(self, worker: Worker) -> None:
        """One process more."""
        self.workers.append(worker)
        self.idle.put(worker)

    def take(self) -> Worker:
        """A process that has nothing to do."""
        worker = self.idle.get()
        if worker is None:
            self.idle.put(None)
            raise RuntimeError("The worker processes were ended.")
        return worker

    def end(self) -> None:
        """Lets idle processes go, kills busy ones, and waits for both."""
        if self.ended:
            return
        self.ended = True
        dismissed: list[Worker] = []
        with contextlib.suppress(Empty):
            while (worker := self.idle.get_nowait()) is not None:
                dismissed.append(worker)
                with contextlib.suppress(OSError):
                    worker.connection.send(None)
        self.idle.put(None)
        for worker in dismissed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(_PATIENCE)
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()


class Processes:
    """`sequence[index]`, computed by `count` processes; may be called by as many threads at once.

    A sequence that cannot be sent to them is used where it is, by the calling threads; a warning says why.
    """

    def __init__(self, sequence: Any, count: int) -> None:
        self.sequence, self.count = sequence, count
        self.works = True
        self._parcel: Parcel | None = None
        self._crew = _Crew(ended=True)

    def begin(self) -> None:
        """Starts the processes, and has them use the sequence as it is now."""
        if not self.works:
            return
        try:
            content = taken_apart(self.sequence, _dumped)
            if self._parcel is None or not self._parcel.holds(*content):
                self._parcel = Parcel(*content)
            if self._crew.ended:
                self._crew = _Crew()
                weakref.finalize(self, self._crew.end)
                for _ in range(self.count):
                    self._crew.add(_started())
        except Exception as error:
            self._give_up(f"{type(error).__name__}: {error}")

    def batch(self, index: int, key: tuple[int, ...]) -> Any:
        """Batch number `index`, made with the random numbers that belong to `key`.

        Raises:
            RuntimeError: if the process that makes it ends.
            BaseException: what `__getitem__` raises; its cause tells the traceback in the other process.
        """
        crew, parcel = self._crew, self._parcel
        if not self.works or parcel is None:
            return self.sequence[index]
        worker = crew.take()
        try:
            if worker.parcel is not parcel:
                well, answer = worker.ask((), parcel)()
                worker.parcel = parcel
                if not well:
                    crew.idle.put(worker)
                    self._give_up(answer[1].strip().rpartition("\n")[2])
                    return self.sequence[index]
            made = worker.ask((index, key))
        except (EOFError, OSError):
            raise self._lost(worker, index) from None
        crew.idle.put(worker)
        well, answer = made()
        if not well:
            _raise(*answer)
        return answer

    def close(self) -> None:
        """Ends the processes; `begin` starts others."""
        self._crew.end()

    def _lost(self, worker: Worker, index: int) -> RuntimeError:
        try:
            code = worker.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # it lives, but cannot be talked to
            worker.process.kill()
            code = worker.process.wait()
        return RuntimeError(
            f"The worker process that made batch {index} ended before the batch was there.\n"
            f"Received: exit code {code}{' (killed, perhaps for want of memory)' if code == -9 else ''}, "
            f"from {type(self.sequence).__name__}.__getitem__({index}).\n"
            "Fix: use fewer workers or smaller batches, or use_multiprocessing=False."
        )

    def _give_up(self, reason: str) -> None:
        """Goes on without processes."""
        if self.works:
            self.works = False
            warnings.warn(
                f"`use_multiprocessing=True`: {type(self.sequence).__name__} cannot be sent to worker processes; "
                f"threads make its batches.\nReceived: {reason}\n"
                "Fix: keep what cannot be pickled out of it, and write its class in a module that can be imported; for "
                "classes of a script or notebook `pip install cloudpickle`.",
                stacklevel=2,
            )


def _dumped(value: Any, **options: Any) -> bytes:
    """The pickle, by cloudpickle where it is installed, which takes classes of a script along.

    Raises:
        pickle.PicklingError: for a class of a script without it. Other objects raise what they like.
    """
    try:
        dumps = importlib.import_module("cloudpickle").dumps
    except ImportError:
        dumped = pickle.dumps(value, **options)
        if b"__main__" in dumped:
            raise pickle.PicklingError("a class of the script itself, which others cannot import") from None
        return dumped
    return dumps(value, **options)


def _started() -> Worker:
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("worker.py")), str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        )  # fmt: skip
    ours.send((sys.path, sys.modules.get("keras") is sys.modules["kerasish"]))
    return Worker(process, ours)


def _raise(dumped: bytes, text: str) -> None:
    """Raises the error of another process."""
    try:
        error: BaseException = pickle.loads(dumped)
    except Exception:
        error = RuntimeError("A worker process could not make a batch. What it raised cannot be sent; see above.")
    raise error from WorkerTraceback(f"\n{text}")
