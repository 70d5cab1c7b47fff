"""Runs a notebook's cells in fresh processes, one per seed, and reads what they recorded."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CELL_PROCESS = Path(__file__).with_name("cell_process.py")
CHECKOUT = Path(__file__).resolve().parents[2]  # its kerasish is checked, whether it is installed or not
LONGEST_LOG = 2000  # characters of a failed process's own output that are worth showing


@dataclass(frozen=True)
class Record:
    """What one cell did in one run."""

    stdout: str = ""
    stderr: str = ""
    value: str | None = None
    error: str | None = None
    seconds: float = 0.0


def run_seeds(
    sources: Sequence[str], seeds: Sequence[int], *, engine: str, jobs: int, timeout: float
) -> list[list[Record]]:
    """For each seed the records of all cells; `jobs` processes run at once."""

    def run(seed: int) -> list[Record]:
        return run_once(sources, seed, engine=engine, timeout=timeout)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, seeds))


def run_once(sources: Sequence[str], seed: int, *, engine: str, timeout: float) -> list[Record]:
    """The records of all cells, run in a temporary folder by a process of their own."""
    with tempfile.TemporaryDirectory(prefix="check_guide_", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        cells, record, log = place / "cells.json", place / "record.jsonl", place / "process.log"
        cells.write_text(json.dumps(list(sources)), encoding="utf-8")
        (place / "work").mkdir()
        command = [sys.executable, str(CELL_PROCESS), str(cells), str(record), "--seed", str(seed), "--engine", engine]
        ending = _finish(command, place / "work", log, timeout)
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return read_records([json.loads(line) for line in lines], len(sources), ending, _tail(log))


def _finish(command: Sequence[str], folder: Path, log: Path, timeout: float) -> str:
    """How the process ended, in words."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1"} | os.environ
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), environment.get("PYTHONPATH")]))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            return f"the process ended with exit status {process.wait(timeout)}"
        except subprocess.TimeoutExpired:
            return f"the process was stopped after {timeout:.0f} seconds"
        finally:
            process.kill()
            process.wait()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LONGEST_LOG:]


def read_records(entries: list[dict], cells: int, ending: str, log: str) -> list[Record]:
    """One record per cell; cells the process did not finish have an error that says so."""
    done = {entry.pop("ended"): Record(**entry) for entry in entries if "ended" in entry}
    failed = next((entry["failed"] for entry in entries if "failed" in entry), None)
    begun = max((entry["begins"] for entry in entries if "begins" in entry), default=-1)

    def record(index: int) -> Record:
        if index in done:
            return done[index]
        if failed is not None:
            return Record(error=failed)
        return Record(error=f"{log}\n{ending}" if index == begun else f"not run: {ending}")

    return [record(index) for index in range(cells)]
