"""Random distortions of images, and the batches of distorted images for training."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.core import settings
from kerasish.preprocessing.image.affine import apply_affine_transform, random_parts
from kerasish.preprocessing.image.colour import apply_brightness_shift, apply_channel_shift
from kerasish.preprocessing.image.files import DataFrameIterator, DirectoryIterator
from kerasish.preprocessing.image.iterator import NumpyArrayIterator, check_images

_SMALL = 1e-6


class ImageDataGenerator:
    """Makes iterators over images that are distorted at random and standardized, anew in each epoch.

    All random numbers come from NumPy's global generator.

    Args:
        featurewise_center: whether the mean of the images that `fit` saw is subtracted, channel by channel.
        samplewise_center: whether each image's own mean is.
        featurewise_std_normalization: whether images are divided by the deviation that `fit` saw; with center.
        samplewise_std_normalization: whether by their own; with center.
        zca_whitening: whether the covariance that `fit` saw is removed; with center.
        zca_epsilon: added to singular values there.
        rotation_range: degrees to either side.
        width_shift_range, height_shift_range: below 1 a part of the size, from there on pixels; an integer n means
            whole pixels below n to either side, a list one of its numbers to either side.
        brightness_range: two numbers between which brightness is drawn.
        shear_range: degrees to either side.
        zoom_range: two numbers between which the visible part is drawn, or a number z for `[1 - z, 1 + z]`.
        channel_shift_range: added to either side.
        fill_mode, cval: what is outside the image; see `apply_affine_transform`.
        horizontal_flip, vertical_flip: whether half of the images are mirrored.
        rescale: images are multiplied by it; not if None or 0.
        preprocessing_function: called with each distorted image, before everything that standardizes.
        data_format: where channels are; the setting if None.
        validation_split: the part of the images that is the subset `"validation"`.
        interpolation_order: of the spline through the pixels; see `apply_affine_transform`.
        dtype: of the images; the setting `floatx` if None.

    Raises:
        ValueError: for another data format, ranges of another form, or a split outside of 0 to 1.

    Source: behaviour of `tf.keras.preprocessing.image.ImageDataGenerator`.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-06,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ):
        self.data_format = data_format or settings.image_data_format()
        if self.data_format not in ("channels_first", "channels_last"):
            raise ValueError(f"`data_format` must be 'channels_first' or 'channels_last'. Received: {data_format!r}")
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` must lie between 0 and 1. Received: {validation_split!r}")
        self.featurewise_center, self.samplewise_center = featurewise_center, samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = _brightness_range(brightness_range)
        self.zoom_range = _zoom_range(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.dtype = dtype or settings.floatx()
        self.interpolation_order = interpolation_order
        self.channel_axis, self.row_axis, self.col_axis = (
            (3, 1, 2) if self.data_format == "channels_last" else (1, 2, 3)
        )
        self._validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None
        self._center_where_needed()

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Batches of an array of images; see `NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            ignore_class_split=ignore_class_split, subset=subset, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self,
        directory: str,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Batches of the image files in a directory that has a folder for each class; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode,
            batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=self.data_format, save_to_dir=save_to_dir,
            save_prefix=save_prefix, save_format=save_format, follow_links=follow_links, subset=subset,
            interpolation=interpolation, keep_aspect_ratio=keep_aspect_ratio, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | None = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches of the image files that a data frame lists; see `DataFrameIterator`.

        `kwargs` of earlier releases (`has_ext`, `sort`, `drop_duplicates`) have no effect, which a warning says.
        """
        if kwargs:
            warnings.warn(f"flow_from_dataframe has no use for {', '.join(map(repr, kwargs))}.", stacklevel=2)
        return DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size,
            color_mode=color_mode, classes=classes, class_mode=class_mode, data_format=self.data_format,
            batch_size=batch_size, shuffle=shuffle, seed=seed, save_to_dir=save_to_dir, save_prefix=save_prefix,
            save_format=save_format, subset=subset, interpolation=interpolation,
            validate_filenames=validate_filenames, dtype=self.dtype,
        )  # fmt: skip

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Rescales, centers, normalizes and whitens an image, or images, in place, and returns it."""
        change = self.preprocessing_function
        x = change(x) if change else x
        if self.rescale:
            np.multiply(x, self.rescale, out=x)
        if self.samplewise_center:
            np.subtract(x, x.mean(keepdims=True), out=x)
        if self.samplewise_std_normalization:
            np.divide(x, x.std(keepdims=True) + _SMALL, out=x)
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x /= self.std + _SMALL
        if self.zca_whitening and self._fitted("zca_whitening", self.zca_whitening_matrix):
            rows = x.reshape(-1, int(np.prod(x.shape[-3:])))
            x = np.reshape(rows @ self.zca_whitening_matrix, x.shape)
        return x

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """A random distortion of an image of that shape, for `apply_transform`.

        Args:
            img_shape: the shape of one image.
            seed: NumPy's generator is seeded with it before; not if None.
        """
        if seed is not None:
            np.random.seed(seed)
        theta = np.random.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = _shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = _shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = np.random.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        zx, zy = random_parts(self.zoom_range)
        across, upside_down = ((np.random.random() < 0.5) * flip for flip in (self.horizontal_flip, self.vertical_flip))
        intensity = brightness = None
        if self.channel_shift_range != 0:
            intensity = np.random.uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            brightness = np.random.uniform(self.brightness_range[0], self.brightness_range[1])
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy, "flip_horizontal": across,
            "flip_vertical": upside_down, "channel_shift_intensity": intensity, "brightness": brightness,
        }  # fmt: skip

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """The image distorted.

        Args:
            x: one image.
            transform_parameters: any of `theta`, `tx`, `ty`, `shear`, `zx`, `zy` (see `apply_affine_transform`),
                `flip_horizontal`, `flip_vertical`, `channel_shift_intensity` and `brightness`.
        """
        row_axis, col_axis, channel_axis = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        wanted = transform_parameters.get
        x = apply_affine_transform(
            x, wanted("theta", 0), wanted("tx", 0), wanted("ty", 0), wanted("shear", 0), wanted("zx", 1),
            wanted("zy", 1), row_axis, col_axis, channel_axis, self.fill_mode, self.cval, self.interpolation_order,
        )  # fmt: skip
        if (intensity := wanted("channel_shift_intensity")) is not None:
            x = apply_channel_shift(x, intensity, channel_axis)
        if wanted("flip_horizontal"):
            x = np.flip(x, col_axis)
        if wanted("flip_vertical"):
            x = np.flip(x, row_axis)
        if (brightness := wanted("brightness")) is not None:
            x = apply_brightness_shift(x, brightness, False)
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """The image with a random distortion; see `get_random_transform`."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Takes the mean, deviation and covariance of images, for those of `standardize` that need them.

        Args:
            x: images of rank 4.
            augment: whether they are distorted before.
            rounds: how many distortions of each image are taken.
            seed: NumPy's generator is seeded with it before; not if None.

        Raises:
            ValueError: for images of another rank.
        """
        images = np.array(x, self.dtype)
        check_images("x", images, self.data_format)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            images *= self.rescale
        if augment:
            images = np.stack([self.random_transform(image) for _ in range(rounds) for image in images])
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(images, axes, keepdims=True)[0]
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(images, axes, keepdims=True)[0]
            images /= self.std + _SMALL
        if self.zca_whitening:
            rows = images.reshape(len(images), -1)
            vectors, values, _ = np.linalg.svd(rows.T, full_matrices=False)
            self.zca_whitening_matrix = (vectors * (np.sqrt(len(rows)) / (values + self.zca_epsilon))) @ vectors.T

    def _center_where_needed(self) -> None:
        for name, center in (
            ("zca_whitening", "featurewise_center"),
            ("featurewise_std_normalization", "featurewise_center"),
            ("samplewise_std_normalization", "samplewise_center"),
        ):
            if getattr(self, name) and not getattr(self, center):
                setattr(self, center, True)
                warnings.warn(f"`{name}` needs `{center}`, which is on now.", stacklevel=3)

    def _fitted(self, name: str, value: Any) -> bool:
        if value is None:
            warnings.warn(f"`{name}` has no effect before `fit` was called with images.", stacklevel=3)
        return value is not None


def _shift(shifts: Any, size: int) -> float:
    """Rows or columns by which an image of that size is moved."""
    if not np.any(shifts):
        return 0
    if np.ndim(shifts) or isinstance(shifts, (int, np.integer)):
        drawn = np.random.choice(shifts) * np.random.choice([-1, 1])
    else:
        drawn = np.random.uniform(-shifts, shifts)
    return drawn * size if np.max(shifts) < 1 else drawn


def _brightness_range(value: Any) -> Any:
    if value is not None and not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise ValueError(f"`brightness_range` must be two numbers, (lower, upper). Received: {value!r}")
    return value


def _zoom_range(value: Any) -> list[float]:
    if isinstance(value, (int, float, np.number)):
        return [1 - value, 1 + value]
    if len(value) == 2 and all(isinstance(one, (int, float, np.number)) for one in value):
        return [value[0], value[1]]
    raise ValueError(f"`zoom_range` must be a number or two, (lower, upper). Received: zoom_range={value!r}")
