"""One row for each kind of model that people save: how either library makes it, and what it is trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf

_random = np.random.default_rng(3)
ROWS = _random.normal(size=(8, 4)).astype("float32")
IMAGES = _random.normal(size=(6, 8, 8, 2)).astype("float32")
SERIES = _random.normal(size=(6, 5, 3)).astype("float32")
TEXTS = np.array([["a cat sat"], ["a dog"], ["the cat"], ["dog sat"], ["the the"], ["mat"]])
PAIRS = np.ones((8, 2), "float32")


@dataclass(frozen=True)
class Row:
    """A kind of model.

    Attributes:
        make: makes the compiled model with a library's classes.
        x: what it is trained on.
        y: its targets.
        own: the user's classes and functions by name, with a library's classes as their bases.
    """

    make: Callable[[Any], Any]
    x: Any = None
    y: Any = None
    own: Callable[[Any], dict[str, Any]] = lambda library: {}


def _compiled(library: Any, model: Any, optimizer: Any = None, **arguments: Any) -> Any:
    optimizer = optimizer or library.optimizers.Adam(0.01)
    model.compile(optimizer, **{"loss": "mse", "run_eagerly": True, **arguments})
    return model


def _sequential(library: Any) -> Any:
    layers = library.layers
    model = library.Sequential([layers.Dense(3, "tanh", input_shape=(4,)), layers.Dropout(0.0), layers.Dense(2)])
    rate = library.optimizers.schedules.ExponentialDecay(0.01, 3, 0.9)
    return _compiled(library, model, library.optimizers.Adam(rate), metrics=["mae", "accuracy"])


def _deferred(library: Any) -> Any:
    return _compiled(library, library.Sequential([library.layers.Dense(3, "relu"), library.layers.Dense(2)]), "sgd")


def _shared(library: Any) -> Any:
    layers = library.layers
    a, b = library.Input((4,), name="a"), library.Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    first = layers.Dense(2, name="first")(layers.Concatenate()([shared(a), shared(b)]))
    second = layers.Dense(2, name="second")(shared(a))
    return _compiled(
        library, library.Model([a, b], [first, second]), library.optimizers.SGD(0.01, momentum=0.9),
        loss={"first": "mse", "second": library.losses.Huber(0.5)}, loss_weights=[1.0, 0.5],
        metrics={"first": ["mae"], "second": [library.metrics.MeanSquaredError(name="squares")]},
    )  # fmt: skip


def _nested(library: Any) -> Any:
    layers = library.layers
    inner_input = library.Input((3,))
    inner = library.Model(inner_input, layers.Dense(3, "tanh")(inner_input), name="inner")
    stack = library.Sequential([layers.Dense(3, "tanh"), layers.BatchNormalization()], name="stack")
    inputs = library.Input((4,))
    x = inner(stack(layers.Dense(3)(inputs)))
    return _compiled(library, library.Model(inputs, layers.Dense(2)(layers.Add()([x, inner(x)]))))


def _own_classes(library: Any) -> dict[str, Any]:
    layers = library.layers

    class Block(layers.Layer):
        def __init__(self, units: int = 3, **kwargs: Any):
            super().__init__(**kwargs)
            self.units = units
            self.stack = [layers.Dense(4, "tanh"), layers.Dense(units)]
            self.named = {"last": layers.Dense(units)}

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight("scale", (self.units,), initializer="ones")
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            for layer in self.stack:
                inputs = layer(inputs)
            return self.named["last"](inputs) * self.scale

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    class Net(library.Model):
        def __init__(self, units: int, **kwargs: Any):
            super().__init__(**kwargs)
            self.units = units
            self.block, self.norm, self.head = Block(units), layers.BatchNormalization(), layers.Dense(2)

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.head(self.norm(self.block(inputs), training=training))

        def get_config(self) -> dict[str, Any]:
            return {"units": self.units}

    def fourth_powers(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_mean((y_true - y_pred) ** 4, -1)

    return {"Block": Block, "Net": Net, "fourth_powers": fourth_powers}


def _subclassed(library: Any) -> Any:
    model = _own_classes(library)["Net"](3)
    return _compiled(library, model, library.optimizers.RMSprop(0.01, momentum=0.5), metrics=["mse"])


def _own_layer_and_loss(library: Any) -> Any:
    own = SimpleNamespace(**_own_classes(library))
    model = library.Sequential([library.Input((4,)), own.Block(3, name="mine"), library.layers.Dense(2)])
    return _compiled(library, model, loss=own.fourth_powers, metrics=[own.fourth_powers])


def _images(library: Any) -> Any:
    layers = library.layers
    inputs = library.Input((8, 8, 2))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu", padding="same")(inputs))
    x = layers.SeparableConv2D(3, 2)(layers.MaxPooling2D()(x))
    return _compiled(library, library.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x))))


def _recurrent(library: Any) -> Any:
    layers = library.layers
    return _compiled(library, library.Sequential([
        layers.Bidirectional(layers.LSTM(2, return_sequences=True), input_shape=(5, 3)),
        layers.TimeDistributed(layers.Dense(3)), layers.RNN([layers.GRUCell(2), layers.SimpleRNNCell(2)]),
        layers.Dense(2),
    ]))  # fmt: skip


def _attention(library: Any) -> Any:
    layers = library.layers
    inputs = library.Input((5, 3))
    x = layers.LayerNormalization()(inputs + layers.MultiHeadAttention(2, 3)(inputs, inputs))
    x = layers.Attention(use_scale=True)([x, inputs])
    return _compiled(library, library.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling1D()(x))))


def _texts(library: Any) -> Any:
    layers = library.layers
    vectors = layers.TextVectorization(10, output_sequence_length=3)
    vectors.adapt(TEXTS)
    return _compiled(library, library.Sequential([
        library.Input((1,), dtype="string"), vectors, layers.Embedding(10, 3, mask_zero=True), layers.GRU(2),
        layers.Dense(2),
    ]))  # fmt: skip


def _preprocessed(library: Any) -> Any:
    layers = library.layers
    numbers, words = library.Input((4,), name="numbers"), library.Input((1,), dtype="string", name="words")
    scale, bins, lookup = layers.Normalization(), layers.Discretization(num_bins=3), layers.StringLookup()
    scale.adapt(ROWS[:6])
    bins.adapt(ROWS[:6])
    lookup.adapt(TEXTS)
    counted = layers.CategoryEncoding(lookup.vocabulary_size(), "count")(lookup(words))
    joined = layers.Concatenate()([scale(numbers), tf.cast(bins(numbers), "float32"), counted])
    return _compiled(library, library.Model([numbers, words], layers.Dense(2)(joined)))


def _mixed(library: Any) -> Any:
    dense = library.layers.Dense
    model = library.Sequential([
        dense(3, "relu", dtype="mixed_float16", input_shape=(4,)), dense(2, dtype="mixed_float16"),
        library.layers.Activation("linear", dtype="float32"),
    ])  # fmt: skip
    return _compiled(library, model, library.mixed_precision.LossScaleOptimizer(library.optimizers.Adam(0.01)))


def _added(library: Any) -> Any:
    layers = library.layers
    inputs = library.Input((4,))
    x = layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l1", name="x")(inputs)
    model = library.Model(inputs, layers.Dense(2, bias_constraint="nonneg")(x))
    model.add_loss(0.1 * tf.reduce_mean(x))
    model.add_metric(tf.reduce_mean(x), name="mean_of_x", aggregation="mean")
    return _compiled(library, model, weighted_metrics=["mae"])


def _operations(library: Any) -> Any:
    inputs = library.Input((4,))
    x = tf.concat([inputs[:, :2] * 2.0, tf.nn.relu(library.layers.Dense(3)(inputs)) + 1.0], -1)
    x = x / tf.reduce_sum(tf.abs(x), axis=-1, keepdims=True)
    return _compiled(library, library.Model(inputs, library.layers.Dense(2)(x)))


OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True}, "RMSprop": {"centered": True, "momentum": 0.5}, "AdamW": {},
    "Adam": {"amsgrad": True, "clipnorm": 1.0}, "Adagrad": {}, "Adadelta": {}, "Adamax": {}, "Nadam": {}, "Ftrl": {},
    "Lion": {"use_ema": True}, "Adafactor": {},
}  # fmt: skip


def _with(optimizer: str) -> Callable[[Any], Any]:
    def make(library: Any) -> Any:
        model = library.Sequential([library.layers.Dense(3, input_shape=(4,)), library.layers.Dense(2)])
        return _compiled(library, model, getattr(library.optimizers, optimizer)(**OPTIMIZERS[optimizer]))

    return make


TABLE = {
    "sequential": Row(_sequential, ROWS, PAIRS),
    "sequential, built by data": Row(_deferred, ROWS, PAIRS),
    "shared layers, several inputs": Row(_shared, [ROWS, 2 * ROWS], [PAIRS, PAIRS]),
    "models within models": Row(_nested, ROWS, PAIRS),
    "subclassed": Row(_subclassed, ROWS, PAIRS, _own_classes),
    "own layer and loss": Row(_own_layer_and_loss, ROWS, PAIRS, _own_classes),
    "convolutions, batch normalization": Row(_images, IMAGES, PAIRS[:6]),
    "bidirectional LSTM, cells": Row(_recurrent, SERIES, PAIRS[:6]),
    "attention": Row(_attention, SERIES, PAIRS[:6]),
    "TextVectorization, Embedding": Row(_texts, TEXTS, PAIRS[:6]),
    "adapted preprocessing": Row(_preprocessed, [ROWS[:6], TEXTS[:, :1]], PAIRS[:6]),
    "mixed precision": Row(_mixed, ROWS, PAIRS),
    "add_loss, add_metric, regularizers": Row(_added, ROWS, PAIRS),
    "TensorFlow operations": Row(_operations, ROWS, PAIRS),
    **{name: Row(_with(name), ROWS, PAIRS) for name in OPTIMIZERS},
}
