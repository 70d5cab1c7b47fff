"""What a FeatureSpace consists of: features and crosses of them.

Source: behaviour of tf_keras 2.21.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.object_config import deserialize, serialize_object
from kerasish.core.registry import Registry
from kerasish.layers.base import LAYERS

PARTS = Registry("part of a FeatureSpace", "keras.src.utils.feature_space")


class _Part:
    """What a feature and a cross share: a configuration under the name that tf_keras finds it by."""

    __config_module__ = "tf_keras.src.utils.feature_space"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The part that the configuration describes."""
        return cls(**config)


@PARTS.register()
class Feature(_Part):
    """One column: its type, the layer that it goes through, and the form in which it comes out.

    Args:
        dtype: type of the values.
        preprocessor: a layer that takes values of shape `(batch, 1)`.
        output_mode: "float" and "int" leave what the layer gives, "one_hot" turns its integers into rows.

    Raises:
        ValueError: for another output mode.
    """

    def __init__(self, dtype: Any, preprocessor: Any, output_mode: str):
        check_choice("output_mode", output_mode, ("int", "one_hot", "float"))
        self.dtype = tf.as_dtype(dtype).name
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self) -> dict[str, Any]:
        """The arguments; a vocabulary that was learned is kept beside the configuration."""
        described = serialize_object(self.preprocessor)
        config = described["config"]
        if getattr(self.preprocessor, "learns_vocabulary", False) and not config.get("idf_weights"):
            described["config"] = {**config, "vocabulary": None}
        return {"dtype": self.dtype, "preprocessor": described, "output_mode": self.output_mode}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The feature with the layer that the configuration describes."""
        return cls(**{**config, "preprocessor": deserialize(config["preprocessor"], registry=LAYERS)})


@PARTS.register()
class Cross(_Part):
    """A number for each combination of the values of several features.

    Args:
        feature_names: the features.
        crossing_dim: how many numbers there are.
        output_mode: "int", or "one_hot" for rows.

    Raises:
        ValueError: for another output mode.
    """

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot"):
        check_choice("output_mode", output_mode, ("int", "one_hot"))
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the features, joined."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        names = ("feature_names", "crossing_dim", "output_mode")
        return {name: getattr(self, name) for name in names}


def check_choice(argument: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raises ValueError for a value that is not among those allowed."""
    if value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise ValueError(f"`{argument}` must be one of {words}. Received: {argument}={value!r}")
