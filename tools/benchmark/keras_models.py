"""The measured models, written once for every library with the API of Keras."""

from __future__ import annotations

from typing import Any

from .engines import Library


def _classify(library: Library, inputs: Any, outputs: Any, optimizer: Any = "adam") -> Any:
    """A compiled classifier of integer labels, from logits."""
    keras = library.keras
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return library.compile(keras.Model(inputs, outputs), optimizer, loss, ["sparse_categorical_accuracy"])


def guide_mlp(library: Library) -> Any:
    """784-64-64-10 with RMSprop: the guide's model of part I."""
    keras, layers = library.keras, library.keras.layers
    inputs = keras.Input((784,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(x)
    return _classify(library, inputs, layers.Dense(10)(x), keras.optimizers.RMSprop(1e-3))


def mlp_1024(library: Library) -> Any:
    layers = library.keras.layers
    inputs = library.keras.Input((784,))
    x = layers.Dense(1024, activation="relu")(inputs)
    x = layers.Dense(1024, activation="relu")(x)
    return _classify(library, inputs, layers.Dense(10)(x))


def cnn(library: Library) -> Any:
    """The well-known small network for MNIST: two convolutions with pooling, dropout, a dense layer."""
    layers = library.keras.layers
    x = inputs = library.keras.Input((28, 28, 1))
    for filters in (32, 64):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, activation="relu")(x))
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    return _classify(library, inputs, layers.Dense(10)(x))


def recurrent(library: Library, kind: str) -> Any:
    """`kind` (LSTM or GRU) with 128 units over 50 steps of 32 features."""
    layers = library.keras.layers
    inputs = library.keras.Input((50, 32))
    return _classify(library, inputs, layers.Dense(10)(getattr(layers, kind)(128)(inputs)))


def text(library: Library) -> Any:
    """The mean of 200 word vectors (20,000 words of 128 numbers), then two dense layers."""
    layers = library.keras.layers
    inputs = library.keras.Input((200,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(20000, 128)(inputs))
    x = layers.Dense(64, activation="relu")(x)
    return _classify(library, inputs, layers.Dense(2)(x))


def transformer(library: Library, blocks: int) -> Any:
    """Word vectors, `blocks` encoder blocks (4 heads, width 64, feed-forward 128), mean over words, two classes."""
    layers = library.keras.layers
    inputs = library.keras.Input((64,), dtype="int32")
    x = layers.Embedding(20000, 64)(inputs)
    for _ in range(blocks):
        attended = layers.Dropout(0.1)(layers.MultiHeadAttention(4, 16)(x, x))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.add([x, attended]))
        fed = layers.Dense(64)(layers.Dense(128, activation="relu")(x))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.add([x, layers.Dropout(0.1)(fed)]))
    return _classify(library, inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def two_inputs(library: Library) -> Any:
    """The guide's model of an image and a time series, with a score and a class."""
    keras, layers = library.keras, library.keras.layers
    image, times = keras.Input((32, 32, 3)), keras.Input((None, 10))
    a = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image))
    b = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(times))
    x = layers.concatenate([a, b])
    model = keras.Model([image, times], [layers.Dense(1)(x), layers.Dense(5)(x)])
    losses = [keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy(from_logits=True)]
    return library.compile(model, keras.optimizers.RMSprop(1e-3), losses)


def wide_deep(library: Library) -> Any:
    """A linear path beside two dense layers of 30, with SGD."""
    keras, layers = library.keras, library.keras.layers
    wide, deep = keras.Input((5,)), keras.Input((6,))
    x = layers.Dense(30, activation="relu")(layers.Dense(30, activation="relu")(deep))
    model = keras.Model([wide, deep], layers.Dense(1)(layers.concatenate([wide, x])))
    return library.compile(model, keras.optimizers.SGD(1e-3), "mse")


def resnet_20(library: Library) -> Any:
    """Three stages of three residual blocks with 16, 32 and 64 filters. Source: He and others, 2015, section 4.2."""
    layers = library.keras.layers

    def convolve(x: Any, filters: int, strides: int = 1, size: int = 3) -> Any:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = library.keras.Input((32, 32, 3))
    x = layers.ReLU()(convolve(inputs, 16))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            inner = convolve(layers.ReLU()(convolve(x, filters, strides)), filters)
            x = layers.ReLU()(layers.add([convolve(x, filters, strides, 1) if strides == 2 else x, inner]))
    optimizer = library.keras.optimizers.SGD(0.01, momentum=0.9)
    return _classify(library, inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)), optimizer)


def deep(library: Library, count: int) -> Any:
    """`count` layers, by turns a dense layer and its sum with what came before; not compiled."""
    layers = library.keras.layers
    x = inputs = library.keras.Input((16,))
    for _ in range(count // 2):
        x = layers.add([x, layers.Dense(16, activation="relu")(x)])
    return library.keras.Model(inputs, x)
