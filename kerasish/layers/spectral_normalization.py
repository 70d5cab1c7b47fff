"""SpectralNormalization: a layer whose kernel is kept at spectral norm 1."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import initializers
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.wrapper import Wrapper
from kerasish.ops import normalization as ops
from kerasish.ops.condition import choose


@LAYERS.register()
class SpectralNormalization(Wrapper):
    """The layer inside, its kernel divided, before each step of training, by an estimate of its largest singular value.

    Args:
        layer: a layer with a `kernel` or with `embeddings`.
        power_iterations: the number of improvements of the estimate at each step.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `power_iterations` is no positive integer, or, when built, if the layer has no kernel.

    Source: T. Miyato et al., Spectral Normalization for Generative Adversarial Networks (2018).
    """

    _family_base = False

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.power_iterations = arguments.positive("power_iterations", power_iterations)

    def build(self, input_shape: Any) -> None:  # type: ignore[override]
        """Builds the layer inside, and creates the vector that the estimate starts from."""
        super().build(input_shape)
        self.kernel = self._find_kernel()
        self.vector_u = self.add_weight(
            "vector_u",
            (1, self.kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            experimental_autocast=False,
        )
        shape = tuple(input_shape)
        self.input_spec = InputSpec(shape=(None, *shape[1:]))

    def _find_kernel(self) -> tf.Variable:
        """The variable of the layer inside that is to be divided."""
        for name in ("kernel", "embeddings"):
            found = next((weight for weight in self.layer.weights if _short(weight.name) == name), None)
            if found is not None and hasattr(self.layer, name):
                return found
        raise ValueError(
            f'The layer "{self.layer.name}" inside of "{self.name}" has no `kernel` and no `embeddings`. '
            f"Received: layer={type(self.layer).__name__} with weights {[weight.name for weight in self.layer.weights]}"
        )

    def call(self, inputs: Any, training: Any = False) -> Any:
        """What the layer inside makes of the inputs; with `training`, after its kernel was divided."""
        update = choose(training, self.normalize_weights, lambda: tf.constant(0.0))
        with tf.control_dependencies([update]):
            return self.layer(inputs)

    def normalize_weights(self) -> tf.Tensor:
        """Divides the kernel by its spectral norm, which is returned."""
        norm, vector = ops.spectral_norm(self.kernel, self.vector_u, self.power_iterations)
        self.vector_u.assign(vector)
        self.kernel.assign(self.kernel / norm)
        return tf.cast(norm, tf.float32)


def _short(name: str) -> str:
    """`kernel` for `dense/kernel:0`."""
    return name.split("/")[-1].partition(":")[0]
