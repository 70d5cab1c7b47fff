"""First values of weights.

Over 400 lines, since the whole family is one decision: which numbers a seed gives.

A seed determines the numbers; they are those of tf.keras 2. An initializer without a seed draws one at its first call,
from the generator that `utils.set_random_seed` resets, and keeps it.
"""
from __future__ import annotations

import inspect
import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core import object_config
from kerasish.core.configurable import Configurable
from kerasish.core.registry import Registry
from kerasish.core.seeds import make_seed
from kerasish.core.settings import floatx

INITIALIZERS = Registry("initializer", "keras.initializers")
_PARTITION = ("partition_shape", "partition_offset", "layout")
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
_DEVIATION_WITHIN_TWO = 0.87962566103423978  # of a standard normal variable cut at two deviations

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]


class Initializer(Configurable):
    """Base of initializers: called with a shape and a dtype, an instance returns a tensor.

    A subclass defines `__call__(self, shape, dtype=None, **kwargs)`, and `get_config` where its arguments are not plain
    values.
    """

    __config_module__ = "keras.initializers"
    _family_base = True

    def __init__(self) -> None:
        """Nothing to keep; subclasses with arguments define their own."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, shape, dtype=None, **kwargs)`.")


@INITIALIZERS.register("zeros", "zero", "ZerosV2")
class Zeros(Initializer):
    """Zeros everywhere."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and (numeric or boolean) dtype."""
        return tf.zeros(_own_part(shape, kwargs), _dtype(dtype))


@INITIALIZERS.register("ones", "one", "OnesV2")
class Ones(Initializer):
    """Ones everywhere."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and (numeric or boolean) dtype."""
        return tf.ones(_own_part(shape, kwargs), _dtype(dtype))


@INITIALIZERS.register("constant", "ConstantV2")
class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array of as many elements as the weight.
    """

    def __init__(self, value: Any = 0):
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and dtype."""
        return tf.constant(self.value, _dtype(dtype), _own_part(shape, kwargs))


class _Random(Initializer):
    """What random initializers share: a seed drawn once."""

    seed: int | None
    _drawn: int | None = None
    _calls = 0

    def _seed_for(self, kwargs: dict[str, Any]) -> Any:
        """The pair of integers that determines the numbers of one call."""
        self._calls += 1
        if self._drawn is None:
            self._drawn = make_seed(self.seed)
        offset = kwargs.get("partition_offset")
        if offset is not None:
            return tf.random.experimental.stateless_fold_in([self._drawn, 0], hash(tuple(offset)))
        if self._calls == 2 and self.seed is None:
            warnings.warn(
                f"{type(self).__name__} without a seed was called twice and returns the same numbers again. "
                f"Give each weight an initializer of its own, or a seed.",
                stacklevel=3,
            )
        return [self._drawn, 0]


@INITIALIZERS.register("random_uniform", "uniform", "RandomUniformV2")
class RandomUniform(_Random):
    """Numbers equally likely between `minval` and `maxval`.

    Args:
        minval: the lower bound.
        maxval: the upper bound, excluded.
        seed: an integer makes the numbers repeatable.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval = minval
        self.maxval = maxval
        self.seed = _checked_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and (floating or integer) dtype."""
        dtype = _dtype(dtype)
        if not dtype.is_floating and not dtype.is_integer:
            raise ValueError(f"RandomUniform makes floating or integer numbers. Received: dtype={dtype.name}")
        shape = _own_part(shape, kwargs)
        return tf.random.stateless_uniform(shape, self._seed_for(kwargs), self.minval, self.maxval, dtype)


class _Normal(_Random):
    """What normal initializers share; `draw` makes the numbers."""

    draw: Callable[..., tf.Tensor]

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean = mean
        self.stddev = _deviation(stddev)
        self.seed = _checked_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and floating dtype."""
        dtype, shape = _floating(self, dtype), _own_part(shape, kwargs)
        return self.draw(shape, self._seed_for(kwargs), self.mean, self.stddev, dtype)


@INITIALIZERS.register("random_normal", "normal", "RandomNormalV2")
class RandomNormal(_Normal):
    """Normally distributed numbers.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: an integer makes the numbers repeatable.
    """

    draw = staticmethod(tf.random.stateless_normal)


@INITIALIZERS.register("truncated_normal", "TruncatedNormalV2")
class TruncatedNormal(_Normal):
    """Normally distributed numbers, those further than two deviations from the mean drawn anew.

    Args:
        mean: the mean.
        stddev: the standard deviation before cutting.
        seed: an integer makes the numbers repeatable.
    """

    draw = staticmethod(tf.random.stateless_truncated_normal)


@INITIALIZERS.register("variance_scaling", "VarianceScalingV2")
class VarianceScaling(_Random):
    """Random numbers of variance `scale / n`, n being the number of inputs or outputs of a unit.

    Args:
        scale: the factor.
        mode: what n is: `"fan_in"`, `"fan_out"` or their mean `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: an integer makes the numbers repeatable.

    Raises:
        ValueError: if `scale` is not positive, or `mode` or `distribution` is unknown.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        if not isinstance(scale, numbers.Real) or scale <= 0:
            raise ValueError(f"`scale` must be a positive number. Received: scale={scale!r}")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        self.scale: float = scale
        self.mode: str = _one_of("mode", mode, _MODES)
        self.distribution: str = _one_of("distribution", distribution, _DISTRIBUTIONS)
        self.seed = _checked_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and floating dtype; of a weight in parts, n is taken from the part."""
        dtype, shape = _floating(self, dtype), _own_part(shape, kwargs)
        fan_in, fan_out = _fans(shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, count))
        seed = self._seed_for(kwargs)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * deviation
            return tf.random.stateless_uniform(shape, seed, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return tf.random.stateless_normal(shape, seed, 0.0, deviation, dtype)
        return tf.random.stateless_truncated_normal(shape, seed, 0.0, deviation / _DEVIATION_WITHIN_TWO, dtype)


class _Scaled(VarianceScaling):
    """A `VarianceScaling` whose constants are those of a paper; subclasses name them."""

    _constants: tuple[float, str, str]

    def __init__(self, seed: int | None = None):
        super().__init__(*self._constants, seed=seed)


@INITIALIZERS.register("glorot_uniform", "GlorotUniformV2")
class GlorotUniform(_Scaled):
    """Uniform numbers within `sqrt(6 / (fan_in + fan_out))`.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).
    """

    _constants = (1.0, "fan_avg", "uniform")


@INITIALIZERS.register("glorot_normal", "GlorotNormalV2")
class GlorotNormal(_Scaled):
    """Truncated normal numbers of variance `2 / (fan_in + fan_out)`.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).
    """

    _constants = (1.0, "fan_avg", "truncated_normal")


@INITIALIZERS.register("lecun_normal", "LecunNormalV2")
class LecunNormal(_Scaled):
    """Truncated normal numbers of variance `1 / fan_in`.

    Source: G. Klambauer et al., Self-Normalizing Neural Networks (2017).
    """

    _constants = (1.0, "fan_in", "truncated_normal")


@INITIALIZERS.register("lecun_uniform", "LecunUniformV2")
class LecunUniform(_Scaled):
    """Uniform numbers within `sqrt(3 / fan_in)`.

    Source: Y. LeCun et al., Efficient BackProp (1998).
    """

    _constants = (1.0, "fan_in", "uniform")


@INITIALIZERS.register("he_normal", "HeNormalV2")
class HeNormal(_Scaled):
    """Truncated normal numbers of variance `2 / fan_in`.

    Source: K. He et al., Delving Deep into Rectifiers (2015).
    """

    _constants = (2.0, "fan_in", "truncated_normal")


@INITIALIZERS.register("he_uniform", "HeUniformV2")
class HeUniform(_Scaled):
    """Uniform numbers within `sqrt(6 / fan_in)`.

    Source: K. He et al., Delving Deep into Rectifiers (2015).
    """

    _constants = (2.0, "fan_in", "uniform")


@INITIALIZERS.register("orthogonal", "OrthogonalV2")
class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns; weights of more axes are seen as `(all others, last)`.

    Args:
        gain: a factor.
        seed: an integer makes the numbers repeatable.

    Raises:
        ValueError: when called with a shape of fewer than two axes.

    Source: A. Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural networks (2013).
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = _checked_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and floating dtype."""
        dtype, shape = _floating(self, dtype), _own_part(shape, kwargs)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two axes. Received: shape={shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = tf.linalg.qr(tf.random.stateless_normal(tall, self._seed_for(kwargs), dtype=dtype), full_matrices=False)
        q *= tf.sign(tf.linalg.diag_part(r))
        return self.gain * tf.reshape(q if rows >= columns else tf.transpose(q), shape)


@INITIALIZERS.register("identity", "IdentityV2")
class Identity(Initializer):
    """The identity matrix.

    Args:
        gain: a factor.

    Raises:
        ValueError: when called with a shape that is not a matrix's.
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        """A tensor of that shape and floating dtype."""
        dtype, shape = _floating(self, dtype), _own_part(shape, kwargs)
        if len(shape) != 2:
            raise ValueError(f"Identity needs the shape of a matrix. Received: shape={shape}")
        return self.gain * tf.eye(*shape, dtype=dtype)


constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros


def get(identifier: Any) -> Any:
    """The initializer that a name, a configuration, a class or a callable stands for; None stays None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for something that cannot be called.
    """
    return identifier() if inspect.isclass(identifier) else INITIALIZERS.get(identifier)


def serialize(initializer: Any, use_legacy_format: bool = False) -> Any:
    """The configuration of an initializer, in the two-key form of earlier releases if asked for."""
    config = object_config.serialize(initializer)
    return object_config.two_key_form(config) if use_legacy_format else config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The initializer of a name or configuration."""
    return INITIALIZERS.get(config, custom_objects)


def _own_part(shape: Any, kwargs: dict[str, Any]) -> tuple[int, ...]:
    """The shape to make: the whole weight's or, of a weight in parts, that of one part."""
    unknown = [name for name in kwargs if name not in _PARTITION]
    if unknown:
        raise TypeError(f"Unknown argument: {', '.join(unknown)}. Expected any of: {', '.join(_PARTITION)}")
    part = kwargs.get("partition_shape")
    return tuple(tf.TensorShape(shape if part is None else part).as_list())


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """How many inputs and outputs a unit has: `(..., inputs, outputs)`, the leading axes counting as places."""
    if len(shape) < 2:
        only = shape[0] if shape else 1
        return only, only
    places = math.prod(shape[:-2])
    return shape[-2] * places, shape[-1] * places


def _dtype(dtype: Any) -> tf.DType:
    dtype = tf.as_dtype(floatx() if dtype is None else dtype)
    if dtype == tf.string:
        raise ValueError("An initializer makes numeric or boolean weights. Received: dtype=string")
    return dtype


def _floating(initializer: Initializer, dtype: Any) -> tf.DType:
    dtype = _dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"{type(initializer).__name__} makes floating numbers. Received: dtype={dtype.name}")
    return dtype


def _checked_seed(seed: Any) -> Any:
    if seed is not None and not isinstance(seed, numbers.Integral):
        raise TypeError(f"`seed` must be None or an integer. Received: seed={seed!r}")
    return seed if seed is None else int(seed)


def _deviation(value: Any) -> Any:
    if isinstance(value, numbers.Real) and value < 0:
        raise ValueError(f"`stddev` must be at least 0. Received: stddev={value!r}")
    return value


def _one_of(argument: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"`{argument}` must be one of {', '.join(allowed)}. Received: {argument}={value!r}")
    return value
