"""Layers that disturb or penalise activations in training, and leave them alone otherwise."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import regularizers
from kerasish.core.seeds import make_seed
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import noise
from kerasish.ops.condition import choose


class _Random(Layer):
    """Base of layers that draw random numbers in training, from a stream that goes on from call to call."""

    _tells_shape = True

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self._noise = noise.new_state(make_seed(seed))
        self.supports_masking = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The disturbed inputs in training, else the inputs."""
        return choose(training, lambda: self._disturb(inputs), lambda: inputs) if self._disturbs() else inputs

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)

    def _disturbs(self) -> bool:
        raise NotImplementedError

    def _disturb(self, inputs: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError


@LAYERS.register()
class Dropout(_Random):
    """In training, a random share of the inputs zero and the others scaled up so that the mean stays.

    Args:
        rate: the share.
        noise_shape: shape of the mask, 1 (or None for the input's size) per axis; `(None, 1, None)` drops whole
            features of `(batch, time, features)`.
        seed: makes the draws the same in every run.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `rate` is outside [0, 1).

    Source: N. Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014).
    """

    def __init__(self, rate: Any, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.rate = arguments.share("rate", rate)
        self.noise_shape = noise_shape

    def _get_noise_shape(self, inputs: tf.Tensor) -> Any:
        """The mask's shape for these inputs; users' subclasses override it under this name."""
        if self.noise_shape is None:
            return None
        actual = tf.shape(inputs)
        return tf.stack([actual[axis] if size is None else size for axis, size in enumerate(self.noise_shape)])

    def _disturbs(self) -> bool:
        return not (isinstance(self.rate, (int, float)) and self.rate == 0)

    def _disturb(self, inputs: tf.Tensor) -> tf.Tensor:
        return noise.dropout(inputs, self.rate, self._noise, self._get_noise_shape(inputs))


class _SpatialDropout(Dropout):
    """Base of dropout of whole channels, one class for each rank."""

    rank = 0
    _config_excluded: tuple[str, ...] = ("data_format",)

    def __init__(self, rate: Any, data_format: str | None = "channels_last", **kwargs: Any):
        super().__init__(rate, **kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _get_noise_shape(self, inputs: tf.Tensor) -> Any:
        batch, *inner = tf.unstack(tf.shape(inputs))
        ones = [1] * self.rank
        channels_first = self.data_format == "channels_first"
        return tf.stack([batch, inner[0], *ones] if channels_first else [batch, *ones, inner[-1]])


@LAYERS.register()
class SpatialDropout1D(_SpatialDropout):
    """In training, a random share of the features of `(batch, time, features)` zero at every step.

    Source: J. Tompson et al., Efficient Object Localization Using Convolutional Networks (2014).
    """

    rank = 1

    def __init__(self, rate: Any, **kwargs: Any):
        super().__init__(rate, **kwargs)


@LAYERS.register()
class SpatialDropout2D(_SpatialDropout):
    """In training, a random share of the channels of images zero everywhere."""

    rank = 2

    def __init__(self, rate: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(rate, data_format, **kwargs)


@LAYERS.register()
class SpatialDropout3D(_SpatialDropout):
    """In training, a random share of the channels of volumes zero everywhere."""

    rank = 3

    def __init__(self, rate: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(rate, data_format, **kwargs)


@LAYERS.register()
class GaussianNoise(_Random):
    """In training, the inputs plus normal noise of mean 0.

    Raises:
        ValueError: if the deviation `stddev` is negative.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(stddev, (int, float)) or stddev < 0:
            raise ValueError(f"`stddev` must be a number of at least 0. Received: stddev={stddev!r}")
        self.stddev = stddev

    def _disturbs(self) -> bool:
        return self.stddev > 0

    def _disturb(self, inputs: tf.Tensor) -> tf.Tensor:
        return noise.gaussian_noise(inputs, self.stddev, self._noise)


@LAYERS.register()
class GaussianDropout(_Random):
    """In training, the inputs times normal noise of mean 1 and deviation `sqrt(rate / (1 - rate))`.

    Raises:
        ValueError: if `rate` is outside [0, 1).
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.rate = arguments.share("rate", rate)

    def _disturbs(self) -> bool:
        return self.rate > 0

    def _disturb(self, inputs: tf.Tensor) -> tf.Tensor:
        return noise.gaussian_dropout(inputs, self.rate, self._noise)


@LAYERS.register()
class AlphaDropout(_Random):
    """Dropout for SELU networks: in training, a share of the inputs at SELU's limit, mean and variance kept.

    Raises:
        ValueError: if `rate` is outside [0, 1).

    Source: G. Klambauer et al., Self-Normalizing Neural Networks (2017).
    """

    _config_excluded: tuple[str, ...] = ("noise_shape",)

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.rate = arguments.share("rate", rate)
        self.noise_shape = noise_shape

    def _disturbs(self) -> bool:
        return self.rate > 0

    def _disturb(self, inputs: tf.Tensor) -> tf.Tensor:
        return noise.alpha_dropout(inputs, self.rate, self._noise, self.noise_shape)


@LAYERS.register()
class ActivityRegularization(Layer):
    """The inputs unchanged, with the loss `l1 sum|x| + l2 sum(x^2)` of each sample."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape."""
        return tf.TensorShape(input_shape)
