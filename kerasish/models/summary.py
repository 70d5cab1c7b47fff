"""The table of a model's layers that `model.summary()` prints.

Source: every line is laid out as tf.keras 2 lays it out; the tests compare the texts.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any


def layers_in_range(layers: Sequence[Any], layer_range: Sequence[str] | None) -> list[Any]:
    """The layers from the first to the second of two names or patterns, either way round; all if None.

    Raises:
        ValueError: if it is not a pair of strings, or one of them fits no layer.
    """
    if layer_range is None:
        return list(layers)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"`layer_range` must be two names of layers. Received: layer_range={layer_range!r}")
    places = [[place for place, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range]
    if not all(places):
        raise ValueError(
            f"`layer_range` must name layers of the model. Received: layer_range={layer_range!r}\n"
            f"The layers are {', '.join(layer.name for layer in layers)}."
        )
    ends = sorted((min(places[0]), max(places[1])))
    return list(layers[ends[0] : ends[1] + 1])


def check_built(model: Any) -> None:
    """Raises a ValueError for a model whose layers do not know their inputs' shapes yet."""
    if not model.built:
        raise ValueError(
            f'The model "{model.name}" is not built yet: its weights and shapes are not known.\n'
            "Call model.build(input_shape), or call the model on a batch."
        )
