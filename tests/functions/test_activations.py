"""Activation functions give the numbers, gradients, names and configurations of tf_keras."""
import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import activations

FUNCTIONS = [name for name in activations.__all__ if name not in ("get", "serialize", "deserialize")]
X = np.array([[-30.0, -3.0, -1.0, -0.1, 0.0], [1e-3, 0.5, 2.4, 6.5, 40.0]], np.float32)


def value_and_gradient(function, x, **options):
    x = tf.constant(x)
    weights = tf.reshape(tf.range(1.0, 1 + x.shape.num_elements()), x.shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, **options)
        total = tf.reduce_sum(y * tf.cast(weights, y.dtype))
    return y.numpy(), tape.gradient(total, x).numpy()


def assert_same(name, x, **options):
    ours = value_and_gradient(getattr(activations, name), x, **options)
    theirs = value_and_gradient(getattr(tf_keras.activations, name), x, **options)
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine.dtype == reference.dtype
        np.testing.assert_allclose(mine, reference, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients(name):
    assert_same(name, X if name != "exponential" else X / 10)


RELU = [
    {"alpha": 0.2},
    {"max_value": 6},
    {"max_value": 2.5},
    {"threshold": 0.6},
    {"threshold": -0.5},
    {"alpha": 0.2, "max_value": 6.0, "threshold": 0.6},
    {"alpha": 0.3, "max_value": 2.0},
    {"alpha": 0.3, "threshold": -2.0},
    {"max_value": 5, "threshold": -0.2},
    {"alpha": 0.1, "max_value": 0},
]
OTHERS = [
    ("elu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}),
]


@pytest.mark.parametrize("name, options", [("relu", options) for options in RELU] + OTHERS)
def test_options(name, options):
    assert_same(name, X, **options)


@pytest.mark.parametrize("axis", [-1, 0, 1, (1, 2)])
def test_softmax_of_three_axes(axis):
    assert_same("softmax", np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32"), axis=axis)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_dtype_is_kept(name, dtype):
    x = tf.cast(X[:, 1:4], dtype)
    ours, theirs = getattr(activations, name)(x), getattr(tf_keras.activations, name)(x)
    assert ours.dtype == theirs.dtype
    tolerance = 1e-2 if "16" in dtype else 1e-12
    np.testing.assert_allclose(tf.cast(ours, "float64"), tf.cast(theirs, "float64"), rtol=tolerance)


def test_relu_of_integers():
    assert activations.relu(tf.constant([-2, 3])).numpy().tolist() == [0, 3]


@pytest.mark.parametrize("name", activations.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (activations, tf_keras.activations))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_public_names_are_those_of_tf_keras():
    assert set(activations.__all__) == {name for name in dir(tf_keras.activations) if not name.startswith("_")}


@pytest.mark.parametrize("name", [*FUNCTIONS, "silu", "relu6", "leaky_relu", "log_softmax"])
def test_get_by_name(name):
    x = X / 10
    np.testing.assert_allclose(activations.get(name)(x + 0), tf_keras.activations.get(name)(tf.constant(x)), rtol=1e-6)


def test_get():
    assert activations.get(None) is activations.linear
    assert activations.get(tf.nn.relu) is tf.nn.relu
    assert activations.get({"class_name": "function", "config": "relu"}) is activations.relu


@pytest.mark.parametrize("function", [activations.relu, tf.nn.relu, tf.nn.softmax, tf.nn.silu, tf.nn.relu6])
def test_serialize(function):
    name = activations.serialize(function)
    assert name == tf_keras.activations.serialize(function)
    assert callable(activations.deserialize(name))


def test_logits_are_remembered():
    x = tf.constant(X)
    assert activations.softmax(x)._keras_logits is x
    assert activations.sigmoid(x)._keras_logits is x


@pytest.mark.parametrize(
    "act, error, words",
    [
        (lambda: activations.get("rellu"), ValueError, "relu"),
        (lambda: activations.get(3), TypeError, "3"),
        (lambda: activations.softmax(tf.constant([1.0, 2.0])), ValueError, "(2,)"),
        (lambda: activations.relu(X, max_value=-1), ValueError, "max_value=-1"),
    ],
)
def test_errors(act, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")) as caught:
        act()
    assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize("classes", [1, 2, 64, 65])
def test_softmax_of_few_and_of_many_classes_is_exact_and_leaves_out_the_excluded_ones(classes):
    x = np.random.RandomState(classes).normal(0, 20, (5, classes)).astype("float32")
    weights = np.random.RandomState(0).uniform(-1, 1, x.shape)
    x[:2, 1:] = -np.inf
    found = []
    for function, dtype in ((activations.softmax, "float32"), (tf_keras.activations.softmax, "float64")):
        scores = tf.constant(x.astype(dtype))
        with tf.GradientTape() as tape:
            tape.watch(scores)
            shares = function(scores)
            total = tf.reduce_sum(shares * weights.astype(dtype))
        found.append((shares, tape.gradient(total, scores)))
    for ours, exact in zip(*found, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-6)
