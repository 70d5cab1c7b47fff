"""What preprocessing layers share: Python lists, strings and arrays are one tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.graph.symbolic_tensor import any_symbolic
from kerasish.layers.base import Layer

_VALUES = (str, bytes, int, float, np.ndarray, np.generic)


def as_tensor(value: Any) -> Any:
    """Nested lists, strings, numbers and arrays as one tensor; anything else as it is."""
    nested = isinstance(value, (list, tuple)) and not any_symbolic(value)
    if isinstance(value, _VALUES) or (nested and not _holds_tensors(value)):
        return tf.convert_to_tensor(value)
    return value


def _holds_tensors(value: Any) -> bool:
    return any(isinstance(one, (tf.Tensor, tf.RaggedTensor, tf.SparseTensor)) for one in value)


class TensorLayer(Layer):
    """Base of layers of one input, which may be given as nested Python lists."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The layer's output."""
        return super().__call__(as_tensor(inputs), *args, **kwargs)


class Specified:
    """What layers share whose output follows from the shape of the input alone."""

    compute_output_shape: Any
    compute_dtype: Any

    def compute_output_signature(self, input_spec: Any) -> tf.TensorSpec:
        """The output's `tf.TensorSpec` for inputs of that specification."""
        return tf.TensorSpec(self.compute_output_shape(input_spec.shape), self._output_dtype())

    def _output_dtype(self) -> Any:
        return self.compute_dtype
