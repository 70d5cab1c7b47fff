"""Indices and class numbers outside their range, where no kernel refuses them.

TensorFlow's CPU kernels raise an error. XLA drops assertions, takes the nearest row of a table instead, and makes the
loss of a class that does not exist NaN; kernels on a GPU take zeros. A program that runs there notes the first such
number in a variable, lets the optimizer make no further update, and is asked for it once, after its last step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import tensorflow as tf

_NARROW = 4
_PRESENT: ContextVar[Findings | None] = ContextVar("present", default=None)


class NotInRange(tf.errors.InvalidArgumentError):
    """A number that was outside its range, found while a program was executed."""


class Findings:
    """The first number outside its range that an execution of a program has met.

    Attributes:
        found: float64 `(3,)`: the place of the message in `messages`, from 1 (0: nothing was found); the number; the
            size of its range.
        messages: for each check what to say of its number, `{number}`, and its range, `{size}`.
        holds_updates: whether it was asked to hold updates back.
        lock: held while a program with these findings is executed, which begins by forgetting the last ones.
    """

    def __init__(self) -> None:
        with tf.init_scope():
            self.found = tf.Variable(tf.zeros([3], tf.float64), trainable=False, name="outside_of_range")
        self.found._findings = self
        self.messages: list[str] = []
        self.lock = threading.RLock()
        self.holds_updates = False
        self._known: list[tf.Tensor] = []

    @staticmethod
    def are_needed(by_xla: bool) -> bool:
        """Whether a program runs where numbers out of range are not refused; replicas of a strategy note nothing."""
        return not tf.distribute.has_strategy() and (by_xla or bool(tf.config.list_logical_devices("GPU")))

    @staticmethod
    def within(graph: Any) -> list[Findings]:
        """Those that are noted in the graph, or in functions that it calls."""
        found = [variable._findings for variable in graph.variables if hasattr(variable, "_findings")]
        return sorted(found, key=id)

    def note(self, values: Any, size: Any, message: str) -> None:
        """Notes the largest number of `values` that is not from 0 to less than `size`; eagerly, raises the error."""
        if not tf.executing_eagerly() and any(source_of(values) is known.op for known in self._known):
            return
        if values.dtype.size < _NARROW:
            values = tf.cast(values, tf.int32 if values.dtype.is_integer else tf.float32)
        size = tf.cast(size, values.dtype)
        inside = tf.logical_and(values > -1, values < size)
        number = tf.reduce_max(tf.where(inside, values.dtype.min, values))
        if values.dtype.is_floating:  # a maximum within XLA passes over NaN
            number = tf.where(tf.reduce_any(tf.math.is_nan(values)), float("nan"), number)
        if message not in self.messages:
            self.messages.append(message)
        place = self.messages.index(message) + 1
        noted = tf.stack([tf.cast(value, tf.float64) for value in (place, number, size)])
        noted = tf.where(tf.reduce_all(inside), tf.zeros_like(noted), noted)
        if tf.executing_eagerly():
            self.tell(noted)
            return
        noted.graph._findings = self  # the variable lives as long as what writes it
        before = self.found.read_value()
        self.found.assign(tf.where(before[0] > 0, before, noted))

    def forget(self) -> None:
        """Begins anew."""
        self.found.assign(tf.zeros_like(self.found))

    def none(self) -> tf.Tensor:
        """Whether nothing was found since."""
        return tf.equal(self.found[0], 0)

    def tell(self, found: tf.Tensor, held: bool = False) -> None:
        """Raises an InvalidArgumentError, as the kernels do, if the values of `found` say that there was something.

        `held`: whether an optimizer's updates were held back.
        """
        place, number, size = found.numpy()
        if place:
            told = self.messages[int(place) - 1].format(number=f"{number:.17g}", size=f"{size:.17g}")
            kept = "\nThe optimizer has learned from the batches before this one, and not from this one."
            raise NotInRange(None, None, told + kept * held)


@contextmanager
def noting(findings: Findings | None, known: Any = ()) -> Iterator[None]:
    """A context in which `check_range` notes what it finds, leaving out what comes unchanged from `known` tensors."""
    if findings is None:
        yield
        return
    findings._known = [tensor for tensor in tf.nest.flatten(known, expand_composites=True) if tensor is not None]
    before = _PRESENT.set(findings)
    try:
        yield
    finally:
        _PRESENT.reset(before)
        findings._known = []


def check_range(values: Any, size: Any, message: str) -> None:
    """Has the program that is being traced note a number that is not from 0 to less than `size`, if it must.

    Args:
        values: numbers, of any shape.
        size: the size of the range.
        message: what to say, with `{number}` and `{size}`.
    """
    findings = _PRESENT.get()
    if findings is not None:
        findings.note(values, size, message)


def unless_found(update: Callable[[], None]) -> None:
    """Makes an update, in a program that notes numbers out of range only if none was found before."""
    findings = _PRESENT.get()
    if findings is None or not findings.messages or tf.executing_eagerly():
        update()
        return

    findings.holds_updates = True

    def updated() -> tf.Tensor:
        update()
        return tf.constant(0)

    tf.cond(findings.none(), updated, lambda: tf.constant(0))


@contextmanager
def in_turn(findings: list[Findings]) -> Iterator[None]:
    """Waits until no other program with any of these findings is executed."""
    with ExitStack() as held:
        for one in findings:
            held.enter_context(one.lock)
        yield


def source_of(tensor: Any) -> Any:
    """The operation that the tensor's values come from unchanged."""
    while tensor.op.type in ("Cast", "Reshape", "Identity", "ExpandDims", "Squeeze"):
        tensor = tensor.op.inputs[0]
    return tensor.op
