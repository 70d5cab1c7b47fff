"""`optimizers.legacy`: the optimizers with the constructors and configurations they had up to TensorFlow 2.10.

Their rules, slots and numbers are those of the classes they extend, but for Nadam's momentum and the place of ε in
RMSprop without momentum. One thing was otherwise
in those releases: a row without a gradient kept its momentum and mean squares as they were.
`Optimizer` is the one base class of all.

Source: behaviour of `tf.keras.optimizers.legacy`.
"""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.optimizers import adadelta, adagrad, adam, adamax, ftrl, nadam, rmsprop, sgd
from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import LEGACY

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]

_NEWER = ("weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile", "is_legacy_optimizer")
_CLIPPING = ("clipnorm", "global_clipnorm", "clipvalue")


class _Older(Optimizer):
    """Writes the configuration as it was: `decay` always, limits of gradients where there are any."""

    __config_module__ = "keras.optimizers.legacy"

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the optimizer."""
        config = {name: value for name, value in super().get_config().items() if name not in _NEWER}
        config = {name: value for name, value in config.items() if name not in _CLIPPING or value is not None}
        return {**config, "decay": self.decay}


@LEGACY.register()
class Adadelta(_Older, adadelta.Adadelta):
    """As `optimizers.Adadelta`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, name: str = "Adadelta",
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, rho=rho, epsilon=epsilon, name=name, **kwargs)


@LEGACY.register()
class Adagrad(_Older, adagrad.Adagrad):
    """As `optimizers.Adagrad`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        name: str = "Adagrad", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, initial_accumulator_value, epsilon=epsilon, name=name, **kwargs)


@LEGACY.register()
class Adam(_Older, adam.Adam):
    """As `optimizers.Adam`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, name: str = "Adam", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad=amsgrad, name=name, **kwargs)


@LEGACY.register()
class Adamax(_Older, adamax.Adamax):
    """As `optimizers.Adamax`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        name: str = "Adamax", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)


@LEGACY.register()
class Ftrl(_Older, ftrl.Ftrl):
    """As `optimizers.Ftrl`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, name: str = "Ftrl",
        l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(
            learning_rate, learning_rate_power, initial_accumulator_value, l1_regularization_strength,
            l2_regularization_strength, l2_shrinkage_regularization_strength, beta, name=name, **kwargs,
        )  # fmt: skip


@LEGACY.register()
class Nadam(_Older, nadam.Nadam):
    """As `optimizers.Nadam`, with a momentum that rises more slowly, as β₁·(1 - 0.96^(decay·t) / 2).

    `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` (or `schedule_decay`, 0.004) and `lr`.
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        name: str = "Nadam", **kwargs: Any,
    ):  # fmt: skip
        self._rise = kwargs.pop("schedule_decay", kwargs.pop("decay", 0.004))
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the optimizer."""
        return {**super().get_config(), "decay": self._rise}

    def _rising(self, step: tf.Tensor) -> tf.Tensor:
        return self.beta_1 * (1 - 0.5 * tf.pow(tf.constant(0.96, step.dtype), step * self._rise))


@LEGACY.register()
class RMSprop(_Older, rmsprop.RMSprop):
    """As `optimizers.RMSprop`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, name: str = "RMSprop", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, rho, momentum, epsilon, centered, name=name, **kwargs)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable; without momentum by v ← ρ·v + (1-ρ)·g²; w ← w - α·g / (√v + ε), or about the mean."""
        if self.momentum:
            super().update_step(gradient, variable)
            return
        g, dtype, scalars = dense(gradient, variable), variable.dtype, self.scalars
        v, *means = self.slots_of(variable)
        kept, epsilon = (scalars.constant(value, dtype) for value in (self.rho, self.epsilon))
        square = v.assign(kept * v + (1 - kept) * tf.square(g))
        for mean in means:
            square = square - tf.square(mean.assign(kept * mean + (1 - kept) * g))
        variable.assign_sub(scalars.rate(dtype) * g / (tf.sqrt(square) + epsilon))


@LEGACY.register()
class SGD(_Older, sgd.SGD):
    """As `optimizers.SGD`; `**kwargs` takes `clipnorm`, `clipvalue`, `global_clipnorm`, `decay` and `lr`."""

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str = "SGD",
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, momentum, nesterov, name=name, **kwargs)
