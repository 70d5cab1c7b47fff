"""ModelCheckpoint, CSVLogger and RemoteMonitor, each beside tf_keras's."""

import http.server
import json
import os
import sys
import threading
import urllib.parse

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import callbacks as C

CHECKPOINTS = [
    dict(filepath="m_{epoch}"),
    dict(filepath="m_{epoch:02d}-{val_loss:.2f}.h5", save_best_only=True),
    dict(filepath="w_{epoch}", save_weights_only=True, save_best_only=True),
    dict(filepath="m_{epoch}", save_freq=4),
    dict(filepath="m_{epoch}_{batch}", save_freq=2),
    dict(filepath="m_{epoch}_{batch}_{loss:.1f}", save_freq=1),
    dict(filepath="m_{epoch}", period=2),
    dict(filepath="m", save_best_only=True, initial_value_threshold=1.5),
    dict(filepath="m.keras", save_best_only=True, mode="max"),
    dict(filepath="m", save_freq=2, save_best_only=True, monitor="loss"),
]


@pytest.mark.parametrize("arguments", CHECKPOINTS)
def test_model_checkpoint_equals_the_oracle(fake, capsys, arguments):
    results = []
    for library in (tf_keras.callbacks, C):
        callback = library.ModelCheckpoint(verbose=1, **arguments)
        ran = fake.drive(callback, [{"val_loss": value} for value in (3.0, 1.0, 2.0)], batches=3)
        lines = [line for line in capsys.readouterr().out.splitlines() if line]
        results.append((ran.model.calls, callback.best, lines))
    theirs, ours = results
    assert ours[:2] == theirs[:2]
    assert ours[2] == [f"Epoch {int(line[6]):05d}{line[7:]}" for line in theirs[2]]
    assert ours[0], "nothing was saved"


def test_messages_as_in_the_guides_time(fake, capsys):
    callback = C.ModelCheckpoint("mymodel_{epoch}", save_best_only=True, monitor="val_loss", verbose=1)
    fake.drive(callback, [{"val_loss": 0.22}, {"val_loss": 0.3}])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00001: val_loss improved from inf to 0.22000, saving model to mymodel_1",
        "Epoch 00002: val_loss did not improve from 0.22000",
    ]


def test_every_n_batches_when_batches_run_as_blocks(fake):
    model = fake.Model()
    callback = C.ModelCheckpoint("{epoch}_{batch}", save_freq=4)
    listed = C.CallbackList([callback], model=model)
    listed.on_train_begin()
    for epoch in range(2):
        listed.on_epoch_begin(epoch)
        done = 0
        while done < 10:
            steps = min(listed.batch_interval("train"), 10 - done)
            done += steps
            listed.on_block_end("train", done - 1, steps, done, {"loss": 1.0})
    assert [path for _, path in model.calls] == ["1_4", "1_8", "2_2", "2_6", "2_10"]


def test_checkpoint_options_go_to_the_right_method(fake):
    received = {}
    model = fake.Model()
    model.save_weights = lambda path, **kwargs: received.update(kwargs)
    options = tf.train.CheckpointOptions()
    fake.drive(C.ModelCheckpoint("x", save_weights_only=True, options=options), [{}], model=model)
    assert received == {"overwrite": True, "options": options}


def test_the_newest_checkpoint_is_loaded_on_restart(fake, tmp_path):
    for number, name in enumerate(["m_1.h5", "m_2.h5", "other_3.h5"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (number, number))
    callback = C.ModelCheckpoint(tmp_path / "m_{epoch}.h5", load_weights_on_restart=True)
    assert fake.drive(callback, [{}]).model.calls[0] == ("load_weights", str(tmp_path / "m_2.h5"))
    nothing = C.ModelCheckpoint(tmp_path / "none_{epoch}", load_weights_on_restart=True)
    with pytest.warns(UserWarning, match="No checkpoint matches"):
        assert fake.drive(nothing, [{}]).model.calls[0][0] == "save"


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (dict(save_freq="batch"), ValueError, "save_freq='batch'"),
        (dict(save_freq=2.0), ValueError, "save_freq=2.0"),
        (dict(save_best=True), TypeError, "Did you mean `save_best_only`"),
        (dict(options=3), TypeError, "SaveOptions"),
        (dict(options=3, save_weights_only=True), TypeError, "CheckpointOptions"),
    ],
)
def test_bad_arguments_of_model_checkpoint(arguments, error, words):
    with pytest.raises(error, match=words):
        C.ModelCheckpoint("x", **arguments)


def test_a_name_in_the_path_that_is_not_there(fake):
    with pytest.raises(KeyError, match="val_acc.*Available: loss, val_loss, epoch"):
        fake.drive(C.ModelCheckpoint("m_{val_acc}"), [{"val_loss": 1.0}])


CSV = [
    (dict(), [{"val_loss": 1.0, "acc": 0.5}, {"val_loss": np.float32(2.5), "acc": 1e-7}]),
    (dict(separator=";"), [{"b": 1.0, "a": 2.0}, {"b": 1.0}]),
    (dict(), [{"a": [1, 2]}, {"a": np.array([1.0, 2.0])}, {"a": "text"}]),
    (dict(), [{"a": 1.0}, {"a": 2.0, "val_a": 3.0, "new": 9.0}]),
]


@pytest.mark.parametrize("arguments, epochs", CSV)
def test_csv_logger_equals_the_oracle(fake, tmp_path, arguments, epochs):
    texts = []
    for library in (tf_keras.callbacks, C):
        path = tmp_path / "log.csv"
        fake.drive(library.CSVLogger(path, **arguments), epochs)
        fake.drive(library.CSVLogger(path, append=True, **arguments), epochs)
        texts.append(path.read_text())
        path.unlink()
    assert texts[0] == texts[1]


def test_csv_rows_are_there_before_the_end(fake, tmp_path):
    path = tmp_path / "log.csv"
    callback = C.CSVLogger(path)
    seen = []
    fake.drive([callback, C.LambdaCallback(on_epoch_end=lambda *_: seen.append(len(path.read_text().splitlines())))],
               [{}, {}, {}])
    assert seen == [2, 3, 4]
    assert callback._file is None


class Server:
    """A local server that keeps what is posted to it."""

    def __enter__(self):
        self.bodies = bodies = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor_sends_what_the_oracle_sends(fake, as_json):
    pytest.importorskip("requests")
    with Server() as server:
        for library in (tf_keras.callbacks, C):
            fake.drive(library.RemoteMonitor(server.root, send_as_json=as_json), [{"acc": np.float32(0.5)}])
    theirs, ours = server.bodies
    assert ours == theirs
    text = ours[1] if as_json else urllib.parse.parse_qs(ours[1])["data"][0]
    assert json.loads(text) == {"epoch": 0, "loss": 1.0, "acc": 0.5}


def test_remote_monitor_without_server_or_package(fake, monkeypatch):
    with Server() as server:
        root = server.root
    with pytest.warns(UserWarning, match="could not reach"):
        fake.drive(C.RemoteMonitor(root), [{}])
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ImportError, match="pip install requests"):
        fake.drive(C.RemoteMonitor(root), [{}])
