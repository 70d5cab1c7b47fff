"""Whether configurations may bring Python code that is run when they are loaded: never, unless the user says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_state = threading.local()


def in_safe_mode() -> bool:
    """Whether code in configurations is refused; true unless within `safe_mode(False)`."""
    return getattr(_state, "safe", True)


@contextmanager
def safe_mode(safe: bool = True) -> Iterator[None]:
    """Within this context code in configurations is refused, or, with False, run."""
    outer = in_safe_mode()
    _state.safe = bool(safe)
    try:
        yield
    finally:
        _state.safe = outer
