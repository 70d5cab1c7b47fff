"""Which format a path or `save_format` asks for, and what is asked before every save: may the old be overwritten?"""

from __future__ import annotations

import os
import sys
from typing import Any

import tensorflow as tf

from kerasish.saving import checkpoint, hdf5_model, hdf5_weights, saved_model, saved_model_reading
from kerasish.saving.hdf5_access import is_hdf5, is_open_group

_HDF5 = (".h5", ".hdf5", ".weights.h5")


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any
) -> None:
    """Writes architecture, weights, compile arguments and optimizer state: a SavedModel directory, or one HDF5 file.

    Args:
        model: the model.
        filepath: the directory or file; for HDF5 also an open `h5py.File`.
        overwrite: whether what is there may be replaced; otherwise the user is asked or, without a terminal, it is an
            error.
        save_format: `"tf"` or `"h5"`; by the path's ending if None.
        **kwargs: `include_optimizer` False leaves out the compile arguments; for a SavedModel `signatures` and
            `options` of `tf.saved_model.save`.

    Raises:
        ValueError: for a format that is not known, or a model whose inputs are not known yet.
        NotImplementedError: for HDF5 of a model that is neither functional nor a Sequential.
        FileExistsError: if something is there that may not be overwritten.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    path = _path(filepath)
    hdf5 = _whole_format(path, save_format) == "h5"
    own = () if hdf5 else ("signatures", "options", "save_traces")
    _check_keywords("save", kwargs, ("include_optimizer", *own))
    if not is_open_group(path) and not _may_write(path, overwrite):
        return
    compiled = kwargs.get("include_optimizer", True)
    if hdf5:
        hdf5_model.save(model, path, compiled)
    else:
        saved_model.save(model, path, kwargs.get("signatures"), kwargs.get("options"), compiled)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """The model that `save_model` has written.

    Args:
        filepath: the SavedModel directory or HDF5 file, or an open `h5py.File`.
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
    if is_open_group(path) or (os.path.isfile(path) and is_hdf5(path)):
        return hdf5_model.load(path, custom_objects, compile, safe_mode)
    if os.path.isfile(path):
        raise ValueError(f"{path!r} is no model's file: it is neither HDF5 nor a directory.")
    if path.endswith(_HDF5) and not os.path.isdir(path):
        raise FileNotFoundError(f"There is no file {path!r}.")
    return saved_model_reading.load(path, custom_objects, compile, safe_mode, kwargs.get("options"))


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
) -> None:
    """Writes the weights: a TensorFlow checkpoint, or for `.h5` and `.hdf5` an HDF5 file.

    Raises:
        ValueError: for a format that is not known, or a model without weights yet.
        FileExistsError: if something is there that may not be overwritten.
    """
    path = _path(filepath)
    hdf5 = _weights_format(path, save_format) == "h5"
    if not _may_write(path if hdf5 else f"{path}.index", overwrite):
        return
    if hdf5:
        hdf5_weights.save(model, path)
    else:
        checkpoint.save_weights(model, path, options)


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
    if path.endswith(_HDF5) or (os.path.isfile(path) and is_hdf5(path)):
        return hdf5_weights.load(model, path, by_name, skip_mismatch)
    if by_name or skip_mismatch:
        raise NotImplementedError(
            "`by_name` and `skip_mismatch` are for HDF5 files: a checkpoint is read by the model's structure. "
            f"Received: by_name={by_name}, skip_mismatch={skip_mismatch}"
        )
    if saved_model_reading.is_saved_model(path):
        path = os.path.join(path, "variables", "variables")
    return checkpoint.load_weights(model, path, options)


def _path(filepath: Any) -> Any:
    if is_open_group(filepath):
        return filepath
    path = os.fspath(filepath)
    return os.fsdecode(path) if isinstance(path, bytes) else path


def _whole_format(path: Any, save_format: str | None) -> str:
    """`"h5"` or `"tf"`."""
    if is_open_group(path):
        return "h5"
    named = (save_format or ("h5" if path.endswith(_HDF5) else "tf")).lower()
    if named in ("tf", "tensorflow"):
        return "tf"
    if named in ("h5", "hdf5"):
        return "h5"
    raise ValueError(f"`save_format` must be 'tf' or 'h5'. Received: save_format={save_format!r}")


def _weights_format(path: str, save_format: str | None) -> str:
    if path.endswith(".weights.h5"):
        raise ValueError(
            f"The layout of '.weights.h5' files is another one. Use a name like 'x.h5'. Received: {path!r}"
        )
    named = (save_format or ("h5" if path.endswith(_HDF5) else "tf")).lower()
    if named in ("tf", "tensorflow"):
        return "tf"
    if named in ("h5", "hdf5", "keras"):
        return "h5"
    raise ValueError(f"`save_format` must be 'tf' or 'h5'. Received: save_format={save_format!r}")


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
