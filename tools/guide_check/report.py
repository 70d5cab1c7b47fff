"""What the checker tells: a table for people and a JSON file for programs."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from guide_check.comparison import ALLOWANCES, Result
from guide_check.figures import Judged

SHOWN_FIGURES = 3
SHOWN_DIFFERENCES = 4
LINE_WIDTH = 150
HEADINGS = ("cell", "verdict", "seconds", "figures: reference | ours")


@dataclass(frozen=True)
class Checked:
    """A notebook with the results of its cells."""

    path: Path
    engine: str
    seeds: tuple[int, ...]
    results: tuple[Result, ...]

    @property
    def matches(self) -> bool:
        return all(result.verdict == "match" for result in self.results)


def verdict_text(result: Result) -> str:
    """`match, 1 allowance` and the like."""
    count = len(result.allowances)
    return result.verdict + (f", {count} allowance{'s' * (count > 1)}" if count else "")


def figures_text(figures: Sequence[Judged]) -> str:
    """The first few figures beside ours, those outside their limits before all."""
    chosen = sorted(figures, key=lambda judged: judged.fits)[:SHOWN_FIGURES]
    more = len(figures) - len(chosen)
    return "; ".join(map(str, chosen)) + (f"; {more} more" if more else "")


def seconds_text(result: Result) -> str:
    """The longest that the cell took in any run."""
    return f"{max(record.seconds for record in result.records):.1f}"


def table(checked: Checked) -> str:
    """The whole report on one notebook."""
    rows = [(r.cell.label, verdict_text(r), seconds_text(r), figures_text(r.figures)) for r in checked.results]
    widths = [max(len(row[column]) for row in [HEADINGS, *rows]) for column in range(len(HEADINGS))]
    lines = [f"{checked.path} ({len(checked.seeds)} runs, engine {checked.engine})"]
    lines += [_row(HEADINGS, widths), _row(["-" * width for width in widths], widths)]
    for row, result in zip(rows, checked.results, strict=True):
        lines.append(_row(row, widths))
        lines += _differences(result)
    return "\n".join([*lines, *_allowances(checked), summary(checked)])


def _row(columns: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(columns, widths, strict=True)).rstrip()


def _differences(result: Result) -> Iterator[str]:
    for difference in result.differences[:SHOWN_DIFFERENCES]:
        yield f"      - {_clipped(difference.reason)}"
        if difference.reference:
            yield f"          reference: {_clipped(difference.reference)}"
        if difference.ours:
            yield f"          ours:      {_clipped(difference.ours)}"
    more = len(result.differences) - SHOWN_DIFFERENCES
    if more > 0:
        yield f"      - and {more} more"


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LINE_WIDTH else text[: LINE_WIDTH - 3] + "..."


def _allowances(checked: Checked) -> Iterator[str]:
    for name, reason in ALLOWANCES.items():
        count = sum(name in result.allowances for result in checked.results)
        if count:
            yield f"allowance `{name}` in {count} cell{'s' * (count > 1)}: {reason}"


def summary(checked: Checked) -> str:
    """One line: how many cells matched and how long a run took."""
    count = {verdict: 0 for verdict in ("match", "differs", "error")}
    for result in checked.results:
        count[result.verdict] += 1
    runs = [sum(result.records[run].seconds for result in checked.results) for run in range(len(checked.seeds))]
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in count)
    return f"{len(checked.results)} cells: {told}; a run took {min(runs):.0f} to {max(runs):.0f} s in its cells"


def as_json(checked: Checked) -> dict[str, object]:
    """Everything that is known of the notebook's cells."""
    return {
        "notebook": str(checked.path),
        "engine": checked.engine,
        "seeds": list(checked.seeds),
        "matches": checked.matches,
        "cells": [_cell_json(result) for result in checked.results],
    }


def _cell_json(result: Result) -> dict[str, object]:
    figures = [
        {"reference": j.figure.reference, "ours": list(j.figure.ours), "low": j.low, "high": j.high, "fits": j.fits}
        for j in result.figures
    ]
    return {
        "cell": result.cell.label,
        "verdict": result.verdict,
        "allowances": result.allowances,
        "differences": [asdict(difference) for difference in result.differences],
        "figures": figures,
        "reference": result.cell.text,
        "runs": [asdict(record) for record in result.records],
    }
