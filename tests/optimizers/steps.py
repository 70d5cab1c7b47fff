"""Optimizers, variables and gradients that the tests of this folder share, and steps with them in every mode."""
from __future__ import annotations

import numpy as np
import tensorflow as tf

from kerasish import optimizers

NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor"]
VARIANTS = [(name, {}) for name in NAMES] + [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 2, "weight_decay": 0.1, "clipnorm": 0.5}),
]
IDS = [f"{name}-{'-'.join(kwargs)}" for name, kwargs in VARIANTS]


def new(name: str, **kwargs):
    return getattr(optimizers, name)(**kwargs)


def new_variables(dtype: str = "float32") -> list[tf.Variable]:
    return [
        tf.Variable([[0.5, -1.0], [2.0, 0.1], [1.0, 1.0]], name="table", dtype=dtype),
        tf.Variable([0.5, -0.5], name="bias", dtype=dtype),
    ]


def new_gradients(dtype: str = "float32"):
    values = tf.constant([[0.1, 0.2], [0.3, -0.4], [0.1, 0.1]], dtype)
    rows = tf.IndexedSlices(values, tf.constant([2, 0, 2]), tf.constant([3, 2]))
    return [rows, tf.constant([0.3, -0.2], dtype)]


def take_steps(optimizer, variables, mode: str, steps: int = 4) -> list[np.ndarray]:
    def step():
        optimizer.apply_gradients(zip(new_gradients(variables[0].dtype.name), variables, strict=True))

    def loop():
        for _ in tf.range(steps):
            step()

    optimizer.build(variables)
    if mode == "loop":
        tf.function(loop)()
    else:
        call = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
        for _ in range(steps):
            call()
    assert optimizer.iterations == steps
    return [variable.numpy() for variable in (*variables, *optimizer.variables)]
