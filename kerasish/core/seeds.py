"""Seeds of random operations, all reproducible after `set_random_seed`."""

from __future__ import annotations

import random
from typing import Any

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


def get_state() -> dict[str, Any]:
    """The states of Python's, NumPy's, this library's and TensorFlow's global generator, as plain values and arrays."""
    return {
        "python": _as_array(random.getstate()),
        "numpy": np.random.get_state(legacy=False),
        "seeds": None if _generator is None else _as_array(_generator.getstate()),
        "tensorflow": _of_tensorflow(),
    }


def set_state(state: dict[str, Any]) -> None:
    """Sets the generators to what `get_state` gave."""
    global _generator
    random.setstate(_as_tuples(state["python"]))
    np.random.set_state(state["numpy"])
    _generator = None
    if state["seeds"] is not None:
        _generator = random.Random()
        _generator.setstate(_as_tuples(state["seeds"]))
    if state["tensorflow"] is not None and _of_tensorflow() is not None:
        tf.random.get_global_generator().state.assign(state["tensorflow"])


def differ(state: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether Python's or NumPy's generator has drawn anything between two states."""
    return any(
        not np.array_equal(one, two)
        for name in ("python", "numpy")
        for one, two in zip(tf.nest.flatten(state[name]), tf.nest.flatten(other[name]), strict=True)
    )


def _of_tensorflow() -> np.ndarray | None:
    """None where TensorFlow has no global generator: with deterministic ops it makes none by itself."""
    try:
        return tf.random.get_global_generator().state.numpy()
    except RuntimeError:
        return None


def _as_tuples(state: Any) -> tuple[Any, ...]:
    version, words, gauss = state
    return version, tuple(int(word) for word in words), gauss


def _as_array(state: tuple[Any, ...]) -> list[Any]:
    version, words, gauss = state
    return [version, np.array(words, np.uint32), gauss]
