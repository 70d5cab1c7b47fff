"""Callbacks that raise, that are none, that train themselves, that watch what is not there (F8-F10, F28)."""

import threading

import numpy as np
import pytest

import kerasish as keras
from kerasish import callbacks as C
from tests.faults.examples import X, Y, network, refused

HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_begin",
         "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end", "set_model", "set_params"]  # fmt: skip


def raising(hook):
    def fail(self, *args, **kwargs):
        raise ArithmeticError("mine")

    return type("Raising", (C.Callback,), {hook: fail})()


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("first", [True, False])
def test_f08_an_error_in_a_callback_closes_every_other(hook, first, tmp_path):
    logger, board = C.CSVLogger(tmp_path / "log.csv"), C.TensorBoard(tmp_path, write_graph=False)
    threads, model = threading.active_count(), network()
    listed = [raising(hook), logger, board] if first else [logger, board, raising(hook)]
    with pytest.raises(ArithmeticError, match="mine"):
        model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=listed, verbose=0)
    assert logger._file is None and not board._writers
    assert threading.active_count() <= threads
    assert len(model.fit(X, Y, verbose=0).epoch) == 1


def test_f08_what_was_done_before_the_error_is_kept(tmp_path):
    def fail(epoch, logs):
        if epoch == 2:
            raise ArithmeticError("mine")

    model, logger = network(), C.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(ArithmeticError):
        model.fit(X, Y, epochs=4, callbacks=[logger, C.LambdaCallback(on_epoch_end=fail)], verbose=0)
    assert model.history.epoch == [0, 1] and int(model.optimizer.iterations) == 6
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def test_f08_a_callback_that_cannot_be_closed_does_not_keep_the_others_open(tmp_path):
    class Stuck(C.Callback):
        def _release(self):
            raise OSError("stuck")

    logger = C.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(ArithmeticError), pytest.warns(UserWarning, match="Stuck could not be closed.*stuck"):
        network().fit(X, Y, callbacks=[raising("on_epoch_end"), Stuck(), logger], verbose=0)
    assert logger._file is None


@pytest.mark.parametrize("wrong, words", [
    (object(), r"callbacks\[1\].*hook"), (C.EarlyStopping, r"callbacks\[1\].*EarlyStopping.*\(\)"),
    ("EarlyStopping", r"callbacks\[1\]"), (3, r"callbacks\[1\]"), (print, r"callbacks\[1\]"),
])  # fmt: skip
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_f09_what_is_no_callback_is_refused(wrong, words, method):
    model = network()
    arguments = (X,) if method == "predict" else (X, Y)
    with refused(TypeError, words, model):
        getattr(model, method)(*arguments, callbacks=[C.History(), wrong], verbose=0)


def test_f10_training_within_a_callback():
    other, seen = network(), []

    class Nested(C.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((logs["loss"], self.model.evaluate(X, Y, verbose=0)))

        def on_epoch_end(self, epoch, logs=None):
            other.fit(X, Y, verbose=0)
            assert self.model.predict(X, verbose=0).shape == (40, 3)

    model, alone = network(), network()
    history = model.fit(X, Y, epochs=2, shuffle=False, batch_size=10, callbacks=[Nested()], verbose=0)
    expected = alone.fit(X, Y, epochs=2, shuffle=False, batch_size=10, verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=1e-5)
    for ours, theirs in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    assert seen[-1][1] == pytest.approx(model.evaluate(X, Y, verbose=0))
    assert len(other.history.epoch) == 1


WATCHING = {
    "early stopping": lambda name, path: C.EarlyStopping(name),
    "plateau": lambda name, path: C.ReduceLROnPlateau(name),
    "checkpoint": lambda name, path: C.ModelCheckpoint(path / "m", name, save_best_only=True),
}


@pytest.mark.parametrize("make", WATCHING.values(), ids=WATCHING)
@pytest.mark.parametrize("name, words", [
    ("val_lss", "`val_lss`.*`val_loss`"), ("acc", "`acc`.*loss"), ("val_acuracy", "val_acuracy"),
])  # fmt: skip
def test_f28_a_name_that_cannot_come_is_refused(make, name, words, tmp_path):
    model = network(metrics=["mae"])
    with refused(ValueError, words, model):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[make(name, tmp_path)], verbose=0)


def test_f28_a_name_in_a_path_is_refused_too(tmp_path):
    model = network()
    with refused(ValueError, "filepath.*val_acc", model):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[C.ModelCheckpoint(tmp_path / "{val_acc:.2f}")], verbose=0)


@pytest.mark.parametrize("make", WATCHING.values(), ids=WATCHING)
def test_f28_without_validation_its_values_are_told_once_and_the_training_goes_on(make, tmp_path):
    with pytest.warns(UserWarning, match="val_loss.*validation_data") as told:
        history = network().fit(X, Y, epochs=3, callbacks=[make("val_loss", tmp_path)], verbose=0)
    assert len(told) == 1 and len(history.epoch) == 3


def test_f28_names_of_the_user_s_own_are_waited_for(tmp_path):
    class Own(keras.Sequential):
        def train_step(self, data):
            return {**super().train_step(data), "mine": 1.0}

    model = Own(network().layers)
    model.compile("sgd", "mse")
    adds = C.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(theirs=1.0))
    both = [adds, C.EarlyStopping("mine"), C.ModelCheckpoint(tmp_path / "{theirs}", save_weights_only=True)]
    assert len(model.fit(X, Y, epochs=2, callbacks=both, verbose=0).epoch) == 2
    both = [adds, C.EarlyStopping("theirs", patience=3)]
    assert len(network().fit(X, Y, epochs=2, callbacks=both, verbose=0).epoch) == 2
    with pytest.warns(UserWarning, match="mien.*mine"):
        model.fit(X, Y, callbacks=[C.EarlyStopping("mien")], verbose=0)
