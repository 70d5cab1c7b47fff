"""keras.layers.experimental: layers under the names they had before they were final."""

from __future__ import annotations

from kerasish.layers.einsum_dense import EinsumDense
from kerasish.layers.experimental import preprocessing
from kerasish.layers.normalization import SyncBatchNormalization
from kerasish.layers.random_features import RandomFourierFeatures

__all__ = ["EinsumDense", "RandomFourierFeatures", "SyncBatchNormalization", "preprocessing"]
