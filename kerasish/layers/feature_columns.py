"""DenseFeatures and SequenceFeatures: what `tf.feature_column` describes, computed from a dict of raw features.

TensorFlow's columns say how a feature becomes numbers; they ask for the transformed features of each other and for
their weights, which the two small classes below give them.

Source: behaviour of tf.keras 2 and of TensorFlow's feature columns.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from kerasish.core.registry import find_custom, unknown_name
from kerasish.layers.base import LAYERS, Layer


class _Features:
    """Raw features by key and transformed ones by column, each computed once."""

    def __init__(self, features: dict[str, Any]):
        self._features = features
        self._known: dict[Any, Any] = {}

    def get(self, key: Any, state_manager: Any, training: Any = None) -> Any:
        """The tensor of a raw feature, at least `(batch, 1)`, or of a column."""
        if key not in self._known:
            raw = isinstance(key, str)
            self._known[key] = self._raw(key) if raw else key.transform_feature(self, state_manager)
        return self._known[key]

    def _raw(self, key: str) -> Any:
        if key not in self._features:
            raise ValueError(f"The inputs lack the feature {key!r}. Received: features {sorted(self._features)}")
        feature = self._features[key]
        if isinstance(feature, (tf.SparseTensor, tf.RaggedTensor)):
            return feature.to_sparse() if isinstance(feature, tf.RaggedTensor) else feature
        feature = tf.convert_to_tensor(feature)
        return feature[:, tf.newaxis] if feature.shape.rank == 1 else feature


class _State:
    """The weights and tables of a layer's columns."""

    def __init__(self, layer: Layer):
        self._layer = layer
        self._known: dict[tuple[Any, str], Any] = {}

    def create_variable(
        self, feature_column: Any, name: str, shape: Any, dtype: Any = None, trainable: bool = True,
        use_resource: bool = True, initializer: Any = None,
    ) -> tf.Variable:  # fmt: skip
        """A new weight of the layer for a column."""
        options = {"trainable": trainable and self._layer.trainable, "initializer": initializer}
        self._known[feature_column, name] = self._layer.add_weight(name, shape, dtype, **options)
        return self._known[feature_column, name]

    def get_variable(self, feature_column: Any, name: str) -> tf.Variable:
        """The weight of that name that was made for a column."""
        return self._known[feature_column, name]

    def has_resource(self, feature_column: Any, name: str) -> bool:
        """Whether a column has a table of that name."""
        return (feature_column, name) in self._known

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a column's table, which belongs to the layer when it is exported."""
        self._known[feature_column, name] = resource
        self._layer._track_trackable(resource, f"{feature_column.name}_{name}", overwrite=True)

    get_resource = get_variable


class _FeatureColumns(Layer):
    """Base of the layers of feature columns."""

    _wanted = ""
    _remedy = ""

    def __init__(self, feature_columns: Any, trainable: bool = True, name: str | None = None, **kwargs: Any):
        partitioner = kwargs.pop("partitioner", None)
        if partitioner is not None:
            raise ValueError(f"`partitioner` is not supported. Received: partitioner={partitioner!r}\nLeave it out.")
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._columns = self._checked(feature_columns)
        object.__setattr__(self, "_state", _State(self))

    def _checked(self, feature_columns: Any) -> list[Any]:
        """The columns in a list, sorted by name."""
        if isinstance(feature_columns, (dict, str)):
            raise ValueError(f"`feature_columns` must be a list of columns. Received: {feature_columns!r}")
        one = hasattr(feature_columns, "get_config")
        columns = [feature_columns] if one else list(feature_columns)
        for column in columns:
            if not hasattr(column, self._wanted):
                raise ValueError(
                    f"{type(self).__name__} takes {self._remedy}. Received: {column!r}\n"
                    "Put `tf.feature_column.embedding_column` or `indicator_column` around a categorical column."
                )
        names = [column.name for column in columns]
        if not columns or len(set(names)) < len(names):
            raise ValueError(f"`feature_columns` must hold columns of different names. Received: {names}")
        return sorted(columns, key=lambda column: column.name)

    def build(self, input_shape: Any) -> None:
        """Creates the weights of the columns, named after them."""
        for column in self._columns:
            if hasattr(column, "create_state"):
                with tf.name_scope(column.name):
                    column.create_state(self._state)
        super().build(input_shape)

    def _transformed(self, features: Any) -> _Features:
        if not isinstance(features, dict):
            raise ValueError(
                f'Layer "{self.name}" takes a dict of features by name. Received: {type(features).__name__}'
            )
        return _Features(features)

    def get_config(self) -> dict[str, Any]:
        """The arguments, each column as `{"class_name", "config"}`."""
        columns = [{"class_name": type(c).__name__, "config": c.get_config()} for c in self._columns]
        return {**super().get_config(), "feature_columns": columns, "partitioner": None}

    def _config_value(self, value: Any) -> Any:
        return value if value is self._columns else super()._config_value(value)

    feature_columns = property(lambda self: self._columns, doc="The columns, sorted by name.")

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer of the columns that the configuration describes.

        Raises:
            ValueError: for a column or a function that is not known.
        """
        columns = [_column(described, custom_objects) for described in config["feature_columns"]]
        return cls(**{**config, "feature_columns": columns})


@LAYERS.register()
class DenseFeatures(_FeatureColumns):
    """The numbers of dense feature columns side by side: a dict of features to `(batch, numbers)`.

    Args:
        feature_columns: columns of `tf.feature_column` with a dense tensor: numeric, bucketized, embedding, indicator.
        trainable: whether the weights of embedding columns are trained.
        name: the layer's name.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a column of another kind, or two of the same name.
    """

    _wanted = "get_dense_tensor"
    _remedy = "dense columns"

    def call(self, features: Any, cols_to_output_tensors: Any = None, training: Any = None) -> tf.Tensor:
        """The numbers of all columns, in the order of their names.

        Args:
            features: tensors by feature name.
            cols_to_output_tensors: a dict that receives the part of each column.
            training: accepted for compatibility.

        Raises:
            ValueError: if the features are no dict or lack one.
        """
        known, parts = self._transformed(features), []
        for column in self._columns:
            tensor = column.get_dense_tensor(known, self._state)
            parts.append(tf.reshape(tensor, [tf.shape(tensor)[0], math.prod(column.variable_shape.as_list())]))
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = parts[-1]
        return tf.concat(parts, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """`(batch, numbers)`."""
        first = next(iter(input_shape.values())) if isinstance(input_shape, dict) else input_shape
        total = sum(math.prod(column.variable_shape.as_list()) for column in self._columns)
        return tf.TensorShape([tf.TensorShape(first)[0], total])


@LAYERS.register()
class SequenceFeatures(_FeatureColumns):
    """The numbers of sequence columns for each step: a dict of features to `(batch, time, numbers)` and the lengths.

    Args:
        feature_columns: columns of `tf.feature_column` for sequences: `sequence_numeric_column`, or an embedding or
            indicator column around a categorical sequence column.
        trainable: whether the weights of embedding columns are trained.
        name: the layer's name.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a column of another kind, or two of the same name.
    """

    __config_module__ = "keras.experimental"
    _wanted = "get_sequence_dense_tensor"
    _remedy = "sequence columns"

    def call(self, features: Any, training: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """The numbers of all columns `(batch, time, numbers)`, padded with zeros, and how many steps count `(batch,)`.

        Raises:
            ValueError: if the features are no dict or lack one.
            InvalidArgumentError: if the sequences of a row have different lengths.
        """
        known = self._transformed(features)
        found = [column.get_sequence_dense_tensor(known, self._state) for column in self._columns]
        parts = []
        for column, (tensor, lengths) in zip(self._columns, found, strict=True):
            tf.debugging.assert_equal(
                lengths, found[0].sequence_length,
                f'Layer "{self.name}" needs sequences of one length in each row; the feature of {column.name} differs.',
            )  # fmt: skip
            size = math.prod(column.variable_shape.as_list())
            parts.append(tf.reshape(tensor, [*tf.unstack(tf.shape(tensor)[:2]), size]))
        return tf.concat(parts, axis=-1), found[0].sequence_length

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """`(batch, time, numbers)`."""
        first = next(iter(input_shape.values())) if isinstance(input_shape, dict) else input_shape
        total = sum(math.prod(column.variable_shape.as_list()) for column in self._columns)
        return tf.TensorShape([*tf.TensorShape(first)[:2], total])


def _column(described: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """The feature column of a configuration."""
    name, config = described["class_name"], described["config"]
    own = {function: find_custom(function, custom_objects) for function in _functions_of(config)}
    unknown = next((function for function, found in own.items() if found is None), None)
    if unknown is not None:
        raise ValueError(unknown_name("function of a feature column", unknown, ()))
    kind: Any = find_custom(name, custom_objects) or _column_classes().get(name)
    if kind is None:
        raise ValueError(unknown_name("feature column", name, _column_classes()))
    return kind.from_config(config, custom_objects=own)


def _functions_of(config: Any) -> Iterator[str]:
    """The names of the functions that bring numbers to a range."""
    for key, value in config.items() if isinstance(config, dict) else ():
        if key == "normalizer_fn" and isinstance(value, str):
            yield value
        yield from _functions_of(value)


@functools.cache
def _column_classes() -> dict[str, type]:
    """The classes of TensorFlow's columns, which have no public names, by name."""
    columns = tf.feature_column
    number, choice = columns.numeric_column("x"), columns.categorical_column_with_identity("x", 2)
    samples = (
        number, columns.bucketized_column(number, [0.0]), columns.embedding_column(choice, 1),
        columns.indicator_column(choice), columns.sequence_numeric_column("x"),
    )  # fmt: skip
    return {type(sample).__name__: type(sample) for sample in samples}
