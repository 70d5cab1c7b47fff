"""`CallbackList`: hands every event to all callbacks, in order."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kerasish.callbacks.base import Callback, History, Logs
from kerasish.callbacks.monitor import check_names
from kerasish.callbacks.progress import ProgbarLogger

BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}
HOOKS = {
    *(f"on_{what}_{when}" for what in ("train", "test", "predict", "epoch") for when in ("begin", "end")),
    *(hook for hooks in BATCH_HOOKS.values() for hook in hooks),
}
_LIBRARY = __name__.rpartition(".")[0]


class CallbackList:
    """Callbacks as one.

    Args:
        callbacks: a callback, or a list of them (nested lists too). Anything with one of the `on_...` methods is one.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: the model given to the callbacks.
        **params: given to the callbacks' `set_params`.

    Raises:
        TypeError: for something that is no callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        self.callbacks: list[Any] = list(_flat(callbacks))
        for index, callback in enumerate(self.callbacks):
            _check(callback, index)
        self._history = self._one_of(History, add_history)
        self._progbar = self._one_of(ProgbarLogger, add_progbar)
        self.model: Any = None
        self.params: dict[str, Any] | None = None
        try:
            if model is not None:
                self.set_model(model)
            if params:
                self.set_params(params)
        except BaseException:
            self.close()
            raise

    @property
    def history(self) -> History | None:
        """The `History` among the callbacks."""
        return self._history

    def append(self, callback: Any) -> None:
        """Adds a callback at the end."""
        _check(callback, len(self.callbacks))
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            if hasattr(callback, "set_params"):
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        self.model = model
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            if hasattr(callback, "set_model"):
                callback.set_model(model)

    def batch_interval(self, mode: str) -> int | None:
        """How many further batches may run as one; None if any number may, 1 if batch hooks must be called.

        Ask before each block: a callback that wants every hundredth batch answers how many are left.
        """
        intervals = []
        for callback in self.callbacks:
            if any(_is_foreign(callback, hook) for hook in BATCH_HOOKS[mode]):
                return 1
            if isinstance(callback, Callback):
                intervals.append(callback._steps_tolerated(mode))
        return min((max(interval, 1) for interval in intervals if interval is not None), default=None)

    @property
    def needs_names(self) -> bool:
        """Whether a callback wants a value of the logs by its name."""
        return any(isinstance(callback, Callback) and callback._names_needed() for callback in self.callbacks)

    def check_names(self, names: Collection[str], validated: bool) -> None:
        """Looks for names that the callbacks want and the logs cannot hold; a user's own hooks may add any.

        Args:
            names: what an epoch reports.
            validated: whether it reports them with `val_` too.

        Raises:
            ValueError: naming the callback, its argument and the names there are.
        """
        if any(_is_foreign(callback, hook) for callback in self.callbacks for hook in ("on_epoch_end", "on_test_end")):
            return
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                check_names(callback, names, validated)

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        """After `steps` batches that ran as one, instead of the batch hooks; see `Callback.on_block_end`."""
        for callback in self._in_turn():
            if isinstance(callback, Callback):
                callback.on_block_end(mode, last_batch, steps, samples_seen, logs)

    def join(self, run: Any) -> None:
        """Gives the callbacks the run of a fit, before it begins."""
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                callback._join(run)

    def close(self) -> None:
        """Lets the callbacks close their files and workers; for a `finally`, so it raises nothing."""
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                try:
                    callback._release()
                except Exception as error:
                    warnings.warn(f"{type(callback).__name__} could not be closed: {error!r}", stacklevel=2)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_train_batch_end(batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_end", epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_train_batch_end", batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_test_batch_end", batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs=logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call("on_train_end", logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call("on_predict_end", logs=logs)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def __len__(self) -> int:
        return len(self.callbacks)

    def _call(self, hook: str, *index: int, logs: Logs | None) -> None:
        shared = {} if logs is None else logs
        for callback in self._in_turn():
            method = getattr(callback, hook, None)
            if method is None and hook in OLDER_NAMES:
                method = getattr(callback, OLDER_NAMES[hook], None)
            if method is not None:
                method(*index, shared)

    def _in_turn(self) -> list[Any]:
        """The callbacks in order; what keeps the state of the others comes after them."""
        return sorted(self.callbacks, key=lambda callback: getattr(callback, "_comes_last", False) is True)

    def _one_of(self, kind: type[Callback], add: bool) -> Any:
        found = next((callback for callback in self.callbacks if isinstance(callback, kind)), None)
        if found is None and add:
            found = kind()
            self.callbacks.append(found)
        return found


def _flat(callbacks: Any) -> Iterator[Any]:
    if isinstance(callbacks, CallbackList):
        yield from callbacks.callbacks
    elif isinstance(callbacks, Iterable) and not isinstance(callbacks, str) and not _is_callback(callbacks):
        for callback in callbacks:
            yield from _flat(callback)
    elif callbacks is not None:
        yield callbacks


def _is_callback(thing: Any) -> bool:
    return any(callable(getattr(thing, hook, None)) for hook in HOOKS)


def _check(callback: Any, index: int) -> None:
    if inspect.isclass(callback):
        raise TypeError(
            f"Expected `callbacks[{index}]` to be an object. Received the class {callback.__name__} itself.\n"
            f"Did you forget ()? Write {callback.__name__}(...)."
        )
    if not _is_callback(callback):
        raise TypeError(
            f"Expected `callbacks[{index}]` to have at least one hook such as `on_epoch_end(epoch, logs)`.\n"
            f"Received: callbacks[{index}]={callback!r}\nDerive it from keras.callbacks.Callback or give it a hook."
        )


def _is_foreign(callback: Any, hook: str) -> bool:
    """Whether the callback's hook was written by a user: on the object or in a class outside of this package."""
    if hook in getattr(callback, "__dict__", {}):
        return True
    for kind in type(callback).__mro__:
        if hook in vars(kind):
            return not (kind.__module__ == _LIBRARY or kind.__module__.startswith(_LIBRARY + "."))
    return callable(getattr(callback, hook, None))
