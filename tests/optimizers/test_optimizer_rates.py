"""What may be a learning rate, and how it changes in training."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers
from kerasish.optimizers import schedules


def count_traces(optimizer, variable):
    traces = []

    @tf.function
    def step():
        traces.append(1)
        optimizer.apply_gradients([(tf.ones_like(variable), variable)])

    return step, traces


def test_a_float_assigned_in_training_keeps_the_variable_and_the_trace():
    optimizer, variable = optimizers.SGD(1.0), tf.Variable([10.0])
    rate = optimizer.learning_rate
    step, traces = count_traces(optimizer, variable)
    optimizer.build([variable])
    step()
    step()
    optimizer.learning_rate = 0.5
    step()
    optimizer.lr = 0.25
    step()
    assert optimizer.learning_rate is rate and optimizer.lr is rate
    np.testing.assert_allclose(variable, [10 - 1 - 1 - 0.5 - 0.25])
    assert len(traces) == 1


def test_lr_is_another_word_for_learning_rate():
    assert float(optimizers.Adam(lr=0.25).learning_rate) == 0.25
    assert optimizers.SGD(0.1, lr=0.5).get_config()["learning_rate"] == 0.5


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_decay_divides_the_rate_by_time(mode):
    variable = tf.Variable([0.0])
    optimizer = optimizers.SGD(1.0, decay=0.5)

    def step():
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])

    optimizer.build([variable])
    call = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    for _ in range(4):
        call()
    np.testing.assert_allclose(variable, [-(1 + 1 / 1.5 + 1 / 2 + 1 / 2.5)], rtol=1e-6)
    assert float(optimizer.learning_rate) == 1.0
    assert optimizers.SGD.from_config(optimizer.get_config()).decay == 0.5


def test_a_schedule_sets_the_rate_of_each_step():
    schedule = schedules.PiecewiseConstantDecay([1, 2], [1.0, 0.5, 0.1])
    ours, theirs = optimizers.SGD(schedule), tf_keras.optimizers.SGD(
        tf_keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [1.0, 0.5, 0.1])
    )
    variables = [tf.Variable([0.0]), tf.Variable([0.0])]
    for _ in range(4):
        for optimizer, variable in zip((ours, theirs), variables, strict=True):
            optimizer.apply_gradients([(tf.constant([1.0]), variable)])
        assert float(ours.learning_rate) == float(theirs.learning_rate)
    np.testing.assert_allclose(variables[0], variables[1])
    np.testing.assert_allclose(variables[0], [-(1 + 1 + 0.5 + 0.1)])


def test_a_user_schedule_may_hold_any_python_in_an_eager_step():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5 ** int(step)

    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(Halving())
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.75])


def test_a_function_is_called_at_each_eager_step():
    rates = iter([1.0, 1.0, 0.5, 0.25])
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(lambda: next(rates))
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.75])
    assert float(optimizer.learning_rate) == 0.25


def test_a_schedule_can_be_assigned_to_a_running_optimizer():
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(1.0)
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    revision = optimizer.revision
    optimizer.learning_rate = schedules.InverseTimeDecay(1.0, 1, 1.0)
    assert optimizer.revision != revision
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.5])
    with pytest.raises(TypeError, match="InverseTimeDecay"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -0.1, np.float32("nan"), tf.constant(-1.0), -1])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.Adam(rate)
    optimizer = optimizers.Adam(0.5)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == 0.5


@pytest.mark.parametrize("rate", ["0.1", None, [0.1], np.ones(2)])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(TypeError, match="learning_rate"):
        optimizers.SGD(rate)
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(TypeError, match="learning_rate"):
        optimizer.lr = rate


@pytest.mark.parametrize("rate", [1, 0.1, np.float64(0.1), tf.constant(0.1), tf.Variable(0.1), 0])
def test_every_number_is_a_rate(rate):
    assert float(optimizers.SGD(rate).learning_rate) == pytest.approx(float(rate))


@pytest.mark.parametrize(
    ("name", "kwargs", "error"),
    [
        ("Adam", {"clipnorm": 1.0, "global_clipnorm": 1.0}, ValueError),
        ("Adam", {"clipnorm": "1"}, ValueError),
        ("Adam", {"clipvalue": -1.0}, ValueError),
        ("Adam", {"decay": -1.0}, ValueError),
        ("Adam", {"use_ema": True, "ema_momentum": 2.0}, ValueError),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 1.5}, ValueError),
        ("Adam", {"beta1": 0.9}, TypeError),
        ("AdamW", {"weight_decay": None}, ValueError),
        ("SGD", {"momentum": 2.0}, ValueError),
        ("SGD", {"momentum": "0.9"}, ValueError),
        ("Lion", {"beta_1": 0.0}, ValueError),
        ("Ftrl", {"learning_rate_power": 1.0}, ValueError),
        ("Ftrl", {"initial_accumulator_value": -1.0}, ValueError),
    ],
)
def test_a_bad_argument_is_named(name, kwargs, error):
    with pytest.raises(error, match=list(kwargs)[-1]) as raised:
        getattr(optimizers, name)(**kwargs)
    assert len(str(raised.value).splitlines()) <= 6


def test_a_hyperparameter_assigned_after_the_first_step_counts():
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(1.0)
    optimizer.apply_gradients([(tf.constant([4.0]), variable)])
    optimizer.clipvalue = 1.0
    optimizer.apply_gradients([(tf.constant([4.0]), variable)])
    np.testing.assert_allclose(variable, [-5.0])


def test_a_subclass_may_pass_the_rate_on():
    class Plain(optimizers.Optimizer):
        def __init__(self, learning_rate=0.5, **kwargs):
            super().__init__("Plain", learning_rate=learning_rate, **kwargs)

    assert float(Plain().learning_rate) == 0.5
    assert float(Plain(lr=0.25).learning_rate) == 0.25
