"""Embeddings of an earlier vocabulary for a later one."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import initializers


def warmstart_embedding_matrix(
    base_vocabulary: Any, new_vocabulary: Any, base_embeddings: Any, new_embeddings_initializer: Any = "uniform"
) -> tf.Tensor:
    """Embeddings `(new words, size)`: those of words that both vocabularies have, and initial ones for the others.

    Args:
        base_vocabulary: the earlier words, in the order of their rows: a list, an array, or the path of a text file
            with a word on each line.
        new_vocabulary: the later words.
        base_embeddings: the earlier embeddings `(words, size)`.
        new_embeddings_initializer: how rows of new words begin.

    Raises:
        ValueError: for a vocabulary or embeddings of another kind, or a word without a row.
    """
    known = {word: row for row, word in enumerate(_words("base_vocabulary", base_vocabulary))}
    words = _words("new_vocabulary", new_vocabulary)
    base = np.asarray(base_embeddings)
    if base.ndim != 2:
        raise ValueError(f"`base_embeddings` must have the shape (words, size). Received: shape={base.shape}")
    shared = [(place, known[word]) for place, word in enumerate(words) if word in known]
    missing = [row for _, row in shared if row >= len(base)]
    if missing:
        raise ValueError(
            f"`base_embeddings` must have a row for each word of `base_vocabulary`. "
            f"Received: {len(base)} rows for {len(known)} words"
        )
    embeddings = np.array(initializers.get(new_embeddings_initializer)((len(words), base.shape[1])), base.dtype)
    for place, row in shared:
        embeddings[place] = base[row]
    return tf.constant(embeddings)


def _words(name: str, vocabulary: Any) -> list[Any]:
    if isinstance(vocabulary, (str, os.PathLike)):
        with tf.io.gfile.GFile(os.fspath(vocabulary)) as file:
            return file.read().splitlines()
    if isinstance(vocabulary, (list, tuple, np.ndarray)) or tf.is_tensor(vocabulary):
        words = np.asarray(vocabulary).ravel().tolist()
        return [word.decode() if isinstance(word, bytes) else word for word in words]
    raise ValueError(
        f"`{name}` must be a list, an array or the path of a text file. Received: {type(vocabulary).__name__}"
    )
