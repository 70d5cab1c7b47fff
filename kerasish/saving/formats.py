"""Which format a path or `save_format` asks for, and what is asked before every save: may the old be overwritten?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish.core import trust
from kerasish.saving import (
    checkpoint,
    hdf5_access,
    hdf5_model,
    hdf5_weights,
    keras_archive,
    object_tree,
    saved_model,
    saved_model_reading,
)
from kerasish.saving.file_errors import naming

_HDF5 = (".h5", ".hdf5")
_FILES = (*_HDF5, ".keras")
_SMALL, _LARGEST_RATIO = 2**28, 20  # bytes of weights that any file may ask for, and further ones for each of its own


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any
) -> None:
    """Writes architecture, weights, compile arguments and optimizer state, in one of three formats.

    Args:
        model: the model.
        filepath: an archive `x.keras`, an HDF5 file `x.h5` or `x.hdf5` (or an open `h5py.File`), or the directory of a
            SavedModel.
        overwrite: whether what is there may be replaced; otherwise the user is asked or, without a terminal, it is an
            error.
        save_format: `"keras"`, `"h5"` or `"tf"`; by the path's ending if None.
        **kwargs: `include_optimizer` False leaves out the compile arguments; for a SavedModel `signatures` and
            `options` of `tf.saved_model.save`; `save_traces` False leaves out the graphs of the user's layers.

    Raises:
        ValueError: for a format that is not known, or a model whose inputs are not known yet.
        NotImplementedError: for HDF5 of a model that is neither functional nor a Sequential.
        FileExistsError: if something is there that may not be overwritten.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    path = _path(filepath)
    kind = _whole_format(path, save_format)
    own = ("signatures", "options", "save_traces") if kind == "tf" else ()
    _check_keywords("save", kwargs, ("include_optimizer", *own))
    if not hdf5_access.is_open_group(path) and not _may_write(path, overwrite):
        return
    compiled = kwargs.get("include_optimizer", True)
    if kind == "keras":
        keras_archive.save(model, path, compiled)
    elif kind == "h5":
        hdf5_model.save(model, path, compiled)
    else:
        traces = kwargs.get("save_traces", True)
        saved_model.save(model, path, kwargs.get("signatures"), kwargs.get("options"), compiled, traces)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """The model that `save_model` has written.

    Args:
        filepath: the archive, HDF5 file or SavedModel directory, or an open `h5py.File`; it is told by its content.
        custom_objects: the user's classes and functions by name.
        compile: whether to compile it as it was, with the optimizer's state.
        safe_mode: whether Python code within the file (a `Lambda`'s) is refused.
        **kwargs: `options`, a `tf.saved_model.LoadOptions`.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, names something unknown, or holds Python code and `safe_mode` is on.
        OSError: if its values are damaged.
    """
    path = _path(filepath)
    _check_keywords("load_model", kwargs, ("options",))
    with naming(path):
        if hdf5_access.is_open_group(path):
            return hdf5_model.load(path, custom_objects, compile, safe_mode)
        for begins, kind in ((hdf5_access.is_hdf5, hdf5_model), (keras_archive.is_archive, keras_archive)):
            if _is(path, begins):
                with trust.weights_at_most(_SMALL + _LARGEST_RATIO * os.path.getsize(path)):
                    return kind.load(path, custom_objects, compile, safe_mode)
        if os.path.isfile(path):
            raise ValueError(f"{path!r} is no model's file: it is neither an archive nor HDF5.")
        if path.endswith(_FILES) and not os.path.isdir(path):
            raise FileNotFoundError(f"There is no file {path!r}.")
        return saved_model_reading.load(path, custom_objects, compile, safe_mode, kwargs.get("options"))


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
) -> None:
    """Writes the weights: a TensorFlow checkpoint, or an HDF5 file for `.h5` and `.hdf5`, or for `.weights.h5` one that
    holds the state of optimizer and metrics too.

    Raises:
        ValueError: for a format that is not known, or a model without weights yet.
        FileExistsError: if something is there that may not be overwritten.
    """
    path = _path(filepath)
    kind = _weights_format(path, save_format)
    if not _may_write(f"{path}.index" if kind == "tf" else path, overwrite):
        return
    if kind == "tf":
        checkpoint.save_weights(model, path, options)
    else:
        (object_tree if kind == "tree" else hdf5_weights).save(model, path)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None
) -> Any:
    """Reads weights of either format, or of a SavedModel, into the model; all or none of them.

    Raises:
        FileNotFoundError: if there are none.
        ValueError: if they do not fit.
        NotImplementedError: for `by_name` with a TensorFlow checkpoint.
    """
    path = _path(filepath)
    with naming(path):
        if _is(path, keras_archive.is_archive):
            _check_not_by_name(path, by_name)
            return keras_archive.load_weights(model, path, skip_mismatch)
        if path.endswith(_FILES) or _is(path, hdf5_access.is_hdf5):
            if not os.path.isfile(path):
                return hdf5_weights.load(model, path, by_name, skip_mismatch)
            with hdf5_access.opened(path) as file:
                if hdf5_weights.is_by_layer(file):
                    return hdf5_weights.load(model, file, by_name, skip_mismatch)
                _check_not_by_name(path, by_name)
                return object_tree.load(model, file, skip_mismatch)
        if by_name or skip_mismatch:
            raise NotImplementedError(
                "`by_name` and `skip_mismatch` are for HDF5 files: a checkpoint is read by the model's structure. "
                f"Received: by_name={by_name}, skip_mismatch={skip_mismatch}"
            )
        if saved_model_reading.is_saved_model(path):
            path = os.path.join(path, "variables", "variables")
        return checkpoint.load_weights(model, path, options)


def _path(filepath: Any) -> Any:
    if hdf5_access.is_open_group(filepath):
        return filepath
    path = os.fspath(filepath)
    return os.fsdecode(path) if isinstance(path, bytes) else path


def _is(path: str, begins: Callable[[str], bool]) -> bool:
    return os.path.isfile(path) and begins(path)


def _whole_format(path: Any, save_format: str | None) -> str:
    """`"keras"`, `"h5"` or `"tf"`; a path that ends in `.h5` or `.keras` never becomes a directory, as in tf.keras."""
    if hdf5_access.is_open_group(path):
        return "h5"
    named = save_format.lower() if save_format else "keras" if path.endswith(".keras") else "tf"
    if named not in ("keras", "h5", "hdf5", "tf", "tensorflow"):
        raise ValueError(f"`save_format` must be 'keras', 'h5' or 'tf'. Received: save_format={save_format!r}")
    if named == "keras" and not path.endswith(".keras"):
        raise ValueError(f"The path of an archive must end in '.keras'. Received: filepath={path!r}")
    if named != "keras" and path.endswith(_FILES):
        return "h5"
    return {"hdf5": "h5", "tensorflow": "tf"}.get(named, named)


def _weights_format(path: str, save_format: str | None) -> str:
    """`"tree"` (of `.weights.h5`), `"h5"` or `"tf"`."""
    named = (save_format or ("h5" if path.endswith(_FILES) else "tf")).lower()
    if named not in ("tf", "tensorflow", "h5", "hdf5", "keras"):
        raise ValueError(f"`save_format` must be 'tf' or 'h5'. Received: save_format={save_format!r}")
    if path.endswith(".weights.h5"):
        return "tree"
    return "tf" if named in ("tf", "tensorflow") else "h5"


def _check_not_by_name(path: str, by_name: bool) -> None:
    if by_name:
        raise ValueError(f"`by_name` is for the older HDF5 files, which name layers. Received: by_name=True, {path!r}")


def _may_write(path: str, overwrite: bool) -> bool:
    """Whether to go on; asks at a terminal if something is there that should not be overwritten unasked."""
    if overwrite or not tf.io.gfile.exists(path):
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise FileExistsError(f"{path!r} exists already, and overwrite=False.")
    return input(f"{path} exists already. Overwrite it? [y/n] ").strip().lower() in ("y", "yes")


def _check_keywords(method: str, kwargs: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in kwargs:
        if name not in known:
            raise TypeError(f"{method} takes no keyword argument {name!r}. It takes: {', '.join(known)}.")
