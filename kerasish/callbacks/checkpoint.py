"""`ModelCheckpoint`: saves the model, or its weights, while it trains."""

from __future__ import annotations

import difflib
import glob
import os
import re
import warnings
from string import Formatter
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Logs
from kerasish.callbacks.console import console
from kerasish.callbacks.monitor import MonitorCallback

OLDER_ARGUMENTS = ("period", "load_weights_on_restart")


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights after every epoch, or every so many batches.

    Args:
        filepath: where to; `{epoch}`, `{batch}` and the names in the logs may stand in it, with formats, for example
            `"model-{epoch:02d}-{val_loss:.2f}.h5"`. Epochs and batches count from 1.
        monitor: the value that tells which model is the best.
        verbose: 0 silent, 1 tells of every saving.
        save_best_only: whether to save only when the value has improved.
        save_weights_only: whether to call `model.save_weights` instead of `model.save`.
        mode: `"min"`, `"max"` or `"auto"` (by the name).
        save_freq: `"epoch"`, or a number of batches.
        options: `tf.train.CheckpointOptions` for weights, `tf.saved_model.SaveOptions` for a model.
        initial_value_threshold: the value that the first model must beat to be saved.
        **kwargs: `period` (save every so many epochs) and `load_weights_on_restart`, of older versions.

    Raises:
        ValueError: if save_freq is neither `"epoch"` nor a whole number.
        TypeError: for options of the wrong kind, or an unknown argument.
    """

    _state = ("best", "epochs_since_last_save", "_batches_seen_since_last_saving", "_last_batch_seen")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(monitor, mode, lambda name: "acc" in name or name.startswith("fmeasure"))
        _check_arguments(save_freq, kwargs)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.period = kwargs.get("period", 1)
        self.load_weights_on_restart = kwargs.get("load_weights_on_restart", False)
        self.epochs_since_last_save = 0
        worst = -np.inf if self.monitor_op == np.greater else np.inf
        self.best = worst if initial_value_threshold is None else initial_value_threshold
        self._options = _checked_options(options, save_weights_only)
        self._current_epoch = 0
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen = -1

    def on_train_begin(self, logs: Logs | None = None) -> None:
        newest = _newest_match(self.filepath) if self.load_weights_on_restart else None
        if newest is not None:
            self.model.load_weights(newest)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._should_save_on_batch(batch):
            self._save_model(epoch=self._current_epoch, batch=batch, logs=logs)

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        if mode == "train" and self.save_freq != "epoch":
            self.on_train_batch_end(last_batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch":
            self._save_model(epoch=epoch, batch=None, logs=logs)

    def _names_needed(self) -> list[tuple[str, str]]:
        if self.save_freq != "epoch":
            return []
        fields = {re.split(r"[.\[]", field)[0] for _, field, _, _ in Formatter().parse(self.filepath) if field}
        watched = super()._names_needed() if self.save_best_only else []
        return [*watched, *(("filepath", name) for name in sorted(fields - {"epoch"}))]

    def _steps_tolerated(self, mode: str) -> int | None:
        if mode != "train" or not isinstance(self.save_freq, int):
            return None
        return self.save_freq - self._batches_seen_since_last_saving

    def _should_save_on_batch(self, batch: int) -> bool:
        """Whether `save_freq` batches are complete with this one; they count across epochs."""
        if not isinstance(self.save_freq, int):
            return False
        begun = self._last_batch_seen if batch > self._last_batch_seen else -1
        self._batches_seen_since_last_saving += batch - begun
        self._last_batch_seen = batch
        due = self._batches_seen_since_last_saving >= self.save_freq
        if due:
            self._batches_seen_since_last_saving = 0
        return due

    def _save_model(self, epoch: int, batch: int | None, logs: Logs | None) -> None:
        if isinstance(self.save_freq, str) and self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        path = self._get_file_path(epoch, batch, logs)
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
        elif not self._is_best(epoch, path, logs):
            return
        self._write(path)

    def _is_best(self, epoch: int, path: str, logs: Logs | None) -> bool:
        value = self._monitored(logs)
        if value is None:
            return False
        if not self.monitor_op(value, self.best):
            self._tell(epoch, f"{self.monitor} did not improve from {self.best:0.5f}")
            return False
        self._tell(epoch, f"{self.monitor} improved from {self.best:0.5f} to {value:0.5f}, saving model to {path}")
        self.best = value
        return True

    def _tell(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            console.line(f"Epoch {epoch + 1:05d}: {text}")

    def _write(self, path: str) -> None:
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True, **({} if self._options is None else {"options": self._options}))

    def _get_file_path(self, epoch: int, batch: int | None, logs: Logs | None) -> str:
        """The path with epoch, batch and logs filled in.

        Raises:
            KeyError: for a name that the logs do not hold.
        """
        numbers = {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        names = {**(logs or {}), **numbers}
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            message = f"`filepath` names {error}, which is not available. Available: {', '.join(names)}. Received: "
            raise KeyError(f"{message}filepath={self.filepath!r}") from error


def _check_arguments(save_freq: Any, kwargs: dict[str, Any]) -> None:
    if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
        raise ValueError(f'Expected `save_freq` to be "epoch" or a number of batches. Received: {save_freq=}')
    for name in kwargs:
        if name not in OLDER_ARGUMENTS:
            known = ["filepath", "monitor", "verbose", "save_best_only", "save_weights_only", "mode", "save_freq",
                     "options", "initial_value_threshold", *OLDER_ARGUMENTS]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise TypeError(f"ModelCheckpoint has no argument `{name}`.{hint} Received: {name}={kwargs[name]!r}")


def _checked_options(options: Any, weights_only: bool) -> Any:
    kind = tf.train.CheckpointOptions if weights_only else tf.saved_model.SaveOptions
    if options is not None and not isinstance(options, kind):
        place = "train" if weights_only else "saved_model"
        raise TypeError(f"Expected `options` to be a tf.{place}.{kind.__name__} with save_weights_only={weights_only}. "
                        f"Received: options={options!r}")
    return options


def _newest_match(filepath: str) -> str | None:
    """The newest file or checkpoint whose path the pattern could have given."""
    pattern = re.sub(r"\\\{[^{}]*\\\}", "*", re.escape(filepath))
    found = glob.glob(re.sub(r"\\(.)", r"\1", pattern)) + glob.glob(re.sub(r"\\(.)", r"\1", pattern) + ".index")
    if not found:
        warnings.warn(f"No checkpoint matches {filepath!r}; the training starts with the weights as they are.",
                      stacklevel=3)
        return None
    return max(found, key=os.path.getmtime).removesuffix(".index")
