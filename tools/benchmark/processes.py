"""One measured process as the coordinator sees it: it is asked, and answers within a time limit."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from .engines import Engine
from .workloads import Workload

TOOLS = Path(__file__).resolve().parents[1]


class WorkerError(Exception):
    """The process failed, died or did not answer in time; the message is one or a few lines."""


class Worker:
    """`ready` holds the first answer (import, first step). Use it with `with`, so that the process ends."""

    def __init__(self, engine: Engine, workload: Workload, limit: float = 300.0) -> None:
        self.engine, self.limit = engine, limit
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        path = os.pathsep.join(filter(None, [str(TOOLS), os.environ.get("PYTHONPATH")]))
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **engine.environment, "PYTHONPATH": path}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmark.worker", engine.name, workload.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment,
        )  # fmt: skip
        try:
            self.ready = self._answer()
        except WorkerError:
            self.close()
            raise

    @property
    def process(self) -> int:
        """Its number."""
        return self._process.pid

    def run(self, rounds: int) -> dict[str, Any]:
        """Seconds that these rounds took, and the memory after them."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"rounds": rounds}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer tells why
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], self.limit)[0]:
            raise WorkerError(f"{self.engine.title}: no answer within {self.limit:.0f} seconds")
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace").strip().splitlines()[-3:]
            status = self._process.wait()
            raise WorkerError("\n".join([f"{self.engine.title}: ended with status {status}", *words]))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.engine.title}: {answer['error']}")
        return answer

    def close(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
