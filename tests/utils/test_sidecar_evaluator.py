"""SidecarEvaluator evaluates checkpoints as they come, as tf_keras's does."""

import os
import threading

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

X = np.linspace(-1, 1, 16, dtype="float32").reshape(8, 2)
Y = X.sum(1, keepdims=True)
DATA = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
KERASES = {"kerasish": kerasish, "tf_keras": tf_keras}


def model_of(keras, units=1, compiled=True):
    model = keras.Sequential([keras.layers.Dense(units, input_shape=(2,)), keras.layers.Dense(1)])
    if compiled:
        model.compile("adam", "mse", metrics=["mae"])
    return model


def trained(keras, folder, by="callback", epochs=3):
    """Writes checkpoints of a training; returns the metrics of the last."""
    model = model_of(keras)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model, optimizer=model.optimizer), folder, 5)
    path = os.path.join(folder, "ckpt-{epoch}")
    own = {
        "callback": keras.callbacks.ModelCheckpoint(path, save_weights_only=True),
        "manager": keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: manager.save()),
    }[by]
    model.fit(DATA, epochs=epochs, verbose=0, callbacks=[own])
    return model.evaluate(DATA, verbose=0, return_dict=True)


def recorder(keras, seen):
    class Recorder(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(int(self.model.optimizer.iterations))

        def on_test_end(self, logs=None):
            seen.append(dict(logs))

        def on_epoch_end(self, epoch, logs=None):
            seen.append("an epoch")

    return Recorder()


@pytest.mark.parametrize("by", ["callback", "manager"])
@pytest.mark.parametrize("writer, reader", [("kerasish",) * 2, ("tf_keras", "kerasish"), ("kerasish", "tf_keras")])
def test_the_latest_checkpoint_is_evaluated(writer, reader, by, tmp_path):
    expected, seen = trained(KERASES[writer], str(tmp_path), by), []
    keras = KERASES[reader]
    evaluator = keras.utils.SidecarEvaluator(
        model_of(keras), DATA, str(tmp_path), max_evaluations=3, callbacks=[recorder(keras, seen)]
    )
    assert evaluator.start() is None
    assert seen[0] == 6
    assert seen[1:] == [pytest.approx(expected, rel=1e-5)]


def test_steps_and_the_older_name(tmp_path):
    trained(kerasish, str(tmp_path), epochs=1)
    seen = []
    with pytest.warns(UserWarning, match="utils.SidecarEvaluator"):
        evaluator = kerasish.experimental.SidecarEvaluator(
            model_of(kerasish), DATA.repeat(), str(tmp_path), steps=2, max_evaluations=1,
            callbacks=[recorder(kerasish, seen)],
        )  # fmt: skip
    assert isinstance(evaluator, kerasish.utils.SidecarEvaluator)
    evaluator.start()
    assert len(seen) == 2


def test_checkpoints_are_evaluated_as_they_come(tmp_path):
    model, seen = model_of(kerasish), []
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=model, optimizer=model.optimizer), str(tmp_path), 5)
    come = threading.Event()

    class Writer(kerasish.callbacks.Callback):
        def on_test_end(self, logs=None):
            seen.append(logs["loss"])
            come.set()

    evaluator = kerasish.utils.SidecarEvaluator(
        model_of(kerasish), DATA, str(tmp_path), max_evaluations=2, callbacks=[Writer()]
    )
    thread = threading.Thread(target=evaluator.start, daemon=True)
    thread.start()
    losses = []
    for _ in range(2):
        model.fit(DATA, verbose=0)
        losses.append(model.evaluate(DATA, verbose=0)[0])
        come.clear()
        manager.save()
        assert come.wait(30)
    thread.join(30)
    assert not thread.is_alive()
    assert seen == pytest.approx(losses, rel=1e-5)


def test_names_without_numbers_are_counted(tmp_path):
    model_of(kerasish).save_weights(tmp_path / "latest")
    kerasish.utils.SidecarEvaluator(model_of(kerasish), DATA, str(tmp_path), max_evaluations=1).start()


def test_a_checkpoint_that_is_deleted_meanwhile_is_passed_over(tmp_path):
    trained(kerasish, str(tmp_path))
    os.remove(tmp_path / "ckpt-3.data-00000-of-00001")
    evaluator = kerasish.utils.SidecarEvaluator(model_of(kerasish), DATA, str(tmp_path), max_evaluations=3)
    before = evaluator.model.get_weights()
    assert evaluator._restored(str(tmp_path / "ckpt-3")) is False
    os.remove(tmp_path / "ckpt-3.index")
    assert evaluator._restored(str(tmp_path / "ckpt-3")) is False
    np.testing.assert_array_equal(before[0], evaluator.model.get_weights()[0])


def test_what_cannot_be_evaluated_is_told(tmp_path):
    def start(model, name):
        kerasish.utils.SidecarEvaluator(model, DATA, str(tmp_path / name), max_evaluations=1).start()

    trained(kerasish, str(tmp_path / "good"))
    for keras in KERASES.values():
        with pytest.raises(RuntimeError):
            keras.utils.SidecarEvaluator(
                model_of(keras, compiled=False), DATA, str(tmp_path / "good"), max_evaluations=1
            ).start()
    with pytest.raises(ValueError, match="has the shape"):
        start(model_of(kerasish, units=3), "good")
    model_of(kerasish, compiled=False).save_weights(tmp_path / "bare" / "ckpt-1")
    with pytest.raises(RuntimeError, match="optimizer"):
        start(model_of(kerasish), "bare")
    optimizer = kerasish.optimizers.SGD()
    optimizer.build([])
    tf.train.CheckpointManager(tf.train.Checkpoint(optimizer=optimizer), str(tmp_path / "empty"), 2).save()
    with pytest.raises((ValueError, RuntimeError), match="ckpt-1"):
        start(model_of(kerasish), "empty")
    (tmp_path / "good" / "ckpt-3.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(OSError, match="cannot be read"):
        start(model_of(kerasish), "good")


@pytest.mark.parametrize("pattern, number", [("ckpt-{epoch}", 3), ("other-{epoch}", 1)])
@pytest.mark.parametrize("name", KERASES)
def test_the_best_model_is_exported(name, pattern, number, tmp_path, capsys):
    keras = KERASES[name]
    trained(keras, str(tmp_path / "run"))
    export = keras.callbacks.SidecarEvaluatorModelExport(
        str(tmp_path / "best-{epoch:02d}"), str(tmp_path / "run" / pattern), monitor="loss", verbose=1
    )
    evaluator = keras.utils.SidecarEvaluator(
        model_of(keras), DATA, str(tmp_path / "run"), max_evaluations=1, callbacks=[export]
    )
    evaluator.start()
    assert os.path.isdir(tmp_path / f"best-{number:02d}")
    assert "loss improved from inf" in capsys.readouterr().out
    evaluator.start()
    assert "loss did not improve" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == [f"best-{number:02d}", "run"]


def test_what_an_export_settles_itself():
    for argument in ("filepath", "save_best_only"):
        for keras in KERASES.values():
            with pytest.raises(TypeError):
                keras.callbacks.SidecarEvaluatorModelExport("a", "b", **{argument: True})
