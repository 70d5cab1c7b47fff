"""From values per sample to one number: sample weights, masks, sum or average."""
from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf


class Reduction:
    """How the values per sample become one number.

    `AUTO` and `SUM_OVER_BATCH_SIZE` take the sum divided by the number of values, `SUM` the sum, `NONE` leaves them.
    """

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """The four names."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises a ValueError for anything but the four names."""
        if key not in cls.all():
            raise ValueError(f"`reduction` must be one of {', '.join(cls.all())}. Received: reduction={key!r}")


def as_tensor(value: Any) -> Any:
    """The value as it is where TensorFlow knows its shape (tensor, variable, symbolic tensor), else as a tensor."""
    return value if isinstance(getattr(value, "shape", None), tf.TensorShape) else tf.convert_to_tensor(value)


def cast(value: Any, dtype: tf.DType) -> Any:
    """The tensor in that dtype; itself where it has it."""
    return value if value.dtype == dtype else tf.cast(value, dtype)


def reduce_values(
    values: Any, sample_weight: Any = None, mask: Any = None, reduction: str = Reduction.AUTO
) -> tf.Tensor:
    """Values per sample, weighted and masked, then summed, averaged or left.

    An average counts the masked steps out, but divides by all values however they are weighted:
    `sum(weight * value) / number of values`, and 0 where there is none.

    Args:
        values: `(batch, ...)`.
        sample_weight: a number, `(batch,)`, or up to the shape of the values.
        mask: bool, of the shape of the values.
        reduction: a `Reduction`.

    Raises:
        ValueError: if weights or mask do not fit the values.
    """
    values = as_tensor(values)
    dtype = values.dtype
    wide = dtype if dtype.is_floating and dtype.size >= 4 else tf.float32
    values = cast(values, wide)
    average = reduction in (Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE)
    if mask is not None:
        kept = cast(as_tensor(mask), wide)
        if average:
            kept = kept * tf.math.divide_no_nan(cast(tf.size(kept), wide), tf.reduce_sum(kept))
        values = values * _fitted("mask", kept, values)
    if sample_weight is not None:
        values = values * _fitted("sample_weight", cast(as_tensor(sample_weight), wide), values)
    if reduction != Reduction.NONE:
        if not average:
            values = tf.reduce_sum(values)
        elif values.shape.num_elements():
            values = _mean(values)
        else:
            values = tf.math.divide_no_nan(tf.reduce_sum(values), cast(tf.size(values), wide))
    return cast(values, dtype)


def _mean(values: Any) -> tf.Tensor:
    """The mean of all values as one operation, whose gradient is cheaper than that of a sum and a quotient."""
    alone = isinstance(values, tf.Tensor) and values.shape.rank == 1
    return tf.raw_ops.Mean(input=values, axis=_first_axis()) if alone else tf.reduce_mean(values)


@functools.cache
def _first_axis() -> tf.Tensor:
    """The axes of a vector, `[0]`; of a single number TensorFlow would not see that they are all there are."""
    with tf.init_scope():
        return tf.constant([0])


def _fitted(argument: str, weights: Any, values: Any) -> Any:
    """Weights with as many axes as the values: axes of size 1 are dropped from or added to the end."""
    given, wanted = weights.shape.rank, values.shape.rank
    if given == 0:
        return weights
    if given is None or wanted is None:
        return _fitted_when_run(weights, values)
    fitted = weights
    while fitted.shape.rank > wanted and fitted.shape[-1] in (1, None):
        fitted = tf.squeeze(fitted, -1)
    for _ in range(wanted - fitted.shape.rank):
        fitted = tf.expand_dims(fitted, -1)
    if not _spreads(fitted.shape, values.shape):
        raise ValueError(
            f"`{argument}` does not fit the values that the loss has for each sample.\n"
            f"Received: {argument} of shape {tuple(weights.shape)}, loss values of shape {tuple(values.shape)}\n"
            f"Fix: give one weight per sample or one per loss value; a loss must not average over the batch itself."
        )
    return fitted


def _fitted_when_run(weights: Any, values: Any) -> Any:
    """The same for shapes that are known only when the graph runs."""
    missing = tf.maximum(tf.rank(values) - tf.rank(weights), 0)
    shape = tf.concat([tf.shape(weights), tf.ones(missing[None], tf.int32)], 0)
    return tf.reshape(weights, shape[: tf.rank(values)])


def _spreads(shape: tf.TensorShape, over: tf.TensorShape) -> bool:
    if shape.rank != over.rank:
        return False
    return all(size in (1, None) or wanted in (size, None) for size, wanted in zip(shape, over, strict=True))
