"""MobileNet: every convolution split into one over space, channel by channel, and one over channels, pixel by pixel.

Source: Howard and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017
(https://arxiv.org/abs/1704.04861), table 1; `alpha` is its width multiplier.
"""

from __future__ import annotations

from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.published import check_alpha, refuse_others, size_in_name, usual_size
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_FILTERS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_HALVING = (2, 4, 6, 12)  # the blocks of stride 2
_SIZES = (128, 160, 192, 224)  # of the images that weights were trained on
_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}  # as they are written in the files' names


def MobileNet(  # noqa: N802 (the public name)
    input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 0.001,
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, pooling: Any = None,
    classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax", **kwargs: Any,
) -> Model:  # fmt: skip
    refuse_others("MobileNet", kwargs)
    asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
    if weights == "imagenet":
        check_alpha(alpha, tuple(_ALPHAS))
        if depth_multiplier != 1:
            raise ValueError(
                "`depth_multiplier` must be 1 with the weights of ImageNet.\n"
                f"Received: depth_multiplier={depth_multiplier}\n"
                "Fix: leave it out, or take `weights=None`."
            )
    start = asked.input(usual_size(input_shape, _SIZES))
    x = Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(start)
    x = _activated(x, "conv1")
    for block, filters in enumerate(_FILTERS, 1):
        x = _separable(x, int(filters * alpha), depth_multiplier, 2 if block in _HALVING else 1, block)
    if include_top:
        x = Dropout(dropout, name="dropout")(GlobalAveragePooling2D(keepdims=True)(x))
        x = Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = Activation(asked.activation(), name="predictions")(Reshape((classes,), name="reshape_2")(x))
    else:
        x = asked.pooled(x)
    size = size_in_name(asked, start, _SIZES)
    url = f"mobilenet/mobilenet_{_ALPHAS.get(alpha)}_{size}_tf{'' if include_top else '_no_top'}.h5"
    return asked.model(start, x, f"mobilenet_{alpha:0.2f}_{size}", url)


named(
    MobileNet, "MobileNet", "MobileNet of Howard and others",
    "alpha: what the numbers of channels are multiplied by.",
    "depth_multiplier: how many images each channel becomes in the convolutions over space.",
    "dropout: the part of the features that training drops before the last layer.",
    "**kwargs: none.",
)  # fmt: skip


def _separable(x: Any, filters: int, depth_multiplier: int, stride: int, block: int) -> Any:
    if stride > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{block}")(x)
    x = DepthwiseConv2D(
        3, strides=stride, padding="same" if stride == 1 else "valid", depth_multiplier=depth_multiplier,
        use_bias=False, name=f"conv_dw_{block}",
    )(x)  # fmt: skip
    x = _activated(x, f"conv_dw_{block}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{block}")(x)
    return _activated(x, f"conv_pw_{block}")


def _activated(x: Any, name: str) -> Any:
    return ReLU(6.0, name=f"{name}_relu")(BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x))


preprocess_input = preprocessing("tf")
