"""Names of layers and models: snake case of the class, numbered from the second on.

Source: behaviour of tf.keras 2 (`dense`, `dense_1`, `conv2d`, `input_1`).
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from kerasish.core.settings import on_fresh_start

_used: Counter[str] = Counter()
on_fresh_start(_used.clear)


class _Apart(threading.local):
    """The counts of this thread while it names things apart from all others; None otherwise."""

    counts: Counter[str] | None = None


_apart = _Apart()


def to_snake_case(name: str) -> str:
    """`Conv2DTranspose` becomes `conv2d_transpose`; a private class gets the prefix `private`."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
    return "private" + snake if snake.startswith("_") else snake


def unique_name(prefix: str, zero_based: bool = True) -> str:
    """The prefix with the number of its earlier uses: `dense`, `dense_1`, or from one on: `input_1`, `input_2`."""
    counts = _used if _apart.counts is None else _apart.counts
    counts[prefix] += 1
    number = counts[prefix] - zero_based
    return f"{prefix}_{number}" if number else prefix


@contextmanager
def numbered_apart() -> Iterator[None]:
    """Within this context numbers start anew, and names given in it do not count for those outside."""
    outside, _apart.counts = _apart.counts, Counter()
    try:
        yield
    finally:
        _apart.counts = outside


def used_names() -> Counter[str]:
    """How often each prefix was used so far (a live view, as `backend.get_uid` counts)."""
    return _used
