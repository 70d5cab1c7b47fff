"""What an optimizer stores: the step counter, moving averages and, for each variable it updates, its slots."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import initializers
from kerasish.core import settings
from kerasish.core.tracking import Named, Tracked
from kerasish.core.variables import new_variable


@dataclass(frozen=True)
class Slot:
    """A variable that an optimizer keeps for each variable it updates.

    Attributes:
        name: first part of the slot variables' names.
        attribute: attribute of the optimizer that lists them, in the order of the updated variables.
        initial: their first value.
        shape: their shape by the updated variable's; None for a variable that has no such slot.
    """

    name: str
    attribute: str
    initial: float = 0.0
    shape: Callable[[tf.TensorShape], tf.TensorShape | None] = lambda shape: shape


class CallableList(list):
    """A list that returns itself when called: `optimizer.variables` and `optimizer.variables()` are both in use."""

    def __call__(self) -> CallableList:
        return self


class OwnVariables(Tracked):
    """The variables of an optimizer, made by `build` for the variables that it will update."""

    use_ema = False
    _learning_rate: Any = None
    _slots: dict[str, dict[str, tf.Variable]]
    _averages: list[tf.Variable]

    def __init__(self, name: str | None):
        super().__init__(name)
        self._index_dict: dict[str, int] = {}
        object.__setattr__(self, "_slots", {})
        object.__setattr__(self, "_averages", [])
        tf.Module.__setattr__(self, "_variables", [])
        with tf.init_scope():
            aggregation = tf.VariableAggregation.ONLY_FIRST_REPLICA
            self._iterations = tf.Variable(
                0, name="iteration", dtype=tf.int64, trainable=False, aggregation=aggregation
            )
        self._variables.append(self._iterations)

    @property
    def iterations(self) -> tf.Variable:
        """How many steps were taken, int64."""
        return self._iterations

    @iterations.setter
    def iterations(self, variable: tf.Variable) -> None:
        if self._index_dict:
            raise RuntimeError(
                "`iterations` can only be replaced before the optimizer is built.\n"
                "Fix: optimizer.iterations.assign(value)"
            )
        self._iterations = variable
        tf.Module.__setattr__(self, "_variables", [variable, *self._variables[1:]])

    @property
    def variables(self) -> CallableList:
        """The optimizer's own variables: the step counter, averages, slots."""
        return CallableList(self._variables)

    @property
    def weights(self) -> list[tf.Variable]:
        """The same as `variables`."""
        return list(self._variables)

    def get_weights(self) -> list[np.ndarray]:
        """The values of `variables`."""
        return [variable.numpy() for variable in self._variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or the number or a shape of the values does not fit.
        """
        if not self._index_dict:
            raise ValueError("The optimizer is not built yet.\nFix: optimizer.build(model.trainable_variables) first.")
        if len(weights) != len(self._variables):
            raise ValueError(f"Expected {len(self._variables)} values for `weights`. Received: {len(weights)}")
        for variable, value in zip(self._variables, weights, strict=True):
            if tuple(variable.shape) != np.shape(value):
                raise ValueError(
                    f"Variable {variable.name} has the shape {tuple(variable.shape)}. Received: shape={np.shape(value)}"
                )
        for variable, value in zip(self._variables, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Writes the values of `variables` into `store` under "0", "1", ..."""
        store.update({str(index): variable.numpy() for index, variable in enumerate(self._variables)})

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Reads back what `save_own_variables` wrote.

        Raises:
            ValueError: as `set_weights`.
        """
        self.set_weights([np.asarray(store[str(index)]) for index in range(len(store.keys()))])

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The slots of the family. Those of one group are made variable by variable, the groups one after the other."""
        return ()

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Creates the variables that the optimizer keeps for those it will update."""
        if self._index_dict:
            return
        for index, variable in enumerate(var_list):
            self._index_dict[self._var_key(variable)] = index
        if self.use_ema:
            self._averages.extend(
                self.add_variable_from_reference(variable, "average", initial_value=variable.value())
                for variable in var_list
            )
        for group in self.slot_groups():
            for slot in group:
                object.__setattr__(self, slot.attribute, [])
            for variable in var_list:
                for slot in group:
                    self._add_slot(slot, variable)
        self._create_slots(list(var_list))

    def _create_slots(self, var_list: list[tf.Variable]) -> None:
        raise NotImplementedError

    def _add_slot(self, slot: Slot, variable: tf.Variable) -> None:
        shape = slot.shape(variable.shape)
        if shape is None:
            return
        initial = tf.fill(shape, tf.constant(slot.initial, variable.dtype))
        made = self.add_variable_from_reference(variable, slot.name, initial_value=initial)
        getattr(self, slot.attribute).append(made)
        key = self._var_key(variable)
        self._slots.setdefault(key, {})[slot.name] = made

    def slots_of(self, variable: tf.Variable) -> tuple[tf.Variable, ...]:
        """The slot variables of a variable, in the order of `slot_groups`."""
        return tuple(self._slots[self._var_key(variable)].values())

    def add_variable_from_reference(
        self,
        model_variable: tf.Variable,
        variable_name: str,
        shape: Any = None,
        initial_value: Any = None,
    ) -> tf.Variable:
        """A new variable of the optimizer, of the type and (unless given) shape of a model's; zeros by default."""
        if initial_value is None:
            shape = model_variable.shape if shape is None else shape
            initial_value = tf.zeros(shape, model_variable.dtype)
        name = f"{variable_name}/{model_variable.name.partition(':')[0]}"
        made = new_variable(initial_value, name, dtype=model_variable.dtype, trainable=False)
        self._variables.append(made)
        return made

    def add_variable(
        self, shape: Any, dtype: Any = None, initializer: Any = "zeros", name: str | None = None
    ) -> tf.Variable:
        """A new variable of the optimizer."""
        dtype = tf.as_dtype(dtype or settings.floatx())
        initial = initializers.get(initializer)(shape, dtype=dtype) if isinstance(initializer, str) else initializer
        initial = initial(shape, dtype=dtype) if callable(initial) else initial
        made = tf.Variable(initial, name=name, dtype=dtype, trainable=False)
        self._variables.append(made)
        return made

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {**super()._trackable_children(save_type, **kwargs), **self._slot_lists()}

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        found = self._slot_lists().get(name)
        return found if found is not None else super()._lookup_dependency(name, cached_dependencies)

    def _slot_lists(self) -> dict[str, Named]:
        """The slots under the names that tf.keras gives them in checkpoints, numbered as the updated variables."""
        if not self._index_dict:
            return {}
        known = self.__dict__.get("_named_slots")
        if known is None or known[0] != len(self._variables):
            lists: dict[str, dict[str, tf.Variable]] = {}
            if self._averages:
                lists["_model_variables_moving_average"] = {str(n): v for n, v in enumerate(self._averages)}
            attributes = {slot.name: slot.attribute for group in self.slot_groups() for slot in group}
            for key, slots in self._slots.items():
                for name, variable in slots.items():
                    lists.setdefault(attributes.get(name, name), {})[str(self._index_dict[key])] = variable
            known = (len(self._variables), {name: Named(**things) for name, things in lists.items()})
            object.__setattr__(self, "_named_slots", known)
        return known[1]

    def _var_key(self, variable: tf.Variable) -> str:
        """What tells a variable from all others, for `_index_dict`."""
        container = getattr(variable, "_distributed_container", None)
        owner = container() if callable(container) else None
        return (variable if owner is None else owner)._unique_id
