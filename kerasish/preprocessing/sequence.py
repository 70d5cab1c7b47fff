"""`keras.preprocessing.sequence`: padded sequences, windows over time series, pairs of words for skip-grams."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np

from kerasish.data_sources import Sequence
from kerasish.utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

_EULER = 0.577  # the constant of Euler and Mascheroni, to the digits that tf.keras uses


class TimeseriesGenerator(Sequence):
    """Batches of windows over a series, each with the target of the step that follows it.

    The window of step `t` holds the steps `t - length, t - length + sampling_rate, ...` below `t`; its target is
    `targets[t]`. A batch is `(windows, targets)` of the shapes `(batch, steps, ...)` and `(batch, ...)`.

    Args:
        data: the series, one step per entry of the first axis.
        targets: as many targets.
        length: steps that a window spans.
        sampling_rate: steps between neighbours within a window.
        stride: steps between windows.
        start_index: steps before this one are left out.
        end_index: the last step, that of the series if None.
        shuffle: whether windows are drawn at random, with repetition, instead of in order.
        reverse: whether windows run backwards in time.
        batch_size: windows in a batch; the last may have fewer.

    Raises:
        ValueError: if targets and data differ in length, or no window fits.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ):
        if len(data) != len(targets):
            raise ValueError(
                "`data` and `targets` must have the same length. "
                f"Received: len(data)={len(data)}, len(targets)={len(targets)}"
            )
        self.data, self.targets = data, targets
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"No step has a whole window before it: `start_index + length` must be at most {self.end_index}, the "
                f"last step. Received: start_index={start_index}, length={length}"
            )

    def __len__(self) -> int:
        """Number of batches."""
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch number `index`."""
        if self.shuffle:
            steps = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            span = self.batch_size * self.stride
            first = self.start_index + span * index
            steps = np.arange(first, min(first + span, self.end_index + 1), self.stride)
        windows = np.array([self.data[step - self.length : step : self.sampling_rate] for step in steps])
        targets = np.array([self.targets[step] for step in steps])
        return (windows[:, ::-1] if self.reverse else windows), targets

    def get_config(self) -> dict[str, Any]:
        """The arguments, data and targets as JSON; `start_index` is the first step that has a window.

        Raises:
            TypeError: for data that JSON cannot hold.
        """
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {
            "data": _as_json("data", self.data),
            "targets": _as_json("targets", self.targets),
            **{name: getattr(self, name) for name in names},
        }

    def to_json(self, **kwargs: Any) -> str:
        """`get_config` and the name of the class as JSON; `kwargs` are those of `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def make_sampling_table(size: int, sampling_factor: float = 1e-05) -> np.ndarray:
    """The share of a word's occurrences that is kept, by the word's rank among the most frequent ones: `(size,)`.

    `min(1, √(frequency · factor))⁻¹`-like subsampling for words whose frequencies follow Zipf's law: of the word of
    rank r about `√(factor · r · (ln r + γ))` are kept.

    Args:
        size: number of ranks; rank 0 stands for no word and counts as 1.
        sampling_factor: the larger, the more is kept.

    Source: T. Mikolov et al., Distributed Representations of Words and Phrases (2013), section 2.3.
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _EULER) + 0.5 - 1.0 / (12.0 * rank)
    scaled = sampling_factor * inverse_frequency
    return np.minimum(1.0, scaled / np.sqrt(scaled))


def skipgrams(
    sequence: Any,
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of a word and one near it, labelled 1, and of a word and a random one, labelled 0.

    Args:
        sequence: words as numbers; 0 stands for no word and is in no pair.
        vocabulary_size: random words are below this.
        window_size: how far the second word may be away.
        negative_samples: random pairs for each true one.
        shuffle: whether the pairs are shuffled.
        categorical: whether labels are `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: the share of a word's occurrences that is kept; see `make_sampling_table`.
        seed: of the shuffling; Python's `random` is seeded with it.

    Returns:
        The pairs `[word, other]` and as many labels.

    Source: T. Mikolov et al., Efficient Estimation of Word Representations in Vector Space (2013).
    """
    true, false = ([0, 1], [1, 0]) if categorical else (1, 0)
    couples = _neighbours(sequence, window_size, sampling_table)
    labels: list[Any] = [true] * len(couples)
    wanted = int(len(couples) * negative_samples)
    if wanted > 0:
        words = [word for word, _ in couples]
        random.shuffle(words)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(wanted)]
        labels += [false] * wanted
    if shuffle:
        seed = random.randint(0, 10**7) if seed is None else seed
        for rows in (couples, labels):
            random.seed(seed)
            random.shuffle(rows)
    return couples, labels


def _neighbours(sequence: Any, window_size: int, sampling_table: Any) -> list[list[int]]:
    couples = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1)):
            if other != place and sequence[other]:
                couples.append([word, sequence[other]])
    return couples


def _as_json(name: str, value: Any) -> str:
    try:
        return json.dumps(np.asarray(value).tolist() if isinstance(value, np.ndarray) else value)
    except TypeError as error:
        raise TypeError(
            f"`{name}` must be an array or a list that JSON can hold. Received: {type(value).__name__} ({error})"
        ) from error
