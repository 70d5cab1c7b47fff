"""`keras.preprocessing`: texts, sequences and images prepared in NumPy, batch by batch."""

from __future__ import annotations

from kerasish.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
