"""One fresh process: runs the cells of one notebook under one seed and records what each of them did.

    python cell_process.py CELLS.json RECORD.jsonl --seed 0 --engine kerasish

CELLS.json holds a list of sources. One line of JSON is appended to RECORD.jsonl when a cell begins and one when it has
ended, so that a process which dies still tells in which cell. Only the standard library is imported before the engine.
"""
from __future__ import annotations
import __future__ as future

import argparse
import ast
import importlib
import io
import json
import linecache
import os
import random
import re
import sys
import time
import traceback
import types
from contextlib import redirect_stderr, redirect_stdout, suppress

FUTURE_FLAGS = sum(getattr(future, name).compiler_flag for name in future.all_feature_names)
MAGIC_LINE = re.compile(r"^(\s*)(?:[%!][A-Za-z./]\S*.*|\?\S+)$")
MAGIC_VALUE = re.compile(r"^(\s*[\w, ]+=\s*)[%!][A-Za-z./].*$")
OTHER_LANGUAGE = re.compile(r"^%%(?!time\b|timeit\b|capture\b|prun\b)\w+")


def without_magic(source: str) -> str:
    """The cell as plain Python: notebook commands become `pass`; a cell written in another language is left out."""
    if OTHER_LANGUAGE.match(source.lstrip()):
        return ""
    with suppress(SyntaxError):
        ast.parse(source)
        return source
    lines = []
    for line in source.split("\n"):
        line = "" if line.startswith("%%") else MAGIC_LINE.sub(r"\1pass", line)
        lines.append(MAGIC_VALUE.sub(r"\1[]", line))
    return "\n".join(lines)


class Notebook:
    """The namespace the cells share, run the way a notebook runs them."""

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self._flags = 0

    def run(self, source: str, name: str) -> object:
        """The value of the cell's last expression, or None."""
        source = without_magic(source)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        body = ast.parse(source, name).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        if body:
            exec(self._compiled(ast.Module(body, type_ignores=[]), name, "exec"), self.namespace)
        if last is None:
            return None
        assert isinstance(last, ast.Expr)
        value = eval(self._compiled(ast.Expression(last.value), name, "eval"), self.namespace)
        return None if source.rstrip().endswith(";") else value

    def _compiled(self, tree: ast.Module | ast.Expression, name: str, mode: str) -> types.CodeType:
        code = compile(tree, name, mode, flags=self._flags, dont_inherit=True)
        self._flags |= code.co_flags & FUTURE_FLAGS
        return code


class Recorder(io.TextIOWrapper):
    """A stream in memory that is no terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="", write_through=True)

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


def told(problem: BaseException) -> str:
    """The traceback from the cell's own line on."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(problem), problem, trace))


def run_cell(notebook: Notebook, source: str, name: str) -> dict[str, object]:
    """What the cell printed, showed, raised, and how long it took."""
    printed, warned = Recorder(), Recorder()
    value, error = None, None
    start = time.perf_counter()
    with redirect_stdout(printed), redirect_stderr(warned):
        try:
            result = notebook.run(source, name)
            value = None if result is None else repr(result)
        except BaseException as problem:  # a cell may raise anything, SystemExit included
            error = told(problem)
    seconds = time.perf_counter() - start
    return {"stdout": printed.text(), "stderr": warned.text(), "value": value, "error": error, "seconds": seconds}


def start_engine(engine: str, seed: int) -> None:
    """Puts the drop-in in place of tf.keras and seeds every generator that is there."""
    if engine == "tf_keras":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
    module = None if engine == "none" else importlib.import_module(engine)
    install = getattr(module, "install", None)
    if install is not None:
        install()
    random.seed(seed)
    with suppress(ImportError):
        importlib.import_module("numpy").random.seed(seed)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)
    set_random_seed = getattr(getattr(module, "utils", None), "set_random_seed", None)
    if set_random_seed is not None:
        set_random_seed(seed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cells")
    parser.add_argument("record")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="kerasish")
    options = parser.parse_args()
    sys.argv[1:] = []  # cells see a command line without ours, and import from their folder, not from this one
    sys.path[0] = ""
    with open(options.cells, encoding="utf-8") as file:
        sources = json.load(file)
    with open(options.record, "w", encoding="utf-8") as record:

        def note(**entry: object) -> None:
            record.write(json.dumps(entry) + "\n")
            record.flush()

        try:
            start_engine(options.engine, options.seed)
        except Exception:
            note(failed=traceback.format_exc())
            return
        notebook = Notebook()
        for index, source in enumerate(sources):
            note(begins=index)
            note(ended=index, **run_cell(notebook, source, f"<cell {index}>"))


if __name__ == "__main__":
    main()
