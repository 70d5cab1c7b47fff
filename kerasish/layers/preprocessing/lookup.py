"""StringLookup and IntegerLookup: tokens as their numbers in a vocabulary.

Longer than most files because one vocabulary is one decision: how it is given, learned, laid out, written and read.
"""

from __future__ import annotations

import math
import numbers
import os
from collections import Counter
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.adapting import PreprocessingLayer
from kerasish.layers.preprocessing.categories import check_mode, encoded_shape, own_dtype, present_mode
from kerasish.layers.preprocessing.tensors import Specified, as_tensor
from kerasish.layers.preprocessing.vocabulary import OwnPath, Table, checked_vocabulary, read_tokens, repeated
from kerasish.ops import lookup

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_FILE = "vocabulary.txt"


class _IndexLookup(Specified, PreprocessingLayer):
    """Base of lookups: the mask token has number 0 (in the mode "int"), unknown tokens the next, then the others."""

    token_dtype: tf.DType
    _config_excluded: tuple[str, ...] = ("vocabulary", "idf_weights")

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        **kwargs: Any,
    ):
        promised = kwargs.pop("vocabulary_size", None)  # of a configuration whose vocabulary is in a file beside it
        output_mode = present_mode(output_mode)
        check_mode(output_mode, _MODES, sparse)
        super().__init__(**own_dtype(kwargs, output_mode))
        _check_sizes(max_tokens, num_oov_indices, pad_to_max_tokens)
        if invert and output_mode != "int":
            raise ValueError(f'`output_mode` must be "int" with `invert`. Received: output_mode={output_mode!r}')
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode, self.sparse = invert, output_mode, sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self._autocast = False
        self._tokens: list[Any] = []
        self._path: str | None = None
        self._idf: list[float] | None = None
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._seen = 0
        self._table = Table(self.token_dtype, invert, self.oov_token if invert else None)
        self._has_vocabulary, self._promised = False, promised
        self.learns_vocabulary = vocabulary is None
        self._check_weights(idf_weights)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; a vocabulary that was learned is among them, so that every format keeps it."""
        vocabulary: Any = list(self._tokens) or None
        if self._path is not None:
            vocabulary, tokens = OwnPath(self._path), vocabulary
            vocabulary.content = tokens
        return {
            **super().get_config(),
            "vocabulary": vocabulary,
            "idf_weights": None if self._idf is None else list(self._idf),
            "vocabulary_size": self.vocabulary_size() if self._has_vocabulary else None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with the configuration's arguments.

        Raises:
            ValueError: if it names a file for its vocabulary, in safe mode.
        """
        checked_vocabulary(config.get("name", cls.__name__), config.get("vocabulary"))
        return cls(**config)

    # The vocabulary.

    @property
    def learns(self) -> bool:
        """Whether the vocabulary was not given to the constructor."""
        return self.learns_vocabulary

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: whether the mask token and those for unknown ones are in the list.
        """
        return [*self._special(), *self._tokens] if include_special_tokens else list(self._tokens)

    def vocabulary_size(self) -> int:
        """How many numbers there are."""
        if not self._has_vocabulary and self._promised is not None:
            return self._promised
        return len(self._special()) + len(self._tokens)

    def vocab_size(self) -> int:
        """How many numbers there are, under an old name."""
        return self.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Makes these the tokens.

        Args:
            vocabulary: a list, an array, a tensor, or the path of a file with a token in each line; the special
                tokens may be there in their places, or be left out.
            idf_weights: for the output mode "tf_idf" a weight for each token.

        Raises:
            ValueError: for repeated tokens, special ones in a wrong place, too many, or weights that do not fit.
        """
        tokens = read_tokens(vocabulary, self.token_dtype)
        special = self._special()
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
            if idf_weights is not None and len(idf_weights) == len(tokens) + len(special):
                idf_weights = idf_weights[len(special) :]
        if repeated(tokens):
            raise ValueError(f"`vocabulary` must hold each token once. Received twice or more: {repeated(tokens)[:10]}")
        if tokens.count(self.mask_token):
            raise ValueError(
                f"The mask token must come first in `vocabulary`, followed by {self.num_oov_indices} times "
                f"{self.oov_token!r}; or neither is there. Received: {self.mask_token!r} at another place"
            )
        self._check_weights(idf_weights)
        self._path = str(vocabulary) if isinstance(vocabulary, str) else None
        self._become(tokens, idf_weights)

    def _become(self, tokens: list[Any], idf_weights: Any) -> None:
        size = len(self._special()) + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"`vocabulary` must have at most {self.max_tokens} tokens, special ones included. Received: {size}"
            )
        if self.output_mode == "tf_idf":
            if idf_weights is None or len(idf_weights) != len(tokens):
                raise ValueError(
                    f'The output mode "tf_idf" needs a weight for each of {len(tokens)} tokens. '
                    f"Received: idf_weights={idf_weights!r}"
                )
            self._idf = [float(weight) for weight in np.asarray(idf_weights)]
        self._tokens = tokens
        first = len(self._special())
        numbered = list(zip(tokens, range(first, first + len(tokens)), strict=True))
        if self.mask_token is not None:
            numbered.append((self.mask_token, 0 if self.output_mode == "int" else self._depth()))
        self._table.fill([token for token, _ in numbered], [number for _, number in numbered])
        self._has_vocabulary = True

    def _special(self) -> list[Any]:
        masks = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return [*masks, *[self.oov_token] * self.num_oov_indices]

    def _depth(self) -> int:
        return self.max_tokens if self.pad_to_max_tokens and self.max_tokens else self.vocabulary_size()

    def _check_weights(self, idf_weights: Any) -> None:
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                '`idf_weights` are for the output mode "tf_idf". '
                f"Received: output_mode={self.output_mode!r}, idf_weights={idf_weights!r}"
            )

    # Learning.

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the examples' tokens the vocabulary, the most frequent first, at most `max_tokens`.

        Args:
            data: an array, a tensor, a list, or a `tf.data.Dataset`.
            batch_size: how many rows of an array are looked at at once.
            steps: how many batches are looked at; all if None.

        Raises:
            ValueError: if there are no data.
        """
        super().adapt(data, batch_size=batch_size, steps=steps)

    def reset_state(self) -> None:
        """Forgets the vocabulary."""
        super().reset_state()
        self._counts, self._documents, self._seen = Counter(), Counter(), 0
        self._tokens, self._idf, self._path, self._has_vocabulary = [], None, None, False

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one batch; each row is a document, as is a batch of single tokens."""
        data = as_tensor(data)
        if isinstance(data, tf.SparseTensor):
            data = tf.RaggedTensor.from_sparse(data)
        rows = data if data.shape.rank and data.shape.rank > 1 else tf.reshape(data, [1, -1])
        flat = rows.flat_values if isinstance(rows, tf.RaggedTensor) else tf.reshape(rows, [-1])
        self._counts.update(flat.numpy().tolist())
        if self.output_mode == "tf_idf":
            documents = rows.numpy() if isinstance(rows, tf.Tensor) else rows.to_list()
            for document in documents:
                self._documents.update(set(np.asarray(document).reshape(-1).tolist()))
            self._seen += len(documents)

    def finalize_state(self) -> None:
        """Makes the tokens counted the vocabulary."""
        if not self._counts and self._has_vocabulary:
            return
        special = [_raw(self.mask_token), _raw(self.oov_token)]
        ordered = sorted(self._counts.items(), key=lambda entry: (entry[1], entry[0]), reverse=True)
        tokens = [token for token, _ in ordered if token not in special]
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - len(self._special())]
        weights = None
        if self.output_mode == "tf_idf":
            weights = [math.log(1 + self._seen / (1 + self._documents[token])) for token in tokens]
        self._become([_text(token) for token in tokens], weights)

    # Calls.

    def call(self, inputs: Any) -> Any:
        """Numbers of tokens, rows that mark or count them, or with `invert` tokens of numbers.

        Raises:
            ValueError: if there is no vocabulary yet.
            TypeError: for inputs of the wrong type.
            InvalidArgumentError: for an unknown token where there is no number for those.
        """
        if not self._has_vocabulary and (tf.executing_eagerly() or self._promised is None):
            raise ValueError(f'Layer "{self.name}" has no vocabulary. Call `adapt` or `set_vocabulary` first.')
        if self.invert:
            return lookup.apply_to_values(lambda values: self._table.find(tf.cast(values, tf.int64)), inputs)
        if (inputs.dtype == tf.string) != (self.token_dtype == tf.string):
            raise TypeError(
                f'Layer "{self.name}" looks up {self.token_dtype.name} tokens. Received: inputs of {inputs.dtype.name}'
            )
        found = lookup.apply_to_values(self._numbers, inputs)
        weights = self._all_weights() if self.output_mode == "tf_idf" else None
        return lookup.encode(
            found, self.output_mode, self._depth(), self.compute_dtype, self.sparse, weights, self.name
        )

    def _numbers(self, values: tf.Tensor) -> tf.Tensor:
        if self.token_dtype != tf.string:
            values = tf.cast(values, tf.int64)
        found = self._table.find(values)
        first = len(self._special()) - self.num_oov_indices
        if self.num_oov_indices == 0:
            message = f'Layer "{self.name}" has no number for unknown tokens (num_oov_indices=0)'
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(found >= 0), [message])]):
                return tf.identity(found)
        if self.num_oov_indices == 1:
            unknown = tf.constant(first, tf.int64)
        elif self.token_dtype == tf.string:
            unknown = lookup.fingerprints(values, self.num_oov_indices) + first
        else:
            unknown = tf.math.floormod(values, self.num_oov_indices) + first
        return tf.where(found < 0, unknown, found)

    def _all_weights(self) -> np.ndarray:
        """A weight for each number: unknown tokens have the mean of the others, places without a token none."""
        known = np.asarray(self._idf or (), "float32")
        weights = np.concatenate([np.full(self.num_oov_indices, known.mean() if len(known) else 0.0), known])
        return np.pad(weights, (0, self._depth() - len(weights)))

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The input's shape, or rows with a place for each number."""
        return encoded_shape(input_shape, "int" if self.invert else self.output_mode, self._depth())

    def _output_dtype(self) -> Any:
        return self.token_dtype if self.invert else self.compute_dtype

    # Files.

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "checkpoint":  # holds the vocabulary instead
            children.pop("_table", None)
        return children

    def _serialize_to_tensors(self) -> dict[str, tf.Tensor]:
        """What a checkpoint holds of the layer: its vocabulary."""
        tokens = [_raw(token) for token in self._tokens]
        weights = tf.constant([] if self._idf is None else self._idf, tf.float32)
        return {"vocabulary": tf.constant(tokens, self.token_dtype, [len(tokens)]), "idf": weights}

    def _restore_from_tensors(self, restored_tensors: dict[str, tf.Tensor]) -> None:
        tokens, weights = restored_tensors["vocabulary"], restored_tensors["idf"]
        if tf.executing_eagerly() and len(tokens):
            self._become(read_tokens(tokens, self.token_dtype), weights.numpy().tolist() or None)

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to `vocabulary.txt` in the folder, unless it came from a file of the user's."""
        if self._path is None and self._has_vocabulary:
            with open(os.path.join(dir_path, _FILE), "w", encoding="utf-8", newline="\n") as file:
                file.write("\n".join(str(token) for token in self.get_vocabulary()))

    def load_assets(self, dir_path: str) -> None:
        """Reads what `save_assets` wrote."""
        path = os.path.join(dir_path, _FILE)
        if os.path.exists(path):
            with open(path, encoding="utf-8", newline="\n") as file:
                self.set_vocabulary(file.read().split("\n"), self._idf)


@LAYERS.register()
class StringLookup(_IndexLookup):
    """Strings as their numbers in a vocabulary, or with `invert` numbers as strings.

    Args:
        max_tokens: how large the vocabulary may grow, special tokens included; without limit if None.
        num_oov_indices: how many numbers there are for unknown strings, which share them by their hash.
        mask_token: a string that stands for "nothing"; none if None.
        oov_token: what unknown strings, and numbers with `invert`, are shown as.
        vocabulary: the strings, or the path of a file with one in each line; found by `adapt` if None.
        idf_weights: for the output mode "tf_idf" a weight for each string.
        encoding: accepted for compatibility; strings are UTF-8.
        invert: whether numbers are turned into strings.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf" (counts times weights, the rarer the higher).
        sparse: whether rows come as a `SparseTensor`.
        pad_to_max_tokens: whether rows have `max_tokens` places from the start.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for arguments that do not fit together.
    """

    token_dtype = tf.string

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        encoding: str = "utf-8",
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ):
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, **kwargs,
        )  # fmt: skip


@LAYERS.register()
class IntegerLookup(_IndexLookup):
    """Integers as their numbers in a vocabulary, or with `invert` numbers as the integers.

    Args:
        max_tokens: how large the vocabulary may grow, special tokens included; without limit if None.
        num_oov_indices: how many numbers there are for unknown integers, which share them by their remainder.
        mask_token: an integer that stands for "nothing"; none if None.
        oov_token: what unknown numbers are shown as with `invert`.
        vocabulary: the integers, or the path of a file with one in each line; found by `adapt` if None.
        vocabulary_dtype: "int64" or "int32".
        idf_weights: for the output mode "tf_idf" a weight for each integer.
        invert: whether numbers are turned into integers of the vocabulary.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf" (counts times weights, the rarer the higher).
        sparse: whether rows come as a `SparseTensor`.
        pad_to_max_tokens: whether rows have `max_tokens` places from the start.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for arguments that do not fit together.
    """

    token_dtype = tf.int64

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ):
        mask_token = kwargs.pop("mask_value", mask_token)  # their names while the layer was experimental
        oov_token = kwargs.pop("oov_value", oov_token)
        if vocabulary_dtype not in ("int64", "int32"):
            raise ValueError(
                f'`vocabulary_dtype` must be "int64" or "int32". Received: vocabulary_dtype={vocabulary_dtype!r}'
            )
        if not isinstance(oov_token, numbers.Integral):
            raise ValueError(f"`oov_token` must be an integer. Received: oov_token={oov_token!r}")
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens, num_oov_indices, None if mask_token is None else int(mask_token), int(oov_token), vocabulary,
            idf_weights, invert, output_mode, sparse, pad_to_max_tokens, **kwargs,
        )  # fmt: skip


def _check_sizes(max_tokens: Any, num_oov_indices: int, pad: bool) -> None:
    if max_tokens is not None and max_tokens <= 1:
        raise ValueError(f"`max_tokens` must be greater than 1, or None. Received: max_tokens={max_tokens!r}")
    if num_oov_indices < 0:
        raise ValueError(f"`num_oov_indices` must be at least 0. Received: num_oov_indices={num_oov_indices!r}")
    if pad and max_tokens is None:
        raise ValueError("`pad_to_max_tokens` needs `max_tokens`. Received: max_tokens=None")


def _raw(token: Any) -> Any:
    return token.encode("utf-8", "surrogateescape") if isinstance(token, str) else token


def _text(token: Any) -> Any:
    return token.decode("utf-8", "surrogateescape") if isinstance(token, bytes) else token
