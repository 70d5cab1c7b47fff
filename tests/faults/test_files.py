"""Files: savers that die, disks that are full, files that are damaged, paths of every kind (F1-F4, F32, F33, F37)."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

import kerasish as keras
from tests.faults.examples import X, Y, network, refused

ROOT = pathlib.Path(__file__).parents[2]
WHOLE, WEIGHTS = ["model", "model.h5", "model.keras"], ["weights", "weights.h5", "own.weights.h5"]
UNITS = 300


def large(value=0.0):
    """Weights of a third of a megabyte, all of one value."""
    layer = keras.layers.Dense(UNITS, kernel_initializer=keras.initializers.Constant(value), input_shape=(UNITS,))
    model = keras.Sequential([layer])
    layer.bias.assign(layer.bias + value)
    model.compile("sgd", "mse")
    return model


def save(model, path):
    (model.save if str(path).split("/")[-1].startswith("model") else model.save_weights)(str(path))


def values_in(path):
    """The different values among the weights in a file."""
    path = str(path)
    if path.endswith("model"):
        reader = large()
        reader.load_weights(path)
    elif "model" in path.split("/")[-1]:
        reader = keras.models.load_model(path)
    else:
        reader = large()
        reader.load_weights(path)
    return np.unique(np.concatenate([weight.ravel() for weight in reader.get_weights()])).tolist()


SAVER = """
import os, sys
sys.path.insert(0, {root!r})
from tests.faults.test_files import WEIGHTS, WHOLE, large, save
model = large()
for number in range(1, 10000):
    for weight in model.weights:
        weight.assign(weight * 0 + number)
    for path in WHOLE + WEIGHTS:
        save(model, path)
    print(number, flush=True)
"""


def test_f01_a_saver_that_stops_at_any_moment_leaves_the_old_or_the_new(tmp_path):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    saver = subprocess.Popen([sys.executable, "-c", SAVER.format(root=str(ROOT))], stdout=subprocess.PIPE, text=True,
                             cwd=tmp_path, env=environment)  # fmt: skip
    moments = np.random.default_rng()
    found = []
    try:
        assert saver.stdout.readline() == "1\n"
        for number in range(10):  # a process that is halted leaves its files as one that was killed would
            time.sleep(float(moments.uniform(0, 0.3)))
            saver.send_signal(signal.SIGSTOP)
            os.waitpid(saver.pid, os.WUNTRACED)
            shutil.copytree(tmp_path, tmp_path.parent / f"halted{number}")
            found.append(tmp_path.parent / f"halted{number}")
            saver.send_signal(signal.SIGCONT)
    finally:
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
    for folder in (*found, tmp_path):
        for path in WHOLE + WEIGHTS:
            values = values_in(folder / path)
            assert len(values) == 1 and values[0] >= 1, (folder, path, values)
    assert values_in(shutil.copytree(found[-1], tmp_path / "again") / "model.h5")


@contextmanager
def full_disk(size):
    """No file may become larger than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_f02_a_full_disk_leaves_the_old_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    save(large(1.0), path)
    before = sorted(os.listdir(tmp_path))
    with full_disk(100_000), refused(OSError, str(path)):
        save(large(2.0), path)
    assert values_in(path) == [1.0] and sorted(os.listdir(tmp_path)) == before
    save(large(3.0), path)
    assert values_in(path) == [3.0]


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "weights.h5", "own.weights.h5"])
@pytest.mark.parametrize("part", [0, 0.001, 0.3, 0.9])
def test_f03_a_truncated_file_is_named(tmp_path, name, part):
    path = tmp_path / name
    save(large(1.0), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    model = large(5.0)
    with refused((OSError, ValueError), str(path), model):
        keras.models.load_model(path) if "model" in name else model.load_weights(path)


@pytest.mark.parametrize("name", WEIGHTS)
def test_f04_weights_of_another_shape_change_nothing(tmp_path, name):
    first, second = network(), keras.Sequential([keras.layers.Dense(4, input_shape=(6,)), keras.layers.Dense(5)])
    path = tmp_path / name
    first.save_weights(path)
    with refused(ValueError, r"\(4, 3\).*\(4, 5\)|\(4, 5\).*\(4, 3\)|\(5,\).*\(3,\)", second):
        second.load_weights(path)


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_f32_the_last_of_several_savers_wins(tmp_path, name):
    models, errors = [large(float(number)) for number in range(4)], []

    def work(model):
        try:
            for _ in range(3):
                save(model, tmp_path / name)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = values_in(tmp_path / name)
    assert not errors and len(values) == 1 and values[0] in range(4)
    assert not [left for left in os.listdir(tmp_path) if left.startswith(".")]


KINDS_OF_PATHS = {
    "unicode": lambda path: str(path.parent / ("größe ☃ " + path.name)),
    "quotes": lambda path: str(path.parent / ("it's \"so\" " + path.name)),
    "pathlib": lambda path: path,
    "bytes": lambda path: os.fsencode(path),
    "missing directory": lambda path: path.parent / "not" / "there" / path.name,
}


@pytest.mark.parametrize("kind", KINDS_OF_PATHS)
@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_f33_every_kind_of_path_is_taken(tmp_path, name, kind):
    model, path = network(), KINDS_OF_PATHS[kind](tmp_path / name)
    other = network()
    other.set_weights([0 * weight for weight in other.get_weights()])
    if name in WHOLE:
        model.save(path)
        other = keras.models.load_model(path)
    else:
        model.save_weights(path)
        other.load_weights(path)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_f33_a_directory_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").write_text("")
    with refused(OSError, "file"):
        save(network(), tmp_path / "file" / name)


@pytest.mark.parametrize("name", WHOLE)
def test_f37_a_training_goes_on_as_if_never_saved(tmp_path, name):
    model = network(optimizer="adam", metrics=["mae"])
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / name)
    other = keras.models.load_model(tmp_path / name)
    losses = [one.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for one in (model, other)]
    assert losses[0] == losses[1]
    for one, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, theirs)
