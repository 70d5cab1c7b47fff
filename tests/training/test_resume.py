"""A run that is killed and started again equals one that was never stopped, bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kerasish
from tests.training.resumable import KINDS

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


def assert_same(one, other):
    for left, right in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(left, right)
    assert one[1:] == other[1:]


@pytest.mark.parametrize("way, place", [("kill", 1), ("kill", 17), ("term", 25), ("error", 33), ("interrupt", 40)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on(start, whole, tmp_path, kind, way, place):
    assert start(kind, tmp_path, kill=[way, place]) == ENDS[way]
    assert start(kind, tmp_path) == 0
    assert_same(outcome_in(tmp_path), whole(kind))
