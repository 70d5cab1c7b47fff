"""Attention layers beside tf_keras's with the same weights: outputs, scores, gradients, masks and configurations."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers
from kerasish.models import Model

BATCH = 4


def _tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.RandomState(seed + len(shape)).normal(size=shape).astype("float32"))


def _masked(tensor: tf.Tensor, every: int) -> tf.Tensor:
    """The tensor with a mask in which some positions are false."""
    marked = tf.identity(tensor)
    positions = BATCH * tensor.shape[1]
    marked._keras_mask = tf.constant(np.arange(positions).reshape(BATCH, -1) % every > 0)
    return marked


def _pair(name: str, *args: Any, **kwargs: Any) -> list[Any]:
    return [getattr(module, name)(*args, name="attend", **kwargs) for module in (layers, tf_keras.layers)]


def _call(layer: Any, inputs: list[Any], **options: Any) -> Any:
    takes_several = "query" in inspect.signature(layer.call).parameters
    return layer(*inputs, **options) if takes_several else layer(inputs, **options)


def _computed(layer: Any, inputs: list[Any], **options: Any) -> list[Any]:
    """Outputs, loss and gradients for weights and inputs."""
    sources = [*layer.trainable_weights, *inputs]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = tf.nest.flatten(_call(layer, inputs, **options))
        slopes = tf.reshape(tf.linspace(-1.0, 2.0, tf.size(outputs[0])), outputs[0].shape)
        loss = tf.add_n([tf.reduce_sum(outputs[0] * slopes), *layer.losses])
    return [*outputs, loss, *tape.gradient(loss, sources)]


def _compare(pair: list[Any], inputs: list[Any], **options: Any) -> list[Any]:
    """Checks that all is equal with equal weights, and gives the outputs of ours."""
    for layer in pair:
        _call(layer, inputs, **options)
    assert [(w.name, tuple(w.shape)) for w in pair[0].weights] == [(w.name, tuple(w.shape)) for w in pair[1].weights]
    random = np.random.RandomState(3)
    values = [random.normal(size=weight.shape) for weight in pair[1].weights]
    for layer in pair:
        layer.set_weights(values)
    ours, theirs = (_computed(layer, inputs, **options) for layer in pair)
    for value, expected in zip(ours, theirs, strict=True):
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-5 * scale)
    return ours


SINGLE = [("Attention", {}), ("Attention", {"use_scale": True}), ("Attention", {"score_mode": "concat"}),
          ("Attention", {"score_mode": "concat", "use_scale": True}), ("Attention", {"causal": True}),
          ("AdditiveAttention", {}), ("AdditiveAttention", {"use_scale": False})]  # fmt: skip


@pytest.mark.parametrize("masked", ["", "query", "value", "both"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("name", "options"), SINGLE, ids=str)
def test_one_head_is_the_oracles(name: str, options: dict[str, Any], causal: bool, masked: str) -> None:
    features = 7 if name == "Attention" else 3  # the oracle scales by the features of the value
    query, value, key = _tensor(BATCH, 5, 3), _tensor(BATCH, 6, features), _tensor(BATCH, 6, 3, seed=1)
    query = _masked(query, 3) if masked in ("query", "both") else query
    value = _masked(value, 4) if masked in ("value", "both") else value
    pair = _pair(name, **options)
    found = _compare(pair, [query, value, key], return_attention_scores=True, use_causal_mask=causal)
    assert found[0].shape == (BATCH, 5, features) and found[1].shape == (BATCH, 5, 6)
    masks = [getattr(_call(layer, [query, value, key]), "_keras_mask", None) for layer in pair]
    assert (masks[0] is None) == (masks[1] is None)
    if masks[0] is not None:
        np.testing.assert_array_equal(masks[0], masks[1])


MANY = [
    ({}, (5, 3), (6, 7), (6, 2)),
    ({"value_dim": 5, "use_bias": False}, (5, 3), (6, 7), None),
    ({"output_shape": 4}, (5, 3), (5, 3), None),
    ({"output_shape": (4, 2)}, (5, 3), (6, 7), None),
    ({"attention_axes": (1, 2)}, (3, 2, 6), (2, 4, 6), None),
    ({"attention_axes": (2, 1)}, (3, 2, 6), (2, 4, 6), None),
    ({"attention_axes": 2}, (3, 2, 6), (3, 4, 6), None),
    ({"softmax_robust_masking": True}, (5, 3), (6, 7), None),
    ({"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2", "bias_initializer": "ones"},
     (5, 3), (6, 7), None),
]  # fmt: skip


@pytest.mark.parametrize(("options", "query", "value", "key"), MANY, ids=str)
def test_several_heads_are_the_oracles(options: Any, query: Any, value: Any, key: Any) -> None:
    pair = _pair("MultiHeadAttention", 2, 3, **options)
    inputs = [_tensor(BATCH, *query), _tensor(BATCH, *value, seed=1)]
    inputs += [] if key is None else [_tensor(BATCH, *key, seed=2)]
    _compare(pair, inputs, return_attention_scores=True)
    configs = [layer.get_config() for layer in pair]
    assert _json(configs[0]) == _json(configs[1])
    again = layers.MultiHeadAttention.from_config(json.loads(_json(configs[0])))
    assert _json(again.get_config()) == _json(configs[0])
    assert _json(tf_keras.layers.MultiHeadAttention.from_config(dict(configs[0])).get_config()) == _json(configs[1])
    assert _json(layers.MultiHeadAttention.from_config(configs[1]).get_config()) == _json(configs[0])


def _json(config: Any) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, tf.TensorShape)):
            return [plain(inner) for inner in value]
        return float(np.float32(value)) if isinstance(value, (float, np.floating, np.ndarray)) else value

    return json.dumps(plain(config), sort_keys=True)


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("mask", ["none", "matrix", "batch", "heads", "nothing"])
@pytest.mark.parametrize("causal", [False, True])
def test_masks_of_several_heads_are_the_oracles(mask: str, causal: bool, robust: bool) -> None:
    random = np.random.RandomState(5)
    shapes = {"matrix": (5, 6), "batch": (BATCH, 5, 6), "heads": (BATCH, 2, 5, 6), "nothing": (BATCH, 5, 6)}
    allowed = random.uniform(size=shapes[mask]) > 0.4 if mask in shapes else None
    allowed = np.zeros_like(allowed) if mask == "nothing" else allowed
    allowed = None if allowed is None else tf.constant(allowed)
    pair = _pair("MultiHeadAttention", 2, 3, softmax_robust_masking=robust)
    inputs = [_tensor(BATCH, 5, 3), _tensor(BATCH, 6, 7)]
    options = {"attention_mask": allowed, "return_attention_scores": True, "use_causal_mask": causal}
    _compare(pair, inputs, **options)
    if mask != "heads":
        _compare(_pair("MultiHeadAttention", 2, 3), [_masked(inputs[0], 3), _masked(inputs[1], 4)], **options)
        key = _masked(_tensor(BATCH, 6, 2), 5)
        _compare(_pair("MultiHeadAttention", 2, 3), [inputs[0], inputs[1], key], **options)


def test_the_mask_of_the_query_goes_on() -> None:
    query = _masked(_tensor(BATCH, 5, 3), 3)
    np.testing.assert_array_equal(layers.MultiHeadAttention(2, 3)(query, query)._keras_mask, query._keras_mask)


def test_masks_survive_the_cast_of_mixed_precision() -> None:
    x = _masked(_tensor(BATCH, 5, 3), 3)
    layer = layers.MultiHeadAttention(2, 3, dtype="mixed_bfloat16")
    outputs, scores = layer(x, x, return_attention_scores=True)
    np.testing.assert_array_equal(outputs._keras_mask, x._keras_mask)
    assert float(tf.reduce_max(tf.cast(scores[0, 0, 1], "float32")[:1])) == 0.0  # the mask's first key is false


def test_ragged_queries_give_ragged_outputs() -> None:
    ragged = tf.ragged.constant([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]], ragged_rank=1)
    pair = _pair("MultiHeadAttention", 2, 3)
    for layer in pair:
        layer(ragged, ragged)
    pair[0].set_weights(pair[1].get_weights())
    outputs = [layer(ragged, ragged) for layer in pair]
    assert isinstance(outputs[0], tf.RaggedTensor)
    np.testing.assert_allclose(outputs[0].flat_values, outputs[1].flat_values, atol=1e-6)


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention", "MultiHeadAttention"])
def test_weights_are_dropped_in_training_only(name: str) -> None:
    arguments = (2, 3) if name == "MultiHeadAttention" else ()
    layer = getattr(layers, name)(*arguments, dropout=0.5)
    x = _tensor(BATCH, 5, 3)
    calm = [_call(layer, [x, x], training=training).numpy() for training in (False, None)]
    wild = [_call(layer, [x, x], training=True).numpy() for _ in range(2)]
    np.testing.assert_array_equal(calm[0], calm[1])
    assert not np.allclose(wild[0], calm[0]) and not np.allclose(wild[0], wild[1])


def test_half_precision_and_doubles() -> None:
    x = _tensor(BATCH, 5, 3)
    for policy, dtype in (("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16"), ("float64", "float64")):
        layer = layers.MultiHeadAttention(2, 3, dtype=policy)
        single = layers.Attention(use_scale=True, dtype=policy)
        mask = tf.constant([[True] * 3 + [False] * 2] * BATCH)
        many, scores = layer(x, x, attention_mask=mask[:, tf.newaxis], return_attention_scores=True)
        one = single([x, x], mask=[None, mask])
        assert {many.dtype.name, one.dtype.name, scores.dtype.name} == {dtype}
        assert np.isfinite(tf.cast(many, "float32")).all() and float(tf.reduce_max(scores[..., 3:])) == 0.0
        assert {weight.dtype.name for weight in layer.weights} == {"float64" if dtype == "float64" else "float32"}


def test_in_a_model_eagerly_and_compiled() -> None:
    query, value = layers.Input((5, 3)), layers.Input((None, 7))
    layer = layers.MultiHeadAttention(2, 3, value_dim=4)
    outputs, scores = layer(query=query, value=value, return_attention_scores=True, use_causal_mask=True)
    assert tuple(outputs.shape) == (None, 5, 3) and tuple(scores.shape) == (None, 2, 5, None)
    one = layers.Attention()([outputs, layers.Dense(3)(value)])
    model = Model([query, value], [one, scores])
    inputs = [_tensor(BATCH, 5, 3), _tensor(BATCH, 6, 7)]
    eager = model(inputs)
    for compiled in (False, True):
        for mine, expected in zip(tf.function(model, jit_compile=compiled)(inputs), eager, strict=True):
            np.testing.assert_allclose(mine, expected, atol=1e-5)
    again = Model.from_config(json.loads(_json(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(inputs)[0], eager[0], atol=1e-6)


def test_a_transformer_block_learns_from_masked_text() -> None:
    random = np.random.RandomState(0)
    words = random.randint(1, 20, (64, 8))
    words[:, 6:] = 0
    text = layers.Input((8,), dtype="int32")
    embedded = layers.Embedding(20, 8, mask_zero=True)(text)
    attended = layers.MultiHeadAttention(2, 4, dropout=0.1)(embedded, embedded)
    outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(layers.Add()([embedded, attended])))
    model = Model(text, outputs)
    model.compile("adam", "mse", jit_compile=False)
    history = model.fit(words, words.mean(-1) / 20, epochs=6, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: layers.Attention(score_mode="product"),
        lambda x: layers.Attention()(x),
        lambda x: layers.Attention()([x]),
        lambda x: layers.AdditiveAttention()([x] * 4),
        lambda x: layers.Attention()([x, x], mask=[None]),
        lambda x: layers.Attention()([x, x], mask=[None] * 3),
        lambda x: layers.MultiHeadAttention(0, 3),
        lambda x: layers.MultiHeadAttention(2, -1),
        lambda x: layers.MultiHeadAttention(2, 3, dropout=2.0),
        lambda x: layers.MultiHeadAttention(2, 3)(x[0], x[0]),
    ],
)
def test_wrong_arguments_are_value_errors(wrong: Any) -> None:
    with pytest.raises(ValueError, match="Received"):
        wrong(_tensor(BATCH, 5, 3))
