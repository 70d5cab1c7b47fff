"""A save leaves the old or the new, whatever happens in between: failure, kill -9 at any moment, several savers."""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from kerasish import Input, Sequential, layers
from kerasish.models import load_model
from kerasish.saving import replacement
from kerasish.saving.replacement import recover, replaced_directory, replaced_file, replaced_group

ROOT = pathlib.Path(__file__).parents[2]


def write(path, text):
    pathlib.Path(path).write_text(text)


def read(path):
    return pathlib.Path(path).read_text()


def fill(folder, text):
    write(os.path.join(folder, "a"), text)


@pytest.mark.parametrize("exchange", [True, False])
def test_a_directory_is_replaced_whole(exchange, here, monkeypatch):
    if not exchange:
        monkeypatch.setattr(replacement, "_exchange", lambda one, other: False)
    for text in ("first", "second"):
        with replaced_directory("model") as folder:
            fill(folder, text)
        assert read("model/a") == text
    assert os.listdir(here) == ["model"]


def test_linux_exchanges_directories_in_one_operation(here):
    if sys.platform != "linux":
        pytest.skip("renameat2 is Linux's")
    os.mkdir("one")
    write("two", "a file")
    if not replacement._exchange("one", "two"):
        pytest.skip("this file system cannot")
    assert os.path.isdir("two") and read("one") == "a file"


@pytest.mark.parametrize("replaced", [replaced_file, replaced_directory, replaced_group])
def test_a_failure_changes_nothing(replaced, here):
    def put(path, text):
        fill(path, text) if replaced is replaced_directory else write(path, text)

    def got():
        return read("thing/a" if replaced is replaced_directory else "thing")

    with replaced("thing") as new:
        put(new, "old")
    full = tf.errors.OutOfRangeError(None, None, "disk full")
    for error, seen in ((KeyboardInterrupt(), KeyboardInterrupt), (full, OSError)):
        with pytest.raises(seen), replaced("thing") as new:
            put(new, "half")
            raise error
    assert got() == "old"
    assert os.listdir(here) == ["thing"]


@pytest.mark.parametrize("threads", [True, False])
@pytest.mark.parametrize("replaced", [replaced_file, replaced_directory, replaced_group])
def test_a_large_file_that_was_replaced_is_let_go(replaced, threads, here, monkeypatch):
    def none(thread):
        raise RuntimeError("can't start new thread")

    if not threads:
        monkeypatch.setattr(threading.Thread, "start", none)
    for number in range(3):
        with replaced("thing") as new:
            place = os.path.join(new, "a") if replaced is replaced_directory else new
            pathlib.Path(place).write_bytes(bytes([number]) * 2**20)
    assert pathlib.Path("thing/a" if replaced is replaced_directory else "thing").read_bytes()[-1] == 2

    def held():
        return [file for file in map(os.path.realpath, pathlib.Path("/proc/self/fd").iterdir()) if str(here) in file]

    deadline = time.monotonic() + 10
    while held() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held() == [] and os.listdir(here) == ["thing"]


def test_errors_of_the_disk_name_the_path(here):
    with pytest.raises(OSError, match="'thing'.*disk full(.|\n)*unchanged"), replaced_file("thing"):
        raise tf.errors.ResourceExhaustedError(None, None, "disk full")
    write("file", "")
    with pytest.raises(OSError, match="file"), replaced_file("file/thing"):
        pass


@pytest.fixture
def dead():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(process, path, kind):
    return f"{replacement._marked(os.path.abspath(path), kind)}{process}-abc"


def test_a_crash_between_two_renames_is_mended(here, dead):
    ready = left_by(dead, "weights", "ready")
    os.mkdir(ready)
    write("weights.data-00000-of-00001", "new")
    write("weights.index", "old")
    write(os.path.join(ready, "weights.index"), "new")
    recover("weights")
    assert read("weights.index") == "new" and not os.path.exists(ready)

    os.mkdir(left_by(dead, "model", "old"))
    fill(left_by(dead, "model", "old"), "old")
    recover("model")
    assert read("model/a") == "old"


def test_remains_of_dead_processes_are_removed_and_those_of_the_living_left(here, dead):
    for process in (dead, os.getppid()):
        os.mkdir(left_by(process, "model", "new"))
    with replaced_directory("model") as folder:
        fill(folder, "x")
    assert sorted(os.listdir(here)) == sorted(["model", os.path.basename(left_by(os.getppid(), "model", "new"))])


@pytest.mark.parametrize("exchange", [True, False])
def test_the_first_of_several_savers_at_once_loses_nothing(exchange, here, monkeypatch):
    if not exchange:
        monkeypatch.setattr(replacement, "_exchange", lambda one, other: False)
    failures, ready = [], threading.Barrier(4)

    def save(place):
        try:
            with replaced_directory(place) as folder:
                fill(folder, "new")
                ready.wait()
        except Exception as error:
            failures.append(error)

    for number in range(20):
        threads = [threading.Thread(target=save, args=(f"model{number}",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures and all(read(f"model{number}/a") == "new" for number in range(20))


def test_the_last_of_several_savers_wins(here):
    failures = []

    def save(text):
        try:
            for _ in range(5):
                with replaced_directory("model") as folder:
                    fill(folder, text)
                with replaced_file("file") as new:
                    write(new, text)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert read("model/a") in "0123" and read("file") in "0123"
    assert sorted(os.listdir(here)) == ["file", "model"]


SAVER = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, {root!r})
from kerasish import Input, Sequential, layers
model = Sequential([Input((300,)), layers.Dense(300, kernel_initializer="zeros")])
for number in range(1, 10000):
    model.layers[0].kernel.assign(model.layers[0].kernel * 0 + number)
    model.layers[0].bias.assign(model.layers[0].bias * 0 + number)
    model.save("model")
    model.save_weights("weights")
    model.save_weights("weights.h5")
    print(number, flush=True)
"""


def test_kill_minus_nine_leaves_old_or_new(here):
    process = subprocess.Popen([sys.executable, "-c", SAVER.format(root=str(ROOT))], stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if int(line) == 2:
                break
        time.sleep(float(np.random.default_rng().uniform(0, 0.5)))
    finally:
        process.send_signal(signal.SIGKILL)
        done = [2, *map(int, process.stdout.read().split())][-1]
        process.wait()
        process.stdout.close()
    for path in ("model", "weights", "weights.h5"):
        if path == "model":
            reader = load_model("model")
        else:
            reader = Sequential([Input((300,)), layers.Dense(300)])
            reader.load_weights(path)
        kernel, bias = reader.get_weights()
        assert np.unique(kernel).tolist() == np.unique(bias).tolist()
        assert kernel[0, 0] in (done, done + 1)
        reader.save("model") if path == "model" else reader.save_weights(path)
    assert not [name for name in os.listdir(here) if name.startswith(".")]


def test_groups_of_savers_at_once_are_not_mixed(tmp_path):
    path, meeting = tmp_path / "group", threading.Barrier(4)

    def work(number):
        meeting.wait()
        for _ in range(3):
            with replaced_group(str(path)) as new:
                for ending in (".data", ".index"):
                    write(new + ending, str(number))

    for _ in range(40):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read(tmp_path / "group.data") == read(tmp_path / "group.index")
        assert sorted(os.listdir(tmp_path)) == ["group.data", "group.index"]
