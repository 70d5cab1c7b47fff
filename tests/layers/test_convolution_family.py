"""What the rows of the contract do not say of convolutions, resizing and the small normalizations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers
from kerasish.models.model import Model

_RANDOM = np.random.RandomState(3)
_IMAGES = _RANDOM.normal(size=(2, 5, 4, 3)).astype("float32")


def _close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("interpolation", ["bicubic", "area", "gaussian", "lanczos3", "lanczos5", "mitchellcubic"])
def test_every_interpolation_is_the_oracles(interpolation: str) -> None:
    # Not among the contract's rows, as XLA lacks them.
    for data_format in ("channels_last", "channels_first"):
        ours = layers.UpSampling2D((2, 3), data_format, interpolation)
        theirs = tf_keras.layers.UpSampling2D((2, 3), data_format, interpolation)
        _close(ours(_IMAGES), theirs(_IMAGES))
        assert ours.get_config() == {**theirs.get_config(), "name": ours.name}


def test_upsampling_keeps_integers_and_floats_of_any_size() -> None:
    assert layers.UpSampling2D()(_IMAGES.astype("int32")).dtype == tf.int32
    assert layers.UpSampling3D()(tf.ones((1, 2, 2, 2, 1), tf.int64)).dtype == tf.int64
    assert layers.UpSampling2D(interpolation="bilinear", dtype="float64")(_IMAGES).dtype == tf.float64
    assert layers.UpSampling1D(2.0).get_config()["size"] == 2


@pytest.mark.parametrize(
    ("make", "channels"),
    [
        (lambda: layers.Conv1DTranspose(2, 3, 2), 1),
        (lambda: layers.Conv2DTranspose(2, 3, 2, "same", 1), 2),
        (lambda: layers.Conv2DTranspose(2, 3, data_format="channels_first"), 2),
        (lambda: layers.Conv3DTranspose(2, 2, 2), 3),
        (lambda: layers.DepthwiseConv1D(2), 1),
        (lambda: layers.SeparableConv2D(2, 3), 2),
        (lambda: layers.UpSampling1D(3), 1),
        (lambda: layers.UpSampling2D(2, interpolation="bilinear"), 2),
        (lambda: layers.UpSampling3D((1, 2, 3)), 3),
        (lambda: layers.ZeroPadding2D(((1, 0), (0, 2))), 2),
        (lambda: layers.Cropping3D(1), 3),
        (lambda: layers.GroupNormalization(2), 2),
        (lambda: layers.EinsumDense("...x,xy->...y", 3, bias_axes="y"), 2),
    ],
)
def test_sizes_in_space_may_be_unknown_until_the_call(make: Any, channels: int) -> None:
    layer = make()
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    unknown = [None] * channels
    symbolic = layers.Input([4, *unknown] if first else [*unknown, 4])
    outputs = layer(symbolic)
    assert outputs.shape.rank == channels + 2
    for size in (4, 7):
        space = [size] * channels
        inputs = _RANDOM.normal(size=[2, 4, *space] if first else [2, *space, 4]).astype("float32")
        _close(Model(symbolic, outputs).predict(inputs, verbose=0), layer(inputs))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(rank: int, padding: str) -> None:
    # <conv(x), y> == <x, transposed(y)> with the same kernel
    forward = getattr(layers, f"Conv{rank}D")(3, 2, 2, padding, use_bias=False)
    backward = getattr(layers, f"Conv{rank}DTranspose")(2, 2, 2, padding, use_bias=False)
    x = tf.constant(_RANDOM.normal(size=(1, *[6] * rank, 2)), tf.float32)
    y = tf.constant(_RANDOM.normal(size=forward(x).shape), tf.float32)
    backward(y)
    backward.set_weights(forward.get_weights())
    assert isinstance(backward, getattr(layers, f"Conv{rank}D"))
    _close(tf.reduce_sum(forward(x) * y), tf.reduce_sum(x * backward(y)))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("padding", "strides"), [("valid", 1), ("same", (1, 2)), ("same", (2, 3))])
@pytest.mark.parametrize("implementation", [2, 3])
def test_locally_connected_windows_lie_where_the_oracles_do(
    data_format: str, padding: str, strides: Any, implementation: int
) -> None:
    arguments = (2, (2, 3), strides, padding, data_format)
    ours = layers.LocallyConnected2D(*arguments, implementation=implementation)
    theirs = tf_keras.layers.LocallyConnected2D(*arguments, implementation=implementation)
    theirs(_IMAGES), ours(_IMAGES)
    theirs.set_weights([_RANDOM.normal(size=weight.shape) for weight in theirs.weights])
    ours.set_weights(theirs.get_weights())
    _close(ours(_IMAGES), theirs(_IMAGES))


def test_group_normalization_counts_what_the_mask_keeps() -> None:
    x = (_RANDOM.normal(size=(2, 5, 4)) * 3 + 1).astype("float32")
    elements = _RANDOM.uniform(size=x.shape) > 0.4
    _close(
        layers.GroupNormalization(2)(x, mask=tf.constant(elements)),
        tf_keras.layers.GroupNormalization(2)(x, mask=tf.constant(elements)),
    )
    steps = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 0]], bool)  # tf_keras refuses a mask of steps
    changed = np.where(steps[..., None], x, 100).astype("float32")
    layer = layers.GroupNormalization(2)
    _close(
        tf.boolean_mask(layer(x, mask=tf.constant(steps)), steps),
        tf.boolean_mask(layer(changed, mask=tf.constant(steps)), steps),
    )


def test_unit_normalization_leaves_zeros() -> None:
    _close(layers.UnitNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]], "float32")), [[0.6, 0.8], [0, 0]])


def test_spectral_normalization_finds_the_largest_singular_value_and_leaves_inference_alone() -> None:
    inner = layers.Dense(3, use_bias=False, activity_regularizer="l2")
    layer = layers.SpectralNormalization(inner, power_iterations=30)
    x = _RANDOM.normal(size=(4, 5)).astype("float32")
    layer(x)
    kernel = inner.kernel.numpy()
    _close(layer(x), x @ kernel)
    _close(inner.kernel, kernel)
    largest = np.linalg.svd(kernel)[1][0]
    _close(tf.function(layer)(x, training=True), x @ kernel / largest)
    _close(inner.kernel, kernel / largest)
    assert len(layer.losses) == 1
    assert layer.activity_regularizer is inner.activity_regularizer


def test_spectral_normalization_takes_a_symbolic_flag() -> None:
    layer = layers.SpectralNormalization(layers.Dense(3))
    layer(_IMAGES[0, 0])
    before = layer.layer.kernel.numpy()

    @tf.function
    def call(flag: tf.Tensor) -> tf.Tensor:
        return layer(_IMAGES[0, 0], training=flag)

    call(tf.constant(False))
    _close(layer.layer.kernel, before)
    call(tf.constant(True))
    assert not np.allclose(layer.layer.kernel, before)


def test_a_wrapper_builds_what_it_wraps_and_is_described_with_it() -> None:
    wrapper = layers.Wrapper(layers.Dense(2))
    wrapper.build((None, 3))
    assert wrapper.layer.built and len(wrapper.weights) == 2
    again = layers.deserialize(layers.serialize(wrapper))
    assert again.get_config() == wrapper.get_config()
    theirs = tf_keras.layers.Wrapper(tf_keras.layers.Dense(2))
    assert set(theirs.get_config()) == set(wrapper.get_config())


def test_identity_passes_structures() -> None:
    first, second = layers.Identity()([tf.constant(1.0), tf.constant(2.0)])
    assert (float(first), float(second)) == (1.0, 2.0)
