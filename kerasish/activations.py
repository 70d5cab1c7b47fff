"""Activation functions: what a layer does to its sums, element by element.

`softmax` and `sigmoid` leave their argument on the result as `_keras_logits`; a cross-entropy that meets such a result
computes from the logits, where nothing is lost to rounding.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.registry import Registry, family_of

ACTIVATIONS = Registry("activation", "keras.activations")
_FEW_CLASSES = 64
_LAYERS = ("ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU")

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "linear",
    "mish",
    "relu",
    "selu",
    "serialize",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


@ACTIVATIONS.register()
def elu(x: Any, alpha: float = 1.0) -> tf.Tensor:
    """`x` where it is positive, `alpha (e^x - 1)` elsewhere.

    Source: D. Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units (2015).
    """
    unit = tf.nn.elu(x)
    return unit if alpha == 1 else tf.where(unit > 0, unit, alpha * unit)


@ACTIVATIONS.register()
def exponential(x: Any) -> tf.Tensor:
    """`e^x`."""
    return tf.exp(x)


@ACTIVATIONS.register()
def gelu(x: Any, approximate: bool = False) -> tf.Tensor:
    """`x P(X <= x)` for a standard normal X; with `approximate` by a formula in tanh.

    Source: D. Hendrycks, K. Gimpel, Gaussian Error Linear Units (2016).
    """
    return tf.nn.gelu(x, approximate)


@ACTIVATIONS.register()
def hard_sigmoid(x: Any) -> tf.Tensor:
    """`0.2 x + 0.5`, kept between 0 and 1: three straight lines near the sigmoid."""
    return tf.clip_by_value(0.2 * _as_tensor(x) + 0.5, 0.0, 1.0)


@ACTIVATIONS.register()
def linear(x: Any) -> Any:
    """`x` itself."""
    return x


@ACTIVATIONS.register()
def mish(x: Any) -> tf.Tensor:
    """`x tanh(log(1 + e^x))`.

    Source: D. Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2019).
    """
    return x * tf.tanh(tf.math.softplus(x))


@ACTIVATIONS.register()
def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> tf.Tensor:
    """`x` above the threshold (at most `max_value`), `alpha (x - threshold)` below.

    Raises:
        ValueError: if `max_value` is negative.
    """
    if max_value is not None and max_value < 0:
        raise ValueError(f"`max_value` must be None or at least 0. Received: max_value={max_value!r}")
    if alpha and max_value is None and not threshold:
        return tf.nn.leaky_relu(x, alpha)
    x = _as_tensor(x)
    above = tf.where(x > threshold, x, tf.zeros_like(x)) if threshold else tf.nn.relu(x)
    if max_value is not None:
        above = tf.nn.relu6(above) if max_value == 6 else tf.clip_by_value(above, 0, tf.cast(max_value, above.dtype))
    return above - tf.cast(alpha, x.dtype) * tf.nn.relu(threshold - x) if alpha else above


@ACTIVATIONS.register()
def selu(x: Any) -> tf.Tensor:
    """`1.0507 x` where positive, `1.7581 (e^x - 1)` elsewhere: keeps mean 0 and variance 1 through the layers.

    Source: G. Klambauer et al., Self-Normalizing Neural Networks (2017).
    """
    return tf.nn.selu(x)


@ACTIVATIONS.register()
def sigmoid(x: Any) -> tf.Tensor:
    """`1 / (1 + e^-x)`, between 0 and 1."""
    output = tf.sigmoid(x)
    output._keras_logits = x
    return output


@ACTIVATIONS.register("softmax_v2")
def softmax(x: Any, axis: int | tuple[int, ...] = -1) -> tf.Tensor:
    """`e^x / sum(e^x)` along the axis or axes: positive and summing to 1.

    Args:
        x: scores of two axes or more, such as `(batch, classes)`.
        axis: the axis of the classes, or several that are classes together.

    Raises:
        ValueError: for scores of one axis.
    """
    x = _as_tensor(x)
    if x.shape.rank is not None and x.shape.rank < 2:
        raise ValueError(
            f"softmax needs scores of at least two axes, (batch, classes). Received: x of shape {tuple(x.shape)}\n"
            f"Fix: softmax(x[None]) treats them as one sample."
        )
    if isinstance(axis, (tuple, list)):
        output = tf.exp(x - tf.reduce_logsumexp(x, axis, keepdims=True))
    elif axis in (-1, 1) and _is_of_few_classes(x):
        output = tf.exp(tf.nn.log_softmax(x))
    else:
        output = tf.nn.softmax(x, axis)
    output._keras_logits = x
    return output


def _is_of_few_classes(x: tf.Tensor) -> bool:
    """Whether scores are so few that TensorFlow's kernel on CPUs, made for many, takes longer to start than to run."""
    return x.shape.rank == 2 and x.dtype == tf.float32 and 0 < (x.shape[1] or 0) <= _FEW_CLASSES


@ACTIVATIONS.register()
def softplus(x: Any) -> tf.Tensor:
    """`log(1 + e^x)`, a smooth relu."""
    return tf.math.softplus(x)


@ACTIVATIONS.register()
def softsign(x: Any) -> tf.Tensor:
    """`x / (1 + |x|)`, between -1 and 1."""
    return tf.math.softsign(x)


@ACTIVATIONS.register("silu")
def swish(x: Any) -> tf.Tensor:
    """`x sigmoid(x)`.

    Source: P. Ramachandran et al., Searching for Activation Functions (2017).
    """
    return tf.nn.silu(x)


@ACTIVATIONS.register()
def tanh(x: Any) -> tf.Tensor:
    """The hyperbolic tangent, between -1 and 1."""
    return tf.tanh(x)


for _function in (tf.nn.leaky_relu, tf.nn.log_softmax, tf.nn.relu6):
    ACTIVATIONS.register(_function.__name__.removesuffix("_v2"))(_function)


def get(identifier: Any) -> Callable[..., Any]:
    """The activation function that a name, a configuration or a callable stands for; `linear` for None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for something that cannot be called.
    """
    if identifier is None:
        return linear
    return deserialize(identifier) if isinstance(identifier, (str, dict)) else ACTIVATIONS.get(identifier)


def is_own(activation: Callable[..., Any]) -> bool:
    """Whether an activation is one of the library's, which keep shape and type."""
    return getattr(activation, "__module__", None) == __name__


def serialize(activation: Callable[..., Any], use_legacy_format: bool = False) -> Any:
    """The name of an activation function; the configuration of an activation layer."""
    config = object_config.serialize(activation)
    if isinstance(config, str):
        return config
    if activation.__module__.startswith("tensorflow.") and ACTIVATIONS.find(config["config"]) is not None:
        return config["config"]
    return object_config.two_key_form(config) if use_legacy_format else config


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The activation function of a name, or the activation layer of a name or configuration."""
    layers = family_of("keras.layers")
    if layers is not None and (name in _LAYERS if isinstance(name, str) else name.get("class_name") in _LAYERS):
        return layers.get(name, custom_objects)
    return ACTIVATIONS.get(name, custom_objects)


def _as_tensor(x: Any) -> Any:
    """The value as it is where TensorFlow knows its shape, else as a tensor."""
    known = isinstance(x, tf.Tensor) or isinstance(getattr(x, "shape", None), tf.TensorShape)
    return x if known else tf.convert_to_tensor(x)
