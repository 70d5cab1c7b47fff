"""Arguments that several layers share, checked and brought into one form."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Iterable
from typing import Any

from kerasish import constraints, initializers, regularizers
from kerasish.core import settings


def positive(argument: str, value: Any) -> int:
    """The value as an integer of at least 1.

    Raises:
        ValueError: for anything else.
    """
    whole = _whole(value)
    if whole is None or whole < 1:
        raise ValueError(f"`{argument}` must be a positive integer. Received: {argument}={value!r}")
    return whole


def sizes(argument: str, value: Any, rank: int, smallest: int = 1) -> tuple[int, ...]:
    """One integer for each of `rank` dimensions, from a tuple or from one integer for all.

    Raises:
        ValueError: for a tuple of another length, or entries that are no integers or too small.
    """
    given = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,) * rank
    found = tuple(_whole(size) for size in given)
    if len(found) != rank or any(size is None or size < smallest for size in found):
        wanted = "integer" if rank == 1 else f"integer or a tuple of {rank} integers"
        raise ValueError(f"`{argument}` must be an {wanted}, each at least {smallest}. Received: {argument}={value!r}")
    return found  # type: ignore[return-value]


def size_pairs(argument: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Two integers of at least 0, before and after, for each dimension: from pairs, single ones, or one for all.

    Raises:
        ValueError: for anything else.
    """
    given = tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank
    pairs = [tuple(pair) if isinstance(pair, (list, tuple)) else (pair, pair) for pair in given]
    found = tuple(tuple(_whole(size) for size in pair) for pair in pairs)
    if len(found) != rank or any(len(p) != 2 or any(size is None or size < 0 for size in p) for p in found):
        wanted = "an integer or a pair" if rank == 1 else f"an integer, {rank} integers or {rank} pairs"
        shown = value[0] if rank == 1 and isinstance(value, tuple) else value
        raise ValueError(f"`{argument}` must be {wanted} of integers, at least 0. Received: {argument}={shown!r}")
    return found  # type: ignore[return-value]


def one_of(argument: str, value: Any, allowed: tuple[str, ...]) -> str:
    """The value in lower case, which must be among the allowed words.

    Raises:
        ValueError: for another word.
    """
    word = value.lower() if isinstance(value, str) else value
    if word not in allowed:
        words = ", ".join(f'"{known}"' for known in allowed)
        raise ValueError(f"`{argument}` must be one of {words}. Received: {argument}={value!r}")
    return word


def data_format(value: Any) -> str:
    """`"channels_last"` or `"channels_first"`; the global setting for None."""
    return one_of(
        "data_format", settings.image_data_format() if value is None else value, ("channels_last", "channels_first")
    )


def share(argument: str, value: Any) -> Any:
    """A share of what there is: a number from 0 up to, but not including, 1; tensors pass.

    Raises:
        ValueError: for a number outside of that, or no number at all.
    """
    if hasattr(value, "dtype") and not isinstance(value, numbers.Number):
        return value
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= float(value) < 1:
        raise ValueError(f"`{argument}` must be a number in the range [0, 1). Received: {argument}={value!r}")
    return value if isinstance(value, (int, float)) else float(value)


def axes_within(layer: str, axes: Iterable[int], rank: int) -> list[int]:
    """The axes counted from the front, each once.

    Raises:
        ValueError: if an axis lies outside the rank or is named twice.
    """
    axes = list(axes)
    if any(not -rank <= axis < rank for axis in axes):
        raise ValueError(
            f'`axis` of layer "{layer}" must lie within the {rank} axes of its inputs. Received: axis={axes}'
        )
    found = [axis % rank for axis in axes]
    if len(set(found)) < len(found):
        raise ValueError(f'`axis` of layer "{layer}" names an axis twice. Received: axis={axes} for {rank} axes')
    return found


def axis_list(value: Any) -> list[int]:
    """One axis or several as a list.

    Raises:
        TypeError: for anything but integers.
    """
    axes = list(value) if isinstance(value, (list, tuple)) else [value]
    if not axes or any(_whole(axis) is None for axis in axes):
        raise TypeError(f"`axis` must be an integer or a list of integers. Received: axis={value!r}")
    return [int(axis) for axis in axes]


def weight_options(layer: Any, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None) -> None:
    """Stores how a weight begins, is penalised and is projected, under the names `add_weight` looks for.

    Raises:
        ValueError: for an unknown name.
    """
    setattr(layer, f"{weight}_initializer", initializers.get(initializer))
    setattr(layer, f"{weight}_regularizer", regularizers.get(regularizer))
    setattr(layer, f"{weight}_constraint", constraints.get(constraint))


def _whole(value: Any) -> int | None:
    """The value as an integer if it is one (also `2.0`), else None."""
    if isinstance(value, (bool, str)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return int(float(value)) if isinstance(value, numbers.Real) and float(value).is_integer() else None
