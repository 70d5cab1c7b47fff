"""VGG16 and what VGG19 shares with it: stacks of 3x3 convolutions, each stack at half the resolution of the one before.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014
(https://arxiv.org/abs/1409.1556), configurations D and E of table 1.
"""

from __future__ import annotations

from collections.abc import Callable

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import Request, variant
from kerasish.layers import Conv2D, Dense, Flatten, MaxPooling2D
from kerasish.models import Model

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

_FILTERS = (64, 128, 256, 512, 512)


def vgg(name: str, depths: tuple[int, ...], digits: tuple[str, str]) -> Callable[..., Model]:
    """A network of the family.

    Args:
        name: its public name.
        depths: the number of convolutions of each stack.
        digits: the MD5 of its weights with and without the top.
    """
    lower = name.lower()

    def compose(asked: Request) -> Model:
        start = x = asked.input(224)
        for block, (filters, depth) in enumerate(zip(_FILTERS, depths, strict=True), 1):
            for number in range(1, depth + 1):
                x = Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{number}")(x)
            x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        if asked.include_top:
            x = Flatten(name="flatten")(x)
            for layer in ("fc1", "fc2"):
                x = Dense(4096, activation="relu", name=layer)(x)
            x = asked.classified(x)
        else:
            x = asked.pooled(x)
        kind = "" if asked.include_top else "_notop"
        url = f"{lower}/{lower}_weights_tf_dim_ordering_tf_kernels{kind}.h5"
        return asked.model(start, x, lower, url, digits[not asked.include_top])

    return variant(name, f"{name} of Simonyan and Zisserman", compose)


VGG16 = vgg("VGG16", (2, 2, 3, 3, 3), ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"))
preprocess_input = preprocessing("caffe")
