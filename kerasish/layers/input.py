"""Input: where a functional model begins."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core import settings
from kerasish.core.naming import unique_name
from kerasish.core.shapes import to_shape
from kerasish.graph.node import Node
from kerasish.graph.symbolic_tensor import SymbolicTensor
from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class InputLayer(Layer):
    """The layer that holds one symbolic input of a model.

    Args:
        input_shape: shape without the batch axis.
        batch_size: size of the batch axis, None for any.
        dtype: dtype of the input, `floatx()` if None.
        input_tensor: accepted as None only.
        sparse: whether the input is a `tf.SparseTensor`.
        name: the input's name.
        ragged: whether the input is a `tf.RaggedTensor`.
        type_spec: the input's full type, instead of shape and dtype.
        optional: accepted for compatibility.
        **kwargs: `batch_input_shape`, the shape with the batch axis.
    """

    _object_identifier: Any = "_tf_keras_input_layer"

    def __init__(
        self, input_shape: Any = None, batch_size: int | None = None, dtype: Any = None, input_tensor: Any = None,
        sparse: bool | None = None, name: str | None = None, ragged: bool | None = None, type_spec: Any = None,
        optional: bool = False, **kwargs: Any,
    ):  # fmt: skip
        batch_shape = kwargs.pop("batch_input_shape", None)
        if input_tensor is not None:
            raise ValueError("`input_tensor` is not supported: pass tensors to the model when calling it.")
        if batch_shape is not None:
            batch_shape = tuple(batch_shape)
        elif type_spec is None:
            batch_shape = (batch_size, *(to_shape(() if input_shape is None else input_shape) or ()))
        dtype = tf.as_dtype(type_spec.dtype if type_spec is not None else dtype or settings.floatx()).name
        super().__init__(name=name or unique_name("input", zero_based=False), dtype=dtype, autocast=False, **kwargs)
        self.sparse, self.ragged, self.optional = bool(sparse), bool(ragged), optional
        self._type_spec = (
            type_spec if type_spec is not None else _spec(batch_shape, dtype, self.sparse, self.ragged, self.name)
        )
        self._batch_input_shape = to_shape(self._type_spec.shape)
        self.built = True
        self.supports_masking = True
        Node(self, (), {}, SymbolicTensor(self._type_spec, self.name))

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype, kind and name of the input."""
        return {
            "batch_input_shape": self._batch_input_shape, "dtype": self.dtype, "sparse": self.sparse,
            "ragged": self.ragged, "name": self.name, "optional": self.optional,
        }  # fmt: skip

    @property
    def type_spec(self) -> Any:
        """The full type of the input."""
        return self._type_spec

    @property
    def symbolic(self) -> SymbolicTensor:
        """The symbolic tensor that stands for the input."""
        return self._inbound_nodes[0].outputs


def Input(  # noqa: N802 (the public name)
    shape: Any = None, batch_size: int | None = None, name: str | None = None, dtype: Any = None,
    sparse: bool | None = None, tensor: Any = None, ragged: bool | None = None, type_spec: Any = None,
    optional: bool = False, **kwargs: Any,
) -> SymbolicTensor:  # fmt: skip
    """A symbolic tensor that a functional model starts from.

    Args:
        shape: shape without the batch axis, `(784,)`.
        batch_size: size of the batch axis, None for any.
        name: the input's name, the key under which a dict of inputs provides it.
        dtype: dtype of the input, `floatx()` if None.
        sparse: whether it is a `tf.SparseTensor`.
        tensor: not supported.
        ragged: whether it is a `tf.RaggedTensor`.
        type_spec: the input's full type, instead of shape and dtype.
        optional: accepted for compatibility.
        **kwargs: `batch_shape`, the shape with the batch axis.

    Raises:
        ValueError: if neither or both of `shape` and `batch_shape` are given.
        TypeError: for an unknown keyword.
    """
    batch_shape = kwargs.pop("batch_shape", kwargs.pop("batch_input_shape", None))
    if kwargs:
        raise TypeError(f"Input takes no keyword argument {', '.join(map(repr, kwargs))}.")
    if sum(value is not None for value in (shape, batch_shape, type_spec, tensor)) != 1:
        raise ValueError(
            f"Input needs exactly one of `shape` and `batch_shape`. Received: shape={shape}, batch_shape={batch_shape}"
        )
    layer = InputLayer(
        input_shape=shape, batch_size=batch_size, dtype=dtype, input_tensor=tensor, sparse=sparse, name=name,
        ragged=ragged, type_spec=type_spec, optional=optional,
        **({} if batch_shape is None else {"batch_input_shape": batch_shape}),
    )  # fmt: skip
    return layer.symbolic


def _spec(shape: Any, dtype: str, sparse: bool, ragged: bool, name: str) -> tf.TypeSpec:
    if sparse and ragged:
        raise ValueError("An input cannot be sparse and ragged at once. Received: sparse=True, ragged=True")
    if sparse:
        return tf.SparseTensorSpec(shape, dtype)
    if ragged:
        return tf.RaggedTensorSpec(shape, dtype)
    return tf.TensorSpec(shape, dtype, name)
