"""The measured process: imports one engine, builds one workload, and does rounds of it when asked.

usage: python -m benchmark.worker ENGINE WORKLOAD

Answers are lines of JSON on the standard output that this process was born with; what the libraries print goes to the
standard error. The first answer tells of import and first step, later ones of the rounds asked for by lines of JSON.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .engines import ENGINES
from .workloads import WORKLOADS, Work


def _seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


def _memory() -> dict[str, float]:
    """Memory of this process now and at its peak, in MB of 10**6 bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"rss_mb": pages * resource.getpagesize() / 1e6, "peak_mb": peak * 1024 / 1e6}


def _round(work: Work, n: int) -> dict[str, float]:
    """`seconds` of the rounds, `first_round_s` where the first is told apart, and `call_s` of all that the call did."""
    wall, ends = _seconds(lambda: work.run(n))
    times = {"seconds": wall, "call_s": wall}
    if isinstance(ends, list) and ends and isinstance(ends[0], float):
        times |= {"first_round_s": ends[0], "seconds": ends[-1]}
    return times | _memory()


def serve(engine_name: str, workload_name: str, answer: Callable[[dict[str, Any]], None]) -> None:
    """Answers once when the first step is done, then once per line of standard input."""
    engine = ENGINES[engine_name]
    imported, library = _seconds(engine.load)
    if WORKLOADS[workload_name].kind == "import":
        return answer({"import_s": imported, **_memory()})
    programs = importlib.import_module(f"benchmark.{'torch' if engine.module == 'torch' else 'keras'}_work")
    start = programs.WORK[workload_name](library)
    built, work = _seconds(start)
    stepped, _ = _seconds(work.first)
    gc.freeze()  # so that a collection before each round is brief
    answer({"import_s": imported, "first_s": built + stepped, "steps": work.steps, **_memory()})
    for line in sys.stdin:
        answer(_round(work, json.loads(line)["rounds"]))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(words: dict[str, Any]) -> None:
        print(json.dumps(words), file=answers, flush=True)

    try:
        engine, workload = sys.argv[1:]
        serve(engine, workload, answer)
    except Exception as error:
        traceback.print_exc()
        answer({"error": "".join(traceback.format_exception_only(error)).strip()})
    answers.flush()
    os._exit(0)  # what a library does at its exit is not measured, and may hang


if __name__ == "__main__":
    main()
