"""A vocabulary: tokens and their numbers, kept where eager calls, compiled programs and datasets all find them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core import trust

_NOWHERE = -1


class OwnPath(str):
    """A path that came from the user of this process, in a configuration that has not left it.

    Attributes:
        content: the tokens, which a file holds in place of the path.
    """

    content: list[Any]


def checked_vocabulary(layer: str, vocabulary: Any) -> Any:
    """The vocabulary of a configuration, which may name a file only if the user trusts the configuration.

    Raises:
        ValueError: for a path from elsewhere, in safe mode.
    """
    if isinstance(vocabulary, str) and not isinstance(vocabulary, OwnPath) and trust.in_safe_mode():
        raise ValueError(
            f'Layer "{layer}" would read its vocabulary from a file that its configuration names; it was not read. '
            f"Received: vocabulary={vocabulary!r}\n"
            "If you trust the author, allow it: load_model(path, safe_mode=False)."
        )
    return vocabulary


def read_tokens(vocabulary: Any, dtype: tf.DType) -> list[Any]:
    """The tokens of a list, an array, a tensor or a file with one in each line.

    Raises:
        ValueError: if there is no such file, there are no tokens, or they are of the wrong kind.
    """
    if isinstance(vocabulary, str):
        if not os.path.exists(vocabulary):
            raise ValueError(f"There is no vocabulary file {vocabulary!r}.")
        with open(vocabulary, encoding="utf-8", newline="\n") as file:
            vocabulary = [line.rstrip("\r\n") for line in file]
    values = vocabulary.numpy() if isinstance(vocabulary, tf.Tensor) else vocabulary
    tokens = [_token(value, dtype) for value in (values.tolist() if isinstance(values, np.ndarray) else values)]
    if not tokens:
        raise ValueError(f"`vocabulary` must hold at least one token. Received: vocabulary={vocabulary!r}")
    return tokens


def _token(value: Any, dtype: tf.DType) -> Any:
    if dtype != tf.string:
        if isinstance(value, (str, float)) and not (isinstance(value, str) and value.lstrip("-").isdigit()):
            raise ValueError(f"`vocabulary` must hold integers. Received: {value!r}")
        return int(value)
    if not isinstance(value, (str, bytes)):
        raise ValueError(f"`vocabulary` must hold strings. Received: {value!r}")
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def repeated(tokens: Sequence[Any]) -> list[Any]:
    """The tokens that occur more than once."""
    seen: set[Any] = set()
    return list(dict.fromkeys(token for token in tokens if token in seen or seen.add(token)))  # type: ignore[func-returns-value]


class Table(tf.Module):
    """A changeable map between tokens and numbers.

    Args:
        token_dtype: string or int64.
        inverted: whether numbers are looked up to find tokens.
        default: what an unknown number is; unknown tokens are -1.
    """

    def __init__(self, token_dtype: tf.DType, inverted: bool, default: Any = None):
        super().__init__()
        self.token_dtype, self.inverted = token_dtype, inverted
        keys, values = (tf.int64, token_dtype) if inverted else (token_dtype, tf.int64)
        with tf.init_scope():
            self.table = tf.lookup.experimental.MutableHashTable(keys, values, default if inverted else _NOWHERE)

    def fill(self, tokens: Sequence[Any], numbers: Sequence[int]) -> None:
        """Makes these the only entries."""
        known, _ = self.table.export()
        self.table.remove(known)
        words = tf.constant([_bytes(token) for token in tokens], self.token_dtype)
        places = tf.constant(list(numbers), tf.int64)
        self.table.insert(*((places, words) if self.inverted else (words, places)))

    def find(self, values: tf.Tensor) -> tf.Tensor:
        """Numbers of tokens, or tokens of numbers."""
        found = self.table.lookup(values)
        found.set_shape(values.shape)
        return found


def _bytes(token: Any) -> Any:
    return token.encode("utf-8", "surrogateescape") if isinstance(token, str) else token
