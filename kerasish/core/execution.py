"""Traced functions called with less ado than TensorFlow makes: at the first call, and at each.

Before its first run TensorFlow optimizes a function in two rounds of a dozen passes, which takes longer than tracing
it did. On a CPU the second round and some of the passes change nothing that a step's time shows, and are left out.

TensorFlow's own call binds arguments, compares types, looks for a tape and hands the work to another thread: 0.1 to
0.2 ms on a CPU, more than a small step or prediction computes. The operation alone takes a third of that. It knows no
gradient, so whoever calls it must not need one.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

_NEEDLESS = {
    "meta_optimizer_iterations": RewriterConfig.ONE,
    "memory_optimization": RewriterConfig.NO_MEM_OPT,
    "layout_optimizer": RewriterConfig.OFF,
    "loop_optimization": RewriterConfig.OFF,
    "disable_tfg_optimizer": True,
}


def briefly_optimized(function: Any) -> Callable[..., Any]:
    """The traced function, which TensorFlow optimizes in one round of the passes that pay on a CPU.

    What the user has set through `tf.config.optimizer` counts as ever. Where there is a GPU, all passes are made.
    """
    if _has_gpu():
        return function
    calls = context_of(function)

    def call(*given: Any) -> Any:
        usual = calls.function_call_options  # this thread's
        calls.function_call_options = _brief(usual.__class__, usual.config_proto_serialized)
        try:
            return function(*given)
        finally:
            calls.function_call_options = usual

    return call


def context_of(function: Any) -> Any:
    """Where TensorFlow keeps the options with which functions are called, and what it prepared for each."""
    return function.inference_fn._bound_context


@functools.lru_cache(maxsize=8)
def _brief(kind: Any, config: bytes) -> Any:
    """The options without the needless passes, as far as the given ones leave them open."""
    brief = ConfigProto.FromString(config)
    passes = brief.graph_options.rewrite_options
    for name, value in _NEEDLESS.items():
        if not getattr(passes, name):
            setattr(passes, name, value)
    return kind(config_proto=brief)


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
        options = context_of(function).function_call_options
        self._config = _brief(options.__class__, options.config_proto_serialized).config_proto_serialized
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
                config="", config_proto=self._config, executor_type="",
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
    return plain and not later and not _has_gpu()


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


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
