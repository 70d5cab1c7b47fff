"""Cross-entropies find the logits behind probabilities, eagerly and in graphs, as tf_keras does."""
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import activations, losses

X = tf.constant([[1.0, 2.0, 200.0], [0.0, 1.0, 2.0]])
ONE_HOT = tf.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
LABELS = tf.constant([0, 1])
NAMES = [
    ("categorical_crossentropy", ONE_HOT, "softmax"),
    ("sparse_categorical_crossentropy", LABELS, "softmax"),
    ("binary_crossentropy", ONE_HOT, "sigmoid"),
    ("categorical_focal_crossentropy", ONE_HOT, "softmax"),
    ("binary_focal_crossentropy", ONE_HOT, "sigmoid"),
    ("categorical_crossentropy", ONE_HOT, "sigmoid"),
    ("binary_crossentropy", ONE_HOT, "softmax"),
]


def both(name, labels, function, **options):
    def of(module, activation):
        with tf.GradientTape() as tape:
            tape.watch(X)
            value = getattr(module, name)(labels, activation(X), **options)
        return value, tape.gradient(value, X)

    ours = of(losses, getattr(activations, function, getattr(tf.nn, function)))
    theirs = of(tf_keras.losses, getattr(tf_keras.activations, function))
    return ours, theirs


def assert_equal(ours, theirs):
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name, labels, function", NAMES)
def test_probabilities_of_an_activation(name, labels, function, from_logits, graph):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call = tf.function(both) if graph else both
        assert_equal(*call(name, labels, function, from_logits=from_logits))


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("name, labels, function", NAMES[:5])
def test_probabilities_of_a_tensorflow_operation(name, labels, function, graph):
    def value(module):
        return getattr(module, name)(labels, getattr(tf.nn, function)(X))

    for module in (losses, tf_keras.losses):
        traced = tf.function(value) if graph else value
        if module is losses:
            ours = traced(losses)
        else:
            np.testing.assert_allclose(ours, traced(tf_keras.losses), rtol=1e-5)


def test_the_loss_of_a_hopeless_prediction_keeps_its_gradient():
    with tf.GradientTape() as tape:
        tape.watch(X)
        value = losses.CategoricalCrossentropy()(ONE_HOT, activations.softmax(X))
    assert value.numpy() > 100 and np.abs(tape.gradient(value, X)).max() == 0.5


def test_label_smoothing_with_logits():
    for name, function in (("categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid")):
        assert_equal(*both(name, ONE_HOT, function, label_smoothing=0.1))


def test_from_logits_with_an_activation_warns():
    with pytest.warns(UserWarning, match="from_logits=True"):
        losses.sparse_categorical_crossentropy(LABELS, activations.softmax(X), from_logits=True)
