"""`BackupAndRestore`: a run that was killed goes on as if it had not been."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from kerasish.callbacks.base import Callback, Logs

_FILE = "backup.zip"


class BackupAndRestore(Callback):
    """Keeps a backup of the run; the same program, started again after a crash, goes on from it.

    The resumed run equals one that was never stopped: weights (bit for bit on a CPU), optimizer, metrics, the order and
    position of the data, the random states of Python, NumPy, TensorFlow's global generator and the layers, the
    `History`, and the state of every callback. A callback of your own takes part if it has two methods:
    `get_state()`, which returns plain values and NumPy arrays in dicts with texts as keys, and `set_state(state)`,
    called after `on_train_begin` (and again after `on_epoch_begin` of an epoch that goes on in its middle).

    The backup is one file that is replaced whole; it is read without running anything. It is taken after all other
    callbacks have had their turn.

    Args:
        backup_dir: the folder, one per run.
        save_freq: `"epoch"`, or a number of batches, counted over epochs; False with `save_before_preemption` only.
        delete_checkpoint: whether the backup is removed when the training is complete.
        save_before_preemption: whether SIGTERM, by which schedulers announce that they take the machine away, is
            answered with a backup after the batches in progress, or after the validation, before the process ends.

    Raises:
        ValueError: for another `save_freq` or an empty `backup_dir`; in fit, if the backup is of another program.
        OSError: in fit, if the backup is damaged.
    """

    _comes_last = True
    _state = ("_batches",)

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ):
        super().__init__()
        _check_arguments(backup_dir, save_freq, save_before_preemption)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self.save_before_preemption = save_before_preemption
        self._path = os.path.join(self.backup_dir, _FILE)
        self._run: Any = None
        self._batches = 0
        self._preempted = False
        self._former_handler: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _check_foreign(self.backup_dir)
        self._batches, self._preempted = 0, False
        if self.save_before_preemption and threading.current_thread() is threading.main_thread():
            self._former_handler = signal.signal(signal.SIGTERM, self._note_preemption)
        self._run.load(self._path)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(1)

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        if mode == "train":
            self._advance(steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._save(self.save_freq == "epoch")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            self._run.remove(self._path)

    def _join(self, run: Any) -> None:
        self._run = run
        if self.save_freq != "epoch" or self.save_before_preemption:
            run.stop_within_epochs()

    def _steps_tolerated(self, mode: str) -> int | None:
        if mode != "train" or not isinstance(self.save_freq, int) or not self.save_freq:
            return None
        return self.save_freq - self._batches % self.save_freq

    def _advance(self, steps: int) -> None:
        self._batches += steps
        self._save(isinstance(self.save_freq, int) and bool(self.save_freq) and not self._batches % self.save_freq)

    def _save(self, due: bool) -> None:
        if due or self._preempted:
            self._run.save(self._path)
        if self._preempted:
            self._release()

    def _note_preemption(self, number: int, frame: Any) -> None:
        self._preempted = True

    def _release(self) -> None:
        """Gives SIGTERM its former meaning back, and sends it on if it came."""
        if self._former_handler is None:
            return
        signal.signal(signal.SIGTERM, self._former_handler)
        self._former_handler = None
        if self._preempted:
            os.kill(os.getpid(), signal.SIGTERM)


def _check_arguments(backup_dir: Any, save_freq: Any, save_before_preemption: bool) -> None:
    if not os.fspath(backup_dir):
        raise ValueError("Expected `backup_dir` to name a folder. Received: backup_dir=''")
    if not save_freq and not save_before_preemption:
        raise ValueError("Either `save_freq` or `save_before_preemption` must be given. Received: "
                         f"{save_freq=}, {save_before_preemption=}")
    whole = isinstance(save_freq, int) and (save_freq >= 1) is True
    if save_freq and save_freq != "epoch" and (isinstance(save_freq, bool) or not whole):
        raise ValueError(f'Expected `save_freq` to be "epoch" or a number of batches. Received: {save_freq=}')


def _check_foreign(folder: str) -> None:
    """A backup of tf.keras holds less than it takes to go on: to start over beside it would lose what it has."""
    for name in ("chief", "checkpoint"):
        if os.path.exists(os.path.join(folder, name)):
            raise ValueError(
                f"{folder!r} holds a backup of another library ({name!r}), which cannot be gone on from.\n"
                "Finish the run with that library, or give another `backup_dir` to start anew."
            )
