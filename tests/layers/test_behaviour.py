"""What single layers do beyond the contract of all."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers
from kerasish.core import trust
from kerasish.models import Model, Sequential


def _normal(*shape: int) -> np.ndarray:
    return np.random.RandomState(3).normal(size=shape).astype("float32")


# Randomness: the statistics of the draws.


def test_dropout_zeroes_the_share_and_keeps_the_mean() -> None:
    outputs = layers.Dropout(0.3)(tf.ones((1000, 100)), training=True).numpy()
    assert abs((outputs == 0).mean() - 0.3) < 0.01
    np.testing.assert_allclose(outputs[outputs != 0], 1 / 0.7, rtol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(share: float) -> None:
    inputs = tf.nn.selu(_normal(1000, 300))
    outputs = layers.AlphaDropout(share)(inputs, training=True).numpy()
    assert abs(outputs.mean() - np.mean(inputs)) < 0.02
    assert abs(outputs.std() - np.std(inputs)) < 0.02


def test_gaussian_noise_has_its_moments() -> None:
    added = layers.GaussianNoise(0.5)(tf.zeros((1000, 100)), training=True).numpy()
    assert abs(added.mean()) < 0.01 and abs(added.std() - 0.5) < 0.01
    assert abs(((added / 0.5) ** 4).mean() - 3) < 0.1
    factor = layers.GaussianDropout(0.2)(tf.ones((1000, 100)), training=True).numpy()
    assert abs(factor.mean() - 1) < 0.01 and abs(factor.std() - 0.5) < 0.01


def test_spatial_dropout_drops_whole_channels() -> None:
    outputs = layers.SpatialDropout2D(0.5)(tf.ones((8, 3, 4, 20)), training=True).numpy()
    assert (outputs == outputs[:, :1, :1]).all()
    first = layers.SpatialDropout2D(0.5, data_format="channels_first")(tf.ones((8, 20, 3, 4)), training=True).numpy()
    assert (first == first[:, :, :1, :1]).all()
    assert 0.3 < (first == 0).mean() < 0.7


def test_draws_repeat_after_the_seed_is_set_and_differ_between_layers() -> None:
    from kerasish.core.seeds import set_random_seed

    drawn = []
    for _ in range(2):
        set_random_seed(7)
        drawn.append([layers.Dropout(0.5)(tf.ones((4, 50)), training=True).numpy() for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])


def test_a_users_noise_shape_is_obeyed() -> None:
    class RowDropout(layers.Dropout):
        def _get_noise_shape(self, inputs):
            return (tf.shape(inputs)[0], 1)

    outputs = RowDropout(0.5)(tf.ones((50, 7)), training=True).numpy()
    assert (outputs == outputs[:, :1]).all() and 0 < (outputs == 0).mean() < 1


def test_the_rate_may_be_a_variable() -> None:
    rate = tf.Variable(0.0)
    layer = layers.Dropout(rate)
    np.testing.assert_array_equal(layer(tf.ones((4, 5)), training=True), np.ones((4, 5)))
    rate.assign(0.9)
    assert (layer(tf.ones((40, 50)), training=True).numpy() == 0).mean() > 0.8


# Normalization.


def test_a_frozen_batch_normalization_uses_and_keeps_its_averages() -> None:
    layer = layers.BatchNormalization()
    layer(_normal(8, 3))
    layer.set_weights([np.full(3, v, "float32") for v in (1, 0, 2, 4)])
    layer.trainable = False
    outputs = layer(_normal(8, 3), training=True)
    np.testing.assert_allclose(outputs, (_normal(8, 3) - 2) / np.sqrt(4.001), rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, [2, 2, 2])


@pytest.mark.parametrize("shape", [(6, 3), (4, 5, 3), (4, 5, 6, 3)])
def test_batch_normalization_equals_the_oracle_over_fifty_steps(shape: tuple[int, ...]) -> None:
    ours, theirs = layers.BatchNormalization(momentum=0.9), tf_keras.layers.BatchNormalization(momentum=0.9)
    random = np.random.RandomState(0)
    for _ in range(50):
        x = (random.normal(size=shape) * 3 + 1).astype("float32")
        np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-5, atol=1e-5)
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5)


def test_the_training_flag_may_be_a_tensor() -> None:
    x, results = _normal(8, 3), {}
    for flag in (True, False):
        layer = layers.BatchNormalization()
        traced = tf.function(lambda x, training, layer=layer: layer(x, training=training))
        results[flag] = traced(x, tf.constant(flag)), layer.moving_mean.numpy()
        expected = layers.BatchNormalization()(x, training=flag)
        np.testing.assert_allclose(results[flag][0], expected, rtol=1e-5, atol=1e-6)
    assert results[True][1].any() and not results[False][1].any()


def test_masked_positions_do_not_count_for_the_moments() -> None:
    x, mask = _normal(4, 6, 3), np.arange(24).reshape(4, 6) % 3 > 0
    ours, theirs = layers.BatchNormalization(), tf_keras.layers.BatchNormalization()
    np.testing.assert_allclose(
        ours(x, training=True, mask=mask), theirs(x, training=True, mask=mask), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-5)


def test_normalization_of_halves_is_precise() -> None:
    x = (_normal(4, 50) + 300).astype("float16")
    outputs = layers.LayerNormalization(dtype="mixed_float16")(x).numpy()
    exact = x.astype("float64")
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(outputs, exact, atol=2e-3)


# Random features.


def test_random_features_approximate_their_kernel_and_train_their_width_only() -> None:
    x = _normal(6, 3)
    distance = x[:, None] - x[None]
    kernels = {
        "gaussian": np.exp(-(distance**2).sum(-1) / (2 * 1.5**2)),
        "laplacian": np.exp(-np.abs(distance).sum(-1) / 1.5),
    }
    for name, expected in kernels.items():
        layer = layers.experimental.RandomFourierFeatures(20_000, name, 1.5)
        np.testing.assert_allclose(2 / 20_000 * (layer(x) @ tf.transpose(layer(x))), expected, atol=0.05)
        assert layer.trainable_weights == []
    layer = layers.experimental.RandomFourierFeatures(4, trainable=True)
    model = Sequential([layer, layers.Dense(1)])
    before = [model(x), *layer.get_weights()]
    model.compile("sgd", "mse")
    model.fit(x, x[:, 0], verbose=0)
    changed = [not np.array_equal(old, new) for old, new in zip(before[1:], layer.get_weights(), strict=True)]
    assert changed == [True, False, False] and layer.scale == pytest.approx(1.5**0.5)


# Masks.


def test_softmax_gives_masked_positions_nothing() -> None:
    x, mask = _normal(3, 5), np.array([[1, 1, 0, 0, 0], [0] * 5, [1] * 5], bool)
    for robust in (False, True):
        outputs = layers.Softmax(robust_masking=robust)(x, mask=mask).numpy()
        np.testing.assert_allclose(outputs, tf_keras.layers.Softmax()(x, mask=mask), rtol=1e-5)
    assert (outputs[0, 2:] == 0).all()


def test_a_masked_mean_counts_what_is_kept_and_is_zero_where_nothing_is() -> None:
    x, mask = _normal(3, 5, 4), np.array([[1, 1, 0, 0, 0], [0] * 5, [1] * 5], bool)
    for layer, values in (
        (layers.GlobalAveragePooling1D(), x),
        (layers.GlobalAveragePooling1D("channels_first"), x.swapaxes(1, 2)),
    ):
        outputs = layer(values, mask=tf.constant(mask)).numpy()
        np.testing.assert_allclose(outputs[0], x[0, :2].mean(0), rtol=1e-5)
        np.testing.assert_allclose(outputs[2], x[2].mean(0), rtol=1e-5)
        assert (outputs[1] == 0).all()


def test_masks_travel_from_the_embedding_to_the_mean() -> None:
    model = Sequential([layers.Embedding(9, 3, mask_zero=True), layers.Dense(2), layers.GlobalAveragePooling1D()])
    short, long = model(np.array([[4, 5, 0, 0]])), model(np.array([[4, 5]]))
    np.testing.assert_allclose(short, long, rtol=1e-6)


def test_masks_that_are_joined_may_be_missing() -> None:
    x, mask = tf.constant(_normal(2, 3, 4)), tf.constant([[True, False, True]] * 2)
    joined = layers.Concatenate(axis=1).compute_mask([x, x], [mask, None])
    np.testing.assert_array_equal(joined, [[True, False, True, True, True, True]] * 2)
    assert layers.Add().compute_mask([x, x], [None, None]) is None


# Embedding.


def test_an_index_outside_the_table_is_an_error() -> None:
    for index in (3, -1):
        with pytest.raises(tf.errors.InvalidArgumentError):
            layers.Embedding(3, 2)(np.array([[index]]))


def test_embeddings_have_sparse_gradients_and_take_ragged_and_sparse_inputs() -> None:
    layer = layers.Embedding(5, 2)
    with tf.GradientTape() as tape:
        outputs = layer(np.array([[1, 2]]))
    assert isinstance(tape.gradient(outputs, layer.embeddings), tf.IndexedSlices)
    ragged = layer(tf.ragged.constant([[0, 1], [2]]))
    assert ragged.shape.as_list() == [2, None, 2]
    theirs = tf_keras.layers.Embedding(5, 2, sparse=True)
    sparse = tf.sparse.from_dense([[0, 1], [2, 1]])
    ours = layers.Embedding(5, 2, sparse=True)
    expected = theirs(sparse)
    ours(sparse)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(tf.sparse.to_dense(ours(sparse)), tf.sparse.to_dense(expected))


def test_an_embedding_builds_a_sequential_at_once() -> None:
    assert Sequential([layers.Embedding(4, 2, input_length=3)]).output_shape == (None, 3, 2)
    assert Sequential([layers.Embedding(4, 2)]).output_shape == (None, None, 2)


# Merging.


@pytest.mark.parametrize("function", ["add", "multiply", "average", "maximum", "minimum", "concatenate", "subtract"])
def test_functions_are_their_layers(function: str) -> None:
    inputs = [_normal(2, 3, 4), _normal(2, 3, 4)[::-1]]
    np.testing.assert_allclose(getattr(layers, function)(inputs), getattr(tf_keras.layers, function)(inputs), rtol=1e-6)


@pytest.mark.parametrize(
    ("axes", "left", "right"),
    [
        (1, (2, 5), (2, 5)),
        ((2, 1), (2, 5, 4), (2, 4)),
        ((1, 2), (2, 4), (2, 5, 4)),
        (-1, (2, 5, 4), (2, 3, 4)),
        ((3, 2), (2, 3, 5, 4), (2, 6, 4)),
        ((1, 2), (2, 4, 5, 6), (2, 5, 4)),
        ((3, 3), (2, 3, 5, 4), (2, 6, 7, 4)),
    ],
)
def test_dot_of_any_ranks(axes, left, right) -> None:
    inputs = [_normal(*left), _normal(*right)]
    np.testing.assert_allclose(layers.dot(inputs, axes), tf_keras.layers.dot(inputs, axes), rtol=1e-4, atol=1e-5)


# Dense.


def test_dense_takes_sparse_ragged_and_whole_numbers() -> None:
    dense = np.eye(3, 4, dtype="float32")
    layer = layers.Dense(2)
    np.testing.assert_allclose(layer(tf.sparse.from_dense(dense)), layer(dense), rtol=1e-6)
    np.testing.assert_allclose(layer(dense.astype("int64")), layer(dense), rtol=1e-6)
    ragged = tf.RaggedTensor.from_row_lengths(dense, [1, 2])
    np.testing.assert_allclose(layer(ragged).flat_values, layer(dense), rtol=1e-6)


# Lambda: code in a configuration is not run.


def _mark(x):
    sys.modules[__name__].__dict__.setdefault("ran", []).append(1)
    return x * 3.0


def test_a_lambda_is_copied_within_the_program() -> None:
    factor = 5.0
    copy = layers.Lambda.from_config(layers.Lambda(lambda x, y: x * y * factor, arguments={"y": 2.0}).get_config())
    np.testing.assert_array_equal(copy(np.ones((1, 2), "float32")), [[10.0, 10.0]])


def test_code_from_a_file_is_refused_with_two_ways_out() -> None:
    config = json.loads(json.dumps(layers.Lambda(_mark, name="triple").get_config()))
    with pytest.raises(ValueError, match="safe_mode=False") as raised:
        layers.Lambda.from_config(config)
    assert "triple" in str(raised.value) and len(str(raised.value).splitlines()) <= 6
    with pytest.raises(ValueError, match="custom_objects"):
        layers.deserialize({"class_name": "Lambda", "config": config})
    provided = layers.deserialize({"class_name": "Lambda", "config": config}, custom_objects={"triple": _mark})
    np.testing.assert_array_equal(provided(np.ones((1, 1), "float32")), [[3.0]])
    simple = json.loads(json.dumps(layers.Lambda(lambda x: tf.abs(x) + 1.0).get_config()))
    with trust.safe_mode(False):
        trusted = layers.Lambda.from_config(simple)
    np.testing.assert_array_equal(trusted(np.full((1, 1), -2.0, "float32")), [[3.0]])
    assert trust.in_safe_mode()


@pytest.mark.parametrize(
    "name", ["system", "eval", "get_file", "load_model", "enable_unsafe_deserialization", "deserialize"]
)
def test_a_configuration_cannot_name_other_functions(name: str) -> None:
    config = {"name": "bad", "function": name, "function_type": "function", "module": "os", "arguments": {}}
    with pytest.raises(ValueError, match=name):
        layers.Lambda.from_config(config)


def test_a_lambda_gets_mask_and_training_where_it_names_them() -> None:
    seen = {}
    layer = layers.Lambda(lambda x, mask=None, training=None: seen.update(mask=mask, training=training) or x)
    masked = layers.Masking()(_normal(2, 3, 4))
    layer(masked, training=True)
    assert seen["training"] is True and seen["mask"].shape == (2, 3)
    assert layers.Lambda(lambda x: x[:, 0], output_shape=lambda shape: (shape[0], 4)).compute_output_shape(
        (2, 3, 4)
    ) == (2, 4)


# Convolution.


def test_a_users_convolution_op_is_obeyed() -> None:
    class Standardized(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel * 0.0)

    assert not np.any(Standardized(3, 2)(_normal(2, 5, 5, 2)))


def test_layers_of_unknown_sizes_work_in_models() -> None:
    image = layers.Input((None, None, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    model = Model(image, layers.Reshape((2, -1))(x))
    assert model.output_shape == (None, 2, 2)
    for size in (6, 9):
        assert model(_normal(2, size, size, 3)).shape == (2, 2, 2)
    text = layers.Input((None,), dtype="int32")
    model = Model(text, layers.Flatten()(layers.GlobalMaxPooling1D(keepdims=True)(layers.Embedding(5, 3)(text))))
    assert model(np.zeros((2, 7), "int32")).shape == (2, 3)
    assert layers.Flatten()(layers.Input((None, 2))).shape.as_list() == [None, None]


@pytest.mark.parametrize("shape", [None, (None, None, None), (None, 4, None), (2, None, 3), (None, 4, 3), (2, 4, 3)])
def test_dense_of_three_axes_is_the_same_whatever_is_known_of_the_shape(shape: tuple[int | None, ...] | None) -> None:
    layer, theirs = layers.Dense(2), tf_keras.layers.Dense(2)
    inputs = _normal(2, 4, 3)
    expected = theirs(inputs)
    layer.build(inputs.shape)
    layer.set_weights(theirs.get_weights())
    traced = tf.function(layer, input_signature=[tf.TensorSpec(shape)])
    np.testing.assert_allclose(traced(inputs), expected, rtol=1e-6, atol=1e-6)
    assert layer(np.zeros((0, 4, 3), "float32")).shape == (0, 4, 2)
    if shape is None or shape[-1] is None:
        with pytest.raises(tf.errors.InvalidArgumentError):
            traced(_normal(2, 4, 6))


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"axis": 1}])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_layer_normalization_has_the_oracles_gradients_of_first_and_second_order(
    options: dict[str, object], shape: tuple[int, ...]
) -> None:
    inputs = tf.constant(3 * _normal(5, *shape) + 2)
    found = []
    for library in (layers, tf_keras.layers):
        layer = library.LayerNormalization(**options)
        layer.build(inputs.shape)
        layer.set_weights([np.linspace(0.5, 2, weight.shape[0]) for weight in layer.weights])
        sources = [inputs, *layer.trainable_weights]
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                loss = tf.reduce_sum(layer(inputs) ** 3)
            first = inner.gradient(loss, sources)
            steepness = tf.add_n([tf.reduce_mean(gradient**2) for gradient in first])
        found.append([loss, *first, *outer.gradient(steepness, sources, unconnected_gradients="zero")])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * float(tf.reduce_max(tf.abs(theirs)) + 1))


# Mixed precision.


def test_a_mixed_layers_weight_is_cast_in_call_only() -> None:
    seen = {}

    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight("scale", input_shape[-1:], initializer="ones")
            self.exact = self.add_weight("exact", (), initializer="ones", experimental_autocast=False)
            seen["build"] = self.scale
            super().build(input_shape)

        def call(self, inputs):
            seen["call"] = self.scale
            return inputs * self.scale * tf.cast(self.exact, inputs.dtype)

    layer = Scaled(dtype="mixed_bfloat16")
    with tf.GradientTape() as tape:
        outputs = layer(_normal(2, 3))
    assert isinstance(seen["build"], tf.Variable)
    assert seen["call"].dtype == outputs.dtype == tf.bfloat16
    assert layer.scale is layer.weights[0] and layer.exact.dtype == tf.float32
    assert tape.gradient(outputs, layer.scale).dtype == tf.float32
    assert not hasattr(layer, "nothing")


@pytest.mark.parametrize("momentum", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("rows", [4, 0])
def test_averages_of_images_move_as_far_as_the_oracles(momentum, rows):
    x = np.random.RandomState(0).normal(2, 3, (4, 5, 5, 3)).astype("float32")[:rows]
    ours, theirs = (library.BatchNormalization(momentum=momentum) for library in (layers, tf_keras.layers))
    for layer in (ours, theirs):
        layer.build((None, 5, 5, 3))
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-5, atol=1e-5)
    for weight, expected in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)
