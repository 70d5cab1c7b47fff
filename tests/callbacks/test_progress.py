"""What is printed: on a terminal (a real one), in a notebook, into a pipe, and where nothing can be written."""

import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
import time

import numpy as np
import pytest
import tf_keras

from kerasish import callbacks as C
from kerasish.callbacks import progress
from kerasish.callbacks.console import console
from kerasish.callbacks.progress import Progbar

ARRAYS = {"verbose": 1, "epochs": 1, "samples": 40000, "steps": 625, "batch_size": 64, "unit": "samples", "metrics": []}
STEPS = {"verbose": 1, "epochs": 2, "samples": None, "steps": 20, "unit": "steps", "metrics": []}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook(io.StringIO):
    pass


Notebook.__module__ = "ipykernel.iostream"


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    monkeypatch.delenv("PYCHARM_HOSTED", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console._owner, console._length = None, 0


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when it is told to."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(progress.time, "perf_counter", made)
    return made


@pytest.fixture
def screen(monkeypatch):
    def put(stream):
        monkeypatch.setattr(sys, "stdout", stream)
        return stream

    return put


def states(text):
    """The successive states of the line, without times."""
    text = re.sub("\b+", "", text)
    text = re.sub(r"\d+(s|ms|us)(/\w+)?\b", r"N\1\2", text)
    text = re.sub(r"(ETA: )[\d:]+", r"\1", re.sub(r"N(ms|us|s)/", "N/", text))
    return [state.rstrip() for state in re.split(r"[\r\n]+", text) if state.strip()]


BARS = [
    (dict(target=10), [("update", 1, [("loss", 2.5), ("acc", 5e-5)]), ("update", 2, [("loss", 2.0), ("acc", 0.0)]),
                       ("update", 5, [("loss", 1.0), ("acc", 0.5)]), ("update", 10, [("loss", 1.0), ("acc", 0.9)])]),
    (dict(target=10), [("add", 4, [("loss", 1.0)]), ("add", 4, [("loss", 2.0)]), ("add", 2, [("loss", 5.0)])]),
    (dict(target=10, stateful_metrics=["loss"]), [("add", 4, [("loss", 1.0)]), ("add", 6, [("loss", 2.0)])]),
    (dict(target=None), [("update", 4, [("loss", 1.0)]), ("update", 8, [("loss", 2.0)]), ("update", 8, None, True)]),
    (dict(target=10, verbose=2), [("update", 4, [("loss", 1.0)]), ("update", 10, [("loss", 2.0)])]),
    (dict(target=10, verbose=0), [("update", 4, [("loss", 1.0)]), ("update", 10, [("loss", 2.0)])]),
    (dict(target=100, unit_name="sample", width=10), [("update", 5, [("loss", 1)]), ("update", 50), ("update", 100)]),
    (dict(target=10), [("update", 4, [("loss", 1.0)]), ("update", 10, [("loss", 2.0)], False),
                       ("update", 10, [("loss", 3.0)], True)]),
    (dict(target=5), [("update", 0, [("loss", float("nan"))]), ("update", 5, [("a", np.float32(1.5))])]),
    (dict(target=1), [("update", 1, [("loss", 123456.7), ("low", -1e-9)])]),
    (dict(target=60000), [("update", 1), ("update", 30000), ("update", 60000)]),
]


@pytest.mark.parametrize("arguments, calls", BARS)
def test_progbar_shows_what_the_oracle_shows(screen, arguments, calls):
    shown = []
    for make in (tf_keras.utils.Progbar, Progbar):
        stream = screen(Terminal())
        bar = make(interval=0, **arguments)
        for method, *args in calls:
            getattr(bar, method)(*args)
        shown.append(states(stream.getvalue()))
    assert shown[1] == shown[0]
    assert shown[0] or arguments.get("verbose") == 0


def test_times(screen, clock):
    stream = screen(Terminal())
    bar = Progbar(10, interval=0)
    for count, pause in ((1, 5.0), (2, 0.25), (10, 2.0)):
        clock.now += pause
        bar.update(count)
    assert [state.strip() for state in stream.getvalue().split("\r")[1:]] == [
        "1/10 [==>...........................] - ETA: 45s",
        "2/10 [=====>........................] - ETA: 2s",
        "10/10 [==============================] - 7s 250ms/step",
    ]


@pytest.mark.parametrize("seconds, text", [(0.4, "0s"), (9, "9s"), (306, "5:06"), (4e3, "1:06:40"), (9e4, "25:00:00")])
def test_time_left(seconds, text):
    assert progress._clock(seconds) == text


@pytest.mark.parametrize("seconds, text", [(0, "0s/step"), (1.4, "1s/step"), (0.2, "200ms/step"), (6e-5, "60us/step")])
def test_time_per_unit(seconds, text):
    assert progress._duration(seconds, "step") == text


def fit(params, epochs=1, blocks=(64,), logs=None, validation=None, on_epoch_end=None, tick=None):
    """A fit of blocks: `blocks` are the units done after each. Gives the callback."""
    hooks = [C.LambdaCallback(on_epoch_end=on_epoch_end)] if on_epoch_end else []
    listed = C.CallbackList(hooks, add_progbar=True, **params)
    listed.on_train_begin()
    for epoch in range(epochs):
        listed.on_epoch_begin(epoch)
        for done in blocks:
            if tick:
                tick()
            listed.on_block_end("train", done - 1, 1, done, logs or {"loss": 2.3046})
        if validation:
            listed.on_test_begin()
            listed.on_block_end("test", 3, 4, 10000, validation)
            listed.on_test_end(validation)
        listed.on_epoch_end(epoch, {**(logs or {"loss": 2.3046}), **(validation or {})})
    listed.on_train_end()
    return listed


def test_a_bar_cut_short_stays_unfinished_as_in_the_guide(screen, clock):
    stream = screen(io.StringIO())
    clock_start = clock.now

    def tick():
        clock.now = clock_start + 0.49

    fit({**ARRAYS, "validation_samples": 10000}, validation={"val_loss": 2.1804}, tick=tick)
    assert stream.getvalue() == (
        "Train on 40000 samples, validate on 10000 samples\n"
        "   64/40000 [..............................] - ETA: 5:05 - loss: 2.3046 - val_loss: 2.1804\n"
    )


def test_one_line_per_epoch_without_control_characters_in_a_file(screen):
    stream = screen(io.StringIO())
    fit(STEPS, epochs=2, blocks=range(1, 21), on_epoch_end=lambda epoch, logs: console.line(f"saved {epoch}"))
    assert re.sub(r"\d+(s|ms|us)\b", "T", stream.getvalue()).splitlines() == [
        "Train for 20 steps",
        "Epoch 1/2",
        "saved 0",
        "20/20 [==============================] - T T/step - loss: 2.3046",
        "Epoch 2/2",
        "saved 1",
        "20/20 [==============================] - T T/step - loss: 2.3046",
    ]
    assert not re.search(r"[\r\b\x1b]", stream.getvalue())


def test_samples_are_counted_for_arrays(screen):
    stream = screen(io.StringIO())
    fit({**ARRAYS, "verbose": 2}, blocks=(20000, 40000))
    pattern = r"40000/40000 - \d+s - loss: 2.3046 - \d+(s|ms|us)/epoch - \d+(s|ms|us)/sample"
    assert re.fullmatch(pattern, stream.getvalue().splitlines()[1])


@pytest.mark.parametrize(
    "params, header",
    [
        (dict(unit="samples", samples=50, validation_samples=10), "Train on 50 samples, validate on 10 samples"),
        (dict(unit="samples", samples=50000), "Train on 50000 samples"),
        (dict(unit="steps", steps=782, validation_steps=157), "Train for 782 steps, validate for 157 steps"),
        (dict(unit="steps", steps=782, samples=50000), "Train for 782 steps"),
        (dict(unit="samples", samples=9, validation_steps=2), "Train on 9 samples, validate for 2 steps"),
        (dict(unit="steps", steps=None), ""),
    ],
)
def test_header(screen, params, header):
    stream = screen(io.StringIO())
    C.CallbackList([], add_progbar=True, verbose=1, epochs=1, **params).on_train_begin()
    assert stream.getvalue() == (header + "\n" if header else "")
    stream = screen(io.StringIO())
    C.CallbackList([], add_progbar=True, verbose=0, epochs=1, **params).on_train_begin()
    assert stream.getvalue() == ""


def test_an_unknown_number_of_steps_is_known_from_the_second_epoch_on(screen):
    stream = screen(Terminal())
    fit({**STEPS, "steps": None}, epochs=2, blocks=(5, 12), on_epoch_end=lambda *_: None)
    first, second = stream.getvalue().split("Epoch 2/2")
    assert "\r      5/Unknown - " in first and first.rstrip().endswith("loss: 2.3046") and "12/12 [=====" in first
    assert "\r 5/12 [====" in second and "12/12 [=====" in second


def test_batch_by_batch_equals_blocks(screen):
    texts = []
    for by_batch in (False, True):
        stream = screen(io.StringIO())
        listed = C.CallbackList([], add_progbar=True, **{**ARRAYS, "samples": 150})
        listed.on_train_begin()
        listed.on_epoch_begin(0)
        for batch, size in enumerate((64, 64, 22)):
            logs = {"batch": batch, "size": size, "loss": 1.0 + batch}
            if by_batch:
                listed.on_train_batch_begin(batch, logs)
                listed.on_train_batch_end(batch, logs)
            else:
                listed.on_block_end("train", batch, 1, 64 * batch + size, logs)
        listed.on_epoch_end(0, {"loss": 3.0})
        texts.append(states(stream.getvalue()))
    assert texts[0] == texts[1]
    assert texts[0][1].startswith("150/150 [==============================]") and texts[0][1].endswith("- loss: 3.0000")


def test_evaluate_and_predict_have_bars(screen):
    for mode, logs in (("test", {"loss": 0.5}), ("predict", {})):
        stream = screen(io.StringIO())
        listed = C.CallbackList([], add_progbar=True, **{**ARRAYS, "samples": 100})
        getattr(listed, f"on_{mode}_begin")()
        listed.on_block_end(mode, 1, 2, 100, {**logs, "outputs": [1]})
        getattr(listed, f"on_{mode}_end")(logs)
        assert states(stream.getvalue())[0].startswith("100/100 [==============================] - N")
        assert ("loss: 0.5000" in stream.getvalue()) == bool(logs)
        assert stream.getvalue().count("\n") == 1


def test_a_nested_evaluate_does_not_disturb_the_bar(screen):
    stream = screen(Terminal())
    outer = C.CallbackList([], add_progbar=True, **STEPS)
    outer.on_train_begin()
    outer.on_epoch_begin(0)
    outer.on_block_end("train", 4, 5, 5, {"loss": 1.0})
    inner = C.CallbackList([], add_progbar=True, **{**STEPS, "steps": 2})
    inner.on_test_begin()
    inner.on_block_end("test", 1, 2, 2, {"loss": 9.0})
    inner.on_test_end({"loss": 9.0})
    outer.on_block_end("train", 19, 15, 20, {"loss": 2.0})
    outer.on_epoch_end(0, {"loss": 2.0})
    lines = [line.split("\r")[-1].strip() for line in stream.getvalue().split("\n")]
    assert lines[2].startswith("5/20") and lines[3].startswith("2/2") and lines[4].startswith("20/20")


def test_messages_do_not_stick_to_the_bar(screen):
    stream = screen(Terminal())
    fit(STEPS, blocks=(10, 20), on_epoch_end=lambda *_: console.line("Epoch 00001: saving"))
    lines = [line.split("\r")[-1].strip() for line in stream.getvalue().split("\n")[:-1]]
    assert "Epoch 00001: saving" in lines
    assert lines[-1].startswith("20/20 [==============================]") and "" not in lines


def test_notebook_refreshes_five_times_a_second_at_most(screen, clock):
    stream = screen(Notebook())

    def tick():
        clock.now += 0.01

    fit({**STEPS, "steps": 1000, "epochs": 1}, blocks=range(1, 1001), tick=tick)
    text = stream.getvalue()
    assert 40 <= text.count("\r") <= 52
    assert "\b" not in text and text.endswith("loss: 2.3046\n")


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


class Broken(Terminal):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stream", [None, Closed(), Broken(), object()])
@pytest.mark.parametrize("verbose", [1, 2])
def test_a_stdout_that_fails_ends_nothing(screen, fake, stream, verbose):
    screen(stream)
    fit({**STEPS, "verbose": verbose}, blocks=(10, 20))
    Progbar(3).update(3)
    fake.drive(C.EarlyStopping("loss", verbose=1), [{"loss": 1.0}, {"loss": 1.0}])


def test_names_that_stdout_cannot_encode(screen):
    raw = io.BytesIO()
    screen(io.TextIOWrapper(raw, encoding="ascii"))
    Progbar(1).update(1, [("größe", 1.0)])
    assert b"gr\\xf6\\xdfe: 1.0000" in raw.getvalue()


def test_interrupted_bar_leaves_a_fresh_line(screen):
    stream = screen(Terminal())
    listed = C.CallbackList([], add_progbar=True, **STEPS)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_block_end("train", 4, 5, 5, {"loss": 1.0})
    listed.close()
    listed.close()
    assert stream.getvalue().endswith("loss: 1.0000\n")


def two_epochs():
    """What a training prints in a quarter of a second."""
    listed = C.CallbackList([], add_progbar=True, **STEPS)
    listed.on_train_begin()
    for epoch in range(2):
        listed.on_epoch_begin(epoch)
        logs = {"loss": 1.0, "a_metric_with_a_very_long_name_indeed": 2.0}
        for batch in range(20):
            time.sleep(0.006)
            listed.on_train_batch_end(batch, logs)
        listed.on_epoch_end(epoch, {**logs, "val_loss": 3.0})
    listed.on_train_end(logs)


def received_by(terminal):
    received = b""
    try:
        while chunk := os.read(terminal, 4096):
            received += chunk
    except OSError:
        os.close(terminal)  # read to the end: the other side is closed
    return received


@pytest.mark.parametrize("columns", [200, 60, 0])
def test_real_terminal(screen, columns):
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(inner, "w") as stream:
        screen(stream)
        two_epochs()
    lines = received_by(outer).decode().replace("\r\n", "\n").split("\n")
    assert lines[:2] == ["Train for 20 steps", "Epoch 1/2"] and lines[3] == "Epoch 2/2" and lines[5:] == [""]
    for line in (lines[2], lines[4]):
        *between, last = line.split("\r")[1:]
        assert len(between) >= 2 and all(" - ETA: " in state for state in between)
        assert not columns or all(len(state) < columns for state in between)
        assert re.match(r"20/20 \[={30}\] - \d+s \d+ms/step - loss: 1.0000 .* - val_loss: 3.0000 *$", last)


def test_real_pipe_that_breaks(screen):
    outer, inner = os.pipe()
    os.close(outer)
    stream = open(inner, "w")  # noqa: SIM115 (closing it fails: what could not be written is still in its buffer)
    screen(stream)
    two_epochs()
    with pytest.raises(BrokenPipeError):
        stream.close()
