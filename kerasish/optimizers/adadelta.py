"""Adadelta: steps whose size follows from the steps before."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("adadelta")
class Adadelta(Optimizer):
    """Gradient descent whose steps are scaled by running root mean squares of the gradients and of the steps.

    v ← ρ·v + (1-ρ)·g²; d = √(u + ε) / √(v + ε) · g; u ← ρ·u + (1-ρ)·d²; w ← w - α·d

    Args:
        learning_rate: α; a number, a schedule or a function without arguments. The paper has 1.
        rho: ρ, how much of the means stays at each step.
        epsilon: ε.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: M. Zeiler, ADADELTA: An Adaptive Learning Rate Method (2012).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adadelta",
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
        self.rho = rho
        self.epsilon = epsilon

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The mean squares of gradients and of steps."""
        of_steps = Slot("accumulated_delta_var", "_accumulated_delta_vars")
        return ((Slot("accumulated_grad", "_accumulated_grads"), of_steps),)

    def update_step(self, grad: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        rho, epsilon = scalars.constant(self.rho, dtype), scalars.constant(self.epsilon, dtype)
        v, u = self.slots_of(variable)
        adadelta(variable, dense(grad, variable), v, u, scalars.rate(dtype), rho, epsilon)


def adadelta(
    w: tf.Variable,
    g: tf.Tensor,
    v: tf.Variable,
    u: tf.Variable,
    alpha: tf.Tensor,
    rho: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """v ← ρ·v + (1-ρ)·g²; d = √(u + ε) / √(v + ε) · g; u ← ρ·u + (1-ρ)·d²; w ← w - α·d."""
    tf.raw_ops.ResourceApplyAdadelta(
        var=w.handle, accum=v.handle, accum_update=u.handle, lr=alpha, rho=rho, epsilon=epsilon, grad=g
    )
