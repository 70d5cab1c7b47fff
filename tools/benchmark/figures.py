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


@dataclass(frozen=True)
class Run:
    """So many steps took `seconds`; the call that did them took `call_s`, which may be longer."""

    steps: int
    seconds: float
    call_s: float


def slope(short: Run, long: Run) -> Turn:
    """The cost of a step is the difference of the two runs, whatever the call of the longer one costs besides.

    Raises ValueError if more steps took no longer, which tells nothing about a step.
    """
    ms = (long.seconds - short.seconds) / (long.steps - short.steps) * 1e3
    if ms <= 0:
        raise ValueError(f"{long.steps} steps took {long.seconds:.4f} s, and {short.steps} steps {short.seconds:.4f} s")
    return Turn(ms, long.call_s * 1e3 - long.steps * ms)


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
