"""EarlyStopping, ReduceLROnPlateau, LearningRateScheduler, each beside tf_keras's on the same values."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import callbacks as C

NAN = float("nan")
STOPPING = [
    (dict(patience=1, restore_best_weights=True), [3, 1, 2, 2, 2]),
    (dict(patience=0), [3, 1, 2, 2]),
    (dict(patience=0), [3, 4, 5]),
    (dict(patience=2, min_delta=-0.5), [3, 1, 0.9, 0.8, 0.7]),
    (dict(patience=2, min_delta=0.01), [0.24, 0.19, 0.16, 0.155, 0.152, 0.151]),
    (dict(patience=2, min_delta=0.5, mode="max"), [3, 1, 0.9, 0.8]),
    (dict(patience=1, restore_best_weights=True, start_from_epoch=2), [1, 2, 3, 4, 5, 6]),
    (dict(patience=2, restore_best_weights=True, baseline=0.5), [1, 2, 3, 4]),
    (dict(patience=2, restore_best_weights=True, baseline=1.5), [2, 1, 3, 4, 5]),
    (dict(patience=5, restore_best_weights=True), [2, 1, 3]),
    (dict(patience=2, restore_best_weights=True), [NAN] * 4),
    (dict(patience=2, restore_best_weights=True), [1.0, NAN, 0.5, NAN, NAN]),
]


@pytest.mark.parametrize("arguments, values", STOPPING)
def test_early_stopping_equals_the_oracle(fake, capsys, arguments, values):
    results = []
    for library in (tf_keras.callbacks, C):
        callback = library.EarlyStopping(verbose=1, **arguments)
        ran = fake.drive(callback, [{"val_loss": value} for value in values])
        printed = capsys.readouterr().out
        results.append((len(ran.logs), ran.model.stop_training, ran.model.restored, callback.stopped_epoch,
                        callback.wait, callback.best, callback.best_epoch, printed))
    (*theirs, their_text), (*ours, our_text) = results
    np.testing.assert_equal(ours, theirs)
    stopped = f"Epoch {theirs[3] + 1}: early stopping"
    assert our_text == their_text.replace(stopped, f"Epoch {theirs[3] + 1:05d}: early stopping")


def test_early_stopping_prints_as_the_guide_does(fake, capsys):
    values = [0.24, 0.19, 0.16, 0.145, 0.155, 0.152]
    fake.drive(C.EarlyStopping(min_delta=1e-2, patience=2, verbose=1), [{"val_loss": value} for value in values])
    assert capsys.readouterr().out == "Epoch 00006: early stopping\n"


def test_early_stopping_can_be_used_twice(fake):
    callback = C.EarlyStopping(monitor="loss", patience=1)
    for _ in range(2):
        assert len(fake.drive(callback, [{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0}]).logs) == 2


@pytest.mark.parametrize("name", ["acc", "val_acc", "val_auc", "auc_1", "fmeasure_x", "val_f1", "precision", "my_acc_x",
                                  "Accuracy", "val_top_k_categorical_accuracy", "loss"])
@pytest.mark.filterwarnings("ignore:.*takes a smaller")
def test_auto_mode_equals_the_oracle(name):
    makers = [lambda lib: lib.EarlyStopping(name), lambda lib: lib.ModelCheckpoint("x", name),
              lambda lib: lib.ReduceLROnPlateau(name)]
    for make in makers:
        ours, theirs = (bool(make(library).monitor_op(2.0, 1.0)) for library in (C, tf_keras.callbacks))
        assert ours == theirs


def test_a_score_that_is_minimised_is_told():
    with pytest.warns(UserWarning, match='Pass mode="max"'):
        C.ModelCheckpoint("x", monitor="val_auc", save_best_only=True)
    with pytest.warns(UserWarning, match="mode='maximum'"):
        C.EarlyStopping(mode="maximum")


@pytest.mark.parametrize("make", [lambda: C.EarlyStopping("val_los"), lambda: C.ReduceLROnPlateau("val_los"),
                                  lambda: C.ModelCheckpoint("x", "val_los", save_best_only=True)])
def test_unknown_monitor_is_told_once_with_the_nearest_name(fake, make):
    callback = make()
    with pytest.warns(UserWarning) as told:
        ran = fake.drive(callback, [{"val_loss": 1.0}] * 3)
    assert len(told) == 1
    message = str(told[0].message)
    assert "Available: loss, val_loss" in message and "Did you mean `val_loss`?" in message
    assert len(ran.logs) == 3


def test_a_value_that_validation_has_not_given_yet_is_no_mistake():
    callback = C.EarlyStopping("val_loss")
    callback.set_params({"validation_steps": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_epoch_end(0, {"loss": 1.0})
    with pytest.warns(UserWarning, match="forget `validation_data`"):
        fresh = C.EarlyStopping("val_loss")
        fresh.set_params({"validation_steps": None})
        fresh.on_epoch_end(0, {"loss": 1.0})


PLATEAU = [
    (dict(patience=1, cooldown=1), [3, 1, 2, 2, 2, 2]),
    (dict(patience=2, factor=0.5, cooldown=2), [3, 3, 3, 3, 3, 3, 3, 3]),
    (dict(patience=1, min_lr=0.05), [1, 1, 1, 1]),
    (dict(patience=1, mode="max", min_delta=0.5), [1, 1.4, 1.6, 1.7]),
    (dict(patience=0), [2, 3, 1]),
    (dict(patience=1, epsilon=0.5), [2, 1.6, 1.2]),
]


@pytest.mark.parametrize("arguments, values", PLATEAU)
def test_reduce_lr_on_plateau_equals_the_oracle(fake, capsys, arguments, values):
    results = []
    for library in (tf_keras.callbacks, C):
        callback = library.ReduceLROnPlateau(verbose=1, **arguments)
        ran = fake.drive(callback, [{"val_loss": value} for value in values])
        text = capsys.readouterr().out
        results.append(([logs["lr"] for logs in ran.logs], float(ran.model.optimizer.lr), callback.wait,
                        callback.cooldown_counter, text))
    (*theirs, their_text), (*ours, our_text) = results
    assert ours == theirs
    for epoch in range(1, 10):
        their_text = their_text.replace(f"\nEpoch {epoch}: ", f"Epoch {epoch:05d}: ")
    assert our_text == their_text


def test_rates_in_the_logs_are_python_floats(fake):
    ran = fake.drive([C.ReduceLROnPlateau("loss"), C.LearningRateScheduler(lambda epoch: 0.5)], [{}])
    assert type(ran.logs[0]["lr"]) is float


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: rate / 2,
                                      lambda epoch: np.float32(0.25), lambda epoch: tf.constant(0.25)])
def test_learning_rate_scheduler_equals_the_oracle(fake, capsys, schedule):
    results = []
    for library in (tf_keras.callbacks, C):
        ran = fake.drive(library.LearningRateScheduler(schedule, verbose=1), [{}, {}, {}])
        results.append([logs["lr"] for logs in ran.logs])
    assert results[0] == results[1]
    printed = capsys.readouterr().out.splitlines()
    assert "Epoch 00003: LearningRateScheduler setting learning rate to" in printed[-1]


@pytest.mark.parametrize("wrong", ["a", 1, None, tf.constant(1)])
def test_a_schedule_that_gives_no_float(fake, wrong):
    with pytest.raises(ValueError, match="to return a float"):
        fake.drive(C.LearningRateScheduler(lambda epoch: wrong), [{}])


def test_a_type_error_inside_the_schedule_is_not_hidden(fake):
    def schedule(epoch, rate):
        return epoch + "a"

    with pytest.raises(TypeError, match="unsupported operand"):
        fake.drive(C.LearningRateScheduler(schedule), [{}])


@pytest.mark.parametrize("make", [lambda: C.ReduceLROnPlateau("loss"), lambda: C.LearningRateScheduler(lambda e: 0.1)])
def test_a_rate_that_follows_a_schedule_cannot_be_set(fake, make):
    model = fake.Model(rate=lambda step: 0.1)
    with pytest.raises(TypeError, match="follows"):
        fake.drive(make(), [{}], model=model)


def test_bad_arguments():
    with pytest.raises(ValueError, match="factor=1.5"):
        C.ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match="patiens"):
        C.ReduceLROnPlateau(patiens=3)
