"""Who is called, in which order, with what."""

import functools

import numpy as np
import pytest
import tf_keras

from kerasish import callbacks as C

WHATS = ("train", "test", "predict", "epoch", "batch", "train_batch", "test_batch", "predict_batch")
HOOKS = tuple(f"on_{what}_{when}" for what in WHATS for when in ("begin", "end"))


def recorder(base, hooks=HOOKS):
    """A callback class that notes the hooks it was given."""

    def note(hook):
        def call(self, *args, **kwargs):
            args += tuple(kwargs.values())
            self.record.append((hook, *(sorted(arg) if isinstance(arg, dict) else arg for arg in args)))

        return call

    return type("Recorder", base, {"record": [], **{hook: note(hook) for hook in hooks}})()


def fake_fit(callbacks):
    """Two epochs of two batches, the second one with a validation: the order that the training loop keeps."""
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(2):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, {"loss": 1.0})
        logs = {"loss": 1.0}
        if epoch:
            callbacks.on_test_begin()
            callbacks.on_test_batch_begin(0)
            callbacks.on_test_batch_end(0, {"loss": 2.0})
            callbacks.on_test_end({"loss": 2.0})
            logs["val_loss"] = 2.0
        callbacks.on_epoch_end(epoch, logs)
    callbacks.on_train_end(logs)


OLDER = ("on_batch_begin", "on_batch_end", "on_epoch_end")


@functools.cache
def oracle_record(hooks):
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    x, y = np.ones((10, 3)), np.ones((10, 1))
    theirs = recorder((tf_keras.callbacks.Callback,), hooks)
    model.fit(x, y, batch_size=5, epochs=2, validation_data=(x[:4], y[:4]), validation_freq=2, callbacks=[theirs],
              verbose=0)
    return theirs.record


@pytest.mark.parametrize("hooks", [HOOKS, OLDER])
def test_order_of_hooks_equals_the_oracle(hooks):
    ours = recorder((C.Callback,), hooks)
    fake_fit(C.CallbackList([ours]))
    assert ours.record == oracle_record(hooks)


def test_duck_typed_callback_with_the_older_names():
    duck = recorder((), OLDER)
    fake_fit(C.CallbackList([duck], model=object.__new__(type("M", (), {})), steps=2))
    assert duck.record == oracle_record(OLDER)


def test_older_and_newer_name_both_overridden_newer_wins():
    class Both(C.Callback):
        calls = []

        def on_batch_end(self, batch, logs=None):
            self.calls.append("older")

        def on_train_batch_end(self, batch, logs=None):
            self.calls.append("newer")

    C.CallbackList([Both()]).on_train_batch_end(0)
    assert Both.calls == ["newer"]


def test_order_of_callbacks_equals_the_oracle(fake):
    names = []
    for library in (tf_keras.callbacks, C):
        made = library.CallbackList([library.TerminateOnNaN()], add_history=True, add_progbar=True, model=fake.Model())
        names.append([type(callback).__name__ for callback in made.callbacks])
    assert names[0] == names[1] == ["TerminateOnNaN", "History", "ProgbarLogger"]


def test_history_and_progbar_of_the_user_are_not_doubled(fake):
    history, bar, model = C.History(), C.ProgbarLogger(), fake.Model()
    made = C.CallbackList([[history], (bar,)], add_history=True, add_progbar=True, model=model)
    assert made.callbacks == [history, bar]
    assert made.history is history and model.history is history


@pytest.mark.parametrize("wrong", [object(), C.History, "CSVLogger", 3])
def test_what_is_no_callback_is_named_with_its_index(wrong):
    with pytest.raises(TypeError, match=r"callbacks\[1\]") as caught:
        C.CallbackList([C.History(), wrong])
    assert str(caught.value).count("\n") < 6
    if wrong is C.History:
        assert "forget ()" in str(caught.value)


def test_logs_are_shared_so_that_a_callback_can_add_to_them():
    first = C.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=7.0))
    history = C.History()
    C.CallbackList([first, history]).on_epoch_end(0, {"loss": 1.0})
    assert history.history == {"loss": [1.0], "extra": [7.0]}


def test_history_collects_over_fits(fake):
    history = C.History()
    for _ in range(2):
        fake.drive(history, [{"acc": 0.5}, {"acc": 0.6}])
    assert history.epoch == [0, 1]
    assert history.history["acc"] == [0.5, 0.6, 0.5, 0.6]


def test_lambda_callback_takes_every_hook():
    calls = []
    made = C.LambdaCallback(on_batch_end=lambda batch, logs: calls.append(batch), on_test_end=calls.append)
    listed = C.CallbackList([made])
    listed.on_train_batch_end(3)
    listed.on_test_end({"loss": 1.0})
    listed.on_epoch_end(0)
    assert calls == [3, {"loss": 1.0}]


class OnEpoch(C.Callback):
    def on_epoch_end(self, epoch, logs=None):
        pass


class OnBatch(C.EarlyStopping):
    def on_batch_end(self, batch, logs=None):
        pass


class Duck:
    def on_test_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    "made, train, test",
    [
        ([], None, None),
        ([C.History(), C.ProgbarLogger(), C.CSVLogger("x"), C.EarlyStopping(), C.TensorBoard()], None, None),
        ([OnEpoch()], None, None),
        ([OnBatch()], 1, None),
        ([Duck()], None, 1),
        ([C.LambdaCallback(on_epoch_end=print)], None, None),
        ([C.LambdaCallback(on_batch_end=print)], 1, None),
        ([C.LambdaCallback(on_test_batch_begin=print)], None, 1),
        ([C.ModelCheckpoint("x", save_freq=10)], 10, None),
        ([C.ModelCheckpoint("x", save_freq=10), C.TensorBoard(update_freq=4)], 4, None),
        ([C.TensorBoard(update_freq="batch")], 1, None),
        ([C.TensorBoard(profile_batch=(6, 8))], 5, None),
        ([C.TerminateOnNaN()], 16, None),
        ([C.BaseLogger()], 1, None),
    ],
)
def test_batch_interval(made, train, test):
    listed = C.CallbackList(made)
    assert listed.batch_interval("train") == train
    assert listed.batch_interval("test") == test
    assert listed.batch_interval("predict") is None


def test_an_exception_passes_and_close_still_closes_every_callback(fake, tmp_path, recwarn):
    class Broken(C.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ArithmeticError("mine")

        def _release(self):
            raise RuntimeError("cannot close")

    logger = C.CSVLogger(tmp_path / "log.csv")
    listed = C.CallbackList([Broken(), logger], model=fake.Model())
    listed.on_train_begin()
    file = logger._file
    with pytest.raises(ArithmeticError, match="mine"):
        listed.on_epoch_end(0, {"loss": 1.0})
    listed.close()
    assert file.closed
    assert any("cannot close" in str(warning.message) for warning in recwarn)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_terminate_on_nan(fake, capsys, loss):
    for library in (tf_keras.callbacks, C):
        model = fake.Model()
        callback = library.TerminateOnNaN()
        callback.set_model(model)
        callback.on_batch_end(2, {"loss": 1.0})
        assert not model.stop_training
        callback.on_batch_end(3, {"loss": loss})
        assert model.stop_training
    theirs, ours = capsys.readouterr().out.splitlines()
    assert ours == theirs == "Batch 3: Invalid loss, terminating training"


def test_terminate_on_nan_after_a_block(fake):
    model = fake.Model()
    listed = C.CallbackList([C.TerminateOnNaN()], model=model)
    listed.on_block_end("test", 15, 16, 160, {"loss": float("nan")})
    assert not model.stop_training
    listed.on_block_end("train", 15, 16, 160, {"loss": float("nan")})
    assert model.stop_training


def test_base_logger_equals_the_oracle():
    results = []
    for library in (tf_keras.callbacks, C):
        callback = library.BaseLogger(stateful_metrics=["acc"])
        callback.set_params({"metrics": ["loss", "acc"]})
        callback.on_epoch_begin(0, {})
        callback.on_batch_end(0, {"batch": 0, "size": 4, "loss": 1.0, "acc": 0.2})
        callback.on_batch_end(1, {"batch": 1, "size": 2, "loss": 4.0, "acc": 0.5})
        logs = {}
        callback.on_epoch_end(0, logs)
        results.append(logs)
    assert results[0] == results[1] == {"loss": 2.0, "acc": 0.5}
