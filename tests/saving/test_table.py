"""The table of models and formats: outputs equal after loading, and three further steps as if nothing had happened.

What a format or a library leaves out is said in `LEFT_OUT`. Between the libraries numbers agree up to rounding, within
one they are the same.
"""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras
from tests.saving.table import OPTIMIZERS, TABLE

DIRECTIONS = {"ours to ours": (keras, keras), "ours to theirs": (keras, tf_keras), "theirs to ours": (tf_keras, keras)}
QUICK = ("sequential", "subclassed", "own layer and loss", "mixed precision", "attention", "SGD", "Lion", "Adafactor")
LEFT_OUT = {
    ("SavedModel", "ours to theirs"): "tf_keras makes a new optimizer when it loads, from its own files too",
    ("checkpoint", "ours to theirs", "Nadam"): "tf_keras counts Nadam's steps in Python, outside of the checkpoint",
    ("checkpoint", "theirs to ours", "Nadam"): "likewise",
    ("archive", "ours to theirs", "Nadam"): "likewise: there they begin anew after loading",
}
# What one side has and the other not, so that `assert_consumed` says no although all is there that both have.
ONE_SIDED = {"TextVectorization, Embedding", "adapted preprocessing", "Adafactor"}


CELLS = [
    pytest.param(name, direction, marks=[] if name in QUICK else [pytest.mark.slow], id=f"{direction}-{name}")
    for direction in DIRECTIONS
    for name in TABLE
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """tf_keras's layers find themselves under `tf.keras`; eager steps need no retracing advice."""
    monkeypatch.setattr(tf.compat.v2, "keras", tf_keras, raising=False)
    tf.get_logger().setLevel("ERROR")


@pytest.mark.parametrize(("name", "direction"), CELLS)
def test_saved_models(name, direction, here):
    row, (writer, reader) = TABLE[name], DIRECTIONS[direction]
    model = row.make(writer)
    steps(model, row)
    model.save("model", save_format="tf")
    loaded = reader.models.load_model("model", custom_objects=row.own(reader))
    assert type(loaded).__name__ == type(model).__name__
    check_outputs(model, loaded, row, exact=writer is reader)
    if reader is keras:
        assert [metric.name for metric in loaded.metrics] == [metric.name for metric in model.metrics]
    if ("SavedModel", direction) not in LEFT_OUT:
        assert int(loaded.optimizer.iterations) == 2
        check_going_on(model, loaded, row, exact=writer is reader)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_archives_carry_every_optimizer(name, direction, here):
    row, (writer, reader) = TABLE[name], DIRECTIONS[direction]
    model = row.make(writer)
    steps(model, row)
    model.save("model.keras")
    loaded = reader.models.load_model("model.keras")
    check_outputs(model, loaded, row, exact=writer is reader)
    assert int(loaded.optimizer.iterations) == 2
    if ("archive", direction, name) not in LEFT_OUT:
        check_going_on(model, loaded, row, exact=writer is reader)


@pytest.mark.parametrize(("name", "direction"), CELLS)
def test_checkpoints(name, direction, here):
    row, (writer, reader) = TABLE[name], DIRECTIONS[direction]
    model = row.make(writer)
    steps(model, row)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save("folder/checkpoint")
    other = row.make(reader)
    status = tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(path)
    call(other, row)
    other.optimizer.build(other.trainable_variables)
    if name not in ONE_SIDED or writer is reader:
        status.assert_consumed()
    check_outputs(model, other, row, exact=writer is reader)
    if ("checkpoint", direction, name) not in LEFT_OUT:
        check_going_on(model, other, row, exact=writer is reader)


@pytest.mark.parametrize(("name", "direction"), CELLS)
def test_weights_as_checkpoints(name, direction, here):
    if name in OPTIMIZERS:
        pytest.skip("the weights are those of another row")
    row, (writer, reader) = TABLE[name], DIRECTIONS[direction]
    model = row.make(writer)
    steps(model, row)
    model.save_weights("weights", save_format="tf")
    other = row.make(reader)
    other.load_weights("weights").expect_partial()
    call(other, row)
    check_outputs(model, other, row, exact=writer is reader)


def steps(model, row, count=2):
    for _ in range(count):
        logs = model.train_on_batch(row.x, row.y, return_dict=True)
    return logs


def call(model, row):
    inputs = [tf.constant(value) for value in row.x] if isinstance(row.x, list) else tf.constant(row.x)
    return [value.numpy() for value in tf.nest.flatten(model(inputs, training=False))]


def check_outputs(model, other, row, exact):
    for one, theirs in zip(call(model, row), call(other, row), strict=True):
        np.testing.assert_allclose(one, theirs, rtol=0, atol=0 if exact else 1e-6)


def check_going_on(model, other, row, exact):
    logs, others = steps(model, row, 3), steps(other, row, 3)
    assert others == (logs if exact else pytest.approx(logs, rel=1e-3, abs=1e-5))
    for one, theirs in zip(model.trainable_weights, other.trainable_weights, strict=True):
        np.testing.assert_allclose(one.numpy(), theirs.numpy(), rtol=0, atol=0 if exact else 1e-3)
