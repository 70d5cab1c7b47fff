"""Layers that apply one function to every element, or to groups of them: activations, with and without weights."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec

_MASKED = -1e9


class _Elementwise(Layer):
    """Base of layers whose outputs have the shape, and the mask, of their inputs."""

    _tells_shape = True

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)


@LAYERS.register()
class Activation(_Elementwise):
    """`activation(inputs)`.

    Args:
        activation: a function, or its name.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """The function of the inputs."""
        return self.activation(inputs)


@LAYERS.register()
class ReLU(_Elementwise):
    """`x` above the threshold (at most `max_value`), `negative_slope (x - threshold)` below.

    Raises:
        ValueError: if one of the three is negative.
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative("max_value", max_value)
        self.negative_slope = _not_negative("negative_slope", negative_slope)
        self.threshold = _not_negative("threshold", threshold)

    def call(self, inputs: Any) -> tf.Tensor:
        """The rectified inputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@LAYERS.register()
class LeakyReLU(_Elementwise):
    """`x` where positive, `alpha x` elsewhere.

    Raises:
        ValueError: if `alpha` is no number.
    """

    def __init__(self, alpha: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = _number("alpha", alpha)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with their negative part reduced."""
        return tf.nn.leaky_relu(inputs, self.alpha)


@LAYERS.register()
class ELU(_Elementwise):
    """`x` where positive, `alpha (e^x - 1)` elsewhere.

    Raises:
        ValueError: if `alpha` is no number.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = _number("alpha", alpha)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with their negative part bent towards `-alpha`."""
        return activations.elu(inputs, self.alpha)


@LAYERS.register()
class ThresholdedReLU(_Elementwise):
    """`x` where it exceeds `theta`, 0 elsewhere.

    Raises:
        ValueError: if `theta` is negative.
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.theta = _not_negative("theta", theta)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with all that is too small set to zero."""
        return inputs * tf.cast(inputs > self.theta, inputs.dtype)


@LAYERS.register()
class Softmax(_Elementwise):
    """`e^x / sum(e^x)` along the axis or axes; positions that a mask excludes get zero.

    Args:
        axis: the axis of the classes, or several that are classes together.
        robust_masking: accepted for compatibility; masked positions count for nothing either way.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, axis: Any = -1, robust_masking: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.robust_masking = robust_masking

    def get_config(self) -> dict[str, Any]:
        """The arguments, `robust_masking` only where it is on (as tf.keras writes it)."""
        config = super().get_config()
        return (
            config if self.robust_masking else {key: value for key, value in config.items() if key != "robust_masking"}
        )

    def call(self, inputs: Any, mask: Any = None) -> tf.Tensor:
        """Positive numbers that sum to 1 along the axis.

        Args:
            inputs: scores.
            mask: true where a score counts, of the inputs' shape.
        """
        if mask is not None:
            lowest = max(_MASKED, inputs.dtype.min)
            inputs = tf.where(tf.cast(mask, tf.bool), inputs, tf.cast(lowest, inputs.dtype))
        several = isinstance(self.axis, list) and len(self.axis) > 1
        axis = tuple(self.axis) if several else self.axis[0] if isinstance(self.axis, list) else self.axis
        return activations.softmax(inputs, axis)


@LAYERS.register()
class PReLU(Layer):
    """`x` where positive, `alpha x` elsewhere, `alpha` being learned.

    Args:
        alpha_initializer: initial values of the slopes.
        alpha_regularizer: a penalty on them.
        alpha_constraint: a projection of them after each update.
        shared_axes: axes along which one slope serves all, `[1, 2]` for one slope per channel of an image.
        **kwargs: arguments of `Layer`.

    Source: K. He et al., Delving Deep into Rectifiers (2015).
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        arguments.weight_options(self, "alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        self.shared_axes = (
            None if shared_axes is None else list(shared_axes) if hasattr(shared_axes, "__iter__") else [shared_axes]
        )
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates the slopes: one for each feature, shared along `shared_axes`."""
        shape = list(input_shape)
        for axis in self.shared_axes or ():
            shape[axis] = 1
        self.alpha = self.add_weight("alpha", tuple(shape[1:]))
        own = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in (self.shared_axes or ())}
        self.input_spec = InputSpec(ndim=len(shape), axes=own)
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs with their negative part reduced."""
        return tf.nn.relu(inputs) - self.alpha * tf.nn.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)


def _number(argument: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"`{argument}` must be a number. Received: {argument}={value!r}") from None


def _not_negative(argument: str, value: Any) -> float:
    if _number(argument, value) < 0:
        raise ValueError(f"`{argument}` must be at least 0. Received: {argument}={value!r}")
    return float(value)
