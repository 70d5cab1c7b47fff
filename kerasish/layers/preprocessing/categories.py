"""Categories as numbers, by index or by hash."""

from __future__ import annotations

import numbers
from typing import Any

import tensorflow as tf

from kerasish.core import settings
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.preprocessing.tensors import Specified, TensorLayer, as_tensor
from kerasish.ops import lookup
from kerasish.ops.bounds import check_range

_OLDER_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}  # of the layers while they were experimental


def present_mode(mode: Any) -> Any:
    """The output mode by its present name."""
    return _OLDER_MODES.get(mode, mode)


def check_mode(mode: Any, allowed: tuple[str, ...], sparse: bool) -> None:
    """Checks an output mode.

    Raises:
        ValueError: for a mode that is not allowed, or sparse indices.
    """
    if mode not in allowed:
        words = ", ".join(f'"{word}"' for word in allowed)
        raise ValueError(f"`output_mode` must be one of {words}. Received: output_mode={mode!r}")
    if sparse and mode == "int":
        raise ValueError(
            'Only rows can be sparse, not the indices of the output mode "int". '
            f"Received: sparse={sparse}, output_mode={mode!r}"
        )


def own_dtype(kwargs: dict[str, Any], mode: str) -> dict[str, Any]:
    """A layer's keywords with a dtype: int64 for indices, the usual floats for rows."""
    if kwargs.get("dtype") is not None:
        return kwargs
    return {**kwargs, "dtype": "int64" if mode == "int" else settings.floatx()}


def encoded_shape(input_shape: Any, mode: str, depth: int | None) -> tf.TensorShape:
    """The shape of indices, or of rows of `depth` numbers, for inputs of that shape."""
    shape = tf.TensorShape(input_shape)
    if mode == "int":
        return shape
    if shape.rank == 0:
        return tf.TensorShape([depth])
    if mode == "one_hot" and shape[-1] != 1:
        return shape.concatenate([depth])
    return shape[:-1].concatenate([depth])


@LAYERS.register()
class CategoryEncoding(Specified, TensorLayer):
    """Indices as rows of zeros that mark or count them.

    Args:
        num_tokens: how many indices there are, from 0 on.
        output_mode: "one_hot" (one index for each row), "multi_hot" (1 for each index there is) or "count".
        sparse: whether rows come as a `SparseTensor`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: without a number of tokens, or for another output mode.
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ):
        num_tokens = kwargs.pop("max_tokens", num_tokens)  # its name while the layer was experimental
        super().__init__(**kwargs)
        mode = present_mode(output_mode)
        check_mode(mode, ("one_hot", "multi_hot", "count"), False)
        self.num_tokens = arguments.positive("num_tokens", num_tokens)
        self.output_mode = mode
        self.sparse = sparse
        self._autocast = False

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """Rows of `num_tokens` numbers.

        Args:
            inputs: indices, `(batch, n)`, `(batch,)` or one alone.
            count_weights: what each index counts, of the inputs' shape, for the mode "count".

        Raises:
            ValueError: for weights in another mode, or more than two axes.
            InvalidArgumentError: for an index that is not in the range.
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f'`count_weights` of layer "{self.name}" count only in the output mode "count". '
                f"Received: output_mode={self.output_mode!r}"
            )

        def checked(indices: tf.Tensor) -> tf.Tensor:
            indices = tf.cast(indices, tf.int64)
            check_range(
                indices, self.num_tokens,
                "Received the index {number}. Indices of a CategoryEncoding must be at least 0 and less than "
                "num_tokens={size}.\nCorrect them, or make num_tokens larger.",
            )  # fmt: skip
            within = tf.reduce_all(tf.logical_and(indices >= 0, indices < self.num_tokens))
            message = f"Indices must be at least 0 and less than num_tokens={self.num_tokens}"
            with tf.control_dependencies([tf.debugging.Assert(within, [message])]):
                return tf.identity(indices)

        indices = lookup.apply_to_values(checked, inputs)
        return lookup.encode(
            indices, self.output_mode, self.num_tokens, self.compute_dtype, self.sparse, count_weights, self.name
        )

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Rows with a place for each token."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)


@LAYERS.register()
class Hashing(Specified, TensorLayer):
    """Strings or integers as numbers below `num_bins`, always the same for the same value.

    Args:
        num_bins: how many numbers there are.
        mask_value: a value that alone gets the number 0; none if None.
        salt: an integer or two that make the numbers unforeseeable for others.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: whether rows come as a `SparseTensor`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a wrong number of bins, salt or output mode.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        check_mode(output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        super().__init__(**own_dtype(kwargs, output_mode))
        self.num_bins = arguments.positive("num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = _two_integers(salt)
        self.output_mode = output_mode
        self.sparse = sparse
        self._autocast = False

    def call(self, inputs: Any) -> Any:
        """Numbers from 0 up to `num_bins`, or rows that mark them.

        Raises:
            TypeError: for inputs that are neither strings nor integers.
        """
        if inputs.dtype != tf.string and not inputs.dtype.is_integer:
            raise TypeError(f'Layer "{self.name}" needs strings or integers. Received: inputs of {inputs.dtype.name}')
        indices = lookup.apply_to_values(self._hashed, inputs)
        return lookup.encode(
            indices, self.output_mode, self.num_bins, self.compute_dtype, self.sparse, layer=self.name
        )

    def _hashed(self, values: tf.Tensor) -> tf.Tensor:
        if self.mask_value is None:
            return lookup.fingerprints(values, self.num_bins, self.salt)
        if self.num_bins == 1:
            return tf.zeros_like(values, tf.int64)
        found = lookup.fingerprints(values, self.num_bins - 1, self.salt) + 1
        masked = tf.equal(values, tf.constant(self.mask_value, values.dtype))
        return tf.where(masked, tf.zeros_like(found), found)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape, or rows with a place for each bin."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)


@LAYERS.register()
class HashedCrossing(Layer):
    """A number below `num_bins` for each combination of the values of several features.

    Args:
        num_bins: how many numbers there are.
        output_mode: "int" or "one_hot".
        sparse: whether rows come as a `SparseTensor`.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a wrong number of bins or output mode.
    """

    def __init__(self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Any):
        check_mode(output_mode, ("int", "one_hot"), sparse)
        super().__init__(**own_dtype(kwargs, output_mode))
        self.num_bins = arguments.positive("num_bins", num_bins)
        self.output_mode = output_mode
        self.sparse = sparse
        self._autocast = False

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The layer's output; each of the inputs may be a nested list."""
        several = isinstance(inputs, (list, tuple))
        return Layer.__call__(self, [as_tensor(one) for one in inputs] if several else inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Numbers from 0 up to `num_bins`, or rows that mark them.

        Args:
            inputs: a list of two features or more, strings or integers, `(batch,)` or `(batch, 1)` or one value each.

        Raises:
            ValueError: for other inputs.
        """
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f'Layer "{self.name}" needs a list of two inputs or more. Received: inputs={inputs!r}')
        features = [tf.convert_to_tensor(one) for one in inputs]
        for one in features:
            fits = one.shape.rank in (0, 1) or (one.shape.rank == 2 and one.shape[-1] == 1)
            if not fits or not (one.dtype == tf.string or one.dtype.is_integer):
                raise ValueError(
                    f'Inputs of layer "{self.name}" must be strings or integers of the shape (), (batch,) or '
                    f"(batch, 1). Received: {one.dtype.name} of shape {one.shape}"
                )
        shape = features[0].shape
        columns = [tf.reshape(one if one.dtype == tf.string else tf.cast(one, tf.int64), [-1, 1]) for one in features]
        crossed = tf.sparse.cross_hashed(columns, num_buckets=self.num_bins)
        indices = tf.reshape(tf.sparse.to_dense(crossed), tf.shape(features[0]))
        indices.set_shape(shape)
        return lookup.encode(
            indices, self.output_mode, self.num_bins, self.compute_dtype, self.sparse, layer=self.name
        )

    def compute_output_shape(self, input_shapes: Any) -> tf.TensorShape:
        """The shape of one input, or rows with a place for each bin."""
        return encoded_shape(input_shapes[0], self.output_mode, self.num_bins)

    def compute_output_signature(self, input_specs: Any) -> tf.TensorSpec:
        """The output's `tf.TensorSpec` for inputs of those specifications."""
        return tf.TensorSpec(self.compute_output_shape([one.shape for one in input_specs]), self.compute_dtype)


def _two_integers(salt: Any) -> list[int] | None:
    if salt is None:
        return None
    pair = list(salt) if isinstance(salt, (list, tuple)) else [salt, salt]
    if len(pair) != 2 or not all(isinstance(one, numbers.Integral) for one in pair):
        raise ValueError(f"`salt` must be an integer or a pair of integers. Received: salt={salt!r}")
    return [int(one) for one in pair]
