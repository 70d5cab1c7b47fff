"""Metrics that are the mean or the sum of values, or of a function of labels and predictions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core.object_config import function_name
from kerasish.graph.scratch import converted
from kerasish.metrics.alignment import align, spread, to_dtype
from kerasish.metrics.base import METRICS, Metric


@METRICS.register()
class Sum(Metric):
    """The weighted sum of all values: `sum(weights * values)`.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variable and the result.
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(name, dtype)
        self.total = self.add_weight("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds the values, each times its weight; weights of fewer axes belong to the first axes of the values."""
        values, weights = _weighted(values, sample_weight, self._dtype)
        self.total.assign_add(tf.reduce_sum(values if weights is None else values * weights), read_value=False)

    def result(self) -> tf.Tensor:
        """The sum so far."""
        return self.total.read_value()


@METRICS.register()
class Mean(Metric):
    """The weighted mean of all values: `sum(weights * values) / sum(weights)`, 0 before the first value.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(name, dtype)
        self.total = self.add_weight("total")
        self.count = self.add_weight("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes the values in, each with its weight.

        Weights with one axis less than the values, or with as many, weigh single values; with fewer axes they weigh the
        means over the remaining axes.
        """
        values, weights = _weighted(values, sample_weight, self._dtype, fold=tf.reduce_mean)
        if weights is None:
            self._add(_sum(values), _number_of(values))
        else:
            self._add(_sum(values * weights), _sum(weights))

    def result(self) -> tf.Tensor:
        """The mean so far."""
        total, count = self.total.read_value(), self.count.read_value()
        if not total.dtype.is_floating:
            total, count = tf.cast(total, tf.float64), tf.cast(count, tf.float64)
        return tf.math.divide_no_nan(total, count)

    def _add(self, total: Any, count: Any) -> None:
        for variable, amount in ((self.total, total), (self.count, count)):
            if isinstance(variable, tf.distribute.DistributedValues):
                variable.assign_add(amount, read_value=False)
            else:  # what `assign_add` does, at half its cost
                tf.raw_ops.AssignAddVariableOp(resource=variable.handle, value=amount)


@METRICS.register()
class MeanTensor(Metric):
    """The weighted mean of tensors of one shape, element by element.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        shape: the tensors' shape; by default that of the first one taken in.
    """

    _config_excluded = ("shape",)
    total: Any
    count: Any

    def __init__(self, name: str | None = "mean_tensor", dtype: Any = None, shape: Any = None):
        super().__init__(name, dtype)
        self.total = self.count = None
        self.built = False
        if shape is not None:
            self._build(shape)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes one tensor in, with weights that can be repeated to its shape.

        Raises:
            ValueError: if the tensor has another shape than the first one.
        """
        values = to_dtype(values, self._dtype)
        if not self.built:
            self._build(values.shape)
        if values.shape != self.total.shape:
            raise ValueError(f"`values` must have the shape {self.total.shape} of the first. Received: {values.shape}")
        weights = tf.ones_like(values)
        if sample_weight is not None:
            weights = spread(to_dtype(sample_weight, self._dtype), values)
        self.total.assign_add(values * weights, read_value=False)
        self.count.assign_add(weights, read_value=False)

    def result(self) -> tf.Tensor:
        """The mean so far, of the tensors' shape.

        Raises:
            ValueError: before the first tensor.
        """
        if not self.built:
            raise ValueError("MeanTensor has no value yet. Fix: call `update_state(values)` first, or pass `shape`.")
        return tf.math.divide_no_nan(self.total.read_value(), self.count.read_value())

    def _build(self, shape: Any) -> None:
        self.total = self.add_weight("total", shape)
        self.count = self.add_weight("count", shape)
        self.built = True


@METRICS.register()
class MeanMetricWrapper(Mean):
    """The weighted mean of a function of labels and predictions.

    A subclass of an option-free function is declared with `class Name(MeanMetricWrapper, fn=function,
    default_name="name")`.

    Args:
        fn: takes `(y_true, y_pred, **kwargs)` and returns one value per sample.
        name: the name under which the value is reported.
        dtype: type of the variables and the result; labels and predictions are converted to it.
        **kwargs: options passed on to `fn`.
    """

    _converts_labels = True

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        if not callable(fn):
            raise TypeError(f"`fn` must be a function of (y_true, y_pred). Received: fn={fn!r}")
        super().__init__(name, dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def __init_subclass__(cls, fn: Callable[..., Any] | None = None, default_name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if fn is None:
            return

        def __init__(self: MeanMetricWrapper, name: str | None = default_name, dtype: Any = None) -> None:
            MeanMetricWrapper.__init__(self, fn, name, dtype)

        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        cls.__init__ = __init__  # type: ignore[assignment]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes the function's values for one batch in.

        Args:
            y_true: labels, `(batch, ...)`.
            y_pred: predictions, `(batch, ...)`.
            sample_weight: weights, `(batch,)` or any shape that can be repeated to that of the function's values.
        """
        y_pred = to_dtype(y_pred, self._dtype)
        y_true = to_dtype(y_true, self._dtype) if self._converts_labels else tf.convert_to_tensor(y_true)
        if isinstance(y_pred, tf.RaggedTensor) or isinstance(y_true, tf.RaggedTensor):
            y_true, y_pred, sample_weight = _flat(y_true, y_pred, sample_weight)
        values = converted(self._fn)(*align(y_true, y_pred), **self._fn_kwargs)
        mask = getattr(values, "_keras_mask", None)
        if mask is not None:
            mask = to_dtype(mask, self._dtype)
            sample_weight = mask if sample_weight is None else mask * spread(to_dtype(sample_weight, self._dtype), mask)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the function's options; the function itself only where the class does not stand for it."""
        config = {"name": self.name, "dtype": self._dtype}
        config.update({key: self._config_value(value) for key, value in self._fn_kwargs.items()})
        if type(self) is MeanMetricWrapper:
            config["fn"] = function_name(self._fn)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A metric of this class with the configuration's arguments; a function may be given by its name."""
        config = dict(config)
        if cls is not MeanMetricWrapper:
            return cls(**config)
        return cls(METRICS.get(config.pop("fn")), **config)


def _weighted(
    values: Any, sample_weight: Any, dtype: str, fold: Callable[..., tf.Tensor] = tf.reduce_sum
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Values and weights of one shape; values with axes that the weights lack are folded over those first."""
    if isinstance(values, dict):
        raise TypeError(
            f"A metric's values must be one tensor. Received a dict with the keys {list(values)}\n"
            "Fix: for several values write a `Metric` whose `result` returns a dict."
        )
    values = to_dtype(values, dtype)
    if isinstance(values, tf.RaggedTensor):
        values, sample_weight = _flat(values, sample_weight)
    if sample_weight is None:
        return values, None
    weights = to_dtype(sample_weight, dtype)
    rank, weight_rank = values.shape.rank, weights.shape.rank
    if rank is not None and weight_rank is not None and 0 < weight_rank < rank - 1:
        values = fold(values, list(range(weight_rank, rank)))
    return values, spread(weights, values)


def _sum(values: tf.Tensor) -> tf.Tensor:
    """The sum of all values; a single number needs no operation."""
    rank = values.shape.rank
    if rank == 1:
        return tf.raw_ops.Sum(input=values, axis=0)
    return values if rank == 0 else tf.reduce_sum(values)


def _number_of(values: tf.Tensor) -> Any:
    number = values.shape.num_elements()
    return tf.cast(tf.size(values), values.dtype) if number is None else tf.constant(number, values.dtype)


def _flat(*tensors: Any) -> tuple[Any, ...]:
    """The values of ragged tensors of the same rows; None stays None."""
    given = [tensor for tensor in tensors if tensor is not None]
    if not all(isinstance(tensor, tf.RaggedTensor) for tensor in given):
        raise TypeError(
            "With ragged values, labels, predictions and weights must all be ragged. "
            f"Received: {', '.join(type(tensor).__name__ for tensor in given)}"
        )
    return tuple(None if tensor is None else tensor.flat_values for tensor in tensors)
