"""Discretization: numbers as the index of the bin they fall into."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.adapting import PreprocessingLayer
from kerasish.layers.preprocessing.categories import check_mode, encoded_shape, own_dtype
from kerasish.layers.preprocessing.tensors import Specified
from kerasish.ops import lookup

_MOST_VALUES = 1_000_000


@LAYERS.register()
class Discretization(Specified, PreprocessingLayer):
    """For each number the index of its bin: how many of the boundaries it has reached.

    `adapt` takes for boundaries the values that split the examples into `num_bins` equal parts. They are exact up to
    a million different values, and within one part in a million beyond that.

    Args:
        bin_boundaries: the boundaries in ascending order.
        num_bins: how many bins `adapt` is to make.
        epsilon: accepted for compatibility: an error that the boundaries stay below anyway.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: whether rows come as a `SparseTensor`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for both boundaries and a number of bins, a negative one, or an unknown output mode.
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        check_mode(output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        super().__init__(**own_dtype(kwargs, output_mode))
        if num_bins is not None and (bin_boundaries is not None or num_bins < 0):
            raise ValueError(
                "Either `bin_boundaries` or a `num_bins` of at least 0 must be given. "
                f"Received: bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}"
            )
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse
        self._given = None if bin_boundaries is None else [float(value) for value in np.asarray(bin_boundaries)]
        self._autocast = False

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries: those given, or those learned; None before `adapt`."""
        if self._given is not None or not self.built:
            return self._given
        learned = self._boundaries().numpy().tolist()
        return learned or None

    @property
    def learns(self) -> bool:
        """Whether the boundaries were not given to the constructor."""
        return self._given is None

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; what was learned is in the weights."""
        return {**super().get_config(), "bin_boundaries": self._given}

    def build(self, input_shape: Any) -> None:
        """Creates the summary of the examples `(2, n)`, different values and how often there were, unless given."""
        if self._given is None:
            with tf.init_scope():
                empty = tf.zeros((2, 0), tf.float32)
                self.summary = tf.Variable(empty, trainable=False, shape=(2, None), name="summary")
        super().build(input_shape)

    def reset_state(self) -> None:
        """Forgets the examples."""
        super().reset_state()
        if self._given is None and self.built:
            self.summary.assign(tf.zeros((2, 0), tf.float32))

    def update_state(self, data: Any) -> None:
        """Counts the values of one batch in.

        Raises:
            ValueError: if the boundaries were given to the constructor.
        """
        if self._given is not None:
            raise ValueError(
                f'Layer "{self.name}" has the boundaries that it was given, and adapts to nothing. '
                f"Received: bin_boundaries={self._given}"
            )
        if isinstance(data, (tf.RaggedTensor, tf.SparseTensor)):
            data = data.flat_values if isinstance(data, tf.RaggedTensor) else data.values
        batch = np.asarray(data, "float32").reshape(-1)
        known, counts = self.summary.numpy()
        values, place = np.unique(np.concatenate([known, batch]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, np.ones_like(batch)]), len(values))
        self.summary.assign(_thinned(values, counts).astype("float32"))

    def _boundaries(self) -> tf.Tensor:
        """The values that 1, 2, ... of `num_bins` equal parts of the examples reach, linear between neighbours."""
        values, counts = tf.unstack(tf.cast(self.summary.read_value(), tf.float64))
        reached = tf.cumsum(counts)
        bins = self.num_bins or 1
        wanted = tf.range(1, bins, dtype=tf.float64) / bins * tf.reduce_sum(counts)

        def split() -> tf.Tensor:
            before, after = tf.maximum(tf.floor(wanted), 1), tf.maximum(tf.math.ceil(wanted), 1)
            low, high = (tf.gather(values, tf.searchsorted(reached, place)) for place in (before, after))
            return low + (wanted - tf.floor(wanted)) * (high - low)

        return tf.cast(tf.cond(tf.size(values) > 0, split, lambda: values), tf.float32)

    def call(self, inputs: Any) -> Any:
        """Indices from 0 to the number of boundaries, or rows that mark them."""
        boundaries = tf.constant(self._given, tf.float32) if self._given is not None else self._boundaries()

        def bins(values: tf.Tensor) -> tf.Tensor:
            flat = tf.reshape(tf.cast(values, tf.float32), [-1])
            places = tf.searchsorted(boundaries, flat, side="right")
            return tf.ensure_shape(tf.reshape(tf.cast(places, tf.int64), tf.shape(values)), values.shape)

        indices = lookup.apply_to_values(bins, inputs)
        return lookup.encode(
            indices, self.output_mode, self._depth(), self.compute_dtype, self.sparse, layer=self.name
        )

    def _depth(self) -> int:
        return len(self._given) + 1 if self._given is not None else int(self.num_bins or 1)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape, or rows with a place for each bin."""
        return encoded_shape(input_shape, self.output_mode, self._depth())


def _thinned(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Values and counts; of too many, neighbours are taken together under the largest of them."""
    if len(values) <= _MOST_VALUES:
        return np.stack([values, counts])
    group = -(-len(values) // _MOST_VALUES)
    starts = np.arange(0, len(values), group)
    last = np.minimum(starts + group, len(values)) - 1
    return np.stack([values[last], np.add.reduceat(counts, starts)])
