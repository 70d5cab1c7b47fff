"""Embedding: a learned vector for each whole number."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.ops.bounds import check_range


@LAYERS.register()
class Embedding(Layer):
    """Vectors for indices: `(batch, ...)` to `(batch, ..., output_dim)`.

    Args:
        input_dim: the number of different indices, 0 to `input_dim - 1`.
        output_dim: the length of a vector.
        embeddings_initializer: initial values of the table `(input_dim, output_dim)`.
        embeddings_regularizer: a penalty on the table.
        activity_regularizer: a penalty on the outputs.
        embeddings_constraint: a projection of the table after each update.
        mask_zero: whether index 0 is padding; the output then carries a mask.
        input_length: the length of the sequences, where it is fixed; or a tuple of sizes.
        sparse: whether the output is a `tf.SparseTensor`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if a dimension is not positive, or, when called, if the shape is not that of `input_length`.
        tf.errors.InvalidArgumentError: when called with an index outside the table: on the CPU at once, in a model's
            compiled loops wherever they run; a call of one's own on a GPU or within XLA is not checked.
    """

    _config_excluded: tuple[str, ...] = ("sparse",)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        sparse: bool = False,
        **kwargs: Any,
    ):
        if kwargs.get("input_shape") is None and kwargs.get("batch_input_shape") is None:
            kwargs["input_shape"] = tuple(input_length) if isinstance(input_length, (list, tuple)) else (input_length,)
        super().__init__(activity_regularizer=activity_regularizer, **{"autocast": False, **kwargs})
        self.input_dim = arguments.positive("input_dim", input_dim)
        self.output_dim = arguments.positive("output_dim", output_dim)
        arguments.weight_options(
            self, "embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.input_length = input_length
        self.sparse = sparse

    def build(self, input_shape: Any) -> None:
        """Creates the table."""
        self.embeddings = self.add_weight("embeddings", (self.input_dim, self.output_dim), experimental_autocast=False)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """The vectors of the indices."""
        if isinstance(inputs, tf.RaggedTensor):
            return inputs.with_flat_values(self.call(inputs.flat_values))
        if isinstance(inputs, tf.SparseTensor):
            return self._sparse_vectors(inputs) if self.sparse else self.call(tf.sparse.to_dense(inputs))
        self._check(inputs)
        if inputs.dtype not in (tf.int32, tf.int64):
            inputs = tf.cast(inputs, tf.int32)
        vectors = tf.gather(self.embeddings, inputs)
        vectors = vectors if vectors.dtype.name == self.compute_dtype else tf.cast(vectors, self.compute_dtype)
        return tf.sparse.from_dense(vectors) if self.sparse else vectors

    def _sparse_vectors(self, inputs: tf.SparseTensor) -> tf.SparseTensor:
        """The vectors of the indices that are there, element by element."""
        self._check(inputs.values)
        vectors = tf.gather(self.embeddings, inputs.values)
        places = tf.repeat(inputs.indices, self.output_dim, axis=0)
        inner = tf.tile(tf.range(self.output_dim, dtype=tf.int64), [tf.shape(inputs.values)[0]])
        shape = tf.concat([inputs.dense_shape, [self.output_dim]], 0)
        return tf.SparseTensor(tf.concat([places, inner[:, None]], 1), tf.reshape(vectors, [-1]), shape)

    def _check(self, indices: tf.Tensor) -> None:
        layer = self.name.replace("{", "{{").replace("}", "}}")
        fix = "Make its `input_dim` larger, or correct the indices."
        check_range(indices, self.input_dim, f'Index {{number}} is not in [0, {{size}}), the rows of "{layer}".\n{fix}')

    def compute_mask(self, inputs: Any, mask: Any = None) -> tf.Tensor | None:
        """True where the index is not 0, if 0 is padding."""
        return tf.not_equal(inputs, tf.zeros((), inputs.dtype)) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape, narrowed by `input_length`, and `output_dim`.

        Raises:
            ValueError: if the two contradict each other.
        """
        shape = tf.TensorShape(input_shape)
        if self.input_length is not None:
            inner = self.input_length if isinstance(self.input_length, (list, tuple)) else [self.input_length]
            declared = tf.TensorShape([None, *inner])
            if not shape.is_compatible_with(declared):
                raise ValueError(
                    f'Layer "{self.name}" was made for sequences of another length. '
                    f"Received: shape={tuple(shape)}, input_length={self.input_length}"
                )
            shape = shape.merge_with(declared)
        return shape.concatenate(self.output_dim)
