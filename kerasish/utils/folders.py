"""Files of a directory with a folder for each class: their paths, their labels, and the part of them to be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.console import console

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both")


@dataclass
class LabeledFiles:
    """Paths of files, a label for each (None: there are none), and the names of all classes."""

    paths: list[str]
    labels: list[Any] | None
    class_names: list[Any]

    def part(self, chosen: slice) -> LabeledFiles:
        """Some of the files."""
        labels = None if self.labels is None else self.labels[chosen]
        return LabeledFiles(self.paths[chosen], labels, self.class_names)

    def label_dataset(self, label_mode: str | None) -> tf.data.Dataset | None:
        """The labels one by one: numbers, rows with 1 at the number, or `[0.0]` and `[1.0]`; None without labels."""
        if self.labels is None or label_mode is None:
            return None
        labels = tf.data.Dataset.from_tensor_slices(self.labels)
        if label_mode == "categorical":
            return labels.map(lambda label: tf.one_hot(label, len(self.class_names)))
        if label_mode == "binary":
            return labels.map(lambda label: tf.cast(label, tf.float32)[tf.newaxis])
        return labels


def files_of(
    directory: Any, labels: Any, label_mode: str | None, class_names: Any, endings: tuple[str, ...], shuffle: bool,
    seed: int | None, validation_split: float | None, subset: str | None, follow_links: bool,
) -> tuple[list[LabeledFiles], int]:  # fmt: skip
    """The files of the subset, of both or of all, in a shuffled order if wanted; and the seed of the order.

    Raises:
        ValueError: for arguments that do not fit each other or the directory, or where there are no files.
    """
    _check(labels, label_mode, class_names, shuffle, seed, validation_split, subset)
    found = _labeled(str(directory), labels if label_mode is not None else None, class_names, endings, follow_links)
    console.line(f"Found {len(found.paths)} files belonging to {len(found.class_names)} classes.")
    if label_mode == "binary" and len(found.class_names) != 2:
        raise ValueError(f"label_mode='binary' needs two classes. Received: class_names={found.class_names}")
    seed = np.random.randint(10**6) if seed is None else seed
    if shuffle:
        for items in (found.paths, found.labels):
            if items is not None:
                np.random.RandomState(seed).shuffle(items)
    parts = [found]
    if subset is not None and validation_split is not None:
        first = len(found.paths) - int(validation_split * len(found.paths))
        both = {"training": slice(first), "validation": slice(first, None)}
        parts = [found.part(both[name]) for name in (both if subset == "both" else [subset])]
        for name, part in zip(both if subset == "both" else [subset], parts, strict=True):
            console.line(f"Using {len(part.paths)} files for {name}.")
    if not all(part.paths for part in parts):
        raise ValueError(
            f"There are no files for {subset or 'the dataset'}. Received: directory={str(directory)!r} with "
            f"{len(found.paths)} files that end with {', '.join(endings)}, validation_split={validation_split}"
        )
    return parts, seed


def ordered(dataset: tf.data.Dataset, batch_size: int | None, shuffle: bool, seed: int | None) -> tf.data.Dataset:
    """The dataset in a new order each epoch, shuffled within eight batches."""
    return dataset.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed) if shuffle else dataset


def _check(
    labels: Any, label_mode: str | None, class_names: Any, shuffle: bool, seed: int | None,
    validation_split: float | None, subset: str | None,
) -> None:  # fmt: skip
    if not (labels is None or isinstance(labels, (list, tuple)) or (isinstance(labels, str) and labels == "inferred")):
        raise ValueError(
            "`labels` must be 'inferred' (the folders' names), a list with a label for each file, or None. "
            f"Received: labels={labels!r:.100}"
        )
    if class_names and isinstance(labels, (list, tuple)):
        raise ValueError(f"`class_names` fit labels='inferred' only. Received: class_names={class_names!r}")
    if label_mode not in _LABEL_MODES:
        modes = ", ".join(map(repr, _LABEL_MODES))
        raise ValueError(f"`label_mode` must be one of {modes}. Received: label_mode={label_mode!r}")
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` must lie between 0 and 1. Received: {validation_split!r}")
    if bool(validation_split) != bool(subset):
        raise ValueError(
            "`validation_split` and `subset` need each other. "
            f"Received: validation_split={validation_split!r}, subset={subset!r}"
        )
    if subset not in (None, *_SUBSETS):
        raise ValueError(f"`subset` must be one of {', '.join(map(repr, _SUBSETS))}. Received: subset={subset!r}")
    if validation_split and shuffle and seed is None:
        raise ValueError(
            "With `validation_split` and shuffle=True a `seed` must keep the subsets apart. Received: seed=None\n"
            "Fix: pass the same seed for both subsets, or shuffle=False."
        )


def _labeled(
    directory: str, labels: Any, class_names: Any, endings: tuple[str, ...], follow_links: bool
) -> LabeledFiles:
    if labels != "inferred":
        paths = list(_files(directory, endings, follow_links))
        if labels is None:
            return LabeledFiles(paths, None, [""])
        if len(labels) != len(paths):
            raise ValueError(
                "`labels` must have a label for each file. "
                f"Received: {len(labels)} labels for {len(paths)} files in {directory!r}"
            )
        return LabeledFiles(paths, list(labels), sorted(set(labels)))
    folders = sorted(_folders(directory))
    names = folders if not class_names else list(class_names)
    if set(names) != set(folders):
        raise ValueError(
            f"`class_names` must be the names of the folders in {directory!r}: {folders}. Received: class_names={names}"
        )
    paths, numbers = [], []
    for folder in folders:
        found = list(_files(os.path.join(directory, folder), endings, follow_links))
        paths += found
        numbers += [names.index(folder)] * len(found)
    return LabeledFiles(paths, numbers, names)


def _folders(directory: str) -> Iterator[str]:
    for name in tf.io.gfile.listdir(directory):
        if tf.io.gfile.isdir(tf.io.gfile.join(directory, name)) and not name.startswith("."):
            yield name.rstrip("/")


def _files(directory: str, endings: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    """Paths of the files with such endings in a directory and those within, in the order of the alphabet."""
    walk = os.walk(directory, followlinks=True) if follow_links else tf.io.gfile.walk(directory)
    for folder, _, names in sorted(walk, key=lambda found: found[0]):
        for name in sorted(names):
            if name.lower().endswith(endings):
                yield tf.io.gfile.join(folder, name)
