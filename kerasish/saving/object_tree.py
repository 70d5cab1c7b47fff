"""The values of a model and of everything within it, as tf.keras 2.12 and later lay them out in HDF5.

Each layer, metric and optimizer has a group, named by the way to it through attributes and containers, and in it the
group `vars` with its own variables by number. What that layout has no place for (containers within containers, plain
modules, loss scales) is in further groups, which tf.keras passes over.

Source: files `.weights.h5` and `model.weights.h5` of tf.keras 2.12 to 2.15 and tf_keras.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.naming import to_snake_case
from kerasish.core.object_config import is_library_class
from kerasish.saving import hdf5_access, optimizer_weights
from kerasish.saving.hdf5_access import written_values

_CONTAINERS = (list, tuple, dict)


def save(model: Any, path: str) -> None:
    """Writes the file `path`, which ends in `.weights.h5`.

    Raises:
        ValueError: if the model has no weights yet.
        OSError: if it cannot be written; the earlier file is then unchanged.
    """
    check_built(model, "save")
    with hdf5_access.written(path) as file:
        write(file, model)


def load(model: Any, path: Any, skip_mismatch: bool = False) -> None:
    """Reads the file `path`, or an open one, into the model.

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: if it does not fit (with `skip_mismatch` such layers are left out); the model is then as it was.
        OSError: if the file is damaged.
    """
    check_built(model, "load")
    with hdf5_access.opened(path) as file:
        read(file, model, skip_mismatch)


def check_built(model: Any, verb: str) -> None:
    """Raises ValueError if the model has no weights yet."""
    if not model.built:
        raise ValueError(
            f"Cannot {verb} the weights of {model.name!r}, which has none yet.\n"
            "Call the model on inputs, or build(input_shape), first."
        )


def write(file: Any, model: Any) -> None:
    """Writes the model, its metrics and its optimizer into an open file."""
    for path, thing in members(model):
        values: dict[str, Any] = {}
        if _has_own(thing, "save_own_variables"):
            thing.save_own_variables(values)
        else:
            values.update((str(number), written_values(one)) for number, one in enumerate(_variables(thing)))
        group = file.require_group(f"{path}/vars" if path else "vars")
        for name, value in values.items():
            group.create_dataset(name, data=value)
        if _is_optimizer(thing):
            optimizer_weights.write_further(group.parent, model, thing)


def read(file: Any, model: Any, skip_mismatch: bool = False) -> None:
    """Reads an open file into the model, all or nothing.

    Raises:
        ValueError: if a layer is missing in the file, or has other weights there.
    """
    if hdf5_access.member(file, "vars") is None:
        raise ValueError(f"{hdf5_access.name_of(file)} holds no weights that tf.keras wrote: it has no group 'vars'.")
    pairs: list[tuple[tf.Variable, Any]] = []
    own: list[tuple[Any, Mapping[str, Any]]] = []
    for path, thing in members(model):
        group = hdf5_access.member(file, path) if path else file
        try:
            if _is_optimizer(thing):
                pairs += optimizer_weights.pairs(group, model, thing, _stored(group))
            elif _has_own(thing, "load_own_variables"):
                own.append((thing, _Store(_stored(group))))
            else:
                pairs += _pairs(_stored(group), thing, path)
        except ValueError as error:
            if not skip_mismatch:
                name = hdf5_access.name_of(file)
                raise ValueError(f"{name} does not fit {model.name!r}: {error}\nThe model is as it was.") from None
            warnings.warn(f"Left out: {error}", stacklevel=5)
    _assign([(variable, hdf5_access.values(data, variable)) for variable, data in pairs], own)
    stepped = hdf5_access.member(file, "optimizer")
    if stepped is not None and getattr(model, "optimizer", None) is not None:
        optimizer_weights.derive_further_state(stepped, model.optimizer)


def members(model: Any) -> Iterator[tuple[str, Any]]:
    """Everything with variables or assets of its own, the model first, with the way to it."""
    seen: set[int] = set()

    def visit(thing: Any, path: str) -> Iterator[tuple[str, Any]]:
        seen.add(id(thing))
        yield path, thing
        for name, value in sorted(_parts(thing).items(), reverse=True):
            yield from descend(value, f"{path}/{name}" if path else name)

    def descend(value: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, _CONTAINERS):
            used: Counter[str] = Counter()
            for place, item in enumerate(value.values() if isinstance(value, dict) else value):
                if isinstance(item, _CONTAINERS):
                    yield from descend(item, f"{path}/{place}")
                elif _is_member(item) and id(item) not in seen:
                    name = to_snake_case(type(item).__name__)
                    used[name] += 1
                    yield from visit(item, f"{path}/{name}" + (f"_{used[name] - 1}" if used[name] > 1 else ""))
        elif _is_member(value) and id(value) not in seen:
            yield from visit(value, path)

    return visit(model, "")


class _Store(Mapping[str, np.ndarray]):
    """The values of one object as a user's `load_own_variables` takes them."""

    def __init__(self, stored: Mapping[str, Any]):
        self._stored = stored

    def __getitem__(self, name: str) -> np.ndarray:
        return self._stored[name][()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def _stored(group: Any) -> dict[str, Any]:
    """The arrays of a member by their names, unread; none if the file lacks it."""
    values = None if group is None else hdf5_access.member(group, "vars")
    names = [] if values is None else sorted(values, key=lambda name: (len(name), name))  # "2" before "10"
    return {name: hdf5_access.array(values, name) for name in names}


def _assign(values: list[tuple[tf.Variable, Any]], own: list[tuple[Any, Mapping[str, Any]]]) -> None:
    """Gives variables their values; a user's method that fails leaves all as it was."""
    changed = [*(v for v, _ in values), *(v for thing, _ in own for v in _variables(thing))] if own else []
    before = [(variable, variable.numpy()) for variable in changed]
    try:
        for variable, value in values:
            variable.assign(value)
        for thing, store in own:
            thing.load_own_variables(store)
    except Exception:
        for variable, value in before:
            variable.assign(value)
        raise


def _parts(thing: Any) -> dict[str, Any]:
    """What an object consists of, by attribute."""
    inner = optimizer_weights.unscaled(thing)
    if inner is not thing:
        return {"inner_optimizer": inner}
    if _is_optimizer(thing):
        return {}
    found = dict(getattr(thing, "_owned", {}))
    if hasattr(thing, "compiled_loss"):
        found.update(layers=thing.layers, metrics=thing.metrics, optimizer=thing.optimizer)
    return found


def _is_member(thing: Any) -> bool:
    if hasattr(thing, "load_own_variables"):
        return True
    return isinstance(thing, tf.Module) and bool(thing.variables)


def _is_optimizer(thing: Any) -> bool:
    return hasattr(thing, "apply_gradients")


def _has_own(thing: Any, method: str) -> bool:
    """Whether a user's class says how its variables are written or read."""
    definer = next((base for base in type(thing).__mro__ if method in base.__dict__), None)
    return definer is not None and not is_library_class(definer)


def _variables(thing: Any) -> list[tf.Variable]:
    """The variables of an object itself, those that can be trained first."""
    if hasattr(thing, "_owned_weights"):
        return sorted(thing._owned_weights(), key=lambda variable: not variable.trainable)
    return list(getattr(thing, "_own_weights", thing.variables))


def _pairs(stored: Mapping[str, Any], thing: Any, path: str) -> list[tuple[tf.Variable, Any]]:
    """The variables of a layer or metric, each with its array in the file.

    Raises:
        ValueError: if a layer's do not fit; a metric that is new or another one keeps the values it has.
    """
    variables, name = _variables(thing), f"{getattr(thing, 'name', type(thing).__name__)!r} ({path or 'the model'})"
    found = [(variable, stored.get(str(number))) for number, variable in enumerate(variables)]
    fits = all(value is not None and variable.shape.is_compatible_with(value.shape) for variable, value in found)
    if fits and len(stored) == len(variables):
        return found
    if hasattr(thing, "reset_state") and hasattr(thing, "result"):
        return []
    if len(stored) != len(variables):
        raise ValueError(f"{name} has {len(variables)} variables of its own, in the file {len(stored)}.")
    for variable, value in found:
        if value is None or not variable.shape.is_compatible_with(value.shape):
            shape = None if value is None else tuple(value.shape)
            raise ValueError(f"{variable.name} of {name} has the shape {tuple(variable.shape)}, in the file {shape}.")
    return found
