"""NASNet Large and Mobile: two kinds of cells, which a search has found, repeated.

A normal cell keeps the resolution, a reduction cell halves it; each takes the results of the two cells before it.

Source: Zoph, Vasudevan, Shlens and Le, "Learning Transferable Architectures for Scalable Image Recognition", 2017
(https://arxiv.org/abs/1707.07012), figures 2 and 4; the models are NASNet-A (6 @ 4032) and (4 @ 1056).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.sizes import padding_before_stride
from kerasish.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from kerasish.models import Model

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]


def _nasnet(
    kind: str, size: int, features: int, depth: int, stem: int, skips: bool, digits: tuple[str, str]
) -> Callable[..., Model]:
    """A network of the family.

    Args:
        kind: its name.
        size: of its images in pixels.
        features: channels of the last cell.
        depth: normal cells between two that reduce.
        stem: filters of the first convolution.
        skips: whether the cell after a reduction takes what was before the reduction for the one before last.
        digits: the MD5 of its weights with and without the top.
    """

    def build(
        input_shape: Any = None, include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
        pooling: Any = None, classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax",
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        start = asked.input(size)
        width = features // 24
        x = _convolved(start, stem, "stem_conv1", 3, strides=2, padding="valid")
        x, before = _normalized(x, "stem_bn1"), None
        x, before = _reduction_cell(x, before, width // 4, "stem_1")
        x, before = _reduction_cell(x, before, width // 2, "stem_2")
        for group in range(3):
            if group:
                reduced, last = _reduction_cell(x, before, width * 2**group, f"reduce_{group * depth}")
                x, before = reduced, before if skips else last
            for number in range(depth):
                x, before = _normal_cell(x, before, width * 2**group, str(group * depth + (group > 0) + number))
        x = Activation("relu")(x)
        x = asked.classified(GlobalAveragePooling2D()(x)) if include_top else asked.pooled(x)
        url = f"nasnet/NASNet-{kind}{'' if include_top else '-no-top'}.h5"
        file = f"nasnet_{kind}{'' if include_top else '_no_top'}.h5"
        return asked.model(start, x, "NASNet", url, digits[not include_top], file)

    return named(build, f"NASNet{kind.capitalize()}", f"NASNet {kind.capitalize()} of Zoph and others")


def _normal_cell(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    """The cell's result, and what went into it."""
    p = _adjusted(before, x, filters, name)
    h = _narrowed(x, filters, f"normal_{{}}_1_{name}")

    def separable(source: Any, kernel: int, place: str) -> Any:
        return _separable(source, filters, kernel, 1, f"normal_{place}_{name}")

    def averaged(source: Any, place: str) -> Any:
        return _averaged(source, f"normal_{place}_{name}")

    sums = [
        _sum(separable(h, 5, "left1"), separable(p, 3, "right1"), f"normal_add_1_{name}"),
        _sum(separable(p, 5, "left2"), separable(p, 3, "right2"), f"normal_add_2_{name}"),
        _sum(averaged(h, "left3"), p, f"normal_add_3_{name}"),
        _sum(averaged(p, "left4"), averaged(p, "right4"), f"normal_add_4_{name}"),
        _sum(separable(h, 3, "left5"), h, f"normal_add_5_{name}"),
    ]
    return _concatenated([p, *sums], f"normal_concat_{name}"), x


def _reduction_cell(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    """The cell's result, and what went into it."""
    p = _adjusted(before, x, filters, name)
    h = _narrowed(x, filters, f"reduction_{{}}_1_{name}")
    padded = ZeroPadding2D(padding_before_stride(h, 3), name=f"reduction_pad_1_{name}")(h)
    first = _sum(
        _separable(h, filters, 5, 2, f"reduction_left1_{name}"),
        _separable(p, filters, 7, 2, f"reduction_right1_{name}"), f"reduction_add_1_{name}",
    )  # fmt: skip
    second = _sum(
        MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(padded),
        _separable(p, filters, 7, 2, f"reduction_right2_{name}"), f"reduction_add_2_{name}",
    )  # fmt: skip
    third = _sum(
        AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(padded),
        _separable(p, filters, 5, 2, f"reduction_right3_{name}"), f"reduction_add3_{name}",
    )  # fmt: skip
    fourth = _sum(second, _averaged(first, f"reduction_left4_{name}"), None)
    fifth = _sum(
        _separable(first, filters, 3, 1, f"reduction_left4_{name}"),
        MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(padded), f"reduction_add4_{name}",
    )  # fmt: skip
    return _concatenated([second, third, fourth, fifth], f"reduction_concat_{name}"), x


def _adjusted(p: Any, x: Any, filters: int, name: str) -> Any:
    """What the cell before last gave, in the resolution of the last one's result and with the channels wanted."""
    if p is None:
        return x
    column = 3 if channel_axis() == 1 else 2
    if p.shape[column] != x.shape[column]:
        p = Activation("relu", name=f"adjust_relu_1_{name}")(p)
        moved = Cropping2D(((1, 0), (1, 0)))(ZeroPadding2D(((0, 1), (0, 1)))(p))
        halves = [_halved(part, filters // 2, number, name) for number, part in ((1, p), (2, moved))]
        return _normalized(_concatenated(halves), f"adjust_bn_{name}")
    if p.shape[channel_axis()] != filters:
        p = _convolved(Activation("relu")(p), filters, f"adjust_conv_projection_{name}")
        return _normalized(p, f"adjust_bn_{name}")
    return p


def _halved(p: Any, filters: int, number: int, name: str) -> Any:
    p = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{number}_{name}")(p)
    return _convolved(p, filters, f"adjust_conv_{number}_{name}")


def _narrowed(x: Any, filters: int, name: str) -> Any:
    return _normalized(_convolved(Activation("relu")(x), filters, name.format("conv")), name.format("bn"))


def _separable(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    """Two depthwise separable convolutions, each after a ReLU and before a normalization."""
    for number in (1, 2):
        x, padding, step = Activation("relu")(x), "same", stride if number == 1 else 1
        if step > 1:
            x = ZeroPadding2D(padding_before_stride(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
            padding = "valid"
        x = SeparableConv2D(
            filters, kernel, strides=step, padding=padding, use_bias=False, name=f"separable_conv_{number}_{name}",
            kernel_initializer="he_normal",
        )(x)  # fmt: skip
        x = _normalized(x, f"separable_conv_{number}_bn_{name}")
    return x


def _averaged(x: Any, name: str) -> Any:
    return AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _sum(first: Any, second: Any, name: str | None) -> Any:
    return Add(name=name)([first, second])


def _concatenated(parts: list[Any], name: str | None = None) -> Any:
    return Concatenate(axis=1 if channel_axis() == 1 else -1, name=name)(parts)


def _convolved(x: Any, filters: int, name: str, kernel: int = 1, strides: int = 1, padding: str = "same") -> Any:
    return Conv2D(
        filters, kernel, strides=strides, padding=padding, use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _normalized(x: Any, name: str) -> Any:
    return BatchNormalization(axis=channel_axis(), momentum=0.9997, name=name)(x)


NASNetMobile = _nasnet(
    "mobile", 224, 1056, 4, 32, False, ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63")
)  # fmt: skip
NASNetLarge = _nasnet(
    "large", 331, 4032, 6, 96, True, ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5")
)  # fmt: skip
preprocess_input = preprocessing("tf")
