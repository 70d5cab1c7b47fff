"""Every way in which a configuration from elsewhere becomes an object, and files of every format that hold one.

`ENTRIES` maps a name to a function that takes the configuration of a layer, a folder and keyword arguments of
`load_model`, makes a real file or text that holds the layer, and lets kerasish load it. The layer takes the place of
the layer "victim" of a small model.
"""
import functools
import json
import os
import shutil
import tempfile
import warnings
import zipfile

import h5py
import tf_keras
from tf_keras.protobuf import saved_metadata_pb2

from kerasish import Input, Model, Sequential, layers, models, saving, utils
from kerasish.core import trust

VICTIM = {"class_name": "Activation", "config": {"name": "victim", "activation": "linear"}}


def victim_model():
    return Sequential([Input((2,), name="rows"), layers.Activation("linear", name="victim")])


def planted(config, layer):
    """The configuration with the layer in the place of "victim"."""
    if isinstance(config, dict):
        own = config.get("config")
        if isinstance(own, dict) and own.get("name") == "victim" and config.get("class_name") == "Activation":
            return {**{key: value for key, value in config.items() if key in ("inbound_nodes", "name")}, **layer}
        return {key: planted(value, layer) for key, value in config.items()}
    return [planted(item, layer) for item in config] if isinstance(config, list) else config


def as_config(layer):
    return planted(json.loads(victim_model().to_json()), layer)


def from_json(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode):
        return models.model_from_json(json.dumps(as_config(layer)), custom_objects)


def from_config(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode):
        return models.model_from_config(as_config(layer), custom_objects)


def by_class(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode), utils.custom_object_scope(custom_objects or {}):
        return Sequential.from_config(as_config(layer)["config"])


def by_functional(layer, folder, custom_objects=None, safe_mode=True):
    inputs = Input((2,), name="rows")
    config = json.loads(json.dumps(Model(inputs, layers.Activation("linear", name="victim")(inputs)).get_config()))
    with trust.safe_mode(safe_mode):
        return Model.from_config(planted(config, {**layer, "name": "victim"}), custom_objects)


def one_layer(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode):
        return layers.deserialize(layer, custom_objects)


def own_class(layer, folder, custom_objects=None, safe_mode=True):
    """By the class itself, so that the file names none."""
    kind = getattr(layers, str(layer["class_name"]), None)
    if kind is None:
        raise ValueError(f"There is no layer {layer['class_name']!r} to call.")
    with trust.safe_mode(safe_mode), utils.custom_object_scope(custom_objects or {}):
        return kind.from_config(layer["config"])


def one_object(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode):
        return utils.deserialize_keras_object(layer, custom_objects)


def one_object_of_saving(layer, folder, custom_objects=None, safe_mode=True):
    with trust.safe_mode(safe_mode):
        return saving.deserialize_keras_object(layer, custom_objects)


def wrapped(layer, folder, **options):
    """Within another layer's configuration."""
    return one_layer({"class_name": "TimeDistributed", "config": {"layer": layer}}, folder, **options)


def nested(layer, folder, custom_objects=None, safe_mode=True):
    """Within a model that is a layer of another."""
    outer = json.loads(Sequential([Input((2,), name="rows"), victim_model()]).to_json())
    with trust.safe_mode(safe_mode):
        return models.model_from_json(json.dumps(planted(outer, layer)), custom_objects)


@functools.cache
def _written(name, by_tf_keras):
    """A folder in which the model was saved under the name, by this library or by tf_keras."""
    folder = tempfile.TemporaryDirectory()
    model = victim_model()
    model = tf_keras.models.model_from_json(model.to_json()) if by_tf_keras else model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(os.path.join(folder.name, name))
    return folder


def _copied(name, by_tf_keras, folder):
    shutil.copytree(_written(name, by_tf_keras).name, folder, dirs_exist_ok=True)
    return folder / name


def _saved_model(by_tf_keras, layer, folder, **options):
    path = _copied("model", by_tf_keras, folder)
    records = saved_metadata_pb2.SavedMetadata.FromString((path / "keras_metadata.pb").read_bytes())
    for record in records.nodes:
        record.metadata = json.dumps(planted(json.loads(record.metadata), layer))
    (path / "keras_metadata.pb").write_bytes(records.SerializeToString())
    return models.load_model(path, **options)


def _archive(by_tf_keras, layer, folder, **options):
    path = _copied("model.keras", by_tf_keras, folder)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(planted(json.loads(members["config.json"]), layer)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return models.load_model(path, **options)


def _hdf5(by_tf_keras, layer, folder, is_open=False, **options):
    path = _copied("model.h5", by_tf_keras, folder)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(planted(config, layer)).encode()
    if is_open:
        with h5py.File(path) as file:
            return saving.load_model(file, **options)
    return models.load_model(path, **options)


CONFIGURATIONS = {
    "model_from_json": from_json, "model_from_config": from_config, "Sequential.from_config": by_class,
    "Model.from_config": by_functional, "layers.deserialize": one_layer,
    "Layer.from_config": own_class, "nested models": nested,
    "utils.deserialize_keras_object": one_object, "saving.deserialize_keras_object": one_object_of_saving,
    "TimeDistributed": wrapped,
}  # fmt: skip
FILES = {
    "SavedModel": functools.partial(_saved_model, False),
    "SavedModel of tf_keras": functools.partial(_saved_model, True),
    "archive": functools.partial(_archive, False), "archive of tf_keras": functools.partial(_archive, True),
    "HDF5": functools.partial(_hdf5, False), "HDF5 of tf_keras": functools.partial(_hdf5, True),
    "open HDF5 file": functools.partial(_hdf5, False, is_open=True),
}  # fmt: skip
ENTRIES = {**CONFIGURATIONS, **FILES}

