"""Learning rates as functions of the step: each schedule is an object called with the number of steps taken so far.

Every rate is computed with TensorFlow operations from the step alone, so it follows a step counter inside a traced or
compiled program.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerasish.core.configurable import Configurable
from kerasish.optimizers.registry import SCHEDULES
from kerasish.optimizers.registry import deserialize_schedule as deserialize
from kerasish.optimizers.registry import serialize_schedule as serialize

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule(Configurable):
    """Base of all schedules; a subclass defines `__call__(step)`, which returns the rate of that step."""

    __config_module__ = "keras.optimizers.schedules"
    _family_base = True

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, step: Any) -> Any:
        """The learning rate after `step` steps.

        Raises:
            NotImplementedError: if the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, step)`, which returns a rate.")


class _PeriodicDecay(LearningRateSchedule):
    """Base of schedules that change the rate by one factor in every period of `decay_steps`."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: bool = False,
        name: str | None = None,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _initial_and_periods(self, step: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """The initial rate and how many periods have passed, of the rate's type."""
        initial = tf.convert_to_tensor(self.initial_learning_rate)
        periods = tf.cast(step, initial.dtype) / tf.cast(self.decay_steps, initial.dtype)
        return initial, tf.floor(periods) if self.staircase else periods


@SCHEDULES.register()
class ExponentialDecay(_PeriodicDecay):
    """A rate that is multiplied by `decay_rate` every `decay_steps` steps.

    rate = initial · decay_rate^(step / decay_steps); with `staircase` the exponent is rounded down.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps after which the factor applies once.
        decay_rate: the factor.
        staircase: whether the rate falls in steps instead of smoothly.
        name: prefix of the operations' names.
    """

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "ExponentialDecay"):
            initial, periods = self._initial_and_periods(step)
            return initial * tf.pow(tf.cast(self.decay_rate, initial.dtype), periods)


@SCHEDULES.register()
class InverseTimeDecay(_PeriodicDecay):
    """A rate that falls with the inverse of time.

    rate = initial / (1 + decay_rate · step / decay_steps); with `staircase` the quotient is rounded down.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the unit of time in steps.
        decay_rate: how much the denominator grows in one unit.
        staircase: whether the rate falls in steps instead of smoothly.
        name: prefix of the operations' names.
    """

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "InverseTimeDecay"):
            initial, periods = self._initial_and_periods(step)
            return initial / (1 + tf.cast(self.decay_rate, initial.dtype) * periods)


@SCHEDULES.register()
class PiecewiseConstantDecay(LearningRateSchedule):
    """A constant rate between boundaries: `values[0]` up to and including step `boundaries[0]`, and so on.

    Args:
        boundaries: increasing steps after which the next value holds.
        values: the rates, one more than there are boundaries.
        name: prefix of the operations' names.

    Raises:
        ValueError: if the lengths do not fit.
    """

    def __init__(self, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"`values` must have one entry more than `boundaries`: {len(boundaries) + 1}, not {len(values)}. "
                f"Received: boundaries={boundaries!r}, values={values!r}"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "PiecewiseConstant"):
            step = tf.convert_to_tensor(step)
            values = tf.stack([tf.convert_to_tensor(value) for value in self.values])
            passed = [step > tf.cast(boundary, step.dtype) for boundary in self.boundaries]
            return tf.gather(values, tf.add_n([tf.cast(one, tf.int32) for one in passed]) if passed else 0)


@SCHEDULES.register()
class PolynomialDecay(LearningRateSchedule):
    """A rate that goes from `initial_learning_rate` to `end_learning_rate` in `decay_steps` steps.

    rate = (initial - end) · (1 - min(step, decay_steps) / decay_steps)^power + end

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps until the end rate is reached.
        end_learning_rate: the rate from then on.
        power: exponent of the curve; 1 is a straight line.
        cycle: whether the decay starts again, over the next multiple of `decay_steps`, when its end is passed.
        name: prefix of the operations' names.
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "PolynomialDecay"):
            initial = tf.convert_to_tensor(self.initial_learning_rate)
            end, power, steps, step = (
                tf.cast(value, initial.dtype) for value in (self.end_learning_rate, self.power, self.decay_steps, step)
            )
            if self.cycle:
                steps = steps * tf.maximum(tf.math.ceil(step / steps), 1)
            else:
                step = tf.minimum(step, steps)
            return (initial - end) * tf.pow(1 - step / steps, power) + end


@SCHEDULES.register()
class CosineDecay(LearningRateSchedule):
    """A rate that follows half a cosine from its start to `alpha` times that, after an optional linear warm-up.

    rate = start · ((1 - alpha) · (1 + cos(π · min(step, decay_steps) / decay_steps)) / 2 + alpha)

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: steps of the decay, not counting the warm-up.
        alpha: the last rate as a fraction of the first.
        name: prefix of the operations' names.
        warmup_target: where the warm-up ends and the decay starts; None means no warm-up.
        warmup_steps: steps of the warm-up.

    Source: I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017).
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        alpha: Any = 0.0,
        name: str | None = None,
        warmup_target: Any = None,
        warmup_steps: Any = 0,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "CosineDecay"):
            initial = tf.convert_to_tensor(self.initial_learning_rate)
            step = tf.cast(step, initial.dtype)
            if self.warmup_target is None:
                return self._decayed(initial, step)
            target, warmup = (tf.cast(value, initial.dtype) for value in (self.warmup_target, self.warmup_steps))
            rising = initial + (target - initial) * tf.math.divide_no_nan(step, warmup)
            return tf.where(step < warmup, rising, self._decayed(target, step - warmup))

    def _decayed(self, start: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        steps = tf.cast(self.decay_steps, start.dtype)
        return start * _half_cosine(tf.minimum(step, steps) / steps, tf.cast(self.alpha, start.dtype))


@SCHEDULES.register()
class CosineDecayRestarts(LearningRateSchedule):
    """A rate that follows half a cosine again and again, over periods that grow and from starts that shrink.

    Period i lasts first_decay_steps · t_mul^i steps and starts at initial · m_mul^i.

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: steps of the first period.
        t_mul: how many times longer each period is than the one before.
        m_mul: the start of a period as a fraction of the start of the one before.
        alpha: the lowest rate as a fraction of the initial one.
        name: prefix of the operations' names.

    Source: I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017).
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: Any,
        t_mul: Any = 2.0,
        m_mul: Any = 1.0,
        alpha: Any = 0.0,
        name: str | None = None,
    ):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> tf.Tensor:
        with tf.name_scope(self.name or "SGDRDecay"):
            initial = tf.convert_to_tensor(self.initial_learning_rate)
            kind = initial.dtype
            time = tf.cast(step, kind) / tf.cast(self.first_decay_steps, kind)
            period, progress = self._period_and_progress(time, tf.cast(self.t_mul, kind))
            start = tf.pow(tf.cast(self.m_mul, kind), period)
            alpha = tf.cast(self.alpha, kind)
            return initial * ((1 - alpha) * start * _half_cosine(progress, 0.0) + alpha)

    def _period_and_progress(self, time: tf.Tensor, growth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Which period the time (in first periods) falls into, and how much of that period has passed."""
        if isinstance(self.t_mul, (int, float)) and self.t_mul == 1:
            return tf.floor(time), time - tf.floor(time)
        period = tf.floor(tf.math.log(1 - time * (1 - growth)) / tf.math.log(growth))
        begin = (1 - tf.pow(growth, period)) / (1 - growth)
        return period, (time - begin) / tf.pow(growth, period)


def _half_cosine(progress: Any, alpha: Any) -> Any:
    """From 1 at progress 0 down to `alpha` at progress 1."""
    return (1 - alpha) * 0.5 * (1 + tf.cos(tf.cast(math.pi, progress.dtype) * progress)) + alpha


def _positive(argument: str, value: Any) -> Any:
    if isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and not value > 0):
        raise ValueError(f"`{argument}` must be a positive number of steps. Received: {argument}={value!r}")
    return value
