"""Models of every kind, small ones."""
import numpy as np
import tensorflow as tf

from kerasish import Input, Model, Sequential, layers, losses, metrics, optimizers

X = np.random.default_rng(1).normal(size=(48, 4)).astype("float32")
Y = (X @ np.ones((4, 2)) + 1).astype("float32")


class Block(layers.Layer):
    """A user's layer with a list and a dict of layers, a weight, a loss and a metric."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.stack = [layers.Dense(4), layers.Dense(4)]
        self.named = {"last": layers.Dense(units)}

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (self.units,), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        for layer in self.stack:
            inputs = layer(inputs)
        self.add_loss(1e-3 * tf.reduce_sum(inputs))
        self.add_metric(tf.reduce_mean(inputs), "block_mean")
        return self.named["last"](inputs) * self.scale

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Net(Model):
    """A user's model whose constructor takes no keyword of the library's."""

    def __init__(self, units):
        super().__init__()
        self.block = Block(units)
        self.norm = layers.BatchNormalization()
        self.head = (layers.Dense(2),)

    def call(self, inputs, training=None):
        return self.head[0](self.norm(self.block(inputs), training=training))


def functional():
    inputs = Input((4,), name="rows")
    x = layers.Dense(3, activation="relu", name="first")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dropout(0.0, name="drop")(x)
    x = tf.concat([x, tf.reduce_sum(inputs, axis=-1, keepdims=True) * 0.5], -1)
    inner = Sequential([layers.Dense(3, name="inner_dense")], name="inner")
    return Model(inputs, layers.Dense(2, name="last")(inner(x)))


def sequential():
    return Sequential([layers.Dense(3, activation="tanh"), layers.Dense(2)])


def subclassed():
    return Net(3)


KINDS = {"functional": functional, "sequential": sequential, "subclassed": subclassed}
CUSTOM = {"Net": Net, "Block": Block}


def train(model, epochs=1):
    """Epochs on the same rows in the same order."""
    return model.fit(X, Y, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history


def compiled(kind, optimizer=None):
    """A model of the kind, compiled and trained for an epoch."""
    model = KINDS[kind]()
    model.compile(optimizer or optimizers.Adam(0.01), losses.Huber(0.7), metrics=["mae", metrics.MeanSquaredError()])
    train(model)
    return model


def same(one, other):
    """Whether two lists of arrays are equal to the last bit."""
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
