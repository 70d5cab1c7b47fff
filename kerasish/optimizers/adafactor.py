"""Adafactor: Adam without momentum, whose mean squares are kept as sums of rows and columns."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("adafactor")
class Adafactor(Optimizer):
    """Gradient descent divided by root mean squares that are kept, for matrices, as the means of rows and columns.

    v̂ = r·cᵀ/mean(r) with r, c ← β·r + (1-β)·mean(g² + ε₁) over columns or rows, β = 1 - tᵖ; for vectors v̂ itself;
    u = g/√v̂; w ← w - max(ε₂, rms(w))·min(α, 1/√t) · u / max(1, rms(u)/d) at step t = 1, 2, ...

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        beta_2_decay: p.
        epsilon_1: ε₁.
        epsilon_2: ε₂.
        clip_threshold: d.
        relative_step: whether the rate is at most 1/√t.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: N. Shazeer and M. Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost (2018).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 0.001,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adafactor",
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The mean squares of rows, of columns, and of single weights."""
        return ((Slot("r", "_r", shape=_rows), Slot("c", "_c", shape=_columns), Slot("v", "_v")),)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        scalars, dtype = self.scalars, variable.dtype
        count = scalars.count(dtype)
        rate = tf.minimum(scalars.rate(dtype), tf.math.rsqrt(count)) if self.relative_step else scalars.rate(dtype)
        beta = 1 - tf.pow(count, self.beta_2_decay)
        g = dense(gradient, variable)
        *factors, v = self.slots_of(variable)
        square = mean_square(tf.square(g) + self.epsilon_1, v, factors, beta)
        size = rate * tf.maximum(scalars.constant(self.epsilon_2, dtype), _root_mean_square(variable))
        adafactor(variable, g, square, size, scalars.constant(self.clip_threshold, dtype))


def mean_square(g2: tf.Tensor, v: tf.Variable, factors: list[tf.Variable], beta: tf.Tensor) -> tf.Tensor:
    """The running mean of g2, stored in v; from the means r of its rows and c of its columns, if these are kept."""
    if not factors:
        return v.assign(beta * v + (1 - beta) * g2)
    r, c = (
        mean.assign(beta * mean + (1 - beta) * tf.reduce_mean(g2, axis))
        for mean, axis in zip(factors, (-1, -2), strict=True)
    )
    share = r / tf.reduce_mean(r, -1, keepdims=True)
    return v.assign(share[..., None] * c[..., None, :])


def adafactor(w: tf.Variable, g: tf.Tensor, square: tf.Tensor, size: tf.Tensor, threshold: tf.Tensor) -> None:
    """u = g/√square; w ← w - size · u / max(1, rms(u)/threshold)."""
    u = g * tf.math.rsqrt(square)
    delta = u / tf.maximum(tf.ones([], u.dtype), _root_mean_square(u) / threshold)
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=size, delta=delta)


def _root_mean_square(x: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_mean(tf.square(x)))


def _rows(shape: tf.TensorShape) -> tf.TensorShape | None:
    return shape[:-1] if len(shape) >= 2 else None


def _columns(shape: tf.TensorShape) -> tf.TensorShape | None:
    return shape[:-2] + shape[-1:] if len(shape) >= 2 else None
