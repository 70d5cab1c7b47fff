"""DenseFeatures and SequenceFeatures give the oracle's numbers, weights and configurations, and train."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers
from kerasish.experimental import SequenceFeatures

columns = tf.feature_column
CITIES = ["Rom", "Bern", "Kyoto"]
FEATURES = {
    "age": np.array([31.0, 4.0, 77.0, 50.0], "float32"),
    "place": np.array([[0.5, 1.0], [2.0, 3.0], [1.0, 1.0], [0.0, 1.0]], "float32"),
    "city": np.array([["Rom"], ["Oslo"], ["Kyoto"], ["Rom"]]),
    "house": np.array([1, 0, 3, 2]),
    "weight": np.array([1.0, 2.0, 0.5, 1.0], "float32"),
}
STEPS = {
    "word": tf.sparse.from_dense([[1, 2, 0], [3, 0, 0]]),
    "size": tf.sparse.from_dense([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]]),
}


def halved(x):
    return x / 2


def dense_columns():
    """A column of each dense kind."""
    age = columns.numeric_column("age", normalizer_fn=halved)
    city = columns.categorical_column_with_vocabulary_list("city", CITIES, num_oov_buckets=1)
    house = columns.categorical_column_with_identity("house", 4)
    return [
        age,
        columns.numeric_column("place", shape=(2,)),
        columns.bucketized_column(columns.numeric_column("age"), [10.0, 40.0]),
        columns.embedding_column(city, 3),
        columns.indicator_column(columns.categorical_column_with_hash_bucket("city", 5)),
        columns.indicator_column(columns.crossed_column(["city", house], 7)),
        columns.embedding_column(columns.weighted_categorical_column(house, "weight"), 2, combiner="sum"),
    ]


def sequence_columns():
    word = columns.sequence_categorical_column_with_identity("word", 4)
    return [
        columns.embedding_column(word, 2),
        columns.sequence_numeric_column("size"),
        columns.indicator_column(word),
    ]


def spread(layer):
    layer.set_weights([np.linspace(-1, 1, value.size).reshape(value.shape) for value in layer.get_weights()])


def test_dense_features_are_the_oracles():
    found = []
    for library in (layers, tf_keras.layers):
        layer, parts = library.DenseFeatures(dense_columns(), name="features"), {}
        layer(FEATURES)
        spread(layer)
        outputs = layer(FEATURES, cols_to_output_tensors=parts)
        shape = layer.compute_output_shape((4, 1))
        sizes = [(column.name, tuple(part.shape)) for column, part in parts.items()]
        found.append(([(w.name, tuple(w.shape)) for w in layer.weights], shape, sizes, layer.get_config(), outputs))
    assert found[0][:-1] == found[1][:-1]
    np.testing.assert_allclose(found[0][-1], found[1][-1], rtol=1e-6)


def test_sequence_features_are_the_oracles():
    found = []
    for library in (kerasish, tf_keras):
        layer = library.experimental.SequenceFeatures(sequence_columns(), name="features")
        layer(STEPS)
        spread(layer)
        outputs, lengths = layer(STEPS)
        config = layer.get_config()
        found.append(([w.name for w in layer.weights], layer.compute_output_shape((2, 3)), config, outputs, lengths))
    assert found[0][:3] == found[1][:3]
    np.testing.assert_allclose(found[0][3], found[1][3], rtol=1e-6)
    np.testing.assert_array_equal(found[0][4], found[1][4])


def test_a_configuration_survives_json_and_finds_the_users_function():
    layer = layers.DenseFeatures(dense_columns())
    config = json.loads(json.dumps(layers.serialize(layer)))
    with pytest.raises(ValueError, match="halved"):
        layers.deserialize(config)
    again = layers.deserialize(config, custom_objects={"halved": halved})
    layer(FEATURES), again(FEATURES)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(FEATURES), again(FEATURES))
    layer = layers.DenseFeatures(dense_columns()[:2] + dense_columns()[3:])  # the oracle mixes up two columns of a key
    theirs = tf_keras.layers.DenseFeatures.from_config(layer.get_config(), custom_objects={"halved": halved})
    assert theirs.get_config() == layer.get_config()


def train(library, functional):
    """Losses of a model of features, on a dataset of dicts."""
    features = library.layers.DenseFeatures(dense_columns())
    if functional:
        inputs = {
            key: library.Input(value.shape[1:], name=key, dtype="string" if key == "city" else value.dtype)
            for key, value in FEATURES.items()
        }
        outputs = library.layers.Dense(1, kernel_initializer="ones")(features(inputs))
        model = library.Model(inputs, outputs)
    else:
        model = library.Sequential([features, library.layers.Dense(1, kernel_initializer="ones")])
        model(FEATURES)
    spread(features)
    model.compile(library.optimizers.SGD(0.01), "mse")
    data = tf.data.Dataset.from_tensor_slices((FEATURES, np.array([[0.0], [1.0], [2.0], [0.5]], "float32"))).batch(2)
    return model.fit(data, epochs=3, verbose=0).history["loss"]


@pytest.mark.parametrize("functional", [False, True])
def test_a_model_of_features_trains_as_the_oracles(functional):
    np.testing.assert_allclose(train(kerasish, functional), train(tf_keras, functional), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.DenseFeatures([]), "feature_columns"),
        (lambda: layers.DenseFeatures("age"), "feature_columns"),
        (lambda: layers.DenseFeatures([columns.numeric_column("x")] * 2), "different names"),
        (lambda: layers.DenseFeatures([columns.categorical_column_with_identity("x", 2)]), "embedding_column"),
        (lambda: SequenceFeatures([columns.numeric_column("x")]), "sequence columns"),
        (lambda: layers.DenseFeatures(dense_columns())(np.ones((2, 2))), "dict of features"),
        (lambda: layers.DenseFeatures(dense_columns())({"age": np.ones(2)}), "city|house|place"),
        (lambda: layers.DenseFeatures(dense_columns(), partitioner=1), "partitioner"),
        (lambda: layers.deserialize({"class_name": "DenseFeatures", "config": {
            "feature_columns": [{"class_name": "NumericColum", "config": {}}]}}), "NumericColumn"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sequences_of_different_lengths_are_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError, match="one length"):
        SequenceFeatures(sequence_columns())({**STEPS, "size": tf.sparse.from_dense([[1.0, 0, 0], [3.0, 0, 0]])})
