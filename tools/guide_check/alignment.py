"""Which item of our output stands for which item of the reference."""
from __future__ import annotations

from collections.abc import Sequence

from guide_check.text import Gap, Help, Item, Line

Pair = tuple[int | None, int | None]  # (place in the reference, place in ours); None: nothing stands there

MISSING = 1.0  # what it costs to leave an item without partner; two unlike items that are paired cost 1 to 2


def same(reference: Item, ours: Item) -> bool:
    """Whether the two say the same but for their figures."""
    if isinstance(reference, Help) and isinstance(ours, Help):
        return reference.name == ours.name
    if not (isinstance(reference, Line) and isinstance(ours, Line)) or reference.origin != ours.origin:
        return False
    if reference.partial:
        return _begins_with(ours.template, reference.template)
    return reference.template == ours.template


def _begins_with(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part` is a beginning of `whole`; its last word may be a beginning of a word."""
    if not part:
        return True
    last = len(part) - 1
    return len(whole) > last and tuple(whole[:last]) == tuple(part[:last]) and whole[last].startswith(part[last])


def _cost(reference: Item, ours: Item) -> float:
    if same(reference, ours):
        return 0.0
    if not (isinstance(reference, Line) and isinstance(ours, Line)) or reference.origin != ours.origin:
        return 2 * MISSING
    one, other = set(reference.template), set(ours.template)
    return 2 * MISSING - len(one & other) / len(one | other)


def align(reference: Sequence[Item], ours: Sequence[Item]) -> list[Pair]:
    """The cheapest pairing in order; a gap of the reference takes any number of our items at no cost."""
    rows, columns = len(reference), len(ours)
    best = [[(0.0, "end")] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            choices = []
            gap = i < rows and isinstance(reference[i], Gap)
            if i < rows and j < columns and not gap:
                choices.append((_cost(reference[i], ours[j]) + best[i + 1][j + 1][0], "pair"))
            if i < rows:
                choices.append(((0 if gap else MISSING) + best[i + 1][j][0], "reference"))
            if j < columns:
                choices.append(((0 if gap else MISSING) + best[i][j + 1][0], "ours"))
            if choices:
                best[i][j] = min(choices, key=lambda choice: choice[0])
    return _path(reference, best)


def _path(reference: Sequence[Item], best: list[list[tuple[float, str]]]) -> list[Pair]:
    pairs: list[Pair] = []
    i = j = 0
    while best[i][j][1] != "end":
        step = best[i][j][1]
        gap = i < len(reference) and isinstance(reference[i], Gap)
        if step == "pair":
            pairs.append((i, j))
        elif step == "ours":
            pairs.append((i if gap else None, j))
        elif not gap:
            pairs.append((i, None))
        i += step in ("pair", "reference")
        j += step in ("pair", "ours")
    return pairs
