"""Dense: every output a weighted sum of every input."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops.products import project


@LAYERS.register()
class Dense(Layer):
    """`activation(inputs @ kernel + bias)`, from `(batch, ..., features)` to `(batch, ..., units)`.

    Args:
        units: the number of outputs.
        activation: a function of the sums, or its name; none if None.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(features, units)`.
        bias_initializer: initial values of the bias `(units,)`.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `units` is no positive integer.
    """

    _tells_shape = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = arguments.positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates kernel and bias.

        Raises:
            ValueError: if the number of features is unknown.
        """
        features = tuple(input_shape)[-1]
        if features is None:
            raise ValueError(
                f'The last axis of the inputs of layer "{self.name}" must have a known size. '
                f"Received: shape={tuple(input_shape)}\n"
                "Give the number of features in `Input(shape=...)`."
            )
        self.kernel = self.add_weight("kernel", (features, self.units))
        self.bias = self.add_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Outputs `(batch, ..., units)`; sparse matrices and ragged tensors are accepted."""
        if isinstance(inputs, tf.RaggedTensor):
            return inputs.with_flat_values(self.call(inputs.flat_values))
        kernel = self.kernel
        if inputs.dtype != kernel.dtype:
            inputs = tf.cast(inputs, kernel.dtype)
        if isinstance(inputs, tf.SparseTensor):
            outputs = tf.sparse.sparse_dense_matmul(inputs, kernel)
        elif inputs.shape.rank == 2:
            outputs = tf.raw_ops.MatMul(a=inputs, b=kernel)
        else:
            return self.activation(project(inputs, kernel, self.bias))
        if self.bias is not None:
            outputs = tf.raw_ops.BiasAdd(value=outputs, bias=self.bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape with `units` as its last size."""
        return tf.TensorShape(input_shape)[:-1].concatenate(self.units)
