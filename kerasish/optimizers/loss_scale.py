"""Loss scaling: what keeps small gradients from vanishing where the arithmetic is in float16.

Source: P. Micikevicius et al., Mixed Precision Training (2018); behaviour of `tf.keras.mixed_precision`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from kerasish.core.dtype_policy import Policy
from kerasish.core.tracking import Tracked
from kerasish.optimizers import registry
from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.gradients import Gradient
from kerasish.optimizers.registry import OPTIMIZERS

_INITIAL_SCALE = 2.0**15
_GROWTH_STEPS = 2000
_OWN = ("inner_optimizer", "_scale")


class _Scale(tf.Module):
    """The number that losses are multiplied by, and how many steps in a row had finite gradients with it."""

    def __init__(self, initial: float, growth_steps: int):
        super().__init__("loss_scale")
        self.growth_steps = growth_steps
        with tf.init_scope():
            self.current_loss_scale = tf.Variable(initial, name="current_loss_scale", dtype="float32", trainable=False)
            self.good_steps = tf.Variable(0, name="good_steps", dtype="int64", trainable=False)

    def grow(self) -> None:
        """Counts a step with finite gradients; doubles the scale after `growth_steps` of them."""
        count = self.good_steps + 1
        due = count >= self.growth_steps
        doubled = self.current_loss_scale * 2
        grown = tf.where(tf.logical_and(due, tf.math.is_finite(doubled)), doubled, self.current_loss_scale)
        self.current_loss_scale.assign(grown)
        self.good_steps.assign(tf.where(due, tf.zeros_like(count), count))

    def shrink(self) -> None:
        """Halves the scale, down to 1, and counts afresh."""
        self.current_loss_scale.assign(tf.maximum(self.current_loss_scale / 2, 1))
        self.good_steps.assign(0)


@OPTIMIZERS.register("LossScaleOptimizerV3", "lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """An optimizer whose losses are multiplied by a scale, and whose gradients are divided by it again.

    `minimize` does both. In a loop of your own: `get_scaled_loss` on the loss inside the tape, `get_unscaled_gradients`
    on its gradients, then `apply_gradients`. A dynamic scale is doubled after `dynamic_growth_steps` steps with finite
    gradients; a step whose gradients are not all finite changes no variable and halves the scale, down to 1.
    All other attributes are those of the optimizer inside.

    Args:
        inner_optimizer: the optimizer that takes the steps.
        dynamic: whether the scale follows the gradients.
        initial_scale: the first scale, by default 32768; with `dynamic=False` the scale of all steps.
        dynamic_growth_steps: steps after which the scale is doubled, by default 2000.

    Raises:
        TypeError: if `inner_optimizer` is no optimizer, or is one of these; if `dynamic` is no bool.
        ValueError: for a fixed scale that is not given, or a fixed one with growth steps.
    """

    __config_module__ = "keras.mixed_precision"
    inner_optimizer: Optimizer
    _scale: _Scale | float

    def __init__(
        self,
        inner_optimizer: Any,
        dynamic: bool = True,
        initial_scale: float | None = None,
        dynamic_growth_steps: int | None = None,
    ):
        _check(inner_optimizer, dynamic, initial_scale, dynamic_growth_steps)
        object.__setattr__(self, "inner_optimizer", inner_optimizer)
        initial = float(_INITIAL_SCALE if initial_scale is None else initial_scale)
        growth_steps = _GROWTH_STEPS if dynamic_growth_steps is None else int(dynamic_growth_steps)
        object.__setattr__(self, "_scale", _Scale(initial, growth_steps) if dynamic else initial)
        object.__setattr__(self, "_first_scale", initial)
        Tracked.__init__(self, inner_optimizer.name)

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            raise AttributeError(name)
        return getattr(self.inner_optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_self_") or isinstance(getattr(LossScaleOptimizer, name, None), property):
            object.__setattr__(self, name, value)
        else:
            setattr(self.inner_optimizer, name, value)

    # The scale

    @property
    def dynamic(self) -> bool:
        """Whether the scale follows the gradients."""
        return isinstance(self._scale, _Scale)

    @property
    def loss_scale(self) -> tf.Tensor:
        """The scale of the next step, a float32 scalar."""
        scale = self._scale
        return tf.constant(scale) if isinstance(scale, float) else tf.convert_to_tensor(scale.current_loss_scale)

    @property
    def initial_scale(self) -> float:
        """The scale of the first step."""
        return self._first_scale

    @property
    def dynamic_counter(self) -> tf.Variable | None:
        """The steps with finite gradients since the scale changed; None where it is fixed."""
        return None if isinstance(self._scale, float) else self._scale.good_steps

    @property
    def dynamic_growth_steps(self) -> int | None:
        """The steps after which the scale is doubled; None where it is fixed."""
        return None if isinstance(self._scale, float) else self._scale.growth_steps

    def get_scaled_loss(self, loss: Any) -> Any:
        """The loss times the scale, in the loss's type; for a function that returns a loss, such a function."""
        if callable(loss):
            function: Callable[[], Any] = loss
            return lambda: self.get_scaled_loss(function())
        loss = tf.convert_to_tensor(loss)
        return loss * tf.cast(self.loss_scale, loss.dtype)

    def get_unscaled_gradients(self, grads: Sequence[Any]) -> list[Any]:
        """The gradients divided by the scale; None stays None."""
        inverse = 1 / self.loss_scale
        return [None if gradient is None else _times(gradient, inverse) for gradient in grads]

    # Steps

    def compute_gradients(self, loss: Any, var_list: Any, tape: Any = None) -> list[tuple[Any, tf.Variable]]:
        """Pairs of gradient and variable, as of the loss without a scale; the arguments are those of `minimize`."""
        if callable(loss) or tape is None:
            pairs = self.inner_optimizer.compute_gradients(self.get_scaled_loss(loss), var_list, tape)
        else:
            with tape:
                scaled = self.get_scaled_loss(loss)
            pairs = self.inner_optimizer.compute_gradients(scaled, var_list, tape)
        gradients = self.get_unscaled_gradients([gradient for gradient, _ in pairs])
        return list(zip(gradients, [variable for _, variable in pairs], strict=True))

    def apply_gradients(
        self,
        grads_and_vars: Iterable[Any],
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        **kwargs: Any,
    ) -> tf.Variable:
        """Takes one step with gradients that are not scaled, and returns the step counter.

        With a dynamic scale a step whose gradients are not all finite is counted, but changes nothing.

        Raises:
            ValueError: as `Optimizer.apply_gradients`.
        """
        pairs = list(grads_and_vars)
        inner, scale = self.inner_optimizer, self._scale

        def take() -> None:
            inner.apply_gradients(pairs, name, skip_gradients_aggregation, **kwargs)

        def pass_over() -> None:
            inner.iterations.assign_add(1)

        gradients = [gradient for gradient, _ in pairs if gradient is not None]
        if isinstance(scale, float) or not gradients:
            take()
            return inner.iterations
        if not inner._built:
            with tf.init_scope():
                inner.build([variable for _, variable in pairs])
            inner._built = True
        finite = _all_finite(gradients)
        _either(finite, take, pass_over)
        _either(finite, scale.grow, scale.shrink)
        return inner.iterations

    # What belongs to the optimizer inside

    @property
    def iterations(self) -> tf.Variable:
        """The number of steps, those that were passed over included."""
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, variable: tf.Variable) -> None:
        self.inner_optimizer.iterations = variable

    @property
    def learning_rate(self) -> Any:
        """The rate of the optimizer inside."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def variables(self) -> Any:
        """The variables of the optimizer inside."""
        return self.inner_optimizer.variables

    @property
    def weights(self) -> list[tf.Variable]:
        """The same as `variables`."""
        return self.inner_optimizer.weights

    @property
    def use_ema(self) -> bool:  # type: ignore[override]
        """Whether the optimizer inside keeps moving averages."""
        return self.inner_optimizer.use_ema

    @property
    def scalars(self) -> Any:
        """The scalar tensors of the step that is being taken."""
        return self.inner_optimizer.scalars

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Creates the variables of the optimizer inside."""
        self.inner_optimizer.build(var_list)

    def update_step(self, gradient: Gradient, variable: tf.Variable) -> None:
        """Changes one variable by the rule of the optimizer inside."""
        self.inner_optimizer.update_step(gradient, variable)

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the optimizer."""
        return {
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "dynamic": self.dynamic,
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A fresh optimizer with the configuration's arguments."""
        inner = registry.deserialize(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = dict(self.inner_optimizer._trackable_children(save_type, **kwargs))
        return children if isinstance(self._scale, float) else {**children, "loss_scale": self._scale}

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        if name == "loss_scale" and isinstance(self._scale, _Scale):
            return self._scale
        return self.inner_optimizer._lookup_dependency(name, cached_dependencies)


# What else computes with the variables of an optimizer is the inner one's too.
for _name in (
    "_build_learning_rate", "_compute_current_learning_rate", "_var_key", "add_slot", "add_variable",
    "add_variable_from_reference", "aggregate_gradients", "exclude_from_weight_decay", "finalize_variable_values",
    "get_slot", "get_weights", "load_own_variables", "save_own_variables", "set_weights", "slots_of",
):  # fmt: skip

    def _inner_method(self: LossScaleOptimizer, *args: Any, _method: str = _name, **kwargs: Any) -> Any:
        return getattr(self.inner_optimizer, _method)(*args, **kwargs)

    _inner_method.__name__ = _name
    setattr(LossScaleOptimizer, _name, _inner_method)


def for_policy(optimizer: Any, policy: Policy) -> Any:
    """The optimizer itself; with a loss scale around it where the policy computes in float16."""
    scaled = policy.name == "mixed_float16" and isinstance(optimizer, Optimizer)
    return LossScaleOptimizer(optimizer) if scaled and not isinstance(optimizer, LossScaleOptimizer) else optimizer


def _check(inner_optimizer: Any, dynamic: Any, initial_scale: Any, dynamic_growth_steps: Any) -> None:
    if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
        raise TypeError(
            "`inner_optimizer` must be an optimizer without a loss scale of its own, such as "
            f"keras.optimizers.SGD(). Received: inner_optimizer={inner_optimizer!r}"
        )
    if not isinstance(dynamic, bool):
        raise TypeError(f"`dynamic` must be True or False. Received: dynamic={dynamic!r}")
    if not dynamic and initial_scale is None:
        raise ValueError("A fixed scale must be given as `initial_scale`. Received: dynamic=False, initial_scale=None")
    if not dynamic and dynamic_growth_steps is not None:
        raise ValueError(
            "`dynamic_growth_steps` belongs to a dynamic scale. "
            f"Received: dynamic=False, dynamic_growth_steps={dynamic_growth_steps!r}"
        )


def _times(gradient: Gradient, factor: tf.Tensor) -> Gradient:
    if isinstance(gradient, tf.IndexedSlices):
        values = gradient.values * tf.cast(factor, gradient.values.dtype)
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return gradient * tf.cast(factor, gradient.dtype)


def _all_finite(gradients: Sequence[Any]) -> tf.Tensor:
    values = [one.values if isinstance(one, tf.IndexedSlices) else one for one in gradients]
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(value)) for value in values])


def _either(condition: tf.Tensor, first: Callable[[], None], second: Callable[[], None]) -> None:
    """Runs one of the two; eagerly by Python, so that the optimizer's cached step is used."""
    if tf.executing_eagerly():
        (first if condition.numpy() else second)()
    else:
        tf.cond(condition, _returning_zero(first), _returning_zero(second))


def _returning_zero(run: Callable[[], None]) -> Callable[[], tf.Tensor]:
    def branch() -> tf.Tensor:
        run()
        return tf.constant(0)

    return branch
