"""The callbacks that change the learning rate: `LearningRateScheduler` and `ReduceLROnPlateau`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Callback, Logs
from kerasish.callbacks.console import console
from kerasish.callbacks.monitor import MonitorCallback


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch.

    Args:
        schedule: a function of `(epoch)` or `(epoch, rate)` that gives the new rate as a float; the first epoch is 0.
        verbose: 0 silent, 1 tells every rate.

    Raises:
        TypeError: if the optimizer's rate is a schedule itself.
        ValueError: if the function gives no float.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _rate_of(self.model, self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = float(_rate_of(self.model, self))
        new_rate = self.schedule(epoch, rate) if _takes_two(self.schedule) else self.schedule(epoch)
        self.model.optimizer.learning_rate = _checked_rate(new_rate)
        if self.verbose > 0:
            console.line(f"Epoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {new_rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["lr"] = float(_rate_of(self.model, self))


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` after `patience` epochs without an improvement.

    Args:
        monitor: the name of the value to watch.
        factor: what the rate is multiplied by, below 1.
        patience: the number of epochs without improvement that are allowed.
        verbose: 0 silent, 1 tells every reduction.
        mode: `"min"`, `"max"` or `"auto"` (by the name).
        min_delta: the change that counts as an improvement, at least.
        cooldown: the number of epochs after a reduction in which nothing is counted.
        min_lr: the rate below which it is not reduced.
        **kwargs: `epsilon`, the older name of min_delta.

    Raises:
        ValueError: for a factor of 1 or more.
        TypeError: for an unknown argument, or (in fit) if the optimizer's rate is a schedule.
    """

    _state = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ):
        super().__init__(monitor, mode, lambda name: "acc" in name)
        if factor >= 1.0:
            raise ValueError(f"Expected `factor` to be below 1. Received: factor={factor}")
        unknown = set(kwargs) - {"epsilon"}
        if unknown:
            raise TypeError(f"ReduceLROnPlateau has no argument `{min(unknown)}`. Received: {kwargs}")
        self.factor = factor
        self.min_lr = min_lr
        self.min_delta = kwargs.get("epsilon", min_delta)
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.mode = mode
        self._larger_is_better = self.monitor_op == np.greater
        self.monitor_op = self._is_better
        self.best: Any = None
        self.cooldown_counter = 0
        self.wait = 0
        self._reset()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _rate_of(self.model, self)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        rate = _rate_of(self.model, self)
        logs["lr"] = float(rate)
        value = self._monitored(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, rate)

    def in_cooldown(self) -> bool:
        """Whether epochs are not counted because the rate has just been reduced."""
        return self.cooldown_counter > 0

    def _is_better(self, value: Any, reference: Any) -> bool:
        if self._larger_is_better:
            return bool(value > reference + self.min_delta)
        return bool(value < reference - self.min_delta)

    def _reduce(self, epoch: int, rate: Any) -> None:
        if rate <= np.float32(self.min_lr):
            return
        new_rate = max(float(rate * self.factor), self.min_lr)
        self.model.optimizer.learning_rate = new_rate
        if self.verbose > 0:
            console.line(f"Epoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new_rate}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0

    def _reset(self) -> None:
        self.best = -np.inf if self._larger_is_better else np.inf
        self.cooldown_counter = 0
        self.wait = 0


def schedule_of(optimizer: Any) -> Callable[[Any], Any] | None:
    """The schedule that the optimizer's learning rate follows, or None if the rate is a number."""
    rate = getattr(optimizer, "_learning_rate", getattr(optimizer, "learning_rate", None))
    return rate if callable(rate) and not hasattr(rate, "dtype") else None


def _rate_of(model: Any, callback: Callback) -> Any:
    """The optimizer's learning rate as a NumPy number, in the precision of its variable.

    Raises:
        ValueError: if the optimizer has none.
        TypeError: if it follows a schedule, which would overwrite what the callback sets.
    """
    name = type(callback).__name__
    rate, schedule = getattr(model.optimizer, "learning_rate", None), schedule_of(model.optimizer)
    if rate is None:
        raise ValueError(f"{name} needs an optimizer with a learning rate. Received: optimizer={model.optimizer!r}")
    if schedule is not None:
        raise TypeError(f"{name} cannot set the learning rate: the optimizer's follows {type(schedule).__name__}.\n"
                        "Give the optimizer a number as its learning rate, or leave the callback out.")
    return np.asarray(rate)[()]


def _checked_rate(rate: Any) -> Any:
    floating = rate.dtype.is_floating if isinstance(rate, (tf.Tensor, tf.Variable)) else isinstance(
        rate, (float, np.floating)
    )
    if not floating:
        raise ValueError(f"Expected `schedule` to return a float. Received: {rate!r}")
    return float(rate)


def _takes_two(schedule: Callable[..., Any]) -> bool:
    """Whether the function can be called with `(epoch, rate)`."""
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:
        warnings.warn(f"The signature of {schedule!r} cannot be read; it is called with the epoch only.", stacklevel=3)
        return False
    return True
