"""Learning rates by step equal the oracle's, in every mode, and return from their configurations."""
from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers
from kerasish.core.registry import custom_object_scope
from kerasish.optimizers import schedules

CASES = [
    ("ExponentialDecay", (0.1, 10, 0.5), {}),
    ("ExponentialDecay", (0.1, 7, 0.9), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 10, 0.5), {}),
    ("InverseTimeDecay", (0.1, 7, 0.5), {"staircase": True, "name": "slower"}),
    ("PiecewiseConstantDecay", ([3, 20, 30], [1.0, 0.5, 0.25, 0.1]), {}),
    ("PiecewiseConstantDecay", ([3.0, 20.0], [1.0, 0.5, 0.25]), {}),
    ("PolynomialDecay", (0.1, 10), {}),
    ("PolynomialDecay", (0.1, 10, 0.01, 2.0), {"cycle": True}),
    ("CosineDecay", (0.1, 10), {}),
    ("CosineDecay", (0.1, 20), {"alpha": 0.1, "warmup_target": 0.5, "warmup_steps": 8}),
    ("CosineDecay", (0.1, 20), {"warmup_target": 0.5}),
    ("CosineDecayRestarts", (0.1, 7), {}),
    ("CosineDecayRestarts", (0.1, 7), {"t_mul": 1.0, "m_mul": 0.9, "alpha": 0.2}),
    ("CosineDecayRestarts", (0.1, 5), {"t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}),
]
IDS = [f"{name}-{index}" for index, (name, _, _) in enumerate(CASES)]
STEPS = (0, 1, 2, 3, 4, 6, 9, 10, 11, 19, 20, 21, 30, 31, 64, 100)


@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=IDS)
def test_rates_equal_the_oracle(name, args, kwargs):
    ours, theirs = (getattr(family, name)(*args, **kwargs) for family in (schedules, tf_keras.optimizers.schedules))
    step = tf.Variable(0, dtype=tf.int64)
    traced = tf.function(lambda: ours(step))
    compiled = tf.function(lambda: ours(step), jit_compile=True)
    for value in STEPS:
        step.assign(value)
        for rate in (ours(value), ours(step), traced(), compiled()):
            assert rate.dtype == tf.float32 and rate.shape == ()
            np.testing.assert_allclose(rate, theirs(value), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("name", "args", "kwargs"), CASES, ids=IDS)
def test_configurations_equal_the_oracle_and_return(name, args, kwargs):
    ours, theirs = (getattr(family, name)(*args, **kwargs) for family in (schedules, tf_keras.optimizers.schedules))
    assert ours.get_config() == theirs.get_config()
    config = schedules.serialize(ours)
    assert config == tf_keras.optimizers.schedules.serialize(theirs)
    again = schedules.deserialize(config)
    assert type(again) is type(ours)
    np.testing.assert_allclose(again(5), ours(5))


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_signature_equals_the_oracle(name):
    described = []
    for family in (schedules, tf_keras.optimizers.schedules):
        parameters = inspect.signature(getattr(family, name).__init__).parameters.values()
        described.append([(p.name, p.kind, p.default) for p in parameters])
    assert described[0] == described[1]


@pytest.mark.parametrize(
    ("name", "args", "argument"),
    [
        ("ExponentialDecay", (0.1, 0, 0.5), "decay_steps"),
        ("PolynomialDecay", (0.1, "10"), "decay_steps"),
        ("CosineDecayRestarts", (0.1, -1), "first_decay_steps"),
        ("PiecewiseConstantDecay", ([1], [1.0]), "values"),
    ],
)
def test_a_bad_argument_is_named(name, args, argument):
    with pytest.raises(ValueError, match=argument):
        getattr(schedules, name)(*args)


class Warming(schedules.LearningRateSchedule):
    def __init__(self, size, steps=10):
        self.size, self.steps = size, steps

    def __call__(self, step):
        return self.size * tf.minimum(tf.cast(step, tf.float32) / self.steps, 1.0)


def test_a_users_schedule_drives_an_optimizer_and_returns():
    optimizer, variable = optimizers.SGD(Warming(0.5)), tf.Variable([0.0])

    @tf.function
    def steps():
        for _ in tf.range(3):
            optimizer.apply_gradients([(tf.constant([1.0]), variable)])

    optimizer.build([variable])
    steps()
    np.testing.assert_allclose(variable, [-(0 + 0.05 + 0.1)], rtol=1e-6)
    with custom_object_scope({"Warming": Warming}):
        again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again._learning_rate.get_config() == {"size": 0.5, "steps": 10}


def test_no_boundary_is_one_constant():
    assert schedules.PiecewiseConstantDecay([], [0.5])(7) == 0.5


def test_the_base_has_no_rate():
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(1)


def test_every_schedule_has_a_case():
    classes = {name for name in schedules.__dict__ if name in optimizers.schedules.__all__ and name[0].isupper()}
    assert classes == {name for name, _, _ in CASES} | {"LearningRateSchedule"}
