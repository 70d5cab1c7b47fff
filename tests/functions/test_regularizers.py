"""Regularizers give the penalties, gradients and configurations of tf_keras."""
import inspect
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import regularizers

W = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L1", {"l": 0.3}),
    ("L2", {"l2": 0.3}),
    ("L2", {"l2": None}),
    ("L2", {"l": 0.7}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.3}),
    ("L1L2", {"l1": None, "l2": 1}),
    ("l1_l2", {}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


def penalty_and_gradient(regularizer):
    w = tf.Variable(W)
    with tf.GradientTape() as tape:
        penalty = regularizer(w)
    gradient = tape.gradient(penalty, w)
    return penalty, tf.zeros_like(w) if gradient is None else gradient


@pytest.mark.parametrize("name, options", CASES)
def test_same_as_tf_keras(name, options):
    ours, theirs = getattr(regularizers, name)(**options), getattr(tf_keras.regularizers, name)(**options)
    for mine, reference in zip(penalty_and_gradient(ours), penalty_and_gradient(theirs), strict=True):
        assert mine.dtype == reference.dtype
        np.testing.assert_allclose(mine, reference, rtol=1e-6, atol=1e-7)
    config = regularizers.serialize(ours)
    assert config == tf_keras.regularizers.serialize(theirs)
    again = regularizers.deserialize(json.loads(json.dumps(config)))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_dtype_of_the_penalty(dtype):
    assert regularizers.L1L2(0.1, 0.1)(tf.cast(W, dtype)).dtype == dtype


@pytest.mark.parametrize(
    "name", ["l1", "l2", "L1", "L2", "l1_l2", "L1L2", "orthogonal_regularizer", "OrthogonalRegularizer"]
)
def test_get_by_name(name):
    assert regularizers.get(name).get_config() == tf_keras.regularizers.get(name).get_config()


@pytest.mark.parametrize("name", regularizers.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (regularizers, tf_keras.regularizers))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_public_names_are_those_of_tf_keras():
    assert set(regularizers.__all__) == {name for name in dir(tf_keras.regularizers) if not name.startswith("_")}


def test_get():
    assert regularizers.get(None) is None
    assert isinstance(regularizers.get(regularizers.l1_l2), regularizers.L1L2)
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.5}}).l2 == 0.5


@pytest.mark.parametrize(
    "act, error, words",
    [
        (lambda: regularizers.get("l1_12"), ValueError, "l1_l2"),
        (lambda: regularizers.get(3), TypeError, "3"),
        (lambda: regularizers.get(regularizers.L2), TypeError, r"L2\(\)"),
        (lambda: regularizers.L2("a"), ValueError, "l2='a'"),
        (lambda: regularizers.L2(float("nan")), ValueError, "nan"),
        (lambda: regularizers.L1L2(l2=float("inf")), ValueError, "l2=inf"),
        (lambda: regularizers.L1(foo=1), TypeError, "foo"),
        (lambda: regularizers.OrthogonalRegularizer(mode="z"), ValueError, "mode='z'"),
        (lambda: regularizers.OrthogonalRegularizer()(tf.ones((2, 2, 2))), ValueError, "matrix"),
    ],
)
def test_errors(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert len(str(caught.value).splitlines()) <= 6


def test_every_class_has_a_case():
    classes = {name for name in regularizers.__all__ if name[0].isupper()}
    assert classes | {"l1_l2"} == {name for name, _ in CASES} | {"Regularizer"}
