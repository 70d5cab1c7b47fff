"""An eager step as one call: the whole of `apply_gradients` traced once for each set of variables."""
from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core.execution import Execution
from kerasish.core.object_config import is_library_class
from kerasish.optimizers.gradients import Gradient
from kerasish.optimizers.schedules import LearningRateSchedule

Program = Callable[..., Any]


class EagerSteps:
    """The traced steps of one optimizer by the variables they change; a step is forgotten with its variables."""

    def __init__(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._watched: dict[Any, list[weakref.ref[tf.Variable]]] = {}

    def run(self, optimizer: Any, gradients: list[Gradient], variables: list[tf.Variable]) -> None:
        """Takes one step; the second with the same variables traces nothing."""
        kinds = [type(gradient) is tf.IndexedSlices for gradient in gradients]
        key = (optimizer.revision, *(variable._unique_id for variable in variables), *kinds)
        rates = [] if _is_traceable(optimizer._learning_rate) else [optimizer._compute_current_learning_rate()]
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = self._program(key, optimizer, gradients, variables, rates)
        program(*_components(gradients), *rates)

    def _program(
        self,
        key: Any,
        optimizer: Any,
        gradients: list[Gradient],
        variables: list[tf.Variable],
        rates: list[tf.Tensor],
    ) -> Program:
        kinds = [isinstance(gradient, tf.IndexedSlices) for gradient in gradients]
        references = [weakref.ref(variable, lambda _: self._forget(key)) for variable in variables]
        self._watched[key] = references

        def step(*tensors: tf.Tensor) -> None:
            targets = [reference() for reference in references]
            rate = tensors[-1] if rates else optimizer._compute_current_learning_rate()
            optimizer._step(_gradients(tensors, kinds, targets), targets, rate)

        if any(variable.constraint and not _is_library(variable.constraint) for variable in variables):
            return step
        specs = [_spec(tensor, isinstance(one, tf.IndexedSlices)) for one in gradients for tensor in _components([one])]
        specs.extend(_spec(rate, False) for rate in rates)
        return Execution(tf.function(step, autograph=False).get_concrete_function(*specs))

    def _forget(self, key: Any) -> None:
        self._programs.pop(key, None)
        self._watched.pop(key, None)


def _is_traceable(rate: Any) -> bool:
    """Whether the rate may be computed within the program; a user's schedule or function may hold any Python."""
    if isinstance(rate, LearningRateSchedule):
        return _is_library(rate)
    return rate is None or isinstance(rate, tf.Variable)


def _is_library(thing: Any) -> bool:
    return is_library_class(type(thing))


def _components(gradients: list[Gradient]) -> list[tf.Tensor]:
    """The gradients' tensors: one each, two for rows (values, indices)."""
    flat: list[tf.Tensor] = []
    for gradient in gradients:
        flat.extend((gradient.values, gradient.indices) if isinstance(gradient, tf.IndexedSlices) else (gradient,))
    return flat


def _gradients(tensors: tuple[tf.Tensor, ...], kinds: list[bool], variables: list[Any]) -> list[Gradient]:
    """The gradients from what `_components` made of them."""
    left = iter(tensors)
    return [
        tf.IndexedSlices(next(left), next(left), tf.shape(variable)) if rows else next(left)
        for rows, variable in zip(kinds, variables, strict=True)
    ]


def _spec(tensor: tf.Tensor, rows: bool) -> tf.TensorSpec:
    """The tensor's type; the number of rows may differ from step to step."""
    return tf.TensorSpec([None, *tensor.shape[1:]] if rows else tensor.shape, tensor.dtype)
