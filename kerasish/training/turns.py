"""Several threads on one model: one at a time traces it, and each run keeps the values of its own metrics.

The metrics of a model are variables, of which there is one set. A run (an epoch, an evaluation) takes a turn for each
of its blocks; when another run had a turn in between, what the metrics held is put back first. A run that nobody
disturbs pays nothing for this.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

TRACING = threading.RLock()
"""Held while a model is built, or its steps become a graph."""


class Run:
    """One pass over batches.

    Attributes:
        over: whether the metrics are no longer needed.
        values: what they held when another run had its turn, None if none had.
    """

    def __init__(self) -> None:
        self.over = False
        self.values: list[tuple[tf.Variable, np.ndarray]] | None = None


class Turns:
    """The turns of runs on one model; a copy of a model has its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._present: Run | None = None

    def __deepcopy__(self, memo: Any) -> Turns:
        return Turns()

    def __reduce__(self) -> Any:
        return Turns, ()

    @contextmanager
    def turn(self, run: Run, model: Any) -> Iterator[None]:
        """Waits until no other run has its turn; the metrics then hold what they held at the end of the last one."""
        with self._lock:
            if self._present is not run:
                self._change(run, model)
            yield

    def _change(self, run: Run, model: Any) -> None:
        if self._present is not None and not self._present.over:
            variables = [variable for metric in model.metrics for variable in metric.variables]
            self._present.values = [(variable, variable.numpy()) for variable in variables]
        if run.values is not None:
            model.reset_metrics()  # metrics that are newer than the values
            for variable, value in run.values:
                variable.assign(value)
        self._present = run
