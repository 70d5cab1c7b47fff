"""Categories as numbers: hashed, counted, or marked in a row of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_DENSE_RANK = 2


def fingerprints(values: Any, bins: int, salt: Sequence[int] | None = None) -> Any:
    """A number from 0 up to `bins` for each string or integer, always the same for the same value.

    Source: FarmHash, or with a salt SipHash, so that outsiders cannot choose what collides.
    """
    text = values if values.dtype == tf.string else tf.strings.as_string(values)
    if salt is None:
        return tf.strings.to_hash_bucket_fast(text, bins)
    return tf.strings.to_hash_bucket_strong(text, bins, key=list(salt))


def apply_to_values(function: Any, values: Any) -> Any:
    """The function of the values of a dense, ragged or sparse tensor, in the same structure."""
    if isinstance(values, tf.RaggedTensor):
        return values.with_flat_values(function(values.flat_values))
    if isinstance(values, tf.SparseTensor):
        return tf.SparseTensor(values.indices, function(values.values), values.dense_shape)
    return function(values)


def encode(
    indices: Any, mode: str, depth: int, dtype: Any, sparse: bool = False, weights: Any = None, layer: str = ""
) -> Any:
    """Indices as rows of `depth` numbers, or as they are.

    Args:
        indices: integers `(batch, n)`, `(batch,)` or one alone; those outside [0, depth) count for nothing.
        mode: "int" (as they are), "one_hot" (one index in each row), "multi_hot" (1 for each index there is),
            "count" (how often), "tf_idf" (how often, times the index's weight).
        depth: how many different indices there are.
        dtype: the type of the result.
        sparse: whether the rows come as a `SparseTensor`.
        weights: of "tf_idf", one for each index; of "count", one for each entry of `indices`.
        layer: who asks, for messages.

    Raises:
        ValueError: for rows of more than two axes.
    """
    if mode == "int":
        return tf.cast(indices, dtype)
    indices = _as_rows(indices, mode, layer)
    counted = weights if mode == "count" else None
    find = tf.sparse.bincount if sparse else tf.math.bincount
    options = {"axis": -1, "minlength": depth, "maxlength": depth, "binary_output": mode in ("one_hot", "multi_hot")}
    if sparse:
        rows = find(indices, weights=counted, **options)
        values = tf.cast(rows.values, dtype)
        if mode == "tf_idf":
            values *= tf.gather(tf.cast(weights, dtype), rows.indices[:, -1])
        return tf.SparseTensor(rows.indices, values, tf.concat([rows.dense_shape[:-1], [depth]], 0))
    if counted is not None:
        counted = tf.cast(counted, tf.float32)
    rows = tf.cast(find(indices, weights=counted, dtype=tf.float32, **options), dtype)
    if isinstance(indices, tf.Tensor):
        rows.set_shape([*indices.shape[:-1], depth])
    else:
        rows.set_shape([None, depth])
    return rows * tf.cast(weights, dtype) if mode == "tf_idf" else rows


def _as_rows(indices: Any, mode: str, layer: str) -> Any:
    rank = indices.shape.rank
    if rank == 0:
        indices = tf.expand_dims(indices, 0)
    elif mode == "one_hot" and indices.shape[-1] != 1:
        indices = tf.expand_dims(indices, -1)
    if indices.shape.rank is not None and indices.shape.rank > _DENSE_RANK:
        raise ValueError(
            f'Outputs of layer "{layer}" can have at most two axes in the output mode "{mode}". '
            f"Received: inputs of shape {tuple(indices.shape) if rank is None else tuple(indices.shape)[:rank]}"
        )
    return indices
