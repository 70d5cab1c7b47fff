"""The callbacks in real trainings of kerasish, beside the same ones of tf_keras where there is something to compare."""

import csv
import io
import os
import re
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras
from kerasish import callbacks as C

RNG = np.random.default_rng(1)
X, Y = RNG.random((50, 6), "float32"), RNG.random((50, 1), "float32")
WHATS = ("train", "test", "predict", "epoch", "batch", "train_batch", "test_batch", "predict_batch")
HOOKS = [f"on_{what}_{when}" for what in WHATS for when in ("begin", "end")]


def network(library=keras, rate=0.05):
    inputs = library.Input((6,))
    outputs = library.layers.Dense(1)(library.layers.Dense(4, activation="relu")(inputs))
    model = library.Model(inputs, outputs)
    model.compile(library.optimizers.SGD(rate), "mse", metrics=["mae"])
    start = np.random.default_rng(7)
    model.set_weights([start.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
    return model


def recorder(base, hooks=HOOKS):
    """Notes the hooks and the names in their logs; what kerasish adds as TensorFlow 2.1 did is left out."""

    def note(hook):
        def call(self, *args, **kwargs):
            args += tuple(kwargs.values())
            names = [sorted(set(arg) - {"batch", "size"}) if isinstance(arg, dict) else arg for arg in args]
            self.record.append((hook, *names))

        return call

    return type("Recorder", base, {"record": [], **{hook: note(hook) for hook in hooks}})()


@pytest.mark.parametrize("hooks", [HOOKS, ["on_batch_begin", "on_batch_end", "on_epoch_end"]])
def test_order_of_hooks_equals_the_oracle(hooks):
    records = []
    for library in (tf_keras, keras):
        model, callback = network(library), recorder((library.callbacks.Callback,), hooks)
        model.fit(X, Y, batch_size=20, epochs=2, validation_data=(X, Y), validation_freq=2, callbacks=[callback],
                  verbose=0)
        model.evaluate(X, Y, batch_size=25, callbacks=[callback], verbose=0)
        model.predict(X, batch_size=25, callbacks=[callback], verbose=0)
        records.append(callback.record)
    assert records[1] == records[0]


def test_duck_typed_callback_and_logs_as_in_tensorflow_2_1():
    class Duck:
        seen = []

        def on_batch_end(self, batch, logs):
            self.seen.append((batch, list(logs), logs["size"], type(logs["loss"])))

    network().fit(X, Y, batch_size=20, callbacks=[Duck()], verbose=0)
    names = ["batch", "size", "loss", "mae"]
    assert Duck.seen == [(0, names, 20, float), (1, names, 20, float), (2, names, 10, float)]


def test_history_equals_the_oracle_and_holds_python_floats():
    found = []
    for library in (tf_keras, keras):
        callbacks = [library.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.5, factor=0.5)]
        history = network(library).fit(X, Y, epochs=4, validation_split=0.2, shuffle=False, callbacks=callbacks,
                                       verbose=0)
        found.append((history.epoch, history.history))
    assert found[1][0] == found[0][0] and list(found[1][1]) == list(found[0][1])
    for name, values in found[1][1].items():
        assert all(type(value) is float for value in values)
        np.testing.assert_allclose(values, found[0][1][name], rtol=1e-5)


def test_csv_equals_the_oracle(tmp_path):
    rows = []
    for library in (tf_keras, keras):
        path = tmp_path / "log.csv"
        network(library).fit(X, Y, epochs=3, validation_data=(X, Y), validation_freq=2, shuffle=False,
                             callbacks=[library.callbacks.CSVLogger(path)], verbose=0)
        with open(path) as file:
            rows.append(list(csv.reader(file)))
    assert rows[1][0] == rows[0][0]
    for ours, theirs in zip(rows[1][1:], rows[0][1:], strict=True):
        assert [value == "NA" for value in ours] == [value == "NA" for value in theirs]
        for our, their in zip(ours, theirs, strict=True):
            assert our == their or float(our) == pytest.approx(float(their), rel=1e-5)


def test_early_stopping_gives_the_best_weights_back():
    found = []
    for library in (tf_keras, keras):
        model = network(library)
        callback = library.callbacks.EarlyStopping("loss", min_delta=0.05, patience=2, restore_best_weights=True)
        history = model.fit(X, Y, epochs=20, shuffle=False, callbacks=[callback], verbose=0)
        found.append((len(history.epoch), callback.stopped_epoch, callback.best_epoch, model.get_weights()))
    assert found[1][:3] == found[0][:3]
    assert found[0][0] < 20, "it was meant to stop"
    for ours, theirs in zip(found[1][3], found[0][3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_early_stopping_line_follows_the_last_bar(capsys):
    network().fit(X, Y, epochs=9, callbacks=[C.EarlyStopping("loss", min_delta=9, patience=2, verbose=1)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Train on 50 samples" and lines[-1] == "Epoch 00003: early stopping"
    assert lines[-3] == "Epoch 3/9" and lines[-2].startswith("50/50 [====") and len(lines) == 8


def test_weights_are_saved_every_five_batches(tmp_path):
    saved = []
    model = network()
    model.save_weights = lambda path, **options: saved.append((path, int(model.optimizer.iterations)))
    callback = C.ModelCheckpoint("{epoch}_{batch}", save_freq=5, save_weights_only=True)
    model.fit(X, Y, batch_size=5, epochs=2, callbacks=[callback], verbose=0)
    model.fit(X, Y, batch_size=7, epochs=1, callbacks=[callback], verbose=0)
    assert saved == [("1_5", 5), ("1_10", 10), ("2_5", 15), ("2_10", 20), ("1_5", 25)]


@pytest.mark.skipif(not hasattr(keras.Model, "save"), reason="comes with saving")
@pytest.mark.parametrize("weights_only", [False, True])
def test_the_best_model_is_saved(tmp_path, weights_only):
    model, path = network(rate=0.9), str(tmp_path / "best_{epoch}")
    best = C.ModelCheckpoint(path, "val_mae", save_best_only=True, save_weights_only=weights_only)
    history = model.fit(X, Y, epochs=6, validation_data=(X, Y), callbacks=[best], verbose=0).history["val_mae"]
    epoch = int(np.argmin(history)) + 1
    restored = network() if weights_only else keras.models.load_model(path.format(epoch=epoch))
    if weights_only:
        restored.load_weights(path.format(epoch=epoch))
    assert restored.evaluate(X, Y, verbose=0)[1] == pytest.approx(min(history), rel=1e-5) == best.best


@pytest.mark.skipif(not hasattr(keras.Model, "to_json"), reason="to_json comes with saving")
def test_tensorboard_of_a_real_fit(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags, graphs = [], []
    for library, name in ((tf_keras, "theirs"), (keras, "ours")):
        callback = library.callbacks.TensorBoard(str(tmp_path / name), histogram_freq=1)
        network(library).fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[callback], verbose=0)
        for run in ("train", "validation"):
            read = EventAccumulator(str(tmp_path / name / run)).Reload()
            steps = {tag: [event.step for event in read.Tensors(tag)] for tag in read.Tags()["tensors"]}
            tags.append({_unnumbered(tag): step for tag, step in steps.items()})
            graphs.append(read.Tags()["graph"])
    assert tags[2:] == tags[:2]
    # On this TensorFlow tf_keras no longer finds its step's graph; ours is there, in the training run only.
    assert graphs[2:] == [True, False]


def _unnumbered(tag):
    return re.sub(r"dense(_\d+)?", "dense", tag, count=1)


def test_the_step_decay_that_a_scheduler_sets_is_used():
    weights = []
    for library in (tf_keras, keras):
        model = network(library)
        scheduler = library.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
        model.fit(X, Y, epochs=3, shuffle=False, callbacks=[scheduler], verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(weights[1], weights[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_terminate_on_nan_stops_within_sixteen_batches():
    y = Y.copy()
    y[10] = np.nan
    model = network()
    history = model.fit(np.repeat(X, 20, 0), np.repeat(y, 20, 0), batch_size=1, epochs=5, shuffle=False,
                        callbacks=[C.TerminateOnNaN()], verbose=0)
    assert len(history.epoch) == 1
    assert 200 < int(model.optimizer.iterations) <= 217


def test_stop_training_within_an_epoch():
    model = network()
    stop = C.LambdaCallback(on_batch_end=lambda batch, logs: setattr(model, "stop_training", batch == 3))
    history = model.fit(X, Y, batch_size=5, epochs=4, callbacks=[stop], verbose=0)
    assert int(model.optimizer.iterations) == 4 and history.epoch == [0]


def test_fit_predict_and_evaluate_inside_a_callback():
    other, results = network(), []

    class Nested(C.Callback):
        def on_epoch_end(self, epoch, logs=None):
            other.fit(X, Y, verbose=0)
            results.append((self.model.predict(X, verbose=0).shape, self.model.evaluate(X, Y, verbose=0)[0]))

    model = network()
    history = model.fit(X, Y, epochs=2, callbacks=[Nested()], verbose=0)
    assert [shape for shape, _ in results] == [(50, 1)] * 2
    assert history is model.history and len(history.epoch) == 2
    assert results[-1][1] == pytest.approx(model.evaluate(X, Y, verbose=0)[0])


def test_an_error_in_a_callback_passes_and_files_are_closed(tmp_path):
    logger, board = C.CSVLogger(tmp_path / "log.csv"), C.TensorBoard(tmp_path / "board", write_graph=False)

    def fail(epoch, logs):
        if epoch == 1:
            raise ArithmeticError("mine")

    model = network()
    threads = threading.active_count()
    with pytest.raises(ArithmeticError, match="mine"):
        model.fit(X, Y, epochs=3, callbacks=[logger, board, C.LambdaCallback(on_epoch_end=fail)], verbose=0)
    assert logger._file is None and not board._writers
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert model.history.epoch == [0] and threading.active_count() <= threads
    assert len(model.fit(X, Y, verbose=0).epoch) == 1


def test_a_class_in_the_list_is_refused_before_training():
    model = network()
    before = model.get_weights()
    with pytest.raises(TypeError, match=r"callbacks\[0\].*History"):
        model.fit(X, Y, callbacks=[C.History], verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("stream", [None, "closed", "broken"])
def test_a_stdout_that_fails_does_not_end_a_fit(monkeypatch, stream):
    closed = io.StringIO()
    closed.close()
    reading, writing = os.pipe()
    os.close(reading)
    broken = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", {None: None, "closed": closed, "broken": broken}[stream])
    assert len(network().fit(X, Y, epochs=2, validation_data=(X, Y)).epoch) == 2
    monkeypatch.undo()
    try:
        broken.close()
    except BrokenPipeError:
        assert stream == "broken"


def test_what_fit_prints(capsys):
    model = network()
    model.fit(X, Y, epochs=2, batch_size=20, validation_split=0.2)
    model.fit(X, Y, batch_size=20, steps_per_epoch=1)
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
    model.fit(batches, epochs=1, validation_data=batches, validation_steps=2, verbose=2)
    model.evaluate(batches)
    model.predict(X)
    model.predict(X, verbose=1)
    lines = re.sub(r"\d+(s|ms|us)\b", "T", re.sub(r"\d\.\d{4}(e-\d+)?", "N", capsys.readouterr().out)).splitlines()
    bar, val = "[==============================]", " - val_loss: N - val_mae: N"
    assert lines == [
        "Train on 40 samples, validate on 10 samples",
        "Epoch 1/2",
        f"40/40 {bar} - T T/sample - loss: N - mae: N{val}",
        "Epoch 2/2",
        f"40/40 {bar} - T T/sample - loss: N - mae: N{val}",
        "Train on 50 samples",
        "20/50 [===========>..................] - ETA: T - loss: N - mae: N",
        "Train for 5 steps, validate for 2 steps",
        f"5/5 - T - loss: N - mae: N{val} - T/epoch - T/step",
        f"5/5 {bar} - T T/step - loss: N - mae: N",
        f"50/50 {bar} - T T/sample",
    ]
