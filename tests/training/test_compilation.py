"""XLA where it pays: chosen from the program alone, the same numbers, and back to plain where XLA refuses."""

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish.training import program

rng = np.random.RandomState(0)
X, Y = rng.rand(1020, 6).astype("float32"), rng.rand(1020, 3).astype("float32")
LONG = 20  # epochs of 128 batches


def dense(**compiled):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(5, "tanh", input_shape=(6,)), keras.layers.Dropout(0.2), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **compiled})
    return model


def by_xla(model):
    """For each program of training whether XLA compiled it."""
    traced = model.program("train")._traced.values()
    return [one.function.function_def.attr["_XlaMustCompile"].b for one in traced]


def trained(model, **options):
    history = model.fit(X, Y, **{"batch_size": 8, "epochs": LONG, "verbose": 0, **options})
    return model.get_weights(), history.history


def assert_same_bits(found, expected):
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


def test_a_long_run_of_small_steps_is_compiled_and_gives_the_same_numbers():
    expected = trained(plain := dense(jit_compile=False))
    found = trained(compiled := dense())
    assert not any(by_xla(plain)) and any(by_xla(compiled))
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), found, expected)


def test_the_choice_and_the_numbers_repeat_whatever_the_number_of_steps_in_an_execution():
    expected = trained(dense())
    for steps in (1, 30):
        assert_same_bits(trained(dense(steps_per_execution=steps)), expected)


def test_a_short_run_is_not_compiled():
    model = dense()
    trained(model, epochs=3)
    assert by_xla(model) == [False]


def test_the_step_is_traced_once_for_both_programs():
    model, calls = dense(), []
    model.optimizer.build(model.trainable_variables)
    inner = model.train_step
    model.train_step = lambda data: (calls.append(1), inner(data))[1]
    trained(model)
    assert any(by_xla(model)) and len(calls) == 1


@pytest.mark.parametrize("layers", [
    [keras.layers.Reshape((6, 1)), keras.layers.Conv1D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)],
    [keras.layers.Reshape((6, 1)), keras.layers.LSTM(3)],
    [keras.layers.Dense(4000), keras.layers.Dense(6000), keras.layers.Dense(3)],
], ids=["convolution", "recurrence", "large products"])  # fmt: skip
def test_steps_on_which_xla_loses_are_not_compiled(layers):
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile("sgd", "mse")
    steps = model.program("train")
    steps.plan(1000, 1000)
    with model._open(X, Y, batch_size=8).epoch(0) as epoch:
        steps.run(epoch.next(2, equal=steps.wants_equal_batches))
    assert not steps.wants_equal_batches and not any(by_xla(model))


def refused():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.layers.Dense(3, input_shape=(6,)),
        keras.layers.Lambda(lambda x: tf.ensure_shape(tf.py_function(lambda y: y * 2.0, [x], tf.float32), x.shape)),
    ])  # fmt: skip
    return model


def test_where_xla_refuses_training_goes_on_without(monkeypatch):
    told = []
    monkeypatch.setattr(program, "steps_to_pay", lambda graph, rows: 0)
    monkeypatch.setattr(tf.get_logger(), "warning", lambda text, *parts: told.append(text % parts))
    results = []
    for jit_compile in (False, None):
        model = refused()
        model.compile("adam", "mse", jit_compile=jit_compile)
        results.append(trained(model))
    assert_same_bits(*results)
    assert len(told) == 1 and "without XLA" in told[0] and "EagerPyFunc" in told[0] and "/lambda" in told[0]


def test_where_xla_refuses_an_explicit_wish_is_an_error_and_changes_nothing():
    model = refused()
    model.compile("adam", "mse", jit_compile=True)
    before = model.get_weights()
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)) as caught:
        model.fit(X, Y, verbose=0)
    assert len(str(caught.value).splitlines()) <= 6
    assert_same_bits(model.get_weights(), before)


@pytest.mark.parametrize("value", ["yes", 1, 2.0])
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match="`jit_compile` must be True, False or"):
        dense(jit_compile=value)


def test_an_explicit_wish_compiles_the_step_of_a_dataset():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    plain, compiled = dense(jit_compile=False, loss="mae"), dense(jit_compile=True, loss="mae")
    plain.fit(data, epochs=2, verbose=0)
    compiled.fit(data, epochs=2, verbose=0)
    step = next(iter(compiled.program("train")._traced.values())).step
    assert step._function.function_def.attr["_XlaMustCompile"].b
    for a, b in zip(compiled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def sentences(words, **compiled):
    """A model of ten words, and 1,020 sentences in which `words` occur."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5,), dtype="int32")
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 4)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3)(pooled))
    model.compile("adam", "mse", **compiled)
    return model, np.random.RandomState(0).randint(0, words, (1020, 5))


def test_embeddings_of_an_input_are_compiled_and_give_the_same_numbers():
    found = []
    for jit_compile in (False, None):
        model, x = sentences(10, jit_compile=jit_compile)
        history = model.fit(x, Y, batch_size=8, epochs=LONG, verbose=0)
        found.append((model.get_weights(), history.history))
        assert any(by_xla(model)) is (jit_compile is None)
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), *found)


def test_an_index_outside_of_its_table_is_an_error_with_xla_too():
    model, x = sentences(11)
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        model.fit(x, Y, batch_size=8, epochs=LONG, verbose=0)
    assert not any(by_xla(model))
    model, x = sentences(11, jit_compile=True)
    before = model.get_weights()
    with pytest.raises(ValueError, match="indices from 0 to 9. Received: indices from 0 to 10"):
        model.fit(x, Y, batch_size=8, verbose=0)
    assert_same_bits(model.get_weights(), before)


def test_indices_that_are_computed_are_left_to_the_kernels_that_check_them():
    inputs = keras.Input((5,), dtype="int32")
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 4)(inputs + 1))
    model = keras.Model(inputs, keras.layers.Dense(3)(pooled))
    model.compile("adam", "mse")
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
        model.fit(np.full((1020, 5), 9), Y, batch_size=8, epochs=LONG, verbose=0)
    assert not any(by_xla(model))


@pytest.mark.parametrize("numbers, trainable, sooner", [(640, True, True), (4, True, False), (640, False, False)])
def test_a_large_embedding_that_is_trained_pays_for_xla_sooner(numbers, trainable, sooner):
    model = keras.Sequential([
        keras.layers.Embedding(2000, numbers, input_length=50, trainable=trainable),
        keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile("adam", "mse")
    model.fit(np.zeros((1024, 50), "int32"), np.zeros(1024), batch_size=16, epochs=20, verbose=0)
    assert any(by_xla(model)) is sooner
