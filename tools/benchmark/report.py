"""What is told: the table of a workload, the file of figures, and whether it became slower than a file says."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .engines import versions

Figures = dict[str, Any]
TOLERANCE = 0.9
QUIET = 0.05


def machine() -> dict[str, Any]:
    """Processor, cores that were used, system and Python."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "system": platform.system(),
            "python": platform.python_version()}  # fmt: skip


def new_figures() -> Figures:
    return {"machine": machine(), "versions": versions(), "workloads": {}}


def read(path: Path) -> Figures:
    """Raises ValueError if the file is not one of this tool's."""
    figures = json.loads(path.read_text())
    if not isinstance(figures, dict) or "workloads" not in figures:
        raise ValueError(f"{path} holds no figures of tools/bench.py (written by --json)")
    return figures


def continued(path: Path) -> Figures:
    """Figures that the file holds already, or new ones. Raises ValueError if they are of other versions or cores."""
    figures = new_figures()
    if not path.exists():
        return figures
    earlier = read(path)
    for part in ("machine", "versions"):
        if earlier[part] != figures[part]:
            raise ValueError(f"{path} holds figures of another {part}: {earlier[part]}, now {figures[part]}. "
                             "Give --json another file.")  # fmt: skip
    return earlier


def add(figures: Figures, name: str, record: Figures) -> None:
    figures["workloads"][name] = {"date": datetime.date.today().isoformat(), **record}


def write(path: Path, figures: Figures) -> None:
    path.write_text(json.dumps(figures, indent=1) + "\n")


def table(record: Figures) -> Iterator[str]:
    """The lines of one workload, an engine a line."""
    if any("growth" in result for result in record["engines"].values()):
        yield from _growth(record)
        return
    others = record.get("used_by_others", 0.0)
    busy = f"; other programs used {others:.0%} of the machine" if others > QUIET else ""
    yield f"{record['title']} (ms per {record['unit']}, median and quartiles{busy})"
    yield f"  {'':16} {'ms':>9} {'':19} {'call +ms':>8} {'first s':>8} {'peak MB':>8}   kerasish is"
    for name, result in record["engines"].items():
        if "error" in result:
            yield f"  {name:16} " + result["error"].replace("\n", "\n  " + " " * 17)
            continue
        ms, fixed, first = result["ms"], result.get("fixed_ms"), result.get("first_s")
        line = f"  {name:16} {ms['median']:9.4g} {_quartiles(ms):19} "
        line += f"{fixed['median']:8.1f} " if fixed else f"{'':8} "
        line += f"{first:8.2f} " if first is not None else f"{'':8} "
        line += f"{result['peak_mb']:8.0f}"
        ratio = record["times_as_fast_as"].get(name)
        yield line + (f"   {ratio['median']:.4g} x {_quartiles(ratio)}" if ratio else "")


def _growth(record: Figures) -> Iterator[str]:
    yield f"{record['title']}: ms of one more {record['unit']}, and MB more than after the smallest number"
    for name, result in record["engines"].items():
        if "error" in result:
            yield f"  {name:16} {result['error']}"
        else:
            points = (f"{p['number']:>6}: {p['ms']:8.4g} ms {p['more_mb']:+7.1f} MB" for p in result["growth"])
            yield f"  {name:16} " + "  ".join(points)


def _quartiles(figure: Figures) -> str:
    return f"({figure['q1']:.4g} to {figure['q3']:.4g})"


def slower(record: Figures, before: Figures) -> Iterator[str]:
    """A line for each peer against which kerasish lost more than a tenth, its spread told apart from the earlier one's.

    The ratio to a peer is compared, not milliseconds: another machine slows the peer too. Without a common peer the
    milliseconds are compared.
    """
    now, then = record["times_as_fast_as"], before["times_as_fast_as"]
    for peer in now.keys() & then.keys():
        if now[peer]["q3"] < then[peer]["q1"] * TOLERANCE:
            yield f"{record['title']}: {now[peer]['median']:.3g} x {peer}, was {then[peer]['median']:.3g} x"
    if not now.keys() & then.keys():
        new, old = (r["engines"].get("kerasish", {}).get("ms") for r in (record, before))
        if new and old and new["q1"] > old["q3"] / TOLERANCE:
            yield f"{record['title']}: {new['median']:.3g} ms, was {old['median']:.3g} ms"
