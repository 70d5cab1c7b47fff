"""SidecarEvaluatorModelExport: saves the best model that a `SidecarEvaluator` has seen."""

from __future__ import annotations

import os
import re
from typing import Any

from kerasish.callbacks.base import Logs
from kerasish.callbacks.checkpoint import ModelCheckpoint


class SidecarEvaluatorModelExport(ModelCheckpoint):
    """Saves the model after an evaluation that was better than all before.

    Args:
        export_filepath: where to; `{epoch}`, the number of the checkpoint evaluated, and names in the logs may stand
            in it.
        checkpoint_filepath: the `filepath` of the `ModelCheckpoint` that writes the checkpoints; their number is read
            off the newest.
        **kwargs: arguments of `ModelCheckpoint`, above all `monitor`: the logs have `loss`, not `val_loss`.

    Raises:
        TypeError: for `filepath` or `save_best_only`, or an unknown argument.
    """

    def __init__(self, export_filepath: Any, checkpoint_filepath: Any, **kwargs: Any):
        super().__init__(filepath=export_filepath, save_best_only=True, **kwargs)
        self._checkpoint_filepath = os.fspath(checkpoint_filepath)

    def on_test_end(self, logs: Logs | None) -> None:  # type: ignore[override]
        """Saves the model if the watched value has improved."""
        self.epochs_since_last_save += 1
        self._save_model(epoch=_newest_number(self._checkpoint_filepath) - 1, batch=None, logs=logs)


def _newest_number(pattern: str) -> int:
    """The number that `{epoch}` stands for in the newest file of the pattern, 1 if there is none."""
    folder, name = os.path.split(pattern)
    parts = [part if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^{}]*\})", name)]
    wanted = "".join(r"(\d+)" if re.match(r"\{epoch\W", p) else ".*" if p.startswith("{") else p for p in parts)
    found = []
    for file in os.listdir(folder or ".") if os.path.isdir(folder or ".") else ():
        match = re.fullmatch(wanted, file.removesuffix(".index"))
        if match and match.groups():
            found.append((os.path.getmtime(os.path.join(folder, file)), int(match[1])))
    return max(found, default=(0.0, 1))[1]
