"""Which type a layer stores its weights in and which it computes in.

Source: P. Micikevicius et al., Mixed Precision Training (2018); behaviour of `tf.keras.mixed_precision.Policy`.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core import settings

_MIXED = ("mixed_float16", "mixed_bfloat16")


class Policy:
    """The pair of types of a layer: `compute_dtype` for its arithmetic, `variable_dtype` for its weights.

    Args:
        name: a dtype name (both types are that), `"mixed_float16"` or `"mixed_bfloat16"` (weights in float32), or
            `"_infer"` (both types follow the first input).

    Raises:
        TypeError: if `name` is no string or dtype.
        ValueError: if it names no type.
    """

    __config_module__ = "keras.mixed_precision"

    def __init__(self, name: str):
        if isinstance(name, tf.DType):
            raise TypeError(f"`name` must be a string. Received: name={name!r}\nFix: Policy({name.name!r})")
        if not isinstance(name, str):
            raise TypeError(f"`name` must be a string. Received: name={name!r}")
        self._name = name
        self._compute_dtype: str | None
        self._variable_dtype: str | None
        if name in _MIXED:
            self._compute_dtype, self._variable_dtype = name.removeprefix("mixed_"), "float32"
        elif name == "_infer":
            self._compute_dtype = self._variable_dtype = None
        else:
            self._compute_dtype = self._variable_dtype = _dtype_name(name)

    @property
    def name(self) -> str:
        """The name the policy was made with."""
        return self._name

    @property
    def compute_dtype(self) -> str | None:
        """The type of the layer's arithmetic and outputs."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str | None:
        """The type of the layer's weights."""
        return self._variable_dtype

    def get_config(self) -> dict[str, Any]:
        """The policy's name."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Policy:
        """The policy of that name; there are no custom ones."""
        return cls(config["name"])

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Policy) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<Policy "{self._name}">'


def _dtype_name(name: str) -> str:
    try:
        return tf.as_dtype(name).name
    except TypeError:
        raise ValueError(f"`name` must be a dtype or one of {', '.join(_MIXED)}. Received: name={name!r}") from None


_global: list[Policy | None] = [None]


def global_policy() -> Policy:
    """The policy of layers that are not given a dtype: the one set, else that of `floatx()`."""
    return _global[0] or Policy(settings.floatx())


def set_global_policy(policy: Any) -> None:
    """Sets the policy of layers made from here on, by name or object; None goes back to `floatx()`."""
    _global[0] = policy if policy is None else get_policy(policy)


def get_policy(identifier: Any) -> Policy:
    """A policy from a policy, a dtype, a name, a configuration, or None (the global one)."""
    if identifier is None:
        return global_policy()
    if isinstance(identifier, Policy):
        return identifier
    if isinstance(identifier, dict):
        return Policy.from_config(identifier["config"])
    return Policy(
        identifier
        if isinstance(identifier, str) and identifier in (*_MIXED, "_infer")
        else tf.as_dtype(identifier).name
    )


@settings.on_fresh_start
def _forget() -> None:
    _global[0] = None
