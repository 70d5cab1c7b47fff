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
import tensorflow as tf  # noqa: F401  # imported once, before the processes are forked

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


KINDS = {function.__name__: function for function in (arrays,)}


def run(kind, folder, kill=None):
    """One process's work: trains, and writes what came out to `result.npz` and `history.json`."""
    import kerasish as keras

    os.makedirs(folder, exist_ok=True)
    keras.utils.set_random_seed(3)
    model, history = KINDS[kind](keras, folder, [] if kill is None else [Killer(*kill)])
    values = [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]
    drawn = [np.array([random.random(), np.random.random()])]
    np.savez(f"{folder}/result.npz", *values, *drawn)
    with open(f"{folder}/history.json", "w") as file:
        json.dump([history.epoch, history.history], file)


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
