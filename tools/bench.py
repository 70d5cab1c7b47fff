"""Times kerasish against tf_keras on the same work, taking turns in one process, and prints the ratios.

usage: python tools/bench.py [--turns N] [--only NAME] [--json FILE]

Each case prepares the same model twice, warms both up (tracing is measured apart, as "first call"), then times them in
turns A B A B; the best turn of each is quoted, because a shared machine only ever adds time. A ratio above 1 means
kerasish is that many times faster.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# isort: off
import kerasish  # noqa: E402  (before TensorFlow, which it imports without Keras 3)
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
# isort: on


@dataclass
class Case:
    """One kind of work: `prepare(keras)` returns the function to time, which does `units` steps or calls."""

    name: str
    prepare: Callable[[Any], Callable[[], Any]]
    units: int
    unit: str


def digits() -> tuple[np.ndarray, np.ndarray]:
    """MNIST as the guide prepares it."""
    (x, y), _ = kerasish.datasets.mnist.load_data()
    return x.reshape(-1, 784)[:50000].astype("float32") / 255, y[:50000].astype("float32")


def perceptron(keras: Any) -> Any:
    """The guide's model, compiled."""
    inputs = keras.Input((784,))
    x = keras.layers.Dense(64, activation="relu")(inputs)
    x = keras.layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.RMSprop(1e-3), loss, metrics=["sparse_categorical_accuracy"])
    return model


def two_inputs(keras: Any) -> Any:
    """The guide's model of an image and a time series, compiled."""
    image, series = keras.Input((32, 32, 3)), keras.Input((None, 10))
    a = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(3, 3)(image))
    b = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(3, 3)(series))
    x = keras.layers.concatenate([a, b])
    model = keras.Model([image, series], [keras.layers.Dense(1)(x), keras.layers.Dense(5)(x)])
    model.compile("rmsprop", ["mse", keras.losses.CategoricalCrossentropy(from_logits=True)])
    return model


def convolutions(keras: Any) -> Any:
    """A small image classifier, compiled."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Conv2D(32, 3),
        layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def fit_arrays(keras: Any) -> Callable[[], Any]:
    model, (x, y) = perceptron(keras), digits()
    return lambda: model.fit(x, y, batch_size=64, verbose=0)


def fit_dataset(keras: Any) -> Callable[[], Any]:
    model, dataset = perceptron(keras), tf.data.Dataset.from_tensor_slices(digits()).shuffle(1024).batch(64)
    return lambda: model.fit(dataset, verbose=0)


def fit_two_inputs(keras: Any) -> Callable[[], Any]:
    model, random = two_inputs(keras), np.random.RandomState(0)
    x = [random.random_sample((640, 32, 32, 3)), random.random_sample((640, 20, 10))]
    y = [random.random_sample((640, 1)), random.random_sample((640, 5))]
    return lambda: model.fit(x, y, batch_size=32, verbose=0)


def fit_convolutions(keras: Any) -> Callable[[], Any]:
    model, (x, y) = convolutions(keras), digits()
    images, labels = x[:3200].reshape(-1, 28, 28, 1), y[:3200]
    return lambda: model.fit(images, labels, batch_size=64, verbose=0)


def evaluate(keras: Any) -> Callable[[], Any]:
    model, (x, y) = perceptron(keras), digits()
    return lambda: model.evaluate(x, y, batch_size=128, verbose=0)


def predict_all(keras: Any) -> Callable[[], Any]:
    model, (x, _) = perceptron(keras), digits()
    return lambda: model.predict(x[:10000], verbose=0)


def predict_row(keras: Any) -> Callable[[], Any]:
    model, (x, _) = perceptron(keras), digits()
    return lambda: [model.predict(x[i : i + 1], verbose=0) for i in range(20)]


def train_on_batch(keras: Any) -> Callable[[], Any]:
    model, (x, y) = perceptron(keras), digits()
    return lambda: [model.train_on_batch(x[i * 64 : i * 64 + 64], y[i * 64 : i * 64 + 64]) for i in range(20)]


def eager_loop(keras: Any) -> Callable[[], Any]:
    model, (x, y) = perceptron(keras), digits()
    loss_of, optimizer = keras.losses.SparseCategoricalCrossentropy(from_logits=True), keras.optimizers.SGD(1e-3)
    batch = tf.constant(x[:64]), tf.constant(y[:64])

    def step() -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(batch[1], model(batch[0], training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))

    def steps() -> None:
        for _ in range(50):
            step()

    return steps


CASES = [
    Case("fit, guide's MLP, arrays", fit_arrays, 782, "step"),
    Case("fit, guide's MLP, tf.data", fit_dataset, 782, "step"),
    Case("fit, two inputs and outputs", fit_two_inputs, 20, "step"),
    Case("fit, small CNN", fit_convolutions, 50, "step"),
    Case("evaluate, arrays", evaluate, 391, "step"),
    Case("predict, 10,000 rows", predict_all, 313, "step"),
    Case("predict, one row", predict_row, 20, "call"),
    Case("train_on_batch", train_on_batch, 20, "call"),
    Case("custom loop, eager", eager_loop, 50, "step"),
]


def milliseconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


def measure(case: Case, turns: int) -> dict[str, Any]:
    """First call and best later call of both, in milliseconds per unit where not said otherwise."""
    works = {"kerasish": case.prepare(kerasish), "tf_keras": case.prepare(tf_keras)}
    first = {name: milliseconds(work) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            times[name].append(milliseconds(work))
    best = {name: min(taken) / case.units for name, taken in times.items()}
    return {"name": case.name, "unit": case.unit, "best": best, "first": first,
            "ratio": best["tf_keras"] / best["kerasish"]}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=5, help="timed calls of each (5)")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    parser.add_argument("--json", help="write the figures to this file")
    arguments = parser.parse_args()
    rows = []
    print(f"{'work':30} {'kerasish':>12} {'tf_keras':>12} {'ratio':>7}   first call (ms)")
    for case in CASES:
        if arguments.only in case.name:
            row = measure(case, arguments.turns)
            rows.append(row)
            best, first = row["best"], row["first"]
            print(f"{case.name:30} {best['kerasish']:9.3f} ms {best['tf_keras']:9.3f} ms {row['ratio']:6.1f}x"
                  f"   {first['kerasish']:.0f} | {first['tf_keras']:.0f}", flush=True)  # fmt: skip
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
