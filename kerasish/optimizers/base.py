"""The optimizer: bookkeeping around a rule.

A family declares its slots (`slot_groups`) and writes its rule (`update_step`). What all share lives here once:
building, the learning rate, clipping, weight decay, moving averages, constraints, configuration. The rule itself is a
plain function in the family's file, made of TensorFlow's fused kernels where they compute the same numbers.

Over 400 lines because it is the public surface of `tf.keras.optimizers.Optimizer`, which users call and override.
"""
from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.core.configurable import Configurable
from kerasish.core.object_config import is_library_class, parameters
from kerasish.ops.bounds import unless_found
from kerasish.optimizers import registry
from kerasish.optimizers.eager import EagerSteps
from kerasish.optimizers.gradients import Gradient, clipped, paired, with_unique_rows
from kerasish.optimizers.learning_rate import StepScalars, checked_rate
from kerasish.optimizers.older_rules import OlderRules
from kerasish.optimizers.schedules import LearningRateSchedule


class Optimizer(OlderRules, Configurable):
    """Base of all optimizers.

    A subclass passes `learning_rate` on, or sets `self._learning_rate = self._build_learning_rate(learning_rate)` in
    its constructor, and defines `update_step(gradient, variable)`. If it keeps variables, it also defines
    `build(var_list)`, which calls `super().build(var_list)` and `add_variable_from_reference`.

    Rules written for TensorFlow 2.0 to 2.10 run too: `_create_slots(var_list)` with `add_slot` and `get_slot`,
    `_resource_apply_dense(grad, var, apply_state)`, `_resource_apply_sparse(grad, var, indices, apply_state)` and
    `_prepare`, `_prepare_local`, with `_set_hyper`, `_get_hyper`, `_decayed_lr`, `_serialize_hyperparameter` and
    `_resource_scatter_add`. Other methods that could be overridden then are refused, with what to override instead.

    Args:
        name: name of the optimizer and scope of its operations.
        weight_decay: fraction of each variable, times the learning rate, that is subtracted before each step.
        clipnorm: largest norm of each gradient.
        clipvalue: largest absolute value within each gradient.
        global_clipnorm: largest norm of all gradients together.
        use_ema: whether to keep a moving average of each variable.
        ema_momentum: how much of the average stays at each step.
        ema_overwrite_frequency: steps after which the averages replace the variables; None: at the end of training.
        jit_compile: accepted; whether a step is compiled is decided where training is compiled.
        **kwargs: `learning_rate` or `lr`: a number, a schedule or a function without arguments; `decay`: the rate is
            divided by 1 + decay · iterations.

    Raises:
        TypeError: for an unknown argument, or a class that overrides what is never called.
        ValueError: for an argument out of its range.
    """

    __config_module__ = "keras.optimizers"
    _family_base = True
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    _learning_rate: Any = None
    _current_learning_rate: tf.Variable | None = None
    _scalars: StepScalars | None = None
    _optional_config: ClassVar[dict[str, Any]] = {"decay": 0.0}

    def __init__(
        self,
        name: str,
        weight_decay: float | None = 0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        **kwargs: Any,
    ):
        super().__init__(name)
        self.revision = 0
        self._built = False
        self._excluded: list[str] = []
        self._excluded_keys: set[str] = set()
        self._warned: set[str] = set()
        object.__setattr__(self, "_eager_steps", EagerSteps())
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.clipnorm = not_negative("clipnorm", clipnorm)
        self.clipvalue = not_negative("clipvalue", clipvalue)
        self.global_clipnorm = not_negative("global_clipnorm", global_clipnorm)
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.jit_compile = bool(jit_compile) and bool(tf.config.list_physical_devices("GPU"))
        self._check_arguments()
        self._rate_from_lr = kwargs.pop("lr", None)
        self.decay = not_negative("decay", kwargs.pop("decay", 0.0)) or 0.0
        if "learning_rate" in kwargs:
            self._learning_rate = self._build_learning_rate(kwargs.pop("learning_rate"))
        self._process_kwargs(kwargs)

    def _check_arguments(self) -> None:
        if None not in (self.clipnorm, self.global_clipnorm):
            raise ValueError(
                "At most one of `clipnorm` and `global_clipnorm` can be given. "
                f"Received: clipnorm={self.clipnorm}, global_clipnorm={self.global_clipnorm}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be between 0 and 1. Received: ema_momentum={self.ema_momentum}")
        every = self.ema_overwrite_frequency
        if self.use_ema and every is not None and (not isinstance(every, int) or every < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be a positive integer or None. "
                f"Received: ema_overwrite_frequency={every!r}"
            )

    def _process_kwargs(self, kwargs: dict[str, Any]) -> None:
        kwargs.pop("is_legacy_optimizer", None)
        if kwargs:
            raise TypeError(
                f"{type(self).__name__} has no argument {', '.join(f'`{name}`' for name in kwargs)}. "
                "See help() of the class for those it has."
            )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ and (name in _COMMON or name in _own_arguments(_class_of(self))):
            object.__setattr__(self, "revision", self.revision + 1)
        super().__setattr__(name, value)

    # Learning rate

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """What to keep of the `learning_rate` argument: a variable for a number; a schedule or function itself."""
        given = learning_rate if self._rate_from_lr is None else self._rate_from_lr
        with tf.init_scope():
            if not callable(given) or isinstance(given, tf.Variable):
                rate = tf.cast(checked_rate(given), settings.floatx())
                return tf.Variable(rate, name="learning_rate", trainable=False)
            if self._current_learning_rate is None:
                now = checked_rate(self._called(given))
                self._current_learning_rate = tf.Variable(
                    tf.cast(now, settings.floatx()), name="current_learning_rate", trainable=False
                )
        return given

    def _called(self, rate: Any) -> Any:
        return rate(self.iterations) if isinstance(rate, LearningRateSchedule) else rate()

    @property
    def learning_rate(self) -> Any:
        """The rate as a variable: the one that was set or, with a schedule or function, the last step's."""
        if self._learning_rate is None:
            raise ValueError(
                f"{type(self).__name__} has no learning rate.\n"
                "Fix: self._learning_rate = self._build_learning_rate(learning_rate) in its constructor."
            )
        if not isinstance(self._learning_rate, tf.Variable):
            return self._current_learning_rate
        if self._scalars is not None and self.decay:
            return self._scalars.rate(self._learning_rate.dtype)
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if callable(learning_rate) and not isinstance(learning_rate, tf.Variable):
            self._rate_from_lr = None
            self._learning_rate = self._build_learning_rate(learning_rate)
            object.__setattr__(self, "revision", self.revision + 1)
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"The learning rate of this optimizer is a {type(self._learning_rate).__name__}, which a number cannot "
                f"replace. Received: learning_rate={learning_rate!r}\n"
                "Fix: create the optimizer with a number, or assign another schedule."
            )
        elif isinstance(self._learning_rate, tf.Variable):
            self._learning_rate.assign(tf.cast(checked_rate(learning_rate), self._learning_rate.dtype))
        else:
            self._learning_rate = self._build_learning_rate(learning_rate)
            object.__setattr__(self, "revision", self.revision + 1)

    @property
    def lr(self) -> Any:
        """Another word for `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, learning_rate: Any) -> None:
        self.learning_rate = learning_rate

    def _compute_current_learning_rate(self) -> Any:
        """The rate of the step that comes next."""
        rate = self._learning_rate
        current = self._current_learning_rate
        if current is not None and not isinstance(rate, tf.Variable):
            rate = tf.cast(self._called(rate), current.dtype)
        if self.decay and rate is not None:
            rate = rate / (1 + self.decay * tf.cast(self.iterations, rate.dtype))
        if current is not None:
            current.assign(rate)
        return rate

    # Steps

    def minimize(self, loss: Any, var_list: Any, tape: tf.GradientTape | None = None) -> None:
        """Takes one step that lowers `loss`.

        Args:
            loss: a function without arguments that returns the loss, or the loss itself together with its tape.
            var_list: the variables to change, or a function that returns them.
            tape: the tape that recorded a loss given as a tensor.

        Raises:
            ValueError: if `loss` is a tensor and no tape is given.
        """
        gradients = self.compute_gradients(loss, var_list, tape)
        with tf.control_dependencies([loss] if tf.is_tensor(loss) else []):  # no update where the loss cannot be had
            self.apply_gradients(gradients)

    def compute_gradients(
        self, loss: Any, var_list: Any, tape: tf.GradientTape | None = None
    ) -> list[tuple[Any, tf.Variable]]:
        """Pairs of gradient and variable; the arguments are those of `minimize`."""
        if not callable(loss) and tape is None:
            raise ValueError(f"`tape` is required for a loss that is a tensor. Received: loss={loss!r}, tape=None")
        tape = tf.GradientTape() if tape is None else tape
        if callable(loss):
            with tape:
                if not callable(var_list):
                    tape.watch(var_list)
                loss = loss()
        variables = var_list() if callable(var_list) else var_list
        return list(zip(tape.gradient(loss, variables), variables, strict=True))

    @contextlib.contextmanager
    def many_steps(self) -> Iterator[None]:
        """A context for many steps in a row: what each would prepare anew is prepared once, on entering."""
        yield

    def apply_gradients(
        self,
        grads_and_vars: Iterable[Any],
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        **kwargs: Any,
    ) -> tf.Variable:
        """Takes one step with the given gradients and returns the step counter.

        Args:
            grads_and_vars: pairs of gradient and variable; those whose gradient is None are left out.
            name: scope of the operations.
            skip_gradients_aggregation: whether the gradients are already summed over replicas.
            **kwargs: `experimental_aggregate_gradients`, the older opposite of `skip_gradients_aggregation`.

        Raises:
            ValueError: if there is no gradient at all, one does not fit its variable, or a variable is unknown.
        """
        grads_and_vars = list(grads_and_vars)
        gradients, variables = paired(grads_and_vars, self._warned)
        if not gradients:
            return self.iterations
        with tf.name_scope(name or self.name or type(self).__name__):
            if not self._built:
                with tf.init_scope():
                    self.build([variable for _, variable in grads_and_vars])  # those without gradient too, as tf.keras
                self._built = True
            self._check_known(variables)
            if not skip_gradients_aggregation and kwargs.get("experimental_aggregate_gradients", True):
                gradients = _summed_over_replicas(gradients)
            if tf.executing_eagerly() and self._is_traceable():
                self._eager_steps.run(self, gradients, variables)
            else:
                unless_found(lambda: self._step(gradients, variables, self._compute_current_learning_rate()))
        return self.iterations

    def aggregate_gradients(self, grads_and_vars: Iterable[Any]) -> list[tuple[Any, tf.Variable]]:
        """The pairs with a gradient, summed over replicas."""
        gradients, variables = paired(grads_and_vars, self._warned)
        return list(zip(_summed_over_replicas(gradients), variables, strict=True))

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable by the family's rule.

        Raises:
            NotImplementedError: if the subclass does not define it.
        """
        self._apply_older_rule(gradient, variable)

    def _check_known(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            if self._var_key(variable) not in self._index_dict:
                raise ValueError(
                    f"The optimizer does not know the variable {variable.name}: it was built for other variables.\n"
                    "Fix: call optimizer.build(variables) with all variables before the first step, or use one\n"
                    "optimizer for each part of the model."
                )

    def _is_traceable(self) -> bool:
        """Whether an eager step may run as one cached program; a user's own rule may hold any Python."""
        return _owns_rule(_class_of(self)) and not tf.distribute.has_strategy()

    def _step(self, gradients: list[Gradient], variables: list[tf.Variable], rate: Any) -> None:
        self._scalars = StepScalars(self.iterations, rate)
        try:
            gradients = self._clip_gradients(gradients)
            if not _owns_rule(_class_of(self)):
                gradients = [with_unique_rows(gradient) for gradient in gradients]
            self._apply_weight_decay(variables)
            self._prepare(variables)
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable)
            with tf.control_dependencies(gradients):  # a step that fails before it is made is not counted
                self.iterations.assign_add(1)
            if self.use_ema:
                self._update_model_variables_moving_average(variables)
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable))
        finally:
            self._scalars = None

    def _clip_gradients(self, grads: list[Gradient]) -> list[Gradient]:
        return clipped(grads, self.clipnorm, self.clipvalue, self.global_clipnorm)

    @property
    def scalars(self) -> StepScalars:
        """The scalar tensors of the step that is being taken."""
        return self._scalars or StepScalars(self.iterations, self._compute_current_learning_rate())

    # Weight decay and moving averages

    def exclude_from_weight_decay(
        self, var_list: Sequence[tf.Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spares variables, given themselves or by patterns that their names contain, from weight decay.

        Raises:
            ValueError: once the optimizer is built.
        """
        if self._index_dict:
            raise ValueError("`exclude_from_weight_decay()` must be called before the optimizer is built.")
        self._excluded_keys = {self._var_key(variable) for variable in var_list or ()}
        self._excluded = list(var_names or ())

    def _use_weight_decay(self, variable: tf.Variable) -> bool:
        if self._var_key(variable) in self._excluded_keys:
            return False
        return not any(re.search(pattern, variable.name) for pattern in self._excluded)

    def _apply_weight_decay(self, variables: list[tf.Variable]) -> None:
        if not self.weight_decay:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                dtype = variable.dtype
                fraction = self.scalars.rate(dtype) * self.scalars.constant(self.weight_decay, dtype)
                variable.assign_sub(variable * fraction)

    def _update_model_variables_moving_average(self, var_list: list[tf.Variable]) -> None:
        for variable in var_list:
            average = self._average_of(variable)
            kept = self.scalars.constant(self.ema_momentum, variable.dtype)
            average.assign(kept * average + (1 - kept) * variable)
        if self.ema_overwrite_frequency:
            due = tf.equal(self.iterations % self.ema_overwrite_frequency, 0)
            tf.cond(due, lambda: self._overwrite_model_variables_with_average_value(var_list), lambda: None)

    def _overwrite_model_variables_with_average_value(self, var_list: Sequence[tf.Variable]) -> None:
        for variable in var_list:
            variable.assign(self._average_of(variable))

    def _average_of(self, variable: tf.Variable) -> tf.Variable:
        return self._averages[self._index_dict[self._var_key(variable)]]

    def finalize_variable_values(self, var_list: Sequence[tf.Variable]) -> None:
        """Puts the moving averages, if there are any, in the variables' place; called at the end of training."""
        if self.use_ema:
            self._overwrite_model_variables_with_average_value(var_list)

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the optimizer; a learning rate that changed is given as it is now."""
        config = {
            "name": self.name,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "jit_compile": self.jit_compile,
            "is_legacy_optimizer": False,
        }
        for name in _own_arguments(_class_of(self)):
            value = self._learning_rate if name == "learning_rate" else getattr(self, name)
            config[name] = self._serialize_hyperparameter(value)
        for name, usual in self._optional_config.items():
            config.pop(name, None)
            if getattr(self, name) != usual:
                config[name] = getattr(self, name)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A fresh optimizer with the configuration's arguments."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = registry.deserialize_schedule(config["learning_rate"], custom_objects)
        return cls(**config)

    def _serialize_hyperparameter(self, hyperparameter: Any) -> Any:
        """A configuration's entry for a number, variable, schedule or function, or what is set under a name."""
        if isinstance(hyperparameter, str):
            hyperparameter = self._get_hyper(hyperparameter)
        if isinstance(hyperparameter, LearningRateSchedule):
            return registry.serialize_schedule(hyperparameter)
        if isinstance(hyperparameter, (tf.Variable, tf.Tensor)):
            return hyperparameter.numpy().item()
        return hyperparameter() if callable(hyperparameter) else hyperparameter

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_eager_steps": EagerSteps(), "_scalars": None}


def _class_of(optimizer: Any) -> Any:
    return type(optimizer)


@functools.cache
def _own_arguments(cls: Any) -> tuple[str, ...]:
    """The arguments of the nearest library class that are not those of every optimizer."""
    owner = next(base for base in cls.__mro__ if is_library_class(base))
    return tuple(p.name for p in parameters(owner.__init__) if p.name not in _COMMON)


@functools.cache
def _owns_rule(cls: Any) -> bool:
    """Whether the rule of the class is one of the library's."""
    owner = next(base for base in cls.__mro__ if "update_step" in base.__dict__)
    return owner is not Optimizer and is_library_class(owner)


def _summed_over_replicas(gradients: list[Gradient]) -> list[Gradient]:
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return gradients
    return list(replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients))


def not_negative(argument: str, value: Any) -> Any:
    """The argument itself, once it is known to be None or a number that is not negative."""
    if value is None or (isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError(f"`{argument}` must be a number that is not negative, or None. Received: {argument}={value!r}")


_COMMON = tuple(parameter.name for parameter in parameters(Optimizer.__init__))
