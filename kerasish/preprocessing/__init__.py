"""`keras.preprocessing`: texts, sequences and images prepared in NumPy, batch by batch."""

from __future__ import annotations

from kerasish.preprocessing import sequence, text

__all__ = ["sequence", "text"]
