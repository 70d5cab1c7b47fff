"""The checker matches what is right and reports what is broken: one notebook holds good cells and a copy per fault."""
from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import check_guide  # noqa: E402
from guide_check.figures import Figure, judge  # noqa: E402
from guide_check.report import Checked, table  # noqa: E402

TRAINING = """
import random
def draw(value, spread=0.02):
    return value * random.uniform(1 - spread, 1 + spread)
history = {'loss': [draw(v) for v in (0.35, 0.16, 0.12)], 'accuracy': [draw(v, 0.002) for v in (0.90, 0.95, 0.96)],
           'val_loss': [draw(v, 0.1) for v in (0.2, 0.13, 0.11)]}
print('Train on 5000 samples, validate on 1000 samples')
for epoch in range(3):
    print('Epoch %d/3' % (epoch + 1))
    bar = '5000/5000 [==============================] - 3s 60us/sample - loss: %.4f - accuracy: %.4f'
    print(bar % (history['loss'][epoch], history['accuracy'][epoch]))
print('\\nhistory dict:', history)
"""
TRAINED = """\
Train on 5000 samples, validate on 1000 samples
Epoch 1/3
Epoch 2/3
Epoch 3/3

history dict: {'loss': [0.3461, 0.1592, 0.1205], 'accuracy': [0.9, 0.951, 0.959], 'val_loss': [0.19, 0.12, 0.115]}
"""
UNFINISHED = """
import random
loss, val = random.gauss(2.30, 0.01), random.gauss(2.2, 0.02)
print('   64/4000 [..............................] - ETA: 0:31 - loss: %.4f - val_loss: %.4f' % (loss, val))
"""
UNFINISHED_REFERENCE = "   64/4000 [..............................] - ETA: 5:06 - loss: 2.3046 - val_loss: 2.1904"
STOPPING = """
import random
stop = random.choice([5, 6, 7])
for epoch in range(20):
    print('Epoch %d/20' % (epoch + 1))
    if epoch + 1 == stop:
        print('Epoch %05d: early stopping' % stop)
        break
"""
STOPPED = "".join(f"Epoch {epoch}/20\n" for epoch in range(1, 7)) + "Epoch 00006: early stopping\n"
LOOP = """
import random
for epoch in range(3):
    print('Start of epoch %d' % epoch)
    for step in range(0, 30, 10):
        print('Loss at step %s: %s' % (step, random.gauss(2.0 - 0.3 * epoch, 0.03)))
        print('Seen so far: %s samples' % ((step + 1) * 64))
"""
ARRAY = """
import numpy as np
print('predictions: ', np.random.normal([[-9.2, 7.9, -1.3]] * 4, 1.0).astype('float32'))
print('shape:', (4, 3))
"""
ARRAY_REFERENCE = """\
predictions:  [[-9.5  7.1
  -1.2] [-8.8 8.2 -0.2]
 [-9.0  7.7 -2.6]
 [-9.9  8.8 -1.1]]
shape: (4, 3)
"""
HISTORY = """
class History:
    pass
History.__module__ = 'kerasish.callbacks.history'
print('Train for 5 steps')
History()"""
HELP = '''
def fit(x=None, y=None, *, batch_size=None, verbose="auto", shuffle=True, extra=0):
    """Words of our own."""
help(fit)
'''
HELP_REFERENCE = (
    "Help on function fit in module tensorflow.python.keras.training:\n\n"
    "fit(x=None, y=None, batch_size=None, verbose=1, shuffle=True, **kwargs)\n    The words of others.\n\n    More."
)
TENSORFLOW_HELP = HELP.replace(
    "help(fit)",
    "import sys, types\nfit.__module__ = 'tensorflow.python.ops'\n"
    "sys.modules[fit.__module__] = types.ModuleType(fit.__module__)\nhelp(fit)\nprint('after')",
)


def cut_loop() -> str:
    """A reference of LOOP stopped at 1,000 characters, within a word or a number."""
    lines = []
    for epoch in range(40):
        lines.append(f"Start of epoch {epoch}")
        for step in range(0, 30, 10):
            lines += [f"Loss at step {step}: {2.0 - 0.01 * epoch}", f"Seen so far: {(step + 1) * 64} samples"]
    return "\n".join(lines)[:1000]


LONG_LOOP = LOOP.replace("range(3)", "range(40)").replace("0.3 * epoch", "0.01 * epoch")
WARNING_TAIL = "Fit with weights\n  ...\n    to  \n  ['...']\nTrain on 100 samples\n"

GOOD = {
    "nothing": ("x = 1", ""),
    "training": (TRAINING, TRAINED),
    "unfinished bar": (UNFINISHED, UNFINISHED_REFERENCE),
    "early stopping": (STOPPING, STOPPED),
    "array": (ARRAY, ARRAY_REFERENCE),
    "repr": (HISTORY, "Train for 5 steps\n=> <tensorflow.python.keras.callbacks.History at 0x7ffb7e806d50>"),
    "class": ("class _Batch:\n    pass\nprint(_Batch)", "<class 'tensorflow.python.data.Batch'>\n"),
    "own help": (HELP, HELP_REFERENCE),
    "foreign help": (TENSORFLOW_HELP, HELP_REFERENCE + "\n\nafter\n"),
    "cut": (LONG_LOOP, cut_loop()),
    "warning tail": ("print('Fit with weights')\nprint('Train on 100 samples')", WARNING_TAIL),
    "missing package": ("'<Image>'", "Failed to import pydot. You must install pydot.\n"),
    "magic": ("try:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass\n!pip list\nprint('ready')", "ready\n"),
    "other language": ("%%bash\nexit 1", ""),
    "future": ("from __future__ import annotations\nprint('a')", "a\n"),
    "never executed": ("print('anything')", None),
    "standard error": ("import sys\nprint('W', file=sys.stderr)", ""),
    "backspaces": ("print('1/2 [=>..]' + '\\b' * 10 + '2/2 [====] - 1s 2ms/step - loss: 1.0')", ""),
    "unknown total": ("print('12/Unknown - 3s 5ms/step - loss: 1.0')", ""),
    "nan": ("print('loss', float('nan'))", "loss nan\n"),
    "same float": ("print(0.30000001192092896)", "0.3\n"),
    "silent": ("1 + 1;", ""),
}

FAULTS = {  # name: (good cell, what is replaced, by what, verdict, what the report must say)
    "loss doubled": ("training", "(0.35, 0.16, 0.12)", "(0.7, 0.32, 0.24)", "differs", "0.3461 is not in"),
    "last loss doubled": ("training", "(0.35, 0.16, 0.12)", "(0.35, 0.16, 0.24)", "differs", "0.1205 is not in"),
    "loss halved": ("training", "(0.35, 0.16, 0.12)", "(0.17, 0.08, 0.06)", "differs", "is not in"),
    "metric missing": ("training", "history)\n", "{'loss': history['loss']})\n", "differs", "differs"),
    "metric renamed": ("training", "history)\n", "str(history).replace('acc', 'AC'))\n", "differs", "differs"),
    "one epoch fewer": ("training", "in range(3)", "in range(2)", "differs", "3 expected; ours: 2"),
    "other epoch count": ("training", "Epoch %d/3", "Epoch %d/4", "differs", "3 expected; ours: 4"),
    "header changed": ("training", "Train on 5000 samples", "Train on 5000 images", "differs", "line differs"),
    "header number": ("training", "Train on 5000", "Train on 4999", "differs", "5000 expected; ours: 4999"),
    "header missing": ("training", "print('Train", "str('Train", "differs", "is missing"),
    "extra line": ("training", "print('\\n", "print('surplus')\nprint('\\n", "differs", "is not in the reference"),
    "nan loss": ("training", "(0.35, 0.16, 0.12)", "(0.35, float('nan'), 0.12)", "differs", "nan"),
    "nan in a finished bar": ("training", "history['loss'][epoch],", "float('nan'),", "differs", "not a number"),
    "bar loses a metric": ("unfinished bar", " - val_loss: %.4f' % (loss, val)", "' % loss", "differs", "differs"),
    "bar loss doubled": ("unfinished bar", "(2.30, 0.01)", "(4.60, 0.01)", "differs", "2.3046 is not in"),
    "never stops": ("early stopping", "epoch + 1 == stop", "False", "differs", "is missing"),
    "stops far too late": ("early stopping", "[5, 6, 7]", "[15, 16, 17]", "differs", "6"),
    "other padding": ("early stopping", "%05d", "%d", "differs", "6"),
    "shape": ("array", "(4, 3))", "(3, 4))", "differs", "4 expected; ours: 3"),
    "array sign": ("array", "[[-9.2,", "[[9.2,", "differs", "is not in"),
    "other class": ("repr", "History", "Story", "differs", "differs"),
    "value not shown": ("repr", "\nHistory()", "\nNone", "differs", "is missing"),
    "parameter missing": ("own help", " shuffle=True,", "", "differs", "`shuffle`"),
    "parameters swapped": ("own help", "x=None, y=None", "y=None, x=None", "differs", "has it elsewhere"),
    "other function": ("own help", "fit", "fitted", "differs", "differs"),
    "loop loses an epoch before the cut": ("cut", "range(40)", "range(1, 40)", "differs", "0 expected; ours: 1"),
    "nan after the cut": ("cut", "random.gauss(", "float('nan') if epoch > 30 else random.gauss(", "differs", "nan"),
    "loop too short": ("cut", "range(40)", "range(2)", "differs", "is missing"),
    "loop loss doubled": ("cut", "random.gauss(", "2 * random.gauss(", "differs", "is not in"),
    "raises": ("training", "print('\\n", "raise ValueError('broken')\nprint('\\n", "error", "ValueError: broken"),
    "exits": ("nothing", "x = 1", "raise SystemExit(0)", "error", "SystemExit"),
    "no syntax": ("nothing", "x = 1", "x = = 1", "error", "SyntaxError"),
    "never executed raises": ("never executed", "print(", "undefined(", "error", "NameError"),
    "prints where nothing is": ("nothing", "x = 1", "print(1)", "differs", "is not in the reference"),
    "numpy scalars": ("same float", "0.30000001192092896", "'np.float64(0.3)'", "differs", "differs"),
    "integer for float": ("same float", "0.30000001192092896", "0", "differs", "differs"),
    "other float": ("same float", "0.30000001192092896", "0.31", "differs", "0.3 expected"),
}


def notebook_cell(source: str, saved: str | None, count: int) -> nbformat.NotebookNode:
    """A code cell; the line after `=> ` of what is saved is its value."""
    if saved is None:
        return nbformat.v4.new_code_cell(source)
    printed, _, value = saved.partition("=> ")
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)] if printed else []
    if value:
        outputs.append(nbformat.v4.new_output("execute_result", data={"text/plain": value}, execution_count=count))
    return nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs)


def write_notebook(path: Path, cells: list[tuple[str, str | None]]) -> Path:
    nodes = [nbformat.v4.new_markdown_cell("words")]
    nodes += [notebook_cell(source, saved, count) for count, (source, saved) in enumerate(cells, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=nodes), str(path))
    return path


def faulty(name: str) -> tuple[str, str | None]:
    good, old, new, *_ = FAULTS[name]
    source, saved = GOOD[good]
    assert old in source, f"the fault `{name}` replaces nothing"
    return source.replace(old, new), saved


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Good cells and faulty ones, run once for all tests of this file."""
    path = tmp_path_factory.mktemp("guide") / "cells.ipynb"
    cells = [*GOOD.values(), *map(faulty, FAULTS)]
    return check_guide.check(write_notebook(path, cells), seeds=3, engine="none", jobs=2)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_cell_matches(checked: Checked, name: str) -> None:
    result = checked.results[list(GOOD).index(name)]
    assert (result.verdict, result.differences) == ("match", [])


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_copy_is_reported(checked: Checked, name: str) -> None:
    result = checked.results[len(GOOD) + list(FAULTS).index(name)]
    *_, verdict, words = FAULTS[name]
    assert result.verdict == verdict
    assert any(words in f"{d.reason} {d.reference} {d.ours}" for d in result.differences), result.differences


@pytest.mark.parametrize(
    "name", ["training", "own help", "foreign help", "cut", "warning tail", "missing package", "unknown total"]
)
def test_an_allowance_is_counted(checked: Checked, name: str) -> None:
    result = checked.results[list(GOOD).index(name)]
    expected = {"training": "bars", "unknown total": "bars"}.get(name, name)
    assert result.allowances == [expected]


def test_cells_without_allowance_count_none(checked: Checked) -> None:
    for name in ("unfinished bar", "early stopping", "array", "repr", "nothing"):
        assert checked.results[list(GOOD).index(name)].allowances == []


def test_the_table_shows_figures_and_the_line_that_differs(checked: Checked) -> None:
    told = table(checked)
    assert "match, 1 allowance" in told
    assert "0.3461 | 0.3" in told
    assert "reference: Train on 5000 samples, validate on 1000 samples" in told
    assert "ours:      Train on 5000 images, validate on 1000 samples" in told
    assert f"{len(FAULTS) + len(GOOD)} cells: {len(GOOD)} match" in told


@pytest.mark.parametrize(
    ("reference", "ours", "fits"),
    [
        ("0.50", ["0.45", "0.52", "0.58"], True),
        ("0.62", ["0.45", "0.52", "0.58"], True),
        ("0.52", ["1.35", "1.75", "2.01"], False),  # tripled, and its spread with it
        ("0.52", ["0.15", "0.17", "0.20"], False),
        ("0.7", ["0.7", "0.7", "0.7"], True),
        ("0.71", ["0.7", "0.7", "0.7"], False),
        ("nan", ["nan", "nan", "nan"], True),
        ("nan", ["0.1", "nan", "nan"], False),
        ("0.1", ["0.1", "nan", "0.1"], False),
        ("inf", ["-inf", "-inf", "-inf"], False),
    ],
)
def test_a_figure_must_lie_in_the_spread(reference: str, ours: list[str], fits: bool) -> None:
    (judged,) = judge([Figure(reference, tuple(ours))])
    assert judged.fits is fits


def test_siblings_share_their_spread() -> None:
    alone = Figure("0.98", ("0.96", "0.96", "0.96"))
    family = [Figure("0.98", ("0.94", "0.96", "0.99"), siblings="accuracy") for _ in range(2)]
    assert not judge([alone])[0].fits
    assert judge([replace(alone, siblings="accuracy"), *family])[0].fits


def command_line(path: Path, *arguments: str) -> int:
    return check_guide.main([str(path), "--engine", "none", "--seeds", "2", *arguments])


def test_the_command_writes_its_files_and_fails_only_for_faults(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    good = write_notebook(tmp_path / "good.ipynb", [("x = '<b>&'\nprint(x)", "<b>&\n"), GOOD["training"]])
    bad = write_notebook(tmp_path / "bad.ipynb", [faulty("metric missing")])
    assert command_line(good) == 0
    assert command_line(bad) == 1
    assert command_line(good, str(bad), "--html", str(page), "--json", str(data)) == 1
    assert "2 cells: 2 match, 0 differs, 0 error" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "x = &#x27;&lt;b&gt;&amp;" in text and "does not match" in text
    notebooks = json.loads(data.read_text(encoding="utf-8"))
    assert [cell["verdict"] for notebook in notebooks for cell in notebook["cells"]] == ["match", "match", "differs"]


def test_a_process_that_dies_is_an_error_of_its_cell(tmp_path: Path) -> None:
    cells = [("x = 1", ""), ("import os\nos._exit(3)", ""), ("x = 2", "")]
    results = check_guide.check(write_notebook(tmp_path / "n.ipynb", cells), seeds=2, engine="none").results
    assert [result.verdict for result in results] == ["match", "error", "error"]
    assert "exit status 3" in results[1].differences[0].ours
    assert "not run" in results[2].differences[0].ours


def test_a_run_without_end_is_stopped(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", [("x = 1", ""), ("while True: pass", "")])
    results = check_guide.check(path, seeds=2, engine="none", jobs=2, timeout=3).results
    assert [result.verdict for result in results] == ["match", "error"]
    assert "stopped after 3 seconds" in results[1].differences[0].ours


def test_an_engine_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", [("x = 1", "")])
    (result,) = check_guide.check(path, seeds=2, engine="no_such_engine").results
    assert result.verdict == "error" and "no_such_engine" in result.differences[0].ours


def test_figures_that_agreed_by_chance_are_looked_at_again(tmp_path: Path) -> None:
    varies = ("import random\nprint('stopped at', 6 if random.random() > 0.9 else 7)", "stopped at 6\n")
    never = ("print('stopped at', 7)", "stopped at 6\n")
    by_chance = check_guide.check(write_notebook(tmp_path / "n.ipynb", [varies]), seeds=2, engine="none")
    assert by_chance.matches and [r.stdout[-2] for r in by_chance.results[0].records] == ["7", "7", "6", "7"]
    wrong = check_guide.check(write_notebook(tmp_path / "n.ipynb", [never]), seeds=2, engine="none")
    assert not wrong.matches and len(wrong.seeds) == 4


@pytest.mark.parametrize("arguments", [["--seeds", "1"], ["no_such_notebook.ipynb"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        check_guide.main(arguments)
    assert stop.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


SMALL_MODEL = dedent(
    """
    import numpy as np
    from tensorflow import keras
    from tensorflow.keras import layers
    places = np.random.RandomState(3).uniform(-1, 1, (250, 8)).astype('float32')
    kinds = (places.sum(axis=1) > 0).astype('float32')
    model = keras.Sequential([layers.Dense(16, activation='relu'), layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.01),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=['sparse_categorical_accuracy'])
    history = model.fit(places, kinds, batch_size=10, epochs=3, validation_split=0.2)
    print('history:', history.history)
    history
    """
)
SMALL_REFERENCE = """\
Train on 200 samples, validate on 50 samples
Epoch 1/3
Epoch 2/3
Epoch 3/3
history: {'loss': [0.5226, 0.3002, 0.2015], 'sparse_categorical_accuracy': [0.755, 0.92, 0.96], \
'val_loss': [0.4074, 0.2499, 0.1809], 'val_sparse_categorical_accuracy': [0.88, 0.96, 0.96]}
=> <tensorflow.python.keras.callbacks.History at 0x7ffb7e806d50>"""


@pytest.mark.slow
def test_a_model_trained_through_the_drop_in_matches_and_its_faults_are_seen(tmp_path: Path) -> None:
    """The reference figures come from tf_keras 2.21."""
    faults = [
        SMALL_MODEL.replace("metrics=['sparse", "loss_weights=3.0, metrics=['sparse"),
        SMALL_MODEL.replace("epochs=3", "epochs=2"),
        SMALL_MODEL.replace("metrics=['sparse_categorical_accuracy']", "metrics=[]"),
        SMALL_MODEL.replace("learning_rate=0.01", "learning_rate=1e-9"),
        SMALL_MODEL.replace("layers.Dense(2)", "layers.Dens(2)"),
    ]
    cells = [(source, SMALL_REFERENCE) for source in [SMALL_MODEL, *faults]]
    results = check_guide.check(write_notebook(tmp_path / "n.ipynb", cells), seeds=3, jobs=2).results
    assert results[0].differences == []
    assert [result.verdict for result in results] == ["match", "differs", "differs", "differs", "differs", "error"]
