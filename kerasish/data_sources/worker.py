"""The program of a process that makes batches of a `Sequence`; `processes.py` starts it.

It is run as a script, and starts in a tenth of a second because neither TensorFlow nor kerasish are imported: both
names lead to modules that stay empty until something in them is used, which brings in the real ones. A sequence that
needs NumPy alone never pays for more.
"""
from __future__ import annotations

import importlib
import os
import pickle
import random
import signal
import sys
import threading
import traceback
from collections.abc import Sequence as Names
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "kerasish"
TENSORFLOW = "tensorflow"
_ROOT = str(Path(__file__).parents[2])
# What sequences are made of, though the packages that show it hold more.
KNOWN = {f"{PACKAGE}.utils": {"Sequence": f"{PACKAGE}.data_sources.sequence"}}

_waking = threading.RLock()


class Late(ModuleType):
    """A package whose own code runs when something of it is used that is no module below it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(name)
        if _finder.asleep:
            if name in KNOWN.get(self.__name__, ()):
                return getattr(importlib.import_module(KNOWN[self.__name__][name]), name)
            below = f"{self.__name__}.{name}"
            if _finder.knows(below, self.__path__):
                return importlib.import_module(below)
            _finder.wake()
        return getattr(sys.modules[self.__name__], name)


class LateFinder(MetaPathFinder):
    """Finds the packages of kerasish, and TensorFlow, as `Late` ones; with `installed`, kerasish in Keras's place."""

    def __init__(self) -> None:
        self.asleep, self.installed = True, False

    def fall_asleep(self, installed: bool) -> None:
        self.installed = installed
        sys.meta_path.insert(0, self)
        if installed:
            sys.meta_path.insert(0, importlib.import_module(f"{PACKAGE}.dropin").finder)

    def knows(self, name: str, path: Names[str]) -> bool:
        """Whether there is such a module, other than those of TensorFlow itself."""
        if name.startswith(f"{TENSORFLOW}."):
            return self.installed and importlib.import_module(f"{PACKAGE}.dropin").finder.find_spec(name) is not None
        return PathFinder.find_spec(name, path) is not None

    def find_spec(
        self, fullname: str, path: Names[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if fullname == TENSORFLOW:
            return ModuleSpec(fullname, _Given(Late(fullname)), is_package=True)
        if top == TENSORFLOW:
            self.wake()
            return ModuleSpec(fullname, _Given(importlib.import_module(fullname)))
        found = PathFinder.find_spec(fullname, path) if top == PACKAGE else None
        if found is None or found.submodule_search_locations is None:
            return found
        late = ModuleSpec(fullname, _Given(Late(fullname)), is_package=True)
        late.submodule_search_locations = found.submodule_search_locations
        return late

    def wake(self) -> None:
        """Imports the real packages; the modules of kerasish that are there remain, with the classes in them."""
        with _waking:
            if not self.asleep:
                return
            self.asleep = False
            dropin = importlib.import_module(f"{PACKAGE}.dropin")
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in (self, dropin.finder)]
            for name in [name for name, module in sys.modules.items() if isinstance(module, Late)]:
                del sys.modules[name]
            kept = [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]
            importlib.import_module(PACKAGE)
            for name in kept:
                above, _, last = name.rpartition(".")
                setattr(importlib.import_module(above), last, sys.modules[name])
            if self.installed:
                dropin.install()


class _Given(Loader):
    """Loads a module that is there already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = self.module


_finder = LateFinder()


def seed(key: tuple[int, ...]) -> None:
    """Makes the random numbers of a batch those of its place, whichever process makes it."""
    random.seed(str(key))
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed([part >> shift & 0xFFFFFFFF for part in key for shift in (0, 32)])


def failure(error: BaseException) -> tuple[bytes, str]:
    """The error, empty if it cannot be sent, and the text of its traceback.

    Where the sequence came by cloudpickle, that sends the error too: it gives classes back as the receiver's own.
    """
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        return sys.modules.get("cloudpickle", pickle).dumps(error.with_traceback(None)), text
    except Exception:
        return b"", text


def main(handle: int) -> None:
    """Answers requests for batches until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(handle)
    path, installed = connection.recv()
    sys.path[:] = path if _ROOT in path else [*path, _ROOT]
    _finder.fall_asleep(installed)
    parcels = importlib.import_module(f"{PACKAGE}.data_sources.parcels")
    sequence: Any = None
    while (request := connection.recv()) is not None:
        opened = parcels.receive(connection) if request == () else None
        try:
            if opened is not None:
                sequence = answer = None
                sequence = opened()
            else:
                index, key = request
                seed(key)
                answer = sequence[index]
            parcel = parcels.Parcel(*parcels.taken_apart((True, answer)))
        except BaseException as error:
            parcel = parcels.Parcel(*parcels.taken_apart((False, failure(error))))
        parcel.send(connection, os.getppid())


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except (EOFError, OSError):
        sys.exit()
