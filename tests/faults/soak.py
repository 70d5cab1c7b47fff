"""Many short fits, evaluations and predictions from four threads, with faults among them.

Each thread has a model of its own, and all share one model for evaluations and predictions. Every number is compared
with the one that was found beforehand, alone; a fault must give its own error and leave the model as useful as before.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

import kerasish as keras
from tests.faults.examples import X, Y, network

THREADS = 4


class Injected(Exception):
    """The fault that a work injects."""


@dataclass
class Outcome:
    """What a soak has found: what was wrong, how much memory was in use at times (MB), threads left, seconds."""

    wrong: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    done: int = 0
    faults: int = 0
    seconds: float = 0.0


def resident():
    """Megabytes of memory that the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Raising(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise Injected


class Batches(keras.utils.Sequence):
    def __init__(self, fails):
        self.fails = fails

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if self.fails and index == 2:
            raise Injected
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]


def generator(fails):
    for i in range(0, 40, 10):
        if fails and i == 20:
            raise Injected
        yield X[i : i + 10], Y[i : i + 10]


class Worker:
    """A thread's model and its works; each returns numbers, or raises `Injected` or a refusal on purpose."""

    def __init__(self, shared):
        self.shared = shared
        self.model = network(metrics=["mae"])
        self.start = self.model.get_weights()
        self.dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
        self.works = [
            lambda: self.fit(X, Y), lambda: self.fit(Batches(False), workers=2, batch_size=None),
            lambda: self.fit(generator(False), batch_size=None), lambda: self.fit(self.dataset, batch_size=None),
            lambda: self.shared.evaluate(X, Y, batch_size=7, verbose=0),
            lambda: self.shared.evaluate(self.dataset, verbose=0),
            lambda: self.shared.predict(X, verbose=0).sum(), lambda: self.shared.predict(X[:3], verbose=0).sum(),
            lambda: self.model.predict(X, batch_size=5, verbose=0).shape,
        ]  # fmt: skip
        self.faults = [
            lambda: self.fit(X, Y, callbacks=[Raising()]), lambda: self.fit(generator(True), batch_size=None),
            lambda: self.fit(Batches(True), workers=2, batch_size=None), lambda: self.fit(X, Y[:5]),
            lambda: self.shared.predict(X[:, :2]), lambda: self.shared.evaluate(X, Y[:, :2]),
        ]  # fmt: skip

    def fit(self, *data, **options):
        self.model.set_weights(self.start)
        history = self.model.fit(*data, **{"batch_size": 10, "shuffle": False, "verbose": 0, **options}).history
        return [value for values in history.values() for value in values] + [self.model.get_weights()[0].sum()]


def soak(count, report=lambda outcome: None):
    """Does `count` works in four threads, about every fifth a fault."""
    shared = network(metrics=["mae"])
    workers = [Worker(shared) for _ in range(THREADS)]
    expected = [work() for work in workers[0].works]
    for worker in workers:
        for work in worker.works:
            work()
    outcome, lock, begun = Outcome(), threading.Lock(), time.perf_counter()
    before = set(threading.enumerate())

    def run(worker, seed):
        choose = np.random.default_rng(seed)
        while not outcome.wrong:
            with lock:
                if outcome.done >= count:
                    return
                outcome.done += 1
                if outcome.done % max(count // 20, 1) == 0:
                    gc.collect()
                    outcome.memory.append(resident())
                    report(outcome)
            fault = choose.random() < 0.2
            index = int(choose.integers(len(worker.faults if fault else worker.works)))
            try:
                found = (worker.faults if fault else worker.works)[index]()
                if fault:
                    outcome.wrong.append(f"fault {index} was not told")
                elif not np.allclose(found, expected[index], rtol=1e-4):
                    outcome.wrong.append(f"work {index}: {found} instead of {expected[index]}")
            except (Injected, ValueError) as error:
                outcome.faults += 1
                if not fault:
                    outcome.wrong.append(f"work {index}: {error!r}")
            except BaseException as error:
                outcome.wrong.append(f"{'fault' if fault else 'work'} {index}: {error!r}")

    threads = [threading.Thread(target=run, args=(worker, seed)) for seed, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.threads = [thread.name for thread in threading.enumerate() if thread not in before]
    outcome.seconds = time.perf_counter() - begun
    return outcome


if __name__ == "__main__":
    found = soak(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
                 lambda outcome: print(outcome.done, f"{outcome.memory[-1]:.1f} MB", flush=True))  # fmt: skip
    print(found)
