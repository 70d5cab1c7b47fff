"""ResNet of 50, 101 and 152 layers, and what ResNetV2 shares with it: stages of blocks with a shortcut around each.

A block narrows the channels with a 1x1 convolution, works at the narrow width with a 3x3 one, and widens them fourfold
with another 1x1. The first block of a stage has a convolution in its shortcut.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015 (https://arxiv.org/abs/1512.03385),
table 1. The strides are in the first convolution of a block, as in the authors' own models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.published import refuse_others
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from kerasish.models import Model

__all__ = ["ResNet101", "ResNet152", "ResNet50", "decode_predictions", "preprocess_input"]

WIDTHS = (64, 128, 256, 512)
DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
WIDENING = 4

Block = Callable[[Any, int, int, int, str], Any]


def normalized(x: Any, name: str) -> Any:
    """Batch normalization `NAME_bn`."""
    return BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{name}_bn")(x)


def activated(x: Any, name: str) -> Any:
    """Batch normalization `NAME_bn` and ReLU `NAME_relu`."""
    return Activation("relu", name=f"{name}_relu")(normalized(x, name))


def padded(x: Any, size: int, name: str) -> Any:
    """Zeros on every side, `NAME_pad`."""
    return ZeroPadding2D(size, name=f"{name}_pad")(x)


def stem(images: Any, *, normalize: bool) -> Any:
    """A 7x7 convolution and a pooling, each of stride 2: `(batch, height, width, 3)` to `(.., height / 4, .., 64)`."""
    x = Conv2D(64, 7, strides=2, name="conv1_conv")(padded(images, 3, "conv1"))
    if normalize:
        x = activated(x, "conv1")
    return MaxPooling2D(3, strides=2, name="pool1_pool")(padded(x, 1, "pool1"))


def stages(x: Any, layers: int, block: Block) -> Any:
    """The four stages of the network of so many layers.

    Args:
        x: the stem's output.
        layers: 50, 101 or 152.
        block: `block(x, width, number, stage, name)`, number and stage counted from 1 and 2.
    """
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS[layers], strict=True), 2):
        for number in range(1, depth + 1):
            x = block(x, width, number, stage, f"conv{stage}_block{number}")
    return x


def ended(asked: Request, start: Any, x: Any, name: str, digits: tuple[str, str]) -> Model:
    """The model with its top, and the weights asked for, whose MD5 are `digits`, with and without the top."""
    kind = "" if asked.include_top else "_notop"
    url = f"resnet/{name}_weights_tf_dim_ordering_tf_kernels{kind}.h5"
    return asked.model(start, asked.ended(x), name, url, digits[not asked.include_top])


def _block(x: Any, width: int, number: int, stage: int, name: str) -> Any:
    stride = 2 if number == 1 and stage > 2 else 1
    shortcut = x
    if number == 1:
        shortcut = normalized(Conv2D(WIDENING * width, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0")
    x = activated(Conv2D(width, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1")
    x = activated(Conv2D(width, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2")
    x = normalized(Conv2D(WIDENING * width, 1, name=f"{name}_3_conv")(x), f"{name}_3")
    return Activation("relu", name=f"{name}_out")(Add(name=f"{name}_add")([shortcut, x]))


def _resnet(layers: int, digits: tuple[str, str]) -> Callable[..., Model]:
    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: Any = None, classes: int = IMAGENET_CLASSES, **kwargs: Any,
    ) -> Model:  # fmt: skip
        refuse_others(f"ResNet{layers}", kwargs, "classifier_activation")
        activation = kwargs.get("classifier_activation", "softmax")
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, activation)
        start = asked.input(224)
        x = stages(stem(start, normalize=True), layers, _block)
        return ended(asked, start, x, f"resnet{layers}", digits)

    return named(
        build, f"ResNet{layers}", f"ResNet of {layers} layers of He and others", "**kwargs: `classifier_activation`."
    )


ResNet50 = _resnet(50, ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"))
ResNet101 = _resnet(101, ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"))
ResNet152 = _resnet(152, ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"))
preprocess_input = preprocessing("caffe")
