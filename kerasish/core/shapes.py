"""Shapes as plain tuples of `int` or `None`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Shape = tuple["int | None", ...]


def to_shape(shape: Any) -> Shape | None:
    """A tuple of sizes from a TensorShape, list, tuple or number; `None` if the rank is unknown."""
    shape = tf.TensorShape(shape)
    return tuple(shape.as_list()) if shape.rank is not None else None


def is_shape(value: Any) -> bool:
    """Whether the value is one shape rather than a structure of shapes."""
    if isinstance(value, tf.TensorShape):
        return True
    return isinstance(value, (tuple, list)) and all(size is None or isinstance(size, int) for size in value)


def map_shapes(function: Any, shapes: Any) -> Any:
    """The structure of shapes with the function applied to each."""
    if shapes is None or is_shape(shapes):
        return function(shapes)
    if isinstance(shapes, dict):
        return {key: map_shapes(function, value) for key, value in shapes.items()}
    return type(shapes)(map_shapes(function, value) for value in shapes)


def tensor_shapes_of(tensors: Any) -> Any:
    """The structure of the tensors' static shapes as TensorFlow has them, which classes of users expect."""
    return tf.nest.map_structure(lambda tensor: tensor.shape, tensors)


def shapes_of(tensors: Any) -> Any:
    """The structure of the tensors' static shapes as tuples."""
    return tf.nest.map_structure(lambda tensor: to_shape(tensor.shape), tensors)
