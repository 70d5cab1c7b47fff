"""`keras.utils`: labels as vectors, seeds, custom objects, pictures of models, and what users build sources from."""

from __future__ import annotations

from kerasish.callbacks.progress import Progbar
from kerasish.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasish.core.seeds import set_random_seed
from kerasish.data_sources import Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasish.data_sources.downloads import get_file
from kerasish.graph.origins import get_source_inputs
from kerasish.models.plotting import model_to_dot, plot_model
from kerasish.utils.arrays import normalize, to_categorical, to_ordinal
from kerasish.utils.images import array_to_img, img_to_array, load_img, save_img
from kerasish.utils.sequences import pad_sequences
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "Sequence",
    "array_to_img",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "img_to_array",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "to_ordinal",
    "unpack_x_y_sample_weight",
]
