"""Files of every format with bytes or values changed at random: the model or one clear error, and nothing worse.

`KERASISH_EXAMPLES` sets how many files are tried for each format, and has others tried at each run.
"""
import functools
import json
import os
import pathlib
import resource
import shutil
import tempfile
import time
import warnings
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tf_keras.protobuf import saved_metadata_pb2

from kerasish import Input, Sequential, layers, models
from tests.attacks.test_code import CODE

EXAMPLES = int(os.environ.get("KERASISH_EXAMPLES", "8"))
WHOLE = ["model", "model.h5", "model.keras"]
WEIGHTS = ["checkpoint/weights", "only.h5", "only.weights.h5"]
VALUES = [
    None, 0, -1, 1e308, float("nan"), 2**40, 2**70, "", "x" * 50, True, [], {}, [[]], [1, 2, 3], "relu", "\ud800",
    {"class_name": "Dense", "config": {}}, {"class_name": "x"}, "../canary.txt", "tf.py_function",
    {"class_name": "Lambda", "config": {"name": "l", "function": [CODE, None, None], "function_type": "lambda"}},
    {"class_name": "StringLookup", "config": {"vocabulary": "../canary.txt"}},
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
]  # fmt: skip
FRACTION = st.floats(0, 1, exclude_max=True)
BYTE_CHANGES = st.lists(
    st.tuples(FRACTION, st.sampled_from(["flip", "set", "remove", "insert", "cut", "ones"]), st.integers(0, 255)),
    min_size=1, max_size=6,
)  # fmt: skip
VALUE_CHANGES = st.lists(
    st.tuples(FRACTION, st.sampled_from(["replace", "remove", "copy"]), st.sampled_from(VALUES), FRACTION),
    min_size=1, max_size=3,
)  # fmt: skip


def new_model():
    model = Sequential([
        Input((4,), name="rows"), layers.Dense(3, activation="relu", name="first"),
        layers.BatchNormalization(name="norm"), layers.Dense(2, name="last"),
    ])  # fmt: skip
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(np.zeros((2, 4)), np.zeros((2, 2)))
    return model


@functools.cache
def original():
    """A model, and a folder that holds it in every format."""
    model, folder = new_model(), tempfile.TemporaryDirectory()
    (pathlib.Path(folder.name) / "checkpoint").mkdir()
    for name in WHOLE:
        model.save(os.path.join(folder.name, name))
    for name in WEIGHTS:
        model.save_weights(os.path.join(folder.name, name))
    return model, model.get_weights(), folder


def changed_bytes(content, changes):
    content = bytearray(content)
    for fraction, kind, value in changes:
        place = int(fraction * len(content))
        if kind == "flip" and content:
            content[place] ^= 1 << value % 8
        elif kind == "set" and content:
            content[place] = value
        elif kind == "remove":
            del content[place : place + 1 + value % 64]
        elif kind == "insert":
            content[place:place] = bytes([value]) * (1 + value % 32)
        elif kind == "cut":
            del content[place:]
        elif kind == "ones":
            content[place : place + 8] = b"\xff" * 8
    return bytes(content)


def places_of(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places_of(item, (*path, key))


def at(value, path):
    return functools.reduce(lambda found, key: found[key], path, value)


def changed_values(text, changes):
    value = json.loads(text)
    for fraction, kind, new, other in changes:
        places = list(places_of(value))
        if len(places) < 2:
            break
        *path, key = places[1 + int(fraction * (len(places) - 1))]
        holder = at(value, path)
        if kind == "remove" and isinstance(holder, dict):
            del holder[key]
        else:
            copied = at(value, places[int(other * len(places))])
            holder[key] = json.loads(json.dumps(copied if kind == "copy" else new))
    return json.dumps(value)


def change_texts(path, changes, which):
    """Changes values in one of the descriptions that the model's file holds."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            name = ["model_config", "training_config"][which]
            file.attrs[name] = changed_values(file.attrs[name], changes).encode()
    elif path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = ["config.json", "metadata.json"][which]
        members[name] = changed_values(members[name], changes).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        records = saved_metadata_pb2.SavedMetadata.FromString((path / "keras_metadata.pb").read_bytes())
        record = records.nodes[0 if which == 0 else len(records.nodes) // 2]
        record.metadata = changed_values(record.metadata, changes).encode("ascii", "replace").decode()
        (path / "keras_metadata.pb").write_bytes(records.SerializeToString())


def check(name, change, tmp_path):
    """Loads a changed copy: the model, or one error that names the file; neither canary nor marker; little memory."""
    model, weights, folder = original()
    here = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
    shutil.copytree(folder.name, here / "files")
    (here / "canary.txt").write_text("secretword\n")
    path = here / "files" / name
    change(path)
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + (6 << 30), old[1]))
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = models.load_model(path) if name in WHOLE else model.load_weights(path)
    except (OSError, ValueError, MemoryError) as error:
        assert path.name in str(error) and "secretword" not in str(error), error
        assert len(str(error)) < 3000
        if name in WEIGHTS:
            assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    else:
        if name in WHOLE and type(loaded).__name__ != "RestoredModel":
            assert "secretword" not in str(loaded.get_config())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)
        model.set_weights(weights)
        shutil.rmtree(here)
    assert time.monotonic() - began < 20


def some(count):
    return settings(
        max_examples=count, deadline=None, derandomize="KERASISH_EXAMPLES" not in os.environ, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_changed_bytes(name, marker, tmp_path):
    @some(EXAMPLES)
    @given(BYTE_CHANGES, FRACTION)
    def fuzz(changes, fraction):
        def change(path):
            candidates = [path] if path.is_file() else sorted(path.parent.rglob(f"{path.name}*"))
            files = [file for file in candidates if file.is_file()] or sorted(f for f in path.rglob("*") if f.is_file())
            file = files[int(fraction * len(files))]
            file.write_bytes(changed_bytes(file.read_bytes(), changes))

        check(name, change, tmp_path)

    fuzz()


@pytest.mark.parametrize("name", WHOLE)
def test_changed_values(name, marker, tmp_path):
    @some(2 * EXAMPLES)
    @given(VALUE_CHANGES, st.integers(0, 1))
    def fuzz(changes, which):
        check(name, lambda path: change_texts(path, changes, which), tmp_path)

    fuzz()
