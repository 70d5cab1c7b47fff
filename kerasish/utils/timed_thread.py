"""Work that is done again and again beside the program."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Any


class TimedThread:
    """Calls `on_interval`, which a subclass defines, every `interval` seconds in a thread, from `start` to `stop`.

    Args:
        interval: seconds between calls; the first comes at once.
        **kwargs: those of `threading.Thread`; with `daemon=True` the thread does not keep the process from ending.
    """

    def __init__(self, interval: float, **kwargs: Any):
        self.interval = interval
        self.daemon = kwargs.pop("daemon", False)
        self.thread_kwargs = kwargs
        self.thread: threading.Thread | None = None
        self.thread_stop_event: threading.Event | None = None

    def start(self) -> None:
        """Begins; does nothing while it runs."""
        if self.is_alive():
            return
        ended = self.thread_stop_event = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ended,), daemon=self.daemon, **self.thread_kwargs)
        self.thread.start()

    def stop(self) -> None:
        """Lets the thread end after the call in progress."""
        if self.thread_stop_event is not None:
            self.thread_stop_event.set()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self.thread is not None and self.thread.is_alive()

    @abstractmethod
    def on_interval(self) -> None:
        """What is done each time."""
        raise NotImplementedError(f"{type(self).__name__} must define on_interval(self).")

    def _run(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self.on_interval()
            ended.wait(self.interval)
