"""Attention: outputs that are sums of values, weighted by the likeness of queries and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.core.seeds import make_seed
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.ops import attention, noise
from kerasish.ops.condition import choose
from kerasish.ops.products import project

_SHAPES = ("query_shape", "key_shape", "value_shape")


class _DenseAttention(Layer):
    """Base of attention of one head over lists `[query, value]` or `[query, value, key]`."""

    _config_excluded: tuple[str, ...] = ("seed",)

    def __init__(self, dropout: float = 0.0, seed: int | None = None, **kwargs: Any):
        self._causal = bool(kwargs.pop("causal", False))  # an old argument; now one of the call
        super().__init__(**kwargs)
        self.dropout = dropout
        self.seed = seed
        self._noise = noise.new_state(make_seed(seed))
        self.supports_masking = True

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """A sum of values for each query, `(batch, queries, features)`.

        Args:
            inputs: a list of query `(batch, queries, size)`, value `(batch, keys, features)` and, where it is not the
                value, key `(batch, keys, size)`.
            mask: a list of query mask `(batch, queries)`, whose false positions give zeros, and value mask
                `(batch, keys)`, whose false positions count for nothing; either may be None.
            training: whether weights are dropped at random.
            return_attention_scores: whether the weights `(batch, queries, keys)` are returned too.
            use_causal_mask: whether a position sees those up to itself only.

        Raises:
            ValueError: if inputs or masks are no list of the right length.
        """
        _check_list(self.name, inputs, mask)
        query, value, key = inputs[0], inputs[1], inputs[-1] if len(inputs) > 2 else inputs[1]
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self._calculate_scores(query, key)
        allowed = [None if value_mask is None else tf.expand_dims(value_mask, -2)]
        if use_causal_mask or self._causal:
            shape = tf.shape(scores)
            allowed.append(attention.causal_mask(shape[-2], shape[-1]))
        weights = attention.softmax(attention.excluded(scores, attention.both(allowed)))
        if self.dropout:
            weights = _dropped(weights, self.dropout, self._noise, training)
        outputs = tf.matmul(weights, value)
        if query_mask is not None:
            outputs *= tf.cast(tf.expand_dims(query_mask, -1), outputs.dtype)
        return (outputs, weights) if return_attention_scores else outputs

    def _calculate_scores(self, query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        """How much each key matters to each query, `(batch, queries, keys)`; users' subclasses override it."""
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's mask."""
        _check_list(self.name, inputs, mask)
        return None if not mask or mask[0] is None else tf.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The query's shape with the features of the value."""
        query, value = tf.TensorShape(input_shape[0]), tf.TensorShape(input_shape[1])
        return query[:-1].concatenate(value[-1:])


@LAYERS.register()
class Attention(_DenseAttention):
    """`softmax(query . key) value`, Luong's attention.

    Args:
        use_scale: whether the scores are multiplied by a learned number.
        score_mode: `"dot"` for dot products, `"concat"` for `w sum(tanh(query + key))`, `w` being learned.
        **kwargs: `dropout`, the share of weights dropped in training, and arguments of `Layer`.

    Raises:
        ValueError: for another score mode.

    Source: M.-T. Luong et al., Effective Approaches to Attention-based Neural Machine Translation (2015).
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", **kwargs: Any):
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = arguments.one_of("score_mode", score_mode, ("dot", "concat"))

    def build(self, input_shape: Any) -> None:
        """Creates the learned numbers."""
        self.scale = self.add_weight("scale", (), initializer="ones") if self.use_scale else None
        concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight("concat_score_weight", (), initializer="ones") if concat else None
        super().build(input_shape)

    def _calculate_scores(self, query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        if self.score_mode == "dot":
            return attention.dot_scores(query, key, self.scale)
        return self.concat_score_weight * attention.tanh_scores(query, key, inner=self.scale)


@LAYERS.register()
class AdditiveAttention(_DenseAttention):
    """`softmax(sum(scale tanh(query + key))) value`, Bahdanau's attention.

    Args:
        use_scale: whether the features are weighed by a learned `scale` before they are summed.
        **kwargs: `dropout`, the share of weights dropped in training, and arguments of `Layer`.

    Source: D. Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate (2014).
    """

    def __init__(self, use_scale: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape: Any) -> None:
        """Creates the scale, one number for each feature of the query.

        Raises:
            ValueError: if the inputs are no list.
        """
        _check_list(self.name, input_shape, None)
        features = tuple(input_shape[0])[-1]
        self.scale = self.add_weight("scale", (features,), initializer="glorot_uniform") if self.use_scale else None
        super().build(input_shape)

    def _calculate_scores(self, query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        return attention.tanh_scores(query, key, outer=self.scale)


class _Projection(Layer):
    """The last axes of the inputs summed with a kernel `(*contracted, *sizes)`, plus a bias `sizes`."""

    supports_masking = True
    _config_excluded = ("sizes", "contracted", "owner")  # it is made by its owner, whose configuration says all

    def __init__(self, sizes: tuple[int, ...], contracted: int, owner: MultiHeadAttention, name: str):
        super().__init__(name=name, dtype=owner.dtype_policy)
        self.sizes, self.contracted, self.use_bias = sizes, contracted, owner.use_bias
        for weight in ("kernel", "bias"):
            options = [getattr(owner, f"{weight}_{role}") for role in ("initializer", "regularizer", "constraint")]
            arguments.weight_options(self, weight, _copy(options[0]), *options[1:])

    def build(self, input_shape: Any) -> None:
        """Creates kernel and bias."""
        self.kernel = self.add_weight("kernel", (*tuple(input_shape)[-self.contracted :], *self.sizes))
        self.bias = self.add_weight("bias", self.sizes) if self.use_bias else None
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """The projected inputs."""
        return project(inputs, self.kernel, self.bias, self.contracted)


@LAYERS.register()
class MultiHeadAttention(Layer):
    """Several attentions side by side, each on projections of its own, their outputs projected together.

    Args:
        num_heads: how many.
        key_dim: the size of each head's queries and keys.
        value_dim: the size of each head's values; `key_dim` if None.
        dropout: the share of the weights dropped in training.
        use_bias: whether the projections have a bias.
        output_shape: the outputs' size or sizes after the positions; the features of the query if None.
        attention_axes: the axes along which positions attend to each other; all but the first and the last if None.
        kernel_initializer: initial values of the projections' kernels.
        bias_initializer: initial values of their biases.
        kernel_regularizer: a penalty on the kernels.
        bias_regularizer: a penalty on the biases.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernels after each update.
        bias_constraint: a projection of the biases after each update.
        softmax_robust_masking: whether scores of excluded positions are replaced rather than lowered.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if a size is no positive integer, or `dropout` outside [0, 1).

    Source: A. Vaswani et al., Attention Is All You Need (2017).
    """

    _config_excluded: tuple[str, ...] = ("output_shape", "softmax_robust_masking")

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        softmax_robust_masking: bool = False,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.num_heads = arguments.positive("num_heads", num_heads)
        self.key_dim = arguments.positive("key_dim", key_dim)
        self.value_dim = arguments.positive("value_dim", value_dim) if value_dim else self.key_dim
        self.dropout = arguments.share("dropout", dropout)
        self.use_bias = use_bias
        self._output_sizes = output_shape
        self.attention_axes: Any = _axes(attention_axes)
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._softmax_robust_masking = softmax_robust_masking
        self._called_on: dict[str, Any] = dict.fromkeys(_SHAPES)
        self._noise = noise.new_state(make_seed(None))
        self.supports_masking = True

    def get_config(self) -> dict[str, Any]:
        """The arguments, and the shapes of the first call."""
        return {
            **super().get_config(),
            "output_shape": self._output_sizes,
            "softmax_robust_masking": self._softmax_robust_masking,
            **self._called_on,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with the configuration's arguments; its weights come with the first call."""
        layer = cls(**{name: value for name, value in config.items() if name not in _SHAPES})
        layer._called_on = {name: _sizes(config.get(name)) for name in _SHAPES}
        return layer

    def build(self, input_shape: Any) -> None:
        """Creates the projections for queries of that shape; their weights come with the first call.

        Raises:
            ValueError: if the shape has no room for positions and features.
        """
        shape = tuple(input_shape[0] if isinstance(input_shape[0], (tuple, list, tf.TensorShape)) else input_shape)
        if len(shape) < 3:
            raise ValueError(
                f'The query of layer "{self.name}" must have the shape (batch, positions, features). '
                f"Received: shape={shape}"
            )
        if self.attention_axes is None:
            self.attention_axes = tuple(range(1, len(shape) - 1))
        outputs = self._output_sizes if self._output_sizes is not None else shape[-1]
        outputs = tuple(outputs) if isinstance(outputs, Sequence) else (outputs,)
        keys, values = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim)
        self._query_dense = _Projection(keys, 1, self, "query")
        self._key_dense = _Projection(keys, 1, self, "key")
        self._value_dense = _Projection(values, 1, self, "value")
        self._output_dense = _Projection(outputs, 2, self, "attention_output")
        super().build(input_shape)

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Outputs of the query's shape, or ending in `output_shape`.

        Args:
            query: `(batch, queries..., features)`.
            value: `(batch, keys..., features)`.
            key: as `value`, which serves if None.
            attention_mask: true where a query may see a key, `(batch, queries, keys)`; the masks that query, value
                and key carry count as well.
            return_attention_scores: whether the weights `(batch, heads, queries..., keys...)` are returned too.
            training: whether weights are dropped at random.
            use_causal_mask: whether a position sees those up to itself only.

        Raises:
            ValueError: for a causal mask along several axes.
        """
        key = value if key is None else key
        ragged = query if isinstance(query, tf.RaggedTensor) else None
        query, value, key = (x.to_tensor() if isinstance(x, tf.RaggedTensor) else x for x in (query, value, key))
        self._remember(query, key, value)
        axes = tuple(axis % query.shape.rank for axis in self.attention_axes)
        mask = self._mask(query, value, key, attention_mask, use_causal_mask)
        # Weights are created in this order.
        queries, keys, values = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        weights = self._weigh(attention.multi_head_scores(queries, keys, axes), mask)
        kept = _dropped(weights, self.dropout, self._noise, training) if self.dropout else weights
        outputs = self._output_dense(attention.multi_head_sums(kept, values, axes))
        if ragged is not None:
            outputs = tf.RaggedTensor.from_tensor(outputs, ragged.nested_row_lengths())
        return (outputs, weights) if return_attention_scores else outputs

    def compute_output_shape(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> tf.TensorShape:
        """The query's shape, ending in `output_shape` where that is given.

        Raises:
            ValueError: if key and value differ in their positions.
        """
        if key_shape is not None and tuple(key_shape)[1:-1] != tuple(value_shape)[1:-1]:
            raise ValueError(
                f'Key and value of layer "{self.name}" must have equal sizes but for their features. '
                f"Received: value_shape={tuple(value_shape)}, key_shape={tuple(key_shape)}"
            )
        query = tf.TensorShape(query_shape)
        return query if self._output_sizes is None else query[:-1].concatenate(self._output_sizes)

    def _remember(self, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> None:
        if self._called_on["query_shape"] is None:
            shapes = (tuple(tensor.shape) for tensor in (query, key, value))
            self._called_on = dict(zip(_SHAPES, shapes, strict=True))

    def _mask(self, query: Any, value: Any, key: Any, attention_mask: Any, causal: bool) -> Any:
        """What a query may see, from the argument, the masks the tensors carry, and the order of positions."""
        carried = [getattr(tensor, "_keras_mask", None) for tensor in (query, value, key)]
        masks = [attention_mask]
        masks += [None if mask is None else tf.expand_dims(mask, -2 if i else -1) for i, mask in enumerate(carried)]
        if causal:
            if len(self.attention_axes) > 1:
                raise ValueError(
                    f'A causal mask of layer "{self.name}" needs one attention axis. '
                    f"Received: attention_axes={self.attention_axes}"
                )
            axis = self.attention_axes[0]
            masks.append(attention.causal_mask(tf.shape(query)[axis], tf.shape(value)[axis]))
        return attention.both(masks)

    def _weigh(self, scores: tf.Tensor, mask: Any) -> tf.Tensor:
        """The weights of the values; a mask with fewer axes than the scores serves every head."""
        axes = len(self.attention_axes)
        if mask is not None:
            for _ in range(scores.shape.rank - mask.shape.rank):
                mask = tf.expand_dims(mask, -2 * axes - 1)
        return attention.softmax(attention.excluded(scores, mask, self._softmax_robust_masking), axes)


def _dropped(weights: tf.Tensor, rate: float, state: Any, training: Any) -> tf.Tensor:
    return choose(training, lambda: noise.dropout(weights, rate, state), lambda: weights)


def _copy(initializer: Any) -> Any:
    """An initializer of the same kind, which draws numbers of its own if it has no seed."""
    known = hasattr(initializer, "get_config")
    return type(initializer).from_config(initializer.get_config()) if known else initializer


def _axes(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    return tuple(arguments.axis_list(list(value) if hasattr(value, "__iter__") else value))


def _sizes(shape: Any) -> tuple[int | None, ...] | None:
    """A shape of a configuration, which may be in the form that tf.keras gives `TensorShape` in JSON."""
    if isinstance(shape, dict):
        shape = shape.get("items")
    return None if shape is None else tuple(shape)


def _check_list(layer: str, inputs: Any, mask: Any) -> None:
    if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
        raise ValueError(
            f'The inputs of layer "{layer}" must be a list [query, value] or [query, value, key]. '
            f"Received: inputs={inputs!r}"
        )
    if mask is not None and (not isinstance(mask, (list, tuple)) or not 2 <= len(mask) <= len(inputs)):
        raise ValueError(
            f'The mask of layer "{layer}" must be a list [query mask, value mask]. Received: mask={mask!r}'
        )
