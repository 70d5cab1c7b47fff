"""Epochs and blocks: the only Python loop of training, evaluation and prediction."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks import CallbackList
from kerasish.data_sources.source import Source
from kerasish.training.program import Program
from kerasish.training.resumption import Training
from kerasish.training.turns import Run

Logs = dict[str, Any]
_REFRESH = 0.1
_SILENT = 1.0
_GROWTH = 8


class Pace:
    """How many steps to run in one execution.

    One where a callback wants every batch; the user's `steps_per_execution` if given; otherwise what fits between two
    refreshes of the progress bar (0.1 s), or into a second when nobody watches.

    Args:
        program: its measured time per step is used and refreshed.
        callbacks: asked before each block.
        mode: `"train"`, `"test"` or `"predict"`.
        fixed: the user's `steps_per_execution`, 1 meaning not given.
        watched: whether a progress bar is shown.
    """

    def __init__(self, program: Program, callbacks: CallbackList, mode: str, fixed: int, watched: bool):
        self._program, self._callbacks, self._mode = program, callbacks, mode
        self._fixed = fixed if fixed > 1 else None
        self._seconds = _REFRESH if watched else _SILENT
        self._previous = 1

    @property
    def every_batch(self) -> bool:
        """Whether batch hooks have to be called."""
        return self._callbacks.batch_interval(self._mode) == 1

    def steps(self) -> int:
        """The number of steps of the next block."""
        interval = self._callbacks.batch_interval(self._mode)
        if interval == 1 or self._program.eager:
            return 1
        wanted = self._fixed or self._fitting()
        return wanted if interval is None else min(wanted, interval)

    def _fitting(self) -> int:
        known = self._program.seconds_per_step
        if known is None:
            return self._previous
        return max(
            1, min(int(self._seconds / max(known, 1e-9)), self._previous * _GROWTH if self._previous > 1 else 10**9)
        )

    def measured(self, steps: int, seconds: float, traced: bool) -> None:
        """Takes the time of an execution into account, unless it included tracing."""
        if traced or not steps:
            return
        self._program.seconds_per_step = seconds / steps
        self._previous = max(steps, 1)


def fit(
    model: Any, source: Source, callbacks: CallbackList, *, epochs: int, initial_epoch: int,
    validation: Source | None = None, validation_freq: int | Collection[int] = 1, watched: bool = False,
) -> None:  # fmt: skip
    """Trains for the epochs and reports to the callbacks; an epoch without batches is not reported."""
    model.stop_training = False
    program, testing = model.program("train"), None
    program.plan(epochs, source.batches or 0)
    training = Training(model, source, validation, callbacks, initial_epoch)
    callbacks.join(training)
    callbacks.on_train_begin()
    logs: Logs = training.logs or {}
    for epoch in range(training.epoch, epochs if not training.over else training.epoch):
        run = _begun(model)
        training.begin_epoch(epoch, run)
        callbacks.on_epoch_begin(epoch)
        seen = run_epoch(model, program, source, epoch - initial_epoch, callbacks, "train", watched, run, training)
        if seen is None:
            break
        logs = seen
        if validation is not None and _is_due(epoch, validation_freq):
            testing = testing or model.program("test")
            found = evaluate(model, testing, validation, callbacks, watched)
            logs = {**logs, **{f"val_{name}": value for name, value in (found or {}).items()}}
        training.end_epoch(logs)
        callbacks.on_epoch_end(epoch, dict(logs))
        if model.stop_training or source.ran_out:
            break
    finalize = getattr(model.optimizer, "finalize_variable_values", None)
    if finalize is not None:
        finalize(model.trainable_variables)
    callbacks.on_train_end(logs)


def evaluate(model: Any, program: Program, source: Source, callbacks: CallbackList, watched: bool) -> Logs | None:
    """Metrics over all batches of the source."""
    run = _begun(model)
    callbacks.on_test_begin()
    logs = run_epoch(model, program, source, 0, callbacks, "test", watched, run)
    callbacks.on_test_end(logs)
    return logs


def predict(model: Any, program: Program, source: Source, callbacks: CallbackList, watched: bool) -> Any:
    """The outputs for all batches as NumPy arrays, joined along the batch axis."""
    callbacks.on_predict_begin()
    collected: list[Any] = []
    run_epoch(model, program, source, 0, callbacks, "predict", watched, collected=collected)
    callbacks.on_predict_end()
    return tf.nest.map_structure(lambda *parts: _joined(parts), *collected)


def run_epoch(
    model: Any, program: Program, source: Source, index: int, callbacks: CallbackList, mode: str, watched: bool,
    run: Run | None = None, training: Training | None = None, collected: list[Any] | None = None,
) -> Logs | None:  # fmt: skip
    """The last logs of one pass, or None if there was not a single batch; predictions are appended to `collected`.

    Without a `run` there are no metrics, and other threads may compute at the same time. A `training` tells how much of
    the pass is done already, and is told of what is done then.
    """
    pace = Pace(program, callbacks, mode, model.steps_per_execution, watched)
    begin, end = getattr(callbacks, f"on_{mode}_batch_begin"), getattr(callbacks, f"on_{mode}_batch_end")
    logs: Logs | None = None
    batches = rows = 0
    with source.epoch(index) as epoch:
        if training is not None and training.batches:
            training.go_on(epoch)
            logs, batches, rows = training.logs, training.batches, training.samples
        ending = False
        while not ending:
            one_by_one = pace.every_batch
            stopped = mode == "train" and model.stop_training  # before the first batch, which is run all the same
            count = 1 if stopped or (collected is not None and source.drawn) else pace.steps()
            block = epoch.next(count, equal=program.wants_equal_batches)
            if block is None:
                break
            if one_by_one:
                begin(batches, {})
            if training is not None and training.waits:
                program.prepare(block)
                training.complete()
            with nullcontext() if run is None else model._turns.turn(run, model):
                done, returned = _timed(program, pace, block)
            epoch.taken(block, done)
            if not done:
                break
            rows += block.samples or 0
            if collected is not None:
                collected.append(tf.nest.map_structure(_fetched, returned))
                logs = {"outputs": collected[-1]}
            else:
                logs = {name: _number(value) for name, value in (returned or {}).items()}
            batches += done
            if training is not None:
                training.logs, training.batches, training.samples = logs, batches, rows
            if one_by_one:
                size = {} if block.samples is None else {"size": block.samples}
                end(batches - 1, {"batch": batches - 1, **size, **logs})
            else:
                callbacks.on_block_end(mode, batches - 1, done, rows, logs)
            ending = mode == "train" and model.stop_training
    if run is not None:
        run.over = True
    return logs


def _begun(model: Any) -> Run:
    """A run whose metrics start afresh."""
    run = Run()
    with model._turns.turn(run, model):
        model.reset_metrics()
    return run


def _timed(program: Program, pace: Pace, block: Any) -> tuple[int, Any]:
    traces, begun = program.traces, time.perf_counter()
    done, returned = program.run(block)
    pace.measured(done, time.perf_counter() - begun, program.traces != traces)
    return done, returned


def _is_due(epoch: int, frequency: int | Collection[int]) -> bool:
    if isinstance(frequency, Collection):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0


def _number(value: Any) -> Any:
    """A Python float for a scalar, a NumPy array for anything else."""
    value = _fetched(value)
    return float(value) if np.ndim(value) == 0 else value


def _fetched(value: Any) -> Any:
    return value.numpy() if isinstance(value, (tf.Tensor, tf.Variable)) else value


def _joined(parts: tuple[Any, ...]) -> Any:
    if isinstance(parts[0], (tf.RaggedTensor, tf.SparseTensor)):
        return tf.concat(parts, 0) if isinstance(parts[0], tf.RaggedTensor) else tf.sparse.concat(0, parts)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
