"""Results of calls, computed ahead of their use by a few threads."""
from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Ahead:
    """An iterator over the results of `calls`, in their order; at most `size` of them wait to be fetched.

    With `workers=0` each call is made when its result is asked for, in the asking thread. A call that raises
    StopIteration ends the iterator; any other exception comes out of `next` with its own type and traceback.
    The threads do not keep the process from ending.
    """

    def __init__(self, calls: Iterator[Callable[[], Any]], workers: int, size: int) -> None:
        self._calls = calls
        self._size = max(size, 1)
        self._workers = workers
        self._threads: list[Thread] = []
        self._jobs: SimpleQueue = SimpleQueue()
        self._waiting: deque[Future] = deque()

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> Any:
        if not self._workers:
            return next(self._calls)()
        self._submit()
        if not self._waiting:
            raise StopIteration
        result = self._waiting.popleft().result()
        self._submit()
        return result

    def skip(self, count: int) -> None:
        """Leaves out the next calls, of which none may have been asked for yet."""
        for _ in range(count):
            next(self._calls, None)

    def close(self, patience: float | None = None) -> list[Any]:
        """Ends the threads; returns the results that were computed and not asked for.

        Args:
            patience: the seconds to wait for calls in progress, for as long as they take if None.
        """
        self._calls = iter(())
        waiting = [future for future in self._waiting if not future.cancel()]
        self._waiting.clear()
        deadline = None if patience is None else time.monotonic() + patience
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
        self._threads.clear()
        return [future.result() for future in waiting if future.done() and future.exception() is None]

    def _submit(self) -> None:
        while len(self._waiting) < self._size:
            call = next(self._calls, None)
            if call is None:
                return
            future: Future = Future()
            self._waiting.append(future)
            self._jobs.put((future, call))
            if len(self._threads) < self._workers:
                name = f"kerasish-data-{len(self._threads)}"
                thread = Thread(target=_work, args=(self._jobs,), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()


def _work(jobs: SimpleQueue) -> None:
    while (job := jobs.get()) is not None:
        future, call = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)
