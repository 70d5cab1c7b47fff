"""A run that is killed and started again equals one that was never stopped, bit for bit."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import kerasish
from kerasish.saving import snapshot
from tests.training.resumable import EPOCHS, KINDS

ENDS = {"kill": -9, "term": -15, "error": 3, "interrupt": 3}


@pytest.fixture(scope="module")
def start():
    """Runs a program in a process of its own and gives how it ended."""
    paths = os.pathsep.join([str(Path(kerasish.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("resumable.py"))], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": paths})  # fmt: skip

    def started(kind, folder, **command):
        process.stdin.write(json.dumps({"kind": kind, "folder": str(folder), **command}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield started
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """The outcome of each kind of run that was never stopped."""
    outcomes = {}

    def outcome(kind):
        if kind not in outcomes:
            folder = tmp_path_factory.mktemp(kind)
            assert start(kind, folder) == 0
            assert not (folder / "backup").exists()
            outcomes[kind] = outcome_in(folder)
        return outcomes[kind]

    return outcome


def outcome_in(folder):
    with np.load(folder / "result.npz") as file:
        values = [file[name] for name in file.files]
    history = json.loads((folder / "history.json").read_text())
    return values, history, {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def finish(start, kind, folder):
    """Starts a killed run again, which must begin where its backup is."""
    kept = snapshot.read(str(folder / "backup" / "backup.zip")) or {"epoch": 0, "over": False}
    assert start(kind, folder) == 0
    begun = json.loads((folder / "begun.json").read_text())
    assert begun[:1] == ([] if kept["over"] or kept["epoch"] == EPOCHS else [kept["epoch"]])


def assert_same(one, other):
    for left, right in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(left, right)
    assert one[1:] == other[1:]


@pytest.mark.parametrize("way, place", [("kill", 29), ("term", 16)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on(start, whole, tmp_path, kind, way, place):
    assert start(kind, tmp_path, kill=[way, place]) == ENDS[way]
    finish(start, kind, tmp_path)
    assert_same(outcome_in(tmp_path), whole(kind))


@pytest.mark.parametrize("way", ["error", "interrupt"])
def test_a_failed_run_goes_on(start, whole, tmp_path, way):
    assert start("arrays", tmp_path, kill=[way, 33]) == ENDS[way]
    assert start("arrays", tmp_path, kill=["kill", 9]) == ENDS["kill"]
    finish(start, "arrays", tmp_path)
    assert_same(outcome_in(tmp_path), whole("arrays"))


def test_what_is_done_before_preemption_is_not_done_again(start, tmp_path):
    assert start("own_step", tmp_path, kill=["term", 5]) == ENDS["term"]
    kept = snapshot.read(str(tmp_path / "backup" / "backup.zip"))
    assert (kept["epoch"], kept["batches"]) == (0, 2)


@pytest.mark.slow
def test_runs_that_are_killed_at_random_moments_go_on(start, whole, tmp_path):
    """Half of the kills strike at a hook, in any way; the others at any moment of the process, by kill -9."""
    chance = random.Random(int(os.environ.get("KERASISH_SEED", "0")))
    done, lasted = dict.fromkeys(KINDS, 0), {}
    for number in range(int(os.environ.get("KERASISH_KILLS", "60"))):
        kind, folder = list(KINDS)[number % len(KINDS)], tmp_path / str(number)
        whole(kind)
        if kind not in lasted:
            begun = time.monotonic()
            start(kind, tmp_path / f"timed {kind}")
            lasted[kind] = time.monotonic() - begun
        while True:
            by_hook = {"kill": [chance.choice(list(ENDS)), chance.randint(1, 50)]}
            at_any_time = {"delay": chance.uniform(0.3, 1) * lasted[kind]}
            if start(kind, folder, **(by_hook if chance.random() < 0.5 else at_any_time)) != 0:
                break
        done[kind] += 1
        finish(start, kind, folder)
        assert_same(outcome_in(folder), whole(kind))
    print(done)
