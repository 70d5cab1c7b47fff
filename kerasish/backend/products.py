"""Products of matrices and of batches of them, biases, and scaling to unit length."""
from __future__ import annotations

from typing import Any

import tensorflow as tf


def dot(x: Any, y: Any) -> Any:
    """The product over x's last axis and y's last but one: `(..., n)` and `(..., n, m)`.

    Of tensors with more than two axes every row of x meets every matrix of y, as in `numpy.dot`.
    """
    if isinstance(x, tf.SparseTensor):
        return tf.sparse.sparse_dense_matmul(x, y)
    if x.shape.rank == 2 and y.shape.rank == 2:
        return tf.matmul(x, y)
    return tf.tensordot(x, y, axes=[[x.shape.rank - 1], [max(y.shape.rank - 2, 0)]])


def batch_dot(x: Any, y: Any, axes: Any = None) -> tf.Tensor:
    """The product of each sample of x with the same sample of y over one axis of each.

    Args:
        x: `(batch, ...)`.
        y: `(batch, ...)`.
        axes: the axes that are summed over, a number or a pair, the batch axis being 0; by default x's last and
            y's last but one (its last, if it has two).

    Returns:
        The axes of x that are left, then those of y; `(batch, 1)` if none is left.

    Raises:
        ValueError: for less than two axes, an axis that is none or the batch, or sizes that differ.
    """
    ranks = x.shape.rank, y.shape.rank
    if min(ranks) < 2:
        raise ValueError(f"`x` and `y` must have a batch axis and another. Received: shapes {x.shape}, {y.shape}")
    first, second = _axes_of_batch_dot(axes, *ranks)
    sizes = x.shape[first], y.shape[second]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(f"The axes summed over must have one size. Received: axes={axes}, shapes {x.shape}, {y.shape}")
    letters = "abcdefghijklmnop"
    of_x = ["z", *letters[: ranks[0] - 1]]
    of_y = ["z", *letters[ranks[0] - 1 : sum(ranks) - 2]]
    of_x[first] = of_y[second] = "y"
    left = [letter for letter in of_x + of_y[1:] if letter != "y"]
    found = tf.einsum(f"{''.join(of_x)},{''.join(of_y)}->{''.join(left)}", x, y)
    return tf.expand_dims(found, 1) if len(left) == 1 else found


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> tf.Tensor:
    """x plus a bias for each channel, or a bias of x's shape without the batch.

    Of the latter, channels being first, the elements are taken in their order, not transposed, as tf.keras 2 does.

    Raises:
        ValueError: for an unknown `data_format`, or a bias with another number of axes.
    """
    if data_format not in (None, "channels_first", "channels_last"):
        raise ValueError(f"`data_format` must be channels_first or channels_last. Received: {data_format=}")
    rank, size = x.shape.rank, bias.shape.rank
    if size not in (1, rank - 1):
        raise ValueError(f"`bias` must have 1 axis or {rank - 1}. Received: bias of shape {tuple(bias.shape)}")
    if data_format != "channels_first":
        return x + bias
    if size == 1:
        return x + tf.reshape(bias, [1, -1] + [1] * (rank - 2))
    sizes = tf.unstack(tf.shape(bias))
    return x + tf.reshape(bias, [1, sizes[-1], *sizes[:-1]])


def l2_normalize(x: Any, axis: Any = None) -> tf.Tensor:
    """`x / |x|` along the axis."""
    return tf.linalg.l2_normalize(x, axis=axis)


def in_top_k(predictions: Any, targets: Any, k: int) -> tf.Tensor:
    """Whether the target is among the k best scores of each row."""
    return tf.math.in_top_k(targets, predictions, k)


def _axes_of_batch_dot(axes: Any, rank_x: int, rank_y: int) -> tuple[int, int]:
    if axes is None:
        axes = (rank_x - 1, rank_y - 1 if rank_y == 2 else rank_y - 2)
    pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
    if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
        raise ValueError(f"`axes` must be a number or a pair of numbers. Received: axes={axes!r}")
    first, second = (axis + rank if axis < 0 else axis for axis, rank in zip(pair, (rank_x, rank_y), strict=True))
    if not (0 < first < rank_x and 0 < second < rank_y):
        raise ValueError(f"`axes` must name axes of x and y other than the batch, 0. Received: axes={axes!r}")
    return first, second
