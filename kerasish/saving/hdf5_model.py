"""Whole models as one HDF5 file in the layout of tf.keras 2: architecture, weights, compile arguments, optimizer.

Source: files of tf.keras 2 (`model_config`, `training_config`, `model_weights`, `optimizer_weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasish import optimizers
from kerasish.core import object_config, sharing, trust
from kerasish.core.registry import custom_object_scope, family_of
from kerasish.saving import hdf5_weights, optimizer_weights
from kerasish.saving.description import KERAS_VERSION, from_json, losses_of, rebuild, to_json
from kerasish.saving.hdf5_access import array, inside, name_of, names, opened, text, values, write_text, written
from kerasish.saving.hdf5_weights import write_arrays

_FAMILIES = {"loss": "keras.losses", "metrics": "keras.metrics", "weighted_metrics": "keras.metrics"}


def save(model: Any, target: Any, compiled: bool = True) -> None:
    """Writes the model to the path, or to the open file, `target`; without compile arguments if `compiled` is False.

    Raises:
        NotImplementedError: for a model that is neither functional nor a Sequential.
        ValueError: if it has no weights yet.
        OSError: if it cannot be written; what was there before is then unchanged.
    """
    _check_described(model)
    hdf5_weights.check_built(model, "save")
    described = sharing.marked(lambda: object_config.serialize(object_config.serialize_object(model)))
    architecture = to_json(object_config.two_key_form(described))
    with written(target) as file:
        file.attrs.update({"backend": "tensorflow", "keras_version": KERAS_VERSION})
        write_text(file, "model_config", architecture)
        hdf5_weights.write(file.require_group("model_weights"), model)
        if compiled and model.compiled:
            _write_compilation(file, model)


def load(
    target: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of the path, or of the open file, `target`, compiled and with its optimizer's state if it has one.

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: if it holds weights only, names something unknown, or brings Python code and `safe_mode` is on.
        OSError: if it is damaged.
    """
    with opened(target) as file, trust.safe_mode(safe_mode), custom_object_scope(custom_objects or {}):
        config = text(file, "model_config")
        if config is None:
            raise ValueError(
                f"{name_of(file)} holds no architecture (no attribute 'model_config'): weights only.\n"
                "Build the model first, then model.load_weights(path)."
            )
        model = rebuild(from_json(config, name_of(file)), name_of(file), custom_objects)
        hdf5_weights.read(inside(file, "model_weights"), model)
        training = text(file, "training_config") if compile else None
        if training is not None:
            _compile(model, from_json(training, name_of(file)), custom_objects)
            if model.optimizer is not None and "optimizer_weights" in file:
                _read_optimizer(inside(file, "optimizer_weights"), model)
    return model


def _check_described(model: Any) -> None:
    if model.inputs is None:
        raise NotImplementedError(
            f"HDF5 files hold functional models and Sequentials whose inputs are known; {model.name!r} is neither.\n"
            f"Save a subclassed model as an archive, model.save('x.keras'), or its weights, model.save_weights('x.h5')."
        )


def _write_compilation(file: Any, model: Any) -> None:
    arguments = {**model._compile_arguments, **model.compiled_metrics.by_output()}
    given = {name: object_config.two_key_form(object_config.serialize(value)) for name, value in arguments.items()}
    config = given.pop("optimizer")
    if not optimizer_weights.is_older(model.optimizer) and "class_name" in config:
        config["class_name"] = _newer_name(config["class_name"])
    write_text(file, "training_config", to_json({**given, "optimizer_config": config}))
    group = file.require_group("optimizer_weights")
    write_arrays(group, optimizer_weights.named_variables(model.optimizer))
    optimizer_weights.write_further(group, model, model.optimizer)


def _newer_name(name: str) -> str:
    """How tf.keras 2.11 and later name the library's optimizers in HDF5, where 'Adam' means the one before 2.11."""
    if name == "LossScaleOptimizer":
        return "LossScaleOptimizerV3"
    return name if ">" in name else f"Custom>{name}"


def _compile(model: Any, config: Mapping[str, Any], custom_objects: dict[str, Any] | None) -> None:
    arguments: dict[str, Any] = {
        name: object_config.deserialize(config.get(name), custom_objects, family_of(family))
        for name, family in _FAMILIES.items()
    }
    optimizer = config.get("optimizer_config")
    try:
        arguments["loss"] = losses_of(arguments["loss"])
        arguments["optimizer"] = optimizer and optimizers.deserialize(optimizer, custom_objects)
        model.compile(**arguments, loss_weights=config.get("loss_weights"))
    except ValueError as error:
        raise ValueError(
            f"{error}\nOr load the model without its loss and metrics: load_model(path, compile=False)."
        ) from error


def _read_optimizer(group: Any, model: Any) -> None:
    found = {name: array(group, name) for name in names(group, "weight_names")}
    pairs = optimizer_weights.pairs(group, model, model.optimizer, found)
    for variable, value in [(variable, values(data, variable)) for variable, data in pairs]:
        variable.assign(value)
    optimizer_weights.derive_further_state(group, model.optimizer)
