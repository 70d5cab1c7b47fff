"""Orders in which rows and batches are visited: each follows from a seed and its number.

The seed is drawn once per run from TensorFlow's generator, so that `tf.random.set_seed(s)`, and `set_random_seed(s)`,
makes the orders repeat themselves, as in tf.keras, where `np.random.seed` has no influence on them either. The order
itself is NumPy's. Whoever knows the seed and the number has the order, whatever came before.
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf


def new_seed() -> int:
    """A seed for all orders of a run."""
    return int(tf.random.uniform((), maxval=tf.int64.max, dtype=tf.int64))


def row_order(rows: int, batch_size: int, shuffle: bool | str, seed: int, number: int) -> np.ndarray:
    """Indices of the rows in the order in which pass `number` visits them, int64.

    With `shuffle="batch"` rows stay within their batch; full batches change places, the short one remains the last.
    """
    if not shuffle:
        return np.arange(rows, dtype=np.int64)
    generator = _generator(seed, number)
    if shuffle != "batch":
        return generator.permutation(rows)
    full = rows - rows % batch_size
    batches = generator.permuted(np.arange(full).reshape(-1, batch_size), axis=1)
    return np.concatenate([generator.permutation(batches).ravel(), generator.permutation(np.arange(full, rows))])


def batch_order(batches: int, shuffle: bool | str, seed: int, number: int) -> list[int]:
    """Indices of the batches in the order in which epoch `number` visits them."""
    return _generator(seed, number).permutation(batches).tolist() if shuffle else list(range(batches))


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, number]))
