"""What a metric is: variables that gather over batches, and a result computed from them."""
from __future__ import annotations

import functools
import types
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import initializers
from kerasish.core import settings
from kerasish.core.configurable import Configurable
from kerasish.core.dtype_policy import get_policy
from kerasish.core.naming import to_snake_case, unique_name
from kerasish.core.object_config import deserialize as deserialize_object
from kerasish.core.object_config import is_library_class, serialize_function, serialize_object
from kerasish.core.registry import Registry
from kerasish.core.tracking import Tracked, flatten_owned, unique
from kerasish.core.variables import new_variable
from kerasish.graph.scratch import converted

METRICS = Registry("metric", "keras.metrics")

_LAYER_ARGUMENTS = {"trainable", "dynamic", "autocast", "input_shape", "batch_input_shape", "batch_size"}
_RESET_NAMES = ("reset_state", "reset_states")


class Metric(Tracked, Configurable, metaclass=ABCMeta):
    """A value gathered over batches: calling it takes in one batch and returns the value so far.

    A subclass makes its variables with `add_weight`, changes them in `update_state` and computes a tensor (or a dict of
    tensors) from them in `result`. Updates run in order, eagerly, in a `tf.function`, in a loop and under XLA. A
    subclass may override `reset_state` or, by its older name, `reset_states`: whichever is called, the override runs.

    Args:
        name: the name under which the value is reported; by default made from the class name.
        dtype: type of the variables and the result, a name or a policy; by default `floatx()`.
        **kwargs: `trainable`, `dynamic`, `autocast` and the like are accepted as for a layer and change nothing.

    Raises:
        TypeError: for an argument that is not known, or a name that is no string.
    """

    __config_module__ = "keras.metrics"
    _family_base = True
    _object_identifier = "_tf_keras_metric"  # its kind in SavedModels
    stateful = True
    dynamic = False
    supports_masking = False
    trainable: bool

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any):
        for argument in kwargs.keys() - _LAYER_ARGUMENTS:
            raise TypeError(f"{type(self).__name__} knows no such argument. Received: {argument}={kwargs[argument]}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be a string. Received: name={name!r}")
        super().__init__(name or unique_name(to_snake_case(type(self).__name__)))
        self._dtype = settings.floatx() if dtype is None else str(get_policy(dtype).variable_dtype)
        self.trainable = kwargs.get("trainable", True)
        self.built = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _join_reset_names(cls)
        if is_library_class(cls):
            if isinstance(cls.__dict__.get("result"), types.FunctionType):
                cls.result = _over_replicas(cls.__dict__["result"])  # type: ignore[method-assign]
            return
        for method, wrap in (("update_state", _graph_ready), ("result", _plain_result)):
            if isinstance(cls.__dict__.get(method), types.FunctionType):
                setattr(cls, method, wrap(cls.__dict__[method]))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in one batch, as `update_state`, and returns `result()`."""
        self.update_state(*args, **kwargs)
        result = self.result()
        if isinstance(result, tf.Tensor):
            result._metric_obj = self  # by which `Layer.add_metric` finds the metric
        return result

    @abstractmethod
    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes in one batch."""

    @abstractmethod
    def result(self) -> Any:
        """The value so far: a scalar tensor, or a dict of scalar tensors."""

    def reset_state(self) -> None:
        """Sets every variable to zero, as at the start of each epoch."""
        for variable in self.variables:
            variable.assign(_zeros(variable.shape, variable.dtype), read_value=False)

    reset_states = reset_state

    def merge_state(self, metrics: Iterable[Metric]) -> list[Any]:
        """Adds to the variables those of other metrics of the same kind, for example from other workers.

        Returns:
            The variables' new values.

        Raises:
            ValueError: if the variables of a metric have other shapes than this one's.
        """
        metrics = list(metrics)
        shapes = [variable.shape for variable in self.variables]
        for metric in metrics:
            if [variable.shape for variable in metric.variables] != shapes:
                raise ValueError(f"`metrics` must hold metrics of the same kind as {self}. Received: {metric}")
        for metric in metrics:
            for variable, other in zip(self.variables, metric.variables, strict=True):
                variable.assign_add(other, read_value=False)
        return [tf.convert_to_tensor(variable) for variable in self.variables]

    def add_weight(
        self,
        name: str | None,
        shape: Any = (),
        aggregation: tf.VariableAggregation = tf.VariableAggregation.SUM,
        synchronization: tf.VariableSynchronization = tf.VariableSynchronization.ON_READ,
        initializer: Any = None,
        dtype: Any = None,
    ) -> tf.Variable:
        """A new variable of the metric.

        Args:
            name: the variable's name.
            shape: its shape, by default a scalar.
            aggregation: how the replicas' values are put together when a distribution strategy is at work.
            synchronization: when they are.
            initializer: where the values start, by default at zero.
            dtype: the type, by default the metric's.
        """
        initial = initializers.get(initializer or "zeros")
        dtype = tf.as_dtype(dtype or self._dtype)
        shape = tuple(tf.TensorShape(shape))
        with tf.init_scope():
            variable = new_variable(
                functools.partial(initial, shape, dtype=dtype),
                name or "Variable",
                trainable=False,
                dtype=dtype,
                shape=shape,
                synchronization=synchronization,
                aggregation=aggregation,
            )
        self._own_weights.append(variable)
        return variable

    @property
    def dtype(self) -> str:
        """Name of the type of the variables and the result."""
        return self._dtype

    compute_dtype = variable_dtype = dtype

    @property
    def variables(self) -> Sequence[tf.Variable]:
        """The metric's variables, then those of the metrics it owns."""
        return unique([*self._own_weights, *_variables_of(self._owned_things())])

    @property
    def weights(self) -> list[tf.Variable]:
        """The metric's variables; none is ever trained."""
        return list(self.variables)

    non_trainable_weights = weights
    non_trainable_variables = weights

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """Empty: a metric is never trained."""
        return []

    trainable_variables = losses = updates = trainable_weights

    @property
    def metrics(self) -> list[Metric]:
        """The metrics this one owns, and those they own."""
        owned = [thing for thing in self._owned_things() if isinstance(thing, Metric)]
        return unique([metric for outer in owned for metric in (outer, *outer.metrics)])

    def get_weights(self) -> list[np.ndarray]:
        """The variables' values."""
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the variables to the given values.

        Raises:
            ValueError: if there are more or fewer values than variables, or one has another shape.
        """
        if len(weights) != len(self.variables):
            raise ValueError(f"`weights` must hold {len(self.variables)} values. Received: {len(weights)} values")
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value, read_value=False)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Writes the variables' values into `store` under "0", "1", ..."""
        store.update({str(index): variable.numpy() for index, variable in enumerate(self._own_weights)})

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Reads back what `save_own_variables` wrote.

        Raises:
            ValueError: if there are more or fewer values than variables.
        """
        if len(store.keys()) != len(self._own_weights):
            raise ValueError(f"{self} has {len(self._own_weights)} variables. Received: {len(store.keys())} values")
        for index, variable in enumerate(self._own_weights):
            variable.assign(store[str(index)])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, dtype={self._dtype})"

    def __str__(self) -> str:
        return f"{type(self).__name__}({','.join(f'{key}={value}' for key, value in self.get_config().items())})"

    def _owned_things(self) -> Iterator[tf.Variable | tf.Module]:
        return flatten_owned(list(self._owned.values()))

    @functools.cached_property
    def _own_weights(self) -> list[tf.Variable]:
        return []


def get(identifier: Any) -> Any:
    """The metric or metric function that a name, a configuration or the object itself stands for; None stays None.

    Raises:
        ValueError: for a name that is not known; the nearest names are told.
        TypeError: for something that is no metric, or a class without its parentheses.
    """
    return METRICS.get(identifier)


def serialize(metric: Any, use_legacy_format: bool = False) -> Any:
    """The configuration from which `deserialize` rebuilds a metric or finds a function again.

    Args:
        metric: a metric or a function.
        use_legacy_format: whether to write the two-key form of the earlier releases (a function: its name).
    """
    if not hasattr(metric, "get_config"):
        config = serialize_function(metric)
        return config["config"] if use_legacy_format else config
    config = serialize_object(metric)
    return {key: config[key] for key in ("class_name", "config")} if use_legacy_format else config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The metric that a configuration describes, or the function of that name.

    Args:
        config: what `serialize` gave, in either form, or a name.
        custom_objects: the user's classes and functions by name.
        use_legacy_format: accepted as in tf.keras; both forms are understood without it.

    Raises:
        ValueError: for a name that is not known.
    """
    if isinstance(config, str):
        return METRICS.get(config, custom_objects)
    return deserialize_object(config, custom_objects, METRICS)


def _zeros(shape: tf.TensorShape, dtype: tf.DType) -> Any:
    """Zeros of that shape; outside of graphs an array, which costs less than the operation."""
    return np.zeros(shape, dtype.as_numpy_dtype) if tf.executing_eagerly() else tf.zeros(shape, dtype)


def _variables_of(owned: Iterator[tf.Variable | tf.Module]) -> Iterator[tf.Variable]:
    for thing in owned:
        if isinstance(thing, tf.Module):
            yield from thing.variables
        else:
            yield thing


def _join_reset_names(cls: type) -> None:
    """Makes both names mean the nearest definition of either."""
    for base in cls.__mro__:
        defined = [base.__dict__[name] for name in _RESET_NAMES if name in base.__dict__]
        if defined:
            if len(defined) == 1:
                for name in _RESET_NAMES:
                    setattr(cls, name, defined[0])
            return


def _graph_ready(update_state: Callable[..., Any]) -> Callable[..., Any]:
    """The user's method, its Python control flow on tensors turned into the graph's when one is being traced."""

    @functools.wraps(update_state)
    def update(self: Metric, *args: Any, **kwargs: Any) -> None:
        converted(types.MethodType(update_state, self))(*args, **kwargs)

    return update


def _plain_result(result: Callable[..., Any]) -> Callable[..., Any]:
    """The user's method, a variable among its values replaced by a tensor that later updates do not change."""

    @functools.wraps(result)
    def compute(self: Metric, *args: Any, **kwargs: Any) -> Any:
        return _values(converted(types.MethodType(result, self))(*args, **kwargs), self)

    return _over_replicas(compute)


def _over_replicas(result: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which on a replica of a distribution strategy gives the value over all replicas."""

    @functools.wraps(result)
    def compute(self: Metric, *args: Any, **kwargs: Any) -> Any:
        if tf.distribute.has_strategy() and (replica := tf.distribute.get_replica_context()) is not None:
            return replica.merge_call(lambda strategy: result(self, *args, **kwargs))
        return result(self, *args, **kwargs)

    return compute


def _values(raw: Any, metric: Metric) -> Any:
    if raw is None:
        raise RuntimeError(
            f"`{type(metric).__name__}.result` must return a tensor, a variable or a dict of them. Received: None\n"
            "Fix: return the value from `result`."
        )
    if isinstance(raw, dict):
        return {key: _values(value, metric) for key, value in raw.items()}
    return tf.identity(raw) if isinstance(raw, tf.Variable) else tf.convert_to_tensor(raw)
