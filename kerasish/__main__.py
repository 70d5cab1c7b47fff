"""Runs a script or a notebook that was written for tf.keras on kerasish: ``python -m kerasish FILE [arguments]``.

The file runs as Python would run it: as ``__main__``, with its own ``sys.argv``, its folder first on ``sys.path``, the
working folder as it is, its own exit code, and tracebacks that begin in the file. The cells of a notebook run in
order; what they print appears as they run, then the value of their last expression. Lines that only IPython
understands are left out with a note on stderr, but for ``%time`` and the like, whose statement is run.
"""

from __future__ import annotations
import __future__

import ast
import json
import linecache
import os
import re
import sys
import traceback
import types
from typing import Any

from kerasish.dropin import install

__all__ = ["main"]

USAGE = """usage: python -m kerasish FILE [arguments]

Runs FILE, a Python script or a Jupyter notebook (.ipynb) written for tf.keras, with kerasish in the place of Keras."""

_FUTURE_FLAGS = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})
_TIMERS = re.compile(r"%{1,2}(?:time|timeit|prun|capture)\b(?:[ \t]+-\w+(?:[ \t]*\d+)?)*[ \t]*")
_MAGIC = re.compile(r"[ \t]*(?:[%!?]|[\w.\[\], ]+=[ \t]*[%!]|.*\?[ \t]*$)")
_ASSIGNED = re.compile(r"([\w.\[\], ]+=)[ \t]*[%!]")


def main(arguments: list[str]) -> int:
    """Runs the file named first in `arguments` and returns the exit code; the file's own SystemExit passes through."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    path = arguments[0]
    if not os.path.isfile(path):
        print(f"kerasish: no such file: {path}", file=sys.stderr)
        return 2
    install()
    namespace = _become_main(path, arguments)
    try:
        (_run_notebook if path.endswith(".ipynb") else _run_script)(path, namespace)
    except SystemExit:
        raise
    except BaseException as error:
        _report(error.with_traceback(_from_the_file_on(error.__traceback__)))
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _become_main(path: str, arguments: list[str]) -> dict[str, Any]:
    """Puts a new module in the place of ``__main__`` and returns its namespace."""
    module = types.ModuleType("__main__")
    if not path.endswith(".ipynb"):
        module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = arguments
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    return vars(module)


def _run_script(path: str, namespace: dict[str, Any]) -> None:
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, namespace)


def _run_notebook(path: str, namespace: dict[str, Any]) -> None:
    os.environ.setdefault("MPLBACKEND", "Agg")
    namespace["display"] = _display
    cells = _Cells(namespace)
    for number, source in enumerate(read_cells(path), start=1):
        name = f"<cell {number} of {os.path.basename(path)}>"
        cells.run(without_magics(source, name), name)


def read_cells(path: str) -> list[str]:
    """Returns the source of each code cell of a notebook of format 4.

    Raises:
        ValueError: the file is not such a notebook.
    """
    try:
        with open(path, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} must be a notebook of format 4: JSON with a list of cells.\nFound: {error!r}"
        raise ValueError(message) from None


class _Cells:
    """Runs cells in one namespace; a ``from __future__ import`` holds for the cells after it too."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.future_flags = 0

    def run(self, source: str, name: str) -> None:
        # Tracebacks and AutoGraph find the source of a cell here, as they do for any file.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        statements = ast.parse(source, name).body
        shown: ast.expr | None = None
        if statements and isinstance(statements[-1], ast.Expr) and not source.rstrip().endswith(";"):
            shown = statements[-1].value
            del statements[-1]
        exec(self._compiled(ast.Module(statements, type_ignores=[]), name, "exec"), self.namespace)
        if shown is not None:
            sys.displayhook(eval(self._compiled(ast.Expression(shown), name, "eval"), self.namespace))

    def _compiled(self, tree: ast.Module | ast.Expression, name: str, mode: str) -> types.CodeType:
        code: types.CodeType = compile(tree, name, mode, self.future_flags, dont_inherit=True)
        self.future_flags |= code.co_flags & _FUTURE_FLAGS
        return code


def _display(*values: object) -> None:
    for value in values:
        print(repr(value))


def without_magics(source: str, name: str) -> str:
    """Returns the cell with each line that only IPython understands replaced by one for Python.

    A line counts as IPython's only if Python cannot read it and it looks like it, so that a ``%`` that continues an
    expression, or one within a string, stays.
    """
    lines = source.splitlines()
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if source.lstrip().startswith("%%"):
        if not _TIMERS.match(lines[first]):
            _say_ignored(name, first, lines[first].strip() + " (the whole cell)")
            return ""
        lines[first] = ""
    for _ in range(len(lines)):
        try:
            ast.parse("\n".join(lines), name)
        except SyntaxError as error:
            index = (error.lineno or 1) - 1
            if index >= len(lines) or not _MAGIC.match(lines[index]):
                break
            _replace_magic(lines, index, name)
        else:
            break
    return "\n".join(lines) + "\n"


def _replace_magic(lines: list[str], index: int, name: str) -> None:
    line = lines[index]
    indent = line[: len(line) - len(line.lstrip())]
    nothing = "pass" if indent else ""  # a statement here would forbid a __future__ import below
    timed = _TIMERS.sub("", line.strip(), count=1)
    assigned = _ASSIGNED.match(line.strip())
    last = index
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    lines[index + 1 : last + 1] = [""] * (last - index)
    if timed != line.strip():
        lines[index] = indent + (timed or nothing)
        return
    lines[index] = f"{indent}{assigned[1]} []" if assigned else indent + nothing
    _say_ignored(name, index, line.strip())


def _say_ignored(name: str, index: int, what: str) -> None:
    print(f"kerasish: {name}, line {index + 1} is not Python and was left out: {what}", file=sys.stderr)


def _report(error: BaseException) -> None:
    if sys.excepthook is sys.__excepthook__:
        traceback.print_exception(error)  # unlike the built-in hook it finds the lines of cells
    else:
        sys.excepthook(type(error), error, error.__traceback__)


def _from_the_file_on(trace: types.TracebackType | None) -> types.TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, ast.__file__):
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
