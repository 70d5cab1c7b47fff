"""keras.layers.experimental.preprocessing: the preprocessing layers under their earlier name, the same classes."""

from __future__ import annotations

from kerasish.layers.preprocessing.adapting import PreprocessingLayer
from kerasish.layers.preprocessing.augmentation import (
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomHeight,
    RandomRotation,
    RandomTranslation,
    RandomWidth,
    RandomZoom,
)
from kerasish.layers.preprocessing.categories import CategoryEncoding, HashedCrossing, Hashing
from kerasish.layers.preprocessing.discretization import Discretization
from kerasish.layers.preprocessing.images import CenterCrop, Rescaling, Resizing
from kerasish.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kerasish.layers.preprocessing.normalization import Normalization
from kerasish.layers.preprocessing.text_vectorization import TextVectorization

__all__ = [
    "CategoryEncoding",
    "CenterCrop",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "Normalization",
    "PreprocessingLayer",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomHeight",
    "RandomRotation",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "Rescaling",
    "Resizing",
    "StringLookup",
    "TextVectorization",
]
