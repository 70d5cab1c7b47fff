"""EfficientNet B0 to B7, and what EfficientNetV2 shares with it: one network, made wider, deeper and larger together.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019
(https://arxiv.org/abs/1905.11946), table 1; the blocks are those of MobileNetV2, with the squeeze and excitation of Hu
and others (https://arxiv.org/abs/1709.01507).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.scaling import DEVIATION
from kerasish.applications.sizes import divisible, padding_before_stride
from kerasish.initializers import VarianceScaling, serialize
from kerasish.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = [
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
    "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

# Configurations, of which every weight makes an initializer of its own.
KERNEL = serialize(VarianceScaling(2.0, "fan_out", "truncated_normal"))
CLASSIFIER = serialize(VarianceScaling(1.0 / 3.0, "fan_out", "uniform"))
SQUEEZE = 0.25  # channels within squeeze and excitation, as a part of those that enter the block

# Kernel, blocks, channels, widening, stride of the first block.
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)


@dataclass(frozen=True)
class Style:
    """What differs between the blocks of the two generations."""

    momentum: float = 0.99
    depthwise: str = "dwconv"
    pads: bool = True  # whether zeros are added by a layer before a stride
    activation: Any = "swish"


def convolved(x: Any, style: Style, name: str, filters: int, kernel: int = 1, stride: int = 1, **arguments: Any) -> Any:
    """The convolution `NAMEconv` and its normalization `NAMEbn`."""
    arguments = {"padding": "same", **arguments}
    x = Conv2D(
        filters, kernel, strides=stride, use_bias=False, kernel_initializer=KERNEL, name=f"{name}conv", **arguments
    )(x)
    return normalized(x, style, name)


def normalized(x: Any, style: Style, name: str) -> Any:
    """Batch normalization `NAMEbn`."""
    return BatchNormalization(axis=channel_axis(), momentum=style.momentum, name=f"{name}bn")(x)


def activated(x: Any, style: Style, name: str) -> Any:
    """The activation `NAMEactivation`."""
    return Activation(style.activation, name=f"{name}activation")(x)


def mobile_block(
    x: Any, style: Style, name: str, kernel: int, channels: int, widening: int, stride: int, drop: float
) -> Any:
    """Widen, convolve over space, weigh the channels, narrow; with a shortcut where the shape stays."""
    before, width = x, x.shape[channel_axis()]
    if widening > 1:
        x = activated(convolved(x, style, f"{name}expand_", widening * width), style, f"{name}expand_")
    padding = "same"
    if stride > 1 and style.pads:
        x, padding = ZeroPadding2D(padding_before_stride(x, kernel), name=f"{name}dwconv_pad")(x), "valid"
    x = DepthwiseConv2D(
        kernel, strides=stride, padding=padding, use_bias=False, depthwise_initializer=KERNEL,
        name=f"{name}{style.depthwise}",
    )(x)  # fmt: skip
    x = activated(normalized(x, style, name), style, name)
    x = weighed(x, max(1, int(width * SQUEEZE)), style.activation, f"{name}se_")
    x = convolved(x, style, f"{name}project_", channels)
    return added(x, before, drop, name) if stride == 1 and width == channels else x


def weighed(x: Any, narrow: int, activation: Any, name: str) -> Any:
    """Squeeze and excitation: every channel times a weight that follows from the means of all channels."""
    channels = x.shape[channel_axis()]
    shape = (channels, 1, 1) if channel_axis() == 1 else (1, 1, channels)
    weights = Reshape(shape, name=f"{name}reshape")(GlobalAveragePooling2D(name=f"{name}squeeze")(x))
    for layer, filters, function in (("reduce", narrow, activation), ("expand", channels, "sigmoid")):
        weights = Conv2D(
            filters, 1, padding="same", activation=function, kernel_initializer=KERNEL, name=f"{name}{layer}"
        )(weights)
    return Multiply(name=f"{name}excite")([x, weights])


def added(x: Any, before: Any, drop: float, name: str) -> Any:
    """The sum with what was before the block, which training now and then leaves to be all of it (`drop`)."""
    return Add(name=f"{name}add")([dropped(x, drop, f"{name}drop"), before])


def dropped(x: Any, drop: float, name: str) -> Any:
    """The features of an image whole or, with the probability `drop` in training, not at all.

    Source: Huang and others, "Deep Networks with Stochastic Depth", 2016 (https://arxiv.org/abs/1603.09382).
    """
    return Dropout(drop, noise_shape=(None, 1, 1, 1), name=name)(x) if drop else x


def numbered(depths: list[int], drop: float, blocks: int) -> Iterator[tuple[int, int, str, float]]:
    """For every block the number of its stage, its own there, its name, and its drop rate, `drop` after `blocks`."""
    done = 0
    for stage, depth in enumerate(depths):
        for number in range(depth):
            yield stage, number, f"block{stage + 1}{chr(97 + number)}_", drop * done / blocks
            done += 1


def ended(asked: Request, x: Any, style: Style, features: int, dropout: float, **arguments: Any) -> Any:
    """The last convolution and the top, or without that the features pooled as asked for."""
    x = activated(convolved(x, style, "top_", features), style, "top_")
    if not asked.include_top:
        return asked.pooled(x, "avg_pool", "max_pool")
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    x = Dropout(dropout, name="top_dropout")(x) if dropout else x
    return asked.classified(x, kernel_initializer=CLASSIFIER, **arguments)


def _efficientnet(
    name: str, width: float, depth: float, size: int, dropout: float, digits: tuple[str, str]
) -> Callable[..., Model]:
    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: Any = None, classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax", **kwargs: Any,
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        style, step, drop = _options(f"EfficientNet{name}", **kwargs)
        start = asked.input(size)
        x = Normalization(axis=channel_axis())(Rescaling(1.0 / 255.0)(start))
        if weights == "imagenet":
            x = _corrected(x)
        x = ZeroPadding2D(padding_before_stride(x, 3), name="stem_conv_pad")(x)
        x = convolved(x, style, "stem_", divisible(32 * width, step), 3, 2, padding="valid")
        x = activated(x, style, "stem_")
        depths = [math.ceil(depth * row[1]) for row in _STAGES]
        for stage, number, block, rate in numbered(depths, drop, sum(depths)):
            kernel, _, channels, widening, stride = _STAGES[stage]
            channels = divisible(channels * width, step)
            x = mobile_block(x, style, block, kernel, channels, widening, stride if number == 0 else 1, rate)
        x = ended(asked, x, style, divisible(1280 * width, step), dropout)
        lower = f"efficientnet{name.lower()}"
        url = f"/keras-applications/{lower}{'' if include_top else '_notop'}.h5"
        return asked.model(start, x, lower, url, digits[not include_top])

    return named(
        build, f"EfficientNet{name}", f"EfficientNet {name} of Tan and Le",
        "**kwargs: `drop_connect_rate`, of the last block (0.2); `depth_divisor`, of the numbers of channels (8);",
        "    `activation` (`\"swish\"`).",
    )  # fmt: skip


def _options(
    name: str, drop_connect_rate: float = 0.2, depth_divisor: int = 8, activation: Any = "swish", **others: Any
) -> tuple[Style, int, float]:
    if others:
        raise TypeError(f"{name} takes no keyword argument {', '.join(map(repr, others))}.")
    return Style(activation=activation), depth_divisor, drop_connect_rate


def _corrected(x: Any) -> Any:
    """What was divided by the variance, divided by the standard deviation: so the published weights expect it."""
    shape = (1, 3, 1, 1) if channel_axis() == 1 else (1, 1, 1, 3)
    return tf.math.multiply(x, np.reshape(1.0 / np.sqrt(DEVIATION), shape).astype(np.float32))


# Width, depth, size of the images, dropout before the last layer, MD5 of the weights with and without the top.
EfficientNetB0 = _efficientnet(
    "B0", 1.0, 1.0, 224, 0.2, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")
)
EfficientNetB1 = _efficientnet(
    "B1", 1.0, 1.1, 240, 0.2, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")
)
EfficientNetB2 = _efficientnet(
    "B2", 1.1, 1.2, 260, 0.3, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")
)
EfficientNetB3 = _efficientnet(
    "B3", 1.2, 1.4, 300, 0.3, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")
)
EfficientNetB4 = _efficientnet(
    "B4", 1.4, 1.8, 380, 0.4, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")
)
EfficientNetB5 = _efficientnet(
    "B5", 1.6, 2.2, 456, 0.4, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")
)
EfficientNetB6 = _efficientnet(
    "B6", 1.8, 2.6, 528, 0.5, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")
)
EfficientNetB7 = _efficientnet(
    "B7", 2.0, 3.1, 600, 0.5, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")
)
preprocess_input = preprocessing(None)
