"""install(): from here on every way to say tf.keras means kerasish; uninstall(): no longer.

Three things are exchanged, and put back by ``uninstall``:

1. the attributes ``tf.keras``, ``tf.losses``, ``tf.metrics``, ``tf.optimizers`` and ``tf.initializers``, in
   ``tf.compat.v2`` too, and ``tf.compat.v1.keras``;
2. the names in ``sys.modules``: an installed Keras 3 or tf_keras that was imported before is laid aside;
3. a finder in front of ``sys.meta_path`` answers later imports of ``keras``, ``tf_keras``, ``tensorflow.keras`` and of
   everything below them with the module of kerasish of that name: the same object, so that there is one class tree.

What was taken out of another Keras before ``install`` (``from keras.layers import Dense``) stays what it was; a Keras
laid aside cannot import further parts of itself. So ``install`` belongs before the other imports.

``kerasish.__version__`` is the project's version. Programs that ask ``tf.keras.__version__`` want to know which Keras
they face, so while installed the one module they all share says ``2.15.0+kerasish.0.1.0``: the Keras 2 interface
that is met, and the project's version behind the plus sign. There is no ``version()``, which only Keras 3 has.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install", "uninstall"]

PACKAGE = __name__.rpartition(".")[0]
INTERFACE = "2.15.0"

_PARTS = ("keras", "losses", "metrics", "optimizers", "initializers")
_HOSTS = {
    "tensorflow": _PARTS,
    "tensorflow.compat.v2": _PARTS,
    "tensorflow._api.v2.compat.v2": _PARTS,
    "tensorflow.compat.v1": ("keras",),
    "tensorflow._api.v2.compat.v1": ("keras",),
}
_FACES = {"keras": PACKAGE, "tf_keras": PACKAGE} | {
    f"{host}.{part}": PACKAGE if part == "keras" else f"{PACKAGE}.{part}"
    for host, parts in _HOSTS.items()
    for part in parts
}
# Generated packages of Keras 2 and 3 through which TensorFlow and others reach the root; all of it is below kerasish.
_WAYPOINTS = (".api", ".api._v1", ".api._v2", "._tf_keras")
_DETOURS = (".api._v1.keras", ".api._v2.keras", "._tf_keras.keras")


@dataclass
class _LaidAside:
    """What was there before install()."""

    modules: dict[str, ModuleType]
    version: str
    attributes: list[tuple[ModuleType, str, Any]] = field(default_factory=list)
    lazy_states: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)


class _SameModule(Loader):
    """Loads a module of kerasish under one more name."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(self.target)


class _Waypoint(Loader):
    """Loads an empty package, which only leads on to others."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        return None


class _KerasFinder(MetaPathFinder):
    """Finds kerasish under every name of Keras."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        face = _face_of(fullname)
        if face is None:
            return None
        below = fullname[len(face) :]
        if below in _WAYPOINTS:
            return ModuleSpec(fullname, _Waypoint(), is_package=True)
        for detour in _DETOURS:
            if below == detour or below.startswith(detour + "."):
                below = below[len(detour) :]
        name = _FACES[face] + below
        if not _exists(name):
            raise ModuleNotFoundError(_not_there_message(fullname, name), name=fullname)
        return ModuleSpec(fullname, _SameModule(name))


finder = _KerasFinder()
_laid_aside: _LaidAside | None = None


def install() -> None:
    """Makes ``tf.keras``, ``keras``, ``tf_keras`` and their modules mean kerasish; a second call changes nothing."""
    global _laid_aside
    if _laid_aside is not None:
        return
    targets = {name: importlib.import_module(name) for name in set(_FACES.values())}
    hosts = {name: importlib.import_module(name) for name in _HOSTS}
    package = targets[PACKAGE]
    before = _LaidAside(_take_face_modules(), package.__version__)
    for host_name, parts in _HOSTS.items():
        for part in parts:
            _replace_attribute(before, hosts[host_name], part, targets[_FACES[f"{host_name}.{part}"]])
    sys.modules.update({face: targets[name] for face, name in _FACES.items()})
    sys.meta_path.insert(0, finder)
    vars(package)["__version__"] = f"{INTERFACE}+{PACKAGE}.{before.version}"
    _laid_aside = before


def uninstall() -> None:
    """Puts back what install() replaced; without an install() it changes nothing."""
    global _laid_aside
    if _laid_aside is None:
        return
    before, _laid_aside = _laid_aside, None
    sys.meta_path.remove(finder)
    _take_face_modules()
    sys.modules.update(before.modules)
    for host, name, value in before.attributes:
        setattr(host, name, value)
    for state, content in before.lazy_states:
        state.clear()
        state.update(content)
    package = vars(sys.modules[PACKAGE])
    package["__version__"] = before.version
    for waypoint in ("api", "_tf_keras"):
        package.pop(waypoint, None)


def _face_of(name: str) -> str | None:
    """The name of Keras that `name` is or lies below: "tensorflow.keras" of "tensorflow.keras.layers"."""
    return next((face for face in _names_above(name) if face in _FACES), None)


def _names_above(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _exists(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name is None or PACKAGE not in _names_above(error.name):
            raise
        return False


def _take_face_modules() -> dict[str, ModuleType]:
    """Takes all modules known under a name of Keras out of sys.modules, and returns them."""
    names = [name for name in sys.modules if _face_of(name)]
    return {name: sys.modules.pop(name) for name in names}


def _replace_attribute(before: _LaidAside, host: ModuleType, name: str, target: ModuleType) -> None:
    original = vars(host)[name]
    before.attributes.append((host, name, original))
    if type(original) is not ModuleType:
        # TensorFlow's lazy module: one that somebody holds would fill itself with kerasish when it is first used.
        before.lazy_states.append((vars(original), dict(vars(original))))
    setattr(host, name, target)


def _not_there_message(fullname: str, name: str) -> str:
    return (
        f"No module named {fullname!r}: kerasish stands in for Keras here and does not have {name!r} yet.\n"
        f"Received: import {fullname}\n"
        "Fix: see 'Not there yet' in the README of kerasish; kerasish.uninstall() gives back the installed Keras."
    )
