"""Shape and order of elements: reshaping, joining, picking, repeating; types and kinds of tensors."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.graph.symbolic_tensor import is_symbolic


def reshape(x: Any, shape: Any) -> tf.Tensor:
    """x in another shape, -1 standing for what is left."""
    return tf.reshape(x, shape)


def flatten(x: Any) -> tf.Tensor:
    """All elements in one row."""
    return tf.reshape(x, [-1])


def batch_flatten(x: Any) -> tf.Tensor:
    """The elements of each sample in one row, `(batch, elements)`."""
    count = tf.TensorShape(x.shape[1:]).num_elements()
    return tf.reshape(x, [-1, tf.reduce_prod(tf.shape(x)[1:]) if count is None else count])


def expand_dims(x: Any, axis: int = -1) -> tf.Tensor:
    """x with a new axis of size 1."""
    return tf.expand_dims(x, axis)


def squeeze(x: Any, axis: Any) -> tf.Tensor:
    """x without an axis of size 1."""
    return tf.squeeze(x, [axis] if isinstance(axis, int) else axis)


def permute_dimensions(x: Any, pattern: Any) -> tf.Tensor:
    """x with its axes in the order of the pattern."""
    return tf.transpose(x, perm=pattern)


def transpose(x: Any) -> tf.Tensor:
    """x with its axes in reverse order."""
    return tf.transpose(x)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """The tensors one after another along an axis; sparse if all are sparse, else dense."""
    if all(isinstance(tensor, tf.SparseTensor) for tensor in tensors):
        return tf.sparse.concat(axis, list(tensors))
    return tf.concat([to_dense(tensor) for tensor in tensors], axis)


def stack(x: Sequence[Any], axis: int = 0) -> tf.Tensor:
    """The tensors along a new axis."""
    return tf.stack(x, axis)


def reverse(x: Any, axes: Any) -> tf.Tensor:
    """x backwards along the axes."""
    return tf.reverse(x, [axes] if isinstance(axes, int) else axes)


def tile(x: Any, n: Any) -> tf.Tensor:
    """x repeated as a whole, `n` times along each axis."""
    return tf.tile(x, [n] if isinstance(n, int) else n)


def repeat(x: Any, n: int) -> tf.Tensor:
    """A row `(batch, features)` n times, `(batch, n, features)`.

    Raises:
        ValueError: if x has not two axes.
    """
    if x.shape.rank != 2:
        raise ValueError(f"`x` must have two axes, (batch, features). Received: x of shape {tuple(x.shape)}")
    return tf.tile(tf.expand_dims(x, 1), [1, n, 1])


def repeat_elements(x: Any, rep: int, axis: int) -> tf.Tensor:
    """Each element `rep` times in a row along the axis."""
    return tf.repeat(x, rep, axis=axis)


def gather(reference: Any, indices: Any) -> tf.Tensor:
    """The rows of the given numbers."""
    return tf.gather(reference, indices)


def one_hot(indices: Any, num_classes: int) -> tf.Tensor:
    """A row for each index with 1 at its place, in a new last axis."""
    return tf.one_hot(indices, depth=num_classes, axis=-1)


def shape(x: Any) -> tf.Tensor:
    """The shape as a tensor, known when the value is."""
    return tf.shape(x)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The static shape, sizes not known being None; None if the rank is not known."""
    found = getattr(x, "shape", None)
    if found is None:
        return None
    found = tf.TensorShape(found)
    return tuple(found.as_list()) if found.rank is not None else None


def ndim(x: Any) -> int | None:
    """The number of axes."""
    return tf.TensorShape(x.shape).rank


def dtype(x: Any) -> str:
    """The name of the element type."""
    return tf.as_dtype(x.dtype).name


def cast(x: Any, dtype: Any) -> Any:
    """x with elements of another type."""
    return tf.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """x in the default float type: tensors stay tensors, all else becomes a NumPy array."""
    if isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor)) or is_symbolic(x):
        return tf.cast(x, settings.floatx())
    return np.array(x, dtype=tf.as_dtype(settings.floatx()).as_numpy_dtype)


def is_sparse(tensor: Any) -> bool:
    """Whether the tensor is sparse."""
    spec = getattr(tensor, "type_spec", None)
    return isinstance(tensor, tf.SparseTensor) or isinstance(spec, tf.SparseTensorSpec)


def to_dense(tensor: Any) -> Any:
    """A sparse tensor as an ordinary one, others as they are."""
    return tf.sparse.to_dense(tensor) if is_sparse(tensor) else tensor


def is_keras_tensor(x: Any) -> bool:
    """Whether x is a symbolic tensor, made by `Input` or a layer called on one.

    Raises:
        ValueError: if x is no tensor of any kind.
    """
    if is_symbolic(x):
        return True
    if isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor, tf.RaggedTensor)):
        return False
    raise ValueError(f"`x` must be a tensor or a variable. Received: x={x!r} of type {type(x).__name__}")
