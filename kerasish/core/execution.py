"""A traced function called as the one operation that it is.

TensorFlow's own call binds arguments, compares types, looks for a tape and hands the work to another thread: 0.1 to
0.2 ms on a CPU, more than a small step or prediction computes. The operation alone takes a third of that. It knows no
gradient, so whoever calls it must not need one.
"""

from __future__ import annotations

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
        self._outputs = function.structured_outputs
        self._types = [tensor.dtype for tensor in function.outputs]
        self._direct = _lies_on_one_device(function) and all(
            part is None or isinstance(part, tf.Tensor) for part in tf.nest.flatten(self._outputs)
        )

    def __call__(self, *given: Any) -> Any:
        """What the function returns.

        Raises:
            tf.errors.OpError: as the operation that fails does, which is named.
        """
        if not self._direct:
            return self.function(*given)
        tensors = [part for part in tf.nest.flatten(given, expand_composites=True) if part is not None]
        try:
            values = tf.raw_ops.StatefulPartitionedCall(
                args=tensors + self.function.captured_inputs, Tout=self._types, f=self.function,
                config="", config_proto="", executor_type="",
            )  # fmt: skip
        except tf.errors.OpError:
            self._fail_again(given)
            raise
        return _packed(self._outputs, iter(values))

    def _fail_again(self, given: tuple[Any, ...]) -> None:
        """Lets TensorFlow's own call meet the error, which says where it is; variables keep what they hold now."""
        held = [(variable, variable.read_value()) for variable in self._variables()]
        try:
            self.function(*given)
        finally:
            for variable, value in held:
                variable.assign(value)


def _lies_on_one_device(function: Any) -> bool:
    """Whether it reads no replica's variables, and takes no tensor from one device to another."""
    inputs = function.captured_inputs
    plain = all(isinstance(one, tf.Tensor) for one in inputs) and len({one.device for one in inputs}) <= 1
    return plain and not tf.config.list_physical_devices("GPU")


def _packed(structure: Any, values: Iterator[Any]) -> Any:
    """The values in the place of the structure's tensors, in the order of `tf.nest.flatten`."""
    if isinstance(structure, dict):
        parts = {key: _packed(structure[key], values) for key in sorted(structure)}
        return {key: parts[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        return type(structure)([_packed(part, values) for part in structure])
    return None if structure is None else next(values)
