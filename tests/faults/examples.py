"""A small model and data, and what every refusal must look like."""

from contextlib import contextmanager

import numpy as np
import pytest

import kerasish as keras

RNG = np.random.default_rng(3)
X, Y = RNG.random((40, 6), "float32"), RNG.random((40, 3), "float32")
CLASSES = RNG.integers(0, 3, 40)
SPARSE = "sparse_categorical_crossentropy"


def network(loss="mse", activation=None, **compiled):
    """Two dense layers, compiled, with the same weights every time."""
    layers = [keras.layers.Dense(4, activation="relu", input_shape=(6,)), keras.layers.Dense(3, activation)]
    model = keras.Sequential(layers)
    start = np.random.default_rng(7)
    model.set_weights([start.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
    model.compile(**{"optimizer": "sgd", "loss": loss, **compiled})
    return model


def classifier(**compiled):
    """The same with class numbers as targets."""
    return network(SPARSE, "softmax", **compiled)


@contextmanager
def refused(kind, words, model=None):
    """The error has that type, says those words in at most six lines, and the model's weights are untouched."""
    before = model.get_weights() if model is not None else []
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        yield caught
    assert len(str(caught.value).splitlines()) <= 6
    after = model.get_weights() if model is not None else []
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)
