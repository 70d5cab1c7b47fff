"""Images as the networks trained on ImageNet take them, and their outputs as names of classes.

Source: behaviour of tf.keras 2; the three ways are those of the first releases of the networks in Caffe (Simonyan and
Zisserman, VGG), TensorFlow (Inception) and Torch (torchvision).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import settings
from kerasish.data_sources.downloads import get_file
from kerasish.graph.symbolic_tensor import is_symbolic

__all__ = ["decode_predictions", "preprocess_input"]

_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASSES_MD5 = "c2c37ea517e94d9795004a39431a14cb"
_MEAN_BGR = (103.939, 116.779, 123.68)
_MEAN_RGB = (0.485, 0.456, 0.406)
_DEVIATION_RGB = (0.229, 0.224, 0.225)
_MODES = ("caffe", "tf", "torch")
_LAYOUTS = ("channels_first", "channels_last")
_IN_MODE = {
    "caffe": ": blue, green, red, each less its mean over ImageNet",
    "tf": ": values from -1 to 1",
    "torch": ": values from 0 to 1, each colour less its mean and over its standard deviation",
    None: ", which is as they are: the models begin with what prepares them",
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """The images as a network takes them; the images given stay as they are.

    Args:
        x: images `(batch, height, width, 3)` or one of them, with values from 0 to 255: an array, a tensor or a
            symbolic tensor. Whole numbers become `floatx()`, other types stay.
        data_format: `"channels_last"` or `"channels_first"`, `image_data_format()` if None.
        mode: `"caffe"` for blue, green, red, each less its mean over ImageNet; `"tf"` for values from -1 to 1;
            `"torch"` for values from 0 to 1, each colour less its mean and over its standard deviation.

    Raises:
        ValueError: for another mode or layout.
    """
    _check_one_of("mode", mode, _MODES)
    if data_format is not None:
        _check_one_of("data_format", data_format, _LAYOUTS)
    x = _floating(x)
    if mode == "tf":
        return x / 127.5 - 1.0
    first = (data_format or settings.image_data_format()) == "channels_first"

    def colours(values: tuple[float, ...]) -> np.ndarray:
        return np.reshape(values, (3, 1, 1) if first else (3,)).astype(tf.as_dtype(x.dtype).as_numpy_dtype)

    if mode == "torch":
        return (x / 255.0 - colours(_MEAN_RGB)) / colours(_DEVIATION_RGB)
    return (x[..., ::-1, :, :] if first else x[..., ::-1]) - colours(_MEAN_BGR)


def preprocessing(mode: str | None) -> Callable[..., Any]:
    """The `preprocess_input` of a family of networks: in a mode, or None for networks that take images as they are."""

    def prepared(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else preprocess_input(x, data_format, mode)

    prepared.__name__ = prepared.__qualname__ = "preprocess_input"
    prepared.__doc__ = f"""The images as these networks take them{_IN_MODE[mode]}.

    Args:
        x: images `(batch, height, width, 3)` or one of them, with values from 0 to 255: an array, a tensor or a
            symbolic tensor.
        data_format: `"channels_last"` or `"channels_first"`, `image_data_format()` if None.

    Raises:
        ValueError: for another layout.
    """
    return prepared


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """For every image its likeliest classes, each as `(WordNet number, name, probability)`.

    Args:
        preds: probabilities `(images, 1000)` of the classes of ImageNet.
        top: how many classes.

    Raises:
        ValueError: for another shape.
        OSError: if the classes' names are not in the cache and cannot be fetched.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise ValueError(
            "`preds` must be the outputs of a network for a batch of images, of shape (images, 1000).\n"
            f"Received: preds of shape {preds.shape}\n"
            "Fix: pass what `model.predict(images)` returns, from a model of the 1000 classes of ImageNet."
        )
    names = _class_names()
    best = [row.argsort()[-top:][::-1] for row in preds]
    return [[(*names[place], row[place]) for place in places] for row, places in zip(preds, best, strict=True)]


@functools.cache
def _class_names() -> list[tuple[str, str]]:
    path = get_file(origin=_CLASSES, cache_subdir="models", file_hash=_CLASSES_MD5)
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    return [tuple(found[str(number)]) for number in range(len(found))]


def _floating(x: Any) -> Any:
    if is_symbolic(x) or tf.is_tensor(x):
        return x if x.dtype.is_floating else tf.cast(x, settings.floatx())
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(settings.floatx())


def _check_one_of(argument: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"`{argument}` must be one of {', '.join(allowed)}. Received: {argument}={value!r}")
