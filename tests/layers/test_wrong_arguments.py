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
    "groups": [lambda: layers.Conv2D(3, 2, groups=0)],
    "kernel_size": [lambda: layers.Conv2D(2, (3, 3, 3)), lambda: layers.Conv1D(2, 0), lambda: layers.Conv3D(2, (1, 2))],
    "strides": [
        lambda: layers.Conv2D(2, 2, strides=0),
        lambda: layers.MaxPooling2D(2, (1, 2, 3)),
        lambda: layers.Conv2D(2, 2, strides=2, dilation_rate=2),
    ],
    "dilation_rate": [lambda: layers.Conv2D(2, 2, dilation_rate=0)],
    "padding": [
        lambda: layers.Conv2D(2, 2, padding="full"),
        lambda: layers.Conv2D(2, 2, padding="causal"),
        lambda: layers.MaxPooling1D(padding="causal"),
        lambda: layers.Conv1D(2, 2, padding=1),
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
    "axis": [lambda: layers.BatchNormalization(axis="a"), lambda: layers.LayerNormalization(axis=[])],
    "renorm": [lambda: layers.BatchNormalization(renorm=True)],
    "axes": [lambda: layers.Dot("a"), lambda: layers.Dot((1, 2, 3)), lambda: layers.Dot(0)],
    "function": [lambda: layers.Lambda(3)],
    "relux": [lambda: layers.Activation("relux"), lambda: layers.Dense(2, activation="relux")],
    "foo": [lambda: layers.Dense(3, foo=2), lambda: layers.GaussianDropout(0.5, foo=1)],
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
