"""Prints as JSON by how many MB a process has grown after many predictions, fits and models, warmed up before."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

import kerasish as keras

X, Y = np.random.rand(64, 8).astype("float32"), np.random.rand(64, 1).astype("float32")


def megabytes() -> float:
    """What the process holds in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def made() -> Any:
    """A small model, compiled."""
    model = keras.Sequential([keras.layers.Dense(8, input_shape=(8,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fitted_and_dropped() -> None:
    """A model that is made, trained in both ways and forgotten."""
    model = made()
    model.fit(X, Y, verbose=0)
    model.train_on_batch(X, Y)
    del model
    keras.backend.clear_session()


def grown(work: Callable[[], Any], warm_up: int, times: int) -> float:
    """By how much the work makes the process grow, in MB."""
    for _ in range(warm_up):
        work()
    before = megabytes()
    for _ in range(times):
        work()
    return megabytes() - before


if __name__ == "__main__":
    model = made()
    found = {
        "predict": grown(lambda: model.predict(X[:1]), 200, 2000),
        "fit": grown(lambda: model.fit(X, Y, verbose=0), 50, 300),
        "models": grown(fitted_and_dropped, 10, 50),
    }
    print(json.dumps(found))
