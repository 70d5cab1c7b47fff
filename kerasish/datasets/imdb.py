"""IMDB: 50,000 film reviews as numbers of words, good or bad."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.data_sources.downloads import get_file
from kerasish.data_sources.pickled import read_npz
from kerasish.datasets import words

__all__ = ["get_word_index", "load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_WORDS_MD5 = "bfafd718b763782e994055a2d397834f"

Split = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    cache_dir: str | None = None,
    **kwargs: Any,
) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: arrays of lists of words (25000,), and labels 0 or 1.

    Words are numbered by frequency, the most frequent is 1; `get_word_index` tells which is which.

    Args:
        path: the file's name in the cache.
        num_words: numbers from this on are left out, None for none but the largest.
        skip_top: numbers below it are left out.
        maxlen: only reviews of fewer words are kept.
        seed: of the order.
        start_char: stands in front of every review, unless None.
        oov_char: stands for each word left out, unless None.
        index_from: is added to every word's number.
        cache_dir: the cache, `~/.keras` if None.
        **kwargs: `nb_words`, an earlier name of `num_words`.

    Raises:
        OSError: if the file is not in the cache and cannot be fetched.
        ValueError: if no review is short enough.
    """
    num_words = words.older_arguments(kwargs, num_words)
    arrays = read_npz(get_file(path, f"{_ORIGIN}imdb.npz", file_hash=_SHA256, cache_dir=cache_dir))
    random = np.random.RandomState(seed)
    splits = []
    for part in ("train", "test"):
        texts, labels = words.shuffled(arrays[f"x_{part}"], arrays[f"y_{part}"], random)
        splits.append(words.shorter(words.marked(texts, start_char, index_from), labels, maxlen))
    (x_train, y_train), (x_test, y_test) = splits
    x = words.frequent([*x_train, *x_test], num_words, skip_top, oov_char)
    return (x[: len(x_train)], y_train), (x[len(x_train) :], y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, before `load_data` adds its `index_from`."""
    return words.read_word_index(get_file(path, f"{_ORIGIN}imdb_word_index.json", file_hash=_WORDS_MD5))
