"""Small models that either library can make, each with rows to train on: what people save."""
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

RANDOM = np.random.default_rng(3)
ROWS = 8


def numbers(*shape):
    return RANDOM.normal(size=(ROWS, *shape)).astype("float32")


@dataclass
class Kind:
    """How a model is made and what it is trained on.

    Attributes:
        make: from the library, the model.
        x, y: inputs and targets of one batch.
        loss, metrics, optimizer: for `compile`; functions of the library where they are no names.
        custom: from the library, the user's classes and functions in the model by name.
        policy: the policy under which it is made.
    """

    make: Any
    x: Any
    y: Any
    loss: Any = "mse"
    metrics: Any = ("mae",)
    optimizer: Any = "adam"
    custom: Any = field(default=lambda library: {})
    policy: str = "float32"

    def compiled(self, library, optimizer=None):
        """The model, compiled under its policy."""
        outer = library.mixed_precision.global_policy()
        library.mixed_precision.set_global_policy(self.policy)
        try:
            model = self.make(library)
            given = lambda value: value(library) if callable(value) else value  # noqa: E731
            metrics = given(self.metrics)
            model.compile(optimizer or given(self.optimizer), given(self.loss), metrics=list(metrics))
            model(self.x)
            return model
        finally:
            library.mixed_precision.set_global_policy(outer)

    def outputs(self, model):
        """What the model gives for its rows."""
        return [np.asarray(value) for value in tf.nest.flatten(model(self.x))]


def train(kind, model, steps=3):
    """Steps as `fit` takes them, without the seconds that tracing takes."""
    for _ in range(steps):
        with tf.GradientTape() as tape:
            predicted = model(kind.x, training=True)
            loss = model.compute_loss(kind.x, kind.y, predicted)
        model.optimizer.minimize(loss, model.trainable_variables, tape=tape)
        model.compute_metrics(kind.x, kind.y, predicted, None)
    return model


def sequential(library):
    layers = library.layers
    return library.Sequential([
        layers.Dense(3, activation="tanh", kernel_regularizer="l2", input_shape=(4,)), layers.LayerNormalization(),
        layers.Dense(2),
    ])  # fmt: skip


def shared(library):
    layers = library.layers
    first, second = library.Input((4,), name="first"), library.Input((4,), name="second")
    twice = layers.Dense(3, activation="relu")
    x = layers.Concatenate()([twice(first), twice(second)])
    x = x * tf.reduce_sum(x, -1, keepdims=True) + 0.5
    return library.Model([first, second], layers.Dense(2, name="out")(x))


def nested(library):
    layers = library.layers
    tower = library.Sequential([layers.Dense(3), layers.PReLU()], name="tower")
    inputs = library.Input((4,))
    deeper = library.Model(inputs, layers.Dense(3)(tower(inputs)), name="deeper")
    inputs = library.Input((4,))
    return library.Model(inputs, layers.Dense(2)(layers.Add()([deeper(inputs), tower(inputs)])))


def cnn(library):
    layers = library.layers
    return library.Sequential([
        library.Input((6, 6, 2)), layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling2D(), layers.SeparableConv2D(2, 2), layers.GlobalAveragePooling2D(), layers.Dense(2),
    ])  # fmt: skip


def recurrent(library):
    layers = library.layers
    return library.Sequential([
        library.Input((5, 3)), layers.Bidirectional(layers.LSTM(2, return_sequences=True)), layers.GRU(3),
        layers.Dense(2),
    ])  # fmt: skip


def attention(library):
    layers = library.layers
    inputs = library.Input((5, 4))
    x = layers.MultiHeadAttention(2, 3)(inputs, inputs)
    x = layers.LayerNormalization()(x + inputs)
    return library.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def text(library):
    layers = library.layers
    split = layers.TextVectorization(output_sequence_length=4)
    split.adapt(["a b c d", "b c", "c d e"])
    inputs = library.Input((), dtype="string")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(split.vocabulary_size(), 3)(split(inputs)))
    return library.Model(inputs, layers.Dense(2)(x))


def prepared(library):
    layers = library.layers
    scaled, binned = layers.Normalization(), layers.Discretization(num_bins=3)
    scaled.adapt(np.linspace(-1, 2, 12, dtype="float32").reshape(4, 3))
    binned.adapt(np.linspace(-1, 2, 30, dtype="float32").reshape(30, 1))
    known = layers.StringLookup(vocabulary=["x", "y"], output_mode="one_hot")
    figures, letters = library.Input((3,), name="figures"), library.Input((1,), dtype="string", name="letters")
    x = layers.Concatenate()([scaled(figures), tf.cast(binned(figures[:, :1]), "float32"), known(letters)])
    return library.Model([figures, letters], layers.Dense(2)(x))


def classes(library):
    """A user's layer, model and loss."""

    class Block(library.layers.Layer):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.stack = [library.layers.Dense(4), library.layers.Dense(4)]
            self.named = {"last": library.layers.Dense(units)}

        def build(self, input_shape):
            self.offset = self.add_weight(name="offset", shape=(self.units,), trainable=False, initializer="ones")
            self.scale = self.add_weight(name="scale", shape=(self.units,), initializer="ones")
            super().build(input_shape)

        def call(self, inputs):
            for layer in self.stack:
                inputs = layer(inputs)
            return self.named["last"](inputs) * self.scale + self.offset

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Net(library.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.block, self.norm = Block(units), library.layers.BatchNormalization()
            self.head = (library.layers.Dense(2),)

        def call(self, inputs, training=None):
            return self.head[0](self.norm(self.block(inputs), training=training))

        def get_config(self):
            return {"units": self.units, "name": self.name}

    class Far(library.losses.Loss):
        def call(self, y_true, y_pred):
            return tf.reduce_mean(tf.abs(y_true - y_pred) ** 3, -1)

    def closeness(y_true, y_pred):
        return tf.exp(-tf.reduce_mean(tf.abs(y_true - y_pred), -1))

    return {"Block": Block, "Net": Net, "Far": Far, "closeness": closeness}


def subclassed(library):
    return classes(library)["Net"]()


def custom(library):
    return library.Sequential([library.Input((4,)), classes(library)["Block"](3), library.layers.Dense(2)])


def added(library):
    inputs = library.Input((4,))
    x = library.layers.Dense(3, activity_regularizer="l2")(inputs)
    model = library.Model(inputs, library.layers.Dense(2)(x))
    model.add_loss(0.01 * tf.reduce_mean(x))
    model.add_metric(tf.reduce_mean(x), name="mean_of_x", aggregation="mean")
    return model


def mixed(library):
    layers = library.layers
    return library.Sequential([library.Input((4,)), layers.Dense(3), layers.Dense(2, dtype="float32")])


def scheduled(library):
    return library.optimizers.SGD(library.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9)


def averaged(library):
    return library.optimizers.SGD(0.01, momentum=0.9, use_ema=True)


X, Y = numbers(4), tf.constant(numbers(2))
KINDS = {
    "Sequential": Kind(sequential, X, Y),
    "shared layers, several inputs": Kind(shared, [X, 2 * X], Y, loss=lambda k: {"out": k.losses.Huber(0.5)},
                                          metrics=lambda k: [k.metrics.MeanSquaredError(name="squares")]),
    "nested models": Kind(nested, X, Y, optimizer=scheduled),
    "CNN with BatchNormalization": Kind(cnn, numbers(6, 6, 2), Y, metrics=("accuracy",), optimizer="rmsprop"),
    "bidirectional LSTM": Kind(recurrent, numbers(5, 3), Y),
    "attention": Kind(attention, numbers(5, 4), Y, optimizer=averaged),
    "TextVectorization, Embedding": Kind(text, tf.constant(["a b", "c d e", "b", "e a b c"] * 2), Y),
    "other preprocessing": Kind(prepared, [numbers(3), tf.constant([["x"], ["y"], ["z"], ["x"]] * 2)], Y),
    "subclassed": Kind(subclassed, X, Y, custom=classes, optimizer=scheduled),
    "custom layer, loss and metric": Kind(custom, X, Y, custom=classes, loss=lambda k: classes(k)["Far"](),
                                          metrics=lambda k: [classes(k)["closeness"]]),
    "add_loss, add_metric": Kind(added, X, Y, optimizer="sgd"),
    "mixed precision": Kind(mixed, X, Y, policy="mixed_float16"),
}  # fmt: skip
