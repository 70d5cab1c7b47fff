"""Reuters: 11,228 news wires as numbers of words, each of one of 46 topics."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.data_sources.downloads import get_file
from kerasish.data_sources.pickled import read_npz
from kerasish.datasets import words

__all__ = ["get_label_names", "get_word_index", "load_data"]

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

Split = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    cache_dir: str | None = None,
    **kwargs: Any,
) -> tuple[Split, Split]:
    """Returns ``(x_train, y_train), (x_test, y_test)``: arrays of lists of words, and topics from 0 to 45.

    Words are numbered by frequency, the most frequent is 1; `get_word_index` tells which is which.

    Args:
        path: the file's name in the cache.
        num_words: numbers from this on are left out, None for none but the largest.
        skip_top: numbers below it are left out.
        maxlen: only wires of fewer words are kept.
        test_split: the part of the wires, from 0 to 1, that is for testing.
        seed: of the order.
        start_char: stands in front of every wire, unless None.
        oov_char: stands for each word left out, unless None.
        index_from: is added to every word's number.
        cache_dir: the cache, `~/.keras` if None.
        **kwargs: `nb_words`, an earlier name of `num_words`.

    Raises:
        OSError: if the file is not in the cache and cannot be fetched.
        ValueError: if no wire is short enough, or `test_split` is not from 0 to 1.
    """
    if not 0 <= test_split <= 1:
        raise ValueError(f"`test_split` must lie from 0 to 1. Received: test_split={test_split}")
    num_words = words.older_arguments(kwargs, num_words)
    arrays = read_npz(get_file(path, f"{_ORIGIN}reuters.npz", file_hash=_SHA256, cache_dir=cache_dir))
    texts, labels = words.shuffled(arrays["x"], arrays["y"], np.random.RandomState(seed))
    kept, labels = words.shorter(words.marked(texts, start_char, index_from), labels, maxlen)
    x = words.frequent(kept, num_words, skip_top, oov_char)
    end = int(len(x) * (1 - test_split))
    return (x[:end], labels[:end]), (x[end:], labels[end:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, before `load_data` adds its `index_from`."""
    return words.read_word_index(get_file(path, f"{_ORIGIN}reuters_word_index.json", file_hash=_WORDS_MD5))


def get_label_names() -> tuple[str, ...]:
    """The 46 topics, in the order of the labels."""
    return (
        "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
        "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
        "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
        "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog",
        "lead",
    )  # fmt: skip
