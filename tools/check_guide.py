#!/usr/bin/env python3
"""Runs notebooks on kerasish and tells, cell by cell, whether they print what is saved in them.

    python tools/check_guide.py [NOTEBOOK.ipynb ...] [--seeds N] [--html FILE] [--json FILE]

Every notebook runs N times, each time with another seed, in a fresh process and an empty folder, under the drop-in
(`kerasish.install()`): all code cells in order, going on after an error. Exit status 0 when every cell matches, else 1.

Verdicts
    match     every line of the reference has its line of ours in every run, in order, and no line of ours is left over
    differs   a line is missing, left over or reads differently, or a figure lies outside its limits
    error     the cell raised, or the process ended in it
A cell that was never executed in the reference (no execution count, no output) needs only run without error.

What is compared: standard output and the value of the last expression. Not standard error.
    1. White space, blank lines, object addresses, the module paths of reprs and leading underscores of class names say
       nothing; nor do times (`ETA: 5:06`, `3s 60us/sample`). Carriage returns and backspaces are obeyed. Brackets that
       close on a later line make one line of the lines between.
    2. All other text must be equal, the place of every number included.
    3. An integer on which our runs agree must be equal. One on which they do not (the epoch of an early stop) may lie
       outside their range by half of it. Neighbouring lines that only count up are one line with a count, which is such
       an integer: so the number of epochs is exact unless it depends on the seed.
    4. A float must lie in our runs' range, widened on both sides by 3.5 standard deviations, estimated from the range
       (for three runs: by twice the range), and by 5% of the figure. Figures of one array, or of lines that read alike,
       help each other to that estimate; guide_check/figures.py has the reasons. A float without spread must be met to
       0.1%. nan and inf are met by themselves only.

Allowances, each counted in the table where it was used
    cut               An output of exactly 1,000 characters without a line end was cut there: its last line is compared
                      as far as it goes, what follows in ours is not, but for nan.
    bars              Finished progress bars are absent from the reference: they are left out of ours where a cell's
                      reference has none, but must not tell of nan. An unfinished bar is a line like any other.
    warning tail      The first lines of logged warnings are absent from the reference: the known last lines of a
                      warning need not be printed.
    missing package   `Failed to import ...` says what the machine of the reference lacked: not compared, nor what we
                      print or return there instead.
    foreign help      help() of a function of TensorFlow is that version's text: its name is compared, and that the
                      reference's parameters are there in their order.
    own help          help() of ours likewise; the description is in our own words.
No rule names a cell.

When figures are all that differs in a notebook, it may be by chance: three runs may agree on the epoch of an early
stop. The notebook is then run N times more, with further seeds, and all runs count.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from guide_check.comparison import Result, compare
from guide_check.page import html_page
from guide_check.reference import Cell, read_cells
from guide_check.report import Checked, as_json, table
from guide_check.running import Record, run_seeds

TUTORIAL = Path(__file__).resolve().parent.parent / "tutorials" / "train_and_evaluate.ipynb"
FEWEST_SEEDS = 2  # one run alone has no spread


def check(path: Path, *, seeds: int = 3, engine: str = "kerasish", jobs: int = 1, timeout: float = 1800) -> Checked:
    """The results of all code cells of the notebook."""
    cells = read_cells(path)
    sources = [cell.source for cell in cells]
    runs = run_seeds(sources, range(seeds), engine=engine, jobs=jobs, timeout=timeout)
    checked = compare_all(path, engine, cells, runs)
    if any(result.differences for result in checked.results) and all(map(only_figures, checked.results)):
        runs += run_seeds(sources, range(seeds, 2 * seeds), engine=engine, jobs=jobs, timeout=timeout)
        checked = compare_all(path, engine, cells, runs)
    return checked


def compare_all(path: Path, engine: str, cells: Sequence[Cell], runs: Sequence[Sequence[Record]]) -> Checked:
    """The results for runs that are done, seeded 0, 1, 2, ..."""
    results = (compare(cell, [run[place] for run in runs]) for place, cell in enumerate(cells))
    return Checked(path, engine, tuple(range(len(runs))), tuple(results))


def only_figures(result: Result) -> bool:
    """Whether nothing is wrong with the cell but figures, which more runs may tell better."""
    return all(difference.of_figures for difference in result.differences)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run notebooks on kerasish and compare what they print.")
    parser.add_argument("notebooks", nargs="*", type=Path, default=[TUTORIAL], metavar="NOTEBOOK.ipynb")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each notebook (default 3, at least 2)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with code, outputs and verdicts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="runs at the same time")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="longest time for one run")
    parser.add_argument(
        "--engine",
        default="kerasish",
        metavar="MODULE",
        help="what stands for tf.keras: a module whose install() is called; tf_keras for the real one; none",
    )
    chosen = parser.parse_intermixed_args(arguments)
    if chosen.seeds < FEWEST_SEEDS:
        parser.error(f"--seeds must be at least {FEWEST_SEEDS}: one run has no spread. Received: {chosen.seeds}")
    absent = [str(path) for path in chosen.notebooks if not path.is_file()]
    if absent:
        parser.error(f"no such notebook: {', '.join(absent)}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = options(arguments)
    notebooks = []
    for path in chosen.notebooks:
        print(f"running {path} {chosen.seeds} times ...", file=sys.stderr, flush=True)
        checked = check(
            path, seeds=chosen.seeds, engine=chosen.engine, jobs=max(chosen.jobs, 1), timeout=chosen.timeout
        )
        notebooks.append(checked)
        print(table(checked), end="\n\n", flush=True)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([as_json(checked) for checked in notebooks], indent=1), encoding="utf-8")
    if chosen.html is not None:
        chosen.html.write_text(html_page(notebooks), encoding="utf-8")
    return 0 if all(checked.matches for checked in notebooks) else 1


if __name__ == "__main__":
    sys.exit(main())
