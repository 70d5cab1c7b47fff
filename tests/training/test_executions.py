"""Work done per epoch, counted rather than timed (times are measured by tools/bench.py)."""

import gc

import numpy as np
import pytest

import kerasish as keras
from kerasish.training.program import Program


def guide_model():
    model = keras.Sequential([
        keras.layers.Dense(64, activation="relu", input_shape=(784,)), keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.RMSprop(1e-3), loss, metrics=["sparse_categorical_accuracy"])
    return model


def test_an_epoch_on_arrays_runs_in_a_handful_of_executions(digits, monkeypatch):
    executions = []
    run = Program.run
    monkeypatch.setattr(Program, "run", lambda self, block: executions.append(block.steps) or run(self, block))
    model, (x, y) = guide_model(), digits
    history = model.fit(x, y, batch_size=8, verbose=0)
    assert sum(executions) == 750
    assert len(executions) <= 10
    assert history.history["sparse_categorical_accuracy"][0] > 0.7


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_waits_while_a_step_is_traced_and_is_collected_as_before_after_it(enabled):
    def step(batch):
        found.append(gc.isenabled())
        raise KeyError("of the user")

    found = []
    model = guide_model()
    model.train_step = step
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(KeyError, match="of the user"):
            model.fit(np.zeros((4, 784)), np.zeros(4), verbose=0)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert found == [False]
