"""Where a fit stands, and all it takes to go on from there in another process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks import CallbackList
from kerasish.core import seeds
from kerasish.core.tracking import unique
from kerasish.data_sources.source import Epoch, Source
from kerasish.saving import snapshot
from kerasish.training.turns import Run

_KIND = "kerasish backup 1"


class Training:
    """The state of one fit.

    A backup holds the epoch and batch, the logs, every variable that can be reached from the model, its optimizer and
    its metrics, the position in the data and in the validation data, the random states of `core.seeds`, and what the
    callbacks' `get_state` give.

    Args:
        model: the model that is trained.
        source: what it is trained on.
        validation: what it is validated on.
        callbacks: those of the fit.
        initial_epoch: the index of the fit's first epoch.

    Attributes:
        epoch: the index of the epoch that is to be trained, or is being trained.
        batches: how many of its batches are done.
        samples: the rows of these.
        logs: the values after the last batch, or after the last epoch where no batch of the next is done.
        over: whether there is nothing left to train.
        waits: whether variables are still to be set that the first step makes.
    """

    def __init__(self, model: Any, source: Source, validation: Source | None, callbacks: CallbackList,
                 initial_epoch: int):  # fmt: skip
        self._model, self._source, self._validation, self._callbacks = model, source, validation, callbacks
        self.epoch, self.batches, self.samples = initial_epoch, 0, 0
        self.logs: dict[str, Any] | None = None
        self.over = self.waits = False
        self._run = Run()
        self._position: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._known: set[str] = set()
        self._path = ""

    def stop_within_epochs(self) -> None:
        """Has the data drawn so that the run can be resumed after any batch."""
        self._source.exact = True

    def begin_epoch(self, epoch: int, run: Run) -> None:
        """Notes where the epoch begins, and whose metrics it has; one of which some batches are done goes on."""
        self._run = run
        if self.epoch != epoch or not self.batches:
            self.epoch, self.batches, self.samples, self.logs = epoch, 0, 0, None
            self._position = self._source.position()

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Notes that the epoch is done."""
        self.epoch, self.batches, self.samples, self.logs = self.epoch + 1, 0, 0, logs
        self._position, self._kept = self._source.position(), {}
        self.over = self._model.stop_training or self._source.ran_out

    def save(self, path: str) -> None:
        """Writes all of it into the file `path`, which is replaced whole.

        Raises:
            TypeError: if a callback's state is not made of plain values and arrays.
            OSError: if it cannot be written; the earlier backup is then unchanged.
        """
        over = self.over or self._model.stop_training
        with self._model._turns.turn(self._run, self._model) if self.batches else nullcontext():
            variables = {name: variable.numpy() for name, variable in _named_variables(self._model).items()}
        snapshot.write(path, {
            "kind": _KIND,
            "data": self._described(),
            "epoch": self.epoch, "batches": self.batches, "samples": self.samples, "logs": self.logs, "over": over,
            "variables": variables,
            "position": self._position,
            "validation": None if self._validation is None else self._validation.position(),
            "callbacks": {name: state for name, callback in self._with_state() if (state := callback.get_state())},
            "random": seeds.get_state(),
        })  # fmt: skip

    def load(self, path: str) -> bool:
        """Reads the file, sets the model and the callbacks to it, and leaves the loop to begin there.

        Returns:
            Whether there was one.

        Raises:
            OSError: if it is damaged.
            ValueError: if it is the backup of another program.
        """
        kept = snapshot.read(path)
        if kept is None:
            return False
        if kept.get("kind") != _KIND:
            raise OSError(f"{path!r} is no backup that this version reads: kind={kept.get('kind')!r}")
        _check_same("the data", kept["data"], self._described(), path)
        self._check_callbacks(kept["callbacks"], path)
        now = _named_variables(self._model)
        _check_variables({name: value for name, value in kept["variables"].items() if name in now}, now, path)
        self.epoch, self.batches, self.samples, self.logs, self.over = (
            kept[name] for name in ("epoch", "batches", "samples", "logs", "over")
        )
        self._position = kept["position"]
        self._source.seek(kept["position"])
        if self._validation is not None:
            self._validation.seek(kept["validation"])
        self._kept, self._path = kept, path
        self._set()
        return True

    def remove(self, path: str) -> None:
        """Removes the backup, and its folder if nothing else is in it."""
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
        folder = os.path.dirname(path)
        if tf.io.gfile.isdir(folder) and not tf.io.gfile.listdir(folder):
            tf.io.gfile.rmtree(folder)

    def go_on(self, epoch: Epoch[Any]) -> None:
        """Leaves out the batches of the epoch that are done, and sets again what its beginning has changed."""
        epoch.skip(self.batches)
        self._set()

    def complete(self) -> None:
        """Sets the variables that were made by tracing the first step.

        Raises:
            ValueError: if the backup has others.
        """
        now = _named_variables(self._model)
        _check_variables(self._kept["variables"], now, self._path)
        for name, variable in now.items():
            if name not in self._known:
                variable.assign(self._kept["variables"][name])
        self.waits = False

    def _set(self) -> None:
        """Sets variables, callbacks and generators to what was kept."""
        now = _named_variables(self._model)
        for name, variable in now.items():
            variable.assign(self._kept["variables"][name])
        self._known = set(now)
        self.waits = not self._known >= set(self._kept["variables"])
        states = self._kept["callbacks"]
        for name, callback in self._with_state():
            if name in states:
                callback.set_state(states[name])
        seeds.set_state(self._kept["random"])

    def _described(self) -> dict[str, Any]:
        """What must be the same when the run goes on."""
        source = self._source
        return {"kind": type(source).__name__, "samples": source.samples, "batch_size": source.batch_size,
                "steps": source.steps}  # fmt: skip

    def _with_state(self) -> Iterator[tuple[str, Any]]:
        """The callbacks that keep a state, under their class names, numbered where there are several of a class."""
        counts: dict[str, int] = {}
        for callback in self._callbacks:
            if all(callable(getattr(callback, name, None)) for name in ("get_state", "set_state")):
                name = type(callback).__name__
                counts[name] = counts.get(name, 0) + 1
                yield f"{name} {counts[name]}", callback

    def _check_callbacks(self, states: dict[str, Any], path: str) -> None:
        gone = sorted(set(states) - {name for name, _ in self._with_state()})
        if gone:
            raise ValueError(
                f"The backup {path!r} holds the state of callbacks that are not there now: {', '.join(gone)}.\n"
                "Pass them to fit again, or delete the backup to start anew."
            )


def _named_variables(model: Any) -> dict[str, tf.Variable]:
    """Every variable that can be reached from the model, its optimizers and metrics, under the first way to it."""
    found: dict[int, tuple[str, tf.Variable]] = {}
    seen: set[int] = set()
    roots = [("model", model), ("optimizer", getattr(model, "optimizer", None))]
    roots += [(f"metrics/{index}", metric) for index, metric in enumerate(model.metrics)]
    waiting = [root for root in reversed(roots) if root[1] is not None]
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, tf.Variable):
            found[id(thing)] = (name, thing)
            continue
        waiting.extend((f"{name}/{part}", child) for part, child in reversed(_parts(thing)))
    return {name: variable for name, variable in found.values()}


def _parts(thing: Any) -> list[tuple[str, Any]]:
    """What TensorFlow's checkpoints hold of the thing, and what they leave out: streams of noise, other variables."""
    children = thing._trackable_children() if hasattr(thing, "_trackable_children") else {}
    streams = {name: part for name, part in vars(thing).items() if isinstance(part, tf.random.Generator)}
    own = unique([*getattr(thing, "variables", ())]) if isinstance(thing, tf.Module) else []
    return [*children.items(), *streams.items(), *((f"variables/{index}", part) for index, part in enumerate(own))]


def _check_same(what: str, kept: dict[str, Any], now: dict[str, Any], path: str) -> None:
    differing = [name for name in now if kept.get(name) != now[name]]
    if differing:
        before, after = ({name: values.get(name) for name in differing} for values in (kept, now))
        raise ValueError(
            f"The backup {path!r} is of another run: {what} differ.\nExpected: {before}\nReceived: {after}\n"
            "Run the program as it was, or delete the backup to start anew."
        )


def _check_variables(kept: dict[str, np.ndarray], now: dict[str, tf.Variable], path: str) -> None:
    def of_kept(name: str) -> Any:
        return (kept[name].dtype.name, kept[name].shape) if name in kept else None

    def of_model(name: str) -> Any:
        return (now[name].dtype.name, tuple(now[name].shape)) if name in now else None

    differing = [name for name in [*kept, *now] if of_kept(name) != of_model(name)]
    if differing:
        name = differing[0]
        raise ValueError(
            f"The backup {path!r} is of another model: {len(set(differing))} variables differ, among them {name!r}.\n"
            f"Expected: {of_kept(name)}\nReceived: {of_model(name)}\n"
            "Run the program as it was, or delete the backup to start anew."
        )
