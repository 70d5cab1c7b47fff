"""Trains the same models with kerasish and with tf_keras on two replicas; prints what came out as JSON."""

import json
import sys

import numpy as np
import tensorflow as tf
import tf_keras

import kerasish

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
KERNELS = [np.random.default_rng(n).normal(size=shape).astype("float32") for n, shape in enumerate(((3, 4), (4, 1)))]


def network(keras, **compiled):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.1))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.BatchNormalization()(hidden)))
    for layer, kernel in zip((model.layers[1], model.layers[3]), KERNELS, strict=True):
        layer.set_weights([kernel, np.zeros(kernel.shape[1], "float32")])
    metrics = ["mae", keras.metrics.RootMeanSquaredError()]
    model.compile(**{"optimizer": keras.optimizers.SGD(0.05, 0.9), "loss": "mse", "metrics": metrics, **compiled})
    return model


def outcome(model, history):
    weights = [weight.tolist() for weight in model.get_weights()]
    return {"history": history.history, "weights": weights, "steps": int(model.optimizer.iterations.numpy())}


def fitted(keras, optimizer="SGD", options=None, **compiled):
    model = network(keras, optimizer=getattr(keras.optimizers, optimizer)(**options or {}), **compiled)
    return outcome(model, model.fit(X, Y, batch_size=20, epochs=3, shuffle=False, verbose=0))


def weighted(keras):
    model = network(keras)
    weights = np.linspace(0, 1, 60)
    history = model.fit(X, Y, batch_size=20, epochs=2, shuffle=False, verbose=0, sample_weight=weights)
    evaluated = model.evaluate(X, Y, batch_size=20, verbose=0)
    predicted = model.predict(X[:30], batch_size=10, verbose=0).tolist()
    return {**outcome(model, history), "evaluated": evaluated, "predicted": predicted}


def from_dataset(keras):
    model = network(keras)
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(20)
    return outcome(model, model.fit(dataset, epochs=2, verbose=0, validation_data=dataset))


def with_own_step(keras):
    class Own(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.compiled_metrics.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    inner = network(keras)
    model = Own(inner.inputs, inner.outputs)
    model.compile("sgd", "mse", metrics=["mae"])
    return outcome(model, model.fit(X, Y, batch_size=20, epochs=2, shuffle=False, verbose=0))


def in_own_loop(keras):
    model, optimizer, error = network(keras), keras.optimizers.Adam(0.1), keras.metrics.MeanAbsoluteError()
    loss = keras.losses.MeanSquaredError(reduction=keras.losses.Reduction.NONE)

    def step(batch):
        x, y = batch
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            value = tf.nn.compute_average_loss(loss(y, y_pred), global_batch_size=20)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        error.update_state(y, y_pred)
        return value

    @tf.function
    def whole_step(batch):
        strategy = tf.distribute.get_strategy()
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(step, args=(batch,)), axis=None)

    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(20)
    losses = [
        float(whole_step(batch)) for batch in tf.distribute.get_strategy().experimental_distribute_dataset(dataset)
    ]
    return {"losses": losses, "error": float(error.result()), "weights": [w.tolist() for w in model.get_weights()]}


def refused(keras, elsewhere):
    """The lines of the errors: an averaging loss in a loop of one's own, an optimizer made outside the scope."""
    lines = []
    for wrong in (lambda: keras.losses.MeanSquaredError()(Y[:4], Y[4:8]), lambda: network(keras, optimizer=elsewhere)):
        try:
            wrong()
            lines.append(None)
        except ValueError as error:
            lines.append(str(error).splitlines())
    return lines


CASES = {
    "momentum": lambda keras: fitted(keras, options={"learning_rate": 0.05, "momentum": 0.9}),
    "adam": lambda keras: fitted(keras, "Adam", {"learning_rate": 0.01, "clipnorm": 1.0, "use_ema": True}),
    "sum": lambda keras: fitted(keras, options={"learning_rate": 0.001},
                                loss=keras.losses.MeanSquaredError(reduction="sum")),
    "eager": lambda keras: fitted(keras, options={"learning_rate": 0.05}, run_eagerly=True),
    "weighted": weighted, "dataset": from_dataset, "own step": with_own_step, "own loop": in_own_loop,
}  # fmt: skip

if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    elsewhere = kerasish.optimizers.SGD()
    with tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]).scope():
        found = {name: {keras.__name__: case(keras) for keras in (kerasish, tf_keras)} for name, case in CASES.items()}
        found["refused"] = refused(kerasish, elsewhere)
    json.dump(found, sys.stdout)
