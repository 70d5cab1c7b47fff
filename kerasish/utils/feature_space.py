"""FeatureSpace: how each column of a table becomes numbers, and all of them together one vector.

Source: behaviour of tf_keras 2.21, whose archives `.keras` of feature spaces are read and written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.naming import unique_name
from kerasish.core.object_config import deserialize, serialize_object
from kerasish.graph.symbolic_tensor import SymbolicTensor
from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.identity import Identity
from kerasish.layers.input import Input
from kerasish.layers.merging import Concatenate
from kerasish.layers.preprocessing.categories import CategoryEncoding, HashedCrossing, Hashing
from kerasish.layers.preprocessing.discretization import Discretization
from kerasish.layers.preprocessing.images import Rescaling
from kerasish.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kerasish.layers.preprocessing.normalization import Normalization
from kerasish.saving.formats import save_model
from kerasish.utils.features import PARTS, Cross, Feature, check_choice

_ROWS = 256  # how many rows of a dataset without batches are learned from at once


@LAYERS.register()
class FeatureSpace(Layer):
    """Turns a dict of columns into one vector for each row, or a dict of encoded columns.

    `adapt` learns vocabularies, moments and boundaries. Features come out in the order of their names, crosses after
    them.

    Args:
        features: for each name a feature, or its kind: "float", "float_rescaled", "float_normalized",
            "float_discretized", "integer_categorical", "string_categorical", "integer_hashed", "string_hashed".
        output_mode: "concat" for one tensor `(batch, numbers)`, "dict" for one for each feature and cross.
        crosses: tuples of names of features that are combined, or what `FeatureSpace.cross` gives.
        crossing_dim: how many numbers there are for the combinations of a tuple.
        hashing_dim: how many numbers there are for hashed values of a feature that is given by its kind.
        num_discretization_bins: how many bins there are for one that is given by its kind.

    Raises:
        ValueError: without features, for a kind or output mode that is not known, or a cross of unknown features.
    """

    __config_module__ = "keras.utils"

    def __init__(
        self, features: Any, output_mode: str = "concat", crosses: Any = None, crossing_dim: int = 32,
        hashing_dim: int = 32, num_discretization_bins: int = 32,
    ):  # fmt: skip
        super().__init__()
        if not isinstance(features, dict) or not features:
            raise ValueError(f"`features` must be a dict of one feature or more. Received: features={features!r}")
        check_choice("output_mode", output_mode, ("concat", "dict"))
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {name: self._feature(name, given) for name, given in features.items()}
        self.crosses = [self._cross(given) for given in crosses or ()]
        self.output_mode = output_mode
        self.inputs = {name: Input((1,), dtype=one.dtype, name=name) for name, one in self.features.items()}
        self.preprocessors = {name: one.preprocessor for name, one in self.features.items()}
        self.crossers = {one.name: HashedCrossing(one.crossing_dim, name=one.name) for one in self.crosses}
        self.one_hot_encoders: dict[str, Any] = {}
        self.concat: Any = None
        self.encoded_features: Any = None
        self._is_adapted = not self._learners()

    def _feature(self, name: str, given: Any) -> Any:
        if isinstance(given, Feature):
            return given
        sizes = {"hashed": {"num_bins": self.hashing_dim}, "discretized": {"num_bins": self.num_discretization_bins}}
        if not isinstance(given, str) or given not in _KINDS:
            raise ValueError(
                f"The feature {name!r} must be one of {', '.join(map(repr, _KINDS))}, or what one of the methods of "
                f"these names gives. Received: {given!r}"
            )
        return getattr(type(self), given)(name=name, **sizes.get(given.rpartition("_")[2], {}))

    def _cross(self, given: Any) -> Any:
        names = given.feature_names if isinstance(given, Cross) else tuple(given)
        if not set(names) <= set(self.features):
            raise ValueError(
                f"`crosses` must name features. Received: {names}\nThe features: {', '.join(self.features)}"
            )
        return given if isinstance(given, Cross) else Cross(names, self.crossing_dim)

    # Kinds of features.

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> Any:
        """A cross of features with `crossing_dim` numbers, as rows ("one_hot") or themselves ("int")."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: Any, preprocessor: Any, output_mode: str) -> Any:
        """A feature that goes through a layer of one's own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Any:
        """Numbers times `scale` plus `offset`."""
        return Feature("float32", Rescaling(scale, offset, name=_named(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Any:
        """Numbers with mean 0 and variance 1 over the examples."""
        return Feature("float32", Normalization(name=_named(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Any:
        """The bin of each number, of `num_bins` that hold equally many examples, or between given boundaries."""
        layer = Discretization(bin_boundaries, num_bins, name=_named(name, "float_discretized"))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Any:  # fmt: skip
        """The number of each integer among those of the examples."""
        layer = IntegerLookup(max_tokens, num_oov_indices, name=_named(name, "integer_categorical"))
        return Feature("int64", layer, output_mode)

    @classmethod
    def string_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Any:  # fmt: skip
        """The number of each string among those of the examples."""
        layer = StringLookup(max_tokens, num_oov_indices, name=_named(name, "string_categorical"))
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Any:
        """A number below `num_bins` for each string."""
        return Feature("string", Hashing(num_bins, name=_named(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Any:
        """A number below `num_bins` for each integer."""
        return Feature("int64", Hashing(num_bins, name=_named(name, "integer_hashed")), output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Any:
        """Numbers as they are."""
        return Feature("float32", Identity(name=_named(name, "float")), "float")

    # Learning.

    def _learners(self) -> list[str]:
        """The features whose layers need examples."""
        layers = self.preprocessors.items()
        return [name for name, layer in layers if getattr(layer, "learns", hasattr(layer, "adapt"))]

    def adapt(self, dataset: Any) -> None:
        """Learns from the examples what the features need, each in a pass of its own.

        Args:
            dataset: a finite `tf.data.Dataset` of dicts, rows or batches of them.

        Raises:
            ValueError: if it is no dataset, or is empty.
            TypeError: if its elements are no dicts.
            KeyError: if they lack a feature.
        """
        if not isinstance(dataset, tf.data.Dataset):
            raise ValueError(f"`adapt` takes a `tf.data.Dataset`. Received: {type(dataset).__name__}")
        spec = dataset.element_spec
        if not isinstance(spec, dict):
            raise TypeError(
                f"`adapt` takes a dataset of dicts. Received: elements of {spec}\n"
                "Leave the targets out: dataset.map(lambda features, target: features)."
            )
        for name in self._learners():
            if name not in spec:
                raise KeyError(f"The dataset lacks the feature {name!r}. Received: {', '.join(spec)}")
            values = dataset.map(lambda element, name=name: element[name])
            self.preprocessors[name].adapt((values.batch(_ROWS) if spec[name].shape.rank == 0 else values).map(_column))
        self._is_adapted, self.built = True, False
        self._complete()

    def _complete(self) -> None:
        """Makes the encoders, whose sizes follow from what was learned, and the symbolic outputs.

        Raises:
            ValueError: if there are no examples yet, or features cannot be encoded or joined.
        """
        if not self._is_adapted:
            raise ValueError(
                f"The FeatureSpace has seen no examples yet. Call `adapt(dataset)` first.\n"
                f"It learns from: {', '.join(self._learners())}"
            )
        if self.built:
            return
        with tf.init_scope():
            found = self._preprocessed(self.inputs)
            parts = {**self.features, **{one.name: one for one in self.crosses}}
            wanted = [name for name in found if parts[name].output_mode == "one_hot"]
            sizes = {name: self._size(name, parts[name], found[name].dtype) for name in wanted}
            self.one_hot_encoders = {name: CategoryEncoding(size, "multi_hot") for name, size in sizes.items()}
            self.concat = Concatenate(axis=-1) if self.output_mode == "concat" else None
            self.encoded_features = self._encoded(found)
        self.built = True

    def _size(self, name: str, part: Any, dtype: tf.DType) -> int:
        """How many different numbers a feature or cross may have."""
        if isinstance(part, Cross):
            return part.crossing_dim
        layer = part.preprocessor
        if not dtype.is_integer:
            raise ValueError(
                f"The feature {name!r} needs integers for its output mode 'one_hot'. "
                f"Received: {dtype.name} from {type(layer).__name__}"
            )
        if isinstance(layer, (StringLookup, IntegerLookup)):
            return layer.vocabulary_size()
        if isinstance(layer, (Discretization, Hashing)):
            return layer.num_bins or len(getattr(layer, "bin_boundaries", None) or ()) + 1
        raise ValueError(
            f"The feature {name!r} has the output mode 'one_hot', but how many numbers its layer gives is not known. "
            f"Received: {type(layer).__name__}\nUse the output mode 'int'."
        )

    # Calls.

    def __call__(self, data: Any) -> Any:
        """The encoded rows; of scalars, the one row without the axis of the batch.

        Args:
            data: tensors, arrays or lists by the name of the feature, `(batch,)`, `(batch, n)` or scalars.

        Raises:
            ValueError: if it is no dict, nothing was learned yet, or a feature has values of a wrong type.
            KeyError: if a feature is missing, or one is not known.
        """
        self._complete()
        if not isinstance(data, dict):
            raise ValueError(f"A FeatureSpace is called with a dict of features. Received: {type(data).__name__}")
        wrong = sorted(set(data) ^ set(self.features))
        if wrong:
            raise KeyError(
                f"The data must hold the features {', '.join(self.features)}. Missing or unknown: {', '.join(wrong)}"
            )
        values = {name: self._as_tensor(name, value) for name, value in data.items()}
        single = any(value.shape.rank == 0 for value in values.values())
        encoded = self._encoded(self._preprocessed({name: _column(value) for name, value in values.items()}))
        return tf.nest.map_structure(lambda one: tf.squeeze(one, 0), encoded) if single else encoded

    def _as_tensor(self, name: str, value: Any) -> Any:
        """The values of a feature, integers as floats where those are asked for."""
        if isinstance(value, SymbolicTensor):
            return value
        value = tf.convert_to_tensor(np.asarray(value) if hasattr(value, "to_numpy") else value)
        wanted = tf.as_dtype(self.features[name].dtype)
        if wanted.is_floating and value.dtype == tf.string:
            raise ValueError(f"The feature {name!r} takes numbers. Received: strings")
        integers = value.dtype.is_integer or value.dtype.is_bool
        return tf.cast(value, wanted) if wanted.is_floating and integers else value

    def _preprocessed(self, values: dict[str, Any]) -> dict[str, Any]:
        """What the layers give for features `(batch, n)`, and the crosses of that, by name."""
        found = {name: self.preprocessors[name](values[name]) for name in sorted(self.features)}
        by_name = {one.name: one for one in self.crosses}
        crossed = {
            name: self.crossers[name]([found[one] for one in by_name[name].feature_names]) for name in sorted(by_name)
        }
        return {**found, **crossed}

    def _encoded(self, found: dict[str, Any]) -> Any:
        encoders = self.one_hot_encoders
        encoded = {name: encoders[name](one) if name in encoders else one for name, one in found.items()}
        if self.concat is None:
            return encoded
        for name, one in encoded.items():
            if one.dtype == tf.string or one.dtype.is_integer:
                raise ValueError(
                    f"The feature {name!r} cannot be joined with the others: it is not encoded. "
                    f"Received: {one.dtype.name}\nGive it another output mode, or pass output_mode='dict'."
                )
        return self.concat(list(encoded.values()))

    def get_inputs(self) -> dict[str, Any]:
        """The symbolic inputs by name, for a functional model that takes raw features.

        Raises:
            ValueError: if nothing was learned yet.
        """
        self._complete()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """The symbolic outputs that belong to `get_inputs`.

        Raises:
            ValueError: if nothing was learned yet.
        """
        self._complete()
        return self.encoded_features

    # Files.

    def get_config(self) -> dict[str, Any]:
        """The arguments, each feature and cross as the configuration of one."""
        return {
            "features": {name: serialize_object(one) for name, one in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [serialize_object(one) for one in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A feature space that has seen no examples yet.

        Raises:
            ValueError: for a layer that is not known, or Python code in safe mode.
        """
        parts = {key: deserialize(config.get(key), registry=PARTS) for key in ("features", "crosses")}
        return cls(**{**config, **parts})

    def get_build_config(self) -> dict[str, Any]:
        """What each feature's layer was built for, None for those that are not built."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the features' layers; with all of them built, what they learned can be read from a file."""
        for name, layer in self.preprocessors.items():
            if config.get(name) is not None:
                layer.build_from_config(config[name])
        self._is_adapted = self._is_adapted or all(config.get(name) is not None for name in self._learners())

    def save(self, filepath: Any) -> None:
        """Writes the archive `filepath`, which ends in `.keras`; `models.load_model` reads it.

        Raises:
            ValueError: for another ending.
            OSError: if it cannot be written.
        """
        save_model(self, filepath, save_format="keras")


_KINDS = (
    "float", "float_rescaled", "float_normalized", "float_discretized", "integer_categorical", "string_categorical",
    "integer_hashed", "string_hashed",
)  # fmt: skip


def _named(name: str | None, kind: str) -> str:
    return f"{name or unique_name(kind, zero_based=False)}_preprocessor"


def _column(values: Any) -> Any:
    """Values `(batch, 1)` of a scalar or of `(batch,)`; others as they are."""
    return tf.reshape(values, (-1, 1)) if isinstance(values, tf.Tensor) and values.shape.rank in (0, 1) else values
