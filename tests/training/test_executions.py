"""Work done per epoch, counted rather than timed (times are measured by tools/bench.py)."""

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
