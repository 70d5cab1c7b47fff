"""Nadam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot

_WARM_UP = 0.96


@OPTIMIZERS.register("nadam")
class Nadam(Optimizer):
    """Adam that looks one step ahead, with a momentum that grows from β₁/2 towards β₁.

    μₜ = β₁·(1 - 0.96ᵗ/2) and Pₜ = μ₁·...·μₜ; m ← β₁·m + (1-β₁)·g; v ← β₂·v + (1-β₂)·g²;
    w ← w - α·(μₜ₊₁·m/(1-Pₜ₊₁) + (1-μₜ)·g/(1-Pₜ)) / (√(v/(1-β₂ᵗ)) + ε) at step t = 1, 2, ...

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: T. Dozat, Incorporating Nesterov Momentum into Adam (2016).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Nadam",
        **kwargs: Any,
    ):
        super().__init__(
            name=name,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            jit_compile=jit_compile,
            learning_rate=learning_rate,
            **kwargs,
        )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """Both means."""
        return ((Slot("m", "_momentums"), Slot("v", "_velocities")),)

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Creates the slots and P, the product of the momentums so far."""
        if not self._index_dict:
            self._u_product = tf.Variable(1.0, dtype=var_list[0].dtype, trainable=False)
        super().build(var_list)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        numbers = [scalars.constant(value, dtype) for value in (self.beta_1, self.beta_2, self.epsilon)]
        power = scalars.power(self.beta_2, dtype)
        product = tf.cast(scalars.once("momentum product", self._u_product.dtype, self._next_product), dtype)
        now, ahead = self._momentum(0, dtype), self._momentum(1, dtype)
        weights = (ahead / (1 - product * ahead), (1 - now) / (1 - product))
        numbers = [scalars.rate(dtype), power, *weights, *numbers]
        m, v = self.slots_of(variable)
        nadam(variable, dense(gradient, variable), m, v, *numbers)

    def _momentum(self, steps_ahead: int, dtype: tf.DType) -> tf.Tensor:
        scalars = self.scalars
        return scalars.once(("momentum", steps_ahead), dtype, lambda: self._rising(scalars.count(dtype) + steps_ahead))

    def derive_product(self) -> None:
        """Computes P anew from the number of steps taken."""
        steps = tf.range(1, self.iterations + 1, dtype=self.iterations.dtype)
        momentums = self._rising(tf.cast(steps, self._u_product.dtype))
        self._u_product.assign(tf.reduce_prod(momentums))

    def _rising(self, step: tf.Tensor) -> tf.Tensor:
        """The momentum of a step, counted from 1."""
        return self.beta_1 * (1 - 0.5 * tf.pow(tf.constant(_WARM_UP, step.dtype), step))

    def _next_product(self) -> tf.Tensor:
        product = self._u_product * self._momentum(0, self._u_product.dtype)
        self._u_product.assign(product)
        return product


def nadam(
    w: tf.Variable,
    g: tf.Tensor,
    m: tf.Variable,
    v: tf.Variable,
    alpha: tf.Tensor,
    beta_2_power: tf.Tensor,
    weight_of_mean: tf.Tensor,
    weight_of_gradient: tf.Tensor,
    beta_1: tf.Tensor,
    beta_2: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """w ← w - α·(a·m + b·g) / (√(v/(1-β₂ᵗ)) + ε) with the new means m and v and the weights a and b."""
    mean = m.assign_add((g - m) * (1 - beta_1))
    square = v.assign_add((tf.square(g) - v) * (1 - beta_2))
    ahead = weight_of_mean * mean + weight_of_gradient * g
    delta = ahead / (tf.sqrt(square / (1 - beta_2_power)) + epsilon)
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=alpha, delta=delta)
