"""ResNetV2 of 50, 101 and 152 layers: ResNet whose blocks normalize and activate before they convolve.

Nothing but convolution and addition is on the way through the shortcuts. Here the last block of a stage halves the
resolution.

Source: He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", 2016 (https://arxiv.org/abs/1603.05027).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import Request, variant
from kerasish.applications.resnet import DEPTHS, WIDENING, activated, ended, padded, stages, stem
from kerasish.layers import Add, Conv2D, MaxPooling2D
from kerasish.models import Model

__all__ = ["ResNet101V2", "ResNet152V2", "ResNet50V2", "decode_predictions", "preprocess_input"]


def _resnet(layers: int, digits: tuple[str, str]) -> Callable[..., Model]:
    def block(x: Any, width: int, number: int, stage: int, name: str) -> Any:
        stride = 2 if number == DEPTHS[layers][stage - 2] and stage < 5 else 1
        before = activated(x, f"{name}_preact")
        if number == 1:
            shortcut = Conv2D(WIDENING * width, 1, strides=stride, name=f"{name}_0_conv")(before)
        else:
            shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
        x = activated(Conv2D(width, 1, use_bias=False, name=f"{name}_1_conv")(before), f"{name}_1")
        x = Conv2D(width, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(padded(x, 1, f"{name}_2"))
        x = Conv2D(WIDENING * width, 1, name=f"{name}_3_conv")(activated(x, f"{name}_2"))
        return Add(name=f"{name}_out")([shortcut, x])

    def compose(asked: Request) -> Model:
        start = asked.input(224)
        x = stages(stem(start, normalize=False), layers, block)
        return ended(asked, start, activated(x, "post"), f"resnet{layers}v2", digits)

    return variant(f"ResNet{layers}V2", f"ResNetV2 of {layers} layers of He and others", compose)


ResNet50V2 = _resnet(50, ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"))
ResNet101V2 = _resnet(101, ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"))
ResNet152V2 = _resnet(152, ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"))
preprocess_input = preprocessing("tf")
