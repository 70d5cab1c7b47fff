"""Data sets as tuples of NumPy arrays, one module each.

MNIST comes with the package; the others are fetched once into the cache, `~/.keras/datasets`, and checked.
"""

from kerasish.datasets import boston_housing, cifar10, cifar100, fashion_mnist, imdb, mnist, reuters

__all__ = ["boston_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters"]
