"""SavedModels that kerasish writes and tf_keras reads as layers, and the other way round."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras

X = np.random.default_rng(1).normal(size=(8, 4)).astype("float32")
Y = np.ones((8, 2), "float32")


def stacked(library):
    dense = library.layers.Dense
    model = library.Sequential([dense(3, "tanh", input_shape=(4,)), library.layers.BatchNormalization(), dense(2)])
    rate = library.optimizers.schedules.ExponentialDecay(0.01, 3, 0.9)
    model.compile(library.optimizers.Adam(rate), "mse", metrics=["mae", "accuracy"])
    return model, X, Y


def joined(library):
    layers = library.layers
    a, b = library.Input((4,), name="a"), library.Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    first = layers.Dense(2, name="first")(layers.add([shared(a), shared(b)]))
    second = layers.LSTM(2, name="second")(layers.Reshape((3, 1))(shared(a)))
    model = library.Model([a, b], [first, second])
    model.compile(
        library.optimizers.SGD(0.1, momentum=0.9), {"first": "mse", "second": library.losses.Huber(0.5)},
        metrics={"first": ["mae"]}, loss_weights=[1.0, 0.5],
    )  # fmt: skip
    return model, [X, 2 * X], [Y, Y]


def outputs(model, inputs):
    return tf.nest.flatten(model.predict(inputs, verbose=0))


@pytest.mark.parametrize("make", [stacked, joined])
def test_tf_keras_reads_ours_as_layers(make, here):
    model, x, y = make(keras)
    model.fit(x, y, verbose=0)
    model.save("ours")
    theirs = tf_keras.models.load_model("ours")
    assert [type(layer).__name__ for layer in theirs.layers] == [type(layer).__name__ for layer in model.layers]
    for one, other in zip(outputs(theirs, x), outputs(model, x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert theirs.optimizer.get_config()["learning_rate"] == model.optimizer.get_config()["learning_rate"] or (
        theirs.optimizer.get_config()["learning_rate"]["config"]
        == model.optimizer.get_config()["learning_rate"]["config"]
    )
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert theirs.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(expected)


@pytest.mark.parametrize("make", [stacked, joined])
def test_ours_reads_tf_keras_and_goes_on_training(make, here):
    model, x, y = make(tf_keras)
    model.fit(x, y, epochs=2, verbose=0)
    model.save("theirs", save_format="tf")
    ours = keras.models.load_model("theirs")
    assert [layer.name for layer in ours.layers] == [layer.name for layer in model.layers]
    assert int(ours.optimizer.iterations) == 2
    for one, other in zip(outputs(ours, x), outputs(model, x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for _ in range(3):
        expected = model.train_on_batch(x, y, return_dict=True)
        assert ours.train_on_batch(x, y, return_dict=True) == pytest.approx(expected, rel=1e-5)


def with_a_layer_of_its_own(library):
    class Scaled(library.layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.dense = factor, library.layers.Dense(3)

        def build(self, input_shape):
            self.shift = self.add_weight("shift", (3,), initializer="ones")
            super().build(input_shape)

        def call(self, inputs, training=None):
            outputs = self.dense(inputs) * self.factor + self.shift
            self.add_loss(0.1 * tf.reduce_mean(outputs**2))
            return outputs * (3.0 if training else 1.0)

    inputs = library.Input((4,))
    inner = library.Sequential([Scaled(name="inner_scaled"), library.layers.Dense(3)], name="inner")
    x = Scaled(name="scaled")(inputs)
    model = library.Model(inputs, library.layers.Dense(2)(inner(library.layers.Dense(4)(x))))
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("direction", ["ours to ours", "theirs to ours", "ours to theirs"])
def test_layers_of_unknown_classes_run_their_graphs(direction, here):
    writer, reader = {"ours to ours": (keras, keras), "theirs to ours": (tf_keras, keras),
                      "ours to theirs": (keras, tf_keras)}[direction]  # fmt: skip
    tf_keras.utils.set_random_seed(1)
    model = with_a_layer_of_its_own(writer)
    model.train_on_batch(X, Y)
    model.save("model", save_format="tf")
    if reader is keras:
        with pytest.warns(UserWarning, match=r"layers that run their graphs.*Scaled|Scaled.*custom_objects"):
            loaded = keras.models.load_model("model")
    else:
        loaded = tf_keras.models.load_model("model")
        loaded.compile("sgd", "mse", run_eagerly=True)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(loaded(X), model(X), atol=1e-6)
    np.testing.assert_allclose(loaded(X, training=True), model(X, training=True), atol=1e-5)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    assert sum(map(float, loaded.losses)) == pytest.approx(sum(map(float, model.losses)), rel=1e-5)
    for _ in range(2):
        assert loaded.train_on_batch(X, Y) == pytest.approx(model.train_on_batch(X, Y), rel=1e-4)


@pytest.mark.parametrize("how", ["save", "export", "tf.saved_model.save"])
def test_inputs_may_have_the_names_of_pythons_own_words(how, here):
    """tf_keras cannot write them: its signatures have them as names of arguments."""
    a, b = keras.Input((4,), name="in"), keras.Input((4,), name="lambda")
    model = keras.Model([a, b], keras.layers.Dense(2, name="class")(keras.layers.add([a, b])))
    expected = model.predict({"in": X, "lambda": 2 * X}, verbose=0)
    if how == "tf.saved_model.save":
        tf.saved_model.save(model, "model")
    else:
        getattr(model, how)("model")
    signature = tf.saved_model.load("model").signatures["serving_default"]
    (found,) = signature(arg_in=tf.constant(X), arg_lambda=tf.constant(2 * X)).values()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if how == "save":
        for library in (keras, tf_keras):
            loaded = library.models.load_model("model")
            assert loaded.input_names == ["in", "lambda"]
            np.testing.assert_allclose(loaded.predict({"in": X, "lambda": 2 * X}, verbose=0), expected, atol=1e-6)


def test_a_users_model_may_take_a_dict_with_such_keys(here):
    class Words(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs["in"]) + self.dense(inputs["from"])

    model, rows = Words(), {"in": X, "from": 2 * X}
    expected = model(rows)
    model.save("words")
    np.testing.assert_array_equal(keras.models.load_model("words", custom_objects={"Words": Words})(rows), expected)
    signature = tf.saved_model.load("words").signatures["serving_default"]
    (found,) = signature(arg_in=tf.constant(X), arg_from=tf.constant(2 * X)).values()
    np.testing.assert_allclose(found, expected, atol=1e-6)
