"""`keras.preprocessing.image`: images loaded, distorted at random and handed out in batches, in NumPy.

| file | what is there |
|---|---|
| affine.py | images turned, moved, sheared and zoomed |
| colour.py | channels and brightness shifted |
| resizing.py | images resized without distortion |
| iterator.py | batches in a shuffled order; `NumpyArrayIterator` |
| files.py | batches from image files: of a directory, or listed in a data frame |
| generator.py | `ImageDataGenerator`, which draws the distortions and makes the iterators |
"""

from __future__ import annotations

from kerasish.preprocessing.image.affine import (
    apply_affine_transform,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from kerasish.preprocessing.image.colour import (
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
)
from kerasish.preprocessing.image.files import DataFrameIterator, DirectoryIterator
from kerasish.preprocessing.image.generator import ImageDataGenerator
from kerasish.preprocessing.image.iterator import Iterator, NumpyArrayIterator
from kerasish.preprocessing.image.resizing import smart_resize
from kerasish.utils.images import array_to_img, img_to_array, load_img, save_img

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
