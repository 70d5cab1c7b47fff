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
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "DenseNet121", "DenseNet169",
    "DenseNet201", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2",
    "EfficientNetV2B3", "EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S", "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small", "NASNetLarge", "NASNetMobile", "RegNetX002",
    "RegNetX004", "RegNetX006", "RegNetX008", "RegNetX016", "RegNetX032", "RegNetX040", "RegNetX064", "RegNetX080",
    "RegNetX120", "RegNetX160", "RegNetX320", "RegNetY002", "RegNetY004", "RegNetY006", "RegNetY008", "RegNetY016",
    "RegNetY032", "RegNetY040", "RegNetY064", "RegNetY080", "RegNetY120", "RegNetY160", "RegNetY320", "ResNet101",
    "ResNet101V2", "ResNet152", "ResNet152V2", "ResNet50", "ResNet50V2", "ResNetRS101", "ResNetRS152", "ResNetRS200",
    "ResNetRS270", "ResNetRS350", "ResNetRS420", "ResNetRS50", "VGG16", "VGG19", "Xception",
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
    ("MobileNetV3Small", {"alpha": 0.75, "include_top": False, "pooling": "max"}),
    ("MobileNetV3Large", {"minimalistic": True, "include_preprocessing": False, "input_shape": (64, 65, 3)}),
    ("MobileNetV3Large", {"weights": None, "alpha": 1.25, "dropout_rate": 0, "classes": 7}),
    ("EfficientNetB0", {"weights": None, "drop_connect_rate": 0.5, "activation": "relu", "input_shape": (33, 64, 1)}),
    ("EfficientNetV2B0", {"weights": None, "include_preprocessing": False, "pooling": "avg", "include_top": False}),
    ("EfficientNetV2B0", {"weights": None, "input_shape": (64, 64, 1)}),
    ("ConvNeXtTiny", {"weights": None, "model_name": "mine", "include_top": False, "pooling": "max"}),
    ("RegNetY002", {"weights": None, "include_top": False, "pooling": "avg", "include_preprocessing": False}),
    ("ResNetRS50", {"weights": None, "include_preprocessing": False, "input_shape": (65, 64, 1)}),
    ("NASNetMobile", {"weights": None, "include_top": False, "input_shape": (65, 65, 3), "pooling": "avg"}),
    ("Xception", {"include_top": False, "pooling": "max"}),
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
        "fetched": [[url.replace(STORE, ""), *others] for url, *others in fetched],
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
        assert cache_subdir == "models"
        fetched.append((origin, file_hash, fname or origin.rpartition("/")[2]))
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
