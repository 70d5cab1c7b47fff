"""What a layer requires of its inputs, checked before anything is computed."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.shapes import to_shape


class InputSpec:
    """Rank, shape and dtype that one input must have; what is None is not checked.

    Args:
        dtype: the expected dtype name.
        shape: the expected shape; None for a size means any.
        ndim: the exact number of axes.
        max_ndim: the largest number of axes.
        min_ndim: the smallest number of axes.
        axes: `{axis: size}` for the axes whose size matters.
        allow_last_axis_squeeze: accept a last axis of size 1 too many or too few.
        name: the key of this input in a dict of inputs.
        optional: whether None may be passed.
    """

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
        min_ndim: int | None = None, axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False, name: str | None = None, optional: bool = False,
    ):  # fmt: skip
        self.dtype = tf.as_dtype(dtype).name if dtype is not None else None
        self.shape = to_shape(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self) -> str:
        shown = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{k}={getattr(self, k)}' for k in shown if getattr(self, k))})"

    def get_config(self) -> dict[str, Any]:
        """The requirements by name."""
        return {key: getattr(self, key) for key in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The specification with these requirements."""
        return cls(**config)

    def fits(self, tensor: Any) -> bool:
        """Whether a tensor of known rank fits."""
        if not isinstance(tensor, tf.Tensor) or tensor.shape.rank is None:
            return False
        return self.fault(tuple(tensor.shape.as_list()), tensor.dtype.name) is None

    def fault(self, shape: tuple[int | None, ...], dtype: str) -> str | None:
        """What an input of that shape and dtype lacks, or None."""
        rank = len(shape)
        wanted = self.shape
        if self.ndim is not None and rank != self.ndim and not self._squeezable(shape):
            return f"expected {self.ndim} axes"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected at most {self.max_ndim} axes"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected at least {self.min_ndim} axes"
        if self.dtype is not None and dtype != self.dtype:
            return f"expected dtype {self.dtype}"
        for axis, size in self.axes.items():
            if size is not None and -rank <= axis < rank and shape[axis] not in (size, None):
                return f"expected size {size} along axis {axis}"
        if (
            wanted is not None
            and rank == self.ndim
            and any(a is not None and b is not None and a != b for a, b in zip(wanted, shape, strict=True))
        ):
            return f"expected shape {wanted}"
        return None

    def _squeezable(self, shape: tuple[int | None, ...]) -> bool:
        if not self.allow_last_axis_squeeze or self.ndim is None:
            return False
        longer = len(shape) == self.ndim + 1 and shape[-1] == 1
        shorter = len(shape) == self.ndim - 1 and self.shape is not None and self.shape[-1] == 1
        return longer or shorter


def check_inputs(layer_name: str, input_spec: Any, inputs: Any) -> None:
    """Compares the inputs of a layer with its `input_spec`, one specification per input.

    Raises:
        ValueError: naming the layer, what was expected and the shape that came.
    """
    if type(input_spec) is InputSpec and not isinstance(inputs, (list, tuple, dict)):
        if input_spec.fits(inputs):
            return
        specs, tensors = [input_spec], [inputs]
    else:
        specs, tensors = _paired(input_spec, inputs)
    if len(specs) != len(tensors):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s). Received: {len(tensors)} input tensors, '
            f"shapes {[to_shape(t.shape) for t in tensors if hasattr(t, 'shape')]}"
        )
    for index, (spec, tensor) in enumerate(zip(specs, tensors, strict=True)):
        if spec is None or not hasattr(tensor, "shape") or tensor.shape.rank is None:
            continue
        shape = tuple(tensor.shape)
        fault = spec.fault(shape, tensor.dtype.name)
        if fault is not None:
            raise ValueError(_incompatible(layer_name, index, fault, shape, tensor.dtype.name, spec))


def _paired(input_spec: Any, inputs: Any) -> tuple[list[Any], list[Any]]:
    if isinstance(inputs, dict) and isinstance(input_spec, dict):
        return [input_spec[key] for key in sorted(input_spec)], [
            inputs[key] for key in sorted(input_spec) if key in inputs
        ]
    if isinstance(inputs, dict) and all(getattr(spec, "name", None) in inputs for spec in tf.nest.flatten(input_spec)):
        specs = tf.nest.flatten(input_spec)
        return specs, [inputs[spec.name] for spec in specs]
    return tf.nest.flatten(input_spec), tf.nest.flatten(inputs)


def _incompatible(layer_name: str, index: int, fault: str, shape: tuple[Any, ...], dtype: str, spec: InputSpec) -> str:
    message = (
        f'Input {index} of layer "{layer_name}" is incompatible with the layer: {fault}. '
        f"Received: shape={shape}, dtype={dtype}"
    )
    if len(shape) + 1 == (spec.ndim or spec.min_ndim):
        message += "\nIs the batch axis missing? For one sample pass x[None]."
    return message
