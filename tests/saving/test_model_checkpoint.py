"""ModelCheckpoint within fit: whole models and weights, the best ones, on real MNIST."""
import os

import numpy as np
import pytest
import tensorflow as tf

from kerasish import Input, Model, callbacks, layers, optimizers
from kerasish.models import load_model
from tests.saving.examples import X, Y, same


def test_the_best_models_of_a_training_are_saved(here, digits, capsys):
    inputs = Input((784,), name="digits")
    x = layers.Dense(16, activation="relu", name="dense_1")(inputs)
    model = Model(inputs, layers.Dense(10, activation="softmax", name="predictions")(x))
    model.compile(optimizers.RMSprop(1e-3), "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    x, y = digits
    best = callbacks.ModelCheckpoint(filepath="mymodel_{epoch}", save_best_only=True, monitor="val_loss", verbose=1)
    history = model.fit(x[:2000], y[:2000], epochs=3, batch_size=64, callbacks=[best], validation_split=0.2)
    printed = capsys.readouterr().out
    losses = history.history["val_loss"]
    improved = [epoch for epoch in range(3) if losses[epoch] == min(losses[: epoch + 1])]
    assert sorted(os.listdir(here)) == [f"mymodel_{epoch + 1}" for epoch in improved]
    assert printed.count("saving model to mymodel_") == len(improved) > 0
    restored = load_model(f"mymodel_{improved[-1] + 1}")
    found = restored.evaluate(x[1600:2000], y[1600:2000], batch_size=64, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(min(losses), rel=1e-5)
    signature = tf.saved_model.load(f"mymodel_{improved[-1] + 1}").signatures["serving_default"]
    probabilities = signature(digits=tf.constant(x[:5]))["predictions"]
    np.testing.assert_allclose(probabilities, restored.predict(x[:5]), atol=1e-6)


@pytest.mark.parametrize("path", ["weights-{epoch:02d}", "weights-{epoch:02d}.h5"])
def test_weights_are_saved_and_continued_from(path, here):
    def model():
        made = Model(inputs := Input((4,)), layers.Dense(2)(inputs))
        made.compile("adam", "mse")
        return made

    trained = model()
    saver = callbacks.ModelCheckpoint(path, save_weights_only=True)
    trained.fit(X, Y, epochs=2, shuffle=False, verbose=0, callbacks=[saver])
    other = model()
    other.load_weights(path.format(epoch=2))
    assert same(other.get_weights(), trained.get_weights())
    if not path.endswith(".h5"):
        other.fit(X, Y, epochs=1, shuffle=False, verbose=0)
        trained.fit(X, Y, epochs=1, shuffle=False, verbose=0)
        assert same(other.get_weights(), trained.get_weights())
        assert tf.train.latest_checkpoint(".") == "./weights-02"


def test_saving_within_training_by_batches(here):
    model = Model(inputs := Input((4,)), layers.Dense(2)(inputs))
    model.compile("adam", "mse")
    saver = callbacks.ModelCheckpoint("at_{epoch}_{batch}", save_freq=2)
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[saver])
    assert sorted(os.listdir(here)) == ["at_1_2", "at_1_4", "at_1_6"]
    assert int(load_model("at_1_4").optimizer.iterations) == 4
