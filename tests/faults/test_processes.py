"""Ctrl-C, threads, and an output that is gone (F13, F29, F40)."""

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
