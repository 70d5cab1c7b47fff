"""What a callback is, and the small ones: `History`, `LambdaCallback`, `BaseLogger`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Something that is told what happens during fit, evaluate and predict; override the hooks you need.

    `logs` holds the metrics by name as Python floats. Every batch hook that is overridden makes the loop stop after
    each batch, which costs time on small models; hooks of epochs cost nothing.

    Attributes:
        model: the model that is trained.
        params: `verbose`, `epochs`, `steps`, `samples`, `batch_size` and more.
    """

    validation_data: Any = None
    _comes_last = False
    _state: tuple[str, ...] = ()
    model: Any = None
    params: dict[str, Any] | None = None

    def __init__(self) -> None:
        self.validation_data = None
        self.model = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """At the start of fit."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """At the end of fit; `logs` are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; values put into `logs` are seen by the callbacks that follow."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training batch; calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training batch; calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """At the start of evaluate, and of the validation in fit."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """At the end of evaluate, and of the validation in fit."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of evaluate or of the validation in fit."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of evaluate or of the validation in fit."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """At the start of predict."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """At the end of predict."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of predict."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of predict; `logs["outputs"]` are its predictions."""

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        """After several batches that ran as one; given instead of the batch hooks when nobody needs those.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            last_batch: the index of the block's last batch within the epoch.
            steps: the number of batches in the block.
            samples_seen: the samples of this epoch so far.
            logs: the running values.
        """

    def _steps_tolerated(self, mode: str) -> int | None:
        """How many further batches may run as one before `on_block_end`; None if any number may."""
        return None

    def _names_needed(self) -> list[tuple[str, str]]:
        """The names that it reads from the logs of an epoch, each after the argument which holds it."""
        return []

    def get_state(self) -> dict[str, Any]:
        """What the callback has to remember when an interrupted run goes on; see `BackupAndRestore`."""
        return {name: getattr(self, name) for name in self._state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remembers what `get_state` gave; called after `on_train_begin`."""
        for name in self._state:
            setattr(self, name, state[name])

    def _join(self, run: Any) -> None:
        """Given the run of a fit, before it begins: what is needed to keep it and to go on from what was kept."""

    def _release(self) -> None:
        """Closes files and workers, after an error too; may be called more than once."""


class History(Callback):
    """Collects the values of every epoch; `fit` returns it.

    Attributes:
        epoch: the indices of the epochs.
        history: a list of values, one per epoch, for each name.
    """

    _state = ("epoch", "history")

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self


class LambdaCallback(Callback):
    """A callback made of functions, each called as the hook of its name is.

    Args:
        on_epoch_begin, on_epoch_end: called with `(epoch, logs)`.
        on_batch_begin, on_batch_end: called with `(batch, logs)`.
        on_train_begin, on_train_end: called with `(logs)`.
        **kwargs: functions for the other hooks by their names.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_batch_begin: Callable[[int, Logs], Any] | None = None,
        on_batch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[Logs], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            **kwargs,
        }
        self.__dict__.update({name: function for name, function in hooks.items() if function is not None})


class BaseLogger(Callback):
    """Replaces the values in an epoch's logs by their means over its samples.

    Args:
        stateful_metrics: names of values that are taken as they were after the last batch.
    """

    _state = ("seen", "totals")

    def __init__(self, stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen, self.totals = 0, {}

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size * logs.get("num_steps", 1)
        for name, value in logs.items():
            stateful = name in self.stateful_metrics
            self.totals[name] = value if stateful else self.totals.get(name, 0.0) + value * size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is None:
            return
        for name in (self.params or {}).get("metrics", ()):
            if name in self.totals:
                stateful = name in self.stateful_metrics
                logs[name] = self.totals[name] if stateful else self.totals[name] / max(self.seen, 1)

    def _steps_tolerated(self, mode: str) -> int | None:
        return 1 if mode == "train" else None
