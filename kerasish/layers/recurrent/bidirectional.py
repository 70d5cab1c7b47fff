"""Bidirectional: a recurrent layer along a sequence and another one against it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.recurrent.states import TakesStates, first_mask, sequence_shape
from kerasish.layers.wrapper import Wrapper

_MERGES = ("sum", "mul", "ave", "concat", None)


@LAYERS.register()
class Bidirectional(TakesStates, Wrapper):
    """Outputs of a recurrent layer and of its copy that reads backwards, merged: concatenated `(batch, 2 units)`.

    Args:
        layer: a recurrent layer; the two are made from its configuration.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None for both outputs in a list.
        weights: initial values, the forward layer's first.
        backward_layer: the layer for the way back; it must have `go_backwards=True`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for something that is no recurrent layer, another merge mode, or two layers that do not match.
    """

    _backward_config: dict[str, Any] | None = None
    _config_excluded: tuple[str, ...] = ("weights", "backward_layer")

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ):
        _check_recurrent("layer", layer)
        if backward_layer is not None:
            _check_recurrent("backward_layer", backward_layer)
        if merge_mode not in _MERGES:
            raise ValueError(
                '`merge_mode` must be one of "sum", "mul", "ave", "concat" and None. '
                f"Received: merge_mode={merge_mode!r}"
            )
        super().__init__(layer, weights=weights, **kwargs)
        del self.layer
        object.__setattr__(self, "layer", layer)  # its two copies are what the wrapper owns
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", go_backwards=not layer.go_backwards)
        else:
            object.__setattr__(self, "_backward_config", object_config.serialize_object(backward_layer))
            self.backward_layer = backward_layer
            backward_layer._name = f"backward_{backward_layer.name}"
        self._check_match()
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = layer.stateful
        self.supports_masking = True
        if self.return_sequences:  # or what the one repeats under the mask would meet real outputs of the other
            self.forward_layer.zero_output_for_mask = self.backward_layer.zero_output_for_mask = True
        self.input_spec = layer.input_spec

    def build(self, input_shape: Any) -> None:  # type: ignore[override]
        """Builds both layers, their weights named after them."""
        shape = sequence_shape(input_shape)
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                with tf.name_scope(layer.name):
                    layer.build(shape)
                layer.built = True
        Layer.build(self, input_shape)

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The merged outputs, and the states of both layers if they return them.

        Raises:
            ValueError: if the states given cannot be shared out in equal halves.
        """
        ahead, back = self._halves(initial_state)
        options = {"training": training, "mask": first_mask(mask), "constants": constants}
        y = self.forward_layer(inputs, initial_state=ahead, **options)
        y_back = self.backward_layer(inputs, initial_state=back, **options)
        states: list[Any] = []
        if self.return_state:
            states, y, y_back = [*y[1:], *y_back[1:]], y[0], y_back[0]
        if self.return_sequences:
            axis = 0 if getattr(self.forward_layer, "time_major", False) else 1
            y_back = tf.reverse(y_back, [axis])
        merged = self._merge(y, y_back)
        return [*(merged if self.merge_mode is None else [merged]), *states] if states else merged

    def _halves(self, states: Any) -> tuple[Any, Any]:
        if states is None:
            return None, None
        if len(states) % 2:
            raise ValueError(
                f'Layer "{self.name}" takes the states of both of its layers in one list, the forward layer\'s first. '
                f"Received: {len(states)} state(s)"
            )
        return states[: len(states) // 2], states[len(states) // 2 :]

    def _merge(self, ahead: Any, back: Any) -> Any:
        if self.merge_mode is None:
            return [ahead, back]
        if self.merge_mode == "concat":
            return tf.concat([ahead, back], -1)
        if self.merge_mode == "mul":
            return ahead * back
        return ahead + back if self.merge_mode == "sum" else (ahead + back) / 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The merged output's shape, followed by those of the states if they are returned."""
        found = self.forward_layer.compute_output_shape(sequence_shape(input_shape))
        shape, states = (found[0], found[1:]) if self.return_state else (found, [])
        if self.merge_mode == "concat":
            shape = shape[:-1].concatenate(None if shape[-1] is None else 2 * shape[-1])
        outputs = [shape, shape] if self.merge_mode is None else [shape]
        return [*outputs, *states, *states] if self.return_state or self.merge_mode is None else shape

    def compute_mask(self, inputs: Any, mask: Any) -> Any:  # type: ignore[override]
        """The mask of the sequence for all outputs, none for the last ones or for states."""
        output = first_mask(mask) if self.return_sequences else None
        outputs = [output, output] if self.merge_mode is None else output
        if not self.return_state:
            return outputs
        sizes = self.layer.cell.state_size
        count = len(sizes) if isinstance(sizes, (list, tuple)) else 1
        return [*(outputs if isinstance(outputs, list) else [outputs]), *[None] * (2 * count)]

    def reset_states(self, states: Any = None) -> None:
        """Sets the states of both layers to their initial values, or to the given ones, the forward layer's first.

        Raises:
            AttributeError: if the layers are not stateful.
        """
        ahead, back = self._halves(states)
        self.forward_layer.reset_states(ahead)
        self.backward_layer.reset_states(back)

    @property
    def constraints(self) -> dict[Any, Any]:
        """The constraints of both layers, where they tell them."""
        layers = (self.forward_layer, self.backward_layer)
        return {key: value for layer in layers for key, value in getattr(layer, "constraints", {}).items()}

    def get_config(self) -> dict[str, Any]:
        """The arguments, with the configuration of the layer (and of the one for the way back, where it was given)."""
        config = super().get_config()
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        if self._backward_config is not None:
            config["backward_layer"] = self._backward_config
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer around those that the configuration describes."""
        config = dict(config)
        constants = config.pop("num_constants", None)
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config[key] = LAYERS.get(config[key], custom_objects)
        made = cls(**config)
        made._num_constants = constants
        return made

    def _check_match(self) -> None:
        ahead, back = self.forward_layer, self.backward_layer
        if ahead.go_backwards == back.go_backwards:
            raise ValueError(
                "The two layers must read in opposite directions. "
                f"Received: layer.go_backwards={ahead.go_backwards}, backward_layer.go_backwards={back.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(ahead, name) != getattr(back, name):
                raise ValueError(
                    f"The two layers must agree in `{name}`. Received: layer.{name}={getattr(ahead, name)}, "
                    f"backward_layer.{name}={getattr(back, name)}"
                )


def _check_recurrent(argument: str, layer: Any) -> None:
    wanted = ("go_backwards", "return_sequences", "return_state", "stateful")
    if not isinstance(layer, Layer) or not all(hasattr(layer, name) for name in wanted):
        raise ValueError(
            f"`{argument}` must be a recurrent layer: one with {', '.join(wanted)}. Received: {argument}={layer!r}"
        )


def _copy(layer: Any, prefix: str, **changes: Any) -> Any:
    """A layer with the configuration of the other one, under a name with the prefix."""
    config = {**layer.get_config(), **changes}
    made = type(layer).from_config({**config, "name": f"{prefix}{layer.name}"})
    made._num_constants = getattr(layer, "_num_constants", None)
    return made
