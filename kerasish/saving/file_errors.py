"""Errors while a file is read: which file, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

_LONGEST = 1000
_OF_CONTENT = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
    tf.errors.OpError,
)  # fmt: skip


@contextmanager
def naming(path: Any) -> Iterator[None]:
    """Has every error that comes from what a file holds name the file.

    Raises:
        ValueError: for an error of any kind that the content has led to.
        MemoryError: if it asks for more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        raise MemoryError(_message(path, error)) from error
    except OSError as error:
        if error.filename is not None or str(path) in str(error):
            raise
        raise ValueError(_message(path, error)) from error
    except _OF_CONTENT as error:
        if type(error) is ValueError and str(path) in str(error):
            raise
        raise ValueError(_message(path, error)) from error


def _message(path: Any, error: BaseException) -> str:
    reason = str(getattr(error, "message", error))
    if not isinstance(error, (MemoryError, TypeError, ValueError, tf.errors.OpError)):
        reason = f"{type(error).__name__}: {reason}"
    return f"{str(path)!r} cannot be loaded: {reason if len(reason) <= _LONGEST else reason[:_LONGEST] + '...'}"
