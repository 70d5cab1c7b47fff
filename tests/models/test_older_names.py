"""Methods of early tf.keras 2 do what their successors do."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras

X, Y = np.random.RandomState(0).rand(24, 3).astype("float32"), np.arange(24) % 2


def model_of(units):
    activation = "sigmoid" if units == 1 else "softmax"
    model = keras.Sequential([keras.layers.Dense(units, input_shape=(3,), activation=activation)])
    model.compile("sgd", "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy")
    return model


def batches():
    while True:
        yield X[:8], Y[:8]


def test_generators_train_and_are_evaluated_as_by_fit_and_evaluate():
    model, other = model_of(2), model_of(2)
    other.set_weights(model.get_weights())
    old = model.fit_generator(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    new = other.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert old.history == new.history and len(old.history["loss"]) == 2
    assert model.evaluate_generator(batches(), steps=2) == other.evaluate(batches(), steps=2, verbose=0)
    assert model.predict_generator(batches(), steps=2).shape == (16, 2)


@pytest.mark.parametrize("units", [1, 3])
def test_classes_and_probabilities(units):
    model = model_of(units)
    outputs = model.predict(X)
    np.testing.assert_array_equal(model.predict_proba(X), outputs)
    expected = (outputs > 0.5).astype(int) if units == 1 else outputs.argmax(-1)
    np.testing.assert_array_equal(model.predict_classes(X), expected)


@pytest.mark.parametrize("name", ["fit_generator", "evaluate_generator", "predict_generator"])
def test_signatures_are_the_oracles(name):
    import tf_keras

    def arguments(model):
        return [(p.name, p.default) for p in inspect.signature(getattr(model, name)).parameters.values()]

    assert arguments(keras.Model) == arguments(tf_keras.Model)


def nested(library):
    """A subclass with layers in lists and dicts, a functional model, and a stack of both."""
    layers = library.layers

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.by_name = [layers.Dense(2), layers.Dense(3)], {"a": layers.Dense(1)}

        def build(self, input_shape):
            self.gain = self.add_weight(name="scale", shape=(2,))
            super().build(input_shape)

        def call(self, inputs):
            return self.by_name["a"](self.inner[1](self.inner[0](inputs)))

    class Nested(library.Model):
        def __init__(self):
            super().__init__()
            self.first, self.factor = Block(), tf.Variable(1.0)
            self.rest = library.Sequential([layers.Dense(2), layers.BatchNormalization()])

        def call(self, inputs):
            return self.rest(self.first(inputs)) * self.factor

    own = Nested()
    own(np.ones((2, 2), "float32"))
    steps = layers.Input((4, 3))
    x = layers.TimeDistributed(layers.Dense(2), name="each")(steps)
    functional = library.Model(steps, layers.Bidirectional(layers.LSTM(2), name="both")(x), name="inner")
    stack = library.Sequential([functional, layers.Dense(1, name="last")])
    stack.build((None, 4, 3))
    return own, functional, stack


def test_weight_paths_are_the_oracles():
    for ours, theirs in zip(nested(keras), nested(tf_keras), strict=True):
        found, expected = ours.get_weight_paths(), theirs.get_weight_paths()
        assert {path: tuple(v.shape) for path, v in found.items()} == {p: tuple(v.shape) for p, v in expected.items()}
        assert {id(variable) for variable in found.values()} == {id(variable) for variable in ours.variables}


def test_whether_xla_compiles_can_be_asked_and_set():
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    assert model.jit_compile is None and model.state_updates == []
    model.compile("sgd", "mse", jit_compile=True)
    assert model.jit_compile is True
    model.jit_compile = False
    model.fit(np.ones((2, 2)), np.ones(2), verbose=0)
    assert model.jit_compile is False and model.distribute_strategy is tf.distribute.get_strategy()
    with pytest.raises(ValueError, match="jit_compile"):
        model.jit_compile = "sometimes"
