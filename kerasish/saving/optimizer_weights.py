"""The variables of optimizers in files: their names and order, those that older releases wrote, and the state besides.

Source: files of tf.keras 2.0 to 2.10 (`Adam/dense/kernel/m:0`, slot after slot) and of 2.11 on
(`Adam/m/dense/kernel:0`, variable after variable).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.optimizers import Nadam, legacy
from kerasish.optimizers.loss_scale import LossScaleOptimizer
from kerasish.saving import hdf5_access

_FURTHER = "further_state"  # what tf.keras leaves out; it passes over groups that it does not know
_PLACES = "variables"

_OLDER_SLOTS = {
    "Adadelta": {"accumulated_grad": "accum_grad", "accumulated_delta_var": "accum_var"},
    "Adamax": {"u": "v"},
    "RMSprop": {"velocity": "rms", "average_gradient": "mg"},
    "SGD": {"m": "momentum"},
}


def is_older(optimizer: Any) -> bool:
    """Whether the optimizer is of the kind of TensorFlow 2.0 to 2.10."""
    return type(unscaled(optimizer)).__module__ == legacy.__name__


def unscaled(optimizer: Any) -> Any:
    """The optimizer within a loss scale, else itself."""
    return optimizer.inner_optimizer if isinstance(optimizer, LossScaleOptimizer) else optimizer


def named_variables(optimizer: Any) -> list[tuple[str, tf.Variable]]:
    """The variables under the names, and in the order, of the files of the optimizer's kind."""
    optimizer = unscaled(optimizer)
    count, *others = optimizer.variables
    if not is_older(optimizer):
        return [("iteration:0", count), *((f"{optimizer.name}/{variable.name}", variable) for variable in others)]
    found = [(f"{optimizer.name}/iter:0", count)]
    if isinstance(optimizer, Nadam):
        found += [(f"{optimizer.name}/momentum_cache:0", product) for product in _products(optimizer)]
    columns = []
    for slot, variables in _older_slots(optimizer).items():
        owners = [variable.name.partition("/")[2].partition(":")[0] for variable in variables]
        columns.append([(f"{optimizer.name}/{owner}/{slot}:0", v) for owner, v in zip(owners, variables, strict=True)])
    if isinstance(optimizer, legacy.Ftrl):  # the one that goes variable by variable
        columns = [[pair for row in zip(*columns, strict=True) for pair in row]]
    return found + [pair for column in columns for pair in column]


def _matched(optimizer: Any, values: Mapping[str, Any]) -> list[tuple[tf.Variable, Any]]:
    """The variables, each with the value of the file that belongs to it.

    Raises:
        ValueError: if number or shapes differ.
    """
    names = [name for name in values if not name.endswith("learning_rate:0")]  # that one is part of the configuration
    older = bool(names) and names[0].endswith("/iter:0")
    found = _by_slot(optimizer, values) if older else _in_order(optimizer, [values[name] for name in names])
    for variable, value in found:
        if tuple(variable.shape) != tuple(value.shape):
            raise ValueError(f"{variable.name} has the shape {tuple(variable.shape)}, in the file {tuple(value.shape)}")
    return found


def pairs(group: Any, model: Any, optimizer: Any, values: Mapping[str, Any]) -> list[tuple[tf.Variable, Any]]:
    """The variables of an optimizer, built as it was, each with the value that a file has for it.

    Args:
        group: what the file has of the optimizer, None if nothing.
        model: the model that is trained.
        optimizer: its optimizer, or one within it.
        values: the arrays (or data sets) of the optimizer's own variables by their names in the file, in its order.
    """
    if group is None or not values:
        return []
    inner = unscaled(optimizer)
    if len(values) > 1 and not inner._index_dict:
        weights, built_for = model.weights, hdf5_access.numbers(group, _PLACES, len(model.weights))
        build(inner, model.trainable_variables if built_for is None else [weights[place] for place in built_for])
    try:
        found = _matched(inner, values)
    except ValueError as error:
        warnings.warn(
            f"The optimizer starts afresh, its state in {hdf5_access.name_of(group)} does not fit: {error}.",
            stacklevel=6,
        )
        return []
    further = hdf5_access.member(group, _FURTHER)
    kept = {} if further is None else _further_state(optimizer)
    return found + [(variable, hdf5_access.array(further, name)) for name, variable in kept.items() if name in further]


def build(optimizer: Any, variables: Sequence[tf.Variable]) -> None:
    """Makes the slots for the variables, unless there are some."""
    inner = unscaled(optimizer)
    if not inner._index_dict:
        inner.build(variables)
        inner._built = True


def older_slots(optimizer: Any, owners: Iterable[tf.Variable]) -> dict[tuple[int, str], tf.Variable]:
    """The slot variables by identity of the updated variable and by the slot's older name."""
    inner = unscaled(optimizer)
    names = _OLDER_SLOTS.get(type(inner).__name__, {})
    return {
        (id(owner), names.get(name, name)): variable
        for owner in owners
        for name, variable in inner._slots.get(inner._var_key(owner), {}).items()
    }


def older_numbers(optimizer: Any) -> dict[str, tf.Variable]:
    """Its other variables by the names that they had in checkpoints of TensorFlow 2.0 to 2.10."""
    inner = unscaled(optimizer)
    named = {"iter": inner.iterations, "learning_rate": inner._learning_rate}
    named.update(zip(("momentum_cache",), _products(inner), strict=False))
    return {name: variable for name, variable in named.items() if isinstance(variable, tf.Variable)}


def write_further(group: Any, model: Any, optimizer: Any) -> None:
    """Writes what tf.keras keeps of an optimizer in no file, but which is needed to go on exactly."""
    built_for = places(model, optimizer)
    if built_for is not None:
        group.attrs[_PLACES] = np.asarray(built_for, "int64")
    for name, variable in _further_state(optimizer).items():
        group.require_group(_FURTHER).create_dataset(name, data=variable.numpy())


def derive_further_state(group: Any, optimizer: Any) -> None:
    """Computes what follows from the number of steps where the file, tf.keras's, does not hold it: Nadam's product."""
    inner = unscaled(optimizer)
    if type(inner) is Nadam and inner._index_dict and _FURTHER not in group:
        inner.derive_product()


def _further_state(optimizer: Any) -> dict[str, tf.Variable]:
    inner = unscaled(optimizer)
    found: dict[str, tf.Variable] = {}
    if optimizer is not inner and optimizer.dynamic:
        found = {"loss_scale": optimizer._scale.current_loss_scale, "good_steps": optimizer._scale.good_steps}
    if isinstance(inner, Nadam):
        found.update(zip(("momentum_product",), _products(inner), strict=False))
    return found


def places(model: Any, optimizer: Any = None) -> list[int] | None:
    """The places among the model's weights of those that its optimizer (or another) was built for, in its order."""
    optimizer = unscaled(model.optimizer if optimizer is None else optimizer)
    index = getattr(optimizer, "_index_dict", None)
    if not index:
        return None
    keys = [optimizer._var_key(variable) for variable in model.weights]
    found = {index[key]: place for place, key in enumerate(keys) if key in index}
    return [found[number] for number in sorted(found)] if len(found) == len(index) else None


def _in_order(optimizer: Any, values: list[Any]) -> list[tuple[tf.Variable, Any]]:
    variables = list(optimizer.variables)
    if len(values) == 1 and not optimizer._index_dict:  # only the number of steps, of one that took none
        return [(variables[0], values[0])]
    if len(variables) != len(values):
        raise ValueError(f"{optimizer.name} has {len(variables)} variables, the file {len(values)}")
    return list(zip(variables, values, strict=True))


def _by_slot(optimizer: Any, values: Mapping[str, Any]) -> list[tuple[tf.Variable, Any]]:
    """The n-th value of a slot belongs to the n-th variable of that slot."""
    columns: dict[str, list[Any]] = {}
    for name, value in values.items():
        columns.setdefault(name.rpartition("/")[2].partition(":")[0], []).append(value)
    pairs = [(optimizer.iterations, columns.pop("iter")[0])]
    pairs += list(zip(_products(optimizer), columns.pop("momentum_cache", []), strict=False))
    slots = _older_slots(optimizer)
    for slot, column in columns.items():
        own = slots.get(slot, [])
        if len(own) != len(column):
            raise ValueError(f"{optimizer.name} has {len(own)} variables {slot!r}, the file {len(column)}")
        pairs += list(zip(own, column, strict=True))
    return pairs


def _older_slots(optimizer: Any) -> dict[str, list[tf.Variable]]:
    """The slot variables by the slot's older name."""
    names = _OLDER_SLOTS.get(type(optimizer).__name__, {})
    slots = [slot for group in optimizer.slot_groups() for slot in group]
    if isinstance(optimizer, legacy.SGD) and not optimizer.momentum:
        return {}
    return {names.get(slot.name, slot.name): list(getattr(optimizer, slot.attribute, ())) for slot in slots}


def _products(optimizer: Any) -> list[tf.Variable]:
    product = getattr(optimizer, "_u_product", None)
    return [] if product is None else [product]
