"""DenseNet of 121, 169 and 201 layers: every block adds its few channels to all that came before it in its stage.

Source: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2016
(https://arxiv.org/abs/1608.06993), table 1, with growth 32 and half of the channels kept between stages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import Request, channel_axis, variant
from kerasish.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_GROWTH = 32


def _densenet(layers: int, depths: tuple[int, ...], digits: tuple[str, str]) -> Callable[..., Model]:
    def compose(asked: Request) -> Model:
        start = asked.input(224)
        x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1/conv")(ZeroPadding2D(3)(start))
        x = ZeroPadding2D(1)(_activated(x, "conv1/"))
        x = MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, depth in enumerate(depths, 2):
            for number in range(1, depth + 1):
                x = _dense_block(x, f"conv{stage}_block{number}_")
            x = _transition(x, f"pool{stage}_") if stage < 5 else _activated(x, "")
        kind = "" if asked.include_top else "_notop"
        url = f"densenet/densenet{layers}_weights_tf_dim_ordering_tf_kernels{kind}.h5"
        return asked.model(start, asked.ended(x), f"densenet{layers}", url, digits[not asked.include_top])

    return variant(f"DenseNet{layers}", f"DenseNet of {layers} layers of Huang and others", compose)


def _dense_block(x: Any, name: str) -> Any:
    new = Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}1_conv")(_activated(x, f"{name}0_"))
    new = _activated(new, f"{name}1_")
    new = Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}2_conv")(new)
    return Concatenate(axis=channel_axis(), name=f"{name}concat")([x, new])


def _transition(x: Any, name: str) -> Any:
    kept = x.shape[channel_axis()] // 2
    x = Conv2D(kept, 1, use_bias=False, name=f"{name}conv")(_activated(x, name))
    return AveragePooling2D(2, strides=2, name=f"{name}pool")(x)


def _activated(x: Any, name: str) -> Any:
    x = BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}bn")(x)
    return Activation("relu", name=f"{name}relu")(x)


# The digits are the MD5 of the weights with and without the top.
DenseNet121 = _densenet(121, (6, 12, 24, 16), ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"))
DenseNet169 = _densenet(169, (6, 12, 32, 32), ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"))
DenseNet201 = _densenet(201, (6, 12, 48, 32), ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"))
preprocess_input = preprocessing("torch")
