"""How many steps one execution takes changes nothing; nothing is traced twice; nothing is left behind."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish.core.seeds import set_random_seed

rng = np.random.RandomState(0)
X, Y = rng.rand(44, 6).astype("float32"), rng.rand(44, 3).astype("float32")


def model(**compiled):
    set_random_seed(1)
    layers = [keras.layers.Dense(5, "tanh", input_shape=(6,)), keras.layers.Dropout(0.2), keras.layers.Dense(3)]
    made = keras.Sequential(layers)
    made.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **compiled})
    return made


def trained(data=(X, Y), **compiled):
    made = model(**compiled)
    size = {"batch_size": 8} if len(data) == 2 else {}
    history = made.fit(*data, epochs=3, verbose=0, **size).history
    return made.get_weights(), history, made.evaluate(*data, verbose=0, **size)


@pytest.mark.parametrize("steps", [2, 7, 600, None])
@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_steps_per_execution_change_no_bit(steps, kind):
    data = (X, Y) if kind == "arrays" else (tf.data.Dataset.from_tensor_slices((X, Y)).batch(8),)
    expected, found = trained(data, steps_per_execution=1), trained(data, steps_per_execution=steps)
    assert found[1:] == expected[1:]
    for a, b in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_callback_for_every_batch_changes_no_bit():
    class EveryBatch(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1

    plain, watched, callback = model(), model(), EveryBatch()
    plain.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    set_random_seed(1)
    watched = model()
    watched.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[callback])
    assert callback.seen == 12
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}])
def test_compiled_and_eager_steps_compute_the_same(how):
    """Six batches, the last of which is short. Without dropout, whose numbers XLA draws otherwise."""

    def run(**compiled):
        set_random_seed(1)
        made = keras.Sequential([keras.layers.Dense(5, "tanh", input_shape=(6,)), keras.layers.Dense(3)])
        made.compile("adam", "mse", metrics=["mae"], **compiled)
        history = made.fit(X, Y, epochs=3, batch_size=8, verbose=0).history
        scores, outputs = made.evaluate(X, Y, batch_size=8, verbose=0), made.predict(X, batch_size=8)
        return made.get_weights(), history, scores, outputs

    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), run(**how), run())


def test_a_second_fit_traces_nothing():
    made = model()
    calls = []
    inner = made.train_step
    made.train_step = lambda data: (calls.append(1), inner(data))[1]
    made.fit(X, Y, batch_size=8, epochs=2, validation_data=(X, Y), verbose=0)
    traced = len(calls)
    assert 1 <= traced <= 2
    made.evaluate(X, Y, verbose=0)
    made.predict(X)
    made.fit(X, Y, batch_size=8, epochs=2, validation_data=(X, Y), verbose=0)
    made.fit(X[:17], Y[:17], batch_size=5, verbose=0)
    made.fit(X, Y, epochs=1, verbose=0)
    assert len(calls) == traced


def test_one_prediction_program_serves_all_sizes():
    made = model()
    calls = []
    inner = made.predict_step
    made.predict_step = lambda data: (calls.append(1), inner(data))[1]
    for rows in (1, 2, 44, 7, 33):
        assert made.predict(X[:rows]).shape == (rows, 3)
        made.predict(X[:rows], batch_size=5)
    assert len(calls) == 1


@pytest.mark.parametrize("name, times", [("predict", 300), ("evaluate", 50), ("train_on_batch", 50), ("fit", 20)])
def test_calls_leave_no_objects_behind(name, times):
    made = model()
    call = {"predict": lambda: made.predict(X[:5]), "evaluate": lambda: made.evaluate(X, Y, verbose=0),
            "train_on_batch": lambda: made.train_on_batch(X, Y),
            "fit": lambda: made.fit(X, Y, verbose=0)}[name]  # fmt: skip
    for _ in range(3):
        call()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(times):
        call()
    gc.collect()
    assert len(gc.get_objects()) - before < times / 10


def test_a_dropped_model_is_freed():
    made = model()
    made.fit(X, Y, verbose=0)
    made.predict(X)
    reference = weakref.ref(made)
    del made
    gc.collect()
    assert reference() is None
