"""Constraints project weights as those of tf_keras do."""
import inspect
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import constraints

W = np.array([[3.0, -4.0, 0.1], [0.2, 0.0, 5.0]], np.float32)
CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 3.1, "axis": 1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "rate": 0.3, "axis": 1}),
]


@pytest.mark.parametrize("name, options", CASES)
def test_same_as_tf_keras(name, options):
    ours, theirs = getattr(constraints, name)(**options), getattr(tf_keras.constraints, name)(**options)
    np.testing.assert_allclose(ours(tf.Variable(W)), theirs(tf.Variable(W)), rtol=1e-6, atol=1e-7)
    config = constraints.serialize(ours)
    assert config == tf_keras.constraints.serialize(theirs)
    again = constraints.deserialize(json.loads(json.dumps(config)))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7])
def test_radial_constraint(size):
    w = np.random.default_rng(size).normal(size=(size, size, 2, 3)).astype("float32")
    ours, theirs = constraints.RadialConstraint(), tf_keras.constraints.RadialConstraint()
    np.testing.assert_array_equal(ours(tf.constant(w)), theirs(tf.constant(w)))


def test_radial_constraint_of_one_place_changes_nothing():
    w = tf.reshape(tf.range(6.0), (1, 1, 2, 3))
    np.testing.assert_array_equal(constraints.RadialConstraint()(w), w)


NAMES = ["max_norm", "maxnorm", "min_max_norm", "nonneg", "non_neg", "unitnorm", "unit_norm", "radial_constraint"]


@pytest.mark.parametrize("name", NAMES)
def test_get_by_name(name):
    ours, theirs = constraints.get(name), tf_keras.constraints.get(name)
    assert type(ours).__name__ == type(theirs).__name__ and ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("name", constraints.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (constraints, tf_keras.constraints))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_public_names_are_those_of_tf_keras():
    assert set(constraints.__all__) == {name for name in dir(tf_keras.constraints) if not name.startswith("_")}


@pytest.mark.parametrize(
    "act, error, words",
    [
        (lambda: constraints.get("max_nrom"), ValueError, "max_norm"),
        (lambda: constraints.get(constraints.NonNeg), TypeError, r"NonNeg\(\)"),
        (lambda: constraints.MaxNorm(-1), ValueError, "max_value=-1"),
        (lambda: constraints.MinMaxNorm(3, 1), ValueError, "min_value=3"),
        (lambda: constraints.MinMaxNorm(rate=-2), ValueError, "rate=-2"),
        (lambda: constraints.RadialConstraint()(tf.ones((2, 3))), ValueError, r"\(2, 3\)"),
        (lambda: constraints.RadialConstraint()(tf.ones((2, 3, 1, 1))), ValueError, "size"),
    ],
)
def test_errors(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert len(str(caught.value).splitlines()) <= 6


def test_every_class_has_a_case():
    classes = {name for name in constraints.__all__ if name[0].isupper()}
    assert classes == {name for name, _ in CASES} | {"Constraint", "RadialConstraint"}
