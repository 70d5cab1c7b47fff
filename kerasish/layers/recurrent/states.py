"""Calls with states and constants beside the inputs, shared by recurrent layers and those around them.

Source: behaviour of tf.keras 2: symbolic states stand behind the inputs in one list, which is how models are saved.
"""

from __future__ import annotations

from typing import Any

from kerasish.core.shapes import is_shape
from kerasish.graph.symbolic_tensor import any_symbolic
from kerasish.layers.base import Layer
from kerasish.layers.calling import CallSignature


class TakesStates(Layer):
    """A layer that is called on a sequence, on states to begin with, and on constants that every step sees."""

    _num_constants: int | None = None

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """The layer's output; states and constants may also follow the inputs in one list."""
        states, fixed = _listed(initial_state), _listed(constants)
        if fixed:
            self._num_constants = len(fixed)
        if any_symbolic(states, fixed) or (any_symbolic(inputs) and (states or fixed)):
            first = inputs if isinstance(inputs, list) else [inputs]
            return super().__call__([*first, *states, *fixed], **kwargs)
        if states:
            kwargs["initial_state"] = states
        if fixed:
            kwargs["constants"] = fixed
        return super().__call__(inputs, **kwargs)

    def _call_with(self, signature: CallSignature, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(inputs, list):
            inputs, states, fixed = self._apart(inputs)
            if states:
                kwargs["initial_state"] = states
            if fixed:
                kwargs["constants"] = fixed
            args = (inputs, *args[1:])
        return super()._call_with(signature, inputs, args, kwargs)

    def _apart(self, inputs: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        """Inputs, states and constants from the list of all."""
        end = len(inputs) - (self._num_constants or 0)
        return inputs[0], inputs[1:end], inputs[end:]

    def _maybe_build(self, inputs: Any) -> None:
        super()._maybe_build(inputs[0] if isinstance(inputs, list) else inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        raise NotImplementedError


def sequence_shape(input_shape: Any) -> Any:
    """The shape of the inputs alone, where those of states follow it."""
    return input_shape[0] if isinstance(input_shape, list) and not is_shape(input_shape) else input_shape


def first_mask(mask: Any) -> Any:
    """The mask of the inputs, where those of states follow it."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def _listed(tensors: Any) -> list[Any]:
    if tensors is None:
        return []
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
