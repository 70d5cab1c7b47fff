"""Inception-ResNet v2: blocks of branches whose result, scaled down, is added to what went in.

Source: Szegedy, Ioffe, Vanhoucke and Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning", 2016 (https://arxiv.org/abs/1602.07261), figure 15 and section 3.3, with the sizes of the authors' release.
"""

from __future__ import annotations

from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.inception_v3 import Step, block, chain, side_by_side, stem
from kerasish.applications.published import refuse_others
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.layers import Activation, BatchNormalization, Conv2D
from kerasish.layers.base import LAYERS, Layer
from kerasish.models import Model

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

_DIGITS = ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4")  # MD5 with and without the top
# Blocks, scale, branches.
_STAGES: tuple[tuple[str, int, float, list[list[Step]]], ...] = (
    ("block35", 10, 0.17, [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]]),
    ("block17", 20, 0.1, [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]]),
    ("block8", 10, 0.2, [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]]),
)


@LAYERS.register()
class CustomScaleLayer(Layer):
    """The first of two tensors plus `scale` times the second.

    Args:
        scale: what the second is multiplied by.
        **kwargs: arguments of `Layer`.
    """

    __config_module__ = "tf_keras.src.applications.inception_resnet_v2"
    __registered_name__ = "Custom>CustomScaleLayer"

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        """The sum, for a list of two tensors of the same shape."""
        return inputs[0] + inputs[1] * self.scale


def InceptionResNetV2(  # noqa: N802 (the public name)
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
    pooling: Any = None, classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax", **kwargs: Any,
) -> Model:  # fmt: skip
    refuse_others("InceptionResNetV2", kwargs)
    asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
    start = asked.input(299, smallest=75)
    x = stem(start)
    x = block(x, "mixed_5b", [(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], pooled=64)
    x = _stage(x, *_STAGES[0])
    x = block(x, "mixed_6a", [(384, 3, 2)], [(256, 1), (256, 3), (384, 3, 2)])
    x = _stage(x, *_STAGES[1])
    x = block(
        x, "mixed_7a", [(256, 1), (384, 3, 2)], [(256, 1), (288, 3, 2)], [(256, 1), (288, 3), (320, 3, 2)]
    )  # fmt: skip
    x = _stage(x, *_STAGES[2], last=True)
    x = Conv2D(1536, 1, padding="same", use_bias=False, name="conv_7b")(x)
    x = BatchNormalization(axis=channel_axis(), scale=False, name="conv_7b_bn")(x)
    x = Activation("relu", name="conv_7b_ac")(x)
    kind = "" if asked.include_top else "_notop"
    url = f"inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels{kind}.h5"
    ended = asked.ended(x, None, None)
    return asked.model(start, ended, "inception_resnet_v2", url, _DIGITS[not asked.include_top])


def _stage(x: Any, name: str, depth: int, scale: float, branches: list[list[Step]], last: bool = False) -> Any:
    """Equal blocks; the very last of the network is neither scaled nor activated."""
    for number in range(1, depth + 1):
        plain = last and number == depth
        result = side_by_side([chain(x, branch) for branch in branches], f"{name}_{number}_mixed")
        channels = x.shape[channel_axis()]
        result = Conv2D(channels, 1, padding="same", name=f"{name}_{number}_conv")(result)
        x = CustomScaleLayer(1.0 if plain else scale)([x, result])
        x = x if plain else Activation("relu", name=f"{name}_{number}_ac")(x)
    return x


named(InceptionResNetV2, "InceptionResNetV2", "Inception-ResNet v2 of Szegedy and others", "**kwargs: none.")
preprocess_input = preprocessing("tf")
