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
from kerasish.data_sources.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from kerasish.graph.origins import get_source_inputs
from kerasish.models.plotting import model_to_dot, plot_model
from kerasish.models.sidecar_evaluator import SidecarEvaluator
from kerasish.utils import experimental, legacy
from kerasish.utils.arrays import normalize, to_categorical, to_ordinal
from kerasish.utils.directory_datasets import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from kerasish.utils.embeddings import warmstart_embedding_matrix
from kerasish.utils.feature_space import FeatureSpace
from kerasish.utils.images import array_to_img, img_to_array, load_img, save_img
from kerasish.utils.logs import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from kerasish.utils.sequences import pad_sequences
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object
from kerasish.utils.splitting import split_dataset
from kerasish.utils.timed_thread import TimedThread
from kerasish.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "FeatureSpace",
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "SidecarEvaluator",
    "TimedThread",
    "array_to_img",
    "audio_dataset_from_directory",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "experimental",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "legacy",
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
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "to_ordinal",
    "unpack_x_y_sample_weight",
    "warmstart_embedding_matrix",
]
