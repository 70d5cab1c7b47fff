"""What a layer's `call` accepts, and what one call passes on to the calls within it."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

_UNSET = inspect.Parameter.empty


class CallContext(threading.local):
    """The call in progress on this thread.

    Attributes:
        depth: how many layers deep the call is; 0 outside any layer.
        training: the flag that layers within inherit, None if nobody has said.
        scope: the names of the layers around, joined by slashes; weights made within are named by it.
        layer: the innermost layer being called.
        exporting: whether the call is traced for a file, in whose graphs metrics have no place.
    """

    depth = 0
    training: Any = None
    scope = ""
    layer: Any = None
    exporting = False


context = CallContext()


class CallSignature:
    """The parameters of a `call` method that the library fills in when the user does not.

    Args:
        call: the unbound method, its first parameter being `self`.
    """

    __slots__ = ("first", "names", "takes_training", "needs_training", "takes_mask", "default_training", "positions")

    def __init__(self, call: Callable[..., Any]):
        parameters = list(inspect.signature(call).parameters.values())[1:]
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.names = [p.name for p in parameters]
        self.first = positional[0].name if positional else None
        self.positions = {p.name: place for place, p in enumerate(positional)}
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.takes_training = "training" in self.names or takes_any
        self.takes_mask = "mask" in self.names or takes_any
        default = next((p.default for p in parameters if p.name == "training"), None)
        self.needs_training = default is _UNSET
        self.default_training = None if default is _UNSET else default

    def given(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the caller passed the parameter."""
        return name in kwargs or self.positions.get(name, len(args)) < len(args)

    def value(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the caller passed for the parameter, None if nothing."""
        if name in kwargs:
            return kwargs[name]
        place = self.positions.get(name, len(args))
        return args[place] if place < len(args) else None


_signatures: dict[Any, CallSignature] = {}


def signature_of(call: Callable[..., Any]) -> CallSignature:
    """The signature of a bound `call`, worked out once per function."""
    function = getattr(call, "__func__", call)
    known = _signatures.get(function)
    if known is None:
        known = CallSignature(function if hasattr(call, "__func__") else _with_self(call))
        if hasattr(call, "__func__") and "<locals>" not in function.__qualname__:
            _signatures[function] = known
    return known


def _with_self(function: Callable[..., Any]) -> Callable[..., Any]:
    """A stand-in with a leading `self` for a plain function assigned as a `call`."""
    wanted = inspect.signature(function)
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        return function(*args[1:], **kwargs)

    rest = [
        p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
        for p in wanted.parameters.values()
    ]
    stand_in.__signature__ = inspect.Signature([first, *rest])  # type: ignore[attr-defined]
    return stand_in
