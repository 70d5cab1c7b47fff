"""Orders in which rows and batches are visited, drawn from TensorFlow's global seed.

`tf.random.set_seed(s)`, and so `set_random_seed(s)`, makes the orders repeat themselves, as in tf.keras, where
`np.random.seed` has no influence on them either. One number is drawn from TensorFlow per order; the order itself is
NumPy's, with a generator of its own.
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf


def row_order(rows: int, batch_size: int, shuffle: bool | str) -> np.ndarray:
    """Indices of the rows in the order in which an epoch visits them, int64.

    With `shuffle="batch"` rows stay within their batch; full batches change places, the short one remains the last.
    """
    if not shuffle:
        return np.arange(rows, dtype=np.int64)
    if shuffle != "batch":
        return _generator().permutation(rows)
    generator = _generator()
    full = rows - rows % batch_size
    batches = generator.permuted(np.arange(full).reshape(-1, batch_size), axis=1)
    return np.concatenate([generator.permutation(batches).ravel(), generator.permutation(np.arange(full, rows))])


def batch_order(batches: int, shuffle: bool | str) -> list[int]:
    """Indices of the batches in the order in which an epoch visits them."""
    return _generator().permutation(batches).tolist() if shuffle else list(range(batches))


def _generator() -> np.random.Generator:
    seed = tf.random.uniform((), maxval=tf.int64.max, dtype=tf.int64)
    return np.random.Generator(np.random.PCG64(int(seed)))
