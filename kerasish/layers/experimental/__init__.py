"""keras.layers.experimental: layers under the names they had before they were final."""

from __future__ import annotations

from kerasish.layers.einsum_dense import EinsumDense
from kerasish.layers.experimental import preprocessing

__all__ = ["EinsumDense", "preprocessing"]
