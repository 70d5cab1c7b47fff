"""Losses and metrics that layers bring with them, as tf_keras counts them; Python control flow in what users write."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

rng = np.random.RandomState(0)
X, Y = rng.rand(24, 4).astype("float32"), rng.rand(24, 2).astype("float32")


@pytest.fixture(autouse=True)
def fresh_oracle():
    tf_keras.backend.clear_session()


def in_call(k):
    class Noisy(k.layers.Layer):
        def __init__(self):
            super().__init__(activity_regularizer=k.regularizers.l2(0.1))
            self.dense = k.layers.Dense(3, kernel_regularizer="l1", activity_regularizer="l2")
            self.mean = k.metrics.Mean(name="given")

        def call(self, x):
            hidden = self.dense(x)
            self.add_loss(tf.reduce_mean(hidden) * 0.3)
            self.add_loss([tf.reduce_sum(self.dense.kernel), None])
            self.add_metric(tf.reduce_max(hidden), name="top", aggregation="mean")
            self.add_metric(self.mean(hidden))
            return hidden

    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.noisy, self.last = Noisy(), k.layers.Dense(2)
            self.add_loss(lambda: tf.constant(0.5))

        def call(self, x):
            return self.last(self.noisy(x))

    model = Net()
    model(X[:2])
    return model


def symbolic(k):
    x = k.Input((4,))
    hidden = k.layers.Dense(3, activity_regularizer="l2")(x)
    outputs = k.layers.Dense(2, kernel_regularizer="l2")(hidden)
    model = k.Model(x, outputs)
    model.add_loss(tf.reduce_sum(tf.abs(hidden)))
    model.add_loss(lambda: 0.1 * tf.reduce_sum(model.weights[0] ** 2))
    model.add_metric(hidden, name="mean", aggregation="mean")
    return model


def target_inside(k):
    """The loss is computed within the model, whose targets are an input."""
    x, target = k.Input((4,)), k.Input((2,))
    outputs = k.layers.Dense(2)(x)
    model = k.Model([x, target], outputs)
    model.add_loss(k.losses.mean_squared_error(target, outputs))
    return model


def pair(build):
    ours, theirs = build(kerasish), build(tf_keras)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.mark.parametrize("build", [in_call, symbolic])
def test_losses_are_those_of_the_last_call(build):
    ours, theirs = pair(build)
    for x in (X, X[:3], X * 2):
        np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)
        found, expected = [float(loss) for loss in ours.losses], [float(loss) for loss in theirs.losses]
        np.testing.assert_allclose(sorted(found), sorted(expected), rtol=1e-5)


@pytest.mark.parametrize("build", [in_call, symbolic])
def test_training_with_them_equals_the_oracle(build):
    ours, theirs = pair(build)
    found = []
    for model in (ours, theirs):
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0).history
        found.append((history, model.evaluate(X, Y, verbose=0, return_dict=True)))
    assert list(found[0][0]) == list(found[1][0]) and ours.metrics_names == theirs.metrics_names
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *found)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_model_with_its_loss_inside_trains_without_targets():
    ours, theirs = pair(target_inside)
    found = []
    for model in (ours, theirs):
        model.compile("adam")
        found.append(model.fit([X, Y], epochs=3, batch_size=8, shuffle=False, verbose=0).history)
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), *found)


def test_add_metric_needs_a_name_and_losses_must_be_scalar_functions_of_a_model():
    layer = kerasish.layers.Dense(2)
    with pytest.raises(ValueError, match="name"):
        layer.add_metric(tf.constant(1.0))
    with pytest.raises(ValueError, match="functional"):
        layer.add_loss(tf.reduce_mean(kerasish.Input((2,))))


def branch(value):
    """Written with a statement, as users do."""
    if tf.reduce_mean(value) > 0.0:  # noqa: SIM108
        result = tf.square(value)
    else:
        result = tf.abs(value)
    return result


class BranchingLoss(kerasish.losses.Loss):
    def call(self, y_true, y_pred):
        return branch(y_true - y_pred)


class BranchingMetric(kerasish.metrics.Metric):
    def __init__(self, name="branching"):
        super().__init__(name=name)
        self.total = self.add_weight("total", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        for row in y_true:
            if row[0] > 0.5:
                self.total.assign_add(1.0)

    def result(self):
        if self.total > 3.0:
            return self.total
        else:
            return -self.total

    def reset_states(self):
        self.total.assign(0.0)


class BranchingModel(kerasish.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        norm = tf.constant(0.0)
        for gradient in gradients:
            norm += tf.reduce_sum(gradient**2)
        if norm > 1e-6:
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"norm": norm, **{metric.name: metric.result() for metric in self.metrics}}


class BranchingParts(kerasish.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        loss = super().compute_loss(x, y, y_pred, sample_weight)
        return branch(loss)

    def compute_metrics(self, x, y, y_pred, sample_weight):
        found = super().compute_metrics(x, y, y_pred, sample_weight)
        found["sign"] = 1.0 if tf.reduce_mean(y) > 0 else -1.0
        return found


CASES = {
    "loss function": (kerasish.Model, {"loss": lambda y, p: branch(y - p)}, {"loss"}),
    "loss class": (kerasish.Model, {"loss": BranchingLoss()}, {"loss"}),
    "metric function": (kerasish.Model, {"metrics": [lambda y, p: branch(p)]}, {"loss", "<lambda>"}),
    "metric class": (kerasish.Model, {"metrics": [BranchingMetric()]}, {"loss", "branching"}),
    "step": (BranchingModel, {}, {"norm", "loss"}),
    "loss and metrics of the model": (BranchingParts, {}, {"loss", "sign"}),
}


@pytest.mark.parametrize("cls, compiled, keys", CASES.values(), ids=CASES)
def test_python_control_flow_on_tensors_works_in_graphs_as_eagerly(cls, compiled, keys):
    found = []
    for eager in (False, True):
        x = kerasish.Input((4,))
        model = cls(x, kerasish.layers.Dense(2, kernel_initializer="ones")(x))
        model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled}, run_eagerly=eager)
        found.append(model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0).history)
    assert set(found[0]) == keys
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), *found)
