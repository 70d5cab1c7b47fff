"""`CSVLogger`: one row per epoch in a file."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Writes the values of every epoch as a row, `epoch,loss,...,val_loss,...`, at once.

    The columns are those of the first epoch, sorted, and the `val_` ones: validation may begin later. A value that is
    missing in an epoch is NA.

    Args:
        filename: the file's path.
        separator: what stands between the fields.
        append: whether to go on in a file that exists; the header is then not written again.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.append_header = True
        self.keys: list[str] | None = None
        self.writer: csv.DictWriter[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._release()
        continued = self.append and tf.io.gfile.exists(self.filename)
        self.append_header = not (continued and tf.io.gfile.stat(self.filename).length)
        self._file = _open(self.filename, "a" if self.append else "w")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._file is None:
            return
        if self.keys is None:
            self.keys = _columns(logs)
        if self.writer is None:
            self.writer = csv.DictWriter(self._file, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{name: _field(logs.get(name, "NA")) for name in self.keys}})
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._release()

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self.writer = None


def _open(path: str, mode: str) -> Any:
    """A text file; TensorFlow opens what lies in a store such as `gs://`."""
    return tf.io.gfile.GFile(path, mode) if "://" in path else open(path, mode, newline="", encoding="utf-8")


def _columns(logs: Logs) -> list[str]:
    names = sorted(logs)
    if any(name.startswith("val_") for name in names):
        return names
    return names + [f"val_{name}" for name in names]


def _field(value: Any) -> Any:
    if np.ndim(value) == 0:
        return value
    return '"[' + ", ".join(str(item) for item in np.asarray(value).tolist()) + ']"'
