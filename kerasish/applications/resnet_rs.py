"""ResNet-RS of 50 to 420 layers: ResNet with a deeper stem, weighed channels and more regularization.

Source: Bello, Fedus, Du, Cubuk, Srinivas, Lin, Shlens and Zoph, "Revisiting ResNets: Improved Training and Scaling
Strategies", 2021 (https://arxiv.org/abs/2103.07579), tables 7 and 8; the stem and the shortcuts are those of ResNet-D
(He and others, https://arxiv.org/abs/1812.01187).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.efficientnet import KERNEL, dropped, weighed
from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.resnet import WIDENING, WIDTHS
from kerasish.applications.scaling import standardized
from kerasish.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dropout,
    GlobalAveragePooling2D,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = [
    "ResNetRS101", "ResNetRS152", "ResNetRS200", "ResNetRS270", "ResNetRS350", "ResNetRS420", "ResNetRS50",
    "decode_predictions", "preprocess_input",
]  # fmt: skip


def _resnet(
    layers: int, depths: tuple[int, ...], trained: int, digits: tuple[str, str], dropout: float = 0.25,
    drop: float = 0.0,
) -> Callable[..., Model]:  # fmt: skip
    """A network of the family.

    Args:
        layers: how many it has.
        depths: the blocks of each stage.
        trained: the size, in pixels, of the images that its weights were trained on.
        digits: the MD5 of its weights with and without the top.
        dropout: the part of the features that training drops before the last layer.
        drop: how often training leaves out a block, after the last one.
    """

    def build(
        include_top: bool = True, weights: Any = "imagenet", classes: int = IMAGENET_CLASSES, input_shape: Any = None,
        input_tensor: Any = None, pooling: Any = None, classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        start = asked.input(224)
        x = _stem(standardized(start) if include_preprocessing else start)
        for stage, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True), 2):
            for number in range(depth):
                name = f"BlockGroup{stage}__block_{number}_"
                stride = 2 if number == 0 and stage > 2 else 1
                x = _block(x, name, width, stride, number == 0, drop * stage / (len(depths) + 1))
        if include_top:
            x = Dropout(dropout, name="top_dropout")(GlobalAveragePooling2D(name="avg_pool")(x))
            x = asked.classified(x)
        else:
            x = asked.pooled(x, "avg_pool", "max_pool")
        url = f"resnet_rs/resnet-rs-{layers}-i{trained}{'' if include_top else '_notop'}.h5"
        return asked.model(start, x, f"resnet-rs-{layers}", url, digits[not include_top])

    return named(
        build, f"ResNetRS{layers}", f"ResNet-RS of {layers} layers of Bello and others",
        "include_preprocessing: whether the model begins with what prepares images of values from 0 to 255.",
    )  # fmt: skip


def _stem(x: Any) -> Any:
    name = "stem_1_stem_"
    for number, (filters, stride) in enumerate(((32, 2), (32, 1), (64, 1), (64, 2)), 1):
        x = _convolved(x, f"{name}conv_{number}", filters, 3, stride)
        x = _relu(_normalized(x, f"{name}batch_norm_{number}"), f"{name}act_{number}")
    return x


def _block(x: Any, name: str, width: int, stride: int, widens: bool, drop: float) -> Any:
    before = _shortcut(x, f"{name}_projection_", WIDENING * width, stride) if widens else x
    x = _normalized(_convolved(x, f"{name}_conv_1", width, 1), f"{name}batch_norm_1")
    x = _convolved(_relu(x, f"{name}_act_1"), f"{name}_conv_2", width, 3, stride)
    x = _relu(_normalized(x, f"{name}_batch_norm_2"), f"{name}_act_2")
    x = _normalized(_convolved(x, f"{name}_conv_3", WIDENING * width, 1), f"{name}_batch_norm_3")
    x = weighed(x, width, "relu", f"{name}_se_se_")
    return _relu(Add()([dropped(x, drop, f"{name}_drop"), before]), f"{name}_output_act")


def _shortcut(x: Any, name: str, channels: int, stride: int) -> Any:
    if stride > 1:
        x = AveragePooling2D(2, strides=stride, padding="same", name=f"{name}pooling")(x)
    return _normalized(_convolved(x, f"{name}conv", channels, 1), f"{name}batch_norm")


def _convolved(x: Any, name: str, filters: int, kernel: int, stride: int = 1) -> Any:
    padding = "same"
    if stride > 1:
        x, padding = ZeroPadding2D(kernel // 2)(x), "valid"
    return Conv2D(
        filters, kernel, strides=stride, padding=padding, use_bias=False, kernel_initializer=KERNEL, name=name
    )(x)


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=0.0, epsilon=1e-5, name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return Activation("relu", name=name)(x)


ResNetRS50 = _resnet(
    50, (3, 4, 6, 3), 160, ("69d9d925319f00a8bdd4af23c04e4102", "90daa68cd26c95aa6c5d25451e095529")
)  # fmt: skip
ResNetRS101 = _resnet(
    101, (3, 4, 23, 3), 192, ("eb285be29ab42cf4835ff20a5e3b5d23", "f9a0f6b85faa9c3db2b6e233c4eebb5b")
)  # fmt: skip
ResNetRS152 = _resnet(
    152, (3, 8, 36, 3), 256, ("ba6271b99bdeb4e7a9b15c05964ef4ad", "fa79794252dbe47c89130f65349d654a")
)  # fmt: skip
ResNetRS200 = _resnet(
    200, (3, 24, 36, 3), 256, ("a76930b741884e09ce90fa7450747d5f", "bbdb3994718dfc0d1cd45d7eff3f3d9c"), drop=0.1
)  # fmt: skip
ResNetRS270 = _resnet(
    270, (4, 29, 53, 4), 256, ("20d575825ba26176b03cb51012a367a8", "2c42ecb22e35f3e23d2f70babce0a2aa"), drop=0.1
)  # fmt: skip
ResNetRS350 = _resnet(
    350, (4, 36, 72, 4), 320, ("7ccb858cc738305e8ceb3c0140bee393", "ab0c1f9079d2f85a9facbd2c88aa6079"), 0.4, 0.1
)  # fmt: skip
ResNetRS420 = _resnet(
    420, (4, 44, 87, 4), 320, ("ae0eb9bed39e64fc8d7e0db4018dc7e8", "fe6217c32be8305b1889657172b98884"), 0.4, 0.1
)  # fmt: skip
preprocess_input = preprocessing(None)
