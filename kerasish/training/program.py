"""One compiled execution for K steps: the only place where training becomes a graph.

The step is traced once into a function of its own; around it a loop takes batch after batch from the block's arguments.
K is an argument, and sizes that differ from block to block are open, so that one trace serves every block of a source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

from kerasish.data_sources.arrays import GATHERED
from kerasish.data_sources.blocks import Block
from kerasish.training.faults import brief


class MetricResults(dict):
    """The results of metrics by name. A step that returns them untouched has them computed once per execution."""

    _made: tuple[Any, ...] = ()

    @classmethod
    def of(cls, metrics: Iterable[Any]) -> MetricResults:
        """The present results of the metrics."""
        results = cls()
        for metric in metrics:
            result = metric.result()
            results.update(result if isinstance(result, Mapping) else {metric.name: result})
        results._made = tuple(results.items())
        return results

    def untouched(self) -> bool:
        """Whether nothing was added, removed or replaced since."""
        now = tuple(self.items())
        return len(now) == len(self._made) and all(
            a is c and b is d for (a, b), (c, d) in zip(now, self._made, strict=True)
        )


class Program:
    """Steps of one kind on one model.

    Args:
        step: the function of one batch: it trains, tests or predicts.
        results: what to report after the last step if a step returned `MetricResults` untouched.
        collect: keep what every step returns (predictions) instead of the last.
        eager: run the steps one by one as plain Python.
        jit_compile: have XLA compile the loop.
        revision: a value that changes when what the step was traced with has changed.
        around: makes the context in which the steps of one execution are traced and run.
    """

    def __init__(
        self, step: Callable[[Any], Any], results: Callable[[], MetricResults], collect: bool = False,
        eager: bool = False, jit_compile: bool = False, revision: Callable[[], Any] = lambda: None,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ):  # fmt: skip
        self._around = around
        self._step, self._results, self._collect, self._revision = step, results, collect, revision
        self.eager, self._jit_compile = eager, jit_compile
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._last: tuple[Any, Callable[..., Any]] | None = None
        self.seconds_per_step: float | None = None
        self.graph: tf.Graph | None = None

    @property
    def traces(self) -> int:
        """How many programs were traced so far."""
        return len(self._compiled)

    @property
    def wants_equal_batches(self) -> bool:
        """Whether all batches of a block must have the same number of rows, as XLA's fixed shapes require."""
        return self._jit_compile and not self.eager

    def run(self, block: Block) -> tuple[int, Any]:
        """The number of steps done, and what the last step (or, collecting, every step joined) returned."""
        if self.eager:
            return self._run_eagerly(block)
        take, specs, arguments = block.take, block.specs, block.arguments
        if self._jit_compile and take is GATHERED:
            columns, order, size, start = arguments
            rows = (block.samples or 0) // block.steps
            if rows != int(size):
                order, start = order[int(start * size) :], tf.zeros_like(start)
            take, arguments = _OfSize(rows), (columns, order, start)
            specs = (tf.nest.map_structure(_spec, columns), specs[1], specs[3])
        function = self._function(take, specs)
        try:
            done, logs = function(arguments, tf.constant(block.steps, tf.int64))
        except tf.errors.OpError as error:
            raise brief(error) from None
        return (int(done) if take.drawn else block.steps), logs

    def _function(self, take: Any, specs: tuple[Any, ...]) -> Callable[..., Any]:
        revision = self._revision()
        if self._last is not None and self._last[0][0] is specs and self._last[0][1:] == (take, revision):
            return self._last[1]
        key = (take, str(specs), revision)
        if key not in self._compiled:
            self._compiled[key] = self._trace(take, specs)
        self._last = ((specs, take, revision), self._compiled[key])
        return self._compiled[key]

    def _trace(self, take: Any, specs: tuple[Any, ...]) -> Callable[..., Any]:
        step = _Step(self._step, self._results)
        loop = _drawn_loop if take.drawn else _counted_loop

        def execute(arguments: tuple[Any, ...], steps: tf.Tensor) -> tuple[tf.Tensor, Any]:
            with self._around():
                done, logs = loop(take, step, arguments, steps, self._collect)
            return done, (dict(self._results()) if step.deferred else logs)

        function = tf.function(execute, autograph=False, jit_compile=self._jit_compile and not take.drawn)
        concrete = function.get_concrete_function(specs, tf.TensorSpec([], tf.int64))
        self.graph = concrete.graph
        return concrete

    def _run_eagerly(self, block: Block) -> tuple[int, Any]:
        done = 0
        returned: list[Any] = []
        for i in range(block.steps):
            batch = block.take.batch(block.arguments, tf.constant(i, tf.int64))
            if block.take.drawn:
                if not batch.has_value():
                    break
                batch = batch.get_value()
            result = self._step(batch)
            done += 1
            returned = [*returned, result] if self._collect else [result]
        if self._collect and returned:
            return done, tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *returned)
        return done, (returned[-1] if returned else {})


class _OfSize:
    """Gathering batches of a fixed number of rows, so that every shape in the program is known."""

    drawn = False

    def __init__(self, rows: int):
        self.rows = rows

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _OfSize) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash((_OfSize, self.rows))

    def batch(self, arguments: tuple[Any, ...], i: tf.Tensor) -> Any:
        """Batch `i`, exactly `rows` rows."""
        columns, order, start = arguments
        return GATHERED.batch((columns, order, self.rows, start), i)


class _Step:
    """The step as a traced function of a batch; `specs` is what it returns."""

    def __init__(self, step: Callable[[Any], Any], results: Callable[[], MetricResults]):
        self._step = step
        self.deferred = False
        self.specs: Any = None
        self._function: Any = None

    def trace(self, batch: Any) -> None:
        """Traces the step for batches like this one (tensors of the graph being built)."""
        self._function = tf.function(self._once, autograph=False).get_concrete_function(
            tf.nest.map_structure(_spec, batch)
        )
        self.specs = tf.nest.map_structure(_spec, self._function.structured_outputs)

    def _once(self, batch: Any) -> Any:
        returned = self._step(batch)
        if isinstance(returned, MetricResults) and returned.untouched():
            self.deferred = True
            return {}
        return tf.nest.map_structure(_tensor, returned)

    def __call__(self, batch: Any) -> Any:
        return self._function(batch)


def _counted_loop(take: Any, step: _Step, arguments: Any, steps: tf.Tensor, collect: bool) -> tuple[tf.Tensor, Any]:
    zero = tf.constant(0, tf.int64)
    step.trace(_batch_like(take, arguments, zero))
    if collect:
        return _collected(take, step, arguments, steps)
    empty = tf.nest.map_structure(_empty, step.specs)

    def body(i: tf.Tensor, logs: Any) -> tuple[tf.Tensor, Any]:
        return i + 1, step(take.batch(arguments, i))

    shapes = (zero.shape, tf.nest.map_structure(_invariant, step.specs))
    return tf.while_loop(lambda i, logs: i < steps, body, (zero, empty), shape_invariants=shapes)


def _collected(take: Any, step: _Step, arguments: Any, steps: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Every step's predictions, joined along the batch axis."""
    zero = tf.constant(0, tf.int64)
    flat = tf.nest.flatten(step.specs)
    arrays = [tf.TensorArray(s.dtype, tf.cast(steps, tf.int32), element_shape=s.shape, infer_shape=False) for s in flat]

    def body(i: tf.Tensor, arrays: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
        parts = tf.nest.flatten(step(take.batch(arguments, i)))
        return i + 1, [array.write(tf.cast(i, tf.int32), part) for array, part in zip(arrays, parts, strict=True)]

    done, arrays = tf.while_loop(lambda i, arrays: i < steps, body, (zero, arrays))
    return done, tf.nest.pack_sequence_as(step.specs, [array.concat() for array in arrays])


def _drawn_loop(take: Any, step: _Step, arguments: Any, steps: tf.Tensor, collect: bool) -> tuple[tf.Tensor, Any]:
    """Like the counted loop, ending early when the iterator does; predictions are collected by the caller."""
    zero, more = tf.constant(0, tf.int64), tf.constant(True)
    step.trace(arguments[0].element_spec)
    empty = tf.nest.map_structure(_empty, step.specs)

    def body(i: tf.Tensor, more: tf.Tensor, logs: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        drawn = take.batch(arguments, i)
        return tf.cond(
            drawn.has_value(),
            lambda: (i + 1, tf.constant(True), step(drawn.get_value())),
            lambda: (i, tf.constant(False), logs),
        )

    shapes = (zero.shape, more.shape, tf.nest.map_structure(_invariant, step.specs))
    done, _, logs = tf.while_loop(
        lambda i, more, logs: tf.logical_and(more, i < steps), body, (zero, more, empty), shape_invariants=shapes
    )
    return done, logs


def _batch_like(take: Any, arguments: Any, i: tf.Tensor) -> Any:
    """The specification of a batch, learned from a throw-away graph."""
    arguments_like = tf.nest.map_structure(_spec, arguments)
    return tf.function(take.batch, autograph=False).get_concrete_function(arguments_like, i).structured_outputs


def _spec(value: Any) -> Any:
    if value is None or isinstance(value, tf.TypeSpec) or not tf.is_tensor(value):
        return value
    return tf.TensorSpec(value.shape, value.dtype) if isinstance(value, tf.Tensor) else tf.type_spec_from_value(value)


def _tensor(value: Any) -> Any:
    kept = value is None or isinstance(value, (tf.Tensor, tf.RaggedTensor, tf.SparseTensor))
    return value if kept else tf.convert_to_tensor(value)


def _empty(spec: Any) -> Any:
    """A value of the specification for before the first step."""
    return (
        None if spec is None else tf.zeros([size or 0 for size in (spec.shape if spec.shape.rank else [])], spec.dtype)
    )


def _invariant(spec: Any) -> Any:
    return None if spec is None else spec.shape
