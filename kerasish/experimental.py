"""`keras.experimental`: linear and wide-and-deep models, features of sequences, and older names.

Source: H.-T. Cheng et al., Wide & Deep Learning for Recommender Systems (2016); behaviour of tf.keras 2.
"""
from __future__ import annotations

import warnings
from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.core.object_config import deserialize
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.feature_columns import SequenceFeatures
from kerasish.models import sidecar_evaluator
from kerasish.models.model import Model
from kerasish.optimizers.schedules import CosineDecay, CosineDecayRestarts

__all__ = ["CosineDecay", "CosineDecayRestarts", "LinearModel", "SequenceFeatures", "SidecarEvaluator", "WideDeepModel"]


@LAYERS.register()
class LinearModel(Model):
    """`activation(x₁ · W₁ + x₂ · W₂ + ... + b)` for one input `(batch, features)` or a list or dict of them.

    Args:
        units: the number of outputs.
        activation: applied to the sum.
        use_bias: whether b is there.
        kernel_initializer, bias_initializer: how weights begin.
        kernel_regularizer, bias_regularizer: what they add to the loss.
        **kwargs: `name`, `trainable` and `dtype`.
    """

    __config_module__ = "keras.experimental"

    def __init__(
        self,
        units: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = arguments.positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer)

    def build(self, input_shape: Any) -> None:
        """Creates a kernel for each input, and the bias."""
        shapes = _shapes(input_shape)
        self.kernels = [self.add_weight("kernel", (shape[-1], self.units)) for shape in shapes]
        self.bias = self.add_weight("bias", (self.units,)) if self.use_bias else None
        self.built = True

    def call(self, inputs: Any) -> Any:  # type: ignore[override]
        """Outputs `(batch, units)`."""
        parts = [tf.convert_to_tensor(part) for part in tf.nest.flatten(inputs)]
        products = [tf.matmul(part, kernel) for part, kernel in zip(parts, self.kernels, strict=True)]
        outputs = tf.add_n(products)
        return self.activation(outputs if self.bias is None else tf.nn.bias_add(outputs, self.bias))


@LAYERS.register()
class WideDeepModel(Model):
    """`activation(linear_model(x₁) + dnn_model(x₂))`; a single input goes to both.

    Args:
        linear_model: the wide part.
        dnn_model: the deep part, with as many outputs.
        activation: applied to the sum.
        **kwargs: `name`, `trainable` and `dtype`.
    """

    __config_module__ = "keras.experimental"

    def __init__(self, linear_model: Any, dnn_model: Any, activation: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.linear_model = linear_model
        self.dnn_model = dnn_model
        self.activation = activations.get(activation)

    def call(self, inputs: Any, training: Any = None) -> Any:  # type: ignore[override]
        """Outputs of the shape that both parts have."""
        wide, deep = inputs if isinstance(inputs, (list, tuple)) and len(inputs) == 2 else (inputs, inputs)
        return self.activation(self.linear_model(wide) + self.dnn_model(deep, training=training))

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A fresh model with fresh parts."""
        parts = {name: deserialize(config[name], custom_objects) for name in ("linear_model", "dnn_model")}
        return cls(**{**config, **parts})


class SidecarEvaluator(sidecar_evaluator.SidecarEvaluator):
    """The older name of `utils.SidecarEvaluator`, whose arguments it takes; says so."""

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn("experimental.SidecarEvaluator is utils.SidecarEvaluator now.", stacklevel=2)
        super().__init__(*args, **kwargs)


def _shapes(input_shape: Any) -> list[tuple[int, ...]]:
    """The shapes of all inputs in the order in which TensorFlow flattens them."""
    if isinstance(input_shape, dict):
        return [shape for key in sorted(input_shape) for shape in _shapes(input_shape[key])]
    if isinstance(input_shape, list) or (isinstance(input_shape, tuple) and isinstance(input_shape[0], (list, tuple))):
        return [shape for one in input_shape for shape in _shapes(one)]
    return [tuple(tf.TensorShape(input_shape))]
