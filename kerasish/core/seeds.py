"""Seeds of random operations, all reproducible after `set_random_seed`."""

from __future__ import annotations

import random

import numpy as np
import tensorflow as tf

_MAXIMUM = int(1e9)


def set_random_seed(seed: int) -> None:
    """Seeds Python's, NumPy's and TensorFlow's generators, so that a program repeats itself.

    Raises:
        ValueError: if `seed` is no integer.
    """
    if not isinstance(seed, (int, np.integer)):
        raise ValueError(f"`seed` must be an integer. Received: seed={seed!r} of type {type(seed).__name__}")
    random.seed(int(seed))
    np.random.seed(int(seed) % 2**32)
    tf.random.set_seed(int(seed))
    _generator.seed(int(seed))


def make_seed(seed: int | None = None) -> int:
    """The seed itself, or one drawn from a generator that `set_random_seed` resets."""
    return int(seed) if seed is not None else _generator.randint(1, _MAXIMUM)


_generator = random.Random()
