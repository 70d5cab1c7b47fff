"""What the MobileNets and others have in common: weights were published for some widths and sizes of images only."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish.applications.request import Request, channel_axis


def refuse_others(name: str, kwargs: dict[str, Any], *known: str) -> None:
    """Raises ValueError for an argument that the function `name` does not take."""
    wrong = {key: value for key, value in kwargs.items() if key not in known}
    if wrong:
        raise ValueError(
            f"{name} takes no argument {', '.join(map(repr, wrong))}.\n"
            f"Received: {', '.join(f'{key}={value!r}' for key, value in wrong.items())}\n"
            "Fix: leave it out; help(...) tells the arguments there are."
        )


def check_alpha(alpha: float, published: tuple[float, ...]) -> None:
    """Raises ValueError for a width for which there are no weights of ImageNet."""
    if alpha not in published:
        raise ValueError(
            f"`alpha` must be one of {', '.join(map(str, published))} with the weights of ImageNet.\n"
            f"Received: alpha={alpha}\n"
            "Fix: take one of these, or `weights=None`."
        )


def usual_size(input_shape: Any, sizes: tuple[int, ...]) -> int:
    """The size of the images given if there are weights for it, else 224."""
    rows, columns = _rows_and_columns(input_shape) if input_shape and len(input_shape) == 3 else (None, None)
    return rows if rows == columns and rows in sizes else 224


def size_in_name(asked: Request, start: Any, sizes: tuple[int, ...]) -> int | None:
    """The size in the name of the model: that of its weights, which were trained on square images of some sizes.

    Warns if there are no weights for images of this size; those for 224 x 224 are taken.
    """
    rows, columns = _rows_and_columns(start.shape[1:])
    if asked.weights != "imagenet" or (rows == columns and rows in sizes):
        return rows
    if rows is not None:
        warnings.warn(
            f"There are weights for images of {', '.join(map(str, sizes))} pixels; those for 224 are taken.",
            stacklevel=3,
        )
    return 224


def _rows_and_columns(shape: Any) -> tuple[Any, Any]:
    return (shape[1], shape[2]) if channel_axis() == 1 else (shape[0], shape[1])
