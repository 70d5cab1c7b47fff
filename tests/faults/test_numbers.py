"""Numbers that are none, rates that are none, labels and indices that name nothing (F5-F7, F25, F26, F39)."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish import callbacks as C
from tests.faults.examples import CLASSES, X, Y, classifier, network, refused


def finite(model):
    return all(np.isfinite(value).all() for value in model.get_weights())


def with_one(value, rows, row=20):
    changed = rows.copy()
    changed[row, 0] = value
    return changed


xla = pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "xla"])


@xla
def test_f05_a_loss_that_is_not_finite_is_told_once_with_its_batch(jit_compile):
    model = network(jit_compile=jit_compile)
    with pytest.warns(UserWarning, match="loss.*nan.*epoch 1.*batch 6") as told:
        model.fit(X, with_one(np.nan, Y), batch_size=4, epochs=3, shuffle=False, verbose=0,
                  callbacks=[C.LambdaCallback(on_batch_end=lambda batch, logs: None)])
    assert len([warning for warning in told if "loss" in str(warning.message)]) == 1


@xla
@pytest.mark.parametrize("blocks", [True, False])
def test_f05_terminate_on_nan_gives_the_last_good_weights_back(blocks, jit_compile):
    each = [] if blocks else [C.LambdaCallback(on_batch_end=lambda batch, logs: None)]
    model, good = (network(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), jit_compile=jit_compile)
                   for _ in range(2))
    rows = np.repeat(X, 8, 0)
    wrong = np.repeat(Y, 8, 0)
    wrong[211] = np.nan
    history = model.fit(rows, wrong, batch_size=4, epochs=3, shuffle=False, verbose=0,
                        callbacks=[C.TerminateOnNaN(restore=True), *each])
    assert len(history.epoch) == 1 and finite(model)
    steps = int(model.optimizer.iterations)
    assert (52 - 16 if blocks else 52) <= steps <= 52
    good.fit(rows[: steps * 4], wrong[: steps * 4], batch_size=4, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), good.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


@xla
def test_f05_terminate_on_nan_sees_weights_that_broke_without_the_loss(jit_compile):
    model = network(optimizer=keras.optimizers.SGD(0.01), jit_compile=jit_compile)
    callback = C.TerminateOnNaN(restore=True)
    history = model.fit(with_one(np.nan, X, 39), Y, batch_size=4, epochs=5, shuffle=False, callbacks=[callback],
                        verbose=0)
    assert len(history.epoch) == 1 and finite(model)


@xla
def test_f06_weights_that_are_not_finite_are_told_though_the_loss_is(jit_compile):
    model = keras.Sequential([keras.layers.Dense(4, input_shape=(6,)), keras.layers.Lambda(lambda t: tf.where(
        tf.math.is_finite(t), t, 0.0)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=jit_compile)
    with pytest.warns(UserWarning, match="epoch 1.*dense.*kernel") as told:
        history = model.fit(with_one(np.nan, X), Y[:, :1], epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all() and not finite(model)
    assert len([warning for warning in told if "weights" in str(warning.message)]) == 1


def test_f06_nothing_is_told_of_good_runs():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network().fit(X, Y, epochs=2, verbose=0)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, "0.1", [0.1], None])
def test_f07_a_rate_that_is_none_is_refused(rate):
    with refused((TypeError, ValueError), "learning_rate"):
        keras.optimizers.Adam(rate)
    with refused((TypeError, ValueError), "learning_rate"):
        keras.optimizers.SGD(0.1).learning_rate = rate


@pytest.mark.parametrize("labels, words", [
    (CLASSES + 1, "`y`.*0 to 2.*Received: 3"), (CLASSES - 1, "`y`.*0 to 2.*-1"), (CLASSES + 2**40, "`y`.*0 to 2"),
    (CLASSES + 0.5, "`y`.*0 to 2.*.5"), (np.where(np.arange(40) == 17, np.nan, CLASSES), "`y`.*nan in row 17"),
])  # fmt: skip
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_f25_labels_outside_the_classes_are_refused(labels, words, method):
    model = classifier()
    with refused(ValueError, words, model):
        getattr(model, method)(X, labels)


def test_f25_labels_of_a_dataset_are_told_when_they_come():
    model = classifier()
    batches = tf.data.Dataset.from_tensor_slices((X, CLASSES + 1)).batch(40)
    with refused((ValueError, tf.errors.InvalidArgumentError), "outside the valid range", model):
        model.fit(batches, verbose=0)


@pytest.mark.parametrize("index", [9, -1])
def test_f26_an_index_without_embedding_is_told(index):
    model = keras.Sequential([keras.layers.Embedding(5, 3, input_length=2), keras.layers.Flatten()])
    model.compile("sgd", "mse")
    rows, targets = np.zeros((40, 2), "int32"), np.zeros((40, 6))
    rows[30, 1] = index
    for call in (lambda: model.fit(rows, targets, batch_size=40, verbose=0), lambda: model.predict(rows)):
        with refused((ValueError, tf.errors.InvalidArgumentError), f"{index} is not in.*embedding", model):
            call()


def test_f39_a_stateful_layer_refuses_another_batch():
    model = keras.Sequential([keras.layers.LSTM(2, stateful=True, batch_input_shape=(8, 4, 3)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = np.ones((9, 4, 3), "float32")
    for call in (lambda: model.predict(rows, batch_size=8), lambda: model.predict(rows),
                 lambda: model.fit(rows, rows[:, 0, :1], batch_size=8, verbose=0)):
        with refused(ValueError, "8", model):
            call()
    assert model.predict(rows[:8], batch_size=8).shape == (8, 1)
