"""A model that runs the graphs of a SavedModel, where its classes are not there to rebuild it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS
from kerasish.models.model import Model


@LAYERS.register()
class RestoredModel(Model):
    """The call that was saved, as a model: it can be called, evaluated, trained further, and saved again as weights.

    Args:
        restored: what `tf.saved_model.load` returned.
    """

    def __init__(self, restored: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.restored = restored
        self.signatures = getattr(restored, "signatures", {})
        variables = getattr(restored, "variables", None)
        self.restored_variables = list(variables) if variables is not None else _variables_of(restored)
        self.built = True
        object.__setattr__(self, "_input_specs", _inputs_of(restored))

    def call(self, inputs: Any, training: Any = False, mask: Any = None) -> Any:
        """What the saved graph computes.

        Raises:
            TypeError: if the SavedModel has signatures only.
        """
        if not callable(self.restored):
            names = ", ".join(self.signatures)
            raise TypeError(
                f"This SavedModel cannot be called, it has signatures only: {names}. Use model.signatures[...]."
            )
        return self.restored(inputs, training=bool(training))

    def get_config(self) -> dict[str, Any]:
        """Refused: there is only a graph.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("A model that was loaded as graphs has no configuration.")


def _inputs_of(restored: Any) -> Any:
    """The types of the inputs that the graphs were made for; None if they are not known."""
    for function in getattr(getattr(restored, "__call__", None), "concrete_functions", ()):  # noqa: B004 (its attribute is wanted)
        args = function.structured_input_signature[0]
        if args:
            return args[0]
    return None


def _variables_of(restored: Any) -> list[tf.Variable]:
    found: dict[int, tf.Variable] = {}
    stack, seen = [restored], set()
    while stack:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, tf.Variable):
            found[id(thing)] = thing
        stack.extend(reversed(list(thing._trackable_children().values())))
    return list(found.values())
