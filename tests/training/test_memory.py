"""Memory does not grow from call to call and from model to model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_calls_and_dropped_models_leave_nothing_behind() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.training.memory"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    grown = json.loads(printed.splitlines()[-1])
    assert sorted(grown) == ["fit", "models", "predict"]
    assert all(megabytes < 5 for megabytes in grown.values()), grown
