"""Adagrad: each step divided by the root of the sum of all squared gradients."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer, not_negative
from kerasish.optimizers.gradients import Gradient, summed_rows
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("adagrad")
class Adagrad(Optimizer):
    """Gradient descent whose steps shrink, weight by weight, with the sum of the squared gradients so far.

    s ← s + g²; w ← w - α·g / √(s + ε)

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        initial_accumulator_value: s before the first step.
        epsilon: ε.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Raises:
        ValueError: if `initial_accumulator_value` is negative.

    Source: J. Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization (2011).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adagrad",
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
        self.initial_accumulator_value = not_negative("initial_accumulator_value", initial_accumulator_value)
        self.epsilon = epsilon

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The sum of squares."""
        return ((Slot("accumulator", "_accumulators", self.initial_accumulator_value),),)

    def update_step(self, grad: Gradient, variable: tf.Variable) -> None:
        """Changes one variable; of a gradient of rows only those rows."""
        (total,) = self.slots_of(variable)
        scalars, dtype = self.scalars, variable.dtype
        numbers = (scalars.rate(dtype), scalars.constant(self.epsilon, dtype))
        if isinstance(grad, tf.IndexedSlices):
            adagrad_rows(variable, *summed_rows(grad), total, *numbers)
        else:
            adagrad(variable, grad, total, *numbers)


def adagrad(w: tf.Variable, g: tf.Tensor, s: tf.Variable, alpha: tf.Tensor, epsilon: tf.Tensor) -> None:
    """s ← s + g²; w ← w - α·g / √(s + ε)."""
    delta = g * tf.math.rsqrt(s.assign_add(tf.square(g)) + epsilon)
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=alpha, delta=delta)


def adagrad_rows(
    w: tf.Variable, indices: tf.Tensor, g: tf.Tensor, s: tf.Variable, alpha: tf.Tensor, epsilon: tf.Tensor
) -> None:
    """As `adagrad` for the rows of w at `indices`, each of which must have its whole gradient in one row of g."""
    tf.raw_ops.ResourceScatterAdd(resource=s.handle, indices=indices, updates=tf.square(g))
    delta = alpha * g * tf.math.rsqrt(tf.gather(s, indices) + epsilon)
    tf.raw_ops.ResourceScatterSub(resource=w.handle, indices=indices, updates=delta)
