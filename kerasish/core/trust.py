"""What files may ask for when they are loaded: no Python code unless the user says so, and memory in proportion."""

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


@contextmanager
def weights_at_most(size: int) -> Iterator[None]:
    """Within this context all weights that are made may take `size` bytes together."""
    outer = getattr(_state, "left", None)
    _state.left = size
    try:
        yield
    finally:
        _state.left = outer


def take(size: int, what: str) -> None:
    """Counts the bytes of a weight that is about to be made.

    Raises:
        ValueError: if a file asks for far more than it can hold.
    """
    left = getattr(_state, "left", None)
    if left is None:
        return
    if size > left:
        raise ValueError(f"{what} would take {size} bytes, far more than the file it comes from can hold of weights.")
    _state.left = left - size
