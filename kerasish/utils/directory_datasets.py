"""Images, texts and recordings of a directory as tf.data datasets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.ops.image import resize, resize_cropped
from kerasish.ops.resampling import INTERPOLATIONS
from kerasish.utils.folders import LabeledFiles, files_of, ordered

_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    **kwargs: Any,
) -> Any:
    """A dataset of the images (`.jpg`, `.jpeg`, `.png`, `.bmp`, `.gif`) in a directory with a folder for each class.

    Args:
        directory: the path.
        labels: `"inferred"` from the folders; a list with a label for each file in the order of the alphabet; None.
        label_mode: `"int"`: class numbers of int32; `"categorical"`: rows `(classes,)` with 1 at the number;
            `"binary"`: `[0.0]` or `[1.0]`; None: no labels.
        class_names: the folders' names in the order of their numbers; that of the alphabet if None.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`: 3, 4 or 1 channels.
        batch_size: images in a batch; None for single images.
        image_size: `(height, width)` of all images.
        shuffle: whether the order is another each epoch.
        seed: of the orders.
        validation_split: the part of the files that is the subset `"validation"`.
        subset: `"training"`, `"validation"` or `"both"`.
        interpolation: how images are resized; see `smart_resize`.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether what does not fit the proportions of `image_size` is cut off instead of squeezed.
        **kwargs: `smart_resize`, the earlier name of `crop_to_aspect_ratio`.

    Returns:
        A dataset of images `(batch, height, width, channels)`, or of pairs of them and labels, floats from 0 to 255
        (uint8 for interpolation="nearest"). Its attributes `class_names` and `file_paths` are lists. With `"both"`, a
        list of two.

    Raises:
        ValueError: for arguments that do not fit each other or the directory, or where there are no files.
        TypeError: for another keyword.
    """
    crop = kwargs.pop("smart_resize", crop_to_aspect_ratio)
    if kwargs:
        raise TypeError(f"image_dataset_from_directory takes no keyword argument {', '.join(map(repr, kwargs))}.")
    if color_mode not in _CHANNELS:
        raise ValueError(f"`color_mode` must be one of {', '.join(map(repr, _CHANNELS))}. Received: {color_mode!r}")
    if interpolation not in INTERPOLATIONS:
        names = ", ".join(map(repr, INTERPOLATIONS))
        raise ValueError(f"`interpolation` must be one of {names}. Received: interpolation={interpolation!r}")
    if len(image_size) != 2:
        raise ValueError(f"`image_size` must be (height, width). Received: image_size={image_size!r}")
    height, width = image_size
    channels = _CHANNELS[color_mode]
    resized = resize_cropped if crop else resize

    def load(path: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(tf.io.read_file(path), channels=channels, expand_animations=False)
        image = resized(image, height, width, interpolation)
        image.set_shape((height, width, channels))
        return image

    endings = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
    parts, seed = files_of(
        directory, labels, label_mode, class_names, endings, shuffle, seed, validation_split, subset, follow_links
    )
    datasets = [_dataset(part, load, label_mode, batch_size, shuffle, seed) for part in parts]
    for dataset, part in zip(datasets, parts, strict=True):
        dataset.file_paths = part.paths
    return datasets if subset == "both" else datasets[0]


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """A dataset of the texts (`.txt`) in a directory with a folder for each class.

    Args:
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links: see
            `image_dataset_from_directory`.
        batch_size: texts in a batch; None for single texts.
        max_length: bytes after which texts are cut; None: they are not.

    Returns:
        A dataset of strings `(batch,)`, or of pairs of them and labels; its attribute `class_names` is a list. With
        `"both"`, a list of two.

    Raises:
        ValueError: for arguments that do not fit each other or the directory, or where there are no files.
    """

    def load(path: tf.Tensor) -> tf.Tensor:
        text = tf.io.read_file(path)
        return text if max_length is None else tf.strings.substr(text, 0, max_length)

    parts, seed = files_of(
        directory, labels, label_mode, class_names, (".txt",), shuffle, seed, validation_split, subset, follow_links
    )
    datasets = [_dataset(part, load, label_mode, batch_size, shuffle, seed) for part in parts]
    return datasets if subset == "both" else datasets[0]


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """A dataset of the recordings (`.wav`, 16 bits) in a directory with a folder for each class.

    Args:
        directory, labels, label_mode, class_names, shuffle, seed, validation_split, subset, follow_links: see
            `image_dataset_from_directory`.
        batch_size: recordings in a batch; None for single recordings.
        sampling_rate: samples per second that recordings are brought to, by tensorflow_io; None: as they are.
        output_sequence_length: samples after which recordings are cut, and to which they are filled up with 0; that
            of the longest of each batch if None.
        ragged: whether batches are ragged instead of filled up.

    Returns:
        A dataset of recordings `(batch, samples, channels)` from -1 to 1, or of pairs of them and labels; its
        attribute `class_names` is a list. With `"both"`, a tuple of two.

    Raises:
        ValueError: for arguments that do not fit each other or the directory, or where there are no files.
        ImportError: with `sampling_rate`, without tensorflow_io.
    """
    if sampling_rate is not None and (not isinstance(sampling_rate, int) or sampling_rate <= 0):
        raise ValueError(f"`sampling_rate` must be a positive integer. Received: sampling_rate={sampling_rate!r}")
    if ragged and output_sequence_length is not None:
        raise ValueError(
            "`ragged` and `output_sequence_length` exclude each other. "
            f"Received: ragged=True, output_sequence_length={output_sequence_length}"
        )
    resample = None if sampling_rate is None else _resampling()

    def load(path: tf.Tensor) -> tf.Tensor:
        wanted = -1 if output_sequence_length is None else output_sequence_length
        audio, rate = tf.audio.decode_wav(tf.io.read_file(path), desired_samples=wanted)
        if resample is not None:
            audio = resample(audio, rate_in=tf.cast(rate, tf.int64), rate_out=tf.constant(sampling_rate, tf.int64))
        audio.set_shape((output_sequence_length, None))
        return tf.RaggedTensor.from_tensor(audio) if ragged else audio

    parts, seed = files_of(
        directory, labels, label_mode, class_names, (".wav",), shuffle, seed, validation_split, subset, follow_links
    )
    datasets = [_dataset(part, load, label_mode, batch_size, shuffle, seed, padded=not ragged) for part in parts]
    return tuple(datasets) if subset == "both" else datasets[0]


def _dataset(
    files: LabeledFiles, load: Callable[[tf.Tensor], Any], label_mode: str | None, batch_size: int | None,
    shuffle: bool, seed: int | None, padded: bool = False,
) -> Any:  # fmt: skip
    """Loads the files of paths that have been shuffled, so that no more than paths lie in the buffer."""
    paths = tf.data.Dataset.from_tensor_slices(files.paths)
    labels = files.label_dataset(label_mode)
    if labels is None:
        dataset = ordered(paths, batch_size, shuffle, seed).map(load, tf.data.AUTOTUNE)
    else:
        pairs = ordered(tf.data.Dataset.zip((paths, labels)), batch_size, shuffle, seed)
        dataset = pairs.map(lambda path, label: (load(path), label), tf.data.AUTOTUNE)
    if batch_size is not None:
        dataset = dataset.padded_batch(batch_size) if padded else dataset.batch(batch_size)
    dataset = dataset.prefetch(tf.data.AUTOTUNE)
    dataset.class_names = files.class_names
    return dataset


def _resampling() -> Callable[..., tf.Tensor]:
    try:
        import tensorflow_io
    except ImportError as error:
        raise ImportError("`sampling_rate` needs tensorflow_io: pip install tensorflow-io") from error
    return tensorflow_io.audio.resample
