"""`backend.experimental`: which random generator layers use; here each layer has its own in any case."""
from __future__ import annotations

__all__ = ["disable_tf_random_generator", "enable_tf_random_generator", "is_tf_random_generator_enabled"]

_enabled = [False]


def is_tf_random_generator_enabled() -> bool:
    """Whether `enable_tf_random_generator` was called last."""
    return _enabled[0]


def enable_tf_random_generator() -> None:
    """Accepted; random layers draw from generators of their own with and without it."""
    _enabled[0] = True


def disable_tf_random_generator() -> None:
    """Accepted; random layers draw from generators of their own with and without it."""
    _enabled[0] = False
