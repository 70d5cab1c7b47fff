"""Wrapper: a layer around another layer."""

from __future__ import annotations

from typing import Any

from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class Wrapper(Layer):
    """A layer that owns `layer`, builds it, and has its activity regularizer; subclasses say what is done with it.

    Args:
        layer: the layer inside.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `layer` is no layer.
    """

    _family_base = True

    def __init__(self, layer: Any, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"`layer` must be a layer. Received: layer={layer!r} of type {type(layer).__name__}")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside for the same inputs."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        super().build(input_shape)

    @property  # type: ignore[misc]
    def activity_regularizer(self) -> Any:
        """The activity regularizer of the layer inside, which applies it."""
        return self.layer.activity_regularizer

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The wrapper around the layer that the configuration describes."""
        config = dict(config)
        layer = LAYERS.get(config.pop("layer"), custom_objects)
        return cls(layer, **config)
