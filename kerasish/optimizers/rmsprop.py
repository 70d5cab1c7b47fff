"""RMSprop: each step divided by a running root mean square of the gradients."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient, dense
from kerasish.optimizers.registry import OPTIMIZERS
from kerasish.optimizers.variables import Slot

_LARGEST_FUSED = 2**20


@OPTIMIZERS.register("rmsprop")
class RMSprop(Optimizer):
    """Gradient descent whose steps are divided by a running root mean square of the gradients.

    v ← ρ·v + (1-ρ)·g²; s = α·g / √(v + ε), with `centered` α·g / √(v - a² + ε), where a ← ρ·a + (1-ρ)·g;
    w ← w - s, with momentum m ← μ·m + s and w ← w - m.

    Args:
        learning_rate: α; a number, a schedule or a function without arguments.
        rho: ρ, how much of the mean stays at each step.
        momentum: μ.
        epsilon: ε.
        centered: whether the mean square is taken about the running mean.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, jit_compile,
            name, **kwargs: as in `Optimizer`.

    Source: T. Tieleman and G. Hinton, lecture 6e of Neural Networks for Machine Learning (2012).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = 100,
        jit_compile: bool = True,
        name: str = "RMSprop",
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
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def slot_groups(self) -> Sequence[tuple[Slot, ...]]:
        """The mean square; the momentum and the mean where they are used."""
        groups = [(Slot("velocity", "_velocities"),)]
        if self.momentum:
            groups.append((Slot("momentum", "_momentums"),))
        if self.centered:
            groups.append((Slot("average_gradient", "_average_gradients"),))
        return groups

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Creates the slots and, without momentum, work space for the fused kernels."""
        if self._index_dict:
            return
        super().build(var_list)
        object.__setattr__(self, "_work_space", _WorkSpace())
        if not self.momentum:
            for variable in var_list:
                self._work_space.add(self._var_key(variable), variable)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable."""
        g, dtype, scalars = dense(gradient, variable), variable.dtype, self.scalars
        numbers = [scalars.rate(dtype), *(scalars.constant(value, dtype) for value in (self.rho, self.epsilon))]
        v, *others = self.slots_of(variable)
        a = others.pop() if self.centered else None
        m = others[0] if others else self._work_space.ready(self._var_key(variable))
        if m is None:
            rmsprop(variable, g, v, a, *numbers)
        else:
            rmsprop_with_momentum(variable, g, v, m, a, scalars.constant(self.momentum, dtype), *numbers)

    @contextlib.contextmanager
    def many_steps(self) -> Iterator[None]:
        """A context for many steps in a row, in which the work space is cleared once."""
        space = self._work_space if self._index_dict else _WorkSpace()
        space.clear()
        space.stays = True
        try:
            yield
        finally:
            space.stays = False

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel" and self._index_dict:
            children["_work_space"] = self._work_space
        return children


class _WorkSpace(tf.Module):
    """Variables that stand for a momentum where there is none, since the fused kernels want one.

    Two fused operations replace ten small ones, which is what a step of a small model consists of. They carry nothing
    from one step to the next, being multiplied by a momentum of zero, and belong to no checkpoint. Only what is not
    finite would stay, so they are cleared before a step, or before many steps: then the weights are not finite either.
    Large variables, whose work space would cost more memory than it saves time, have none.
    """

    stays = False

    def __init__(self) -> None:
        super().__init__()
        self.variables_by_key: dict[str, tf.Variable] = {}

    def add(self, key: str, like: tf.Variable) -> None:
        if like.shape.num_elements() <= _LARGEST_FUSED:
            zeros = tf.zeros(like.shape, like.dtype)
            self.variables_by_key[key] = tf.Variable(zeros, name="work_space", trainable=False)

    def clear(self) -> None:
        """Fills all variables with zeros."""
        for key in self.variables_by_key:
            self._clear(key)

    def ready(self, key: str) -> tf.Variable | None:
        """The variable of that key, filled with zeros unless that was done for many steps, if there is one."""
        if not self.stays and key in self.variables_by_key:
            self._clear(key)
        return self.variables_by_key.get(key)

    def _clear(self, key: str) -> None:
        variable = self.variables_by_key[key]
        variable.assign(tf.zeros(variable.shape, variable.dtype), read_value=False)


def rmsprop(
    w: tf.Variable,
    g: tf.Tensor,
    v: tf.Variable,
    a: tf.Variable | None,
    alpha: tf.Tensor,
    rho: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """v ← ρ·v + (1-ρ)·g²; w ← w - α·g / √(v + ε), or about the mean a."""
    _descend(v, 1 - rho, v - tf.square(g))
    square = v.read_value()
    if a is not None:
        _descend(a, 1 - rho, a - g)
        square = square - tf.square(a)
    _descend(w, alpha, g * tf.math.rsqrt(square + epsilon))


def _descend(x: tf.Variable, rate: tf.Tensor, delta: tf.Tensor) -> None:
    tf.raw_ops.ResourceApplyGradientDescent(var=x.handle, alpha=rate, delta=delta)


def rmsprop_with_momentum(
    w: tf.Variable,
    g: tf.Tensor,
    v: tf.Variable,
    m: tf.Variable,
    a: tf.Variable | None,
    mu: tf.Tensor,
    alpha: tf.Tensor,
    rho: tf.Tensor,
    epsilon: tf.Tensor,
) -> None:
    """v ← ρ·v + (1-ρ)·g²; m ← μ·m + α·g / √(v + ε), or about the mean a; w ← w - m."""
    state = {"var": w.handle, "ms": v.handle, "mom": m.handle}
    numbers = {"lr": alpha, "rho": rho, "momentum": mu, "epsilon": epsilon}
    if a is None:
        tf.raw_ops.ResourceApplyRMSProp(**state, **numbers, grad=g)
    else:
        tf.raw_ops.ResourceApplyCenteredRMSProp(**state, **numbers, mg=a.handle, grad=g)
