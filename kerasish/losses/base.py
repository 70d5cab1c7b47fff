"""What every loss is: a function of targets and predictions with a reduction and a name."""
from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core.configurable import Configurable
from kerasish.core.object_config import function_name, parameters
from kerasish.core.registry import Registry
from kerasish.graph.scratch import converted
from kerasish.losses.reduction import Reduction, as_tensor, cast, reduce_values

LOSSES = Registry("loss", "keras.losses")


class Loss(Configurable):
    """Base of losses: called with targets and predictions, an instance returns what training minimizes.

    A subclass defines `call(self, y_true, y_pred)`, which returns values per sample (any shape that starts with the
    batch); weights, masks and the reduction are applied here.

    Args:
        reduction: a `Reduction`.
        name: the name in logs.

    Raises:
        ValueError: for an unknown reduction.
    """

    __config_module__ = "keras.losses"
    _family_base = True
    _is_averaged_over_replicas = False  # whether the one who calls it divides by their number

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = None):
        Reduction.validate(reduction)
        self.reduction = reduction
        self.name = name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tf.Tensor:
        """The reduced loss.

        Args:
            y_true: targets.
            y_pred: predictions; a mask on them (`_keras_mask`) takes the steps out that are padding.
            sample_weight: a number, `(batch,)`, or up to the shape of the values per sample.

        Raises:
            ValueError: if weights or mask do not fit the values per sample.
        """
        if tf.distribute.has_strategy():
            self._check_replicas()
        mask = getattr(y_pred, "_keras_mask", None)
        values = converted(self.call)(y_true, y_pred)
        own_mask = getattr(values, "_keras_mask", None)
        if own_mask is not None:
            mask = own_mask if mask is None else tf.logical_and(mask, own_mask)
        return reduce_values(values, sample_weight, mask, self.reduction)

    def _check_replicas(self) -> None:
        """Refuses an average over a replica's own rows, whose gradients add up to too much."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        average = self.reduction in (Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE)
        if replicas > 1 and average and not self._is_averaged_over_replicas:
            raise ValueError(
                f"In your own loop a loss that averages its rows must not be used on {replicas} replicas: each would\n"
                f"average its part of the batch only, and the sum of their gradients be {replicas} times too large.\n"
                f"Received: {type(self).__name__}(reduction={self.reduction!r})\n"
                "Fix: reduction='none' and tf.nn.compute_average_loss(values, global_batch_size=...), or 'sum'."
            )

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """The values per sample; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`.")


class FunctionLoss(Loss):
    """A loss that a function `(y_true, y_pred, **options) -> values per sample` defines.

    As a base class it makes a class of a function: `class Huber(FunctionLoss, fn=huber, default_name="huber_loss")` has
    a constructor with the function's options, a reduction and a name.

    Args:
        fn: the function.
        reduction: a `Reduction`.
        name: the name in logs, that of the function unless given.
        **options: what the function gets besides targets and predictions.
    """

    def __init_subclass__(
        cls,
        fn: Callable[..., Any] | None = None,
        default_name: str | None = None,
        without: tuple[str, ...] = (),
        **kwargs: Any,
    ):
        super().__init_subclass__(**kwargs)
        if fn is not None:
            cls.__init__ = _constructor(cls.__name__, fn, default_name, without)  # type: ignore[method-assign]

    def __init__(
        self, fn: Callable[..., Any], reduction: str = Reduction.AUTO, name: str | None = None, **options: Any
    ):
        super().__init__(reduction, name or getattr(fn, "__name__", None))
        check_options(**options)
        self.fn = fn
        self._options = tuple(options)
        for option, value in options.items():
            setattr(self, option, value)

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """What the function returns; an axis of size 1 that only one of the two has at its end is dropped before."""
        y_true, y_pred = _match_ranks(_as_tensor_if_numbers(y_true), _as_tensor_if_numbers(y_pred))
        options = {option: getattr(self, option) for option in self._options}
        return converted(self.fn)(y_true, y_pred, **options)

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the loss, and the function's name."""
        options = {option: getattr(self, option) for option in self._options}
        return {**super().get_config(), **options, "fn": function_name(self.fn)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The loss of that configuration."""
        arguments = {name: value for name, value in config.items() if name != "fn"}
        return cls(fn=LOSSES.get(config["fn"]), **arguments) if cls is FunctionLoss else cls(**arguments)


def _constructor(owner: str, fn: Callable[..., Any], default_name: str | None, without: tuple[str, ...]) -> Any:
    """An `__init__` with the function's options, then `reduction` and `name`."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    accepted = [option for option in parameters(fn)[2:] if option.name not in without]
    accepted.append(inspect.Parameter("reduction", kind, default=Reduction.AUTO))
    accepted.append(inspect.Parameter("name", kind, default=default_name))
    signature = inspect.Signature([inspect.Parameter("self", kind), *accepted])

    def __init__(self: FunctionLoss, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            names = ", ".join(option.name for option in accepted)
            raise TypeError(f"{owner}: {error}. Expected arguments: {names}") from None
        bound.apply_defaults()
        FunctionLoss.__init__(self, fn, **{option.name: bound.arguments[option.name] for option in accepted})

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


_OPTION_RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "delta": ("a positive number", lambda value: value > 0),
    "gamma": ("a number, at least 0", lambda value: value >= 0),
    "label_smoothing": ("a number from 0 to 1", lambda value: 0 <= value <= 1),
}


def check_options(**options: Any) -> None:
    """Checks the options that losses share.

    Raises:
        ValueError: if one of them is out of its range, or `axis` is no integer or list of integers.
    """
    for option, value in options.items():
        if option == "axis" and not _is_axis(value):
            raise ValueError(f"`axis` must be an integer or a list of integers. Received: axis={value!r}")
        if option in _OPTION_RULES and not tf.is_tensor(value):
            expected, admits = _OPTION_RULES[option]
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not admits(value):
                raise ValueError(f"`{option}` must be {expected}. Received: {option}={value!r}")


def _is_axis(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_axis(item) for item in value)
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) or tf.is_tensor(value)


def same_type(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Targets and predictions as tensors, the targets in the predictions' dtype.

    Raises:
        ValueError: if one of them is None.
    """
    check_given(y_true, y_pred)
    y_pred = as_tensor(y_pred)
    return cast(as_tensor(y_true), y_pred.dtype), y_pred


def check_given(y_true: Any, y_pred: Any) -> None:
    """Checks that there are targets and predictions.

    Raises:
        ValueError: if one of them is None.
    """
    for argument, value in (("y_true", y_true), ("y_pred", y_pred)):
        if value is None:
            raise ValueError(f"A loss needs targets and predictions. Received: {argument}=None")


def _as_tensor_if_numbers(value: Any) -> Any:
    """Arrays, numbers and lists of numbers as tensors; what only the user's function understands as it is."""
    if isinstance(value, tf.Tensor):
        return value
    numeric = hasattr(value, "__array__") or isinstance(value, numbers.Number)
    if isinstance(value, (list, tuple)):
        numeric = not any(tf.is_tensor(item) for item in tf.nest.flatten(value))
    return as_tensor(value) if numeric else value


def _match_ranks(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    if not all(hasattr(y, "shape") and not isinstance(y, (tf.RaggedTensor, tf.SparseTensor)) for y in (y_true, y_pred)):
        return y_true, y_pred
    return _without_last_axis(y_true, y_pred), _without_last_axis(y_pred, y_true)


def _without_last_axis(tensor: Any, other: Any) -> Any:
    """The tensor without a last axis of size 1 that the other has not."""
    rank, other_rank = tensor.shape.rank, other.shape.rank
    if rank is not None and (rank == 0 or tensor.shape[-1] not in (1, None)):
        return tensor
    if rank is not None and other_rank is not None and rank != other_rank + 1:
        return tensor
    if rank is not None and other_rank is not None and tensor.shape[-1] == 1:
        return tf.squeeze(tensor, -1)
    surplus = tf.logical_and(tf.equal(tf.rank(tensor), tf.rank(other) + 1), tf.equal(tf.shape(tensor)[-1], 1))
    return tf.cond(surplus, lambda: tf.squeeze(tensor, -1), lambda: tensor)
