"""Products of tensors with a kernel along their last axes."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf


def project(inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None, contracted: int = 1) -> tf.Tensor:
    """The last axes of the inputs summed with a kernel, plus a bias: one matrix product of all rows.

    Args:
        inputs: `(..., *contracted)`, of any rank.
        kernel: `(*contracted, *units)`.
        bias: `units`.
        contracted: the number of axes that are summed.

    Returns:
        `(..., *units)`.

    Raises:
        ValueError: if the inputs do not end in the axes that are summed; `InvalidArgumentError` where that shows later.
    """
    sizes, units = kernel.shape[:contracted], kernel.shape[contracted:]
    if inputs.shape.rank is not None and inputs.shape[-contracted:].as_list() != sizes.as_list():
        inputs = tf.ensure_shape(inputs, [*inputs.shape[:-contracted], *sizes])
    matrix = kernel if len(kernel.shape) == 2 else tf.reshape(kernel, [sizes.num_elements(), units.num_elements()])
    rows = inputs if inputs.shape.rank == 2 == contracted + 1 else tf.reshape(inputs, [-1, sizes.num_elements()])
    outputs = tf.matmul(rows, matrix)
    if bias is not None:
        outputs = tf.nn.bias_add(outputs, bias if units.rank == 1 else tf.reshape(bias, [-1]))
    if inputs.shape.rank == contracted + 1 and units.rank == 1:
        return outputs
    return in_rows_of(outputs, inputs, contracted, units)


def in_rows_of(rows: tf.Tensor, like: tf.Tensor, inner: int, sizes: Any) -> tf.Tensor:
    """The rows of a matrix spread over the outer axes of a tensor.

    Args:
        rows: `(rows, numbers)`.
        like: `(..., *inner)` with as many rows.
        inner: how many axes the rows of `like` have.
        sizes: into which the numbers of a row are split.

    Returns:
        `(..., *sizes)`, reached without a look at the shape where one size at most is unknown.
    """
    shape = like.shape[:-inner].concatenate(sizes)
    known = [] if shape.rank is None else [size for size in shape if size is not None]
    if shape.rank is not None and len(known) >= shape.rank - 1 and math.prod(known):
        return tf.reshape(rows, [-1 if size is None else size for size in shape])
    return tf.ensure_shape(tf.reshape(rows, tf.concat([tf.shape(like)[:-inner], sizes], 0)), shape)
