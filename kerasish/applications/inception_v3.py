"""Inception v3, and what Inception-ResNet v2 shares with it: blocks of branches whose results are put side by side.

Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision", 2015
(https://arxiv.org/abs/1512.00567), table 1 and figures 5 to 7 and 10.
"""

from __future__ import annotations

from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import Request, channel_axis, variant
from kerasish.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D
from kerasish.models import Model

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

# One convolution of a branch: filters and kernel, and 2 where it halves the resolution.
Step = tuple[int, int] | tuple[int, tuple[int, int]] | tuple[int, int, int]

_DIGITS = ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63")  # MD5 with and without the top


def _compose(asked: Request) -> Model:
    start = asked.input(299, smallest=75)
    x = stem(start)
    for number, pooled in enumerate((32, 64, 64)):
        x = block(
            x, f"mixed{number}", [(64, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], pooled=pooled
        )  # fmt: skip
    x = block(x, "mixed3", [(384, 3, 2)], [(64, 1), (96, 3), (96, 3, 2)])
    for number, width in enumerate((128, 160, 160, 192), 4):
        across, down = (width, (1, 7)), (width, (7, 1))
        x = block(
            x, f"mixed{number}", [(192, 1)], [(width, 1), across, (192, (7, 1))],
            [(width, 1), down, across, down, (192, (1, 7))], pooled=192,
        )  # fmt: skip
    x = block(
        x, "mixed8", [(192, 1), (320, 3, 2)], [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)]
    )  # fmt: skip
    for number in (0, 1):
        x = _widest(x, number)
    kind = "" if asked.include_top else "_notop"
    url = f"inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels{kind}.h5"
    return asked.model(start, asked.ended(x, None, None), "inception_v3", url, _DIGITS[not asked.include_top])


def stem(images: Any) -> Any:
    """Five convolutions and two poolings: `(batch, height, width, 3)` to about `(.., height / 8, width / 8, 192)`."""
    x = convolved(images, 32, 3, strides=2, padding="valid")
    x = convolved(x, 32, 3, padding="valid")
    x = MaxPooling2D(3, strides=2)(convolved(x, 64, 3))
    x = convolved(x, 80, 1, padding="valid")
    return MaxPooling2D(3, strides=2)(convolved(x, 192, 3, padding="valid"))


def block(x: Any, name: str, *branches: list[Step], pooled: int = 0) -> Any:
    """Branches of convolutions and one that pools, side by side.

    Args:
        x: the symbolic features.
        name: of what puts the results together.
        *branches: the convolutions of each branch.
        pooled: the filters after a mean over 3x3; 0 for the maximum over 3x3 at every second pixel instead.
    """
    results = [chain(x, branch) for branch in branches]
    if pooled:
        results.append(convolved(_averaged(x), pooled, 1))
    else:
        results.append(MaxPooling2D(3, strides=2)(x))
    return side_by_side(results, name)


def chain(x: Any, branch: list[Step]) -> Any:
    """The convolutions of a branch, one after the other."""
    for filters, kernel, *halving in branch:
        x = convolved(x, filters, kernel, strides=2, padding="valid") if halving else convolved(x, filters, kernel)
    return x


def convolved(x: Any, filters: int, kernel: Any, strides: int = 1, padding: str = "same") -> Any:
    """Convolution, batch normalization, ReLU."""
    x = Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False)(x)
    return Activation("relu")(BatchNormalization(axis=channel_axis(), scale=False)(x))


def side_by_side(results: list[Any], name: str | None = None) -> Any:
    """The channels of all results in one."""
    return Concatenate(axis=channel_axis(), name=name)(results)


def _widest(x: Any, number: int) -> Any:
    """The block whose branches end in two convolutions each, one across and one down."""
    first = convolved(x, 320, 1)
    second = side_by_side(_forked(convolved(x, 384, 1)), f"mixed9_{number}")
    third = side_by_side(_forked(chain(x, [(448, 1), (384, 3)])))
    return side_by_side([first, second, third, convolved(_averaged(x), 192, 1)], f"mixed{9 + number}")


def _forked(x: Any) -> list[Any]:
    return [convolved(x, 384, (1, 3)), convolved(x, 384, (3, 1))]


def _averaged(x: Any) -> Any:
    return AveragePooling2D(3, strides=1, padding="same")(x)


InceptionV3 = variant("InceptionV3", "Inception v3 of Szegedy and others", _compose)
preprocess_input = preprocessing("tf")
