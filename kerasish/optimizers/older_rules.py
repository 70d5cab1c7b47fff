"""Rules written for the optimizers of TensorFlow 2.0 to 2.10, which users still subclass.

Such a class defines `_create_slots`, `_resource_apply_dense` and perhaps `_resource_apply_sparse`; what it calls on
itself is here. Of what it could override, the steps between loss and rule are not called any more; a class that
overrides one of them is refused when it is constructed, rather than trained without it.

There is no `get_slot_names`: TensorFlow takes an object that has it for one whose slots it must save itself.

Source: behaviour of `tf.keras.optimizers.Optimizer` up to TensorFlow 2.10, now `tf.keras.optimizers.legacy.Optimizer`.
"""
from __future__ import annotations

import inspect
from typing import Any

import tensorflow as tf

from kerasish import initializers
from kerasish.optimizers.gradients import Gradient
from kerasish.optimizers.learning_rate import StepScalars
from kerasish.optimizers.variables import OwnVariables

State = dict[tuple[str, tf.DType], dict[str, Any]]
_NOT_CALLED = {
    "_compute_gradients": "compute_gradients", "_get_gradients": "compute_gradients", "get_gradients": "minimize",
    "get_updates": "minimize", "_transform_loss": "minimize", "_aggregate_gradients": "aggregate_gradients",
    "_transform_unaggregated_gradients": "apply_gradients", "_transform_gradients": "apply_gradients",
    "_distributed_apply": "apply_gradients", "_create_all_weights": "build", "_create_hypers": "__init__",
}  # fmt: skip
"""Methods that were called up to TensorFlow 2.10, and what to override instead."""


class OlderRules(OwnVariables):
    """Slots by name, hyperparameters by name, and the call of an older rule."""

    decay: float

    def __init__(self, name: str):
        super().__init__(name)
        for old, new in _NOT_CALLED.items():
            if hasattr(type(self), old):
                raise TypeError(
                    f"{type(self).__name__} overrides `{old}`, which optimizers called up to TensorFlow 2.10 only.\n"
                    f"Fix: override `{new}`."
                )

    @property
    def scalars(self) -> StepScalars:
        """The scalar tensors of the step that is being taken."""
        raise NotImplementedError

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        raise NotImplementedError

    def add_slot(
        self, var: tf.Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None
    ) -> tf.Variable:
        """The slot of that name of a variable, made at the first call."""
        slots = self._slots.setdefault(self._var_key(var), {})
        if slot_name not in slots:
            initial = initializers.get(initializer) if isinstance(initializer, str) else initializer
            if callable(initial):
                initial = initial(var.shape if shape is None else shape, dtype=var.dtype)
            slots[slot_name] = self.add_variable_from_reference(var, slot_name, initial_value=initial)
        return slots[slot_name]

    def get_slot(self, var: tf.Variable, slot_name: str) -> tf.Variable:
        """The slot of that name of a variable.

        Raises:
            KeyError: if there is none.
        """
        return self._slots[self._var_key(var)][slot_name]

    def _create_slots(self, var_list: list[tf.Variable]) -> None:
        """Overridden by older rules that keep slots."""

    def _set_hyper(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            self._learning_rate = self._build_learning_rate(value)
        else:
            setattr(self, name, value)

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        value = self._learning_rate if name == "learning_rate" else getattr(self, name)
        value = value() if inspect.isfunction(value) else value
        return value if dtype is None or callable(value) else tf.cast(value, dtype)

    def _decayed_lr(self, var_dtype: Any) -> tf.Tensor:
        """The rate of the step that is being taken, or of the next."""
        return self.scalars.rate(tf.as_dtype(var_dtype))

    @property
    def _initial_decay(self) -> float:
        return self.decay

    def _prepare(self, var_list: list[tf.Variable]) -> None:
        """Overridden by older rules that need something before each step."""

    def _prepare_local(self, var_device: str, var_dtype: tf.DType, apply_state: State) -> None:
        apply_state[var_device, var_dtype]["lr_t"] = self._decayed_lr(var_dtype)

    def _fallback_apply_state(self, var_device: str, var_dtype: tf.DType) -> dict[str, Any]:
        state: State = {(var_device, var_dtype): {}}
        self._prepare_local(var_device, var_dtype, state)
        return state[var_device, var_dtype]

    def _resource_scatter_add(self, x: tf.Variable, i: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        x.scatter_add(tf.IndexedSlices(v, i))
        return x.value()

    def _resource_scatter_update(self, x: tf.Variable, i: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        x.scatter_update(tf.IndexedSlices(v, i))
        return x.value()

    def _resource_apply_sparse_duplicate_indices(
        self, grad: tf.Tensor, handle: tf.Variable, indices: tf.Tensor, **kwargs: Any
    ) -> None:
        self._resource_apply_sparse(grad, handle, indices, **kwargs)

    def _resource_apply_sparse(self, grad: tf.Tensor, handle: tf.Variable, indices: tf.Tensor, **kwargs: Any) -> None:
        whole = tf.math.unsorted_segment_sum(grad, indices, tf.shape(handle)[0])
        self._resource_apply_dense(whole, handle, **kwargs)

    def _resource_apply_dense(self, grad: tf.Tensor, handle: tf.Variable, **kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define `update_step(self, gradient, variable)`.")

    def _sparse_rule(self) -> Any:
        """The rule for rows: the one that took repeated rows, where a class overrides it."""
        repeated = self._resource_apply_sparse_duplicate_indices
        overridden = type(self)._resource_apply_sparse_duplicate_indices
        is_own = overridden is not OlderRules._resource_apply_sparse_duplicate_indices
        return repeated if is_own else self._resource_apply_sparse

    def _apply_older_rule(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable; the rows of a gradient of rows are different ones."""
        rule: Any
        tensors: tuple[Any, ...]
        if isinstance(gradient, tf.IndexedSlices):
            rule, tensors = self._sparse_rule(), (gradient.values, variable, gradient.indices)
        else:
            rule, tensors = self._resource_apply_dense, (gradient, variable)
        if "apply_state" not in inspect.signature(rule).parameters:
            rule(*tensors)
            return
        place = (variable.device, variable.dtype.base_dtype)
        state: State = {place: {}}
        self._prepare_local(*place, state)
        rule(*tensors, apply_state=state)
