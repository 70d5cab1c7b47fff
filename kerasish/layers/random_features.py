"""RandomFourierFeatures: a kernel machine's feature map as a layer."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from kerasish import constraints, initializers
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec

_KERNELS = ("gaussian", "laplacian")


@LAYERS.register()
class RandomFourierFeatures(Layer):
    """`cos(x @ kernel / scale + bias)`: products of two such outputs approximate a shift-invariant kernel of inputs.

    Args:
        output_dim: the number of features.
        kernel_initializer: `"gaussian"` or `"laplacian"`, the kernel that is approximated, or an initializer.
        scale: the kernel's width; by default `sqrt(input_dim / 2)` for the Gaussian kernel and 1 for others.
        trainable: whether the width is trained.
        name: the layer's name.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a number of features or a width that is not positive, or an unknown kernel.

    Source: A. Rahimi and B. Recht, Random Features for Large-Scale Kernel Machines (2007).
    """

    __config_module__ = "keras.layers.experimental"

    def __init__(
        self,
        output_dim: int,
        kernel_initializer: Any = "gaussian",
        scale: float | None = None,
        trainable: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        if isinstance(kernel_initializer, str):
            kernel_initializer = arguments.one_of("kernel_initializer", kernel_initializer, _KERNELS)
        if scale is not None and not scale > 0:
            raise ValueError(f"`scale` must be a positive number. Received: scale={scale!r}")
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.output_dim = arguments.positive("output_dim", output_dim)
        self.kernel_initializer = kernel_initializer
        self.scale = scale
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: Any) -> None:
        """Draws kernel `(features, output_dim)` and bias `(output_dim,)`, and creates the width."""
        features = tuple(input_shape)[-1]
        self.input_spec = InputSpec(ndim=2, axes={1: features})
        if self.scale is None:
            self.scale = math.sqrt(features / 2) if self.kernel_initializer == "gaussian" else 1.0
        drawn = {"gaussian": initializers.RandomNormal(stddev=1.0), "laplacian": _cauchy}
        given = self.kernel_initializer
        initializer = drawn[given] if isinstance(given, str) else initializers.get(given)
        self.unscaled_kernel = self.add_weight(
            "unscaled_kernel", (features, self.output_dim), initializer=initializer, trainable=False
        )
        phases = initializers.RandomUniform(0.0, 2 * math.pi)
        self.bias = self.add_weight("bias", (self.output_dim,), initializer=phases, trainable=False)
        width, not_negative = initializers.Constant(self.scale), constraints.NonNeg()
        self.kernel_scale = self.add_weight("kernel_scale", (1,), initializer=width, constraint=not_negative)
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """The features `(batch, output_dim)` of inputs `(batch, features)`."""
        inputs = tf.cast(inputs, self.compute_dtype)
        return tf.cos(tf.matmul(inputs, self.unscaled_kernel / self.kernel_scale) + self.bias)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """`(batch, output_dim)`."""
        return tf.TensorShape([tuple(input_shape)[0], self.output_dim])


def _cauchy(shape: Any, dtype: Any = None) -> tf.Tensor:
    """Draws from the standard Cauchy distribution, the spectrum of the Laplacian kernel."""
    uniform = initializers.RandomUniform(-0.5, 0.5)(shape, dtype=dtype)
    return tf.tan(math.pi * uniform)
