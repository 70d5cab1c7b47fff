"""What the callbacks that watch one value share: which way is better, and a value that is missing."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback

SCORES = ("auc", "precision", "recall", "f1", "iou", "cosine_similarity", "r2")


class MonitorCallback(Callback):
    """A callback that watches the value `monitor` of the logs."""

    def __init__(self, monitor: str, mode: str, grows: Callable[[str], bool]):
        super().__init__()
        self.monitor = monitor
        self.monitor_op: Callable[[Any, Any], Any] = np.greater if self._maximises(mode, grows) else np.less
        self._told = False

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._told = False

    def _maximises(self, mode: str, grows: Callable[[str], bool]) -> bool:
        """Whether larger is better; with mode "auto" the value's name decides.

        Source: behaviour of tf.keras, where each callback knows other names; a score that is minimised is told.
        """
        if mode in ("min", "max"):
            return mode == "max"
        owner = type(self).__name__
        if mode != "auto":
            warnings.warn(f'{owner}: expected `mode` to be "auto", "min" or "max"; "auto" is used. Received: '
                          f"mode={mode!r}", stacklevel=4)
        larger = grows(self.monitor)
        if not larger and any(score in self.monitor.lower() for score in SCORES):
            warnings.warn(f'{owner} with mode="auto" takes a smaller `{self.monitor}` for the better one, as tf.keras '
                          'does. Pass mode="max" if larger is better.', stacklevel=4)
        return larger

    def _names_needed(self) -> list[tuple[str, str]]:
        return [("monitor", self.monitor)]

    def _monitored(self, logs: Mapping[str, Any] | None) -> Any:
        """The watched value, or None; its absence is told once."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None and not self._told and not self._awaits_validation(logs):
            self._told = True
            warnings.warn(_missing(type(self).__name__, self.monitor, logs), stacklevel=2)
        return value

    def _awaits_validation(self, logs: Mapping[str, Any]) -> bool:
        """Whether the value may still come: validation is foreseen but did not run in this epoch."""
        params = self.params or {}
        foreseen = any(params.get(name) is not None for name in ("validation_samples", "validation_steps"))
        return foreseen and self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs)


def check_names(callback: Callback, names: Collection[str], validated: bool) -> None:
    """Refuses a callback that needs what no epoch of this training reports.

    A value of a validation that does not take place is no more than told if it is only watched: the training is the
    same without it.

    Raises:
        ValueError: naming the callback, its argument and the names there are.
    """
    available = [*names, *(f"val_{name}" for name in names if validated)]
    for argument, name in callback._names_needed():
        if name in (*available, "lr"):
            continue
        told = _missing(f"The `{argument}` of {type(callback).__name__}", name, dict.fromkeys(available))
        if argument != "monitor" or validated or name.removeprefix("val_") not in names:
            raise ValueError(told)
        callback._told = True  # type: ignore[attr-defined]
        warnings.warn(told, stacklevel=2)


def _missing(owner: str, monitor: str, logs: Mapping[str, Any]) -> str:
    names = [name for name in logs if name not in ("batch", "size")]
    near = difflib.get_close_matches(monitor, names, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    if monitor.startswith("val_") and not any(name.startswith("val_") for name in names):
        hint = " Did you forget `validation_data`?"
    return f"{owner} asks for `{monitor}`, which is not available. Available: {', '.join(names) or 'nothing'}.{hint}"
