"""Models and layers that run the graphs of a SavedModel, where their classes are not there to make them anew."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS, Layer
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
        self.restored_variables = _variables_of(restored)
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


@LAYERS.register()
class RestoredLayer(Layer):
    """The call of a user's layer that was saved, as a layer: its weights can be trained further.

    Args:
        restored: the layer within what `tf.saved_model.load` returned.
        takes_training: whether its call has a `training` argument.
    """

    def __init__(self, restored: Any, takes_training: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.restored = restored
        self.restored_variables = _variables_of(restored)
        self.takes_training = takes_training
        self.built = True

    def call(self, inputs: Any, training: Any = False) -> Any:
        """What the saved graph computes; the losses that it had within are the layer's."""
        options = {"training": bool(training)} if self.takes_training else {}
        with_losses = getattr(self.restored, "call_and_return_all_conditional_losses", None)
        if with_losses is None:
            return self.restored(inputs, **options)
        outputs, losses = with_losses(inputs, **options)
        self.add_loss(losses)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Refused: there is only a graph.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f'Layer "{self.name}" was loaded as a graph and has no configuration.')


def _inputs_of(restored: Any) -> Any:
    """The types of the inputs that the graphs were made for; None if they are not known."""
    for function in getattr(getattr(restored, "__call__", None), "concrete_functions", ()):  # noqa: B004 (its attribute is wanted)
        args = function.structured_input_signature[0]
        if args:
            return args[0]
    return None


def _variables_of(restored: Any) -> list[tf.Variable]:
    listed = getattr(restored, "variables", None)
    if listed is not None:
        return list(listed)
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
