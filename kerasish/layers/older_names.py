"""What layers of earlier tf.keras 2 offered and old code still calls.

Source: behaviour of tf.keras 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.layers.weights import WeightOwner


class OlderNames(WeightOwner):
    """`add_variable`, `add_update` and the saving of single layers."""

    build: Callable[..., None]
    _build_input_shape: Any

    @property
    def updates(self) -> list[Any]:
        """Nothing: updates run where they are made."""
        return []

    def add_variable(self, *args: Any, **kwargs: Any) -> tf.Variable:
        """`add_weight`."""
        return self.add_weight(*args, **kwargs)

    def add_update(self, updates: Any) -> None:
        """Runs the updates that are functions; those that are operations have run already."""
        for update in tf.nest.flatten(updates):
            if callable(update) and not tf.is_tensor(update):
                update()

    def finalize_state(self) -> None:
        """Does nothing; layers whose state is gathered by `adapt` have more to do."""

    def get_build_config(self) -> dict[str, Any] | None:
        """`{"input_shape": ...}` with the shape the layer was built for, None before."""
        return None if self._build_input_shape is None else {"input_shape": self._build_input_shape}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer for the shape that `get_build_config` told."""
        if config.get("input_shape") is not None:
            self.build(config["input_shape"])

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the values of the layer's own weights, without those of layers within, into the store by number."""
        for number, variable in enumerate(_trainable_first(self._owned_weights())):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Sets the layer's own weights from the store.

        Raises:
            ValueError: if the store has another number of values.
        """
        variables = _trainable_first(self._owned_weights())
        if len(store) != len(variables):
            raise ValueError(
                f'Layer "{self.name}" has {len(variables)} weights of its own. Received: {len(store)} values\n'
                "Build the layer before loading, and for the same input shape."
            )
        for number, variable in enumerate(variables):
            variable.assign(store[str(number)])


def _trainable_first(variables: list[Any]) -> list[Any]:
    return sorted(variables, key=lambda variable: not variable.trainable)
