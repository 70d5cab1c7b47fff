"""Lion: steps of one size, whose sign comes from a running mean."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("lion")
class Lion(Optimizer):
    """Descent by the sign of a mix of the gradient and its running mean.

    w ← w - α·sign(β₁·m + (1-β₁)·g); m ← β₂·m + (1-β₂)·g

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        beta_1: β₁, above 0 and at most 1.
        beta_2: β₂.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Raises:
        ValueError: if `beta_1` is out of its range.

    Source: X. Chen et al., Symbolic Discovery of Optimization Algorithms (2023).
    """

    def __init__(
        self,
        learning_rate: Any = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Lion",
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
        if not 0 < beta_1 <= 1:
            raise ValueError(f"`beta_1` must be above 0 and at most 1. Received: beta_1={beta_1}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The mean."""
        return ((Slot("m", "momentums"),),)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        betas = [scalars.constant(value, dtype) for value in (self.beta_1, self.beta_2)]
        (m,) = self.slots_of(variable)
        lion(variable, dense(gradient, variable), m, scalars.rate(dtype), *betas)


def lion(
    w: tf.Variable, g: tf.Tensor, m: tf.Variable, alpha: tf.Tensor, beta_1: tf.Tensor, beta_2: tf.Tensor
) -> None:
    """w ← w - α·sign(β₁·m + (1-β₁)·g); m ← β₂·m + (1-β₂)·g."""
    direction = tf.sign(m * beta_1 + g * (1 - beta_1))
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=alpha, delta=direction)
    m.assign(m * beta_2 + g * (1 - beta_2), read_value=False)
