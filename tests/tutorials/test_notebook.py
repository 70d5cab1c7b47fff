"""The tutorial as a file: valid, complete, with clean saved outputs, and our own. tools/check_guide.py runs it."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from guide_check.reference import Cell, read_cells
from guide_check.text import is_finished_bar, items_of

from kerasish.__main__ import without_magics

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "tutorials" / "train_and_evaluate.ipynb"
GUIDE = ROOT.parent / "shared" / "guide" / "train_and_evaluate.json"
LONGEST_SHARED = 2  # lines in a row, imports aside, that two texts about one interface may have in common

# What the code uses, with what the saved output of the same cell shows.
FEATURES = {
    "kerasish.install()": "",
    "mnist.load_data()": "(50000, 784)",
    ".summary()": "Total params: 55050",
    'optimizer="rmsprop"': "RMSprop, learning rate 0.001",
    "validation_data=(": "Train on 50000 samples, validate on 10000 samples\nEpoch 1/3",
    ".history.items()": "val_sparse_categorical_accuracy [0.9405 0.9647 0.9632]",
    ".evaluate(": "test loss 0.1159, test accuracy 0.9635",
    ".predict(": "(3, 10)",
    "loss=mean_distance": "Epoch 3/3",
    "(keras.losses.Loss)": "1.0397",
    "one_hot": "(50000, 10)",
    "loss=two_sided": "Epoch 5/5",
    "(keras.metrics.Metric)": "",
    "def reset_states": "",
    "self.add_loss": "Train on 50000 samples",
    "self.add_metric": "spread_of_features",
    ".add_loss(0.1 * tf.reduce_sum": "spread_of_features",
    "validation_split=0.2, epochs=1, steps_per_epoch=1": "   64/40000 [.....",
    "from_tensor_slices": "782 157",
    ".fit(training_batches, epochs=3)": "Train for 782 steps\n",
    ".take(100)": "Train for 100 steps",
    "validation_data=held_out_batches)": "Train for 782 steps, validate for 157 steps",
    "validation_steps=10": "Train for 782 steps, validate for 10 steps",
    "(keras.utils.Sequence)": "Train for 100 steps",
    "class_weight=": "Epoch 4/4",
    "sample_weight=weights": "Epoch 4/4",
    "(pictures, digits, weights)": "Train for 782 steps",
    "layers.Conv1D": "(None, 6)",
    "plot_model": "drawn: True",
    "metrics=[\n        [": "rating_mean_absolute_percentage_error",
    'loss_weights={"rating": 2.0, "kind": 1.0}': "True",
    "loss=[None, ": "loss kind_loss",
    'loss={"kind": ': "loss kind_loss",
    "named_inputs, named_labels, batch_size": "Epoch 3/3\nTrain on 100 samples\nEpoch 1/3",
    "shuffled_batches_of(named_inputs": "Train for 2 steps",
    "EarlyStopping": "Epoch 00006: early stopping",
    "(keras.callbacks.Callback)": "782 losses",
    "ModelCheckpoint": "validate on 10000 samples",
    "load_model": "True",
    "ExponentialDecay": "100000 0.09600",
    "ReduceLROnPlateau": "0.00050",
    "TensorBoard": "['train', 'validation']",
    "report(batch, learn(": "batch 600: loss 1.6880 (38464 pictures so far)",
    "SparseCategoricalAccuracy()": "[0.5365 0.6445]",
    "network.losses])": "['7.7825']",
    "for start in (0, 64, 128)": "['7.6858']",
    "report(batch, learn_with_extra_losses": "batch 600: loss 2.3080",
}


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return read_cells(TUTORIAL)


def test_is_a_valid_notebook_that_was_run_in_order():
    notebook = nbformat.read(str(TUTORIAL), as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for cell in code for output in cell.outputs} == {"stream"}
    assert {output.name for cell in code for output in cell.outputs} == {"stdout"}


def test_needs_nothing_but_python(cells):
    for cell in cells:
        assert without_magics(cell.source, "cell").rstrip("\n") == cell.source
        ast.parse(cell.source)


def test_begins_with_the_drop_in(cells):
    assert cells[0].source == "import kerasish\n\nkerasish.install()"
    assert "from tensorflow import keras\nfrom tensorflow.keras import layers" in cells[1].source


@pytest.mark.parametrize("used", FEATURES)
def test_covers(cells, used):
    assert any(used in cell.source and FEATURES[used] in cell.text for cell in cells)


def test_saved_outputs_hold_no_finished_bars_and_no_control_characters(cells):
    for cell in cells:
        assert not any(map(is_finished_bar, items_of(cell.text))), cell.text
        assert not set(cell.text) & set("\r\b\x1b")


def test_saved_outputs_are_whole(cells):
    assert not any(output.cut for cell in cells for output in cell.outputs)


@pytest.mark.skipif(not GUIDE.is_file(), reason="TensorFlow's guide does not lie beside this checkout")
def test_no_code_is_that_of_the_guide(cells):
    theirs = [_lines(cell["code"]) for cell in json.loads(GUIDE.read_text(encoding="utf-8"))["cells"]]
    known = {run for lines in theirs for run in _runs(lines, LONGEST_SHARED + 1)}
    assert known
    for cell in cells:
        lines = _lines(cell.source)
        assert lines not in [other for other in theirs if len(other) > 3]
        assert not known & set(_runs(lines, LONGEST_SHARED + 1))


def _lines(source: str) -> list[str]:
    lines = (line.strip() for line in source.splitlines())
    return [line for line in lines if line and not line.startswith(("import ", "from "))]


def _runs(lines: list[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(lines[start : start + length]) for start in range(len(lines) - length + 1)]
