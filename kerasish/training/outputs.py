"""A model's outputs by name and place, and what a user may give for them: one thing, a list, or a dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kerasish.core.registry import unknown_name


class Outputs:
    """The names of a model's outputs in order.

    Args:
        names: one for each output.
        keys: the keys under which a model that returns a dict gives its outputs, else None.
    """

    def __init__(self, names: list[str], keys: list[str] | None = None):
        self.names, self.keys = names, keys

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, y_pred: Any, names: list[str] | None = None) -> Outputs:
        """The outputs of a model that returned `y_pred`; without names they are called `output_1`, `output_2`, ..."""
        if isinstance(y_pred, Mapping):
            keys = sorted(y_pred)
            return cls(names if names is not None and len(names) == len(keys) else [str(key) for key in keys], keys)
        count = len(tf.nest.flatten(y_pred))
        return cls(
            list(names) if names is not None and len(names) == count else [f"output_{i + 1}" for i in range(count)]
        )

    def spread(self, argument: str, given: Any) -> list[Any]:
        """What is given for each output: one thing for all, a list in order, or a dict by name (None where absent).

        Raises:
            ValueError: if a list is too short or too long, or a dict names an output that is not there.
        """
        if isinstance(given, Mapping):
            return self._by_name(argument, given)
        if isinstance(given, (list, tuple)):
            if len(given) != len(self):
                raise ValueError(
                    f"`{argument}` must have one entry for each of the model's {len(self)} output(s) {self.names}. "
                    f"Received: {len(given)} entries\nUse None for an output without {argument}."
                )
            return list(given)
        return [given] * len(self)

    def _by_name(self, argument: str, given: Mapping[str, Any]) -> list[Any]:
        keys = self.keys if self.keys is not None and set(given) <= set(self.keys) else self.names
        for name in given:
            if name not in keys:
                raise ValueError(
                    unknown_name(f"output in `{argument}`", str(name), keys).split("\n")[0]
                    + f" The outputs are {list(keys)}."
                )
        return [given.get(name) for name in keys]

    def flatten(self, argument: str, values: Any) -> list[Any]:
        """Targets, weights or predictions in the order of the outputs."""
        if isinstance(values, Mapping):
            return self._by_name(argument, values)
        if isinstance(values, (list, tuple)):
            return self.spread(argument, [value for value in values])
        return [values] if len(self) == 1 else self._split(argument, values)

    def _split(self, argument: str, values: Any) -> list[Any]:
        if values is None:
            return [None] * len(self)
        raise ValueError(
            f"`{argument}` must be a list or dict with one entry for each of the outputs {self.names}. "
            f"Received: one value of type {type(values).__name__}"
        )
