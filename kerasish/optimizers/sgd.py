"""Stochastic gradient descent."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    w ← w - α·g, or with momentum: m ← μ·m - α·g and w ← w + m; Nesterov's: w ← w + μ·m - α·g with the new m.

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        momentum: μ, between 0 and 1.
        nesterov: whether to use Nesterov's momentum.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Raises:
        ValueError: if `momentum` is not between 0 and 1.

    Source: Y. Nesterov (1983); I. Sutskever et al., On the importance of initialization and momentum (2013).
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "SGD",
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
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be between 0 and 1. Received: momentum={momentum!r}")
        self.momentum = momentum
        self.nesterov = nesterov

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """One momentum for each variable, also where μ is 0."""
        return ((Slot("m", "momentums"),),)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        rate = scalars.rate(dtype)
        if self.momentum:
            (velocity,) = self.slots_of(variable)
            momentum = scalars.constant(self.momentum, dtype)
            sgd_with_momentum(variable, dense(gradient, variable), velocity, rate, momentum, self.nesterov)
        else:
            sgd(variable, gradient, rate)


def sgd(w: tf.Variable, g: Gradient, alpha: tf.Tensor) -> None:
    """w ← w - α·g; of the rows of w only those that g has change."""
    if isinstance(g, tf.IndexedSlices):
        tf.raw_ops.ResourceScatterSub(resource=w.handle, indices=g.indices, updates=alpha * g.values)
    else:
        tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=alpha, delta=g)


def sgd_with_momentum(
    w: tf.Variable, g: tf.Tensor, m: tf.Variable, alpha: tf.Tensor, mu: tf.Tensor, nesterov: bool
) -> None:
    """m ← μ·m - α·g; w ← w + m, or w + μ·m - α·g."""
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=w.handle, accum=m.handle, lr=alpha, grad=g, momentum=mu, use_nesterov=nesterov
    )
