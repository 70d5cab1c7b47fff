"""Ctrl-C, threads, forked children, and an output that is gone (F13, F14, F29-F31, F40)."""

import io
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import kerasish as keras
from kerasish import callbacks as C
from tests.faults.examples import X, Y, network


def test_f13_a_fit_that_was_interrupted_keeps_its_history_and_goes_on():
    model, reached = network(), threading.Event()
    slow = C.LambdaCallback(on_epoch_end=lambda epoch, logs: (reached.set() if epoch > 3 else None, time.sleep(0.02)))
    threading.Thread(target=lambda: (reached.wait(), os.kill(os.getpid(), signal.SIGINT))).start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=10**6, callbacks=[slow], verbose=0)
    assert len(model.history.epoch) >= 4 and len(model.history.history["loss"]) == len(model.history.epoch)
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2


class Slow(keras.utils.Sequence):
    """Batches of which one takes a minute, or until it is released."""

    begun, released = threading.Event(), threading.Event()

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 3:
            self.begun.set()
            self.released.wait(60)
        return X[:5], Y[:5]


def test_f14_an_interrupt_ends_workers_that_are_busy_within_two_seconds():
    model, moments = network(), []
    Slow.begun.clear()
    Slow.released.clear()

    def interrupt():
        Slow.begun.wait()
        moments.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(Slow(), workers=2, shuffle=False, verbose=0)
    assert time.perf_counter() - moments[0] < 2
    assert len(model.fit(X, Y, verbose=0).epoch) == 1
    stuck = [thread for thread in threading.enumerate() if thread.name.startswith("kerasish")]
    assert len(stuck) == 1 and stuck[0].daemon, "it must not keep the process from ending"
    Slow.released.set()
    stuck[0].join(10)
    assert not stuck[0].is_alive()


def at_once(count, work):
    """Runs `work(number)` in as many threads, begun together, and gives what they returned."""
    results, gate = [None] * count, threading.Barrier(count)

    def run(number):
        gate.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_f29_predictions_of_eight_threads_are_right():
    model = network()
    rows = [X + number for number in range(8)]
    results = at_once(8, lambda number: [model.predict(rows[number], verbose=0) for _ in range(20)])
    for number, found in enumerate(results):
        expected = network().predict(rows[number])
        for one in found:
            np.testing.assert_allclose(one, expected, rtol=1e-5)
    assert model.program("predict").traces == 1


def test_f30_evaluations_of_eight_threads_are_right():
    model = network(metrics=["mae"])
    sizes = [10, 20, 30, 40] * 2
    expected = [network(metrics=["mae"]).evaluate(X[:size], Y[:size], batch_size=3, verbose=0) for size in sizes]
    results = at_once(8, lambda number: [
        model.evaluate(X[: sizes[number]], Y[: sizes[number]], batch_size=3, verbose=0) for _ in range(20)])
    for found, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(found, [wanted] * 20, rtol=1e-5)
    assert model.program("test").traces == 1


def test_f30_an_evaluation_beside_a_training_disturbs_neither():
    model, alone = network(metrics=["mae"]), network(metrics=["mae"])
    model.optimizer.learning_rate = alone.optimizer.learning_rate = 0.0
    wanted = alone.evaluate(X[:20], Y[:20], batch_size=3, verbose=0)
    expected = alone.fit(X, Y, epochs=1, batch_size=4, shuffle=False, verbose=0)

    def work(number):
        if number:
            return [model.evaluate(X[:20], Y[:20], batch_size=3, verbose=0) for _ in range(20)]
        return model.fit(X, Y, epochs=30, batch_size=4, shuffle=False, verbose=0).history

    history, *found = at_once(3, work)
    for name, values in expected.history.items():
        np.testing.assert_allclose(history[name], values * 30, rtol=1e-5)
    for one in found:
        np.testing.assert_allclose(one, [wanted] * 20, rtol=1e-5)


def in_a_fork(work):
    """What the work raises in a forked child; the child is killed after ten seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            work()
            text = "nothing"
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    timer = threading.Timer(10, os.kill, (child, signal.SIGKILL))
    timer.start()
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    timer.cancel()
    os.waitpid(child, 0)
    return text


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch",
                                    "predict_on_batch", "__call__"])  # fmt: skip
def test_f31_a_forked_child_gets_an_error_instead_of_waiting_for_ever(method):
    model = network()
    model.predict(X)
    arguments = (X,) if method in ("predict", "predict_on_batch", "__call__") else (X, Y)
    text = in_a_fork(lambda: getattr(model, method)(*arguments))
    assert text.startswith("RuntimeError") and "spawn" in text and len(text.splitlines()) <= 6
    assert model.predict(X).shape == (40, 3)


@pytest.mark.parametrize("stream", [None, "closed", "broken", "ascii"])
def test_f40_an_output_that_is_gone_does_not_end_a_training(monkeypatch, stream):
    closed = io.StringIO()
    closed.close()
    reading, writing = os.pipe()
    os.close(reading)
    broken = os.fdopen(writing, "w")
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", {None: None, "closed": closed, "broken": broken, "ascii": ascii_only}[stream])
    model = network(metrics=[keras.metrics.MeanSquaredError(name="größe")])
    callbacks = [C.EarlyStopping("loss", patience=0, min_delta=9, verbose=1)]
    assert len(model.fit(X, Y, epochs=3, validation_data=(X, Y), callbacks=callbacks).epoch) == 2
    model.evaluate(X, Y)
    model.predict(X, verbose=1)
    monkeypatch.undo()
    try:
        broken.close()
    except BrokenPipeError:
        assert stream == "broken"
