"""Configurations derived from signatures.

A class of the library stores each parameter of its `__init__`, resolved, under the parameter's own name; its
configuration follows from that (the rule of scikit-learn's estimators). A user's subclass keeps the contract of
tf.keras 2: it inherits the configuration of the library class it extends, or defines `get_config` itself.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from kerasish.core.object_config import (
    function_name,
    is_library_class,
    parameters,
    serialize_object,
)


class Configurable:
    """An object that can be described by, and rebuilt from, the arguments of its constructor."""

    __config_module__ = "kerasish"
    _config_excluded: tuple[str, ...] = ()
    _family_base = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        if not is_library_class(cls):
            object.__setattr__(instance, "_init_arguments", (args, kwargs))
        return instance

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the object: plain values, and configurations of the objects among them.

        Raises:
            NotImplementedError: for a user's class whose arguments cannot be known.
        """
        owner = _library_class(type(self))
        config = {name: self._config_value(getattr(self, name)) for name in _parameter_names(owner)}
        if _is_abstract(owner) and _constructor(type(self)) is not _constructor(owner):
            config.update(self._user_arguments(owner))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An object of this class with the configuration's arguments."""
        return cls(**config)

    def _config_value(self, value: Any) -> Any:
        if hasattr(value, "get_config"):
            return serialize_object(value)
        if inspect.isroutine(value):
            return function_name(value)
        if type(value) is list or type(value) is tuple:
            return type(value)(self._config_value(item) for item in value)
        if type(value) is dict:
            return {key: self._config_value(item) for key, item in value.items()}
        return value

    def _user_arguments(self, owner: type) -> dict[str, Any]:
        """What a user's own constructor was called with, where every argument is a plain value."""
        signature = inspect.signature(type(self).__init__)
        args, kwargs = self.__dict__.get("_init_arguments", ((), {}))
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        own = [p.name for p in parameters(type(self).__init__) if p.name not in _parameter_names(owner)]
        values = {name: bound.arguments[name] for name in own}
        for name, value in values.items():
            if not _is_plain(value):
                raise NotImplementedError(_how_to_configure(type(self).__name__, name, value))
        return values


def _library_class(cls: type) -> type:
    return next(base for base in cls.__mro__ if is_library_class(base) and base is not Configurable)


def _constructor(cls: type) -> Any:
    return inspect.getattr_static(cls, "__init__")


def _is_abstract(owner: type) -> bool:
    """Whether the library class is the base of a family, which users extend with arguments of their own."""
    return owner.__dict__.get("_family_base", False)


@functools.cache
def _parameter_names(owner: type) -> tuple[str, ...]:
    """Parameter names along the constructors: the base's first, as far as `**kwargs` pass them on."""
    names: list[str] = []
    for base in owner.__mro__:
        init = base.__dict__.get("__init__")
        if init is None or base in (object, Configurable):
            continue
        own = [p.name for p in parameters(init) if p.name not in names]
        names = [*own, *names]
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(init).parameters.values()):
            break
    excluded = {name for base in owner.__mro__ for name in base.__dict__.get("_config_excluded", ())}
    return tuple(dict.fromkeys(name for name in names if name not in excluded))


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (str, bool, int, float))


def _how_to_configure(owner: str, argument: str, value: Any) -> str:
    return (
        f"The argument `{argument}` of {owner} cannot be described automatically. Received: {argument}={value!r}\n"
        f"Define `get_config` in {owner}, for example:\n"
        f"    def get_config(self):\n"
        f"        return {{**super().get_config(), {argument!r}: ...}}"
    )
