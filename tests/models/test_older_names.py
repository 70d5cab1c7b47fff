"""Methods of early tf.keras 2 do what their successors do."""

import inspect

import numpy as np
import pytest

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
