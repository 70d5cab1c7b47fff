"""Whether progress and reports are printed or logged."""

from __future__ import annotations

from kerasish.callbacks.console import console


def enable_interactive_logging() -> None:
    """Prints progress bars, summaries and reports to `sys.stdout`, as is usual."""
    console.interactive = True


def disable_interactive_logging() -> None:
    """Sends progress, line by line, summaries and reports to the log of the package `absl` instead, at level INFO."""
    console.interactive = False


def is_interactive_logging_enabled() -> bool:
    """Whether they are printed."""
    return console.interactive
