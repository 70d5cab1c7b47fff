"""Whole models as an archive `.keras`: configuration, weights in HDF5, and files of layers that keep some.

Only members of known names are read, each no longer than it may be, and none is written outside of a temporary folder.

Source: archives of tf.keras 2.12 to 2.15 and tf_keras (`config.json`, `metadata.json`, `model.weights.h5`, `assets/`).
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from kerasish.core import object_config, sharing, trust
from kerasish.core.registry import custom_object_scope
from kerasish.saving import hdf5_access, object_tree, older_config, optimizer_weights
from kerasish.saving.description import KERAS_VERSION, from_json, rebuild, to_json
from kerasish.saving.replacement import recover, replaced_file

_CONFIG, _METADATA, _WEIGHTS, _ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"
# Under this name alone tf_keras finds the optimizer with a loss scale: it has it under no public one.
_LOSS_SCALE = {"module": "tf_keras.src.mixed_precision.loss_scale_optimizer", "class_name": "LossScaleOptimizerV3"}
_LARGEST_TEXT = 64 * 2**20
_LARGEST_RATIO = 100
_PIECE = 2**20


class _Output(io.BufferedRandom):
    """The file of a new archive, into which HDF5 writes a member itself: no copy of the weights is made for it."""

    _is_reread = False

    def __init__(self, path: str):
        super().__init__(io.FileIO(path, "x+b"))

    @contextmanager
    def reread(self) -> Iterator[None]:
        """What was read in this context is taken as written again, so that the archive adds up its check sum."""
        self._is_reread = True
        try:
            yield
        finally:
            self._is_reread = False

    def write(self, content: Any) -> int:
        """The number of bytes."""
        return len(content) if self._is_reread else super().write(content)


def save(model: Any, path: str, compiled: bool = True) -> None:
    """Writes the archive `path`; without the compile arguments if `compiled` is False.

    Raises:
        NotImplementedError: if a class of the user's has no configuration.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    config = to_json(_described(model, compiled))
    metadata = to_json({"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")})
    with replaced_file(path) as new, _Output(new) as output, zipfile.ZipFile(output, "w") as archive:
        archive.writestr(_METADATA, metadata)
        archive.writestr(_CONFIG, config)
        with archive.open(zipfile.ZipInfo(_WEIGHTS, time.localtime()[:6]), "w", force_zip64=True) as member:
            output.flush()
            with hdf5_access.made(new, output.tell()) as file:
                object_tree.write(file, model)
            with output.reread():
                shutil.copyfileobj(output, member, _PIECE)
        _write_assets(archive, model, new)


def load(path: str, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model of the archive `path`, compiled and with its optimizer's state if it was saved so.

    Raises:
        ValueError: if it describes no model, names something unknown, or brings Python code and `safe_mode` is on.
        OSError: if it is damaged.
    """
    with _opened(path) as archive, trust.safe_mode(safe_mode), custom_object_scope(custom_objects or {}):
        _check_version(archive, path)
        place = f"{_CONFIG!r} in {path!r}"
        config = from_json(_content(archive, _CONFIG, path), place)
        model = rebuild(config, place, custom_objects, "save")  # a FeatureSpace has that too
        _build(model, config)
        if compile and config.get("compile_config") and _is_model(model):
            _compile(model, config)
        _read_assets(archive, model, path)
        with _weights(archive, path) as file:
            object_tree.read(file, model)
    return model


def load_weights(model: Any, path: str, skip_mismatch: bool = False) -> None:
    """Reads the weights of the archive `path` into the model, all or none of them.

    Raises:
        ValueError: if they do not fit (with `skip_mismatch` such layers are left out).
        OSError: if the archive is damaged.
    """
    object_tree.check_built(model, "load")
    with _opened(path) as archive, _weights(archive, path) as file:
        object_tree.read(file, model, skip_mismatch)


def is_archive(path: str) -> bool:
    """Whether the file begins as ZIP archives do."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _described(model: Any, compiled: bool) -> dict[str, Any]:
    """The configuration of a model as the archive has it."""
    config = sharing.marked(lambda: object_config.serialize(object_config.serialize_object(model)))
    if not _is_model(model):
        return {**config, "build_config": model.get_build_config()}
    spec = model.save_spec()
    inputs = None if spec is None else spec[0][0]
    shape = model._build_input_shape
    if shape is None and inputs is not None:
        shape = tf.nest.map_structure(lambda one: one.shape.as_list(), inputs)
    if shape is not None:
        config["build_config"] = {"input_shape": shape}
    if compiled and model.compiled:
        config["compile_config"] = compilation = model.get_compile_config()
        if optimizer_weights.unscaled(model.optimizer) is not model.optimizer:
            compilation["optimizer"].update(_LOSS_SCALE)
    return {**config, "kerasish": {"inputs": older_config.written(inputs)}}


def _is_model(thing: Any) -> bool:
    """Whether it can be trained, unlike a FeatureSpace, which is saved as models are."""
    return hasattr(thing, "compile_from_config")


def _build(model: Any, config: Any) -> None:
    """Makes the weights of a model that has none yet, as far as its inputs are known."""
    if model.built:
        return
    inputs = older_config.read((config.get("kerasish") or {}).get("inputs"))
    if inputs is not None and _is_model(model):
        model.compute_output_signature(inputs)
        model.built = True
    elif config.get("build_config"):
        model.build_from_config(config["build_config"])


def _compile(model: Any, config: Any) -> None:
    try:
        model.compile_from_config(config["compile_config"])
    except ValueError as error:
        raise ValueError(
            f"{error}\nOr load the model without its loss and metrics: load_model(path, compile=False)."
        ) from error


def _write_assets(archive: zipfile.ZipFile, model: Any, beside: str) -> None:
    """Writes the files of each layer, which it makes in a folder of its own beside a path."""
    for path, thing in object_tree.members(model):
        if hasattr(thing, "save_assets"):
            with tempfile.TemporaryDirectory(dir=os.path.dirname(beside), prefix=f"{os.path.basename(beside)}-") as own:
                thing.save_assets(own)
                for name in sorted(os.listdir(own)):
                    archive.write(os.path.join(own, name), "/".join(filter(None, (_ASSETS, path, name))))


def _read_assets(archive: zipfile.ZipFile, model: Any, path: str) -> None:
    """Gives each layer the files that lie where it is, in a folder of its own for the time of reading."""
    members = archive.namelist()
    for place, thing in object_tree.members(model):
        start = "/".join(filter(None, (_ASSETS, place))) + "/"
        names = [name for name in members if name.startswith(start) and _is_plain(name[len(start) :])]
        if names and hasattr(thing, "load_assets"):
            with tempfile.TemporaryDirectory() as folder:
                for name in names:
                    _extract(archive, name, os.path.join(folder, name[len(start) :]), path)
                thing.load_assets(folder)


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file in the very folder."""
    return bool(name) and name not in (".", "..") and not any(mark in name for mark in "/\\:\0")


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    recover(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise OSError(f"The archive {path!r} is damaged: {error}") from error


@contextmanager
def _weights(archive: zipfile.ZipFile, path: str) -> Iterator[Any]:
    """The HDF5 file within, which lies in a temporary folder meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, _WEIGHTS)
        _extract(archive, _WEIGHTS, place, path)
        with hdf5_access.opened(place, f"{path}/{_WEIGHTS}") as file:
            yield file


def _member(archive: zipfile.ZipFile, name: str, path: str) -> zipfile.ZipInfo:
    """The entry of a member that is no longer than it may be."""
    try:
        found = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"{path!r} is no model that tf.keras 2 saved: it has no {name!r}.") from None
    if found.flag_bits & 1:
        raise ValueError(f"{name!r} in {path!r} is encrypted.")
    if found.file_size > max(_LARGEST_RATIO * found.compress_size, 2**20):
        raise ValueError(
            f"{name!r} in {path!r} would grow from {found.compress_size} to {found.file_size} bytes. It was not read."
        )
    return found


def _content(archive: zipfile.ZipFile, name: str, path: str) -> bytes:
    found = _member(archive, name, path)
    if found.file_size > _LARGEST_TEXT:
        raise ValueError(f"{name!r} in {path!r} is too long for a model's configuration: {found.file_size} bytes.")
    return archive.read(found)


def _extract(archive: zipfile.ZipFile, name: str, place: str, path: str) -> None:
    """Copies a member, whose check sum is compared on the way, to a file."""
    with archive.open(_member(archive, name, path)) as source, open(place, "wb") as target:
        shutil.copyfileobj(source, target, _PIECE)


def _check_version(archive: zipfile.ZipFile, path: str) -> None:
    metadata = from_json(_content(archive, _METADATA, path), f"{_METADATA!r} in {path!r}")
    version = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) > 2:
        raise ValueError(
            f"{path!r} was written by Keras {version}, whose configurations are not those of tf.keras 2.\n"
            "Make the model here and read its weights: model.load_weights(path)."
        )
