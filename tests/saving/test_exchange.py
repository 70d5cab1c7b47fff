"""What goes from where to where: the table of formats, directions and models, each cell made by a real file.

`EXCHANGE.md` is this table. Write it anew: `WRITE_EXCHANGE=1 python -m pytest tests/saving/test_exchange.py`.
"""
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import kerasish as keras
from tests.saving.zoo import KINDS, train

FILE = Path(__file__).with_name("EXCHANGE.md")
FORMATS = {".h5": "model.h5", "weights .h5": "alone.h5", ".keras": "model.keras", ".weights.h5": "all.weights.h5"}
DIRECTIONS = ("kerasish to kerasish", "kerasish to tf_keras", "tf_keras to kerasish")
EXACT, GOES_ON, WEIGHTS = "goes on exactly", "goes on", "weights"
CANNOT = {  # what is no failure: neither the format nor tf_keras itself can do it
    ("subclassed", ".h5"): "the format holds no subclassed models",
    ("nested models", ".h5", "kerasish to tf_keras"): "tf_keras makes a layer of two models twice",
    ("nested models", ".keras", "kerasish to tf_keras"): "tf_keras makes a layer of two models twice",
    ("TextVectorization, Embedding", ".h5", "tf_keras to kerasish"): "tf_keras writes no adapted vocabulary there",
    ("TextVectorization, Embedding", "weights .h5", "tf_keras to kerasish"): "tf_keras does not write it",
    ("TextVectorization, Embedding", "weights .h5", "kerasish to tf_keras"): "tf_keras does not read it",
    ("other preprocessing", ".keras", "kerasish to tf_keras"): "tf_keras forgets the learned bins",
    ("mixed precision", ".h5", "kerasish to tf_keras"): "weights; tf_keras reads no optimizer with a loss scale",
}
results: dict[tuple[str, str, str], str] = {}


def libraries():
    import tf_keras

    return dict(zip(DIRECTIONS, ((keras, keras), (keras, tf_keras), (tf_keras, keras)), strict=True))


def expected(name, form, direction):
    for key, reason in CANNOT.items():
        if (name, form, direction)[: len(key)] == key:
            return reason
    if form == "weights .h5":
        return WEIGHTS
    return EXACT if direction == DIRECTIONS[0] else GOES_ON


def loaded(kind, library, form):
    if form in (".h5", ".keras"):
        return library.models.load_model(FORMATS[form], custom_objects=kind.custom(library))
    model = kind.compiled(library)
    model.optimizer.build(model.trainable_variables)
    model.load_weights(FORMATS[form])
    return model


def same(one, other, exactly):
    return all(np.array_equal(a, b) if exactly else np.allclose(a, b, rtol=1e-5, atol=2e-5)
               for a, b in zip(one, other, strict=True))  # fmt: skip


def state(kind, model):
    return [*(variable.numpy() for variable in model.trainable_variables), *kind.outputs(model)]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", KINDS)
def test_models_come_back_and_training_goes_on(name, direction, here):
    writer, reader = libraries()[direction]
    kind, exactly = KINDS[name], writer is reader
    writer.utils.set_random_seed(1)
    model = train(kind, kind.compiled(writer))
    outputs = kind.outputs(model)
    wanted = {form: expected(name, form, direction) for form in FORMATS}
    possible = [form for form in FORMATS if wanted[form] in (EXACT, GOES_ON, WEIGHTS) or "weights;" in wanted[form]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file")
        for form in possible:
            (model.save_weights if "weights" in form else model.save)(FORMATS[form])
    train(kind, model)
    for form in possible:
        read = loaded(kind, reader, form)
        assert same(outputs, kind.outputs(read), exactly), form
        if wanted[form] in (EXACT, GOES_ON):
            assert same(state(kind, model), state(kind, train(kind, read)), exactly), form
            assert read.metrics_names == model.metrics_names
    results.update({(name, form, direction): wanted[form] for form in FORMATS})


@pytest.mark.parametrize(("name", "form"), [key[:2] for key in CANNOT if key[0] in ("nested models", "subclassed")])
def test_what_is_said_of_tf_keras_is_so(name, form, here):
    import tf_keras

    kind = KINDS[name]
    model = kind.compiled(tf_keras)
    with pytest.raises((ValueError, NotImplementedError, AssertionError)):
        model.save(FORMATS[form])
        read = tf_keras.models.load_model(FORMATS[form], custom_objects=kind.custom(tf_keras))
        assert len(read.weights) == len(model.weights)


def table():
    lines = ["# What goes from where to where", "",
             "Made by `tests/saving/test_exchange.py`: every cell is a file that one library wrote and the other read,",
             f'with equal outputs. "{EXACT}": bit-equal, and so are three more steps of training to those of a run',
             f'that never stopped; "{GOES_ON}": likewise, up to rounding; "{WEIGHTS}": the file has no optimizer.',
             ""]  # fmt: skip
    for direction in DIRECTIONS:
        lines += [f"## {direction}", "", f"| model | {' | '.join(FORMATS)} |", "|---" * (len(FORMATS) + 1) + "|"]
        lines += [f"| {name} | {' | '.join(expected(name, form, direction) for form in FORMATS)} |" for name in KINDS]
        lines.append("")
    return "\n".join(lines)


def test_the_table_says_so():
    if os.environ.get("WRITE_EXCHANGE"):
        FILE.write_text(table())
    assert all(expected(*key) == found for key, found in results.items())
    assert FILE.read_text() == table()
