"""Ftrl: follow the regularized leader."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer, not_negative
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("ftrl")
class Ftrl(Optimizer):
    """Descent to the minimum of all past gradients' linear model, with L1 and L2 penalties; makes sparse weights.

    n' = n + g²; z ← z + g + 2·s·w - (n'^-p - n^-p)/α · w; n ← n';
    w ← (clip(z, -λ₁, λ₁) - z) / (n^-p/α + 2·λ₂ + β/α)

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        learning_rate_power: p, not above 0.
        initial_accumulator_value: n before the first step, not below 0.
        l1_regularization_strength: λ₁.
        l2_regularization_strength: λ₂.
        l2_shrinkage_regularization_strength: s.
        beta: β.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Raises:
        ValueError: if an argument is out of its range.

    Source: H. B. McMahan et al., Ad Click Prediction: a View from the Trenches (2013).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Ftrl",
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
        if learning_rate_power > 0:
            raise ValueError(
                f"`learning_rate_power` must not be above 0. Received: learning_rate_power={learning_rate_power}"
            )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = not_negative("initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = not_negative("l1_regularization_strength", l1_regularization_strength)
        self.l2_regularization_strength = not_negative("l2_regularization_strength", l2_regularization_strength)
        self.l2_shrinkage_regularization_strength = not_negative(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = beta

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """n and z."""
        return ((Slot("accumulator", "_accumulators", self.initial_accumulator_value), Slot("linear", "_linears")),)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        strengths = [
            scalars.constant(value, dtype)
            for value in (
                self.l1_regularization_strength,
                self.l2_regularization_strength,
                self.l2_shrinkage_regularization_strength,
                self.beta,
                self.learning_rate_power,
            )
        ]
        n, z = self.slots_of(variable)
        ftrl(variable, dense(gradient, variable), n, z, scalars.rate(dtype), *strengths)


def ftrl(
    w: tf.Variable,
    g: tf.Tensor,
    n: tf.Variable,
    z: tf.Variable,
    alpha: tf.Tensor,
    lambda_1: tf.Tensor,
    lambda_2: tf.Tensor,
    shrinkage: tf.Tensor,
    beta: tf.Tensor,
    power: tf.Tensor,
) -> None:
    """One step of the formula in `Ftrl`."""
    before, after = tf.pow(n, -power), tf.pow(n.assign_add(tf.square(g)), -power)
    linear = z.assign_add(g + (2 * shrinkage - (after - before) / alpha) * w)
    w.assign((tf.clip_by_value(linear, -lambda_1, lambda_1) - linear) / ((after + beta) / alpha + 2 * lambda_2))
