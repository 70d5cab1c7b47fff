"""A wrong argument is refused where it is made, in a message that names it and is short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kerasish import layers

_VECTOR, _SERIES = np.ones((2, 5), "float32"), np.ones((2, 5, 4), "float32")
_EMBEDDING = lambda: layers.Embedding(3, 2, input_length=4)  # noqa: E731
_IMAGE, _VOLUME = np.ones((2, 5, 4, 2), "float32"), np.ones((2, 5, 4, 3, 2), "float32")

AT_CONSTRUCTION = {
    "units": [lambda: layers.Dense(0), lambda: layers.Dense(-1), lambda: layers.Dense(2.5), lambda: layers.Dense("3")],
    "rate": [
        lambda: layers.Dropout(1.0),
        lambda: layers.Dropout(-0.1),
        lambda: layers.SpatialDropout1D(2.0),
        lambda: layers.GaussianDropout(1),
        lambda: layers.AlphaDropout(7),
        lambda: layers.Dropout("0.5"),
    ],
    "stddev": [lambda: layers.GaussianNoise(-1.0)],
    "filters": [lambda: layers.Conv2D(0, 3), lambda: layers.Conv1D(None, 3), lambda: layers.Conv2D(3, 2, groups=2)],
    "groups": [
        lambda: layers.Conv2D(3, 2, groups=0),
        lambda: layers.Conv2DTranspose(2, 3, groups=2),
        lambda: layers.DepthwiseConv2D(3, groups=2),
        lambda: layers.GroupNormalization(0),
        lambda: layers.GroupNormalization("a"),
    ],
    "kernel_size": [lambda: layers.Conv2D(2, (3, 3, 3)), lambda: layers.Conv1D(2, 0), lambda: layers.Conv3D(2, (1, 2))],
    "strides": [
        lambda: layers.Conv2D(2, 2, strides=0),
        lambda: layers.MaxPooling2D(2, (1, 2, 3)),
        lambda: layers.Conv2D(2, 2, strides=2, dilation_rate=2),
    ],
    "dilation_rate": [
        lambda: layers.Conv2D(2, 2, dilation_rate=0),
        lambda: layers.Conv3DTranspose(2, 3, dilation_rate=2),
        lambda: layers.DepthwiseConv2D(3, 2, dilation_rate=2),
    ],
    "padding": [
        lambda: layers.Conv2D(2, 2, padding="full"),
        lambda: layers.Conv2D(2, 2, padding="causal"),
        lambda: layers.MaxPooling1D(padding="causal"),
        lambda: layers.Conv1D(2, 2, padding=1),
        lambda: layers.DepthwiseConv1D(3, padding="causal"),
        lambda: layers.LocallyConnected1D(2, 3, padding="same"),
        lambda: layers.ZeroPadding1D((1, 2, 3)),
        lambda: layers.ZeroPadding2D(-1),
        lambda: layers.ZeroPadding3D("a"),
    ],
    "data_format": [
        lambda: layers.Conv2D(2, 2, data_format="NHWC"),
        lambda: layers.GlobalMaxPooling2D("last"),
        lambda: layers.Flatten(data_format="first"),
    ],
    "pool_size": [lambda: layers.MaxPooling2D((2, 2, 2)), lambda: layers.AveragePooling1D(0)],
    "input_dim": [lambda: layers.Embedding(0, 2)],
    "output_dim": [lambda: layers.Embedding(3, -2)],
    "target_shape": [lambda: layers.Reshape((-1, -1)), lambda: layers.Reshape(6), lambda: layers.Reshape((2, -3))],
    "dims": [lambda: layers.Permute((0, 1)), lambda: layers.Permute((1, 3))],
    "n": [lambda: layers.RepeatVector("a"), lambda: layers.RepeatVector(-1)],
    "max_value": [lambda: layers.ReLU(-1.0)],
    "negative_slope": [lambda: layers.ReLU(negative_slope=-1.0), lambda: layers.ReLU(negative_slope=None)],
    "threshold": [lambda: layers.ReLU(threshold=-1)],
    "alpha": [lambda: layers.LeakyReLU(None), lambda: layers.ELU(None)],
    "theta": [lambda: layers.ThresholdedReLU(-1.0)],
    "axis": [
        lambda: layers.BatchNormalization(axis="a"),
        lambda: layers.LayerNormalization(axis=[]),
        lambda: layers.UnitNormalization("a"),
        lambda: layers.UnitNormalization(1.5),
        lambda: layers.GroupNormalization(2, axis=[1, 2]),
        lambda: layers.GroupNormalization(2, axis=0),
    ],
    "renorm_clipping": [
        lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"zmax": 3}),
        lambda: layers.BatchNormalization(renorm=True, renorm_clipping=3),
    ],
    "fused": [lambda: layers.BatchNormalization(renorm=True, fused=True)],
    "virtual_batch_size": [lambda: layers.BatchNormalization(virtual_batch_size=2)],
    "axes": [lambda: layers.Dot("a"), lambda: layers.Dot((1, 2, 3)), lambda: layers.Dot(0)],
    "function": [lambda: layers.Lambda(3)],
    "relux": [lambda: layers.Activation("relux"), lambda: layers.Dense(2, activation="relux")],
    "foo": [lambda: layers.Dense(3, foo=2), lambda: layers.GaussianDropout(0.5, foo=1)],
    "output_padding": [
        lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=2),
        lambda: layers.Conv1DTranspose(2, 3, output_padding=-1),
    ],
    "depth_multiplier": [
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=0),
        lambda: layers.SeparableConv1D(2, 3, depth_multiplier=1.5),
    ],
    "implementation": [
        lambda: layers.LocallyConnected2D(2, 3, implementation=4),
    ],
    "cropping": [
        lambda: layers.Cropping1D(1.5),
        lambda: layers.Cropping2D((1, 2, 3)),
        lambda: layers.Cropping2D(((1, 2, 3), 1)),
        lambda: layers.Cropping3D(-1),
    ],
    "size": [
        lambda: layers.UpSampling1D(0),
        lambda: layers.UpSampling2D((1, 2, 3)),
        lambda: layers.UpSampling3D(1.5),
    ],
    "interpolation": [
        lambda: layers.UpSampling2D(interpolation="cubic"),
    ],
    "equation": [
        lambda: layers.EinsumDense("ab bc ac", 3),
        lambda: layers.EinsumDense("ab,bc->", 3),
        lambda: layers.EinsumDense("ab,cd->ac", 3),
        lambda: layers.EinsumDense("...ab,bc->ac", 3),
        lambda: layers.EinsumDense(3, 3),
    ],
    "output_shape": [
        lambda: layers.EinsumDense("ab,bc->ac", "a"),
        lambda: layers.EinsumDense("ab,bc->ac", 0),
        lambda: layers.EinsumDense("ab,bc->ac", (None, 1.5)),
    ],
    "bias_axes": [
        lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="z"),
    ],
    "power_iterations": [
        lambda: layers.SpectralNormalization(layers.Dense(2), 0),
    ],
    "layer": [
        lambda: layers.Wrapper(3),
        lambda: layers.SpectralNormalization(layers.Dense),
    ],
}

AT_CALL = {
    "Dense of vectors without a batch": (lambda: layers.Dense(2)(_VECTOR[0]), "x[None]"),
    "Dense of other features": (lambda: _twice(layers.Dense(2), _SERIES, _SERIES[..., :3]), "expected size 4"),
    "Dense of unknown features": (lambda: layers.Dense(2)(layers.Input((3, None))), "known size"),
    "Conv2D of series": (lambda: layers.Conv2D(3, 2)(_SERIES), "at least 4"),
    "Conv2D of few channels": (lambda: layers.Conv2D(3, 2, groups=3)(_IMAGE), "groups=3"),
    "Conv2D of unknown channels": (lambda: layers.Conv2D(3, 2)(layers.Input((5, 5, None))), "channels"),
    "Conv2D larger than the image": (lambda: layers.Conv2D(3, 7)(_IMAGE), "kernel_size=(7, 7)"),
    "Conv1D larger than the symbol": (lambda: layers.Conv1D(3, 7)(layers.Input((5, 2))), "smaller than its window"),
    "pooling of volumes": (lambda: layers.MaxPooling2D()(_VOLUME), "4 axes"),
    "pooling larger than the image": (lambda: layers.MaxPooling2D(9)(_IMAGE), "pool_size=(9, 9)"),
    "Reshape into another size": (lambda: layers.Reshape((7,))(_SERIES), "target_shape=(7,)"),
    "Reshape that does not divide": (lambda: layers.Reshape((3, -1))(layers.Input((5, 4))), "20 elements"),
    "Permute of another rank": (lambda: layers.Permute((2, 1, 3))(_SERIES), "4 axes"),
    "RepeatVector of series": (lambda: layers.RepeatVector(2)(_SERIES), "2 axes"),
    "an axis that is not there": (lambda: layers.BatchNormalization(axis=5)(_SERIES), "axis=[5]"),
    "an axis twice": (lambda: layers.LayerNormalization(axis=[1, -2])(_SERIES), "twice"),
    "an axis of unknown size": (lambda: layers.BatchNormalization()(layers.Input((5, None))), "known size"),
    "fused vectors": (lambda: layers.BatchNormalization(fused=True)(_VECTOR), "fused=True"),
    "one tensor merged": (lambda: layers.Add()(_SERIES), "list"),
    "nothing merged": (lambda: layers.Add()([]), "list"),
    "shapes that do not fit": (lambda: layers.Add()([_SERIES, _SERIES[:, :3]]), "equal shapes"),
    "batches that do not fit": (lambda: layers.Add()([_SERIES, _SERIES[:1]]), "batch sizes"),
    "three subtracted": (lambda: layers.Subtract()([_SERIES] * 3), "exactly 2"),
    "shapes that do not join": (lambda: layers.Concatenate()([_SERIES, _SERIES[:, :3]]), "along axis -1"),
    "ranks that do not join": (lambda: layers.Concatenate()([_SERIES, _SERIES[:, 0]]), "along axis -1"),
    "an axis to join that is not there": (lambda: layers.Concatenate(axis=7)([_SERIES, _SERIES]), "axis=7"),
    "sizes that cannot be multiplied": (lambda: layers.Dot((1, 2))([_SERIES, _SERIES]), "axes=(1, 2)"),
    "three multiplied": (lambda: layers.Dot(1)([_SERIES] * 3), "exactly 2"),
    "another sequence length": (lambda: _EMBEDDING().compute_output_shape((2, 5)), "input_length=4"),
    "a variable in a Lambda": (lambda: layers.Lambda(_with_variable)(_SERIES), "add_weight"),
    "Conv2DTranspose of films": (lambda: layers.Conv2DTranspose(3, 2)(_VOLUME), "4 axes"),
    "DepthwiseConv2D of unknown channels": (lambda: layers.DepthwiseConv2D(2)(layers.Input((5, 5, None))), "channels"),
    "SeparableConv1D larger than the series": (lambda: layers.SeparableConv1D(2, 7)(_SERIES), "kernel_size=(7,)"),
    "LocallyConnected1D of unknown time": (lambda: layers.LocallyConnected1D(2, 3)(layers.Input((None, 4))), "sizes"),
    "LocallyConnected2D larger than the image": (lambda: layers.LocallyConnected2D(2, 5)(_IMAGE), "kernel_size=(5, 5)"),
    "LocallyConnected1D of another time": (
        lambda: _twice(layers.LocallyConnected1D(2, 3), _SERIES, _SERIES[:, 1:]), "expected size 5"),
    "nothing left of an image": (lambda: layers.Cropping2D(2)(_IMAGE), "cropping=((2, 2), (2, 2))"),
    "ZeroPadding2D of series": (lambda: layers.ZeroPadding2D()(_SERIES), "4 axes"),
    "EinsumDense of another rank": (lambda: layers.EinsumDense("ab,bc->ac", 3)(_SERIES), "axes of its equation"),
    "EinsumDense of unknown features": (
        lambda: layers.EinsumDense("ab,bc->ac", 3)(layers.Input((None,))), "must be known"),
    "EinsumDense to another time": (lambda: layers.EinsumDense("abc,cd->abd", (3, 2))(_SERIES), "size 5"),
    "groups that do not divide": (lambda: layers.GroupNormalization(3)(_SERIES), "groups=3"),
    "more groups than channels": (lambda: layers.GroupNormalization(8)(_SERIES), "groups=8"),
    "no such axis to be of length 1": (lambda: layers.UnitNormalization(5)(_SERIES), "axis=[5]"),
    "no kernel to normalize": (lambda: layers.SpectralNormalization(layers.Flatten())(_SERIES), "Flatten"),
}  # fmt: skip


def _twice(layer: Any, first: Any, second: Any) -> None:
    layer(first)
    layer(second)


def _with_variable(x: Any) -> Any:
    import tensorflow as tf

    return x * tf.Variable(2.0)


def _message(make: Callable[[], Any]) -> str:
    with pytest.raises((ValueError, TypeError)) as raised:
        make()
    return str(raised.value)


@pytest.mark.parametrize(
    ("argument", "make"), [(name, make) for name, makes in AT_CONSTRUCTION.items() for make in makes]
)
def test_a_wrong_argument_is_named_at_construction(argument: str, make: Callable[[], Any]) -> None:
    message = _message(make)
    assert argument in message
    assert len(message.splitlines()) <= 6


@pytest.mark.parametrize("situation", AT_CALL)
def test_a_wrong_input_is_explained_at_the_call(situation: str) -> None:
    make, clue = AT_CALL[situation]
    message = _message(make)
    assert clue in message
    assert len(message.splitlines()) <= 6
