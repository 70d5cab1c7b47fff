"""Results of calls, computed ahead of their use by a few threads."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Ahead:
    """An iterator over the results of `calls`, in their order; at most `size` of them wait to be fetched.

    With `workers=0` each call is made when its result is asked for, in the asking thread. A call that raises
    StopIteration ends the iterator; any other exception comes out of `next` with its own type and traceback.
    """

    def __init__(self, calls: Iterator[Callable[[], Any]], workers: int, size: int) -> None:
        self._calls = calls
        self._size = max(size, 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="kerasish-data") if workers else None
        self._waiting: deque[Future] = deque()

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> Any:
        if self._pool is None:
            return next(self._calls)()
        self._submit()
        if not self._waiting:
            raise StopIteration
        result = self._waiting.popleft().result()
        self._submit()
        return result

    def close(self) -> list[Any]:
        """Ends the threads; returns the results that were computed and not asked for."""
        if self._pool is None:
            return []
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None
        self._calls = iter(())
        done = [future for future in self._waiting if not future.cancelled() and future.exception() is None]
        self._waiting.clear()
        return [future.result() for future in done]

    def _submit(self) -> None:
        while len(self._waiting) < self._size and self._pool is not None:
            call = next(self._calls, None)
            if call is None:
                return
            self._waiting.append(self._pool.submit(call))
