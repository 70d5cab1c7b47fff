"""A traced function called as the one operation that it is.

TensorFlow's own call binds arguments, compares types, looks for a tape and hands the work to another thread: 0.1 to
0.2 ms on a CPU, more than a small step or prediction computes. The operation alone takes a third of that. It knows no
gradient, so whoever calls it must not need one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf


class Execution:
    """Calls a traced function with tensors of the types it was traced for.

    Args:
        function: what `get_concrete_function` returned; its results are tensors and None in dicts, lists and tuples.
        variables: gives those that it may change.
    """

    def __init__(self, function: Any, variables: Callable[[], Iterable[tf.Variable]] = tuple):
        self.function, self._variables = function, variables
        self._captured = function.captured_inputs
        self._types = [tensor.dtype for tensor in function.outputs]
        outputs = function.structured_outputs
        plain = all(part is None or isinstance(part, tf.Tensor) for part in tf.nest.flatten(outputs))
        direct = plain and _captures_the_same(function)
        self._pack = _packer(outputs, iter(range(len(self._types)))) if direct else None

    def __call__(self, *given: Any) -> Any:
        """What the function returns.

        Raises:
            tf.errors.OpError: as the operation that fails does, which is named.
        """
        if self._pack is None:
            return self.function(*given)
        tensors = [part for part in tf.nest.flatten(given, expand_composites=True) if part is not None]
        try:
            values = tf.raw_ops.StatefulPartitionedCall(
                args=tensors + self._captured, Tout=self._types, f=self.function,
                config="", config_proto="", executor_type="",
            )  # fmt: skip
        except tf.errors.OpError:
            self._fail_again(given)
            raise
        return self._pack(values)

    def _fail_again(self, given: tuple[Any, ...]) -> None:
        """Lets TensorFlow's own call meet the error, which says where it is; variables keep what they hold now."""
        held = [(variable, variable.read_value()) for variable in self._variables()]
        try:
            self.function(*given)
        finally:
            for variable, value in held:
                variable.assign(value)


def _captures_the_same(function: Any) -> bool:
    """Whether it takes the same tensors from outside in every call, no replica's, and none from another device."""
    inputs, later = function.captured_inputs, function.graph.deferred_external_captures
    plain = all(isinstance(one, tf.Tensor) for one in inputs) and len({one.device for one in inputs}) <= 1
    return plain and not later and not tf.config.list_physical_devices("GPU")


def _packer(structure: Any, places: Iterator[int]) -> Callable[[Any], Any]:
    """What puts values, given in the order of `tf.nest.flatten`, in the place of the structure's tensors."""
    if isinstance(structure, dict):
        packers = {key: _packer(structure[key], places) for key in sorted(structure)}
        ordered = [(key, packers[key]) for key in structure]
        return lambda values: {key: pack(values) for key, pack in ordered}
    if isinstance(structure, (list, tuple)):
        kind, parts = type(structure), [_packer(part, places) for part in structure]
        return lambda values: kind([pack(values) for pack in parts])
    return (lambda values: None) if structure is None else operator.itemgetter(next(places))
