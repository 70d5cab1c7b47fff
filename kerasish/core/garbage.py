"""When Python looks for garbage: not while a great many objects are made that stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected meanwhile, in no thread.

    Importing TensorFlow or tracing a model makes enough objects for Python to go through all there are, several times,
    which takes 0.15 s each where TensorFlow is loaded.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
