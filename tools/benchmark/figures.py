"""From seconds to figures: the cost of a step by slope, spreads over turns, and ratios turn by turn."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Turn:
    """Milliseconds of one step, and of a call beyond its steps; None where they are not told apart."""

    ms: float
    fixed_ms: float | None = None


def slope(short: tuple[int, float], long: tuple[int, float]) -> Turn:
    """Two runs as (steps, seconds): the difference is steps alone, whatever a call costs besides.

    Raises ValueError if more steps took no longer, which tells nothing about a step.
    """
    (few, brief), (many, lasting) = short, long
    ms = (lasting - brief) / (many - few) * 1e3
    if ms <= 0:
        raise ValueError(f"{many} steps took {lasting:.4f} s, and {few} steps {brief:.4f} s")
    return Turn(ms, brief * 1e3 - few * ms)


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, quartiles, extremes and the values themselves, in their order."""
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    figures = {"median": median, "q1": q1, "q3": q3, "least": min(values), "most": max(values)}
    return {name: _rounded(value) for name, value in figures.items()} | {"turns": [_rounded(v) for v in values]}


def ratios(ours: Sequence[Turn | None], theirs: Sequence[Turn | None]) -> dict[str, Any] | None:
    """How many times as fast as the peer: the peer's time over ours in the same turn. None if no turn has both."""
    quotients = [b.ms / a.ms for a, b in zip(ours, theirs, strict=True) if a and b]
    return spread(quotients) if quotients else None


def _rounded(value: float) -> float:
    """Four digits, which is more than any of it is worth."""
    return float(f"{value:.4g}")
