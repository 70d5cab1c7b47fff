"""Layers that bring activations to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import initializers
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import normalization as ops
from kerasish.ops.condition import choose

_HALF = ("float16", "bfloat16")
_OFF = {"virtual_batch_size": None, "adjustment": None}
_CLIPPED = ("rmin", "rmax", "dmax")


class _Normalization(Layer):
    """Base of layers that normalize, scale by gamma and shift by beta."""

    _tells_shape = True

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        arguments.axis_list(axis)
        self.axis: Any = list(axis) if isinstance(axis, tuple) else axis
        if not epsilon >= 0:
            raise ValueError(f"`epsilon` must be a number of at least 0. Received: epsilon={epsilon!r}")
        self.epsilon = epsilon
        self.center, self.scale = center, scale
        arguments.weight_options(self, "beta", beta_initializer, beta_regularizer, beta_constraint)
        arguments.weight_options(self, "gamma", gamma_initializer, gamma_regularizer, gamma_constraint)
        self.supports_masking = True

    def _locate(self, input_shape: Any) -> tuple[int | None, ...]:
        """Fixes the axes for inputs of that shape, which is returned.

        Raises:
            ValueError: if an axis does not exist or has no known size.
        """
        shape = tuple(input_shape)
        self.axis = arguments.axes_within(self.name, arguments.axis_list(self.axis), len(shape))
        if any(shape[axis] is None for axis in self.axis):
            raise ValueError(
                f'The inputs of layer "{self.name}" must have a known size along `axis`. '
                f"Received: shape={shape}, axis={self.axis}"
            )
        return shape

    def _add_scale_and_shift(self, shape: tuple[int | None, ...], dtype: Any) -> None:
        options = {"shape": shape, "dtype": dtype, "experimental_autocast": False}
        self.gamma = self.add_weight("gamma", **options) if self.scale else None
        self.beta = self.add_weight("beta", **options) if self.center else None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)


@LAYERS.register()
class BatchNormalization(_Normalization):
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance being those of the batch in training.

    Otherwise, and while `trainable` is False, they are the averages gathered in training, which move by
    `average * momentum + value * (1 - momentum)` at each step.

    Args:
        axis: the axis of the features, each normalized by itself; or several.
        momentum: how slowly the averages move.
        epsilon: keeps the division finite.
        center: whether beta is added.
        scale: whether gamma is multiplied by.
        beta_initializer: initial values of beta.
        gamma_initializer: initial values of gamma.
        moving_mean_initializer: initial values of the average mean.
        moving_variance_initializer: initial values of the average variance.
        beta_regularizer: a penalty on beta.
        gamma_regularizer: a penalty on gamma.
        beta_constraint: a projection of beta after each update.
        gamma_constraint: a projection of gamma after each update.
        synchronized: accepted for compatibility: each replica uses its own batch, without TensorFlow's fused op.
        **kwargs: arguments of `Layer`; `fused` (False forbids TensorFlow's op for images and volumes, whose average
            variance is the unbiased one); `renorm` (batch renormalization: training sees, up to a correction that
            `renorm_clipping`, a dict of `rmin`, `rmax` and `dmax`, bounds, what inference will see) and
            `renorm_momentum` (how slowly the averages of the correction move).

    Raises:
        ValueError: for an axis that does not exist, `fused=True` where the op does not apply, or unknown bounds.

    Source: S. Ioffe and C. Szegedy, Batch Normalization (2015); S. Ioffe, Batch Renormalization (2017).
    """

    _config_excluded: tuple[str, ...] = ("synchronized",)

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        self.fused = kwargs.pop("fused", None)
        self.renorm = bool(kwargs.pop("renorm", False))
        self.renorm_clipping = _bounds(kwargs.pop("renorm_clipping", None))
        self.renorm_momentum = kwargs.pop("renorm_momentum", 0.99)
        if self.renorm and self.fused:
            raise ValueError("`fused=True` is not possible with `renorm=True`. Leave `fused` out.")
        _refuse_removed(kwargs)
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.synchronized = synchronized

    def build(self, input_shape: Any) -> None:
        """Creates gamma, beta and the two averages, one number for each feature."""
        shape = self._locate(input_shape)
        self.fused = self._can_fuse(len(shape)) if self.fused is None else self.fused
        if self.fused and not self._can_fuse(len(shape)):
            raise ValueError(
                f'Layer "{self.name}" can use `fused=True` only for images and volumes (4 or 5 axes) normalized along '
                f"axis 1 or the last. Received: shape={shape}, axis={self.axis}, dtype={self.compute_dtype}"
            )
        several = len(self.axis) > 1
        sizes = (
            tuple(size if axis in self.axis else 1 for axis, size in enumerate(shape))
            if several
            else (shape[self.axis[0]],)
        )
        dtype = "float32" if self.dtype in _HALF else self.dtype
        self._add_scale_and_shift(sizes, dtype)
        average = {
            "shape": sizes, "dtype": dtype, "trainable": False, "experimental_autocast": False,
            "synchronization": tf.VariableSynchronization.ON_READ, "aggregation": tf.VariableAggregation.MEAN,
        }  # fmt: skip
        self.moving_mean = self.add_weight("moving_mean", **average)
        self.moving_variance = self.add_weight("moving_variance", **average)
        if self.renorm:
            self._add_correction(average)
        self.input_spec = InputSpec(ndim=len(shape), axes={axis: shape[axis] for axis in self.axis})
        super().build(input_shape)

    def _add_correction(self, average: dict[str, Any]) -> None:
        """Creates the averages of batch renormalization, which begin where those of mean and variance do."""

        def stddev(shape: Any, dtype: Any = None) -> tf.Tensor:
            return tf.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

        self.moving_stddev = self.add_weight("moving_stddev", initializer=stddev, **average)
        self.renorm_mean = self.add_weight("renorm_mean", initializer=self.moving_mean_initializer, **average)
        self.renorm_stddev = self.add_weight("renorm_stddev", initializer=stddev, **average)

    def _can_fuse(self, rank: int) -> bool:
        if self.renorm or self.synchronized:
            return False
        return rank in (4, 5) and self.axis in ([1], [rank - 1]) and self.compute_dtype != "float64"

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> tf.Tensor:
        """The normalized inputs.

        Args:
            inputs: numbers of any shape with the features along `axis`.
            training: whether the batch's moments are used, and the averages moved.
            mask: which positions count for the moments (not with the fused op).
        """
        if not inputs.dtype.is_floating:
            inputs = tf.cast(inputs, self.compute_dtype)
        normalize = self._fused if self.fused else lambda values, by_batch: self._plain(values, by_batch, mask)
        return choose(
            training if self.trainable else False, lambda: normalize(inputs, True), lambda: normalize(inputs, False)
        )

    def _fused(self, inputs: tf.Tensor, by_batch: bool) -> tf.Tensor:
        gamma = self.gamma if self.scale else tf.ones_like(self.moving_mean)
        beta = self.beta if self.center else tf.zeros_like(self.moving_mean)
        channels_first = self.axis == [1]
        averages = self.moving_mean, self.moving_variance
        outputs, mean, variance = ops.fused_batch_norm(
            inputs, gamma, beta, *averages, self.epsilon, by_batch, channels_first, self.momentum
        )
        if by_batch:
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
        return outputs

    def _plain(self, inputs: tf.Tensor, by_batch: bool, mask: Any) -> tf.Tensor:
        precise = tf.cast(inputs, tf.float32) if inputs.dtype.name in _HALF else inputs
        rank = inputs.shape.rank
        mean, variance = self.moving_mean, self.moving_variance
        beta, gamma = self.beta, self.gamma
        if by_batch:
            axes = [axis for axis in range(rank) if axis not in self.axis]
            mean, variance = ops.moments(precise, axes, _aligned(mask, rank), keepdims=len(self.axis) > 1)
            if self.renorm:
                beta, gamma = self._corrected(mean, variance)
            else:
                self._move_averages(mean, variance)
        shape = [1] * rank
        shape[self.axis[0]] = -1
        mean, variance, beta, gamma = (
            value if value is None or len(self.axis) > 1 or self.axis == [rank - 1] else tf.reshape(value, shape)
            for value in (mean, variance, beta, gamma)
        )
        return tf.cast(ops.normalize(precise, mean, variance, beta, gamma, self.epsilon), inputs.dtype)

    def _corrected(self, mean: tf.Tensor, variance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Beta and gamma with the correction of batch renormalization; moves all averages."""
        stddev = tf.sqrt(variance + self.epsilon)
        averages = self.renorm_mean, self.renorm_stddev
        r, d = ops.renorm_correction(mean, stddev, *averages, self.epsilon, **self.renorm_clipping)
        ops.move_average(self.renorm_mean, mean, self.renorm_momentum)
        ops.move_average(self.renorm_stddev, stddev, self.renorm_momentum)
        ops.move_average(self.moving_mean, mean, self.momentum)
        ops.move_average(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(tf.nn.relu(tf.square(self.moving_stddev) - self.epsilon))
        gamma, shift = (r, d) if self.gamma is None else (r * self.gamma, d * self.gamma)
        return shift if self.beta is None else shift + self.beta, gamma

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; those of batch renormalization only if it is on."""
        config = super().get_config()
        if self.renorm:
            config |= {name: getattr(self, name) for name in ("renorm", "renorm_clipping", "renorm_momentum")}
        return config

    def _move_averages(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
        ops.move_average(self.moving_mean, mean, self.momentum)
        ops.move_average(self.moving_variance, variance, self.momentum)


@LAYERS.register()
class SyncBatchNormalization(BatchNormalization):
    """`BatchNormalization(synchronized=True)` under its earlier name; the arguments are the same."""

    __config_module__ = "keras.layers.experimental"

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint,
            synchronized=True, **kwargs,
        )  # fmt: skip


@LAYERS.register()
class LayerNormalization(_Normalization):
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance being those of the sample along `axis`.

    Args:
        axis: the axis or axes over which the moments are taken; gamma and beta have their sizes.
        epsilon: keeps the division finite.
        center: whether beta is added.
        scale: whether gamma is multiplied by.
        beta_initializer: initial values of beta.
        gamma_initializer: initial values of gamma.
        beta_regularizer: a penalty on beta.
        gamma_regularizer: a penalty on gamma.
        beta_constraint: a projection of beta after each update.
        gamma_constraint: a projection of gamma after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for an axis that does not exist.

    Source: J. L. Ba et al., Layer Normalization (2016).
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Creates gamma and beta with the sizes along `axis`."""
        shape = self._locate(input_shape)
        self._add_scale_and_shift(tuple(shape[axis] for axis in self.axis), self.dtype)
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """The normalized inputs."""
        if not inputs.dtype.is_floating:
            inputs = tf.cast(inputs, self.compute_dtype)
        beta, gamma = (self._along_axes(weight, inputs.shape) for weight in (self.beta, self.gamma))
        return ops.layer_norm(inputs, self.axis, beta, gamma, self.epsilon)

    def _along_axes(self, weight: Any, shape: tf.TensorShape) -> Any:
        """The weight in a shape that broadcasts to inputs of that shape."""
        if weight is None or self.axis == [shape.rank - 1]:
            return weight
        return tf.reshape(weight, [size if axis in self.axis else 1 for axis, size in enumerate(shape)])


def _aligned(mask: Any, rank: int) -> Any:
    """The mask with axes of size 1 at its end up to the rank."""
    if mask is None:
        return None
    mask = tf.convert_to_tensor(mask)
    return tf.reshape(mask, [*tf.unstack(tf.shape(mask)), *[1] * (rank - mask.shape.rank)])


def _bounds(clipping: Any) -> dict[str, float]:
    """The bounds of the correction of batch renormalization."""
    if not isinstance(clipping or {}, dict) or set(clipping or {}) - set(_CLIPPED):
        raise ValueError(
            f"`renorm_clipping` must be a dict with keys among {', '.join(_CLIPPED)}. "
            f"Received: renorm_clipping={clipping!r}"
        )
    return dict(clipping or {})


def _refuse_removed(kwargs: dict[str, Any]) -> None:
    """Takes out the arguments of earlier releases, which must be off."""
    for name, off in _OFF.items():
        value = kwargs.pop(name, off)
        if value != off:
            raise ValueError(f"BatchNormalization does not support `{name}`. Received: {name}={value!r}\nLeave it out.")
