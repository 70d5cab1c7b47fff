"""`metrics.experimental`: metrics that compute in Python instead of in TensorFlow."""
from __future__ import annotations

import functools
import types
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.metrics.base import Metric

__all__ = ["PyMetric"]


class PyMetric(Metric):
    """A metric whose methods are plain Python, also within a compiled training step.

    A subclass defines `update_state`, `result` and `reset_state`, keeps its state in attributes of any kind, and gets
    eager tensors, whose `numpy()` gives arrays.

    Args:
        name: the name under which the value is reported.
        dtype: type of the result.
    """

    _family_base = True

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name, dtype, **kwargs)
        with tf.init_scope():  # in a graph only what touches one variable runs in order
            object.__setattr__(self, "_turn", tf.Variable(0, trainable=False, dtype=tf.int64))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        update, result = (cls.__dict__.get(name) for name in ("update_state", "result"))
        super().__init_subclass__(**kwargs)
        if isinstance(update, types.FunctionType):
            cls.update_state = _update_in_python(update)  # type: ignore[method-assign]
        if isinstance(result, types.FunctionType):
            cls.result = _result_in_python(result)  # type: ignore[method-assign]

    @abstractmethod
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in one batch."""

    @abstractmethod
    def result(self) -> Any:
        """The value so far, a number or an array."""

    def reset_state(self) -> None:
        """Forgets the batches taken in; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `reset_state(self)`.")

    def merge_state(self, metrics: Any) -> Any:
        """Takes in the state of other metrics of the same kind; subclasses that need it define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `merge_state(self, metrics)`.")


def _update_in_python(update: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(update)
    def run(self: PyMetric, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        given = (y_true, y_pred) if sample_weight is None else (y_true, y_pred, sample_weight)

        def call(*tensors: tf.Tensor) -> None:
            update(self, *tf.nest.pack_sequence_as(given, tensors))

        with tf.control_dependencies([self._turn.read_value()]):
            done = tf.py_function(call, tf.nest.flatten(given), [])
        with tf.control_dependencies([] if done is None else [done]):
            self._turn.assign_add(1, read_value=False)

    return run


def _result_in_python(result: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(result)
    def run(self: PyMetric) -> tf.Tensor:
        dtype = tf.as_dtype(self.dtype)
        with tf.control_dependencies([self._turn.read_value()]):
            return tf.py_function(lambda: tf.cast(result(self), dtype), [], dtype)

    return run
