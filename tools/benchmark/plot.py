"""A picture of the figures as SVG: how many times as fast as tf_keras each engine is, on a logarithmic axis.

usage: python -m benchmark.plot FIGURES.json PICTURE.svg   (within tools/)
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from .engines import ENGINES
from .report import Figures, read
from .workloads import WORKLOADS

LEFT, WIDTH, TOP, ROW = 400, 400, 86, 24
OURS = "#1f6feb"
COLOURS = {"tf_keras-32": "#8c959f", "keras3-tensorflow": "#bf3989", "keras3-jax": "#2da44e", "keras3-torch": "#bc4c00",
           "torch": "#d4a72c", "tensorflow": "#57606a"}  # fmt: skip


def draw(figures: Figures) -> str:
    """The text of an SVG file, a row for each workload that kerasish and tf_keras ran. ValueError if none did."""
    found = figures["workloads"]
    names = sorted(found, key=lambda name: [*WORKLOADS, name].index(name))
    rows = [found[name] for name in names if "tf_keras" in found[name].get("times_as_fast_as", {})]
    if not rows:
        raise ValueError("the figures hold no workload that both kerasish and tf_keras ran: nothing to draw")
    speeds = [_speeds(record) for record in rows]
    quartiles = [record["times_as_fast_as"]["tf_keras"][q] for record in rows for q in ("q1", "q3")]
    axis = Axis(quartiles + [value for row in speeds for value in row.values()])
    height = TOP + ROW * len(rows) + 34
    lines = [*_legend(speeds), *axis.grid(TOP, height - 34)]
    for number, (record, row) in enumerate(zip(rows, speeds, strict=True)):
        lines += _row(record, row, axis, TOP + ROW * number + ROW / 2)
    machine, versions = figures["machine"], figures["versions"]
    versions = ", ".join(f"{name} {versions[name]}" for name in versions if name not in ("numpy", "kerasish"))
    foot = f"{machine['processor']}, {machine['cores']} cores; {versions}; {rows[-1]['date']}"
    lines.append(_text(12, height - 8, foot, size=10, colour="#57606a"))
    size = f'width="{LEFT + WIDTH + 90}" height="{height}" viewBox="0 0 {LEFT + WIDTH + 90} {height}"'
    style = 'font-family="system-ui, sans-serif"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>',
                      '<rect width="100%" height="100%" fill="#ffffff"/>', *lines, "</svg>", ""])  # fmt: skip


class Axis:
    """Factors on a logarithmic scale that has a place for all of `values` and for 1."""

    def __init__(self, values: list[float]) -> None:
        self.low, self.high = min(0.5, *values) / 1.1, max(2.0, *values) * 1.1

    def at(self, factor: float) -> float:
        return LEFT + WIDTH * math.log(factor / self.low) / math.log(self.high / self.low)

    def grid(self, top: float, bottom: float) -> Iterator[str]:
        for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
            if self.low <= tick <= self.high:
                x, colour = self.at(tick), "#57606a" if tick == 1 else "#d8dee4"
                yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>'
                yield _text(x, top - 6, f"{tick:g}", anchor="middle", size=11, colour="#57606a")


def _speeds(record: Figures) -> dict[str, float]:
    """How many times as fast as tf_keras each engine is: its ratio to kerasish, seen from tf_keras."""
    ratios: dict[str, Any] = record["times_as_fast_as"]
    ours = ratios["tf_keras"]["median"]
    peers = {name: ours / ratios[name]["median"] for name in COLOURS if name in ratios}
    return {"kerasish": ours, **peers}


def _row(record: Figures, speeds: dict[str, float], axis: Axis, y: float) -> Iterator[str]:
    ratio, one = record["times_as_fast_as"]["tf_keras"], axis.at(1)
    end = axis.at(speeds["kerasish"])
    yield _text(LEFT - 12, y + 4, record["title"], anchor="end", size=12)
    yield f'<rect x="{min(one, end):.1f}" y="{y - 7}" width="{abs(end - one):.1f}" height="14" fill="{OURS}" rx="2"/>'
    low, high = axis.at(ratio["q1"]), axis.at(ratio["q3"])
    yield f'<line x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}" stroke="#0a3069" stroke-width="2"/>'
    for name, speed in speeds.items():
        if name != "kerasish":
            yield f'<circle cx="{axis.at(speed):.1f}" cy="{y}" r="4.5" fill="{COLOURS[name]}" stroke="#ffffff"/>'
    most = max(axis.at(speed) for speed in [*speeds.values(), ratio["q3"], 1.0])
    digits = 0 if speeds["kerasish"] >= 100 else 2
    yield _text(most + 10, y + 4, f"{speeds['kerasish']:.{digits}{'g' if digits else 'f'}} x", size=12)


def _legend(speeds: list[dict[str, float]]) -> Iterator[str]:
    yield _text(12, 22, "Times as fast as tf_keras (1 = tf_keras as people call it)", size=14)
    x = 12.0
    for name in ("kerasish", *COLOURS):
        if any(name in row for row in speeds):
            colour, title = COLOURS.get(name, OURS), ENGINES[name].title
            shape = f'<rect x="{x}" y="37" width="12" height="10" fill="{colour}"/>'
            yield shape if name == "kerasish" else f'<circle cx="{x + 6}" cy="42" r="4.5" fill="{colour}"/>'
            yield _text(x + 16, 46, title, size=11)
            x += 30 + 6.0 * len(title)


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = "#1f2328") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f"<text {place}>{escape(words)}</text>"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(read(Path(sys.argv[1]))))
