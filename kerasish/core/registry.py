"""Names and aliases of the library's and the user's classes and functions.

One `Registry` per family (losses, layers, ...). What a user registers or brings in a scope is found first, so that a
name in a string or in a file can stand for it.
"""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from kerasish.core import foreign_keys, sharing

T = TypeVar("T")

_registered: dict[str, Any] = {}
_registered_names: dict[Any, str] = {}
_scopes = threading.local()
_families: dict[str, Registry] = {}


class Registry:
    """The objects of one family by name and alias.

    Args:
        family: what one is called in messages, for example `"loss"`.
        module: the public module that configurations name, for example `"keras.losses"`.
    """

    def __init__(self, family: str, module: str):
        self.family, self.module = family, module
        self._objects: dict[str, Any] = {}
        _families[module] = self

    def register(self, *aliases: str) -> Callable[[T], T]:
        """A decorator that enters a class or function under its own name and the aliases."""

        def enter(thing: T) -> T:
            for name in (thing.__name__, *aliases):  # type: ignore[attr-defined]
                self._objects[name] = thing
            return thing

        return enter

    def names(self) -> tuple[str, ...]:
        """Every name and alias, sorted."""
        return tuple(sorted(self._objects))

    def find(self, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
        """The class or function of that name, or None; the user's own come first."""
        custom = find_custom(name, custom_objects)
        return custom if custom is not None else self._objects.get(name)

    def resolve(self, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
        """The class or function of that name.

        Raises:
            ValueError: if there is none; the nearest names are told.
        """
        found = self.find(name, custom_objects)
        if found is None:
            raise ValueError(unknown_name(self.family, name, self._objects))
        return found

    def get(self, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The object that a name, a configuration or the object itself stands for; None stays None.

        Raises:
            ValueError: for an unknown name.
            TypeError: for a class where an instance is wanted, or something that is not callable.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.resolve(identifier, custom_objects)
            return found() if inspect.isclass(found) else found
        if isinstance(identifier, dict):
            return self.rebuild(identifier, custom_objects)
        article = "an" if self.family[0] in "aeiou" else "a"
        if inspect.isclass(identifier):
            raise TypeError(
                f"Expected {article} {self.family} object, a function or a name. "
                f"Received the class {identifier.__name__}.\n"
                f"Did you forget the parentheses? Write {identifier.__name__}()."
            )
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise TypeError(f"Expected {article} {self.family} object, a function or a name. Received: {identifier!r}")

    def rebuild(self, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The object that `{"class_name": ..., "config": ...}` describes.

        Raises:
            ValueError: if the configuration names no class, or one that is not known, or is nested too deeply.
        """
        if "class_name" not in config:
            raise ValueError(
                f'Expected a {self.family} configuration {{"class_name": ..., "config": ...}}. Received: {config!r}'
            )
        inner = config.get("config")
        found = self._described(config, custom_objects)
        if not inspect.isclass(found):
            return found

        def make() -> Any:
            arguments = inner or {}
            while True:
                try:
                    return found.from_config(arguments) if hasattr(found, "from_config") else found(**arguments)
                except TypeError as error:
                    if found.__module__.partition(".")[0] != "kerasish" or not isinstance(arguments, dict):
                        raise
                    arguments = foreign_keys.left_out(found, arguments, error)

        try:
            with custom_object_scope(custom_objects or {}):
                return sharing.once(config, make)
        except RecursionError:
            raise ValueError(f"The configuration of {config['class_name']} is nested too deeply.") from None

    def _described(self, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
        """The class or function that a configuration names: the user's, also without its package, or the library's."""
        is_function = config["class_name"] == "function"
        name = str(config.get("config") if is_function else config["class_name"])
        registered = config.get("registered_name")
        names = [str(registered), name] if registered and not is_function else [name]
        for candidate in (*names, *(name.partition(">")[2] for name in names if ">" in name)):
            found = find_custom(candidate, custom_objects)
            if found is not None:
                return found
        return self.resolve(name if name in self._objects else names[0], custom_objects)


def unknown_name(family: str, name: str, known: Any) -> str:
    """The message for a name that stands for nothing, with the nearest names that do."""
    by_lower = {str(other).lower(): other for other in known}
    near = [by_lower[match] for match in difflib.get_close_matches(str(name).lower(), by_lower, n=3, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    return (
        f"Unknown {family}: {name!r}.{hint}\n"
        f"If it is your own, pass the object itself or name it in `custom_objects={{{name!r}: ...}}`."
    )


def family_of(module: str) -> Registry | None:
    """The registry of a module as configurations name it, for example `keras.losses`."""
    return _families.get(module)


def families() -> tuple[Registry, ...]:
    """All registries."""
    return tuple(_families.values())


def find_custom(name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The user's object of that name: from the argument, the innermost scope, the global dict, the registrations."""
    for objects in (custom_objects or {}, *reversed(_scope_stack()), _registered):
        if name in objects:
            return objects[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """The global dict of the user's objects by name; what is put there is found everywhere."""
    return _registered


class custom_object_scope:  # noqa: N801 (the public name)
    """Within this context the given names stand for the given classes or functions.

    Args:
        *args: dicts of name to object.
    """

    def __init__(self, *args: dict[str, Any]):
        self.custom_objects = {name: thing for objects in args for name, thing in (objects or {}).items()}

    def __enter__(self) -> custom_object_scope:
        _scope_stack().append(self.custom_objects)
        return self

    def __exit__(self, *exception: Any) -> None:
        _scope_stack().remove(self.custom_objects)


CustomObjectScope = custom_object_scope


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that makes the user's class or function known under `package>name` wherever objects are rebuilt.

    Raises:
        ValueError: for a class without `get_config`, or a name that another object has already.
    """

    def enter(thing: T) -> T:
        own = thing.__name__  # type: ignore[attr-defined]
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(f"Cannot register {own}: it has no `get_config()`. Define one that returns its arguments.")
        registered = f"{package}>{name or own}"
        _registered[registered] = thing
        _registered_names[thing] = registered
        return thing

    return enter


def get_registered_name(obj: Any) -> str:
    """The name a class or function was registered under, else its own."""
    own = getattr(obj, "__registered_name__", getattr(obj, "__name__", str(obj)))
    return _registered_names.get(obj, own)


def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """The user's class or function of a registered name, or None."""
    found = find_custom(name, custom_objects)
    return found if found is not None else (module_objects or {}).get(name)


def is_registered(thing: Any) -> bool:
    """Whether a class or function was registered by the user."""
    return thing in _registered_names


def _scope_stack() -> list[dict[str, Any]]:
    if not hasattr(_scopes, "stack"):
        _scopes.stack = []
    return _scopes.stack
