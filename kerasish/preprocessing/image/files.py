"""Batches of image files: of a directory with a folder for each class, or listed in a data frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator as AnyIterator
from typing import Any

import numpy as np

from kerasish.callbacks.console import console
from kerasish.core import settings
from kerasish.preprocessing.image.iterator import Iterator, save_batch
from kerasish.utils.images import img_to_array, load_img

_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class _FileIterator(Iterator):
    """Batches of the files in `filepaths`."""

    image_data_generator: Any
    class_mode: str | None
    class_indices: dict[str, int]
    dtype: Any
    allowed_class_modes: Any

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: Any,
        color_mode: str,
        data_format: str,
        save_to_dir: str | None,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        """Says how files become images.

        Raises:
            ValueError: for another colour mode or subset.
        """
        if color_mode not in _CHANNELS:
            raise ValueError(f"`color_mode` must be one of {', '.join(map(repr, _CHANNELS))}. Received: {color_mode!r}")
        if subset not in (None, "training", "validation"):
            raise ValueError(f"`subset` must be 'training' or 'validation'. Received: subset={subset!r}")
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.keep_aspect_ratio, self.interpolation = keep_aspect_ratio, interpolation
        self.color_mode, self.data_format = color_mode, data_format
        channels = _CHANNELS[color_mode]
        self.image_shape = (
            (*self.target_size, channels) if data_format == "channels_last" else (channels, *self.target_size)
        )
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.subset = subset
        self.split: tuple[float, float] | None = None
        if subset is not None:
            split = image_data_generator._validation_split
            self.split = (0, split) if subset == "validation" else (split, 1)

    @property
    def filepaths(self) -> list[str]:
        """Paths of all files."""
        raise NotImplementedError

    @property
    def labels(self) -> Any:
        """The class numbers or targets of all files."""
        raise NotImplementedError

    @property
    def sample_weight(self) -> Any:
        """The weights of all files, or None."""
        raise NotImplementedError

    def _check_class_mode(self, class_mode: str | None) -> None:
        if class_mode not in self.allowed_class_modes:
            modes = ", ".join(sorted(map(repr, self.allowed_class_modes)))
            raise ValueError(f"`class_mode` must be one of {modes}. Received: class_mode={class_mode!r}")

    def _subset_of(self, count: int) -> slice:
        """The files of the subset among `count` files."""
        if self.split is None:
            return slice(count)
        return slice(int(self.split[0] * count), int(self.split[1] * count))

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        images = np.zeros((len(index_array), *self.image_shape), self.dtype)
        for place, number in enumerate(index_array):
            images[place] = self._image(self.filepaths[number])
        if self.save_to_dir:
            save_batch(self, images, index_array, 10**7)
        if self.class_mode is None:
            return images
        targets = images.copy() if self.class_mode == "input" else self._targets_of(index_array)
        if self.sample_weight is None:
            return images, targets
        return images, targets, self.sample_weight[index_array]

    def _image(self, path: str) -> np.ndarray:
        with load_img(
            path, color_mode=self.color_mode, target_size=self.target_size, interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        ) as img:  # fmt: skip
            image = img_to_array(img, self.data_format)
        if not self.image_data_generator:
            return image
        change = self.image_data_generator.get_random_transform(image.shape)
        return self.image_data_generator.standardize(self.image_data_generator.apply_transform(image, change))

    def _targets_of(self, numbers: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return [output[numbers] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[numbers]
        classes = [self.labels[number] for number in numbers]
        if self.class_mode in ("binary", "sparse"):
            return np.array(classes, self.dtype)
        rows = np.zeros((len(numbers), len(self.class_indices)), self.dtype)
        for row, numbers_of_classes in zip(rows, classes, strict=True):
            row[numbers_of_classes] = 1
        return rows


class DirectoryIterator(_FileIterator):
    """Batches `(x, y)` of the image files in a directory that has a folder for each class.

    Files in folders within belong to the class too. Says how many files it has found.

    Args:
        directory: the path of the directory.
        image_data_generator: what distorts and standardizes.
        target_size: `(height, width)` of the images.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: names of the folders in the order of their numbers; all in the order of the alphabet if None.
        class_mode: what y is: a row with 1 at the class's number (`"categorical"`), the number (`"binary"`,
            `"sparse"`), the image itself (`"input"`); None: a batch is x.
        batch_size, shuffle, seed: see `Iterator`.
        data_format: where channels are; the setting if None.
        save_to_dir, save_prefix, save_format: see `NumpyArrayIterator`.
        follow_links: whether links to folders are followed.
        subset: `"training"` or `"validation"`: the files of each class behind and before the generator's
            `validation_split`.
        interpolation: see `load_img`.
        keep_aspect_ratio: see `load_img`.
        dtype: of the images; the setting `floatx` if None.

    Raises:
        ValueError: for another colour mode, class mode or subset.
        FileNotFoundError: if there is no such directory.
    """

    allowed_class_modes = {"categorical", "binary", "sparse", "input", None}

    def __init__(
        self,
        directory: str,
        image_data_generator: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ):
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format or settings.image_data_format(), save_to_dir,
            save_prefix, save_format, subset, interpolation, keep_aspect_ratio,
        )  # fmt: skip
        self._check_class_mode(class_mode)
        self.directory, self.class_mode = directory, class_mode
        self.dtype = dtype or settings.floatx()
        if not classes:
            classes = sorted(name for name in os.listdir(directory) if os.path.isdir(os.path.join(directory, name)))
        self.num_classes = len(classes)
        self.class_indices = {name: number for number, name in enumerate(classes)}
        self.filenames: list[str] = []
        numbers: list[int] = []
        for name, number in self.class_indices.items():
            found = list(_image_files(os.path.join(directory, name), self.white_list_formats, follow_links))
            chosen = found[self._subset_of(len(found))]
            self.filenames += [os.path.relpath(path, directory) for path in chosen]
            numbers += [number] * len(chosen)
        self.classes = np.array(numbers, "int32")
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        console.line(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of all files."""
        return self._filepaths

    @property
    def labels(self) -> np.ndarray:
        """The class numbers of all files."""
        return self.classes

    @property
    def sample_weight(self) -> None:
        """None."""
        return None


class DataFrameIterator(_FileIterator):
    """Batches `(x, y)` or `(x, y, sample_weight)` of the image files that a data frame lists.

    Says how many files it has found.

    Args:
        dataframe: a pandas frame with a row for each file.
        directory: where the files are; their paths stand in the frame if None.
        image_data_generator: what distorts and standardizes.
        x_col: the column of file names.
        y_col: the column, or the list of columns, of classes or targets.
        weight_col: the column of weights, or None.
        target_size, color_mode, interpolation, keep_aspect_ratio: see `DirectoryIterator`.
        classes: names of the classes in the order of their numbers; rows of others are left out. All in the order of
            the alphabet if None.
        class_mode: what y is: a row with 1 at the number of the class, or of each class in a list (`"categorical"`),
            the number (`"binary"`, `"sparse"`), the column or columns as they are (`"raw"`, an array;
            `"multi_output"`, a list of arrays), the image itself (`"input"`); None: a batch is x.
        batch_size, shuffle, seed: see `Iterator`.
        data_format: where channels are.
        save_to_dir, save_prefix, save_format: see `NumpyArrayIterator`.
        subset: `"training"` or `"validation"`: the rows behind and before the generator's `validation_split`.
        dtype: of the images.
        validate_filenames: whether rows of files that are not there are left out, which a warning says.

    Raises:
        ValueError: for another colour mode, class mode or subset, or other than two classes with `"binary"`.
        TypeError: for columns of a type that does not fit.
    """

    allowed_class_modes = {"binary", "categorical", "input", "multi_output", "raw", "sparse", None}

    def __init__(
        self,
        dataframe: Any,
        directory: str | None = None,
        image_data_generator: Any = None,
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
        data_format: str = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = "float32",
        validate_filenames: bool = True,
    ):
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio,
        )  # fmt: skip
        self._check_class_mode(class_mode)
        self.directory, self.class_mode, self.dtype = directory or "", class_mode, dtype
        _check_columns(dataframe, x_col, y_col, weight_col, classes, class_mode)
        rows = self._existing(dataframe, x_col) if validate_filenames else dataframe
        by_class = class_mode not in (None, "input", "multi_output", "raw")
        if by_class:
            rows, names = _of_classes(rows, y_col, classes)
            self.class_indices = {name: number for number, name in enumerate(names)}
        rows = rows.iloc[self._subset_of(len(rows))]
        if by_class:
            self.classes = [self._numbers(value) for value in rows[y_col]]
        self.filenames = rows[x_col].tolist()
        self._sample_weight = rows[weight_col].to_numpy() if weight_col else None
        if class_mode == "multi_output":
            self._targets: Any = [np.array(rows[name].tolist()) for name in y_col]
        elif class_mode == "raw":
            self._targets = rows[y_col].to_numpy()
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        found = f"Found {self.samples} {'' if validate_filenames else 'non-'}validated image filenames"
        console.line(f"{found} belonging to {len(self.class_indices)} classes." if by_class else f"{found}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of all files."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The class numbers of all files, or their targets."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> Any:
        """The weights of all files, or None."""
        return self._sample_weight

    def _numbers(self, names: Any) -> Any:
        if isinstance(names, (list, tuple)):
            return [self.class_indices[name] for name in names]
        return self.class_indices[names]

    def _existing(self, dataframe: Any, x_col: str) -> Any:
        exists = [
            _is_image(name, self.white_list_formats) and os.path.isfile(os.path.join(self.directory, name))
            for name in dataframe[x_col]
        ]
        if not all(exists):
            warnings.warn(
                f"{exists.count(False)} of {len(exists)} files in the column {x_col!r} are no image files or not "
                "there, and are left out.",
                stacklevel=4,
            )
        return dataframe[np.array(exists, bool)]


def _check_columns(
    dataframe: Any, x_col: str, y_col: Any, weight_col: str | None, classes: Any, class_mode: str | None
) -> None:
    if class_mode == "multi_output" and not isinstance(y_col, list):
        raise TypeError(f"`y_col` must be a list of columns with class_mode='multi_output'. Received: y_col={y_col!r}")
    _check_values(dataframe, "x_col", x_col, (str,))
    if class_mode in ("binary", "sparse", "categorical"):
        _check_values(dataframe, "y_col", y_col, (str, list, tuple) if class_mode == "categorical" else (str,))
    if class_mode == "binary":
        count = len(set(classes)) if classes else dataframe[y_col].nunique()
        if count != 2:
            raise ValueError(f"class_mode='binary' needs two classes. Received: {count} in the column {y_col!r}")
    if weight_col and dataframe[weight_col].dtype.kind not in "iufb":
        raise TypeError(
            f"The column of weights must hold numbers. Received: weight_col={weight_col!r} of the type "
            f"{dataframe[weight_col].dtype}"
        )


def _check_values(dataframe: Any, argument: str, column: str, types: tuple[type, ...]) -> None:
    wrong = [value for value in dataframe[column] if not isinstance(value, types)]
    if wrong:
        names = " or ".join(one.__name__ for one in types)
        raise TypeError(
            f"The column {column!r} must hold values of the type {names}. Received: {argument}={column!r} with "
            f"{wrong[0]!r}"
        )


def _of_classes(rows: Any, y_col: str, classes: Any) -> tuple[Any, list[str]]:
    """The rows of the classes, lists without others; and the names of the classes in their order."""
    if classes:
        known = set(classes)
        kept = [_known(value, known) for value in rows[y_col]]
        rows = rows.assign(**{y_col: kept})[np.array([bool(value) for value in kept], bool)]
        return rows, list(dict.fromkeys(classes))
    found = {name for value in rows[y_col] for name in (value if isinstance(value, (list, tuple)) else [value])}
    return rows, sorted(found)


def _known(value: Any, known: set[str]) -> Any:
    if isinstance(value, (list, tuple)):
        return [name for name in value if name in known]
    return value if value in known else None


def _image_files(directory: str, endings: Any, follow_links: bool) -> AnyIterator[str]:
    """Paths of the image files in a directory and those within, in the order of the alphabet."""
    for folder, _, names in sorted(os.walk(directory, followlinks=follow_links), key=lambda found: found[0]):
        for name in sorted(names):
            if _is_image(name, endings):
                yield os.path.join(folder, name)


def _is_image(name: str, endings: Any) -> bool:
    return name.lower().endswith(tuple(f".{ending}" for ending in endings))
