"""The verdict on one cell: what it printed in each of our runs against what the reference shows."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from guide_check.alignment import align, same
from guide_check.figures import Figure, Judged, judge
from guide_check.reference import Cell, reference_items, without_warning_tails
from guide_check.running import Record
from guide_check.text import Gap, Help, Item, Line, counted, is_finished_bar, items_of

ALLOWANCES = {
    "cut": "the reference's outputs were cut at 1,000 characters; what follows is not compared",
    "bars": "finished progress bars are absent from the reference",
    "warning tail": "the first lines of logged warnings are absent from the reference; their last need not be printed",
    "missing package": "a package was missing where the reference was made; what comes instead is not compared",
    "foreign help": "help() of a function of TensorFlow: only its name and the parameters the reference has",
    "own help": "help() of a function of ours is in our words; it has the reference's parameters in their order",
}


@dataclass(frozen=True)
class Difference:
    """A line of the reference, what we print in its place, and what is wrong with it."""

    reason: str
    reference: str = ""
    ours: str = ""
    of_figures: bool = False  # the line is there in all runs, with figures that do not fit


@dataclass
class Result:
    """A cell's verdict and what it rests on."""

    cell: Cell
    records: list[Record]
    differences: list[Difference] = field(default_factory=list)
    figures: list[Judged] = field(default_factory=list)
    allowances: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def verdict(self) -> Literal["match", "differs", "error"]:
        return "error" if self.failed else "differs" if self.differences else "match"

    def allow(self, allowance: str) -> None:
        if allowance not in self.allowances:
            self.allowances.append(allowance)


def compare(cell: Cell, records: Sequence[Record]) -> Result:
    """Compares one cell's records, one per run, with its saved output."""
    result = Result(cell, list(records))
    for run, record in enumerate(records):
        if record.error is not None:
            result.failed = True
            lines = record.error.strip().splitlines() or ["an error without a message"]
            result.differences.append(Difference(f"run {run} raised", ours=lines[-1]))
    if not result.failed and cell.executed:
        _Comparison(result).run()
    return result


class _Comparison:
    """The steps of a comparison; everything found goes into `result`."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.reference, allowances = reference_items(result.cell)
        for allowance in allowances:
            result.allow(allowance)
        self.has_bars = any(map(is_finished_bar, self.reference))
        self.runs = [self._ours(record) for record in result.records]
        self.told: set[int | None] = set()  # places of the reference where a difference is known

    def run(self) -> None:
        partners: list[list[Item | None]] = [[] for _ in self.reference]
        for number, ours in enumerate(self.runs):
            of_run = self._partners(ours, number)
            for place, partner in enumerate(of_run):
                partners[place].append(partner)
        figures: list[tuple[Line, Figure]] = []
        for item, found in zip(self.reference, partners, strict=True):
            if isinstance(item, Help):
                self._help(item, found)
            elif isinstance(item, Line):
                figures += self._figures(item, found)
        self._judge(figures)

    def _ours(self, record: Record) -> list[Item]:
        items = without_warning_tails(items_of(record.stdout))
        kept = [item for item in items if self.has_bars or not is_finished_bar(item)]
        for bar in items:
            if isinstance(bar, Line) and bar not in kept:
                self.result.allow("bars")
                self._not_a_number(bar)
        value = [] if record.value is None else items_of(record.value, "shown")
        return counted([*kept, *value])

    def _partners(self, ours: Sequence[Item], run: int) -> list[Item | None]:
        """For each item of the reference ours that says the same; tells of those without."""
        partners: list[Item | None] = [None] * len(self.reference)
        for row, column in align(self.reference, ours):
            item = None if row is None else self.reference[row]
            partner = None if column is None else ours[column]
            if isinstance(item, Gap):
                if isinstance(partner, Line):
                    self._not_a_number(partner)
            elif row is not None and item is not None and partner is not None and same(item, partner):
                partners[row] = partner
            elif row is None or row not in self.told:
                self.told.add(row)
                self._unlike(item, partner, run)
        return partners

    def _unlike(self, item: Item | None, partner: Item | None, run: int) -> None:
        first = partner.text.split("\n")[0] if partner is not None and not isinstance(partner, Gap) else ""
        expected = item.text.split("\n")[0] if item is not None and not isinstance(item, Gap) else ""
        reason = "differs" if first and expected else "is missing" if expected else "is not in the reference"
        if not any(known.reference == expected and known.ours == first for known in self.result.differences):
            self._differs(f"line {reason} (run {run})", expected, first)

    def _not_a_number(self, line: Line) -> None:
        """A line that has no partner must still not tell of a broken training."""
        if any(token.text.lower().strip("+-") == "nan" for token in line.numbers):
            self._differs("not a number in a line that is otherwise not compared", "", line.text)

    def _help(self, item: Help, found: Sequence[Item | None]) -> None:
        for partner in found:
            if not isinstance(partner, Help):
                continue
            self.result.allow("foreign help" if partner.module.split(".")[0] == "tensorflow" else "own help")
            rest = iter(partner.parameters)
            missing = [name for name in item.parameters if name not in rest]
            if missing:
                wanted, have = ", ".join(item.parameters), ", ".join(partner.parameters)
                self._differs(f"{item.name}() lacks `{missing[0]}` or has it elsewhere", f"({wanted})", f"({have})")
                return

    def _figures(self, item: Line, found: Sequence[Item | None]) -> list[tuple[Line, Figure]]:
        """The figures of a line, if it stands in all runs."""
        lines = [partner for partner in found if isinstance(partner, Line)]
        if len(lines) < len(found):
            return []
        figures = []
        for place, token in enumerate(item.tokens):
            if token.kind != "word":
                ours = tuple(line.tokens[place].text for line in lines)
                key = (item.template, ("array", token.array) if token.array else ("place", place))
                figures.append((item, Figure(token.text, ours, token.kind == "integer", key)))
        counts = {item.count, *(line.count for line in lines)}
        if counts != {1}:
            ours = tuple(str(line.count) for line in lines)
            count = Figure(str(item.count), ours, True, (item.template, "count"), name="lines that count up: ")
            figures.append((item, count))
        return figures

    def _judge(self, figures: Sequence[tuple[Line, Figure]]) -> None:
        judged = judge([figure for _, figure in figures])
        complaints: dict[int, tuple[Line, list[str]]] = {}
        for (line, figure), verdict in zip(figures, judged, strict=True):
            if not figure.integer or len(set(figure.ours)) > 1:
                self.result.figures.append(verdict)
            if not verdict.fits:
                complaints.setdefault(id(line), (line, []))[1].append(verdict.complaint)
        for line, reasons in complaints.values():
            more = f" (and {len(reasons) - 1} more figures of this line)" if len(reasons) > 1 else ""
            self.result.differences.append(Difference(reasons[0] + more, line.text, of_figures=True))

    def _differs(self, reason: str, reference: str, ours: str) -> None:
        self.result.differences.append(Difference(reason, reference, ours))
