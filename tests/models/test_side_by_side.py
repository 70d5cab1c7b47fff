"""Eight real models, tiny, train beside tf_keras's from the same weights and follow its losses for 50 steps."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

STEPS, BATCH = 50, 4


def numbers(*shape):
    return np.random.RandomState(sum(shape)).normal(size=(3 * BATCH, *shape)).astype("float32")


def classes(count, *shape):
    return np.random.RandomState(count).randint(0, count, (3 * BATCH, *shape))


def resnet(k):
    """Blocks with batch normalization and a shortcut, one of them narrowing."""
    layers = k.layers

    def block(x, filters, strides):
        y = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(y))
        y = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if strides > 1:
            x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides, use_bias=False)(x))
        return layers.ReLU()(layers.Add()([x, y]))

    image = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2")(image)
    x = layers.GlobalAveragePooling2D()(block(block(x, 4, 1), 8, 2))
    model = k.Model(image, layers.Dense(3)(x))
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.SGD(0.02, momentum=0.9), loss, metrics=["accuracy"])
    return model, (numbers(8, 8, 3), classes(3))


def text_lstm(k):
    """A bidirectional LSTM on masked text."""
    layers = k.layers
    model = k.Sequential([
        layers.Embedding(20, 6, mask_zero=True, input_length=7),
        layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
        layers.Bidirectional(layers.GRU(4), merge_mode="sum"),
        layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    model.compile(k.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy", k.metrics.AUC()])
    words = classes(19, 7) + 1
    words[np.arange(7) >= np.arange(3 * BATCH)[:, None] % 6 + 2] = 0
    return model, (words, classes(2))


def transformer(k):
    """A transformer encoder with a positional embedding and padding."""
    layers = k.layers

    class Positions(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = True

        def build(self, input_shape):
            self.table = self.add_weight(name="table", shape=input_shape[1:], initializer="glorot_uniform")
            super().build(input_shape)

        def call(self, inputs):
            return inputs + self.table

    words = layers.Input((6,), dtype="int32")
    x = Positions()(layers.Embedding(15, 8, mask_zero=True)(words))
    for _ in range(2):
        attended = layers.MultiHeadAttention(2, 4)(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
        inner = layers.Dense(8)(layers.Dense(16, "gelu")(x))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, inner]))
    model = k.Model(words, layers.Dense(4, "softmax")(layers.GlobalAveragePooling1D()(x)))
    model.compile(k.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    padded = classes(14, 6) + 1
    padded[:, 4:] *= classes(2, 1)
    return model, (padded, classes(4))


def unet(k):
    """A U-Net: down, up, and the way across."""
    layers = k.layers
    image = layers.Input((8, 8, 1))
    wide = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    deep = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.MaxPooling2D()(wide))
    deep = layers.SpatialDropout2D(0.0)(layers.BatchNormalization(momentum=0.8)(deep))
    up = layers.Conv2DTranspose(4, 2, strides=2, padding="same")(deep)
    both = layers.Concatenate()([wide, up, layers.UpSampling2D(interpolation="bilinear")(deep)])
    model = k.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(both))
    model.compile(k.optimizers.RMSprop(0.002), "binary_crossentropy", metrics=[k.metrics.MeanIoU(2)])
    return model, (numbers(8, 8, 1), classes(2, 8, 8, 1))


def conv_lstm(k):
    """A ConvLSTM that continues a film."""
    layers = k.layers
    model = k.Sequential([
        layers.Input((4, 6, 6, 1)),
        layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True),
        layers.BatchNormalization(),
        layers.ConvLSTM2D(2, 3, padding="same", recurrent_activation="sigmoid"),
        layers.Conv2D(1, 3, padding="same"),
    ])  # fmt: skip
    model.compile(k.optimizers.Adam(0.005), "mse", metrics=["mae"])
    return model, (numbers(4, 6, 6, 1), numbers(6, 6, 1))


def autoencoder(k):
    """An autoencoder with a penalty on its code and a loss of its own."""
    layers = k.layers
    image = layers.Input((10,))
    code = layers.Dense(3, "elu", activity_regularizer=k.regularizers.L1(0.01))(layers.Dense(6, "selu")(image))
    decoded = layers.Dense(10, kernel_constraint="max_norm")(layers.Dense(6, "swish")(code))
    model = k.Model(image, decoded)
    model.add_loss(tf.reduce_mean(tf.square(image - decoded)))
    model.add_metric(tf.reduce_mean(tf.abs(code)), name="code", aggregation="mean")
    model.compile(k.optimizers.Adagrad(0.05))
    return model, (numbers(10),)


def variational(k):
    """A variational autoencoder that adds its losses in `call`; what it samples is among its inputs."""

    class Variational(k.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.mean, self.spread = (k.layers.Dense(n, a) for n, a in ((6, "tanh"), (2, None), (2, None)))
            self.decoder = k.Sequential([k.layers.Dense(6, "relu"), k.layers.Dense(8, "sigmoid")])

        def call(self, inputs):
            x, noise = inputs
            hidden = self.hidden(x)
            mean, spread = self.mean(hidden), self.spread(hidden)
            self.add_loss(-0.05 * tf.reduce_mean(1 + spread - tf.square(mean) - tf.exp(spread)))
            return self.decoder(mean + tf.exp(0.5 * spread) * noise)

    model = Variational()
    model.compile(k.optimizers.Adamax(0.01), "binary_crossentropy")
    x = tf.sigmoid(numbers(8)).numpy()
    return model, ((x, numbers(2)), x)


def adversarial(k):
    """A GAN with a step of its own: two optimizers, two tapes, metrics by hand."""

    class Adversarial(k.Model):
        def __init__(self):
            super().__init__()
            layers = k.layers
            self.critic = k.Sequential([layers.Dense(6), layers.LeakyReLU(0.2), layers.Dense(1)])
            self.artist = k.Sequential([layers.Dense(6, "relu"), layers.Dense(5)])
            self.of_critic, self.of_artist = k.metrics.Mean(name="critic"), k.metrics.Mean(name="artist")

        def compile(self, critic_optimizer, artist_optimizer, loss_fn):
            super().compile()
            self.critic_optimizer, self.artist_optimizer, self.loss_fn = critic_optimizer, artist_optimizer, loss_fn

        @property
        def metrics(self):
            return [self.of_critic, self.of_artist]

        def call(self, inputs):
            return self.critic(inputs[0]), self.artist(inputs[1])

        def train_step(self, data):
            real, noise = data[0]
            ones = tf.ones_like(real[:, :1])
            labels = tf.concat([ones, tf.zeros_like(ones)], 0)
            with tf.GradientTape() as tape:
                both = tf.concat([real, self.artist(noise, training=True)], 0)
                loss = self.loss_fn(labels, self.critic(both, training=True))
            slopes = tape.gradient(loss, self.critic.trainable_weights)
            self.critic_optimizer.apply_gradients(zip(slopes, self.critic.trainable_weights, strict=True))
            with tf.GradientTape() as tape:
                fooled = self.loss_fn(ones, self.critic(self.artist(noise)))
            slopes = tape.gradient(fooled, self.artist.trainable_weights)
            self.artist_optimizer.apply_gradients(zip(slopes, self.artist.trainable_weights, strict=True))
            self.of_critic.update_state(loss)
            self.of_artist.update_state(fooled)
            return {metric.name: metric.result() for metric in self.metrics}

    model = Adversarial()
    loss = k.losses.BinaryCrossentropy(from_logits=True)
    model.compile(k.optimizers.Adam(0.003), k.optimizers.Adam(0.002, beta_1=0.5), loss)
    return model, ((numbers(5), numbers(3)),)


MODELS = [resnet, text_lstm, transformer, unet, conv_lstm, autoencoder, variational, adversarial]


def batches(parts):
    """A dataset without end of the parts (inputs, and targets if there are two), inputs alone in a tuple of one."""
    return tf.data.Dataset.from_tensor_slices(parts).batch(BATCH).repeat()


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS)
def test_a_real_model_follows_the_oracle_for_fifty_steps(make):
    tf_keras.utils.set_random_seed(1)
    (ours, parts), (theirs, _) = make(kerasish), make(tf_keras)
    first = tf.nest.map_structure(lambda part: tf.constant(part[:BATCH]), parts[0])
    ours(first), theirs(first)
    ours.set_weights(theirs.get_weights())
    histories = [
        model.fit(batches(parts), steps_per_epoch=1, epochs=STEPS, verbose=0).history for model in (ours, theirs)
    ]
    keys = [sorted(history) for history in histories]
    assert [len(one) for one in keys] == [len(keys[1])] * 2
    for key, other in zip(*keys, strict=True):
        assert len(histories[0][key]) == STEPS
        assert "loss" not in key or histories[0][key][-1] != histories[0][key][0], "it trains"
        np.testing.assert_allclose(histories[0][key], histories[1][other], rtol=1e-4, atol=1e-4, err_msg=key)
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=2e-3, atol=2e-3)
