"""Losses and weights that are no numbers: `TerminateOnNaN`, and the warnings that every fit gives."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Callback, Logs
from kerasish.callbacks.console import console

_SHOWN = 4


class TerminateOnNaN(Callback):
    """Ends the training when the loss is not a finite number.

    Looks after every batch or, where batches run as one, at least every 16 batches: a running loss that was once NaN
    or infinite does not become finite again within the epoch.

    Args:
        restore: whether to look at the weights too, and to give the model and its optimizer the values back that they
            had when loss and weights were finite for the last time, at most 16 batches before.
    """

    def __init__(self, restore: bool = False):
        super().__init__()
        self.restore = restore
        self._good: list[tuple[tf.Variable, np.ndarray]] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.restore:
            self._good = _values(self.model)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            self._terminate(batch, "loss")
        elif self.restore and not_finite(self.model):
            self._terminate(batch, "weights")
        elif self.restore:
            self._good = _values(self.model)

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        if mode == "train":
            self.on_batch_end(last_batch, logs)

    def _terminate(self, batch: int, what: str) -> None:
        console.line(f"Batch {batch}: Invalid {what}, terminating training")
        self.model.stop_training = True
        for variable, value in self._good:
            variable.assign(value)

    def _steps_tolerated(self, mode: str) -> int | None:
        return 16 if mode == "train" else None

    def _release(self) -> None:
        self._good = []


class FiniteWatch(Callback):
    """Warns once in a training: of a loss that is not finite, or else of such weights, which a loss may not show."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._told = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._look(f"at batch {batch + 1}", logs or {})

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        if mode == "train":
            self._look(f"between batches {last_batch + 2 - steps} and {last_batch + 1}", logs)

    def _look(self, where: str, logs: Logs) -> None:
        loss = logs.get("loss", 0.0)
        if self._told or self.model.stop_training or np.ndim(loss) or math.isfinite(loss):
            return
        self._warn(
            f"The loss became {loss} in epoch {self._epoch + 1}, {where}.\n"
            "Usual causes: NaN or infinite values in x or y, or too high a learning rate.\n"
            "The callback TerminateOnNaN(restore=True) ends the training there and keeps the last good weights."
        )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        shown = not math.isfinite(np.min((logs or {}).get("loss", 0.0)))
        names = [] if self._told or shown else not_finite(self.model)
        if names:
            more = ", ..." if names[_SHOWN:] else ""
            self._warn(
                f"At the end of epoch {epoch + 1} these weights are not finite: {', '.join(names[:_SHOWN])}{more}\n"
                "The loss did not show it. Is there a NaN or infinite value in x?\n"
                "The callback TerminateOnNaN(restore=True) ends the training there and keeps the last good weights."
            )

    def _warn(self, text: str) -> None:
        self._told = True
        warnings.warn(text, stacklevel=2)


def not_finite(model: Any) -> list[str]:
    """The names of the trainable weights with a value that is NaN or infinite."""
    weights = getattr(model, "trainable_weights", ())
    return [weight.name for weight in weights if weight.dtype.is_floating and not _is_finite(weight)]


def _is_finite(weight: tf.Variable) -> bool:
    """The sum of squares tells it at the least cost; where that is not finite every value is looked at."""
    return math.isfinite(tf.nn.l2_loss(weight)) or bool(tf.reduce_all(tf.math.is_finite(weight)))


def _values(model: Any) -> list[tuple[tf.Variable, np.ndarray]]:
    """The weights and the optimizer's variables with their present values."""
    variables = [*model.weights, *model.optimizer.variables]
    return [(variable, variable.numpy()) for variable in variables]
