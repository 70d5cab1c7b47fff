"""MobileNetV2: blocks that widen the channels, convolve over space channel by channel, and narrow them linearly.

Source: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(https://arxiv.org/abs/1801.04381), table 2.
"""

from __future__ import annotations

from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.published import check_alpha, refuse_others, size_in_name, usual_size
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.sizes import divisible, padding_before_stride
from kerasish.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    ReLU,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# Widening, channels, blocks, stride of the first block.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_SIZES = (96, 128, 160, 192, 224)  # of the images that weights were trained on
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def MobileNetV2(  # noqa: N802 (the public name)
    input_shape: Any = None, alpha: float = 1.0, include_top: bool = True, weights: Any = "imagenet",
    input_tensor: Any = None, pooling: Any = None, classes: int = IMAGENET_CLASSES,
    classifier_activation: Any = "softmax", **kwargs: Any,
) -> Model:  # fmt: skip
    refuse_others("MobileNetV2", kwargs)
    asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
    if weights == "imagenet":
        check_alpha(alpha, _ALPHAS)
    start = asked.input(usual_size(input_shape, _SIZES))
    x = Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(start)
    x = _relu(_normalized(x, "bn_Conv1"), "Conv1_relu")
    block = 0
    for widening, channels, depth, stride in _STAGES:
        for number in range(depth):
            name = f"block_{block}_" if block else "expanded_conv_"
            x = _block(x, widening, divisible(int(channels * alpha)), stride if number == 0 else 1, name)
            block += 1
    x = Conv2D(divisible(1280 * max(1.0, alpha)), 1, use_bias=False, name="Conv_1")(x)
    x = _relu(_normalized(x, "Conv_1_bn"), "out_relu")
    x = asked.classified(GlobalAveragePooling2D()(x)) if include_top else asked.pooled(x)
    size = size_in_name(asked, start, _SIZES)
    kind = "" if include_top else "_no_top"
    url = f"mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{size}{kind}.h5"
    return asked.model(start, x, f"mobilenetv2_{alpha:0.2f}_{size}", url)


named(
    MobileNetV2, "MobileNetV2", "MobileNetV2 of Sandler and others",
    "alpha: what the numbers of channels are multiplied by.",
    "**kwargs: none.",
)  # fmt: skip


def _block(x: Any, widening: int, channels: int, stride: int, name: str) -> Any:
    before, width = x, x.shape[channel_axis()]
    if widening > 1:
        x = Conv2D(widening * width, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _relu(_normalized(x, f"{name}expand_BN"), f"{name}expand_relu")
    if stride > 1:
        x = ZeroPadding2D(padding_before_stride(x, 3), name=f"{name}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{name}depthwise")(x)
    x = _relu(_normalized(x, f"{name}depthwise_BN"), f"{name}depthwise_relu")
    x = Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_BN")
    return Add(name=f"{name}add")([before, x]) if width == channels and stride == 1 else x


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=0.999, name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return ReLU(6.0, name=name)(x)


preprocess_input = preprocessing("tf")
