"""A model and a loop that do nothing but call: the callbacks of kerasish and those of tf_keras run on both."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf


class FakeOptimizer:
    """`learning_rate` behaves as an optimizer's: a float goes in, a variable (or the schedule) comes out."""

    def __init__(self, rate=0.1):
        self._rate = rate if callable(rate) else tf.Variable(rate, dtype=tf.float32)
        self.iterations = tf.Variable(0, dtype=tf.int64)

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate.assign(value)

    lr = learning_rate


class FakeModel:
    def __init__(self, rate=0.1):
        self.stop_training = False
        self.optimizer = FakeOptimizer(rate)
        self.metrics, self.layers, self.calls = [], [], []
        self.epoch = 0
        self.restored = None
        self.distribute_strategy = tf.distribute.get_strategy()

    def get_weights(self):
        return [np.full(1, float(self.epoch))]

    def set_weights(self, weights):
        self.restored = float(weights[0][0])

    def save(self, path, overwrite=True, **options):
        self.calls.append(("save", path))

    def save_weights(self, path, overwrite=True, **options):
        self.calls.append(("save_weights", path))

    def load_weights(self, path):
        self.calls.append(("load_weights", path))

    def to_json(self):
        raise NotImplementedError

    def train_step_graph(self):
        return None


def drive(callbacks, epochs, batches=2, model=None):
    """Calls the hooks of a fit; `epochs` are the logs after each epoch. Gives the model and the logs as left behind."""
    model = model or FakeModel()
    callbacks = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    seen = []

    def call(hook, *args):
        for callback in callbacks:
            getattr(callback, hook)(*args)

    call("set_model", model)
    call("set_params", {"verbose": 0, "epochs": len(epochs), "steps": batches})
    call("on_train_begin", {})
    for epoch, values in enumerate(epochs):
        call("on_epoch_begin", epoch, {})
        for batch in range(batches):
            call("on_train_batch_begin", batch, {})
            model.optimizer.iterations.assign_add(1)
            call("on_train_batch_end", batch, {"loss": 1.0})
        model.epoch = epoch + 1
        logs = {"loss": 1.0, **values}
        call("on_epoch_end", epoch, logs)
        seen.append(logs)
        if model.stop_training:
            break
    call("on_train_end", seen[-1])
    return SimpleNamespace(model=model, logs=seen)


@pytest.fixture
def fake():
    return SimpleNamespace(Model=FakeModel, drive=drive)
