"""MobileNetV3 Large and Small: the blocks of MobileNetV2, some with squeeze and excitation, some with hard swish.

Source: Howard and others, "Searching for MobileNetV3", 2019 (https://arxiv.org/abs/1905.02244), tables 1 and 2; the
minimalistic models, without either and with 3x3 kernels only, are those of the authors' release.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.published import check_alpha
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.sizes import divisible, padding_before_stride
from kerasish.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

Function = Callable[[Any], Any]

# Widening, channels, kernel, stride, whether channels are weighed, whether the activation is hard swish.
_BLOCKS = {
    "small": (
        (1, 16, 3, 2, True, False), (72 / 16, 24, 3, 2, False, False), (88 / 24, 24, 3, 1, False, False),
        (4, 40, 5, 2, True, True), (6, 40, 5, 1, True, True), (6, 40, 5, 1, True, True), (3, 48, 5, 1, True, True),
        (3, 48, 5, 1, True, True), (6, 96, 5, 2, True, True), (6, 96, 5, 1, True, True), (6, 96, 5, 1, True, True),
    ),
    "large": (
        (1, 16, 3, 1, False, False), (4, 24, 3, 2, False, False), (3, 24, 3, 1, False, False),
        (3, 40, 5, 2, True, False), (3, 40, 5, 1, True, False), (3, 40, 5, 1, True, False),
        (6, 80, 3, 2, False, True), (2.5, 80, 3, 1, False, True), (2.3, 80, 3, 1, False, True),
        (2.3, 80, 3, 1, False, True), (6, 112, 3, 1, True, True), (6, 112, 3, 1, True, True),
        (6, 160, 5, 2, True, True), (6, 160, 5, 1, True, True), (6, 160, 5, 1, True, True),
    ),
}  # fmt: skip
_FEATURES = {"small": 1024, "large": 1280}
# Of the weights with and without the top, by size, width and whether minimalistic.
_MD5 = {
    ("small", 1.0, False): ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    ("small", 0.75, False): ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    ("small", 1.0, True): ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
    ("large", 1.0, False): ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    ("large", 0.75, False): ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    ("large", 1.0, True): ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
}


def _mobilenet(size: str) -> Callable[..., Model]:
    def build(
        input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
        weights: Any = "imagenet", input_tensor: Any = None, classes: int = IMAGENET_CLASSES, pooling: Any = None,
        dropout_rate: float = 0.2, classifier_activation: Any = "softmax", include_preprocessing: bool = True,
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        if weights == "imagenet":
            check_alpha(alpha, (1.0,) if minimalistic else (0.75, 1.0))
        start = x = asked.input(None)
        if include_preprocessing:
            x = Rescaling(1.0 / 127.5, offset=-1.0)(x)
        last: Function = _relu if minimalistic else _hard_swish
        x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="Conv")(x)
        x = last(_normalized(x, "Conv"))
        for number, (widening, channels, kernel, stride, weighs, swish) in enumerate(_BLOCKS[size]):
            x = _block(
                x, f"expanded_conv_{number}/" if number else "expanded_conv/", widening,
                divisible(channels * alpha), 3 if minimalistic else kernel, stride, weighs and not minimalistic,
                last if swish else _relu,
            )  # fmt: skip
        width = divisible(x.shape[channel_axis()] * 6)
        x = Conv2D(width, 1, padding="same", use_bias=False, name="Conv_1")(x)
        x = last(_normalized(x, "Conv_1"))
        if include_top:
            features = divisible(_FEATURES[size] * alpha) if alpha > 1 else _FEATURES[size]
            x = _top(asked, x, features, last, dropout_rate)
        else:
            x = asked.pooled(x, "avg_pool", "max_pool")
        kind = "minimalistic_224" if minimalistic else "224"
        ending = "" if include_top else "_no_top_v2"
        url = f"mobilenet_v3/weights_mobilenet_v3_{size}_{kind}_{float(alpha)}_float{ending}.h5"
        digits = _MD5.get((size, float(alpha), bool(minimalistic)), (None, None))
        return asked.model(start, x, f"MobilenetV3{size}", url, digits[not include_top])

    return named(
        build, f"MobileNetV3{size.capitalize()}", f"MobileNetV3 {size.capitalize()} of Howard and others",
        "alpha: what the numbers of channels are multiplied by.",
        "minimalistic: whether there are 3x3 kernels and ReLU only, and no weighing of channels.",
        "dropout_rate: the part of the features that training drops before the last layer.",
        "include_preprocessing: whether the model begins with what prepares images of values from 0 to 255.",
    )  # fmt: skip


def _block(
    x: Any, name: str, widening: float, channels: int, kernel: int, stride: int, weighs: bool, activate: Function
) -> Any:
    before, width = x, x.shape[channel_axis()]
    wide = divisible(width * widening)
    if name != "expanded_conv/":
        x = Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = activate(_normalized(x, f"{name}expand"))
    if stride > 1:
        x = ZeroPadding2D(padding_before_stride(x, kernel), name=f"{name}depthwise/pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=f"{name}depthwise")(x)
    x = activate(_normalized(x, f"{name}depthwise"))
    if weighs:
        x = _weighed(x, wide, f"{name}squeeze_excite/")
    x = _normalized(Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}project")(x), f"{name}project")
    return Add(name=f"{name}Add")([before, x]) if stride == 1 and width == channels else x


def _weighed(x: Any, channels: int, name: str) -> Any:
    weights = GlobalAveragePooling2D(keepdims=True, name=f"{name}AvgPool")(x)
    weights = Conv2D(divisible(channels * 0.25), 1, padding="same", name=f"{name}Conv")(weights)
    weights = ReLU(name=f"{name}Relu")(weights)
    weights = _hard_sigmoid(Conv2D(channels, 1, padding="same", name=f"{name}Conv_1")(weights))
    return Multiply(name=f"{name}Mul")([x, weights])


def _top(asked: Request, x: Any, features: int, activate: Function, dropout: float) -> Any:
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = activate(Conv2D(features, 1, padding="same", name="Conv_2")(x))
    x = Dropout(dropout)(x) if dropout > 0 else x
    x = Flatten()(Conv2D(asked.classes, 1, padding="same", name="Logits")(x))
    return Activation(asked.activation(), name="Predictions")(x)


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=0.999, name=f"{name}/BatchNorm")(x)


def _relu(x: Any) -> Any:
    return ReLU()(x)


def _hard_sigmoid(x: Any) -> Any:
    return ReLU(6.0)(x + 3.0) * (1.0 / 6.0)


def _hard_swish(x: Any) -> Any:
    return Multiply()([x, _hard_sigmoid(x)])


MobileNetV3Small = _mobilenet("small")
MobileNetV3Large = _mobilenet("large")
preprocess_input = preprocessing(None)
