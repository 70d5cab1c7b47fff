"""The code cells of a notebook with the outputs saved in them."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat

from guide_check.text import Gap, Item, Origin, counted, items_of

CUT_AT = 1000
MISSING_PACKAGE = "Failed to import "
WARNING_TAILS = (("...", "to", "['...']"),)  # the mould of TensorFlow 2.1's warning about sample-weight modes


@dataclass(frozen=True)
class Output:
    """One saved output; `cut` when the text was stopped at the reference's limit."""

    text: str
    origin: Origin = "printed"

    @property
    def cut(self) -> bool:
        return self.origin == "printed" and len(self.text) == CUT_AT and not self.text.endswith("\n")


@dataclass(frozen=True)
class Cell:
    """A code cell; `label` is its execution count, or its place among the code cells when it was never executed."""

    label: str
    source: str
    executed: bool
    outputs: tuple[Output, ...]

    @property
    def text(self) -> str:
        return "\n".join(output.text.rstrip("\n") for output in self.outputs)


def read_cells(path: Path) -> list[Cell]:
    """Every code cell of the notebook, in order."""
    notebook = nbformat.read(str(path), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [_cell(cell, place) for place, cell in enumerate(code)]


def _cell(cell: nbformat.NotebookNode, place: int) -> Cell:
    outputs = tuple(_joined(_outputs(cell)))
    count = cell.execution_count
    executed = count is not None or bool(outputs)
    return Cell(f"({place})" if count is None else str(count), cell.source, executed, outputs)


def _outputs(cell: nbformat.NotebookNode) -> list[Output]:
    found = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            found.append(Output(output.text))
        elif output.output_type == "execute_result" and "text/plain" in output.data:
            found.append(Output(output.data["text/plain"], "shown"))
    return found


def _joined(outputs: list[Output]) -> list[Output]:
    """Neighbouring pieces of printed text as one, unless the first was cut."""
    result: list[Output] = []
    for output in outputs:
        before = result[-1] if result else None
        if before is not None and before.origin == output.origin == "printed" and not before.cut:
            result[-1] = Output(before.text + output.text)
        else:
            result.append(output)
    return result


def reference_items(cell: Cell) -> tuple[list[Item], list[str]]:
    """What ours must say, and the allowances that were needed to read it."""
    items: list[Item] = []
    for output in cell.outputs:
        items.extend(items_of(output.text, output.origin, output.cut))
        if output.cut:
            items.append(Gap("cut"))
    items = [Gap("missing package") if _tells_missing_package(item) else item for item in items]
    kept = without_warning_tails(items)
    allowances = [item.allowance for item in kept if isinstance(item, Gap)]
    allowances += ["warning tail"] * (len(kept) < len(items))
    return counted(kept), allowances


def _tells_missing_package(item: Item) -> bool:
    return not isinstance(item, Gap) and item.text.startswith(MISSING_PACKAGE)


def without_warning_tails(items: list[Item]) -> list[Item]:
    """The items without the known last lines of warnings."""
    texts = [None if isinstance(item, Gap) else item.text for item in items]
    dropped: set[int] = set()
    for tail in WARNING_TAILS:
        for start in range(len(texts) - len(tail) + 1):
            if tuple(texts[start : start + len(tail)]) == tail:
                dropped.update(range(start, start + len(tail)))
    return [item for place, item in enumerate(items) if place not in dropped]
