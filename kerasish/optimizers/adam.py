"""Adam and AdamW: steps from running means of the gradients and of their squares."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    """Gradient descent with steps made of running means of the gradients and of their squares.

    m ← β₁·m + (1-β₁)·g; v ← β₂·v + (1-β₂)·g²; w ← w - α·√(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε) at step t = 1, 2, ...;
    with `amsgrad` the largest v so far stands in the denominator.

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
        adaptive_epsilon: whether ε is multiplied by √(1-β₂ᵗ), which makes it the ε of the paper's Algorithm 1.
        amsgrad: whether the mean square may only grow.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: D. Kingma and J. Ba, Adam (2015); S. Reddi et al., On the Convergence of Adam and Beyond (2018).
    """

    _optional_config: ClassVar[dict[str, Any]] = {"decay": 0.0, "adaptive_epsilon": False}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "Adam",
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
        self.amsgrad = amsgrad
        self.epsilon, self.adaptive_epsilon = epsilon, adaptive_epsilon
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """Both means, and with `amsgrad` the largest mean square."""
        means = (Slot("m", "_momentums"), Slot("v", "_velocities"))
        return (means, (Slot("vhat", "_velocity_hats"),)) if self.amsgrad else (means,)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        g, dtype, scalars = dense(gradient, variable), variable.dtype, self.scalars
        m, v, *largest = self.slots_of(variable)
        betas = (scalars.constant(self.beta_1, dtype), scalars.constant(self.beta_2, dtype))
        powers = (scalars.power(self.beta_1, dtype), scalars.power(self.beta_2, dtype))
        numbers = (scalars.rate(dtype), *betas, *powers, self._epsilon(powers[1]))
        if largest:
            amsgrad(variable, g, m, v, largest[0], *numbers)
        else:
            adam(variable, g, m, v, *numbers)

    def _epsilon(self, beta_2_power: tf.Tensor) -> tf.Tensor:
        scalars, dtype = self.scalars, beta_2_power.dtype
        epsilon = scalars.constant(self.epsilon, dtype)
        if not self.adaptive_epsilon:
            return epsilon
        return scalars.once("adaptive epsilon", dtype, lambda: epsilon * tf.sqrt(1 - beta_2_power))


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    """Adam with weight decay that does not pass through the running means: w ← w - α·λ·w before each step.

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        weight_decay: λ.
        beta_1, beta_2, epsilon, amsgrad: as in `Adam`.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile, name,
            **kwargs: as in `Optimizer`.

    Raises:
        ValueError: if `weight_decay` is None.

    Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization (2019).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "AdamW",
        **kwargs: Any,
    ):
        super().__init__(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
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
        if self.weight_decay is None:
            raise ValueError("`weight_decay` must be a number. Received: weight_decay=None\nFix: use Adam instead.")


def adam(
    w: tf.Variable,
    g: tf.Tensor,
    m: tf.Variable,
    v: tf.Variable,
    alpha: tf.Tensor,
    beta_1: tf.Tensor,
    beta_2: tf.Tensor,
    beta_1_power: tf.Tensor,
    beta_2_power: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """m ← β₁·m + (1-β₁)·g; v ← β₂·v + (1-β₂)·g²; w ← w - α·√(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε)."""
    tf.raw_ops.ResourceApplyAdam(
        var=w.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=beta_1_power,
        beta2_power=beta_2_power,
        lr=alpha,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=g,
    )


def amsgrad(
    w: tf.Variable,
    g: tf.Tensor,
    m: tf.Variable,
    v: tf.Variable,
    largest: tf.Variable,
    alpha: tf.Tensor,
    beta_1: tf.Tensor,
    beta_2: tf.Tensor,
    beta_1_power: tf.Tensor,
    beta_2_power: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """As `adam`, with the largest v so far in the denominator. The fused kernel for it cannot be compiled by XLA."""
    size = alpha * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)
    mean = m.assign_add((g - m) * (1 - beta_1))
    square = v.assign_add((tf.square(g) - v) * (1 - beta_2))
    root = tf.sqrt(largest.assign(tf.maximum(largest, square)))
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=size, delta=mean / (root + epsilon))
