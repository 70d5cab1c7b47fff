"""Whether a figure of the reference lies in the spread of ours.

Two notebooks of the same mathematics print different figures because their initial weights, shuffles and dropped units
differ. Our N seeded runs show how much. The reference is one more draw, so it may fall outside the N, and how far is
told by their range; but the range of three draws is itself a poor measure and is sometimes close to nothing. Hence

    spread = the larger of the figure's own range and the middle range of its siblings
    sigma = spread / the range that N normal draws of deviation 1 have on average
    low, high = (min - w, max + w)    with w = DEVIATIONS * sigma + FLOOR * |figure|

Siblings are the figures of one array, or at one place of lines that read alike, if there are MANY or more. Figures that
keep one sign (losses, accuracies) are thought of as relative: where ours are larger than the reference, so is their
spread, and it is scaled down to the reference's size. Else a loss that is tripled would excuse itself.
An integer on which all runs agree, and a float without spread, is no draw: it must be equal. An integer that varies
(the epoch of an early stop) may lie outside by WIDER_INTEGER of its range.

Measured with tf_keras 2.21 on the guide of TensorFlow: of ten choices of three runs from five none calls any of the 87
figures of the reference wrong (with 3 deviations three do; of two runs, four do). Ours tripled are found in all of 420
places, doubled in 405 and halved in 414; those missed stand alone and vary by a third from seed to seed.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

DEVIATIONS = 3.5
FLOOR = 0.05
MANY = 3
EXPECTED_RANGE = (1.13, 1.13, 1.13, 1.69, 2.06, 2.33, 2.53, 2.70, 2.85, 2.97, 3.08)  # of 2, 3, ... 10 draws
WIDER_INTEGER = 0.5
AGREED = 1e-3  # relative: a figure on which all runs agree to a millionth must be met this closely
SAME = 1e-6


@dataclass(frozen=True)
class Figure:
    """A number of the reference beside the same number in each of our runs."""

    reference: str
    ours: tuple[str, ...]
    integer: bool = False
    siblings: object = None  # figures with equal keys share their spread
    name: str = ""

    @property
    def values(self) -> list[float]:
        return [float(text) for text in self.ours]

    @property
    def range(self) -> float:
        return max(self.values) - min(self.values) if all(map(math.isfinite, self.values)) else math.nan


@dataclass(frozen=True)
class Judged:
    """A figure with the limits it had to keep."""

    figure: Figure
    low: float
    high: float
    fits: bool

    def __str__(self) -> str:
        values = sorted(self.figure.values)
        ours = short(values[0]) if values[0] == values[-1] else f"{short(values[0])}..{short(values[-1])}"
        return f"{short(float(self.figure.reference))} | {ours}"

    @property
    def complaint(self) -> str:
        ours = ", ".join(short(value) for value in self.figure.values)
        limits = f"is not in {short(self.low)}..{short(self.high)}" if self.low != self.high else "expected"
        return f"{self.figure.name}{self.figure.reference} {limits}; ours: {ours}"


def short(value: float) -> str:
    """The number as a table shows it."""
    return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"


def judge(figures: Sequence[Figure]) -> list[Judged]:
    """The verdict on every figure of a cell."""
    families: dict[object, list[Figure]] = {}
    for figure in figures:
        families.setdefault(figure.siblings, []).append(figure)
    return [_judge(figure, families[figure.siblings]) for figure in figures]


def _judge(figure: Figure, family: Sequence[Figure]) -> Judged:
    reference, values = float(figure.reference), figure.values
    if not all(map(math.isfinite, [reference, *values])):
        alike = all(str(value) == str(reference) for value in values)
        return Judged(figure, reference, reference, alike)
    if figure.integer:
        low, high = _integer_limits(figure)
        padding = {_padding(text) for text in (figure.reference, *figure.ours)}
        return Judged(figure, low, high, low <= reference <= high and len(padding) == 1)
    spread = _spread(figure, family)
    if spread <= SAME * abs(values[0]):
        return Judged(figure, values[0], values[0], math.isclose(reference, values[0], rel_tol=AGREED))
    if _one_sign(family):
        spread *= min(1.0, abs(reference / median(values)))
    sigma = spread / EXPECTED_RANGE[min(len(values), len(EXPECTED_RANGE) - 1)]
    wider = DEVIATIONS * sigma + FLOOR * max(map(abs, values))
    low, high = min(values) - wider, max(values) + wider
    return Judged(figure, low, high, low <= reference <= high)


def _spread(figure: Figure, family: Sequence[Figure]) -> float:
    ranges = [sibling.range for sibling in family if not math.isnan(sibling.range)]
    return max(figure.range, median(ranges) if len(ranges) >= MANY else 0.0)


def _one_sign(family: Sequence[Figure]) -> bool:
    values = [value for figure in family for value in (*figure.values, float(figure.reference))]
    return all(value > 0 for value in values) or all(value < 0 for value in values)


def _integer_limits(figure: Figure) -> tuple[float, float]:
    wider = math.ceil(WIDER_INTEGER * figure.range)
    return min(figure.values) - wider, max(figure.values) + wider


def _padding(text: str) -> int:
    """The width of a number written with leading zeros, else 0."""
    digits = text.lstrip("+-")
    return len(digits) if len(digits) > 1 and digits.startswith("0") else 0

