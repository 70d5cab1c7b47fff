"""Xception: a stack of depthwise separable convolutions with shortcuts around every two or three of them.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2016
(https://arxiv.org/abs/1610.02357), figure 5.
"""

from __future__ import annotations

from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import Request, channel_axis, variant
from kerasish.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D
from kerasish.models import Model

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_DIGITS = ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97")  # MD5 with and without the top


def _compose(asked: Request) -> Model:
    start = x = asked.input(299, smallest=71)
    for number, (filters, strides) in enumerate(((32, 2), (64, 1)), 1):
        name = f"block1_conv{number}"
        x = Conv2D(filters, 3, strides=strides, use_bias=False, name=name)(x)
        x = _relu(_normalized(x, f"{name}_bn"), name)
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _halving(x, block, (filters, filters))
    for block in range(5, 13):
        shortcut = x
        for number in (1, 2, 3):
            x = _separable(_relu(x, _name(block, number)), 728, block, number)
        x = Add()([x, shortcut])
    x = _halving(x, 13, (728, 1024))
    for number, filters in ((1, 1536), (2, 2048)):
        x = _relu(_separable(x, filters, 14, number), _name(14, number))
    kind = "" if asked.include_top else "_notop"
    url = f"xception/xception_weights_tf_dim_ordering_tf_kernels{kind}.h5"
    return asked.model(start, asked.ended(x, None, None), "xception", url, _DIGITS[not asked.include_top])


def _halving(x: Any, block: int, filters: tuple[int, int]) -> Any:
    """Two convolutions and a pooling of stride 2, with a convolution of stride 2 around them."""
    around = _normalized(Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x))
    for number in (1, 2):
        if block > 2 or number > 1:
            x = _relu(x, _name(block, number))
        x = _separable(x, filters[number - 1], block, number)
    return Add()([MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x), around])


def _separable(x: Any, filters: int, block: int, number: int) -> Any:
    name = _name(block, number)
    return _normalized(SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def _normalized(x: Any, name: str | None = None) -> Any:
    return BatchNormalization(axis=channel_axis(), name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return Activation("relu", name=f"{name}_act")(x)


def _name(block: int, number: int) -> str:
    return f"block{block}_sepconv{number}"


Xception = variant("Xception", "Xception of Chollet", _compose)
preprocess_input = preprocessing("tf")
