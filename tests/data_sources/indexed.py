"""Sequences in a module of their own, which worker processes can import; it needs NumPy alone."""
import os
import random
import signal
import sys
import threading
import time

import numpy as np

from kerasish.utils import Sequence


class Indexed(Sequence):
    """Batch i: two rows of i and of how often an epoch has ended."""

    def __init__(self, batches=6):
        self.batches, self.ends = batches, 0

    def __len__(self):
        return self.batches

    def __getitem__(self, i):
        return np.full((2, 3), i, "float32"), np.full((2, 1), self.ends, "float32")

    def on_epoch_end(self):
        self.ends += 1


class Places(Indexed):
    """Where the batch was made, and what was imported there."""

    def __getitem__(self, i):
        imported = any(name.startswith("tensorflow.python") for name in sys.modules)
        return np.array([[os.getpid(), imported]], "float64"), np.zeros((1, 1))


class Drawn(Indexed):
    """Random numbers of Python and of NumPy."""

    def __getitem__(self, i):
        return np.array([[random.random(), np.random.rand()]]), np.zeros((1, 1))


class Lost(LookupError):
    pass


class Failing(Indexed):
    """Goes wrong at batch 3 in the way it is told."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def __getitem__(self, i):
        if i == 3:
            if self.way == "error":
                raise Lost("batch 3 is lost")
            if self.way == "unsendable":
                raise type("Local", (Exception,), {})("only here")
            if self.way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            open(self.way, "w").close()
            time.sleep(60)
        return super().__getitem__(i)


class Held(Indexed):
    """Cannot be pickled."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Arrays(Indexed):
    """Changes its own array in place."""

    def __init__(self, array):
        super().__init__(len(array))
        self.array = array

    def __getitem__(self, i):
        self.array[i] += 1
        return self.array[i : i + 1], np.zeros((1, 1))
