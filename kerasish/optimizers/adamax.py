"""Adamax: Adam with the largest gradient in place of the root mean square."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("adamax")
class Adamax(Optimizer):
    """Adam with a decaying maximum of the gradients in place of the root of their mean square.

    m ← β₁·m + (1-β₁)·g; u ← max(β₂·u, |g|); w ← w - α/(1-β₁ᵗ) · m / (u + ε) at step t = 1, 2, ...

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: D. Kingma and J. Ba, Adam (2015), section 7.1.
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
        name: str = "Adamax",
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
        """The mean and the maximum."""
        return ((Slot("m", "_m"), Slot("u", "_u")),)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        numbers = [scalars.constant(value, dtype) for value in (self.beta_1, self.beta_2, self.epsilon)]
        power = scalars.power(self.beta_1, dtype)
        m, u = self.slots_of(variable)
        adamax(variable, dense(gradient, variable), m, u, scalars.rate(dtype), power, *numbers)


def adamax(
    w: tf.Variable,
    g: tf.Tensor,
    m: tf.Variable,
    u: tf.Variable,
    alpha: tf.Tensor,
    beta_1_power: tf.Tensor,
    beta_1: tf.Tensor,
    beta_2: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """m ← β₁·m + (1-β₁)·g; u ← max(β₂·u, |g|); w ← w - α/(1-β₁ᵗ) · m / (u + ε)."""
    mean = m.assign_add((g - m) * (1 - beta_1))
    largest = u.assign(tf.maximum(beta_2 * u, tf.abs(g)))
    alpha = alpha / (1 - beta_1_power)
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=alpha, delta=mean / (largest + epsilon))
