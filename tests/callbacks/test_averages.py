"""`SwapEMAWeights` against Keras 3, on the same weights and rows."""

import numpy as np
import pytest

import kerasish
from kerasish import callbacks

keras = pytest.importorskip("keras")
X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
WEIGHTS = [np.array([[0.5], [-0.2], [0.1]], "float32"), np.zeros(1, "float32")]


def model(library, **options):
    made = library.Sequential([library.layers.Input((3,)), library.layers.Dense(1)])
    made.set_weights(WEIGHTS)
    made.compile(library.optimizers.SGD(0.05, **options), "mse")
    return made


def seen(library, swap_on_epoch, **fit):
    """The weights at each hook of a fit and of an evaluation, and those that were left."""
    values = []

    class Looking(library.callbacks.Callback):
        def look(self, *args, logs=None):
            values.append(np.concatenate([weight.ravel() for weight in self.model.get_weights()]))

        on_train_batch_end = on_epoch_begin = on_epoch_end = on_test_begin = on_test_batch_end = on_test_end = look

    made = model(library, use_ema=True, ema_momentum=0.7)
    both = [library.callbacks.SwapEMAWeights(swap_on_epoch), Looking()]
    made.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=both, **fit)
    values.append(made.predict(X, verbose=0).ravel())
    return values


@pytest.mark.parametrize("fit", [{}, {"validation_data": (X, Y), "validation_batch_size": 4}])
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_the_weights_are_those_of_keras_3_at_every_hook(swap_on_epoch, fit):
    ours, theirs = seen(kerasish, swap_on_epoch, **fit), seen(keras, swap_on_epoch, **fit)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("made", [lambda: model(kerasish), lambda: kerasish.Sequential([kerasish.layers.Dense(1)])])
def test_averages_are_needed(made):
    with pytest.raises(ValueError, match="use_ema=True"):
        made().predict(X, callbacks=[callbacks.SwapEMAWeights()])


def test_the_trained_weights_come_back_after_an_error():
    class Failing(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            raise ZeroDivisionError

    class Looking(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.weights = self.model.get_weights()

    made, looking = model(kerasish, use_ema=True), Looking()
    with pytest.raises(ZeroDivisionError):
        made.fit(X, Y, validation_data=(X, Y), verbose=0,
                 callbacks=[callbacks.SwapEMAWeights(), looking, Failing()])
    np.testing.assert_array_equal(made.get_weights()[0], looking.weights[0])


def test_a_run_goes_on_with_the_trained_weights(tmp_path):
    def run(folder, fails):
        def fail(epoch, logs):
            if fails and epoch == 1:
                raise ZeroDivisionError

        made = model(kerasish, use_ema=True, ema_momentum=0.7)
        made.fit(X, Y, epochs=4, verbose=0, batch_size=4, shuffle=False, callbacks=[
            callbacks.BackupAndRestore(folder), callbacks.SwapEMAWeights(True),
            callbacks.LambdaCallback(on_epoch_begin=fail),
        ])  # fmt: skip
        return made.get_weights()[0]

    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "a", True)
    np.testing.assert_array_equal(run(tmp_path / "a", False), run(tmp_path / "b", False))


def test_the_older_name_is_told(tmp_path):
    with pytest.warns(UserWarning, match="callbacks.BackupAndRestore now"):
        older = callbacks.experimental.BackupAndRestore(tmp_path, save_freq=5)
    assert isinstance(older, callbacks.BackupAndRestore) and older.save_freq == 5
