"""Processes killed while they save, and disks that are full: the old or the new is there, and nothing else.

`KERASISH_KILLS` sets how many processes are killed for each format.
"""
import contextlib
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kerasish import Input, Sequential, layers
from kerasish.models import load_model

ROOT = pathlib.Path(__file__).parents[2]
KILLS = int(os.environ.get("KERASISH_KILLS", "100"))
WHOLE = ["model", "model.h5", "model.keras"]
WEIGHTS = ["checkpoint/weights", "only.h5", "only.weights.h5"]
UNITS = 300  # makes files of some 360 KB

# Imports once, then forks a saver for each line that names a format, before TensorFlow has begun to run anything.
NURSERY = """
import os, sys
sys.path.insert(0, {root!r})
from kerasish import Input, Sequential, layers

def save_for_ever(path, start):
    model = Sequential([Input(({units},)), layers.Dense({units}, kernel_initializer="zeros")])
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    for number in range(start, start + 100000):
        kernel.assign(kernel * 0 + number)
        bias.assign(bias * 0 + number)
        model.save(path) if path.startswith("model") else model.save_weights(path)
        tell("saved", number)

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole lines, whenever the process is killed

tell("ready")
for line in sys.stdin:
    path, start = line.split()
    child = os.fork()
    if child == 0:
        save_for_ever(path, int(start))
    tell("child", child)
    tell("died", os.waitpid(child, 0)[1])
"""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    (folder / "checkpoint").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY.format(root=str(ROOT), units=UNITS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "ready\n"
        process.folder = folder
        yield process
        process.stdin.close()


def kill_one(nursery, path, start):
    """Lets a process save `start`, `start + 1`, ... and kills it; the last number that it told."""
    nursery.stdin.write(f"{path} {start}\n")
    nursery.stdin.flush()
    lines = iter(nursery.stdout.readline, "")
    child = duration = None
    told = start - 1
    began = time.monotonic()
    for line in lines:
        kind, number = line.split()
        if kind == "child":
            child = int(number)
        elif kind == "saved":
            told, duration = int(number), time.monotonic() - began
            began = time.monotonic()
            if child and told > start:
                break
    time.sleep(random.uniform(0, 1.5 * duration))
    os.kill(child, signal.SIGKILL)
    for line in lines:
        kind, number = line.split()
        if kind == "died":
            assert int(number) == signal.SIGKILL
            return told
        told = int(number)
    raise AssertionError("the nursery has died")


def blank_model():
    return Sequential([Input((UNITS,)), layers.Dense(UNITS)])


def read(path):
    """The number in the file, which is the same everywhere in it."""
    if path.name.startswith("model"):
        model = load_model(path)
    else:
        model = blank_model()
        model.load_weights(path)
    found = {value for weight in model.get_weights() for value in np.unique(weight).tolist()}
    assert len(found) == 1
    return found.pop(), model


@pytest.mark.slow
@pytest.mark.parametrize("path", WHOLE + WEIGHTS)
def test_killed_at_any_moment_the_old_or_the_new_is_there(path, nursery):
    place, number = nursery.folder / path, 1
    for _ in range(KILLS):
        told = kill_one(nursery, path, number)
        found, model = read(place)
        assert told <= found <= told + 1
        number = told + 2
    model.save(place) if path in WHOLE else model.save_weights(place)
    left = [name for name in os.listdir(place.parent) if name.startswith(f".{place.name}")]
    assert left == []


@contextlib.contextmanager
def disk_of(size):
    """No file can grow beyond `size` bytes."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("size", [0, 3000, 100_000, 359_000])
@pytest.mark.parametrize("path", WHOLE + WEIGHTS)
def test_a_full_disk_leaves_the_old_and_says_so(path, size, tmp_path):
    place = tmp_path / "here" / path
    place.parent.mkdir(parents=True)
    model = blank_model()
    model.layers[0].kernel.assign(np.ones((UNITS, UNITS)))
    model.layers[0].bias.assign(np.ones(UNITS))
    save = model.save if path in WHOLE else model.save_weights
    save(place)
    before = sorted(str(file) for file in tmp_path.rglob("*"))
    model.layers[0].kernel.assign(np.full((UNITS, UNITS), 2))
    with disk_of(size), pytest.raises(OSError) as error:
        save(place)
    assert path.rpartition("/")[2] in str(error.value) and len(str(error.value).splitlines()) <= 6
    assert sorted(str(file) for file in tmp_path.rglob("*")) == before
    assert read(place)[0] == 1
    model.layers[0].bias.assign(np.full(UNITS, 2))
    save(place)
    assert read(place)[0] == 2
    first = tmp_path / "first" / path
    first.parent.mkdir(parents=True)
    with disk_of(size), pytest.raises(OSError):
        (model.save if path in WHOLE else model.save_weights)(first)
    assert list(first.parent.iterdir()) == []
