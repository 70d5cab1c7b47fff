"""A hundred steps of every rule give the oracle's variables, from dense gradients and from rows."""
from __future__ import annotations

import functools
import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers

STEPS = 100
ROWS = 5

# The class and its arguments.
CASES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"clipnorm": 0.5, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.5, "clipvalue": 0.3}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "epsilon": 1e-3}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.9, "learning_rate": 1e-4}),
    ("RMSprop", {"use_ema": True, "clipnorm": 1.0}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"adaptive_epsilon": True, "epsilon": 1e-2}),
    ("Adam", {"weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 10, "global_clipnorm": 1.0}),
    ("AdamW", {}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 1e-2}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {}),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.1, "beta": 0.1}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "learning_rate_power": -0.4}),
    ("Lion", {}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"relative_step": False, "clip_threshold": 0.5}),
]
IDS = [f"{name}-{'-'.join(map(str, kwargs))}" for name, kwargs in CASES]


def new_variables(dtype: str = "float32") -> list[tf.Variable]:
    random = np.random.default_rng(0)
    shapes = {"kernel": (3, 2), "embeddings": (ROWS, 3), "bias": (2,), "scale": ()}
    return [tf.Variable(random.normal(size=shape), name=name, dtype=dtype) for name, shape in shapes.items()]


def gradients(step: int, dtype: str = "float32") -> list[tf.Tensor | tf.IndexedSlices]:
    """Gradients of one step; those of `embeddings` are rows, one of them repeated, and some steps leave rows out."""
    random = np.random.default_rng(step)
    indices = random.integers(0, ROWS, size=1 + step % 4)
    indices = np.concatenate([indices, indices[:1]])
    rows = tf.IndexedSlices(
        tf.constant(random.normal(size=(len(indices), 3)), dtype), tf.constant(indices), tf.constant([ROWS, 3])
    )
    kernel, bias, scale = (tf.constant(random.normal(size=shape), dtype) for shape in ((3, 2), (2,), ()))
    return [kernel, rows, bias, scale]


@functools.cache
def all_gradients() -> list[list[tf.Tensor | tf.IndexedSlices]]:
    return [gradients(step) for step in range(STEPS)]


def run(optimizer) -> tuple[list[np.ndarray], list[np.ndarray]]:
    variables = new_variables()
    optimizer.build(variables)
    for step in all_gradients():
        optimizer.apply_gradients(zip(step, variables, strict=True))
    return values(variables), values(optimizer.variables)


def run_oracle(optimizer) -> tuple[list[np.ndarray], list[np.ndarray]]:
    variables = new_variables()
    optimizer.build(variables)

    @tf.function(reduce_retracing=True)
    def take(*step):
        optimizer.apply_gradients(zip(step, variables, strict=True))

    if isinstance(optimizer, tf_keras.optimizers.Nadam):  # counts its steps in Python
        take = take.python_function
    for step in all_gradients():
        take(*step)
    return values(variables), values(optimizer.variables)


def values(variables) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def assert_close(ours: list[np.ndarray], theirs: list[np.ndarray], atol: float = 2e-6) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=atol)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_a_hundred_steps_equal_the_oracle(name, kwargs):
    theirs = getattr(tf_keras.optimizers, name)(**kwargs)
    weights, state = run(getattr(optimizers, name)(**kwargs))
    expected_weights, expected_state = run_oracle(theirs)
    assert_close(weights, expected_weights)
    if name == "SGD" and not kwargs.get("momentum"):
        used = [index for index, variable in enumerate(theirs.variables) if not variable.name.startswith("m/")]
        state, expected_state = ([found[index] for index in used] for found in (state, expected_state))
    assert_close(state, expected_state)
    changes = [np.abs(after - before).max() for after, before in zip(weights, values(new_variables()), strict=True)]
    assert max(changes) > 1e-3


def test_every_optimizer_has_a_case():
    public = [getattr(optimizers, name) for name in optimizers.__all__]
    rules = {thing.__name__ for thing in public if inspect.isclass(thing) and issubclass(thing, optimizers.Optimizer)}
    assert rules - {"Optimizer"} == {name for name, _ in CASES}


def steps_at_once(optimizer, variables, compiled) -> None:
    """A hundred steps in one execution, each with three rows of the embeddings, one of them perhaps twice."""
    random = np.random.default_rng(5)
    kernels, biases, scales = (tf.constant(random.normal(size=(STEPS, *s)), tf.float32) for s in ((3, 2), (2,), ()))
    rows = tf.constant(random.normal(size=(STEPS, 3, 3)), tf.float32)
    places = tf.constant(random.integers(0, ROWS, size=(STEPS, 3)))
    optimizer.build(variables)

    @tf.function(jit_compile=compiled)
    def take():
        for step in tf.range(STEPS):
            some = tf.IndexedSlices(tf.gather(rows, step), tf.gather(places, step), tf.constant([ROWS, 3]))
            others = [tf.gather(values, step) for values in (kernels, biases, scales)]
            optimizer.apply_gradients(zip([others[0], some, *others[1:]], variables, strict=True))

    of_python = isinstance(optimizer, tf_keras.optimizers.Nadam)  # counts its steps in Python
    (take.python_function if of_python else take)()


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_a_hundred_steps_in_a_graph_and_under_xla_equal_the_oracle(name, kwargs):
    found = []
    for library, compiled in ((tf_keras.optimizers, False), (optimizers, False), (optimizers, True)):
        variables = new_variables()
        steps_at_once(getattr(library, name)(**kwargs), variables, compiled)
        found.append(values(variables))
    for ours in found[1:]:
        assert_close(ours, found[0], atol=5e-6)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_names_order_shapes_and_config_equal_the_oracle(name, kwargs):
    ours, theirs = getattr(optimizers, name)(**kwargs), getattr(tf_keras.optimizers, name)(**kwargs)
    for optimizer in (ours, theirs):
        optimizer.build(new_variables())
    described = [[(v.name, tuple(v.shape), v.dtype) for v in optimizer.variables] for optimizer in (ours, theirs)]
    assert described[0] == described[1]
    config = ours.get_config()
    assert config.pop("adaptive_epsilon", True) is True
    assert list(config.items()) == list(theirs.get_config().items())
