"""keras.models.experimental: SharpnessAwareMinimization, a model that trains another one towards flat minima."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.object_config import deserialize, serialize_object
from kerasish.data_sources.source import unpack_x_y_sample_weight
from kerasish.layers.base import LAYERS
from kerasish.models.model import Model

__all__ = ["SharpnessAwareMinimization"]


@LAYERS.register()
class SharpnessAwareMinimization(Model):
    """A model whose step goes along the gradient `∇L(w + ρ ∇L(w) / ‖∇L(w)‖)` of the inner model's worst neighbour.

    Args:
        model: the model that is trained.
        rho: ρ, how far away in weight space the neighbour is.
        num_batch_splits: how many parts of a batch look for a neighbour each; their gradients are added.
        name: the model's name.

    Raises:
        ValueError: if `rho` is no positive number or `num_batch_splits` no positive integer.

    Source: P. Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization (2021).
    """

    __config_module__ = "keras.models.experimental"

    def __init__(self, model: Any, rho: float = 0.05, num_batch_splits: int | None = None, name: str | None = None):
        super().__init__(name=name)
        if not rho > 0:
            raise ValueError(f"`rho` must be a positive number. Received: rho={rho!r}")
        if num_batch_splits is not None and (not isinstance(num_batch_splits, int) or num_batch_splits < 1):
            raise ValueError(
                f"`num_batch_splits` must be a positive integer. Received: num_batch_splits={num_batch_splits!r}"
            )
        self.model, self.rho, self.num_batch_splits = model, rho, num_batch_splits

    def call(self, inputs: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """The inner model's outputs; the further arguments (`training`, `mask`) are for it."""
        return self.model(inputs, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Builds the inner model for inputs of that shape."""
        self.model.build(input_shape)
        super().build(input_shape)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch; metrics are those of the weights before it, outside training."""
        variables = self.model.trainable_variables
        found = [self._near(variables, *part) for part in _split(data, self.num_batch_splits or 1)]
        y_pred = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *[outputs for outputs, _ in found])
        sums = [tf.add_n(of_one) for of_one in zip(*[gradients for _, gradients in found], strict=True)]
        self.optimizer.apply_gradients(zip(sums, variables, strict=True))
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _near(self, variables: list[Any], *part: Any) -> tuple[Any, list[tf.Tensor]]:
        """A part's outputs, and the gradients of its loss where that is worst within the distance ρ."""
        outputs, steepest = self._here(variables, False, *part)
        norm = tf.linalg.global_norm(steepest)
        moves = [gradient * self.rho / (norm + 1e-12) for gradient in steepest]
        for variable, move in zip(variables, moves, strict=True):
            variable.assign_add(move)
        _, gradients = self._here(variables, True, *part)
        for variable, move in zip(variables, moves, strict=True):
            variable.assign_sub(move)
        return outputs, gradients

    def _here(self, variables: list[Any], training: bool, x: Any, y: Any, sample_weight: Any) -> Any:
        """A part's outputs, and the gradients of its loss, for the present weights."""
        outputs = []

        def loss() -> tf.Tensor:
            outputs.append(self.model(x, training=training))
            return self.compute_loss(x, y, outputs[0], sample_weight)

        pairs = self.optimizer.compute_gradients(loss, variables)
        return outputs[0], [tf.convert_to_tensor(gradient) for gradient, _ in pairs]

    def get_config(self) -> dict[str, Any]:
        """The inner model and ρ."""
        return {"model": serialize_object(self.model), "rho": self.rho}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model around the one that the configuration describes."""
        return cls(**{**config, "model": deserialize(config["model"], custom_objects)})


def _split(data: Any, count: int) -> list[tuple[Any, ...]]:
    """The batch in parts of equal size."""
    flat = tf.nest.flatten(unpack_x_y_sample_weight(data))
    parts = [[None] * count if tensor is None else tf.split(tensor, count) for tensor in flat]
    return [tf.nest.pack_sequence_as(unpack_x_y_sample_weight(data), part) for part in zip(*parts, strict=True)]
