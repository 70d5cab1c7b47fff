"""Batches of images in an order that is shuffled each epoch."""

from __future__ import annotations

import os
import threading
import warnings
from collections import abc
from typing import Any

import numpy as np

from kerasish.core import settings
from kerasish.data_sources.sequence import Sequence
from kerasish.utils.images import save_img


class Iterator(Sequence):
    """Batches by index, and, by `next`, without end: a subclass says what a batch is.

    A subclass writes `_get_batches_of_transformed_samples(index_array)`, which returns the batch of the samples with
    these numbers.

    Args:
        n: number of samples.
        batch_size: samples in a batch; the last of an epoch may have fewer.
        shuffle: whether samples get a new order each epoch.
        seed: NumPy's generator is seeded with it plus the number of the batch, before each batch; not if None.
    """

    white_list_formats: Any = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None):
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None
        self.index_generator = self._flow_index()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("lock", "index_generator")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.lock = threading.Lock()
        self.index_generator = self._flow_index()

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        """Batch number `index` of the epoch.

        Raises:
            ValueError: if the epoch has no such batch.
        """
        if index >= len(self):
            raise ValueError(f"There are {len(self)} batches, numbered from 0. Received: index={index}")
        self._seed_batch()
        self.total_batches_seen += 1
        order = self._new_order() if self.index_array is None else self.index_array
        return self._get_batches_of_transformed_samples(order[self.batch_size * index : self.batch_size * (index + 1)])

    def __iter__(self) -> abc.Iterator[Any]:
        """The iterator itself, which has no end."""
        return self

    def __next__(self) -> Any:
        """The next batch; a new epoch begins after the last."""
        return self.next()

    def next(self) -> Any:
        """The next batch; a new epoch begins after the last."""
        with self.lock:
            numbers = next(self.index_generator)
        return self._get_batches_of_transformed_samples(numbers)

    def reset(self) -> None:
        """Makes `next` begin a new epoch."""
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """Shuffles the samples anew."""
        self._new_order()

    def _flow_index(self) -> abc.Iterator[np.ndarray]:
        self.reset()
        while True:
            self._seed_batch()
            order = self._new_order() if self.batch_index == 0 or self.index_array is None else self.index_array
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > first + self.batch_size else 0
            self.total_batches_seen += 1
            yield order[first : first + self.batch_size]

    def _seed_batch(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def _new_order(self) -> np.ndarray:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must define _get_batches_of_transformed_samples(self, index_array)."
        )


class NumpyArrayIterator(Iterator):
    """Batches of an array of images, each distorted and standardized by an `ImageDataGenerator`.

    A batch is `x`, `(x, y)` or `(x, y, sample_weight)`; with further inputs x is a list.

    Args:
        x: images of rank 4, or a pair of them and of further inputs (an array or a list of arrays).
        y: as many targets, or None.
        image_data_generator: what distorts and standardizes.
        batch_size, shuffle, seed: see `Iterator`.
        sample_weight: as many weights, or None.
        data_format: where channels are; the setting if None.
        save_to_dir, save_prefix, save_format: a folder for the distorted images, the beginning of their names, and
            their ending.
        subset: `"training"` or `"validation"`: the images behind and before the generator's `validation_split`.
        ignore_class_split: whether the two subsets may differ in their targets.
        dtype: of the images; the setting `floatx` if None.

    Raises:
        ValueError: for images of another rank, arrays of several lengths, another subset, or subsets of other targets.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ):
        self.dtype = dtype or settings.floatx()
        x, further = x if isinstance(x, (tuple, list)) else (x, [])
        further = [np.asarray(part) for part in (further if isinstance(further, list) else [further])]
        columns = {"x[1]": further, "y": [y], "sample_weight": [sample_weight]}
        for name, parts in columns.items():
            for part in parts:
                if part is not None and len(part) != len(x):
                    raise ValueError(
                        f"`x` and `{name}` must have the same length. Received: {np.shape(x)} and {np.shape(part)}"
                    )
        chosen = slice(None)
        if subset is not None:
            chosen = _subset(subset, int(len(x) * image_data_generator._validation_split), y, ignore_class_split)
        self.x = np.asarray(x[chosen], self.dtype)
        self.x_misc = [part[chosen] for part in further]
        self.y = None if y is None else np.asarray(y[chosen])
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight[chosen])
        self.data_format = data_format or settings.image_data_format()
        check_images("x", self.x, self.data_format)
        self.image_data_generator = image_data_generator
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        images = np.zeros((len(index_array), *self.x.shape[1:]), self.dtype)
        for place, number in enumerate(index_array):
            image = self.x[number]
            change = self.image_data_generator.get_random_transform(image.shape)
            image = self.image_data_generator.apply_transform(image.astype(self.dtype), change)
            images[place] = self.image_data_generator.standardize(image)
        if self.save_to_dir:
            save_batch(self, images, index_array, 10**4)
        x = [images, *(part[index_array] for part in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return x
        y = self.y[index_array]
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[index_array])


def save_batch(iterator: Any, images: np.ndarray, numbers: Any, names: int) -> None:
    """Writes the images into the iterator's folder, under names with a random number below `names` in them."""
    for image, number in zip(images, numbers, strict=True):
        name = f"{iterator.save_prefix}_{number}_{np.random.randint(names)}.{iterator.save_format}"
        save_img(os.path.join(iterator.save_to_dir, name), image, iterator.data_format)


def check_images(name: str, images: np.ndarray, data_format: str) -> None:
    """Refuses an array of another rank than 4; warns of an unusual number of channels."""
    if images.ndim != 4:
        raise ValueError(f"`{name}` must hold images and have the rank 4. Received: shape={images.shape}")
    channels = images.shape[1 if data_format == "channels_first" else 3]
    if channels not in (1, 3, 4):
        warnings.warn(
            f"Images have 1, 3 or 4 channels; with data_format={data_format!r} these have {channels}: "
            f"the shape of `{name}` is {images.shape}.",
            stacklevel=3,
        )


def _subset(subset: str, split: int, y: Any, ignore_class_split: bool) -> slice:
    if subset not in ("training", "validation"):
        raise ValueError(f"`subset` must be 'training' or 'validation'. Received: subset={subset!r}")
    if y is not None and not ignore_class_split and not np.array_equal(np.unique(y[:split]), np.unique(y[split:])):
        raise ValueError(
            "The targets of both subsets must have the same values. Received: "
            f"{len(np.unique(y[:split]))} values for validation, {len(np.unique(y[split:]))} for training\n"
            "Fix: shuffle the arrays before, or pass ignore_class_split=True."
        )
    return slice(split) if subset == "validation" else slice(split, None)
