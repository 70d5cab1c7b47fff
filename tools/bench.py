"""Times kerasish against tf_keras, Keras 3 and PyTorch on the same work, taking turns in one run.

usage: python tools/bench.py [--only NAME ...] [--engines NAME ...] [--quick] [--json FILE] [--against FILE]

Each engine runs in a process of its own, which stays alive and waits while another one works; all are pinned to the
same cores. A step's cost is the difference between a long and a short run, so that what a call costs besides is told
apart. Ratios are taken turn by turn: median and quartiles. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from benchmark import growth, plot, report, turns
from benchmark.engines import ENGINES, Engine
from benchmark.turns import Settings
from benchmark.workloads import WORKLOADS, Workload


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--only", nargs="+", metavar="NAME", choices=WORKLOADS, help="workloads: " + ", ".join(WORKLOADS))
    add("--engines", nargs="+", metavar="NAME", choices=ENGINES, help="engines: " + ", ".join(ENGINES))
    add("--quick", action="store_true", help="a minute or two: a few workloads, tf_keras as the only peer")
    add("--growth", action="store_true", help="whether a step or call costs more after many others")
    add("--turns", type=int, help="turns of each engine (7, with --quick 3)")
    add("--seconds", type=float, help="time of the longer run in a turn, at least (0.6, with --quick 0.3)")
    add("--cores", help="cores to use, such as 0,1 (all that are free to use)")
    add("--json", type=Path, metavar="FILE", help="add the figures to this file")
    add("--plot", type=Path, metavar="FILE", help="draw the figures, with those that FILE of --json held, as SVG")
    add("--against", type=Path, metavar="FILE", help="fail where it became slower than this file says")
    parsed = parser.parse_args(arguments)
    try:
        parsed.figures = report.continued(parsed.json) if parsed.json else report.new_figures()
        parsed.baseline = report.read(parsed.against) if parsed.against else None
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return parsed


def _usual(workload: Workload, asked: argparse.Namespace) -> bool:
    """Whether it is measured when no names are given."""
    if workload.kind == "growth" or asked.growth:
        return asked.growth and workload.kind == "growth"
    return workload.quick or not asked.quick


def _measure(workload: Workload, engines: list[Engine], settings: Settings) -> dict[str, Any]:
    if workload.kind == "growth":
        return growth.measure(workload, engines, settings.seconds)
    return turns.measure(workload, engines, settings)


def main(arguments: list[str] | None = None) -> int:
    asked = parse(arguments)
    if asked.cores:
        os.sched_setaffinity(0, {int(core) for core in asked.cores.split(",")})
    defaults = Settings(turns=3, seconds=0.3) if asked.quick else Settings()
    settings = Settings(asked.turns or defaults.turns, asked.seconds or defaults.seconds)
    names = asked.only or [name for name, workload in WORKLOADS.items() if _usual(workload, asked)]
    few = ["kerasish", "tf_keras"]
    usual = few if asked.quick or asked.growth else [e.name for e in ENGINES.values() if not e.asked_for_only]
    engines = [ENGINES[name] for name in asked.engines or usual]
    absent = [engine.name for engine in engines if not engine.installed()]
    if absent:
        print("not installed:", ", ".join(absent), flush=True)
    regressions: list[str] = []
    for name in names:
        record = _measure(WORKLOADS[name], [engine for engine in engines if engine.name not in absent], settings)
        print(*report.table(record), "", sep="\n", flush=True)
        report.add(asked.figures, name, record)
        if asked.json:
            report.write(asked.json, asked.figures)
        if asked.baseline and name in asked.baseline["workloads"]:
            regressions += report.slower(record, asked.baseline["workloads"][name])
    if asked.plot:
        asked.plot.write_text(plot.draw(asked.figures))
    print(*(f"slower: {line}" for line in regressions), sep="\n", end="\n" if regressions else "")
    return 1 if regressions else 0


if __name__ == "__main__":
    sys.exit(main())
