"""`keras.preprocessing.text`: texts as lists of words and as numbers.

`layers.TextVectorization` does the same within a model; what is here works on Python strings.
"""

from __future__ import annotations

import json
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from hashlib import md5
from typing import Any

import numpy as np

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ("binary", "count", "tfidf", "freq")
_COUNTS = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that separate words, as `split` does.
        lower: whether words are written in lower case.
        split: what separates words.
    """
    text = input_text.lower() if lower else input_text
    separators = {ord(character): split for character in filters}
    return [word for word in text.translate(separators).split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """`hashing_trick` with Python's `hash`, whose numbers differ from process to process."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to `n - 1` for each word; several words may get the same.

    Args:
        text: the text.
        n: one above the largest number.
        hash_function: a function of a word, `"md5"`, which gives the same numbers everywhere, or Python's `hash` if
            None.
        filters, lower, split: see `text_to_word_sequence`.
        analyzer: a function that takes a text apart instead.

    Raises:
        ValueError: for `n` below 2.
        TypeError: for a `hash_function` that is none.
    """
    if n < 2:
        raise ValueError(f"`n` must be at least 2: numbers run from 1 to n - 1. Received: n={n}")
    number_of = hash if hash_function is None else _md5 if hash_function == "md5" else hash_function
    if not callable(number_of):
        raise TypeError(f"`hash_function` must be a function, 'md5' or None. Received: hash_function={hash_function!r}")
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [number_of(word) % (n - 1) + 1 for word in words]


class Tokenizer:
    """Numbers for words: 1 for the most frequent word of the texts it was fitted on, 2 for the next, and so on.

    Args:
        num_words: only words with numbers below this are used; all if None.
        filters: characters that separate words.
        lower: whether words are written in lower case.
        split: what separates words.
        char_level: whether each character is a word.
        oov_token: what stands for all words that are not used; it gets number 1. They are left out if None.
        analyzer: a function that takes a text apart instead.
        **kwargs: `document_count` to begin with; `nb_words`, the earlier name of `num_words`.

    Attributes:
        word_counts: how often each word occurred, in the order of appearance.
        word_docs: in how many texts.
        word_index: the number of each word, and `index_word` the other way round.
        index_docs: in how many texts the word with a number occurred.
        document_count: the number of texts.

    Raises:
        TypeError: for another keyword.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
        **kwargs: Any,
    ):
        if "nb_words" in kwargs:
            warnings.warn("`nb_words` is the earlier name of `num_words`.", stacklevel=2)
            num_words = kwargs.pop("nb_words")
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Tokenizer takes no keyword argument {', '.join(map(repr, kwargs))}.")
        self.num_words = num_words
        self.filters, self.lower, self.split = filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.index_docs: dict[int, int] = defaultdict(int)

    def fit_on_texts(self, texts: Any) -> None:
        """Counts the words of texts, each a string or a list of words, and numbers them anew."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in dict.fromkeys(words):
                self.word_docs[word] += 1
        words = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        self._number(words if self.oov_token is None else [self.oov_token, *words])

    def fit_on_sequences(self, sequences: Any) -> None:
        """Counts in how many sequences of numbers each number occurs; enough for `sequences_to_matrix`."""
        self.document_count += len(sequences)
        for numbers in sequences:
            for number in set(numbers):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Any) -> list[list[int]]:
        """The words' numbers of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Any) -> Iterator[list[int]]:
        """Yields what `texts_to_sequences` returns, text by text."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = (self._used(self.word_index.get(word), unknown) for word in self._words(text))
            yield [number for number in numbers if number is not None]

    def sequences_to_texts(self, sequences: Any) -> list[str]:
        """The words of each list of numbers, joined by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Any) -> Iterator[str]:
        """Yields what `sequences_to_texts` returns, text by text."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for numbers in sequences:
            known = (self._used(number if number in self.index_word else None, unknown) for number in numbers)
            yield " ".join(self.index_word[number] for number in known if number is not None)

    def texts_to_matrix(self, texts: Any, mode: str = "binary") -> np.ndarray:
        """`sequences_to_matrix` of the texts' numbers."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """A row for each list of numbers and a column for each number: `(sequences, numbers)`.

        Args:
            sequences: lists of numbers.
            mode: what an element says of a number with c occurrences in a list of n: `"binary"`: whether it occurs;
                `"count"`: c; `"freq"`: `c / n`; `"tfidf"`: `(1 + ln c) · ln(1 + documents / (1 + documents with it))`.

        Raises:
            ValueError: for another mode, without `num_words` before words were numbered, or for `"tfidf"` before
                documents were counted.
        """
        if not self.num_words and not self.word_index:
            raise ValueError(
                "The number of columns is not known. Received: num_words=None\n"
                "Fix: pass `num_words` to Tokenizer, or call fit_on_texts first."
            )
        if mode not in _MODES:
            raise ValueError(f"`mode` must be one of {', '.join(map(repr, _MODES))}. Received: mode={mode!r}")
        if mode == "tfidf" and not self.document_count:
            raise ValueError(
                "`mode='tfidf'` needs counted documents. Received: document_count=0\n"
                "Fix: call fit_on_texts or fit_on_sequences first."
            )
        columns = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), columns))
        for row, numbers in zip(matrix, sequences, strict=True):
            present, counts = np.unique(np.asarray([j for j in numbers if j < columns], int), return_counts=True)
            row[present] = self._weights(mode, present, counts, len(numbers))
        return matrix

    def get_config(self) -> dict[str, Any]:
        """The arguments, but `analyzer`, and the counts, each as JSON."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        counts = {name: json.dumps(getattr(self, name)) for name in _COUNTS}
        return {**{name: getattr(self, name) for name in names}, **counts}

    def to_json(self, **kwargs: Any) -> str:
        """`get_config` and the name of the class as JSON; `kwargs` are those of `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return list(text)
            return [item.lower() for item in text] if isinstance(text, list) else list(text.lower())
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _number(self, words: list[str]) -> None:
        self.word_index = {word: number for number, word in enumerate(words, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, documents in self.word_docs.items():
            self.index_docs[self.word_index[word]] = documents

    def _used(self, number: int | None, unknown: int | None) -> int | None:
        return unknown if number is None or (self.num_words and number >= self.num_words) else number

    def _weights(self, mode: str, present: np.ndarray, counts: np.ndarray, length: int) -> Any:
        if mode == "binary":
            return 1
        if mode == "count":
            return counts
        if mode == "freq":
            return counts / length
        documents = np.array([self.index_docs.get(number, 0) for number in present.tolist()])
        return (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + documents))


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_json` wrote; an analyzer is not part of it.

    Raises:
        ValueError: for a text that is no such JSON.
    """
    content = json.loads(json_string)
    config = content.get("config") if isinstance(content, dict) else None
    if not isinstance(config, dict) or not set(_COUNTS) <= set(config):
        raise ValueError(f"`json_string` must be what Tokenizer.to_json returned. Received: {json_string!r:.100}")
    counts = {name: json.loads(config.pop(name)) for name in _COUNTS}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = OrderedDict(counts["word_counts"])
    tokenizer.word_docs = defaultdict(int, counts["word_docs"])
    tokenizer.word_index = counts["word_index"]
    tokenizer.index_word = {int(number): word for number, word in counts["index_word"].items()}
    tokenizer.index_docs = defaultdict(int, {int(number): n for number, n in counts["index_docs"].items()})
    return tokenizer


def _md5(word: str) -> int:
    return int(md5(word.encode()).hexdigest(), 16)
