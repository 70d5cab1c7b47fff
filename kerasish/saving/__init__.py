"""Saving: one file per format, and what they share.

`formats` chooses by path and `save_format`; `replacement` makes every save leave the old or the new behind, never a
mixture; `description` is what a file knows of a model besides its weights.
"""

from __future__ import annotations

from kerasish.core.object_config import deserialize as deserialize_keras_object
from kerasish.core.object_config import serialize as serialize_keras_object
from kerasish.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasish.saving.formats import load_model, save_model

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
    "get_registered_object", "load_model", "register_keras_serializable", "save_model", "serialize_keras_object",
]  # fmt: skip
