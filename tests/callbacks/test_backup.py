"""`BackupAndRestore`: what it takes, what it refuses, and what stays of it."""

import zipfile

import numpy as np
import pytest
import tensorflow as tf

from kerasish import Sequential, callbacks, layers, models
from kerasish.saving import snapshot

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class Stop(callbacks.Callback):
    """Ends a fit by an error after an epoch, and remembers the epochs it has seen."""

    def __init__(self, last):
        super().__init__()
        self.last, self.seen = last, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(epoch)
        if epoch == self.last:
            raise ZeroDivisionError

    def get_state(self):
        return {"seen": self.seen, "array": np.arange(3, dtype="int8")}

    def set_state(self, state):
        assert state["array"].dtype == np.int8 and state["array"].tolist() == [0, 1, 2]
        self.seen = state["seen"]


def model(units=1):
    made = Sequential([layers.Dense(units, input_shape=(3,))])
    made.compile("adam", "mse")
    return made


def interrupted(folder, **options):
    """Trains two epochs, of which the second fails after its end."""
    options.setdefault("batch_size", 4)
    with pytest.raises(ZeroDivisionError):
        model().fit(X, Y, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(folder), Stop(1)], **options)


def resumed(folder, made=None, x=X, y=Y, extra=(), **options):
    options.setdefault("batch_size", 4)
    backup = callbacks.BackupAndRestore(folder, **options.pop("backup", {}))
    return (made or model()).fit(x, y, epochs=4, verbose=0, callbacks=[backup, *extra], **options)


def test_the_callbacks_of_users_take_part(tmp_path):
    interrupted(tmp_path)
    stop = Stop(None)
    assert resumed(tmp_path, extra=[stop]).epoch == [0, 1, 2, 3]
    assert stop.seen == [0, 1, 2, 3]


def test_the_backup_is_removed_at_the_end_unless_it_shall_stay(tmp_path):
    resumed(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    made = model()
    history = resumed(tmp_path / "b", made, backup={"delete_checkpoint": False}).history
    again = model()
    assert resumed(tmp_path / "b", again).history == history
    np.testing.assert_array_equal(again.get_weights()[0], made.get_weights()[0])


def test_only_the_backup_is_removed(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    resumed(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_backup_is_told_and_kept(tmp_path, damage):
    interrupted(tmp_path)
    path = tmp_path / "backup.zip"
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    path.write_bytes({"cut": content[:-40], "flipped": bytes(flipped), "empty": b"", "other": b"PK no zip"}[damage])
    before = path.read_bytes()
    with pytest.raises(OSError, match="damaged.*\n.*delete it to start anew") as caught:
        resumed(tmp_path, extra=[Stop(None)])
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_backup_of_another_program_is_refused(tmp_path):
    interrupted(tmp_path)
    with pytest.raises(ValueError, match=r"another model: 6 variables.*\n.*\('float32', \(3, 1\)\)"):
        resumed(tmp_path, model(2), y=np.repeat(Y, 2, 1), extra=[Stop(None)])
    with pytest.raises(ValueError, match="the data differ.*\n.*'batch_size': 4.*\n.*'batch_size': 5"):
        resumed(tmp_path, batch_size=5, extra=[Stop(None)])
    with pytest.raises(ValueError, match="callbacks that are not there now: Stop 1"):
        resumed(tmp_path)


def test_a_backup_of_tf_keras_is_refused(tmp_path):
    tf_keras = pytest.importorskip("tf_keras")
    theirs = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    theirs.compile("sgd", "mse")
    theirs.fit(X, Y, verbose=0, callbacks=tf_keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    with pytest.raises(ValueError, match="backup of another library"):
        resumed(tmp_path)


@pytest.mark.parametrize("wrong", [
    {"save_freq": 0}, {"save_freq": False}, {"save_freq": True}, {"save_freq": -1}, {"save_freq": 2.5},
    {"save_freq": "batch"}, {"backup_dir": ""},
])
def test_wrong_arguments_are_told(wrong):
    with pytest.raises(ValueError, match="save_freq|backup_dir"):
        callbacks.BackupAndRestore(**{"backup_dir": "somewhere", **wrong})


def test_a_state_is_plain_values_and_arrays(tmp_path):
    path = str(tmp_path / "state.zip")
    state = {"inf": float("inf"), "none": None, "nested": [{"a": np.float32(1.5)}, (1, "two")],
             "half": tf.constant([1.5], tf.bfloat16), "flag": True, "empty": np.zeros((0, 3), "uint8")}
    snapshot.write(path, state)
    read = snapshot.read(path)
    assert read["inf"] == float("inf") and read["none"] is None and read["flag"] is True
    assert read["nested"][0]["a"].dtype == np.float32 and read["nested"][1] == [1, "two"]
    assert tf.as_dtype(read["half"].dtype) == tf.bfloat16 and float(read["half"][0]) == 1.5
    assert read["empty"].shape == (0, 3)
    for odd in (object(), {1: 2}, b"bytes", np.array(["text"]), np.array([None]), {"__array__": 0}, {3}):
        with pytest.raises(TypeError, match="Received: here/0="):
            snapshot.write(path, {"here": [odd]})
    assert snapshot.read(path)["flag"] is True
    assert snapshot.read(str(tmp_path / "none.zip")) is None


def test_no_array_is_larger_than_it_is_in_the_file(tmp_path):
    path = str(tmp_path / "state.zip")
    snapshot.write(path, {"a": np.zeros(4)})
    with zipfile.ZipFile(path) as archive:
        text = archive.read("state.json").decode()
    for shape in ("[99999999999999]", "[-4]", "[4, 0.5]"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("state.json", text.replace("[4]", shape))
            archive.writestr("0", bytes(32))
        with pytest.raises(OSError, match="does not have the size|damaged"):
            snapshot.read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.json", " " * 10**6)
    with pytest.raises(OSError, match="compressed"):
        snapshot.read(path)


def test_rows_of_the_csv_file_after_the_backup_are_dropped(tmp_path):
    path = tmp_path / "log.csv"
    logger = callbacks.CSVLogger(path)
    with pytest.raises(ZeroDivisionError):
        model().fit(X, Y, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b"), logger, Stop(2)])
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "2"]
    resumed(tmp_path / "b", batch_size=None, extra=[callbacks.CSVLogger(path), Stop(None)])
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "2", "3"]


def test_a_refused_backup_leaves_the_csv_file_alone(tmp_path):
    path = tmp_path / "log.csv"
    with pytest.raises(ZeroDivisionError):
        model().fit(X, Y, epochs=4, verbose=0,
                    callbacks=[callbacks.BackupAndRestore(tmp_path / "b"), callbacks.CSVLogger(path), Stop(2)])
    before = path.read_text()
    with pytest.raises(ValueError, match="the data differ"):
        resumed(tmp_path / "b", batch_size=5, extra=[callbacks.CSVLogger(path), Stop(None)])
    assert path.read_text() == before


@pytest.mark.parametrize("save_freq, expected", [
    (3, [(0, 3), (1, 1), (1, 4), (2, 2), (2, 5)]), (5, [(0, 5), (1, 5), (2, 5)]), ("epoch", [(1, 0), (2, 0), (3, 0)]),
])
def test_the_backup_is_taken_after_exactly_so_many_batches(tmp_path, monkeypatch, save_freq, expected):
    places = []
    monkeypatch.setattr(snapshot, "write", lambda path, state: places.append((state["epoch"], state["batches"])))
    backup = callbacks.BackupAndRestore(tmp_path, save_freq)
    for _ in range(2):  # the second time it is known how many batches fit into one execution
        places.clear()
        model().fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=[backup])
        assert places == expected


def test_a_generator_is_told_to_be_drawn_again(tmp_path):
    def rows():
        while True:
            yield X[:4], Y[:4]

    options = {"batch_size": None, "steps_per_epoch": 3}
    with pytest.raises(ZeroDivisionError):
        model().fit(rows(), epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path), Stop(2)], **options)
    with pytest.warns(UserWarning, match="cannot be set to where .* first 6 batches are drawn and left out"):
        resumed(tmp_path, x=rows(), y=None, extra=[Stop(None)], **options)


def test_orders_go_on_with_a_later_first_epoch():
    def rows_seen(initial_epoch):
        tf.random.set_seed(4)
        seen = []

        class Net(Sequential):
            def train_step(self, data):
                seen.append(data[0][:, 0].numpy().tolist())
                return super().train_step(data)

        made = Net([layers.Dense(1, input_shape=(3,))])
        made.compile("sgd", "mse", run_eagerly=True)
        made.fit(X, Y, batch_size=4, epochs=4, initial_epoch=initial_epoch, verbose=0)
        return seen

    assert rows_seen(2) == rows_seen(0)[10:]


def test_a_saved_model_goes_on_as_the_whole_run_with_a_later_first_epoch(tmp_path):
    def fitted(made, **options):
        tf.random.set_seed(4)
        saved = callbacks.ModelCheckpoint(tmp_path / "after_{epoch}.keras")
        return made.fit(X, Y, batch_size=4, epochs=4, callbacks=[saved], verbose=0, **options).history["loss"]

    whole = Sequential([layers.Dense(4, "tanh", input_shape=(3,)), layers.Dense(1)])
    whole.compile("adam", "mse")
    losses = fitted(whole)
    loaded = models.load_model(tmp_path / "after_2.keras")
    assert fitted(loaded, initial_epoch=2) == losses[2:]
    for ours, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, expected)
