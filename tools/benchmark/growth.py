"""Whether a step, a call or a layer costs more when many came before: its cost and the memory at growing numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from .engines import Engine
from .processes import Worker, WorkerError
from .workloads import Workload

MOST_SECONDS = 30.0
LONG = 5.0


def measure(workload: Workload, engines: Sequence[Engine], seconds: float) -> dict[str, Any]:
    """The record: for each engine a list of number, ms of one more, and MB held beyond those after the smallest number.

    Each number is run again and again for `seconds`, and the median counts. An engine that would need more than
    half a minute for a number stops before it.
    """
    found: dict[str, Any] = {}
    for engine in engines:
        if workload.takes(engine.name):
            try:
                with Worker(engine, workload) as worker:
                    found[engine.name] = {"growth": _series(worker, workload.numbers, seconds)}
            except WorkerError as error:
                found[engine.name] = {"error": str(error)}
    return {"title": workload.title, "unit": workload.unit, "engines": found, "times_as_fast_as": {}}


def _series(worker: Worker, numbers: Sequence[int], seconds: float) -> list[dict[str, float]]:
    before, memory = _run(worker, numbers[0], seconds)
    series = []
    for less, more in zip(numbers, numbers[1:], strict=False):
        if before / less * more > MOST_SECONDS:
            break
        lasting, now = _run(worker, more, seconds)
        ms = (lasting - before) / (more - less) * 1e3
        series.append({"number": more, "ms": float(f"{ms:.4g}"), "more_mb": round(now - memory, 1)})
        before = lasting
    return series


def _run(worker: Worker, number: int, seconds: float) -> tuple[float, float]:
    """Median seconds of this many, and MB held at the end. The first run, which may compile, counts if it is long."""
    answer = worker.run(number)
    taken = [answer["seconds"]] if answer["seconds"] > LONG else []
    while sum(taken) < seconds and len(taken) < 25:
        answer = worker.run(number)
        taken.append(answer["seconds"])
    return statistics.median(taken), answer["rss_mb"]
