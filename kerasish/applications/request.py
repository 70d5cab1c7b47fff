"""What every network of `applications` has in common: the arguments it is asked for with, its input, its last layers.

Source: behaviour of tf.keras 2 (`keras.applications`), with its names of layers and its files of weights.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.core import settings
from kerasish.data_sources.downloads import get_file
from kerasish.graph.origins import get_source_inputs
from kerasish.graph.symbolic_tensor import is_symbolic
from kerasish.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from kerasish.models import Model

STORE = "https://storage.googleapis.com/tensorflow/keras-applications/"
IMAGENET_CLASSES = 1000

_ARGUMENTS = """

    Args:
        include_top: whether the layers that tell the classes are there.
        weights: `"imagenet"` for those trained on ImageNet, fetched once into `~/.keras/models`; a file of weights; or
            None for fresh ones.
        input_tensor: a symbolic tensor to start from.
        input_shape: `(height, width, channels)` of the images, if not the usual ones; in the order of
            `image_data_format()`.
        pooling: without the top, `"avg"` or `"max"` for `(batch, features)`, None for the images of features.
        classes: the number of classes.
        classifier_activation: what turns logits into the output; None for the logits.{others}

    Raises:
        ValueError: if an argument does not fit the others, or the weights do not fit the model.
        OSError: if the weights are not in the cache and cannot be fetched.
    """


@dataclass(frozen=True)
class Request:
    """The arguments that every network takes; the docstring of any of them tells what they are."""

    include_top: bool
    weights: Any
    input_tensor: Any
    input_shape: Any
    pooling: Any
    classes: int
    classifier_activation: Any

    def input(self, usual: int | None, smallest: int = 32) -> Any:
        """The symbolic images to start from.

        Args:
            usual: height and width, in pixels, of the images that the network was made for; None if its top takes any.
            smallest: the least height and width.

        Raises:
            ValueError: if the arguments do not fit each other.
        """
        self._check_weights()
        shape = self._shape(usual, smallest)
        if self.input_tensor is None:
            return Input(shape)
        if is_symbolic(self.input_tensor):
            return self.input_tensor
        if not tf.is_tensor(self.input_tensor):
            raise ValueError(
                "`input_tensor` must be a symbolic tensor, what `Input(...)` or a layer called on it returns.\n"
                f"Received: a {type(self.input_tensor).__name__}\n"
                "Fix: leave it out and call the model on the images, or pass `Input(...)`."
            )
        return Input(tensor=self.input_tensor)

    def pooled(self, x: Any, average: str | None = None, largest: str | None = None) -> Any:
        """The features pooled as asked for, by layers of these names."""
        if self.pooling == "avg":
            return GlobalAveragePooling2D(name=average)(x)
        if self.pooling == "max":
            return GlobalMaxPooling2D(name=largest)(x)
        return x

    def classified(self, x: Any, name: str = "predictions", **arguments: Any) -> Any:
        """The classes' probabilities from `(batch, features)`."""
        return Dense(self.classes, activation=self.activation(), name=name, **arguments)(x)

    def activation(self) -> Any:
        """The last activation.

        Raises:
            ValueError: for one that the fetched weights were not trained with.
        """
        activation = activations.get(self.classifier_activation)
        if self.weights == "imagenet" and activation not in (activations.get("softmax"), activations.get(None)):
            raise ValueError(
                "`classifier_activation` must be 'softmax' or None with the weights of ImageNet.\n"
                f"Received: classifier_activation={self.classifier_activation!r}\n"
                "Fix: leave it out, or take `weights=None`."
            )
        return activation

    def ended(self, x: Any, average: str | None = "avg_pool", largest: str | None = "max_pool") -> Any:
        """Mean and classes of the features, or without the top the features pooled as asked for."""
        if not self.include_top:
            return self.pooled(x, average, largest)
        return self.classified(GlobalAveragePooling2D(name="avg_pool")(x))

    def model(
        self, start: Any, outputs: Any, name: str, url: str, digits: str | None = None, file: str | None = None
    ) -> Model:
        """The model from the images to the outputs, with the weights asked for.

        Args:
            start: the symbolic images.
            outputs: the symbolic outputs.
            name: the model's name.
            url: where the weights of ImageNet are; in `STORE` if it is no full address.
            digits: their hash.
            file: their name in the cache, if not that in the URL.
        """
        inputs = start if self.input_tensor is None else get_source_inputs(start)
        model = Model(inputs, outputs, name=name)
        if self.weights == "imagenet":
            origin = urllib.parse.urljoin(STORE, url)
            model.load_weights(get_file(file, origin, cache_subdir="models", file_hash=digits))
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model

    def _check_weights(self) -> None:
        if self.weights not in (None, "imagenet") and not _is_there(self.weights):
            raise ValueError(
                "`weights` must be None, 'imagenet', or the path of a file of weights.\n"
                f"Received: weights={self.weights!r}, and no such file\n"
                "Fix: write 'imagenet' for the published weights, None for fresh ones, or the file's full path."
            )
        if self.weights == "imagenet" and self.include_top and self.classes != IMAGENET_CLASSES:
            raise ValueError(
                f"`classes` must be {IMAGENET_CLASSES} with `weights='imagenet'` and `include_top=True`.\n"
                f"Received: classes={self.classes}\n"
                "Fix: take `include_top=False` and a Dense layer of your own on top, or `weights=None`."
            )

    def _shape(self, usual: int | None, smallest: int) -> tuple[int | None, ...]:
        """The images' shape; of any size where none is given and no top wants one."""
        first = settings.image_data_format() == "channels_first"
        sized = self.include_top and usual is not None
        whole = (3, usual, usual) if first else (usual, usual, 3)
        if self.input_shape is None:
            open_shape = (3, None, None) if first else (None, None, 3)
            return whole if sized else open_shape
        shape = tuple(self.input_shape)
        if len(shape) != 3:
            raise ValueError(
                "`input_shape` must have three numbers, height, width and channels, without the batch.\n"
                f"Received: input_shape={self.input_shape}\n"
                f"Fix: for example input_shape={whole}."
            )
        channels, sizes = (shape[0], shape[1:]) if first else (shape[2], shape[:2])
        if self.weights == "imagenet" and sized and shape != whole:
            raise ValueError(
                f"`input_shape` must be {whole} with `weights='imagenet'` and `include_top=True`.\n"
                f"Received: input_shape={shape}\n"
                "Fix: leave it out, or take `include_top=False` for images of another size."
            )
        if self.weights == "imagenet" and channels != 3:
            raise ValueError(
                "`input_shape` must have 3 channels with the weights of ImageNet.\n"
                f"Received: input_shape={shape}, {channels} channels in {settings.image_data_format()}\n"
                "Fix: repeat the single channel of grey images, or take `weights=None`."
            )
        if any(size is not None and size < smallest for size in sizes):
            raise ValueError(
                f"`input_shape` must be at least {smallest} x {smallest} pixels for this network.\n"
                f"Received: input_shape={shape}\n"
                "Fix: enlarge the images, for example with a Resizing layer."
            )
        if sized and None in shape:
            raise ValueError(
                "`input_shape` must be known in all its numbers with `include_top=True`.\n"
                f"Received: input_shape={shape}\n"
                f"Fix: give the size, for example {whole}, or take `include_top=False`."
            )
        return shape


def channel_axis() -> int:
    """The axis of the channels in `(batch, height, width, channels)` or, channels first, `(batch, channels, ...)`."""
    return 1 if settings.image_data_format() == "channels_first" else 3


def variant(name: str, network: str, compose: Callable[[Request], Model]) -> Callable[..., Model]:
    """The public function that makes one network from the usual arguments.

    Args:
        name: the function's name.
        network: what it makes, for the docstring.
        compose: makes the model asked for.
    """

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: Any = None, classes: int = IMAGENET_CLASSES, classifier_activation: Any = "softmax",
    ) -> Model:  # fmt: skip
        return compose(
            Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        )

    return named(build, name, network)


def named(function: Callable[..., Model], name: str, network: str, *further: str) -> Callable[..., Model]:
    """The function with a public name, and a docstring that names the network and tells the arguments.

    Args:
        function: it takes the usual arguments and perhaps others.
        name: its name.
        network: what it makes.
        *further: a line for each of the other arguments.
    """
    function.__name__ = function.__qualname__ = name
    others = "".join(f"\n        {line}" for line in further)
    function.__doc__ = f"{network}, as a model.{_ARGUMENTS.format(others=others)}"
    return function


def _is_there(path: Any) -> bool:
    try:
        return tf.io.gfile.exists(os.fspath(path))
    except TypeError:
        return False
