"""Data sets as tuples of NumPy arrays, one module each."""

from kerasish.datasets import mnist

__all__ = ["mnist"]
