"""Calls on one batch: what they keep from call to call never hides a change or a fault."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish.core.execution import Execution

rng = np.random.RandomState(0)
X, Y = rng.rand(12, 5).astype("float32"), rng.randint(0, 3, 12)
SPARSE = "sparse_categorical_crossentropy"


def classifier(k):
    inputs = k.Input((5,))
    hidden = k.layers.Dense(4, "relu", name="hidden")(inputs)
    model = k.Model(inputs, k.layers.Dense(3, "softmax", name="classes")(hidden))
    model.compile(k.optimizers.SGD(0.1), SPARSE, metrics=["accuracy"])
    return model


def test_every_change_between_calls_is_seen():
    def told(k, start):
        model, seen = classifier(k), []

        def calls(y=Y):
            for rows in (12, 7, 12):
                seen.append(model.train_on_batch(X[:rows], y[:rows]))
                seen.append(model.test_on_batch(X[:rows], y[:rows], reset_metrics=rows != 7))
                seen.append(model.predict(X[:rows], verbose=0))
                seen.append(model.predict_on_batch(X[:rows]))

        model.set_weights(start)
        calls()
        model.set_weights([weight / 2 for weight in start])
        calls()
        model.optimizer.learning_rate = 0.01
        calls()
        model.get_layer("hidden").trainable = False
        model.compile("adam", SPARSE, metrics=["accuracy"])
        calls()
        model.compile("sgd", "mse", metrics=["mae", "mse"])
        calls(np.eye(3, dtype="float32")[Y])
        return seen

    start = classifier(tf_keras).get_weights()
    ours, theirs = told(kerasish, start), told(tf_keras, start)
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), ours, theirs)


FAULTS = {
    "a label out of range": (X, np.where(np.arange(12) == 3, 3, Y), "row 3"),
    "a negative label": (X, np.where(np.arange(12) == 5, -1, Y), "row 5"),
    "a float that is no label": (X, Y + 0.5, "row 0"),
    "a label that is no number": (X, np.where(np.arange(12) == 2, np.nan, Y), "row 2"),
    "one-hot labels": (X, np.eye(3)[Y], "one-hot"),
    "too many features": (np.ones((12, 6), "float32"), Y, "shape"),
    "another number of rows": (X[:11], Y, "rows"),
    "no labels": (X, None, "missing"),
    "strings": (X, np.array(["a"] * 12), "strings"),
}


@pytest.mark.parametrize("x, y, told", FAULTS.values(), ids=FAULTS)
def test_faults_are_told_after_good_calls_too(x, y, told):
    model = classifier(kerasish)
    for call in (model.train_on_batch, model.test_on_batch):
        for _ in range(2):
            call(X, Y)
        before, steps = model.get_weights(), int(model.optimizer.iterations)
        with pytest.raises(ValueError, match=told):
            call(x, y)
        assert int(model.optimizer.iterations) == steps
        for now, then in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)
        assert np.isfinite(call(X, Y)).all()


def test_one_trace_for_batches_of_every_size():
    model = classifier(kerasish)
    for rows in (1, 12, 5, 12, 1):
        model.train_on_batch(X[:rows], Y[:rows])
        model.predict(X[:rows], verbose=0)
    assert model.program("train").traces == model.program("predict").traces == 1


def test_an_operation_that_fails_is_named_and_changes_nothing_twice():
    class Limited(kerasish.Model):
        def train_step(self, data):
            logs = super().train_step(data)
            with tf.control_dependencies([self.optimizer.iterations.read_value()]):
                tf.debugging.assert_less(tf.reduce_sum(data[0]), 100.0, message="too large")
            return logs

    inputs = kerasish.Input((5,))
    model = Limited(inputs, kerasish.layers.Dense(1)(inputs))
    model.compile("adam", "mse")
    y = np.ones((12, 1), "float32")
    model.train_on_batch(X, y)
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)too large.*In the operation .*test_small_calls"):
        model.train_on_batch(X * 100, y)
    assert int(model.optimizer.iterations) == 2
    assert np.isfinite(model.train_on_batch(X, y))


def test_results_of_a_step_of_one_s_own_come_in_the_oracle_s_order():
    def own(k):
        class Own(k.Model):
            def train_step(self, data):
                return {"zeta": tf.constant(1.0), **super().train_step(data), "alpha": tf.constant([2.0, 3.0])}

        inputs = k.Input((5,))
        model = Own(inputs, k.layers.Dense(3, "softmax", kernel_initializer="zeros")(inputs))
        model.compile("sgd", SPARSE, metrics=["accuracy"])
        return [model.train_on_batch(X, Y, **how) for how in ({}, {"return_dict": True}, {})]

    ours, theirs = own(kerasish), own(tf_keras)
    assert list(ours[1]) == list(theirs[1])
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), ours[1], theirs[1])
    assert [np.shape(value) for value in ours[0]] == [np.shape(value) for value in ours[2]]


def test_gradients_of_gradients_equal_the_oracle_s():
    def penalty(k, start):
        model = classifier(k)
        model.set_weights(start)
        x, loss_of = tf.constant(X), k.losses.SparseCategoricalCrossentropy()
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = loss_of(Y, model(x, training=True))
            size = tf.reduce_sum(tf.square(inner.gradient(loss, x)))
        return [size, *outer.gradient(size, model.trainable_weights)]

    start = classifier(tf_keras).get_weights()
    for ours, theirs in zip(penalty(kerasish, start), penalty(tf_keras, start), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_an_execution_returns_what_the_function_does():
    count = tf.Variable(0)

    def work(x, options):
        count.assign_add(1)
        return {"b": x + 1, "a": [options["k"], None, (x * 2,)]}, tf.reduce_sum(x)

    def ragged(x, options):
        return tf.RaggedTensor.from_row_lengths(x, [1, 2]), options["k"]

    specs = tf.TensorSpec([None], tf.float32), {"k": tf.TensorSpec([], tf.int32)}
    given = tf.constant([1.0, 2.0, 3.0]), {"k": tf.constant(7)}
    for function in (work, ragged):
        traced = tf.function(function).get_concrete_function(*specs)
        found, expected = Execution(traced)(*given), traced(*given)
        tf.nest.assert_same_structure(found, expected, expand_composites=True)
        pairs = zip(*(tf.nest.flatten(one, expand_composites=True) for one in (found, expected)), strict=True)
        for ours, theirs in pairs:
            assert ours is theirs is None or np.array_equal(ours, theirs)
    assert int(count) == 2


def test_a_failed_execution_leaves_variables_as_they_were_left():
    count = tf.Variable(0)

    def work(x):
        with tf.control_dependencies([count.assign_add(1)]):
            return tf.gather(tf.range(3) + count, x)

    run = Execution(tf.function(work).get_concrete_function(tf.TensorSpec([1], tf.int32)), lambda: [count])
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)Detected at node.*is not in"):
        run(tf.constant([5]))
    assert int(count) == 1
