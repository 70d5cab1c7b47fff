"""Random perturbations of tensors: the same seed gives the same draws eagerly, in a graph and under XLA.

TensorFlow's stateful random ops ignore their seeds under XLA, and its stateless ones turn the same bits into other
floats there. Here the state is explicit, a counter that each draw advances, and all is computed from the bits.

Source: J. Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011), the Philox generator;
G. E. P. Box and M. E. Muller, A Note on the Generation of Random Normal Deviates (1958);
N. Srivastava et al., Dropout (2014); G. Klambauer et al., Self-Normalizing Neural Networks (2017).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

_PHILOX = 1
_NEXT_BLOCK = np.array([0, 1, 0], np.int64)
_COUNTER_AND_KEY = np.array([2, 1], np.int64)
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def new_state(seed: int) -> tf.random.Generator:
    """The state of a stream of random numbers, which TensorFlow tracks and saves: counter (two words) and key."""
    with tf.init_scope():
        return tf.random.Generator.from_state(np.array([0, 0, seed], np.int64), alg="philox")


def bits(state: tf.random.Generator, shape: Any) -> tf.Tensor:
    """Uniform 32-bit numbers of the shape; each draw may use 2**64 blocks before it meets the following one."""
    state.state.assign_add(_NEXT_BLOCK, read_value=False)
    words = tf.bitcast(state.state.value(), tf.uint64)
    counter, key = tf.raw_ops.SplitV(value=words, size_splits=_COUNTER_AND_KEY, axis=0, num_split=2)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=shape, key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
    )


def chance(state: tf.random.Generator, shape: Any, probability: Any) -> tf.Tensor:
    """Booleans of the shape, true with that probability."""
    if isinstance(probability, (int, float)):
        limit = min(int(probability * 2.0**32), 2**32 - 1)
    else:
        limit = tf.cast(tf.cast(probability, tf.float64) * 2.0**32, tf.uint32)
    return tf.raw_ops.Less(x=bits(state, shape), y=limit)


def normal(state: tf.random.Generator, shape: Any) -> tf.Tensor:
    """Float32 numbers of the shape, normally distributed with mean 0 and deviation 1."""
    drawn = tf.cast(bits(state, tf.concat([[2], shape], 0)), tf.float32)
    first, second = tf.unstack((tf.floor(drawn * 2.0**-8) + 0.5) * 2.0**-24)
    return tf.sqrt(-2.0 * tf.math.log(first)) * tf.cos(2.0 * math.pi * second)


def _shape(inputs: tf.Tensor) -> Any:
    """The shape, static where it is known."""
    return inputs.shape if inputs.shape.is_fully_defined() else tf.shape(inputs)


def dropout(inputs: tf.Tensor, rate: Any, state: tf.random.Generator, noise_shape: Any = None) -> tf.Tensor:
    """The inputs with a share `rate` of the entries zero and the others divided by `1 - rate`.

    Args:
        inputs: numbers of any shape.
        rate: the share, 0 up to but not including 1.
        state: where the random numbers come from.
        noise_shape: shape of the random mask, which is broadcast to the inputs; theirs if None.
    """
    dropped = chance(state, _shape(inputs) if noise_shape is None else noise_shape, rate)
    scale = 1.0 / (1.0 - rate)
    return _kept(inputs, dropped, scale if isinstance(scale, float) else tf.cast(scale, inputs.dtype))


def _kept(inputs: tf.Tensor, dropped: tf.Tensor, scale: Any) -> tf.Tensor:
    """The inputs scaled where they are not dropped, zero elsewhere; `dropped` broadcasts to them.

    The gradient is treated likewise. TensorFlow's own asks for shapes, which are those of the inputs, and sums.
    """

    def kept(values: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.SelectV2(condition=dropped, t=0.0, e=values * scale)

    return tf.custom_gradient(lambda values: (kept(values), kept))(inputs)


def gaussian_noise(inputs: tf.Tensor, stddev: float, state: tf.random.Generator) -> tf.Tensor:
    """The inputs plus normal noise of mean 0."""
    return inputs + tf.cast(stddev * normal(state, _shape(inputs)), inputs.dtype)


def gaussian_dropout(inputs: tf.Tensor, rate: float, state: tf.random.Generator) -> tf.Tensor:
    """The inputs times normal noise of mean 1 and deviation `sqrt(rate / (1 - rate))`."""
    deviation = math.sqrt(rate / (1.0 - rate))
    return inputs * tf.cast(1.0 + deviation * normal(state, _shape(inputs)), inputs.dtype)


def alpha_dropout(inputs: tf.Tensor, rate: float, state: tf.random.Generator, noise_shape: Any = None) -> tf.Tensor:
    """The inputs with a share `rate` of the entries at SELU's negative limit, rescaled to keep mean and variance."""
    limit = -_SELU_ALPHA * _SELU_SCALE
    scale = ((1.0 - rate) * (1.0 + rate * limit**2)) ** -0.5
    dropped = chance(state, _shape(inputs) if noise_shape is None else noise_shape, rate)
    return scale * tf.where(dropped, tf.cast(limit, inputs.dtype), inputs) - scale * limit * rate


def uniform(state: tf.random.Generator, shape: Any, low: float, high: float) -> tf.Tensor:
    """Float32 numbers of the shape, evenly distributed from `low` up to `high`."""
    drawn = tf.floor(tf.cast(bits(state, shape), tf.float32) * 2.0**-8) * 2.0**-24
    return low + (high - low) * drawn
