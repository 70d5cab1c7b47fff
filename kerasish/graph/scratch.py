"""Graphs in which a layer is called once to learn what comes out; Python control flow of user code made graph-ready.

This is one of the three files that use `tf.__internal__` (there is no public graph that lets variables be lifted out of
it while a function is being built, nor a public conversion of a single call).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import tensorflow as tf

from kerasish.core.object_config import is_library_class

T = TypeVar("T")


@contextmanager
def scratch_graph(name: str) -> Iterator[None]:
    """A throw-away graph: operations made within are never run, variables made under `tf.init_scope` are real."""
    with tf.__internal__.FuncGraph(f"{name}_scratch").as_default():
        yield


def placeholder(spec: tf.TypeSpec) -> Any:
    """A stand-in of that type for the current scratch graph."""
    if isinstance(spec, tf.TensorSpec):
        return tf.compat.v1.placeholder(spec.dtype, spec.shape)
    return tf.nest.pack_sequence_as(spec, [placeholder(part) for part in spec._component_specs], expand_composites=True)


def spec_of(value: Any) -> tf.TypeSpec:
    """The type (shape and dtype) of a tensor of any kind."""
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return tf.TensorSpec(value.shape, value.dtype)
    return tf.type_spec_from_value(value)


def converted(method: Callable[..., Any]) -> Callable[..., Any]:
    """A user's method with its Python `if`, `for` and `while` on tensors turned into graph control flow.

    Library functions, and calls outside a graph, are returned as they are.
    """
    if tf.executing_eagerly():
        return method
    module = getattr(getattr(method, "__func__", method), "__module__", None) or ""
    if module.partition(".")[0] == "kerasish":
        return method
    return tf.__internal__.autograph.tf_convert(method, _OUTSIDE_OF_GRAPHS)


def leave_unconverted(modules: Iterable[ModuleType]) -> None:
    """Marks all functions, methods and classes of the modules as ones that a user's `tf.function` runs as they are.

    What `tf.autograph.experimental.do_not_convert` achieves with a function around, at no cost to eager calls. The
    `__call__` that a user writes in a class of his own is converted as ever.
    """
    for module in modules:
        for thing in vars(module).values():
            if isinstance(thing, FunctionType):
                unconverted(thing)
            elif isinstance(thing, type) and thing.__module__ == module.__name__:
                for part in vars(thing).copy().values():
                    for function in (part, *(getattr(part, name, None) for name in ("__func__", "fget", "fset"))):
                        if isinstance(function, FunctionType):
                            unconverted(function)
                if "__call__" in vars(thing):
                    for name in _MARKS:
                        setattr(thing, name, _AsItsCall(name))


def unconverted(function: T) -> T:
    """Marks a function as one that a user's `tf.function` runs as it is."""
    for name, value in _MARKS.items():
        setattr(function, name, value)
    return function


class _AsItsCall:
    """The mark of objects that are called: they have it where their class's `__call__` has it."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, thing: Any, owner: Any) -> Any:
        return getattr(owner.__call__, self.name)


def is_library_method(owner: Any, name: str) -> bool:
    """Whether the object's method is the library's own rather than an override of a user."""
    cls = owner if isinstance(owner, type) else type(owner)
    return is_library_class(next(base for base in cls.__mro__ if name in base.__dict__))


_MARKS = vars(tf.autograph.experimental.do_not_convert(lambda: None)).copy()
_MARKS.pop("__wrapped__", None)
# Within a program that is itself not converted the current state says "do not convert"; this one converts.
_OUTSIDE_OF_GRAPHS = tf.__internal__.autograph.control_status_ctx()
eager_tensor_type = tf.__internal__.EagerTensor
