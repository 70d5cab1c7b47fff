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
        input_tensor: a tensor of the input's type, which is all that is taken from it.
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
        if isinstance(type_spec, dict):
            type_spec = _spec_described(type_spec)
        if input_tensor is not None:
            type_spec = _spec_of_tensor(input_tensor, dtype)
        elif type_spec is not None:
            _refuse_beside_type_spec(
                shape=input_shape if batch_shape is None else batch_shape, batch_size=batch_size, dtype=dtype,
                sparse=sparse, ragged=ragged,
            )  # fmt: skip
        elif batch_shape is None:
            batch_shape = (batch_size, *(to_shape(() if input_shape is None else input_shape) or ()))
        dtype = tf.as_dtype(type_spec.dtype if type_spec is not None else dtype or settings.floatx()).name
        super().__init__(name=name or unique_name("input", zero_based=False), dtype=dtype, autocast=False, **kwargs)
        self._type_spec = (
            type_spec if type_spec is not None else _spec(batch_shape, dtype, bool(sparse), bool(ragged), self.name)
        )
        self.sparse = isinstance(self._type_spec, tf.SparseTensorSpec)
        self.ragged = isinstance(self._type_spec, tf.RaggedTensorSpec)
        self.optional = optional
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


def _spec_described(config: dict[str, Any]) -> Any:
    """The type that an entry of tf_keras's configurations describes."""
    kinds = {kind.__name__: kind for kind in (tf.TensorSpec, tf.RaggedTensorSpec, tf.SparseTensorSpec)}
    if config.get("spec_name") not in kinds or not isinstance(config.get("config"), (list, tuple)):
        raise ValueError(f"`type_spec` must describe one of {', '.join(kinds)}. Received: type_spec={config!r}")
    return kinds[config["spec_name"]](*config["config"])


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
        tensor: a tensor of the input's type, which is all that is taken from it.
        ragged: whether it is a `tf.RaggedTensor`.
        type_spec: the input's full type, instead of shape, dtype and kind.
        optional: accepted for compatibility.
        **kwargs: `batch_shape`, the shape with the batch axis.

    Raises:
        ValueError: unless exactly one of `shape`, `batch_shape`, `tensor` and `type_spec` is given.
        TypeError: for an unknown keyword.
    """
    batch_shape = kwargs.pop("batch_shape", kwargs.pop("batch_input_shape", None))
    if kwargs:
        raise TypeError(f"Input takes no keyword argument {', '.join(map(repr, kwargs))}.")
    if sum(value is not None for value in (shape, batch_shape, type_spec, tensor)) != 1:
        raise ValueError(
            "Input needs exactly one of `shape`, `batch_shape`, `tensor` and `type_spec`. "
            f"Received: shape={shape}, batch_shape={batch_shape}, tensor={tensor}, type_spec={type_spec}"
        )
    layer = InputLayer(
        input_shape=shape, batch_size=batch_size, dtype=dtype, input_tensor=tensor, sparse=sparse, name=name,
        ragged=ragged, type_spec=type_spec, optional=optional,
        **({} if batch_shape is None else {"batch_input_shape": batch_shape}),
    )  # fmt: skip
    return layer.symbolic


def _spec_of_tensor(tensor: Any, dtype: Any) -> Any:
    """The type of a tensor that stands for an input."""
    spec = tensor.type_spec if isinstance(tensor, SymbolicTensor) else tf.type_spec_from_value(tensor)
    if dtype is not None and tf.as_dtype(dtype) != spec.dtype:
        raise ValueError(
            f"`dtype` must be that of `tensor`, or left out. Received: dtype={dtype}, a tensor of {spec.dtype.name}"
        )
    return spec


def _refuse_beside_type_spec(**given: Any) -> None:
    wrong = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if wrong:
        raise ValueError(
            f"`type_spec` says all of the input's type. Received besides: {', '.join(wrong)}\nLeave that out."
        )


def _spec(shape: Any, dtype: str, sparse: bool, ragged: bool, name: str) -> tf.TypeSpec:
    if sparse and ragged:
        raise ValueError("An input cannot be sparse and ragged at once. Received: sparse=True, ragged=True")
    if sparse:
        return tf.SparseTensorSpec(shape, dtype)
    if ragged:
        open_axes = [axis for axis, size in enumerate(shape) if size is None]
        return tf.RaggedTensorSpec(shape, dtype, max(open_axes, default=0))
    return tf.TensorSpec(shape, dtype, name)
