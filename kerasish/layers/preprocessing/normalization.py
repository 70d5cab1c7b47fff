"""Normalization: each feature with mean 0 and variance 1 over the examples seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.adapting import PreprocessingLayer
from kerasish.layers.preprocessing.tensors import Specified


@LAYERS.register()
class Normalization(Specified, PreprocessingLayer):
    """`(inputs - mean) / sqrt(variance)`, with moments that were given or that `adapt` finds.

    Args:
        axis: the axis or axes that have moments of their own; None for one mean and variance of all.
        mean: the mean, of a shape that broadcasts to the kept axes; found by `adapt` if None.
        variance: the variance, given together with `mean`.
        invert: whether the inputs are normalized numbers to be brought back.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if only one of `mean` and `variance` is given; when built if a kept axis is unknown or the first.
    """

    _config_excluded: tuple[str, ...] = ("mean", "variance")

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"`mean` and `variance` must be given together. Received: mean={mean!r}, variance={variance!r}"
            )
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        given = {"mean": _plain(self.input_mean), "variance": _plain(self.input_variance)}
        return {**super().get_config(), **given}

    def build(self, input_shape: Any) -> None:
        """Creates mean, variance and count, unless the moments were given."""
        shape = tuple(input_shape)
        keep = self._kept_axes(shape)
        self._reduced = tuple(axis for axis in range(len(shape)) if axis not in keep)
        self._broadcast = tuple(size if axis in keep else 1 for axis, size in enumerate(shape))
        if self.input_mean is None:
            kept = tuple(shape[axis] for axis in keep)
            self.adapt_mean = self.add_weight("mean", kept, initializer="zeros", trainable=False)
            self.adapt_variance = self.add_weight("variance", kept, initializer="ones", trainable=False)
            self.count = self.add_weight("count", (), dtype="int64", initializer="zeros", trainable=False)
        super().build(input_shape)

    def _kept_axes(self, shape: tuple[int | None, ...]) -> list[int]:
        if any(not -len(shape) <= axis < len(shape) for axis in self.axis):
            raise ValueError(
                f'`axis` of layer "{self.name}" must lie within the {len(shape)} axes of its inputs. '
                f"Received: axis={self.axis}"
            )
        keep = sorted(axis % len(shape) for axis in self.axis)
        if any(shape[axis] is None or axis == 0 for axis in keep):
            raise ValueError(
                f'The axes that layer "{self.name}" keeps must have known sizes, and not be that of the batch. '
                f"Received: axis={self.axis} for the shape {shape}"
            )
        return keep

    @property
    def learns(self) -> bool:
        """Whether the moments were not given to the constructor."""
        return self.input_mean is None

    @property
    def mean(self) -> tf.Tensor:
        """The mean, in a shape that broadcasts to the inputs."""
        return self._moment(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> tf.Tensor:
        """The variance, in a shape that broadcasts to the inputs."""
        return self._moment(self.input_variance, "adapt_variance")

    def _moment(self, given: Any, learned: str) -> tf.Tensor:
        if given is None:
            return tf.cast(tf.reshape(getattr(self, learned), self._broadcast), self.compute_dtype)
        moment = tf.cast(given, self.compute_dtype)
        return tf.broadcast_to(tf.reshape(moment, self._broadcast) if moment.shape.rank else moment, self._broadcast)

    def reset_state(self) -> None:
        """Mean 0 and variance 1."""
        super().reset_state()
        if self.built and self.input_mean is None:
            self.adapt_mean.assign(tf.zeros_like(self.adapt_mean))
            self.adapt_variance.assign(tf.ones_like(self.adapt_variance))
            self.count.assign(0)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Computes mean and variance of the examples.

        Args:
            data: an array, a tensor, or a `tf.data.Dataset` whose elements are batches.
            batch_size: how many rows of an array are looked at at once.
            steps: how many batches are looked at; all if None.

        Raises:
            ValueError: if the moments were given to the constructor, or there are no data.
        """
        super().adapt(data, batch_size=batch_size, steps=steps)

    def update_state(self, data: Any) -> None:
        """Counts one batch in.

        Raises:
            ValueError: if the moments were given to the constructor.
        """
        if self.input_mean is not None:
            raise ValueError(
                f'Layer "{self.name}" has the moments that it was given, and adapts to nothing. '
                f"Received: mean={self.input_mean!r}"
            )
        values = np.asarray(data, "float64")
        size = int(np.prod([values.shape[axis] for axis in self._reduced]))
        before = int(self.count)
        share = size / (before + size)
        mean, variance = values.mean(self._reduced), values.var(self._reduced)
        old_mean, old_variance = (np.asarray(w, "float64") for w in (self.adapt_mean, self.adapt_variance))
        total = old_mean + (mean - old_mean) * share
        spread = (old_variance + (old_mean - total) ** 2) * (1 - share) + (variance + (mean - total) ** 2) * share
        self.adapt_mean.assign(tf.cast(total, self.adapt_mean.dtype))
        self.adapt_variance.assign(tf.cast(spread, self.adapt_variance.dtype))
        self.count.assign(before + size)

    def call(self, inputs: Any) -> Any:
        """The normalized inputs, or with `invert` what they were before."""
        inputs = tf.cast(inputs, self.compute_dtype)
        deviation = tf.maximum(tf.sqrt(self.variance), tf.cast(settings.epsilon(), inputs.dtype))
        return self.mean + inputs * deviation if self.invert else (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (int, float, list)):
        return value
    return np.asarray(value).tolist()
