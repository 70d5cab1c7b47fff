from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from kerasish.__main__ import main, read_cells, without_magics

ROOT = Path(__file__).resolve().parents[2]


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "kerasish", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def write_notebook(path, *sources):
    cells = [{"cell_type": "markdown", "source": ["# title"]}]
    cells += [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    return str(path)


def test_a_script_runs_as_main_with_its_arguments_and_exit_code(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "neighbour.py").write_text("from tensorflow.keras.layers import Dense\n")
    (tmp_path / "scripts" / "old.py").write_text(
        dedent(
            """
            import os, pickle, sys
            import tensorflow as tf
            import neighbour

            class Own:
                pass

            assert __name__ == "__main__" and __file__ == os.path.join("scripts", "old.py")
            assert type(pickle.loads(pickle.dumps(Own()))) is Own
            print(sys.argv, tf.keras.__name__, neighbour.Dense.__module__.split(".")[0])
            sys.exit(7)
            """
        )
    )
    done = run(tmp_path, os.path.join("scripts", "old.py"), "--rate", "0.1")
    assert done.returncode == 7, done.stderr
    assert done.stdout == f"{[os.path.join('scripts', 'old.py'), '--rate', '0.1']} kerasish kerasish\n"
    assert "Traceback" not in done.stderr


def test_a_notebook_prints_its_cells_and_its_error_and_exits_with_1(tmp_path):
    path = write_notebook(
        tmp_path / "old.ipynb",
        "from __future__ import annotations\ntry:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass\n"
        "!pip install -q it's\nimport tensorflow as tf",
        "def later(x: Undefined): return x\nprint('printed')\nlater(tf.keras.__name__)",
        "'not shown';",
        "@tf.function\ndef size(x):\n  if x > 0:\n    return x\n  else:\n    return -x\nint(size(tf.constant(-3)))",
        "def fail():\n    return 1 / 0\nfail()",
        "print('not reached')",
    )
    done = run(tmp_path, path)
    assert done.stdout == "printed\n'kerasish'\n3\n"
    assert done.returncode == 1
    notes = [line for line in done.stderr.splitlines() if line.startswith("kerasish:")]
    assert [note.split(": ")[-1] for note in notes] == ["%tensorflow_version 2.x", "!pip install -q it's"]
    trace = done.stderr[done.stderr.index("Traceback") :].splitlines()
    assert trace[1] == '  File "<cell 5 of old.ipynb>", line 3, in <module>' and trace[2].strip() == "fail()"
    assert trace[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    "cell, expected",
    [
        ("%matplotlib inline\nx = 1", "\nx = 1\n"),
        ("x = (7\n  % 4)\n'''\n!ls\n'''", "x = (7\n  % 4)\n'''\n!ls\n'''\n"),
        ("if x:\n    !ls \\\n       -l\n", "if x:\n    pass\n\n"),
        ("names = !ls\nrows, = %sx ls", "names = []\nrows, = []\n"),
        ("%time model.fit(x)", "model.fit(x)\n"),
        ("%%time\nmodel.fit(x)", "\nmodel.fit(x)\n"),
        ("%timeit -n 1 -r 1 f(x)", "f(x)\n"),
        ("%%bash\nls", ""),
        ("tf.one_hot?\n?tf.one_hot\nx", "\n\nx\n"),
    ],
)
def test_lines_of_ipython(cell, expected):
    assert without_magics(cell, "<cell 1>") == expected


def test_what_is_wrong_python_stays_wrong():
    assert without_magics("x = = 3\n%time y", "<cell 1>") == "x = = 3\n%time y\n"


def test_what_cannot_be_run_is_said_in_one_line(tmp_path, capsys):
    assert main([]) == 2
    assert "usage: python -m kerasish FILE" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "usage: python -m kerasish FILE" in capsys.readouterr().out
    assert main([str(tmp_path / "absent.py")]) == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "text.ipynb").write_text("[1, 2]")
    with pytest.raises(ValueError, match="notebook of format 4"):
        read_cells(str(tmp_path / "text.ipynb"))
