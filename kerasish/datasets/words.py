"""What IMDB and Reuters share: texts as numbers of words, of which the rare and the most frequent can be left out."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

Texts = list[list[int]]


def older_arguments(kwargs: dict[str, Any], num_words: int | None) -> int | None:
    """`num_words`, which earlier releases called `nb_words`.

    Raises:
        TypeError: for another keyword.
    """
    if "nb_words" in kwargs:
        warnings.warn("`nb_words` is now called `num_words`.", DeprecationWarning, stacklevel=3)
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise TypeError(f"load_data takes no keyword argument {', '.join(map(repr, kwargs))}.")
    return num_words


def shuffled(texts: np.ndarray, labels: np.ndarray, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Both in the same new order."""
    order = np.arange(len(texts))
    random.shuffle(order)
    return texts[order], labels[order]


def marked(texts: Any, start_char: int | None, index_from: int | None) -> Texts:
    """Every text with `start_char` in front, unless that is None, and its words' numbers moved up by `index_from`."""
    front = [] if start_char is None else [start_char]
    return [front + [word + (index_from or 0) for word in text] for text in texts]


def shorter(texts: Texts, labels: np.ndarray, maxlen: int | None) -> tuple[Texts, np.ndarray]:
    """The texts of fewer than `maxlen` words, the mark at the start included, and their labels.

    Raises:
        ValueError: if there is none.
    """
    if maxlen is None or maxlen == 0:
        return texts, labels
    chosen = [place for place, text in enumerate(texts) if len(text) < maxlen]
    if not chosen:
        raise ValueError(
            f"Every text has {min(map(len, texts), default=0)} words or more; `maxlen` must be larger than that. "
            f"Received: maxlen={maxlen}"
        )
    return [texts[place] for place in chosen], np.asarray(labels)[chosen]


def frequent(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> np.ndarray:
    """The words from `skip_top` on and below `num_words` (None: the largest number); others are `oov_char` or dropped.

    Returns:
        An array of lists, shape `(texts,)`.
    """
    end = num_words or max(map(max, filter(None, texts)), default=0)
    found = np.empty(len(texts), object)
    for place, text in enumerate(texts):
        if oov_char is None:
            found[place] = [word for word in text if skip_top <= word < end]
        else:
            found[place] = [word if skip_top <= word < end else oov_char for word in text]
    return found


def read_word_index(path: str) -> dict[str, int]:
    """The number of each word."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)
