"""What an object owns: variables and other owners, through attributes, lists, tuples and dicts, in Keras's order.

A container stays the very object the user assigned (so that it prints, pickles and turns into JSON as ever) and is
looked through whenever ownership is asked for; what is appended later counts. For checkpoints TensorFlow gets wrapped
copies of the containers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

_CONTAINERS = (list, tuple, dict)
_PLAIN = (bool, int, float, str, type(None))


class Exports(threading.local):
    """The writing of a SavedModel in progress on this thread.

    Attributes:
        added: gives what the file holds of an object besides its parts; None outside of a save.
    """

    added: Callable[[Any], dict[str, Any]] | None = None


exports = Exports()


class Tracked(tf.Module):
    """A TensorFlow module that remembers what is assigned to its attributes, in the order of assignment."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        create = super().__new__
        instance = create(cls) if create is object.__new__ else create(cls, *args, **kwargs)
        object.__setattr__(instance, "_owned", {})
        object.__setattr__(instance, "_wrapped", {})
        return instance

    def __init__(self, name: str | None = None):
        object.__setattr__(self, "_name", name)

    @property
    def name(self) -> str:
        """The object's name."""
        return self._name

    def __setattr__(self, name: str, value: Any) -> None:
        bookkeeping = name.startswith("_self_")  # TensorFlow's own, which lists all that a checkpoint holds
        if bookkeeping or (_is_plain(value) and name not in self._owned):
            object.__setattr__(self, name, value)
        elif isinstance(value, _CONTAINERS):
            self._owned.pop(name, None)
            object.__setattr__(self, name, value)
            self._own(name, value)
        else:
            self._owned.pop(name, None)
            super().__setattr__(name, value)
            if isinstance(value, (tf.Variable, tf.Module)):
                self._own(name, value)

    def __delattr__(self, name: str) -> None:
        self._owned.pop(name, None)
        super().__delattr__(name)

    def _own(self, name: str, value: Any) -> None:
        """Called with each owned attribute; subclasses may refuse or sort it."""
        self._owned[name] = value

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        for name, value in self._owned.items():
            if isinstance(value, _CONTAINERS) and any(True for _ in flatten_owned(value)):
                children[name] = self._wrap(name, value)
        if save_type == "savedmodel" and exports.added is not None:
            children.update(exports.added(self))
        return children

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        value = self._owned.get(name)
        if isinstance(value, _CONTAINERS) and any(True for _ in flatten_owned(value)):
            return self._wrap(name, value)
        return super()._lookup_dependency(name, cached_dependencies)

    def _wrap(self, name: str, value: Any) -> Any:
        """TensorFlow's trackable copy of a container, made anew when the container has changed."""
        members = list(flatten_owned(value))
        known = self._wrapped.get(name)
        if known is None or [id(member) for member in known[0]] != [id(member) for member in members]:
            known = (members, tf.__internal__.tracking.wrap(_copy(value)))
            self._wrapped[name] = known
        return known[1]


def _is_plain(value: Any) -> bool:
    """Whether nothing in the value can ever be owned."""
    return type(value) in _PLAIN or (type(value) is tuple and all(type(item) in _PLAIN for item in value))


def wrapped(value: Any) -> Any:
    """A list or dict as TensorFlow wants it in a graph of objects; anything else as it is."""
    return tf.__internal__.tracking.wrap(value) if isinstance(value, (list, dict)) else value


class Named(tf.Module):
    """Things under names for the graph of a SavedModel; lists and dicts among them are wrapped as TensorFlow wants."""

    def __init__(self, **things: Any):
        super().__init__()
        self._things = {name: wrapped(value) for name, value in things.items()}

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return dict(self._things)


def flatten_owned(value: Any) -> Iterator[tf.Variable | tf.Module]:
    """The variables and modules within nested containers, in order (dicts: by sorted key, as TensorFlow flattens)."""
    if isinstance(value, (tf.Variable, tf.Module)):
        yield value
    elif isinstance(value, dict):
        for key in sorted(value, key=lambda key: (str(type(key)), key) if isinstance(key, (str, int)) else ("", 0)):
            yield from flatten_owned(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flatten_owned(item)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copy(item) for item in value)
    return value


def unique(objects: Iterator[Any] | list[Any]) -> list[Any]:
    """The objects without repetitions, compared by identity, in order of first occurrence."""
    return list({id(thing): thing for thing in objects}.values())
