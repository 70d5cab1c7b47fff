"""Steps and loops that users write themselves, as the guides show them."""

import contextlib
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

rng = np.random.RandomState(0)
X, Y = rng.rand(40, 6).astype("float32"), rng.rand(40, 1).astype("float32")


@pytest.fixture(autouse=True)
def fresh_oracle():
    tf_keras.backend.clear_session()


def dense(k):
    return k.Sequential([k.layers.Dense(4, "relu", input_shape=(6,), kernel_regularizer="l2"), k.layers.Dense(1)])


def loop(k, model, wrap):
    """A custom loop with tape, optimizer, metrics and the losses inside the model; returns what it printed."""
    optimizer, loss_of, mae = k.optimizers.Adam(0.01), k.losses.MeanSquaredError(), k.metrics.MeanAbsoluteError()

    def step(x, y):
        with tf.GradientTape() as tape:
            predictions = model(x, training=True)
            loss = loss_of(y, predictions) + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        mae.update_state(y, predictions)
        return loss

    step = wrap(step)
    seen = []
    for _ in range(2):
        for x, y in tf.data.Dataset.from_tensor_slices((X, Y)).batch(8):
            seen.append(float(step(x, y)))
        seen.append(float(mae.result()))
        mae.reset_states()
    return seen


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function, lambda f: tf.function(f, jit_compile=True)],
                         ids=["eager", "function", "XLA"])  # fmt: skip
def test_a_custom_loop_equals_the_oracle_s(wrap):
    ours, theirs = dense(kerasish), dense(tf_keras)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(loop(kerasish, ours, wrap), loop(tf_keras, theirs, lambda f: f), rtol=1e-4, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_user_s_function_does_not_convert_the_library():
    """Only the user's own step is rewritten by TensorFlow's autograph."""
    model, optimizer = dense(kerasish), kerasish.optimizers.Adam()
    loss_of, mae = kerasish.losses.MeanSquaredError(), kerasish.metrics.MeanAbsoluteError()
    converted = set()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        optimizer.minimize(lambda: loss_of(y, model(x)), model.trainable_weights)
        mae.update_state(y, y)
        mae(y, y)
        mae.reset_state()
        return mae.result()

    with watched(converted):
        step(X, Y)
    assert converted == {"tf__step"}


@contextlib.contextmanager
def watched(converted):
    """Notes which functions run as autograph has rewritten them."""

    def watch(frame, event, argument):
        if event == "call" and "__autograph_generated" in frame.f_code.co_filename:
            converted.update({frame.f_code.co_name} if frame.f_code.co_name.startswith("tf__") else ())

    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_a_user_s_train_step_does_not_convert_the_library():
    class Own(kerasish.Model):
        def train_step(self, data):
            x, y, weights = kerasish.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = self.compiled_loss(y, predictions, regularization_losses=self.losses)
                loss += kerasish.regularizers.L2(0.1)(self.trainable_variables[0])
            self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
            self.compiled_metrics.update_state(y, predictions)
            self.compute_loss(x, y, predictions)
            kerasish.backend.mean(kerasish.activations.relu(predictions))
            kerasish.initializers.GlorotUniform(1)((2, 2))
            kerasish.constraints.MaxNorm()(self.trainable_variables[0])
            kerasish.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)(self.optimizer.iterations)
            return {m.name: m.result() for m in self.metrics}

    inputs = kerasish.Input((6,))
    model, converted = Own(inputs, kerasish.layers.Dense(1, activity_regularizer="l2")(inputs)), set()
    model.compile("adam", "mse", metrics=["mae"])
    with watched(converted):
        model.fit(X, Y, verbose=0)
    assert converted == {"tf__train_step"}


@pytest.mark.parametrize("base", [kerasish.constraints.Constraint, kerasish.layers.Layer, kerasish.losses.Loss])
def test_a_user_s_own_call_is_converted(base):
    class Own(base):
        def __call__(self, x):
            if tf.reduce_sum(x) > 0:
                x = -x
            return x

    own = Own()
    np.testing.assert_array_equal(tf.function(lambda x: own(x))(tf.ones(3)), [-1, -1, -1])


def own_metrics(k):
    class Own(k.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tracker, self.mae = k.metrics.Mean(name="loss"), k.metrics.MeanAbsoluteError(name="mae")

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = k.losses.mean_squared_error(y, predictions)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.tracker.update_state(loss)
            self.mae.update_state(y, predictions)
            return {"loss": self.tracker.result(), "mae": self.mae.result()}

        def test_step(self, data):
            x, y = data
            self.mae.update_state(y, self(x, training=False))
            return {"mae": self.mae.result()}

        @property
        def metrics(self):
            return [self.tracker, self.mae]

    inputs = k.Input((6,))
    model = Own(inputs, k.layers.Dense(1)(inputs))
    model.compile("adam")
    return model


def with_compiled_parts(k):
    class Parts(k.Model):
        def train_step(self, data):
            x, y, weights = data if len(data) == 3 else (*data, None)
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = self.compute_loss(x, y, predictions, weights)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.compiled_metrics.update_state(y, predictions, weights)
            return {metric.name: metric.result() for metric in self.metrics}

    inputs = k.Input((6,))
    model = Parts(inputs, k.layers.Dense(1)(inputs))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def compiled_loss(k):
    class Older(k.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                predictions = self(x, training=True)
                loss = self.compiled_loss(y, predictions, regularization_losses=self.losses)
            self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
            self.compiled_metrics.update_state(y, predictions)
            return {metric.name: metric.result() for metric in self.metrics}

    inputs = k.Input((6,))
    model = Older(inputs, k.layers.Dense(1, kernel_regularizer="l2")(inputs))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("build", [own_metrics, with_compiled_parts, compiled_loss])
@pytest.mark.parametrize("eager", [False, True])
def test_overridden_steps_equal_the_oracle_s(build, eager):
    ours, theirs = build(kerasish), build(tf_keras)
    ours.set_weights(theirs.get_weights())
    found = []
    for model in (ours, theirs):
        model.run_eagerly = eager
        held_out = (X[:9], Y[:9])
        history = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, validation_data=held_out)
        found.append((history.history, model.evaluate(X, Y, verbose=0, return_dict=True)))
    assert list(found[0][0]) == list(found[1][0])
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), *found)


def test_two_networks_without_a_call():
    class Pair(kerasish.Model):
        def __init__(self, critic, maker):
            super().__init__()
            self.critic, self.maker = critic, maker
            self.of_critic, self.of_maker = kerasish.metrics.Mean("critic_loss"), kerasish.metrics.Mean("maker_loss")

        def compile(self, critic_optimizer, maker_optimizer, loss_of):
            super().compile()
            self.critic_optimizer, self.maker_optimizer, self.loss_of = critic_optimizer, maker_optimizer, loss_of

        @property
        def metrics(self):
            return [self.of_critic, self.of_maker]

        def train_step(self, real):
            rows = tf.shape(real)[0]
            made = self.maker(tf.random.normal((rows, 2)))
            labels = tf.concat([tf.ones((rows, 1)), tf.zeros((rows, 1))], 0)
            with tf.GradientTape() as tape:
                loss = self.loss_of(labels, self.critic(tf.concat([made, real], 0)))
            weights = self.critic.trainable_weights
            self.critic_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            with tf.GradientTape() as tape:
                other = self.loss_of(tf.zeros((rows, 1)), self.critic(self.maker(tf.random.normal((rows, 2)))))
            weights = self.maker.trainable_weights
            self.maker_optimizer.apply_gradients(zip(tape.gradient(other, weights), weights, strict=True))
            self.of_critic.update_state(loss)
            self.of_maker.update_state(other)
            return {"critic_loss": self.of_critic.result(), "maker_loss": self.of_maker.result()}

    critic = kerasish.Sequential([kerasish.layers.Dense(1, input_shape=(6,))])
    maker = kerasish.Sequential([kerasish.layers.Dense(6, input_shape=(2,))])
    model = Pair(critic, maker)
    model.compile(kerasish.optimizers.Adam(), kerasish.optimizers.Adam(), kerasish.losses.BinaryCrossentropy(True))
    before = model.get_weights()
    data = tf.data.Dataset.from_tensor_slices(X).batch(8)
    history = model.fit(data, epochs=2, verbose=0).history
    assert list(history) == ["critic_loss", "maker_loss"] and len(history["maker_loss"]) == 2
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))


def test_steps_that_return_what_they_like():
    class Own(kerasish.Model):
        def predict_step(self, data):
            x = data[0] if isinstance(data, tuple) else data
            return {"outputs": self(x), "rows": tf.shape(x)[0][None]}

        def test_step(self, data):
            x, y = data
            return {"error": tf.reduce_mean(tf.abs(y - self(x, training=False)))}

    inputs = kerasish.Input((6,))
    model = Own(inputs, kerasish.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    found = model.predict(X, batch_size=16)
    assert found["outputs"].shape == (40, 1) and found["rows"].tolist() == [16, 16, 8]
    assert set(model.evaluate(X, Y, verbose=0, return_dict=True)) == {"error"}
    assert list(model.fit(X, Y, validation_data=(X, Y), verbose=0).history) == ["loss", "val_error"]
