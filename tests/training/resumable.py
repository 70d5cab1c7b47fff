"""Small programs that train with a backup, are killed, and are started again: run in processes of their own.

A first process imports TensorFlow and forks one process per run, which imports kerasish and trains, so that a run costs
about a second. Commands come as JSON lines, `{"kind", "folder", "kill": [way, place] | null}`; the answer is how the
process ended: its exit code, or minus the signal.
"""

import json
import os
import random
import signal
import sys
import time

import numpy as np
import tensorflow as tf

EPOCHS = 4
HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_epoch_begin", "on_epoch_end", "on_test_batch_end")


class Killer:
    """Ends the process, or raises, at the n-th hook; written for any Keras."""

    def __init__(self, way, count):
        self.way, self.count = way, count
        for hook in HOOKS:
            setattr(self, hook, self.strike)

    def strike(self, *_):
        self.count -= 1
        if self.count == 0:
            if self.way == "error":
                raise ZeroDivisionError("a callback of the user's fails")
            if self.way == "interrupt":
                raise KeyboardInterrupt
            os.kill(os.getpid(), {"kill": signal.SIGKILL, "term": signal.SIGTERM}[self.way])
            time.sleep(0.01)  # a signal to oneself is delivered before this returns


def dense(keras, *layers):
    return keras.Sequential([keras.layers.Dense(8, "relu", input_shape=(4,)), *layers, keras.layers.Dense(1)])


def table(rows=46):
    generator = np.random.default_rng(5)
    x = generator.normal(size=(rows, 4)).astype("float32")
    return x, (x.sum(1, keepdims=True) + generator.normal(size=(rows, 1))).astype("float32")


def arrays(keras, folder, extra):
    """Shuffled rows, dropout, and every callback that keeps a state."""
    x, y = table()
    model = dense(keras, keras.layers.Dropout(0.3))
    model.compile(keras.optimizers.Adam(0.02), "mse", ["mae"])
    callbacks = [
        keras.callbacks.BackupAndRestore(f"{folder}/backup"),
        keras.callbacks.EarlyStopping("val_loss", min_delta=1, patience=2, restore_best_weights=True, verbose=0),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=1),
        keras.callbacks.CSVLogger(f"{folder}/log.csv"),
        keras.callbacks.ModelCheckpoint(f"{folder}/best.h5", save_best_only=True, save_weights_only=True),
    ]
    return model, model.fit(x, y, batch_size=8, epochs=EPOCHS, validation_split=0.2, verbose=0,
                            callbacks=[*callbacks, *extra])  # fmt: skip


def batches(keras, folder, extra):
    """A backup every three batches, epochs that go on within the rows, rates that follow from the rate before."""
    x, y = table()
    model = dense(keras, keras.layers.BatchNormalization())
    model.compile(keras.optimizers.RMSprop(0.01, momentum=0.5, use_ema=True), "mse", ["mae"])

    class Drawing(keras.callbacks.Callback):
        numbers = []

        def on_epoch_end(self, epoch, logs=None):
            self.numbers = [*self.numbers, np.random.random()]
            logs["drawn"] = sum(self.numbers)

        def get_state(self):
            return {"numbers": self.numbers}

        def set_state(self, state):
            self.numbers = state["numbers"]

    callbacks = [
        keras.callbacks.BackupAndRestore(f"{folder}/backup", save_freq=3),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.8),
        Drawing(),
    ]
    return model, model.fit(x, y, batch_size=8, epochs=EPOCHS, steps_per_epoch=5, verbose=0, validation_data=(x, y),
                            callbacks=[*callbacks, *extra])  # fmt: skip


def dataset(keras, folder, extra):
    """A shuffled dataset, for training and for validation."""
    rows = tf.data.Dataset.from_tensor_slices(table())
    model = dense(keras, keras.layers.GaussianNoise(0.1), keras.layers.Dropout(0.3))
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "mse")
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup", save_freq=4)
    return model, model.fit(rows.shuffle(20, seed=4).batch(8), epochs=EPOCHS, verbose=0, callbacks=[backup, *extra],
                            validation_data=rows.shuffle(9, seed=2).batch(10))  # fmt: skip


def endless(keras, folder, extra):
    """A repeated dataset, in which each epoch goes on where the last one stopped."""
    rows = tf.data.Dataset.from_tensor_slices(table()).shuffle(20, seed=4).repeat().batch(8)
    model = dense(keras, keras.layers.Dropout(0.3))
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup")
    return model, model.fit(rows, epochs=EPOCHS, steps_per_epoch=5, verbose=0, callbacks=[backup, *extra])


def sequence(keras, folder, extra):
    """A Sequence that shuffles its rows itself and disturbs them, with random numbers of NumPy and Python."""

    class Rows(keras.utils.Sequence):
        def __init__(self):
            (self.x, self.y), self.order = table(), np.arange(46)

        def __len__(self):
            return 5

        def __getitem__(self, index):
            rows = self.order[8 * index : 8 * index + 8]
            return self.x[rows] + np.random.normal(scale=0.1, size=(8, 4)), self.y[rows] * random.random()

        def on_epoch_end(self):
            np.random.shuffle(self.order)

    model = dense(keras, keras.layers.Dropout(0.3))
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup", save_freq=3)
    return model, model.fit(Rows(), epochs=EPOCHS, verbose=0, validation_data=Rows(), callbacks=[backup, *extra])


def generator(keras, folder, extra):
    """A generator that gives the same batches whenever it is begun."""
    x, y = table()
    batches = ((x[i % 40 : i % 40 + 5], y[i % 40 : i % 40 + 5]) for i in range(0, 1000, 5))
    model = dense(keras, keras.layers.Dropout(0.3))
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup", save_freq=4)
    return model, model.fit(batches, epochs=EPOCHS, steps_per_epoch=5, verbose=0, callbacks=[backup, *extra])


def own_step(keras, folder, extra):
    """A training step of one's own with a second optimizer, whose variables the first step makes; SIGTERM is heeded."""

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = keras.layers.Dense(8, "relu"), keras.layers.Dense(1)
            self.slow = keras.optimizers.Adam(0.003)

        def call(self, inputs):
            return self.last(self.first(inputs))

        def train_step(self, data):
            x, y = data
            with tf.GradientTape(persistent=True) as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            for layer, optimizer in ((self.first, self.slow), (self.last, self.optimizer)):
                weights = layer.trainable_weights
                optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return {"loss": loss}

    model = Net()
    model.compile(keras.optimizers.Adam(0.01))
    backup = keras.callbacks.BackupAndRestore(f"{folder}/backup", save_before_preemption=True)
    return model, model.fit(*table(), batch_size=8, epochs=EPOCHS, verbose=0, callbacks=[backup, *extra])


KINDS = {function.__name__: function for function in
         (arrays, batches, dataset, endless, sequence, generator, own_step)}  # fmt: skip


def run(kind, folder, kill=None):
    """One process's work: trains, and writes what came out, and which epochs it has trained, into the folder."""
    import kerasish as keras

    os.makedirs(folder, exist_ok=True)
    keras.utils.set_random_seed(3)
    begun = []
    looking = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    model, history = KINDS[kind](keras, folder, [looking, *([] if kill is None else [Killer(*kill)])])
    values = [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]
    drawn = [np.array([random.random(), np.random.random()])]
    np.savez(f"{folder}/result.npz", *values, *drawn)
    with open(f"{folder}/history.json", "w") as file:
        json.dump([history.epoch, history.history], file)
    with open(f"{folder}/begun.json", "w") as file:
        json.dump(begun, file)


def main():
    for line in sys.stdin:
        command = json.loads(line)
        delay = command.pop("delay", None)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(**command)
                status = 0
            except (ZeroDivisionError, KeyboardInterrupt):
                status = 3
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        if delay is not None:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


if __name__ == "__main__":
    main()
