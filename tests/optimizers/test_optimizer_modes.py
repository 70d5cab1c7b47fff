"""Eager, traced, looped and compiled steps are the same, for every float type."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasish import optimizers
from kerasish.optimizers import rmsprop
from tests.optimizers.steps import IDS, VARIANTS, new, new_variables, take_steps


@pytest.mark.parametrize("mode", ["graph", "loop", "xla"])
@pytest.mark.parametrize(("name", "kwargs"), VARIANTS, ids=IDS)
def test_all_modes_take_the_eager_steps(name, kwargs, mode):
    expected = take_steps(new(name, **kwargs), new_variables(), "eager")
    for found, wanted in zip(take_steps(new(name, **kwargs), new_variables(), mode), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "atol"), [("float64", 1e-6), ("float16", 5e-3), ("bfloat16", 5e-2)])
@pytest.mark.parametrize(("name", "kwargs"), VARIANTS, ids=IDS)
def test_other_float_types(name, kwargs, dtype, atol):
    if name == "Adafactor" and dtype == "float16":
        kwargs = {"epsilon_1": 1e-6}  # the usual one is zero in float16
    if (name, dtype) == ("Nadam", "bfloat16"):
        kwargs = {"beta_2": 0.99}  # the usual one is 1 in bfloat16
    expected = take_steps(new(name, **kwargs), new_variables(), "eager")[:2]
    found = take_steps(new(name, **kwargs), new_variables(dtype), "eager")[:2]
    for one, wanted in zip(found, expected, strict=True):
        assert one.dtype == tf.as_dtype(dtype).as_numpy_dtype
        np.testing.assert_allclose(one.astype("float32"), wanted, atol=atol)


def test_rmsprop_of_large_variables_takes_the_same_steps(monkeypatch):
    for kwargs in ({}, {"centered": True}):
        expected = take_steps(optimizers.RMSprop(**kwargs), new_variables(), "graph")
        monkeypatch.setattr(rmsprop, "_LARGEST_FUSED", 0)
        found = take_steps(optimizers.RMSprop(**kwargs), new_variables(), "graph")
        monkeypatch.undo()
        for one, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=1e-7)


def test_rmsprop_recovers_when_values_that_were_not_finite_are_set_back():
    optimizer, variable = optimizers.RMSprop(0.1), tf.Variable([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    state = optimizer.get_weights()
    optimizer.apply_gradients([(tf.constant([np.inf]), variable)])
    assert not np.isfinite(variable.numpy()).all()
    optimizer.set_weights(state)
    variable.assign([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    assert np.isfinite(variable.numpy()).all()
