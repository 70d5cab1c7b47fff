"""TensorBoard files: ours and tf_keras's are written during one training and read back with TensorBoard's reader."""

import json
import os
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.graph import keras_util
from tensorboard.util import tensor_util

from kerasish import callbacks as C

RNG = np.random.default_rng(0)
X, Y = RNG.random((20, 8, 8, 1), "float32"), RNG.random((20, 1), "float32")
HOOKS = [hook for hook in dir(C.Callback) if hook.startswith("on_") and hook not in ("on_batch_begin", "on_batch_end")]


class Forward(tf_keras.callbacks.Callback):
    """Lets a callback of kerasish look on while tf_keras trains."""

    def __init__(self, callback):
        super().__init__()
        self.callback = callback

    def set_model(self, model):
        graph = tf.Graph()
        with graph.as_default():
            tf.constant(1.0)
        model.train_step_graph = lambda: graph
        self.callback.set_model(model)

    def set_params(self, params):
        self.callback.set_params(params)


def _forward(hook):
    return lambda self, *args, **kwargs: getattr(self.callback, hook)(*args, **kwargs)


for _hook in HOOKS:
    setattr(Forward, _hook, _forward(_hook))


def read(folder):
    """What the event files below hold: {run: [(tag, plugin, step, value)]}."""
    found = {}
    for base, _, files in os.walk(folder):
        for file in sorted(file for file in files if "tfevents" in file):
            run = os.path.relpath(base, folder)
            for event in EventFileLoader(os.path.join(base, file)).Load():
                if event.graph_def:
                    found.setdefault(run, []).append(("", "graph_def", event.step, np.array(len(event.graph_def) > 0)))
                for value in event.summary.value:
                    plugin = value.metadata.plugin_data
                    array = tensor_util.make_ndarray(value.tensor)
                    found.setdefault(run, []).append((value.tag, plugin.plugin_name, event.step, array))
    return found


def convolutional(rate=0.01):
    tf_keras.backend.clear_session()
    layers = [tf_keras.layers.Conv2D(2, 3, input_shape=(8, 8, 1)), tf_keras.layers.Flatten(), tf_keras.layers.Dense(1)]
    model = tf_keras.Sequential(layers)
    model.compile(tf_keras.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def schedule():
    return tf_keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


@pytest.mark.parametrize(
    "arguments, scheduled",
    [
        (dict(), False),
        (dict(histogram_freq=1, write_graph=False, write_images=True), False),
        (dict(write_graph=False, update_freq="batch"), False),
        (dict(write_graph=False), True),
        (dict(histogram_freq=2, write_graph=False, write_steps_per_second=True, update_freq=1), False),
    ],
)
def test_tags_steps_and_values_equal_the_oracle(tmp_path, schedule, arguments, scheduled):
    ours, theirs = C.TensorBoard(tmp_path / "ours", **arguments), tf_keras.callbacks.TensorBoard(
        str(tmp_path / "theirs"), **arguments
    )
    model = convolutional(schedule if scheduled else 0.01)
    model.fit(X, Y, batch_size=5, epochs=2, validation_data=(X, Y), callbacks=[Forward(ours), theirs], verbose=0)
    found, wanted = read(tmp_path / "ours"), read(tmp_path / "theirs")
    assert set(found) == set(wanted) == {"train", "validation"}
    for run in wanted:
        assert sorted(row[:3] for row in found[run]) == sorted(row[:3] for row in wanted[run])
        values = {row[:3]: row[3] for row in found[run]}
        for *key, value in wanted[run]:
            if "steps_per_second" in key[0]:
                assert values[tuple(key)] > 0
            elif "graph" in key[0]:
                assert len(values[tuple(key)].item()) > 0  # the step's graph is each library's own
            elif value.dtype == object:
                np.testing.assert_array_equal(values[tuple(key)], value)
            else:
                np.testing.assert_allclose(values[tuple(key)], value, rtol=1e-6)


def test_evaluate_alone(tmp_path):
    model = convolutional()
    both = [Forward(C.TensorBoard(tmp_path / "ours")), tf_keras.callbacks.TensorBoard(str(tmp_path / "theirs"))]
    model.evaluate(X, Y, callbacks=both, verbose=0)
    tags = [[row[:3] for row in read(tmp_path / name)["validation"]] for name in ("ours", "theirs")]
    assert tags[0] == tags[1] == [("evaluation_loss_vs_iterations", "scalars", 0),
                                  ("evaluation_mae_vs_iterations", "scalars", 0)]


def batches(folder):
    return [step for tag, _, step, _ in read(folder)["train"] if tag == "batch_loss"]


def test_every_n_batches_over_epochs(tmp_path):
    convolutional().fit(X, Y, batch_size=5, epochs=3, callbacks=[Forward(C.TensorBoard(tmp_path, update_freq=3))],
                        verbose=0)
    assert batches(tmp_path) == [3, 6, 9, 12]


def test_every_n_batches_when_batches_run_as_blocks(fake, tmp_path):
    model = fake.Model()
    callback = C.TensorBoard(tmp_path, update_freq=4, write_graph=False)
    listed = C.CallbackList([callback], model=model)
    for _ in range(2):
        listed.on_train_begin()
        for epoch in range(2):
            listed.on_epoch_begin(epoch)
            done = 0
            while done < 7:
                steps = min(listed.batch_interval("train"), 7 - done)
                done += steps
                model.optimizer.iterations.assign_add(steps)
                listed.on_block_end("train", done - 1, steps, done, {"loss": float(done)})
            listed.on_epoch_end(epoch, {"loss": 1.0})
        listed.on_train_end()
    assert sorted(batches(tmp_path)) == [4, 8, 12, 16, 20, 24, 28]


def test_the_layers_can_be_drawn_and_the_step_is_a_graph(tmp_path):
    model = convolutional()
    forward = Forward(C.TensorBoard(tmp_path))
    forward.set_model(model)
    step = tf.function(lambda x: model(x) * 2.0).get_concrete_function(tf.TensorSpec((None, 8, 8, 1)))
    model.train_step_graph = lambda: step.graph
    forward.on_train_begin()
    forward.on_epoch_end(0, {"loss": 1.0})
    forward.on_epoch_end(1, {"loss": 1.0})
    forward.on_train_end()
    rows = read(tmp_path)["train"]
    assert [row[0] for row in rows if row[1] == "graph_def"] == [""]
    text = next(row[3] for row in rows if row[0] == "keras").item()
    nodes = keras_util.keras_model_to_graph_def(json.loads(text)).node
    assert {"sequential/conv2d", "sequential/dense"} <= {node.name for node in nodes}


def test_a_model_without_config_is_left_out(fake, tmp_path):
    fake.drive(C.TensorBoard(tmp_path), [{}])
    assert [row[0] for row in read(tmp_path)["train"]] == ["epoch_loss"]


def test_files_are_closed_after_an_error(fake, tmp_path):
    callback = C.TensorBoard(tmp_path, write_graph=False)
    listed = C.CallbackList([callback], model=fake.Model())
    listed.on_train_begin()
    listed.on_epoch_end(0, {"loss": 1.0})
    assert callback._writers
    listed.close()
    listed.close()
    assert not callback._writers


def test_profile(fake, tmp_path):
    callback = C.TensorBoard(tmp_path, profile_batch=(2, 3), write_graph=False)
    fake.drive(callback, [{}], batches=4)
    traces = [file for _, _, files in os.walk(tmp_path / "plugins" / "profile") for file in files]
    assert any(file.endswith(".xplane.pb") for file in traces)
    assert ("batch_3", "graph_run_metadata_graph", 3) in [row[:3] for row in read(tmp_path)["train"]]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(histogramm_freq=1), "no argument `histogramm_freq`"),
        (dict(update_freq="epochs"), "update_freq='epochs'"),
        (dict(update_freq=0), "update_freq=0"),
        (dict(profile_batch="a"), "profile_batch='a'"),
        (dict(profile_batch=(5, 2)), "profile_batch"),
        (dict(profile_batch=-1), "profile_batch=-1"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        C.TensorBoard("x", **arguments)


def test_arguments_of_tensorflow_1_are_told():
    with pytest.warns(UserWarning, match="ignores `write_grads`"):
        C.TensorBoard("x", write_grads=True)


def test_curves_and_layers_are_written_without_tensorboard(fake, tmp_path, monkeypatch):
    for package in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.setitem(sys.modules, package, None)
    callback = C.TensorBoard(tmp_path)
    model = fake.Model()
    model.to_json, model.train_step_graph = lambda: "{}", lambda: None
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    callback.on_train_end()
    monkeypatch.undo()
    found = read(tmp_path)
    assert {run: [(tag, plugin, value.item()) for tag, plugin, _, value in found[run]] for run in found} == {
        "train": [("keras", "graph_keras_model", b"{}"), ("epoch_loss", "scalars", 0.5)],
        "validation": [("epoch_loss", "scalars", 0.75)],
    }
