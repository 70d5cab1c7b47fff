"""`EarlyStopping`: ends the training when a value stops improving."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.callbacks.base import Logs
from kerasish.callbacks.console import console
from kerasish.callbacks.monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Ends the training after `patience` epochs without an improvement.

    Args:
        monitor: the name of the value to watch.
        min_delta: the change that counts as an improvement, at least.
        patience: the number of epochs without improvement that are allowed.
        verbose: 0 silent, 1 tells when it stops.
        mode: `"min"`, `"max"` or `"auto"` (by the name).
        baseline: a value to be beaten; until it is, an improvement does not renew the patience.
        restore_best_weights: whether the model gets back the weights of the best epoch when the training ends.
        start_from_epoch: the index of the first epoch that is looked at.
    """

    _state = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, lambda name: name.endswith(("acc", "accuracy", "auc")))
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.min_delta = abs(min_delta) if self.monitor_op == np.greater else -abs(min_delta)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = None
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None
        self._forget()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        better = self._is_improvement(value, self.best)
        if better or (self.restore_best_weights and self.best_weights is None):
            self._keep(epoch)
        self.best = value if better else self.best
        renewed = better and (self.baseline is None or self._is_improvement(value, self.baseline))
        self.wait = 0 if renewed else self.wait + 1
        if not renewed and self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            console.line(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                console.line(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def _names_needed(self) -> list[tuple[str, str]]:
        own = type(self).get_monitor_value is not EarlyStopping.get_monitor_value
        return [] if own else super()._names_needed()

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """The watched value in the logs, or None; may be overridden."""
        return self._monitored(logs)

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        return bool(self.monitor_op(value - self.min_delta, reference))

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def _forget(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = -np.inf if self.monitor_op == np.greater else np.inf
        self.best_weights = None
        self.best_epoch = 0
