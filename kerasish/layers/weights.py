"""A layer's weights and the layers within it, in Keras's order.

Source: behaviour of tf.keras 2: own weights in the order of creation, then those of the layers within in the order in
which they were assigned; what can be trained first.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import initializers
from kerasish.core import trust
from kerasish.core.dtype_policy import Policy
from kerasish.core.shapes import to_shape
from kerasish.core.tracking import Tracked, flatten_owned, unique
from kerasish.core.variables import new_variable
from kerasish.layers.calling import context


class WeightOwner(Tracked):
    """An owner of weights and of other owners."""

    _dtype_policy: Policy
    _own_weights_first = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls, *args, **kwargs)
        object.__setattr__(instance, "_own_weights", [])
        object.__setattr__(instance, "_cast_weights", set())
        object.__setattr__(instance, "_trainable", True)
        object.__setattr__(instance, "_regularizations", [])
        return instance

    def add_weight(
        self, name: str | None = None, shape: Any = None, dtype: Any = None, initializer: Any = None,
        regularizer: Any = None, trainable: bool | None = None, constraint: Any = None, use_resource: Any = None,
        synchronization: Any = tf.VariableSynchronization.AUTO, aggregation: Any = tf.VariableAggregation.NONE,
        **kwargs: Any,
    ) -> tf.Variable:  # fmt: skip
        """A new variable owned by the layer.

        The layer's own `<name>_initializer`, `<name>_regularizer` and `<name>_constraint` are used where none is given.

        Args:
            name: the weight's name.
            shape: its shape, scalar if None.
            dtype: its type, the layer's `variable_dtype` if None.
            initializer: an initializer or its name; Glorot uniform for floats, else zeros.
            regularizer: a function of the variable whose value becomes one of the layer's `losses`.
            trainable: whether optimizers update it.
            constraint: a function applied after each update.
            **kwargs: `experimental_autocast`: False, and a mixed layer's `call` sees the weight as it is stored.

        Raises:
            ValueError: if the shape has unknown sizes, or a weight synchronized on read is to be trainable.
            MemoryError: if this machine could not hold it.
        """
        sizes = _full_shape(self.name, name, shape)
        dtype = tf.as_dtype(dtype or self._dtype_policy.variable_dtype or tf.float32)
        _check_room(self.name, name, sizes, dtype)
        trust.take(math.prod(sizes) * dtype.size, f"The weight {name!r} of layer {self.name!r}")
        initializer = initializers.get(
            initializer if initializer is not None else self._for_weight(name, "initializer")
        )
        if initializer is None:
            initializer = initializers.get("glorot_uniform" if dtype.is_floating else "zeros")
        regularizer = regularizer if regularizer is not None else self._for_weight(name, "regularizer")
        on_read = synchronization == tf.VariableSynchronization.ON_READ
        if on_read and trainable:
            raise ValueError(f"A weight that is synchronized on read cannot be trainable. Received: name={name!r}")
        with tf.init_scope():
            variable = new_variable(
                lambda: _initial(initializer, sizes, dtype), name or "Variable",
                trainable=not on_read if trainable is None else bool(trainable), dtype=dtype, shape=sizes,
                constraint=constraint if constraint is not None else self._for_weight(name, "constraint"),
                synchronization=synchronization, aggregation=aggregation,
            )  # fmt: skip
        self._own_weights.append(variable)
        if dtype.is_floating and kwargs.get("experimental_autocast", True):
            self._cast_weights.add(id(variable))
        if name:
            self._track_trackable(variable, name, overwrite=True)
        if regularizer is not None:
            self._regularizations.append(lambda: regularizer(variable))
        return variable

    def _for_weight(self, name: str | None, role: str) -> Any:
        return getattr(self, f"{name}_{role}", None) if name else None

    def _own(self, name: str, value: Any) -> None:
        super()._own(name, value)
        known = {id(variable) for variable in self._own_weights}
        found = [value] if isinstance(value, tf.Variable) else list(flatten_owned(value))
        self._own_weights.extend(unique([v for v in found if isinstance(v, tf.Variable) and id(v) not in known]))
        mixed = self._dtype_policy is not None and self._dtype_policy.compute_dtype != self._dtype_policy.variable_dtype
        if mixed and id(value) in self._cast_weights:
            del self.__dict__[name]  # so that reading it goes through __getattr__

    def __getattr__(self, name: str) -> Any:
        """A weight of a mixed layer; while a layer is being called, in that layer's compute dtype."""
        value = self.__dict__.get("_owned", {}).get(name)
        if name == "_name":
            raise RuntimeError(f"`{type(self).__name__}.__init__` must call `super().__init__()`, as its first line.")
        if value is None:
            asked = getattr(type(self), name, None)
            if isinstance(asked, property) and asked.fget is not None:
                return asked.fget(self)  # the property itself raised AttributeError: let it say why
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        policy = context.layer._dtype_policy if context.layer is not None and context.layer.built else None
        if policy is None or policy.compute_dtype in (None, value.dtype.name):
            return value
        return tf.cast(value, policy.compute_dtype)

    def _disown(self, name: str) -> None:
        gone = {id(thing) for thing in flatten_owned(self._owned.get(name, ()))}
        super()._disown(name)
        self._own_weights[:] = [variable for variable in self._own_weights if id(variable) not in gone]

    def _children(self) -> list[Any]:
        """The layers, metrics and other modules that this object owns directly."""
        holders = [value for value in self._owned.values() if not isinstance(value, tf.Variable)]
        return (
            unique([t for value in holders for t in flatten_owned(value) if isinstance(t, tf.Module)])
            if holders
            else []
        )

    def _weight_holders(self) -> list[Any]:
        """Those of them whose weights count as weights of this object."""
        return self._children()

    def _flatten_layers(self, recursive: bool = True, include_self: bool = True) -> Iterator[Any]:
        """This layer and those within, each before its own."""
        seen: set[int] = set()
        stack: list[Any] = [self] if include_self else list(reversed(self._children()))
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            if isinstance(layer, WeightOwner):
                yield layer
                if recursive or layer is self:
                    stack.extend(reversed(layer._children()))

    @property
    def trainable(self) -> bool:
        """Whether the weights here and within are to be trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            object.__setattr__(layer, "_trainable", bool(value))

    def _owned_weights(self) -> list[tf.Variable]:
        """Own weights, including variables appended to a list after it was assigned."""
        holders = [value for value in self._owned.values() if isinstance(value, (list, dict))]
        if not holders:
            return self._own_weights
        later = [thing for value in holders for thing in flatten_owned(value) if isinstance(thing, tf.Variable)]
        return unique([*self._own_weights, *later])

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The variables that optimizers update; none while `trainable` is False."""
        if not self.trainable:
            return []
        own = [v for v in self._owned_weights() if v.trainable]
        return self._in_order(own, [v for child in self._weight_holders() for v in child.trainable_variables])

    @property
    def non_trainable_weights(self) -> list[tf.Variable]:
        """The variables that optimizers leave alone."""
        own = self._owned_weights()
        if not self.trainable:
            frozen = [v for v in own if v.trainable] + [v for v in own if not v.trainable]
            return self._in_order(frozen, [v for child in self._weight_holders() for v in child.variables])
        kept = [v for v in own if not v.trainable]
        return self._in_order(kept, [v for child in self._weight_holders() for v in _fixed_variables(child)])

    def _in_order(self, own: list[Any], inner: list[Any]) -> list[Any]:
        """A layer's own weights come before those within, a model's after them."""
        return unique(own + inner if self._own_weights_first else inner + own)

    @property
    def weights(self) -> list[tf.Variable]:
        """All variables, those that can be trained first."""
        return unique(self.trainable_weights + self.non_trainable_weights)

    variables = property(lambda self: self.weights, doc="All variables.")
    trainable_variables = property(lambda self: self.trainable_weights, doc="The variables that optimizers update.")
    non_trainable_variables = property(lambda self: self.non_trainable_weights, doc="The other variables.")

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the values of `weights`, in that order."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets every weight, in the order of `weights`; nothing is changed if any does not fit.

        Raises:
            ValueError: if the number of arrays or a shape differs.
        """
        variables, values = self.weights, [np.asarray(value) for value in weights]
        if len(values) != len(variables):
            raise ValueError(
                f'`weights` must hold {len(variables)} arrays for layer "{self.name}". Received: {len(values)} arrays\n'
                f"The layer's weights: {[(v.name, tuple(v.shape)) for v in variables][:8]}"
            )
        for variable, value in zip(variables, values, strict=True):
            if not variable.shape.is_compatible_with(value.shape):
                raise ValueError(
                    f'`weights` must have the shapes of layer "{self.name}": {variable.name} has '
                    f"{tuple(variable.shape)}. Received: shape {value.shape}"
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of numbers in all weights.

        Raises:
            ValueError: if there are no weights yet, because no shape is known.
        """
        if not self.built:
            raise ValueError(
                f'Layer "{self.name}" has no weights yet. Build it first: call it on data, or `build(input_shape)`.'
            )
        return sum(int(np.prod(variable.shape)) for variable in self.weights)


def _fixed_variables(child: Any) -> list[tf.Variable]:
    fixed = getattr(child, "non_trainable_weights", None)
    return fixed if fixed is not None else [v for v in child.variables if not v.trainable]


def _full_shape(layer: str, name: str | None, shape: Any) -> tuple[int, ...]:
    sizes = to_shape(() if shape is None else shape)
    if sizes is None or None in sizes:
        raise ValueError(
            f'The weight {name!r} of layer "{layer}" needs a fully known shape. Received: shape={shape}\n'
            "An axis of the input that the weight depends on is unknown: give it a size in `Input(shape=...)`."
        )
    return sizes  # type: ignore[return-value]


def _check_room(layer: str, name: str | None, shape: tuple[int, ...], dtype: tf.DType) -> None:
    """Raises MemoryError for a weight that cannot be; TensorFlow would look for the memory for ten seconds."""
    size = math.prod(shape) * dtype.size
    if size > _MEMORY:
        raise MemoryError(
            f'The weight {name!r} of layer "{layer}" would have the shape {shape}: {size:,} bytes, and this machine '
            f"has {_MEMORY:,}."
        )


def _memory() -> int:
    """The bytes of memory of this machine; unlimited where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


_MEMORY = _memory()


def _initial(initializer: Callable[..., Any], shape: tuple[int, ...], dtype: tf.DType) -> tf.Tensor:
    return tf.cast(initializer(shape, dtype=dtype), dtype)
