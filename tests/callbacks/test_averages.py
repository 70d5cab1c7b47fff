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


def seen(library, swaps, **fit):
    """The weights at each hook of a fit, and what the optimizer has for their averages."""
    weights, averages = [], []

    class Looking(library.callbacks.Callback):
        def look(self, *args, logs=None):
            weights.append(self.model.get_weights()[0].ravel())
            averages.append([np.ravel(v) for v in self.model.optimizer.variables if v.shape == (3, 1)])

        on_train_batch_end = on_epoch_begin = on_epoch_end = on_test_begin = on_test_batch_end = on_test_end = look

    made = model(library, use_ema=True, ema_momentum=0.7)
    made.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=[*swaps, Looking()], **fit)
    return weights, averages, made.get_weights()[0].ravel()


def places(library, swap_on_epoch, **fit):
    """At which hooks other weights than the trained ones stand in the model; the weights there, and at the end."""
    trained, _, end = seen(library, [], **fit)
    weights, averages, swapped_end = seen(library, [library.callbacks.SwapEMAWeights(swap_on_epoch)], **fit)
    np.testing.assert_allclose(end, swapped_end, rtol=1e-6)
    return [not np.allclose(one, other) for one, other in zip(trained, weights, strict=True)], weights, averages


@pytest.mark.parametrize("fit", [{}, {"validation_data": (X, Y), "validation_batch_size": 4}])
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_the_averages_are_there_when_they_are_in_keras_3(swap_on_epoch, fit):
    """The averages themselves are those of tf_keras, which begin at the first weights, unlike those of Keras 3."""
    ours, weights, averages = places(kerasish, swap_on_epoch, **fit)
    theirs, _, _ = places(keras, swap_on_epoch, **fit)
    assert ours == theirs
    assert any(ours) == bool(fit or swap_on_epoch)
    for there, weight, average in zip(ours, weights, averages, strict=True):
        assert not there or np.array_equal(weight, average[0])


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
