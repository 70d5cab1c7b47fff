"""TextVectorization: texts as the numbers of their words."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.object_config import function_name
from kerasish.core.registry import find_custom
from kerasish.layers.base import LAYERS
from kerasish.layers.preprocessing.adapting import PreprocessingLayer
from kerasish.layers.preprocessing.categories import check_mode, encoded_shape, present_mode
from kerasish.layers.preprocessing.lookup import StringLookup
from kerasish.layers.preprocessing.tensors import Specified, as_tensor
from kerasish.layers.preprocessing.vocabulary import checked_vocabulary
from kerasish.ops import text

_FORMS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLITS = ("whitespace", "character")
_OWN = ("vocabulary", "idf_weights")


@LAYERS.register()
class TextVectorization(Specified, PreprocessingLayer):
    """Texts brought into one form, split into tokens, and the tokens turned into numbers.

    Args:
        max_tokens: how large the vocabulary may grow, special tokens included; without limit if None.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", a function of the strings, or None.
        split: "whitespace", "character", a function from strings to a ragged tensor of tokens, or None.
        ngrams: sequences of neighbouring tokens are tokens too: up to so many, or a tuple of the lengths.
        output_mode: "int", "multi_hot", "count" or "tf_idf".
        output_sequence_length: how many numbers each text gets, cut or filled with 0; as many as the longest if None.
        pad_to_max_tokens: whether rows have `max_tokens` places from the start.
        vocabulary: the tokens, or the path of a file with one in each line; found by `adapt` if None.
        idf_weights: for the output mode "tf_idf" a weight for each token.
        sparse: whether rows come as a `SparseTensor`.
        ragged: whether numbers come as a `RaggedTensor` rather than filled with 0.
        encoding: accepted for compatibility; texts are UTF-8.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for arguments that are unknown or do not fit together.
    """

    _config_excluded: tuple[str, ...] = _OWN

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **kwargs: Any,
    ):
        promised = kwargs.pop("vocabulary_size", None)
        mode = "int" if output_mode is None else present_mode(output_mode)
        check_mode(mode, ("int", "multi_hot", "count", "tf_idf"), sparse)
        super().__init__(**{**kwargs, "dtype": kwargs.get("dtype") or "string"})
        _check_lengths(mode, output_sequence_length, ragged)
        self.max_tokens = max_tokens
        self.standardize = _known("standardize", standardize, _FORMS)
        self.split = _known("split", split, _SPLITS)
        self.ngrams = ngrams
        self._widths = _widths(ngrams)
        self.output_mode, self.output_sequence_length = mode, output_sequence_length
        self.pad_to_max_tokens = pad_to_max_tokens
        self.sparse, self.ragged, self.encoding = sparse, ragged, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            output_mode=mode, sparse=sparse, pad_to_max_tokens=pad_to_max_tokens, vocabulary_size=promised,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; functions by their names, and a vocabulary that was learned."""
        config, lookup = super().get_config(), self._lookup_layer.get_config()
        for argument in ("standardize", "split"):
            value = getattr(self, argument)
            config[argument] = function_name(value) if callable(value) else value
        return {**config, **{name: lookup[name] for name in _OWN}, "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with the configuration's arguments.

        Raises:
            ValueError: if it names a file for its vocabulary, in safe mode, or a function that is not provided.
        """
        config = dict(config)
        checked_vocabulary(config.get("name", cls.__name__), config.get("vocabulary"))
        for argument in ("standardize", "split"):
            name = config.get(argument)
            if isinstance(name, str) and name not in (*_FORMS, *_SPLITS):
                config[argument] = find_custom(name) or name
        return cls(**config)

    # The vocabulary.

    @property
    def is_adapted(self) -> bool:
        """Whether the layer has seen examples since it was made or reset."""
        return self._is_adapted

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: whether those for filling and for unknown ones are in the list.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    @property
    def learns_vocabulary(self) -> bool:
        """Whether the vocabulary was not given to the constructor."""
        return self._lookup_layer.learns_vocabulary

    @property
    def learns(self) -> bool:
        """Whether the vocabulary was not given to the constructor."""
        return self.learns_vocabulary

    def vocabulary_size(self) -> int:
        """How many numbers there are."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Makes these the tokens.

        Args:
            vocabulary: a list, an array, a tensor, or the path of a file with a token in each line.
            idf_weights: for the output mode "tf_idf" a weight for each token.

        Raises:
            ValueError: for repeated tokens, special ones in a wrong place, too many, or weights that do not fit.
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the texts' tokens the vocabulary, the most frequent first, at most `max_tokens`.

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
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one batch of texts."""
        texts = as_tensor(data)
        self._lookup_layer.update_state(self._tokens(tf.expand_dims(texts, 0) if texts.shape.rank == 0 else texts))

    def finalize_state(self) -> None:
        """Makes the tokens counted the vocabulary."""
        self._lookup_layer.finalize_state()

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to a file in the folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Reads what `save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)

    # Calls.

    def _tokens(self, texts: Any) -> Any:
        """The tokens of each text."""
        if callable(self.standardize):
            texts = self.standardize(texts)
        elif self.standardize is not None:
            texts = text.standardize(texts, self.standardize)
        if self.split is not None:
            texts = self._split(texts)
        return texts if self._widths is None else text.ngrams(texts, self._widths)

    def _split(self, texts: Any) -> Any:
        if texts.shape.rank is not None and texts.shape.rank > 1:
            if texts.shape[-1] != 1:
                raise ValueError(
                    f'Layer "{self.name}" splits texts of the shape (batch,) or (batch, 1). '
                    f"Received: inputs of shape {tuple(texts.shape)}"
                )
            texts = tf.squeeze(texts, -1)
        return self.split(texts) if callable(self.split) else text.split(texts, self.split)

    def call(self, inputs: Any) -> Any:
        """Numbers `(batch, tokens)`, or rows `(batch, vocabulary)`.

        Raises:
            ValueError: if there is no vocabulary yet, or for inputs with several texts in a row.
        """
        if inputs.dtype != tf.string:
            raise TypeError(f'Layer "{self.name}" needs strings. Received: inputs of {inputs.dtype.name}')
        found = self._lookup_layer(self._tokens(inputs))
        if self.output_mode != "int" or self.ragged:
            return found
        if isinstance(found, tf.RaggedTensor):
            length = self.output_sequence_length
            return found.to_tensor(shape=None if length is None else (*[None] * (found.shape.rank - 1), length))
        return found if self.output_sequence_length is None else self._fitted(found)

    def _fitted(self, found: tf.Tensor) -> tf.Tensor:
        """As many numbers as `output_sequence_length` says, along the last axis."""
        length = self.output_sequence_length
        found = found[..., :length]
        missing = [[0, 0]] * (found.shape.rank - 1) + [[0, length - tf.shape(found)[-1]]]
        return tf.ensure_shape(tf.pad(found, missing), [*found.shape[:-1], length])

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Numbers for each text, or rows with a place for each token."""
        shape = tf.TensorShape(input_shape)
        if self.output_mode != "int":
            depth = self._lookup_layer.compute_output_shape((1, 1))[-1]
            return encoded_shape(shape if shape.rank != 1 else (shape[0], 1), self.output_mode, depth)
        if self.split is None:
            return shape if self.output_sequence_length is None else shape[:-1].concatenate(self.output_sequence_length)
        batch = shape[:-1] if shape.rank and shape.rank > 1 else shape
        return batch.concatenate([self.output_sequence_length])

    def _output_dtype(self) -> Any:
        return self._lookup_layer.compute_dtype


def _check_lengths(mode: str, length: int | None, ragged: bool) -> None:
    if ragged and mode != "int":
        raise ValueError(f'Only the output mode "int" can be ragged. Received: ragged=True, output_mode={mode!r}')
    if length is not None and (mode != "int" or ragged):
        raise ValueError(
            '`output_sequence_length` is for the output mode "int" without `ragged`. '
            f"Received: output_sequence_length={length}, output_mode={mode!r}, ragged={ragged}"
        )


def _known(argument: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value is None or callable(value) or value in allowed:
        return value
    words = ", ".join(f'"{word}"' for word in allowed)
    raise ValueError(f"`{argument}` must be one of {words}, a function, or None. Received: {argument}={value!r}")


def _widths(ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if isinstance(ngrams, int) and ngrams > 0:
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, (tuple, list)) and all(isinstance(width, int) for width in ngrams):
        return tuple(int(width) for width in ngrams)
    raise ValueError(f"`ngrams` must be a positive integer, a tuple of them, or None. Received: ngrams={ngrams!r}")
