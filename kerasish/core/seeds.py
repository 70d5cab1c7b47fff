"""Seeds of random operations, all reproducible after `set_random_seed`."""

from __future__ import annotations

import random

import numpy as np
import tensorflow as tf

_MAXIMUM = int(1e9)


_generator: random.Random | None = None


def set_random_seed(seed: int) -> None:
    """Seeds Python's, NumPy's and TensorFlow's generators, so that a program repeats itself.

    Raises:
        ValueError: if `seed` is no integer.
    """
    global _generator
    if not isinstance(seed, (int, np.integer)):
        raise ValueError(f"`seed` must be an integer. Received: seed={seed!r} of type {type(seed).__name__}")
    random.seed(int(seed))
    np.random.seed(int(seed) % 2**32)
    tf.random.set_seed(int(seed))
    _generator = random.Random(int(seed))


def make_seed(seed: int | None = None) -> int:
    """The seed itself, or a drawn one, which follows from `set_random_seed`, else from `tf.random.set_seed`."""
    if seed is not None:
        return int(seed)
    if _generator is not None:
        return _generator.randint(1, _MAXIMUM)
    with tf.init_scope():
        return int(tf.random.uniform((), 1, _MAXIMUM, tf.int32))
