"""Where progress is written: a terminal, a notebook, or a pipe or file; a stdout that fails is left alone."""

from __future__ import annotations

import os
import sys
from typing import Literal

from absl import logging

Kind = Literal["terminal", "notebook", "pipe"]


class Console:
    """Writes whole lines, and one line at a time that is rewritten in place.

    `sys.stdout` is looked up at every write, so that a redirected one is obeyed. Nothing raises: a stdout that is
    None, closed or broken swallows what is written.

    With `interactive` off all lines go to the log of the package `absl`, at its level INFO, which it shows only when
    it is told to; of a line that is rewritten, the last state does.
    """

    def __init__(self) -> None:
        self.interactive = True
        self._owner: object | None = None
        self._length = 0

    def kind(self) -> Kind:
        """Where the text goes. A pipe or a file must get no control characters."""
        stream = sys.stdout
        if type(stream).__module__.partition(".")[0] == "ipykernel" or "PYCHARM_HOSTED" in os.environ:
            return "notebook"
        try:
            interactive = stream is not None and stream.isatty()
        except (AttributeError, OSError, ValueError):
            interactive = False
        return "terminal" if interactive and os.environ.get("TERM") != "dumb" else "pipe"

    def line(self, text: str) -> None:
        """Writes a line of its own: a line that is being rewritten is left as it stands."""
        if not self.interactive:
            logging.info("%s", text)
            return
        self.end_line()
        _write(text + "\n")

    def rewrite(self, owner: object, text: str, last: bool = False) -> None:
        """Replaces the line that `owner` wrote before; the last state is never cut and ends the line.

        In a terminal narrower than the text the states in between are cut at its width, because a wrapped line cannot
        be replaced.
        """
        if not self.interactive:
            if last:
                logging.info("%s", text)
            return
        if self._owner is not owner:
            self.end_line()
        columns = _columns() if self.kind() == "terminal" else 0
        shown = text if last or not columns else text[: columns - 1]
        _write("\r" + shown.ljust(min(self._length, columns - 1 if columns else self._length)) + ("\n" if last else ""))
        self._owner, self._length = (None, 0) if last else (owner, len(shown))

    def end_line(self) -> None:
        """Begins a new line if one is being rewritten."""
        if self._owner is not None:
            self._owner, self._length = None, 0
            _write("\n")


def _write(text: str) -> None:
    stream = sys.stdout
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return  # progress is not worth a training run


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (AttributeError, OSError, ValueError):
        return 0


console = Console()
