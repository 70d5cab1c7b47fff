"""Strings brought into one form, and split into tokens."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_PUNCTUATION = f"[{re.escape(string.punctuation)}]"


def standardize(text: Any, form: str) -> Any:
    """The strings in lower case (ASCII letters), without ASCII punctuation, or both.

    Args:
        text: strings of any shape, ragged too.
        form: "lower", "strip_punctuation" or "lower_and_strip_punctuation".
    """
    if form.startswith("lower"):
        text = tf.strings.lower(text)
    if form.endswith("strip_punctuation"):
        text = tf.strings.regex_replace(text, _PUNCTUATION, "")
    return text


def split(text: Any, by: str) -> tf.RaggedTensor:
    """The tokens of each string: what stands between "whitespace", or every "character"."""
    return tf.strings.split(text) if by == "whitespace" else tf.strings.unicode_split(text, "UTF-8")


def ngrams(tokens: Any, widths: Sequence[int]) -> Any:
    """All sequences of so many neighbouring tokens, joined by spaces."""
    return tf.strings.ngrams(tokens, list(widths), separator=" ")
