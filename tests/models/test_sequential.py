"""Sequential: declared, deferred, grown and shortened, as tf_keras does it."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

X = np.random.RandomState(0).rand(5, 4).astype("float32")


@pytest.fixture(autouse=True)
def fresh_oracle():
    tf_keras.backend.clear_session()


def declared(k):
    return k.Sequential([k.layers.Dense(3, input_shape=(4,)), k.layers.Dropout(0.1), k.layers.Dense(2)])


def with_input(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.BatchNormalization()], name="mine")


def added(k):
    model = k.Sequential()
    model.add(k.layers.InputLayer((4,)))
    model.add(k.layers.Dense(3, "relu"))
    model.add(k.layers.Dense(2))
    return model


def nested(k):
    return k.Sequential([k.Sequential([k.layers.Dense(3, input_shape=(4,))]), k.layers.Dense(2)])


def shortened(k):
    model = declared(k)
    model.pop()
    model.add(k.layers.Dense(7))
    return model


def deferred_and_built(k):
    model = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
    model.build((None, 4))
    return model


def deferred_and_trained(k):
    model = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    return model


STACKS = [declared, with_input, added, nested, shortened, deferred_and_built, deferred_and_trained]


@pytest.mark.parametrize("build", STACKS)
def test_a_stack_equals_the_oracle_s(build):
    ours, theirs = build(kerasish), build(tf_keras)
    assert ours.name == theirs.name
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert ours.input_shape == theirs.input_shape and ours.output_shape == theirs.output_shape
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), atol=1e-6)
    config = json.loads(json.dumps(ours.get_config()))
    assert config == json.loads(json.dumps(theirs.get_config()))
    for cls in (kerasish.Sequential, tf_keras.Sequential):
        again = cls.from_config(config)
        again.set_weights(theirs.get_weights())
        np.testing.assert_allclose(again(X), ours(X), atol=1e-6)


def test_a_deferred_model_knows_nothing_before_its_first_data():
    model = kerasish.Sequential([kerasish.layers.Dense(3)])
    assert not model.built and model.weights == []
    with pytest.raises(ValueError, match="built|Build|shape"):
        model.count_params()
    assert model(X).shape == (5, 3)
    assert model.built and [v.name for v in model.weights] == ["dense/kernel:0", "dense/bias:0"]
    with pytest.raises(ValueError):
        model(X[:, :2])


def test_adding_to_a_deferred_model_goes_on_deferring():
    model = kerasish.Sequential([kerasish.layers.Dense(3)])
    model.add(kerasish.layers.Dense(2))
    assert model(X).shape == (5, 2)
    model.add(kerasish.layers.Dense(1))
    assert model(X).shape == (5, 1)
    model.pop()
    assert model(X).shape == (5, 2) and len(model.layers) == 2


def test_adding_after_training_trains_the_new_layer():
    model = deferred_and_trained(kerasish)
    model.add(kerasish.layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    assert len(model.weights) == 6


def test_wrong_layers_are_refused():
    model = kerasish.Sequential([kerasish.layers.Dense(2, name="a")])
    with pytest.raises(ValueError, match="'a'"):
        model.add(kerasish.layers.Dense(2, name="a"))
    with pytest.raises(TypeError, match="layers"):
        model.add(3)
    with pytest.raises(TypeError, match="no layers"):
        kerasish.Sequential().pop()


def test_masks_and_training_pass_through():
    layers = [kerasish.layers.Embedding(5, 3, mask_zero=True), kerasish.layers.Dropout(0.9), kerasish.layers.Dense(2)]
    model = kerasish.Sequential(layers)
    tokens = tf.constant([[1, 0, 2], [0, 0, 1]])
    outputs = model(tokens)
    np.testing.assert_array_equal(outputs._keras_mask, tokens != 0)
    assert np.abs(np.asarray(model(tokens, training=True)) - outputs).max() > 0


def test_a_slice_of_a_stack_shares_its_layers():
    model = declared(kerasish)
    inner = kerasish.Model(model.input, model.layers[0].output)
    front = kerasish.Sequential(model.layers[:1])
    np.testing.assert_allclose(front(X), X @ model.weights[0] + model.weights[1], atol=1e-6)
    assert model.layers[0].output is inner.output  # that of the first of two calls, as in tf_keras
    assert model.layers[0].get_output_at(1) is front.output
    np.testing.assert_allclose(inner(X), front(X), atol=1e-6)
