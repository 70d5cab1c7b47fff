"""`keras.preprocessing`: texts, sequences and images prepared in NumPy, and datasets of files and series."""

from __future__ import annotations

from kerasish.preprocessing import image, sequence, text
from kerasish.utils.directory_datasets import image_dataset_from_directory, text_dataset_from_directory
from kerasish.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
