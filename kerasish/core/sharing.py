"""One object in several places of a configuration: a number marks it, so that it is made once.

Source: `shared_object_id` of tf.keras 2.5 and later.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

KEY = "shared_object_id"
T = TypeVar("T")


class _State(threading.local):
    counted: Counter[int] | None = None
    marked: dict[int, int] | None = None
    made: dict[int, Any] | None = None
    described: list[tuple[Any, Any]] | None = None


_state = _State()


def marked(describe: Callable[[], T]) -> T:
    """What `describe` returns, with every object that it describes more than once marked."""
    _state.counted, _state.marked = Counter(), None
    try:
        describe()
        repeated = [key for key, count in _state.counted.items() if count > 1]
        _state.counted, _state.marked = None, {key: number for number, key in enumerate(repeated)}
        return describe()
    finally:
        _state.counted = _state.marked = None


def mark_of(thing: Any) -> dict[str, int]:
    """The mark of an object that is being described, empty for one without."""
    if _state.counted is not None:
        _state.counted[id(thing)] += 1
    number = _state.marked.get(id(thing)) if _state.marked is not None else None
    return {} if number is None else {KEY: number}


@contextmanager
def shared() -> Iterator[None]:
    """Within this context objects of one mark are one object."""
    outer, (_state.made, _state.described) = (_state.made, _state.described), ({}, [])
    try:
        yield
    finally:
        _state.made, _state.described = outer


def once(config: Any, make: Callable[[], Any]) -> Any:
    """The object of a configuration, made if it is the first of its mark.

    tf.keras marks an object only where it comes the second time: the first is the one that is described alike.
    """
    if _state.made is None or _state.described is None:
        return make()
    number = config.get(KEY)
    if number not in _state.made:
        alike = (thing for known, thing in _state.described if _unmarked(known) == _unmarked(config))
        found = next(alike, None) if number is not None else None
        found = make() if found is None else found
        if isinstance(config.get("config"), dict) and "name" in config["config"]:
            _state.described.append((config, found))
        if number is None:
            return found
        _state.made[number] = found
    return _state.made[number]


def _unmarked(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _unmarked(value) for key, value in config.items() if key not in (KEY, "build_config")}
    return [_unmarked(item) for item in config] if isinstance(config, (list, tuple)) else config
