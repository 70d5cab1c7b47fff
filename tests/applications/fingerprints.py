"""What every network is, in a few characters each: fingerprints.json, made from tf_keras.

    python tests/applications/fingerprints.py [NAME ...]

makes the entries of the networks named, or all of them, anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import sys
from pathlib import Path
from unittest import mock

import tensorflow as tf

LISTING = Path(__file__).with_name("fingerprints.json")
STORE = "https://storage.googleapis.com/tensorflow/keras-applications/"
RANDOM = ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal", "VarianceScaling")

NAMES = [
    "MobileNet", "MobileNetV2", "ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2",
    "VGG16", "VGG19",
]  # fmt: skip
FURTHER = [
    ("MobileNet", {"alpha": 0.5, "input_shape": (128, 128, 3)}),
    ("MobileNet", {"alpha": 0.25, "include_top": False, "weights": None, "depth_multiplier": 2, "pooling": "max"}),
    ("MobileNetV2", {"alpha": 0.35, "input_shape": (96, 96, 3)}),
    (
        "MobileNetV2",
        {"alpha": 1.4, "include_top": False, "weights": None, "input_shape": (97, 65, 3)},
    ),
    ("ResNet50", {"weights": None, "classes": 7, "classifier_activation": None, "input_shape": (64, 64, 1)}),
    ("VGG16", {"include_top": False, "pooling": "avg"}),
]
CASES = [(name, {"include_top": top}) for name in NAMES for top in (True, False)] + FURTHER


def key(name, arguments):
    return f"{name}({', '.join(f'{argument}={value!r}' for argument, value in arguments.items())})"


def fingerprint(library, name, arguments):
    """The model's size, hashes of its configuration and its weights' names, and what it fetches."""
    fetched = []
    with _nothing_fetched(library, fetched):
        model = getattr(library.applications, name)(**arguments)
    return {
        "name": model.name,
        "layers": len(model.layers),
        "parameters": int(model.count_params()),
        "structure": _digest(structure(model)),
        "weights": _digest([[weight.name, list(weight.shape)] for weight in model.weights]),
        "fetched": [part for url, digits in fetched for part in (url.replace(STORE, ""), digits)],
    }


def structure(model):
    """The configuration as JSON has it, less the shapes that layers were built for."""
    config = json.loads(json.dumps(model.get_config(), default=_plain))
    for layer in config["layers"]:
        layer.pop("build_config", None)
    return config


def _plain(value):
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _nothing_fetched(library, fetched):
    """Files are only written down, none is loaded; weights are zeros, which takes less time than drawing them."""

    def get_file(fname=None, origin=None, file_hash=None, cache_subdir=None):
        assert cache_subdir == "models" and (fname is None or origin.endswith(f"/{fname}"))
        fetched.append((origin, file_hash))
        return "file"

    with contextlib.ExitStack() as stack:
        for module in [module for path, module in sys.modules.items() if path.startswith(library.__name__ + ".")]:
            if inspect.isfunction(vars(module).get("get_file")):
                stack.enter_context(mock.patch.object(module, "get_file", get_file))
        stack.enter_context(mock.patch.object(library.Model, "load_weights", lambda *_, **__: None))
        for initializer in RANDOM:
            owner = getattr(library.initializers, initializer)
            zeros = lambda self, shape, dtype=None, **_: tf.zeros(shape, dtype or tf.float32)  # noqa: E731
            stack.enter_context(mock.patch.object(owner, "__call__", zeros))
        library.backend.clear_session()
        yield


def main(names):
    import tf_keras

    made = json.loads(LISTING.read_text()) if LISTING.exists() else {}
    for name, arguments in CASES:
        if not names or name in names:
            made[key(name, arguments)] = fingerprint(tf_keras, name, arguments)
            print(key(name, arguments), flush=True)
    entries = (f" {json.dumps(case)}: {json.dumps(made[case])}" for case in sorted(made))
    LISTING.write_text("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(sys.argv[1:])
