"""Faults of the user's data, found before anything is trained.

Every message names the argument, what was expected, what came, and the fix, in at most six lines.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.core.object_config import is_library_class
from kerasish.data_sources.source import unpack_x_y_sample_weight
from kerasish.graph.scratch import is_library_method
from kerasish.training.objective import CompiledLoss

_SPARSE = ("sparse_categorical_crossentropy",)
_ONE_HOT = ("categorical_crossentropy", "kl_divergence")
_ELEMENTWISE = (
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "binary_crossentropy", "cosine_similarity", "huber", "log_cosh", "logcosh", "poisson", "hinge", "squared_hinge",
)  # fmt: skip


def check_targets(
    loss: CompiledLoss, y_pred: Any, element: Any, argument: str = "y", columns: Any = None
) -> None:  # fmt: skip
    """Compares the targets' types and shapes with the predictions', as each output's loss requires.

    Args:
        loss: the losses bound to the outputs.
        y_pred: specifications of the predictions.
        element: specifications of a batch.
        argument: what the targets are called in messages.
        columns: all rows of the batches, where they are known.

    Raises:
        ValueError: for targets that are missing or do not fit.
    """
    outputs = loss.build(y_pred)
    _, y_true, _ = unpack_x_y_sample_weight(element)
    wanted = [name for name, one in zip(outputs.names, loss.losses, strict=True) if one is not None]
    if y_true is None:
        if wanted:
            raise ValueError(
                f"`{argument}` is missing: the loss of {_listed(wanted)} compares the model's output with targets.\n"
                f"Received: {argument}=None. Pass the targets, or compile without a loss and use `add_loss`."
            )
        return
    targets, predictions = outputs.flatten(argument, y_true), outputs.flatten("y_pred", y_pred)
    for name, one, target, prediction in zip(outputs.names, loss.losses, targets, predictions, strict=True):
        if one is None:
            continue
        where = argument if len(outputs) == 1 else f"{argument}[{name!r}]"
        if target is None:
            raise ValueError(
                f"`{where}` is missing: the output {name!r} has a loss. Pass its targets, or give it the loss None."
            )
        if target.dtype == tf.string and _function_name(one):
            raise ValueError(
                f"`{where}` must hold numbers under {_loss_name(one)}. Received: strings{_first_text(columns)}.\n"
                "Encode them, for example with StringLookup, or y = y.astype(float) where they spell numbers."
            )
        fault = _fault(one, target, prediction)
        if fault is not None:
            raise ValueError(
                f"`{where}` does not fit the output {name!r} under {_loss_name(one)}: {fault[0]}\n"
                f"Received: targets of shape {_shape(target)} for predictions of shape {_shape(prediction)}\n{fault[1]}"
            )


def _first_text(columns: Any) -> str:
    """The value of the first row of strings among the targets."""
    targets = tf.nest.flatten(unpack_x_y_sample_weight(columns)[1])
    text = next((one for one in targets if isinstance(one, tf.Tensor) and one.dtype == tf.string), None)
    return "" if text is None else f", {tf.reshape(text, [-1])[0].numpy().decode(errors='replace')!r} in row 0"


def check_labels(loss: CompiledLoss, y_pred: Any, columns: Any, argument: str = "y") -> None:
    """Looks for class numbers outside the range of the output, which some devices would silently take for others.

    Raises:
        ValueError: naming the first row with such a label.
    """
    _, y_true, _ = unpack_x_y_sample_weight(columns)
    if y_true is None:
        return
    outputs = loss.build(y_pred)
    targets, predictions = outputs.flatten(argument, y_true), outputs.flatten("y_pred", y_pred)
    for name, one, target, prediction in zip(outputs.names, loss.losses, targets, predictions, strict=True):
        if one is None or _function_name(one) not in _SPARSE or not isinstance(target, tf.Tensor):
            continue
        classes, labels = prediction.shape[-1], target.numpy()
        ignored = getattr(one, "ignore_class", None)
        if classes is not None and labels.dtype.kind in "iufb":
            _check_range(labels, classes, ignored, argument if len(outputs) == 1 else f"{argument}[{name!r}]")


def _check_range(labels: np.ndarray, classes: int, ignored: int | None, where: str) -> None:
    if labels.dtype.kind != "f" and labels.size and labels.min() >= 0 and labels.max() < classes:
        return
    bad = ~((labels >= 0) & (labels < classes))
    if labels.dtype.kind == "f":
        bad |= labels != np.floor(labels)
    if ignored is not None:
        bad &= labels != ignored
    if bad.any():
        place = np.argwhere(bad)[0]
        raise ValueError(
            f"`{where}` must hold class numbers from 0 to {classes - 1}, as the output has {classes} units.\n"
            f"Received: {labels[tuple(place)]} in row {place[0]} ({int(bad.sum())} such labels in all).\n"
            f"Give the output layer a unit for every class, or correct the labels."
        )


def check_inputs(inputs: list[Any], element: Any, argument: str = "x") -> None:
    """Compares the number of inputs with what the model takes; shapes are compared by the layers.

    Raises:
        ValueError: if the numbers differ.
    """
    x, _, _ = unpack_x_y_sample_weight(element)
    names = [tensor.name for tensor in inputs]
    if isinstance(x, dict):
        missing = [name for name in names if name not in x]
        if missing:
            raise ValueError(
                f"`{argument}` lacks the input(s) {_listed(missing)}: the model takes {_listed(names)}. "
                f"Received: a dict with the keys {_listed(sorted(x))}"
            )
        return
    given = tf.nest.flatten(x)
    if len(given) != len(inputs):
        raise ValueError(
            f"`{argument}` must hold {len(inputs)} input(s) {_listed(names)}. "
            f"Received: {len(given)} of shape(s) {[_shape(one) for one in given][:4]}"
        )
    for tensor, one in zip(inputs, given, strict=True):
        _check_input(tensor, one, argument if len(inputs) == 1 else f"{argument}[{tensor.name!r}]")


def _check_input(wanted: Any, given: Any, where: str) -> None:
    expected, shape = wanted.shape.as_list() if wanted.shape.rank is not None else None, given.shape
    if expected is None or shape.rank is None:
        return
    got = shape.as_list()
    if abs(len(got) - len(expected)) == 1 and (expected[-1:] == [1] or got[-1:] == [1]):
        return
    same = len(got) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(expected[1:], got[1:], strict=True)
    )
    if not same:
        alone = len(got) == len(expected) - 1 and got[1:] == expected[2:]
        hint = f"\nFor a single sample pass {where}[None], which adds the batch axis." if alone else ""
        raise ValueError(
            f"`{where}` does not fit the model's input {wanted.name!r}, which takes shape {_shape(wanted)} "
            f"(None: any size, first the batch). Received: shape {_shape(given)}{hint}"
        )


def _fault(loss: Any, target: Any, prediction: Any) -> tuple[str, str] | None:
    """What is wrong with targets of this shape, and the fix."""
    true, predicted = target.shape, prediction.shape
    if true.rank is None or predicted.rank is None or not predicted.rank:
        return None
    units = predicted[-1]
    if _function_name(loss) in _SPARSE:
        if true.rank == predicted.rank and true[-1] not in (1, None) and units not in (None, 1):
            return ("it takes class numbers, one for each row.",
                    "These look one-hot: use categorical_crossentropy, or y.argmax(-1).")  # fmt: skip
        return None
    last = 1 if true.rank < predicted.rank else true[-1]
    if last is None or units is None or last == units:
        return None
    if _function_name(loss) in _ONE_HOT:
        return ("it takes a probability for each class.",
                f"For class numbers use sparse_categorical_crossentropy, or to_categorical(y, {units}).")  # fmt: skip
    if _function_name(loss) in _ELEMENTWISE:
        return (f"it compares value by value, and {last} target(s) stand against {units} prediction(s) in a row.",
                "Reshape the targets, or give the output layer as many units as there are targets.")  # fmt: skip
    return None


def _function_name(loss: Any) -> str:
    function = getattr(loss, "fn", None)
    library = getattr(function, "__module__", "").startswith("kerasish.")
    return getattr(function, "__name__", "") if library else ""


def _loss_name(loss: Any) -> str:
    return _function_name(loss) or type(loss).__name__


def _shape(value: Any) -> str:
    return str(tuple(value.shape.as_list())) if value.shape.rank is not None else "unknown"


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def check_fixed_batch(model: Any, source: Any) -> None:
    """Looks whether the rows come in batches of the one size that a model with stateful layers was made for.

    Raises:
        ValueError: if they do not, or the last batch would be shorter.
    """
    sizes = {tensor.shape[0] for tensor in model.inputs or () if tensor.shape.rank} - {None}
    if len(sizes) != 1 or source.samples is None or not _keeps_states(model):
        return
    (size,) = sizes
    short = source.samples % size and source.steps is None
    if source.batch_size != size or short:
        raise ValueError(
            f"`batch_size` must be {size} and divide the rows: the model has stateful layers, made for such batches.\n"
            f"Received: {source.samples} rows of `{source.argument}` in batches of {source.batch_size}.\n"
            f"Pass batch_size={size} and leave out or add rows."
        )


def _keeps_states(model: Any) -> bool:
    return any(getattr(layer, "stateful", False) or hasattr(layer, "layers") and _keeps_states(layer)
               for layer in model.layers)  # fmt: skip


def has_own_step(model: Any) -> bool:
    """Whether the user's class says what a step of training is."""
    return not is_library_method(model, "train_step")


def check_monitors(model: Any, callbacks: Any, validated: bool) -> None:
    """Looks whether the names that callbacks watch can come, where nobody but the library adds any.

    Raises:
        ValueError: naming the callback, its argument and the names there are.
    """
    if not callbacks.needs_names:
        return
    steps = ("train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result")
    parts = [*(layer for layer in model.submodules if hasattr(layer, "add_metric")), *model.metrics]
    own = not all(is_library_method(model, step) for step in steps)
    if not own and model.inputs and all(is_library_class(type(part)) for part in parts):
        callbacks.check_names(model.metrics_names, validated)


def batch_size(of_validation: Any, of_training: Any) -> Any:
    """The rows in a batch to validate on: as many as in training unless they are given.

    Raises:
        TypeError: for anything but an integer.
        ValueError: for less than 1.
    """
    if of_validation is None:
        return of_training
    _check_count("validation_batch_size", of_validation, 1)
    return of_validation


def check_given(x: Any, argument: str) -> None:
    """Looks whether there is anything to work on.

    Raises:
        ValueError: if there is not.
    """
    if x is None:
        raise ValueError(f"`{argument}` is missing. Received: {argument}=None. Pass arrays, a dataset or a generator.")


def refuse_keywords(method: str, kwargs: Mapping[str, Any]) -> None:
    """Refuses what a method does not take.

    Raises:
        TypeError: if anything is given.
    """
    if kwargs:
        raise TypeError(f"{method} takes no keyword argument {', '.join(map(repr, kwargs))}.")


def check_epochs(epochs: Any, initial_epoch: Any, validation_freq: Any) -> None:
    """Looks at what counts epochs.

    Raises:
        TypeError: for anything but integers.
        ValueError: for numbers that are too small.
    """
    _check_count("epochs", epochs, 1)
    _check_count("initial_epoch", initial_epoch, 0)
    for one in validation_freq if isinstance(validation_freq, Collection) else (validation_freq,):
        _check_count("validation_freq", one, 1)


def steps_per_execution(value: Any) -> int:
    """The number of batches in one execution; 1 stands for the library's choice.

    Raises:
        TypeError: for anything but an integer.
        ValueError: for less than 1.
    """
    _check_count("steps_per_execution", 1 if value is None else value, 1)
    return 1 if value is None else int(value)


def compilation(jit_compile: Any) -> bool | str:
    """Whether XLA compiles: True, False, or "auto" where that pays, which None stands for.

    Raises:
        ValueError: for anything else.
    """
    if jit_compile is None or (isinstance(jit_compile, str) and jit_compile == "auto"):
        return "auto"
    if not isinstance(jit_compile, (bool, np.bool_)):
        raise ValueError(f'`jit_compile` must be True, False or "auto". Received: jit_compile={jit_compile!r}')
    return bool(jit_compile)


def verbosity(verbose: Any, auto: int) -> int:
    """0, 1 or 2; `auto` for "auto".

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(verbose, (int, np.integer)) and verbose != "auto":
        raise ValueError(f'`verbose` must be 0, 1, 2 or "auto". Received: verbose={verbose!r}')
    return auto if verbose == "auto" else int(verbose)


def _check_count(name: str, value: Any, smallest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r} of type {type(value).__name__}")
    if value < smallest:
        raise ValueError(f"`{name}` must be at least {smallest}. Received: {name}={value}")
