"""`CSVLogger`: one row per epoch in a file."""

from __future__ import annotations

import csv
import os
import warnings
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
        self._emptied = False
        self.writer: csv.DictWriter[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._release()
        continued = self.append and tf.io.gfile.exists(self.filename)
        self.append_header = not (continued and tf.io.gfile.stat(self.filename).length)
        self._file = _open(self.filename, "a")
        self._emptied = self.append

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._empty()

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
        self._empty()
        self._release()

    def get_state(self) -> dict[str, Any]:
        """The columns, and the length of the file with all rows so far."""
        length = tf.io.gfile.stat(self.filename).length if tf.io.gfile.exists(self.filename) else 0
        return {"keys": self.keys, "length": length, "append_header": self.append_header}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on after the rows that were there; rows after them, which will be written again, are dropped."""
        there = tf.io.gfile.stat(self.filename).length
        if there < state["length"]:
            warnings.warn(f"CSVLogger: {self.filename!r} has lost rows of the earlier part of the run: {there} bytes "
                          f"are there instead of {state['length']}.", stacklevel=2)
        self.keys = state["keys"]
        self.writer, self._emptied = None, True
        self.append_header = state["append_header"] if not state["length"] else not there
        self._cut(state["length"])

    def _empty(self) -> None:
        """Drops what an earlier fit has written, as late as possible: a run that goes on needs it."""
        if not self._emptied and self._file is not None:
            self._cut(0)
        self._emptied = True

    def _cut(self, length: int) -> None:
        """Cuts the file to its first `length` bytes."""
        self._file.close()
        if "://" not in self.filename:
            with open(self.filename, "r+b") as file:
                file.truncate(min(length, os.path.getsize(self.filename)))
        else:
            with tf.io.gfile.GFile(self.filename, "rb") as file:
                kept = file.read()[:length]
            with tf.io.gfile.GFile(self.filename, "wb") as file:
                file.write(kept)
        self._file = _open(self.filename, "a")

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
