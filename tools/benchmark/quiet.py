"""How much of the machine others used while something was measured: figures from a busy machine say so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> tuple[float, float]:
    """Seconds that all cores of the machine together worked, and that they were there, since it started."""
    user, nice, system, idle, waiting, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    working = user + nice + system + sum(rest)
    return working / _TICKS, (working + idle + waiting) / _TICKS


def own_seconds(processes: Sequence[int]) -> float:
    """Seconds that this process, its ended children and these living ones worked."""
    total = sum(os.times()[:4])
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


class Watch:
    """Begins to look when it is made."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._busy, self._own = busy_seconds(), own_seconds(processes)

    def others(self, processes: Sequence[int]) -> float:
        """The part of the machine, 0 to 1, that other programs used since."""
        (working, there), own = busy_seconds(), own_seconds(processes)
        used = working - self._busy[0] - (own - self._own)
        return round(max(0.0, used / max(0.01, there - self._busy[1])), 3)
