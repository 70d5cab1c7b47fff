"""The state around a computation: training or not, names, numbers of names, functions of symbolic tensors."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from kerasish.backend.variables import get_value
from kerasish.core import naming
from kerasish.core.settings import on_fresh_start, start_afresh
from kerasish.graph.symbolic_tensor import is_symbolic
from kerasish.layers.calling import context
from kerasish.layers.input import Input
from kerasish.layers.lambda_layer import Lambda
from kerasish.models.model import Model
from kerasish.training.program import drop_kernels

_numbers: Counter[str] = Counter()
on_fresh_start(_numbers.clear)


def backend() -> str:
    """The name of what computes, `"tensorflow"`."""
    return "tensorflow"


def get_uid(prefix: str = "") -> int:
    """How often the prefix was asked for, this time included."""
    _numbers[prefix] += 1
    return _numbers[prefix]


def clear_session() -> None:
    """Starts names afresh (the next Dense is `dense` again), forgets global state, and frees the memory of models gone.

    TensorFlow keeps about 0.5 MB of every model that was trained, and a program of many models calls this now and then.
    """
    start_afresh()
    drop_kernels()


def reset_uids() -> None:
    """Starts the numbers of `get_uid` and of layers' names afresh."""
    _numbers.clear()
    naming.used_names().clear()


def name_scope(name: str) -> Any:
    """A context in which operations and variables get the name as a prefix."""
    return tf.name_scope(name)


# Training or not.


def learning_phase() -> Any:
    """1 where layers train, 0 where they do not: within a layer's call its `training` flag, else what was set."""
    return int(context.training) if isinstance(context.training, bool) else context.training or 0


def set_learning_phase(value: int) -> None:
    """Sets the `training` flag of layers that are called without one: 1 to train, 0 not to.

    Raises:
        ValueError: for anything else.
    """
    if value not in (0, 1):
        raise ValueError(f"`value` must be 0 or 1. Received: value={value!r}")
    context.training = bool(value)


@contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """A context in which layers that are called without a `training` flag train (1) or do not (0)."""
    before = context.training
    set_learning_phase(value)
    try:
        yield
    finally:
        context.training = before


@on_fresh_start
def _forget_learning_phase() -> None:
    context.training = None


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` where layers train, `alt` where they do not; either may be a function without arguments."""
    training = learning_phase() if training is None else training
    if tf.is_tensor(training) or is_symbolic(training):
        return switch(training, x, alt)
    return _value(x if training else alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` where layers train, `x` where they do not; either may be a function without arguments."""
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """The first where the condition holds, else the second; a scalar condition runs only one of two functions.

    Raises:
        ValueError: if the condition has more axes than what is chosen.
    """
    condition = tf.cast(condition, tf.bool)
    if condition.shape.rank == 0:
        return tf.cond(condition, lambda: _value(then_expression), lambda: _value(else_expression))
    first, second = _value(then_expression), _value(else_expression)
    missing = first.shape.rank - condition.shape.rank
    if missing < 0:
        raise ValueError(
            f"`condition` must not have more axes than the expressions. "
            f"Received: condition of shape {tuple(condition.shape)}, then_expression of shape {tuple(first.shape)}"
        )
    for _ in range(missing):
        condition = tf.expand_dims(condition, -1)
    return tf.where(condition, first, second)


def manual_variable_initialization(value: bool) -> None:
    """Accepted; variables have their values from the start since TensorFlow 2."""


# Functions.


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None,
    ragged: bool = False,
) -> Any:  # fmt: skip
    """A symbolic tensor, as `Input` makes one; the shape includes the batch axis."""
    shape = (None,) * ndim if shape is None and ndim is not None else shape
    return Input(batch_shape=shape, name=name, dtype=dtype, sparse=sparse, ragged=ragged)


def function(
    inputs: Any, outputs: Any, updates: Any = None, name: str | None = None, **kwargs: Any
) -> Callable[..., Any]:  # fmt: skip
    """A function from values of the symbolic inputs to NumPy values of the symbolic outputs.

    Raises:
        ValueError: for `updates` or further arguments, which belong to TensorFlow 1.
    """
    if updates or kwargs:
        raise ValueError(f"`function` takes inputs, outputs and name only. Received: updates={updates!r}, {kwargs}")
    model = Model(inputs=inputs, outputs=outputs)

    def run(values: Any) -> Any:
        found = [get_value(tensor) for tensor in tf.nest.flatten(model(values))]
        return tf.nest.pack_sequence_as(outputs, found)

    return run


def stop_gradient(variables: Any) -> Any:
    """The same values, constant for gradients; of a list each."""
    if isinstance(variables, (list, tuple)):
        return list(map(tf.stop_gradient, variables))
    return tf.stop_gradient(variables)


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """The function's results for each row, stacked."""
    return tf.map_fn(fn, elems, fn_output_signature=dtype, name=name)


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`fn(accumulated, row)` from the first row to the last."""
    return tf.foldl(fn, elems, initializer=initializer, name=name)


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`fn(accumulated, row)` from the last row to the first."""
    return tf.foldr(fn, elems, initializer=initializer, name=name)


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """x; prints it each time it is computed."""
    if is_symbolic(x):
        return Lambda(print_tensor, arguments={"message": message, "summarize": summarize})(x)
    tf.print(message, x, summarize=summarize)
    return tf.identity(x)


def _value(expression: Any) -> Any:
    return expression() if callable(expression) and not is_symbolic(expression) else expression
