"""EfficientNetV2 B0 to B3, S, M and L: EfficientNet whose first stages widen with one 3x3 convolution.

Source: Tan and Le, "EfficientNetV2: Smaller Models and Faster Training", 2021 (https://arxiv.org/abs/2104.00298),
table 4, with the sizes of M, L and the B models from the authors' release.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.applications.efficientnet import Style, activated, added, convolved, ended, mobile_block, numbered
from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.scaling import standardized
from kerasish.applications.sizes import nearest
from kerasish.layers import Rescaling
from kerasish.models import Model

__all__ = [
    "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
    "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input",
]  # fmt: skip

_STYLE = Style(momentum=0.9, depthwise="dwconv2", pads=False)
_STEM = {"B": 32, "S": 24, "M": 24, "L": 32}
_FUSED = 3  # stages whose blocks widen with one 3x3 convolution
# Blocks, channels, widening, stride of the first block.
_STAGES = {
    "B": ((1, 16, 1, 1), (2, 32, 4, 2), (2, 48, 4, 2), (3, 96, 4, 2), (5, 112, 6, 1), (8, 192, 6, 2)),
    "S": ((2, 24, 1, 1), (4, 48, 4, 2), (4, 64, 4, 2), (6, 128, 4, 2), (9, 160, 6, 1), (15, 256, 6, 2)),
    "M": (
        (3, 24, 1, 1), (5, 48, 4, 2), (5, 80, 4, 2), (7, 160, 4, 2), (14, 176, 6, 1), (18, 304, 6, 2), (5, 512, 6, 1),
    ),
    "L": (
        (4, 32, 1, 1), (7, 64, 4, 2), (7, 96, 4, 2), (10, 192, 4, 2), (19, 224, 6, 1), (25, 384, 6, 2), (7, 640, 6, 1),
    ),
}  # fmt: skip


def _efficientnet(
    name: str, size: int, digits: tuple[str, str], width: float = 1.0, depth: float = 1.0
) -> Callable[..., Model]:
    stages = _STAGES[name[0]]

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: Any = None, classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        start = x = asked.input(size)
        if include_preprocessing:
            coloured = x.shape[channel_axis()] == 3
            x = standardized(x) if name[0] == "B" and coloured else Rescaling(1.0 / 128.0, offset=-1)(x)
        x = convolved(x, _STYLE, "stem_", nearest(_STEM[name[0]] * width), 3, 2)
        x = activated(x, _STYLE, "stem_")
        depths = [math.ceil(depth * row[0]) for row in stages]
        for stage, number, block, rate in numbered(depths, 0.2, sum(row[0] for row in stages)):
            _, channels, widening, stride = stages[stage]
            channels, stride = nearest(channels * width), stride if number == 0 else 1
            if stage < _FUSED:
                x = _fused_block(x, block, channels, widening, stride, rate)
            else:
                x = mobile_block(x, _STYLE, block, 3, channels, widening, stride, rate)
        x = ended(asked, x, _STYLE, nearest(1280 * width), 0.2, bias_initializer=tf.constant_initializer(0))
        lower = f"efficientnetv2-{name.lower()}"
        url = f"efficientnet_v2/{lower}{'' if include_top else '_notop'}.h5"
        return asked.model(start, x, lower, url, digits[not include_top])

    return named(
        build, f"EfficientNetV2{name}", f"EfficientNetV2 {name} of Tan and Le",
        "include_preprocessing: whether the model begins with what prepares images of values from 0 to 255.",
    )  # fmt: skip


def _fused_block(x: Any, name: str, channels: int, widening: int, stride: int, drop: float) -> Any:
    """A 3x3 convolution that widens and one that narrows; only the first, which narrows then, without widening."""
    before, width = x, x.shape[channel_axis()]
    if widening > 1:
        x = convolved(x, _STYLE, f"{name}expand_", widening * width, 3, stride)
        x = activated(x, _STYLE, f"{name}expand_")
        x = convolved(x, _STYLE, f"{name}project_", channels)
    else:
        x = activated(convolved(x, _STYLE, f"{name}project_", channels, 3, stride), _STYLE, f"{name}project_")
    return added(x, before, drop, name) if stride == 1 and width == channels else x


# Size of the images, MD5 of the weights with and without the top, width, depth.
EfficientNetV2B0 = _efficientnet("B0", 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"))
EfficientNetV2B1 = _efficientnet(
    "B1", 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"), 1.0, 1.1
)
EfficientNetV2B2 = _efficientnet(
    "B2", 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"), 1.1, 1.2
)
EfficientNetV2B3 = _efficientnet(
    "B3", 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"), 1.2, 1.4
)
EfficientNetV2S = _efficientnet("S", 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"))
EfficientNetV2M = _efficientnet("M", 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"))
EfficientNetV2L = _efficientnet("L", 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"))
preprocess_input = preprocessing(None)
