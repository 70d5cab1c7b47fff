"""The progress bar: `Progbar` for any loop, `ProgbarLogger` for fit, evaluate and predict.

A terminal sees one line that is rewritten in place, a notebook the same at most five times a second, a pipe or a file
one line per epoch without control characters.
Source: the looks of TensorFlow 2.1, where arrays are counted in samples and everything else in steps.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback
from kerasish.callbacks.console import console

NOTEBOOK_INTERVAL = 0.2
NOT_SHOWN = ("batch", "size", "num_steps", "outputs")

Values = Iterable[tuple[str, Any]]


class Progbar:
    """A bar such as ` 3/10 [=======>......................] - ETA: 2s - loss: 0.5170`.

    Args:
        target: the number of units expected, None if it is not known.
        width: the characters between the brackets.
        verbose: 0 silent, 1 a bar, 2 one line at the end.
        interval: the seconds between two refreshes, at least.
        stateful_metrics: names of values that are shown as they are; the others are averaged over the units.
        unit_name: what is counted, `"step"` or `"sample"`.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.unit_name = unit_name
        self._sums: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._start = self._now = time.perf_counter()
        self._first: tuple[int, float] | None = None
        self._last = (0, self._start)
        self._refreshed = float("-inf")

    def update(self, current: int, values: Values | None = None, finalize: bool | None = None) -> None:
        """Shows that `current` units are done.

        Args:
            current: the units done so far.
            values: pairs of a name and its value over the units since the last update.
            finalize: whether this is the last state; None means when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._count(current, values or ())
        self._show(current, finished=finalize, last=finalize)

    def add(self, n: int, values: Values | None = None) -> None:
        """Shows that `n` further units are done."""
        self.update(self._seen + n, values)

    def stop(self, current: int, values: Values | None = None) -> None:
        """Shows the last state and ends the line; a bar short of its target keeps its estimate of the time left."""
        self._count(current, values or ())
        finished = self.target is None or current >= self.target
        if self.target is None:
            self.target = current
        self._show(current, finished, last=True)

    def _count(self, current: int, values: Values) -> None:
        units = max(current - self._seen, 1)
        for name, value in values:
            if name in self.stateful_metrics or isinstance(value, str):
                self._sums[name] = (value, 1)
            else:
                total, weight = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + np.asarray(value) * units, weight + units)
        self._now = time.perf_counter()
        if current > self._last[0]:
            self._last = (current, self._now)
            self._first = self._first or self._last
        self._seen = current

    def _show(self, current: int, finished: bool, last: bool) -> None:
        if self.verbose == 2 and last:
            console.line(self._summary(current))
        elif self.verbose == 1:
            self._draw(current, finished, last)

    def _draw(self, current: int, finished: bool, last: bool) -> None:
        kind = console.kind()
        interval = max(self.interval, NOTEBOOK_INTERVAL) if kind == "notebook" else self.interval
        soon = self._now - self._refreshed < interval and current != self.target
        if not last and (kind == "pipe" or soon):
            return
        line = self._counter(current) + self._timing(current, finished) + self._shown_values()
        if kind == "pipe":
            console.line(line)
        else:
            console.rewrite(self, line, last)
        self._refreshed = self._now

    def _counter(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        done = min(int(self.width * current / max(self.target, 1)), self.width)
        tip = ">" if current < self.target else "="
        bar = ("=" * (done - 1) + tip if done else "") + "." * (self.width - done)
        return f"{current:{len(str(self.target))}d}/{self.target} [{bar}]"

    def _timing(self, current: int, finished: bool) -> str:
        each = self._seconds_each()
        if self.target is not None and not finished:
            return f" - ETA: {_clock(each * (self.target - current))}"
        return f" - {self._now - self._start:.0f}s {_duration(each, self.unit_name)}"

    def _summary(self, current: int) -> str:
        elapsed = self._now - self._start
        total = "Unknown" if self.target is None else self.target
        pace = f" - {_duration(elapsed, 'epoch')} - {_duration(self._seconds_each(), self.unit_name)}"
        return f"{current}/{total} - {elapsed:.0f}s{self._shown_values()}{pace}"

    def _seconds_each(self) -> float:
        """The time of one unit, without the first update if there is a later one: that one prepares everything."""
        count, moment = self._last
        first_count, first_moment = self._first or (0, self._start)
        if count > first_count:
            return (moment - first_moment) / (count - first_count)
        return (moment - self._start) / count if count else 0.0

    def _shown_values(self) -> str:
        return "".join(f" - {name}: {_number(total, weight)}" for name, (total, weight) in self._sums.items())


class ProgbarLogger(Callback):
    """Prints what is trained on, the epochs, and a bar for each of them.

    Args:
        count_mode: `"samples"` (where the number of samples is known) or `"steps"`.
        stateful_metrics: names of values to be shown as they are instead of averaged. The values of fit, evaluate and
            predict are running values already and always shown as they are.

    Raises:
        ValueError: for another count_mode.
    """

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f'Expected `count_mode` to be "samples" or "steps". Received: count_mode={count_mode!r}')
        self.count_mode = count_mode
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.unit_name = "step"
        self.verbose = 1
        self.epochs = 1
        self._training = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        samples = params.get("samples") if self.count_mode == "samples" else None
        by_samples = samples is not None and params.get("unit", "samples") == "samples"
        self.unit_name = "sample" if by_samples else "step"
        self.target = samples if by_samples else params.get("steps")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._training = True
        header = _header(self.params or {}, self.unit_name, self.target)
        if self.verbose and header:
            console.line(header)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.verbose and self.epochs > 1:
            console.line(f"Epoch {epoch + 1}/{self.epochs}")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._advance(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._end(logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._training = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begin_alone()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._advance_alone(batch, logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._end_alone(logs or {})

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begin_alone()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._advance_alone(batch, logs or {})

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._end_alone(logs or {})

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: dict[str, Any]) -> None:
        if self._training == (mode == "train"):
            self._show(samples_seen if self.unit_name == "sample" else last_batch + 1, logs)

    def _begin_alone(self) -> None:
        if not self._training:
            self._begin()

    def _advance_alone(self, batch: int, logs: dict[str, Any]) -> None:
        if not self._training:
            self._advance(batch, logs)

    def _end_alone(self, logs: dict[str, Any]) -> None:
        if not self._training:
            self._end(logs)

    def _begin(self) -> None:
        self.seen = 0
        stateful = self.stateful_metrics | {metric.name for metric in getattr(self.model, "metrics", None) or ()}
        self.progbar = Progbar(
            self.target, verbose=self.verbose, stateful_metrics=stateful, unit_name=self.unit_name
        )

    def _advance(self, batch: int, logs: dict[str, Any]) -> None:
        size = logs.get("size") or (self.params or {}).get("batch_size") or 1
        self._show(self.seen + size if self.unit_name == "sample" else batch + 1, logs)

    def _show(self, seen: int, logs: dict[str, Any]) -> None:
        self.seen = seen
        if self.progbar is not None and self.verbose:
            self.progbar.update(seen, self._values(logs), finalize=False)

    def _end(self, logs: dict[str, Any]) -> None:
        if self.progbar is None:
            return
        self.progbar.stop(self.seen, self._values(logs))
        if self.target is None:
            self.target = self.seen
        self.progbar = None

    def _values(self, logs: Mapping[str, Any]) -> list[tuple[str, Any]]:
        values = [(name, value) for name, value in logs.items() if name not in NOT_SHOWN]
        if self.progbar is not None and "metrics" in (self.params or {}):
            self.progbar.stateful_metrics.update(name for name, _ in values)
        return values

    def _release(self) -> None:
        self._training, self.progbar = False, None
        console.end_line()


def _header(params: Mapping[str, Any], unit: str, target: int | None) -> str:
    """`Train on 50000 samples, validate for 157 steps`; empty when the number is not known."""
    if "unit" not in params or target is None:
        return ""
    samples, steps = params.get("validation_samples"), params.get("validation_steps")
    text = f"Train on {target} samples" if unit == "sample" else f"Train for {target} steps"
    if samples is not None:
        return f"{text}, validate on {samples} samples"
    return f"{text}, validate for {steps} steps" if steps is not None else text


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _duration(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def _number(total: Any, weight: int) -> str:
    if total is None or isinstance(total, str):
        return str(total)
    mean = float(np.mean(total)) / max(weight, 1)
    return f"{mean:.4f}" if abs(mean) > 1e-3 or np.isnan(mean) else f"{mean:.4e}"
