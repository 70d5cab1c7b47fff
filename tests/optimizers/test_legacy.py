"""The optimizers of earlier releases: constructors, configurations and numbers of tf_keras.optimizers.legacy."""
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers

RATE = {"learning_rate": 0.1}
DENSE = [
    ("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True, "decay": 0.1}), ("SGD", {"clipvalue": 0.1}),
    ("Adam", {"decay": 0.1}), ("Adam", {"amsgrad": True}), ("Adam", {"clipnorm": 0.5}), ("Adamax", {}),
    ("RMSprop", {}), ("RMSprop", {"momentum": 0.5, "centered": True}), ("Adagrad", {}), ("Adadelta", {}),
    ("Ftrl", {"beta": 0.1, "l1_regularization_strength": 0.01}),
]  # fmt: skip
SPARSE = [("SGD", {}), ("Adam", {}), ("Adam", {"amsgrad": True}), ("Adagrad", {})]


def pair(name, options):
    return [getattr(library.legacy, name)(**RATE, **options) for library in (optimizers, tf_keras.optimizers)]


@pytest.mark.parametrize(("rows", "name", "options"), [(False, *c) for c in DENSE] + [(True, *c) for c in SPARSE])
def test_steps_are_those_of_tf_keras(rows, name, options):
    random = np.random.default_rng(1)
    both = [(optimizer, tf.Variable(np.ones((4, 2), "float32"))) for optimizer in pair(name, options)]
    for step in range(20):
        gradient = tf.constant(random.normal(size=(2 if rows else 4, 2)).astype("float32"))
        if rows:
            gradient = tf.IndexedSlices(gradient, tf.constant([step % 3, 3]), tf.constant([4, 2]))
        for optimizer, variable in both:
            optimizer.apply_gradients([(gradient, variable)])
    np.testing.assert_allclose(both[0][1], both[1][1], rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize(("name", "options"), [*DENSE, ("RMSprop", {"centered": True}), ("Nadam", {})])
def test_small_gradients_tell_where_epsilon_stands(name, options):
    moved = []
    for optimizer in pair(name, options):
        variable = tf.Variable(np.zeros(4, "float32"))
        for step in range(1, 4):
            optimizer.apply_gradients([(step * tf.constant([1e-4, 3e-4, 1e-3, 1e-2]), variable)])
        moved.append(variable.numpy())
    np.testing.assert_allclose(*moved, rtol=1e-5)


@pytest.mark.parametrize(("name", "options"), DENSE)
def test_configurations_are_those_of_tf_keras(name, options):
    ours, theirs = (optimizer.get_config() for optimizer in pair(name, options))
    assert json.loads(json.dumps(ours)) == pytest.approx(json.loads(json.dumps(theirs, default=float)))
    again = getattr(optimizers.legacy, name).from_config(ours)
    assert again.get_config() == ours
    assert type(again).__mro__[2] is getattr(optimizers, name)


def test_the_older_spellings_work():
    optimizer = optimizers.legacy.Adam(lr=0.2, decay=0.5)
    assert float(optimizer.lr) == pytest.approx(0.2)
    variable = tf.Variable([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)], experimental_aggregate_gradients=False)
    assert optimizer.get_slot(variable, "m").shape == (1,)
    assert isinstance(optimizer, optimizers.legacy.Optimizer)
