"""What the workloads train on: MNIST, which the package holds, and numbers shaped like known data sets."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]


def digits(split: str = "train", rows: int = 50000) -> Pair:
    """MNIST as the guide prepares it: `(rows, 784)` from 0 to 1, labels as float32. Read without importing kerasish."""
    found = importlib.util.find_spec("kerasish")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("kerasish is not installed; its copy of MNIST is what is trained on")
    with np.load(Path(found.origin).parent / "datasets" / "mnist.npz") as file:
        x, y = file[f"x_{split}"], file[f"y_{split}"]
    return x.reshape(-1, 784)[:rows].astype("float32") / 255, y[:rows].astype("float32")


def images(rows: int) -> Pair:
    """MNIST as images `(rows, 28, 28, 1)`."""
    x, y = digits(rows=rows)
    return x.reshape(-1, 28, 28, 1), y


def colour_images(rows: int) -> Pair:
    """Noise shaped like CIFAR-10: `(rows, 32, 32, 3)` and ten classes."""
    random = np.random.default_rng(0)
    return random.random((rows, 32, 32, 3), "float32"), random.integers(0, 10, rows).astype("int32")


def words(rows: int, length: int, vocabulary: int) -> Pair:
    """Sentences whose words are as unequally frequent as in a text (Zipf), and two classes."""
    random = np.random.default_rng(0)
    tokens = random.zipf(1.2, (rows, length)) % vocabulary
    return tokens.astype("int32"), random.integers(0, 2, rows).astype("int32")


def series(rows: int, steps: int, features: int) -> Pair:
    """Random walks `(rows, steps, features)` and ten classes."""
    random = np.random.default_rng(0)
    walks = np.cumsum(random.normal(0, 0.1, (rows, steps, features)), axis=1)
    return walks.astype("float32"), random.integers(0, 10, rows).astype("int32")


def houses(rows: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Five columns for the wide part, six for the deep part, and a price: the shape of California housing."""
    random = np.random.default_rng(0)
    wide, deep = random.normal(size=(rows, 5)).astype("float32"), random.normal(size=(rows, 6)).astype("float32")
    return [wide, deep], (wide.sum(1, keepdims=True) + deep[:, :1] ** 2).astype("float32")


def images_and_series(rows: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The guide's random images and time series, with a score and five classes."""
    random = np.random.default_rng(0)
    x = [random.random((rows, 32, 32, 3), "float32"), random.random((rows, 20, 10), "float32")]
    return x, [random.random((rows, 1), "float32"), random.random((rows, 5), "float32")]


FEATURES, SERIES, SENTENCES = (32, 28, 28, 32), (32, 50, 32), (32, 64, 64)
"""What single layers are given: a batch of feature maps, of series, of word vectors."""


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers of that shape."""
    return np.random.default_rng(0).normal(size=shape).astype("float32")
