"""ConvNeXt: a convolutional network with the sizes and the habits of a vision transformer.

Source: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", 2022
(https://arxiv.org/abs/2201.03545), section 3 and figure 4; `LayerScale` is of Touvron and others, "Going deeper with
Image Transformers", 2021 (https://arxiv.org/abs/2103.17239).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.applications.imagenet_utils import decode_predictions, preprocessing
from kerasish.applications.request import IMAGENET_CLASSES, Request, channel_axis, named
from kerasish.applications.scaling import DEVIATION, MEAN
from kerasish.initializers import Constant
from kerasish.layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    LayerNormalization,
    Normalization,
)
from kerasish.layers.base import LAYERS, Layer
from kerasish.models import Model, Sequential

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions",
    "preprocess_input",
]  # fmt: skip

_EPSILON = 1e-6


@LAYERS.register()
class LayerScale(Layer):
    """Every channel times a weight of its own.

    Args:
        init_values: the weights to start from.
        projection_dim: the number of channels.
        **kwargs: arguments of `Layer`.
    """

    __config_module__ = "tf_keras.src.applications.convnext"

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        """Makes the weights."""
        self.gamma = self.add_weight("gamma", (self.projection_dim,), initializer=Constant(self.init_values))
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """Features `(..., channels)`, scaled."""
        return x * self.gamma


def _convnext(
    size: str, depths: tuple[int, ...], widths: tuple[int, ...], digits: tuple[str, str]
) -> Callable[..., Model]:
    file = f"convnext_{size.lower()}"

    def build(
        model_name: str = file, include_top: bool = True, include_preprocessing: bool = True,
        weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None, pooling: Any = None,
        classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax",
    ) -> Model:  # fmt: skip
        asked = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        start = x = asked.input(224)
        if include_preprocessing and x.shape[channel_axis()] == len(MEAN):
            x = _standardized(x, f"{model_name}_prestem_normalization")
        for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            x = _narrower(x, model_name, stage, width)
            for number in range(depth):
                x = _block(x, width, f"{model_name}_stage_{stage}_block_{number}")
        if include_top:
            x = GlobalAveragePooling2D(name=f"{model_name}_head_gap")(x)
            x = LayerNormalization(epsilon=_EPSILON, name=f"{model_name}_head_layernorm")(x)
            x = asked.classified(x, f"{model_name}_head_dense")
        else:
            x = LayerNormalization(epsilon=_EPSILON)(asked.pooled(x))
        url = f"convnext/{file}{'' if include_top else '_notop'}.h5"
        return asked.model(start, x, model_name, url, digits[not include_top])

    return named(
        build, f"ConvNeXt{size}", f"ConvNeXt {size} of Liu and others",
        "model_name: the model's name, with which those of its layers begin.",
        "include_preprocessing: whether the model begins with what prepares images of values from 0 to 255.",
    )  # fmt: skip


def _standardized(x: Any, name: str) -> Any:
    mean = [255 * value for value in MEAN]
    return Normalization(mean=mean, variance=[(255 * value) ** 2 for value in DEVIATION], name=name)(x)


def _narrower(x: Any, name: str, stage: int, width: int) -> Any:
    """Patches of 4x4 pixels, or of 2x2 between stages, as features of their own."""
    if stage == 0:
        layers = [
            Conv2D(width, 4, strides=4, name=f"{name}_stem_conv"),
            LayerNormalization(epsilon=_EPSILON, name=f"{name}_stem_layernorm"),
        ]
        return Sequential(layers, name=f"{name}_stem")(x)
    layers = [
        LayerNormalization(epsilon=_EPSILON, name=f"{name}_downsampling_layernorm_{stage - 1}"),
        Conv2D(width, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}"),
    ]
    return Sequential(layers, name=f"{name}_downsampling_block_{stage - 1}")(x)


def _block(x: Any, width: int, name: str) -> Any:
    result = Conv2D(width, 7, padding="same", groups=width, name=f"{name}_depthwise_conv")(x)
    result = LayerNormalization(epsilon=_EPSILON, name=f"{name}_layernorm")(result)
    result = Dense(4 * width, name=f"{name}_pointwise_conv_1")(result)
    result = Activation("gelu", name=f"{name}_gelu")(result)
    result = Dense(width, name=f"{name}_pointwise_conv_2")(result)
    result = LayerScale(1e-6, width, name=f"{name}_layer_scale")(result)
    return x + Activation("linear", name=f"{name}_identity")(result)


# Blocks and channels of the four stages, SHA-256 of the weights with and without the top.
ConvNeXtTiny = _convnext(
    "Tiny", (3, 3, 9, 3), (96, 192, 384, 768),
    (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)  # fmt: skip
ConvNeXtSmall = _convnext(
    "Small", (3, 3, 27, 3), (96, 192, 384, 768),
    (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)  # fmt: skip
ConvNeXtBase = _convnext(
    "Base", (3, 3, 27, 3), (128, 256, 512, 1024),
    (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)  # fmt: skip
ConvNeXtLarge = _convnext(
    "Large", (3, 3, 27, 3), (192, 384, 768, 1536),
    (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)  # fmt: skip
ConvNeXtXLarge = _convnext(
    "XLarge", (3, 3, 27, 3), (256, 512, 1024, 2048),
    (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)  # fmt: skip
preprocess_input = preprocessing(None)
