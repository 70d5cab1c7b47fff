"""EinsumDense: a dense layer over any axes, written as an Einstein summation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_letters
from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers import arguments
from kerasish.layers.base import LAYERS, Layer

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@LAYERS.register()
class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    `EinsumDense("ab,bc->ac", 5)` is `Dense(5)` of vectors; `EinsumDense("abc,cde->abde", (None, 2, 8))` projects the
    features of each step of a series to two heads of eight features.

    Args:
        equation: one letter for each axis: `"inputs,kernel->outputs"`; inputs and outputs may both begin, or both end,
            with `...` for any further axes.
        output_shape: the outputs' shape without the batch axis, None for sizes that are those of the inputs.
        activation: a function of the sums, or its name; none if None.
        bias_axes: the letters of the outputs along which there is a bias, for example `"c"`; no bias if None.
        kernel_initializer: initial values of the kernel.
        bias_initializer: initial values of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the outputs.
        kernel_constraint: a projection of the kernel after each update.
        bias_constraint: a projection of the bias after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for an equation or bias axes that mean nothing, or, when built, for sizes that do not fit.
    """

    _config_excluded: tuple[str, ...] = ("output_shape",)

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.equation = equation
        self._terms = _parse(equation, bias_axes)
        sizes = list(output_shape) if isinstance(output_shape, Iterable) else [output_shape]
        self.partial_output_shape = [None if s is None else arguments.positive("output_shape", s) for s in sizes]
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        arguments.weight_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        arguments.weight_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Creates the kernel, one axis for each of its letters, and the bias.

        Raises:
            ValueError: if a size is unknown, or the inputs' and the outputs' differ.
        """
        shape = tuple(input_shape)
        inputs, weights, outputs, dots = self._terms
        if len(shape) < len(inputs) + (dots == "before") or (not dots and len(shape) != len(inputs)):
            raise ValueError(
                f'The inputs of layer "{self.name}" must have the axes of its equation. '
                f"Received: shape={shape}, equation={self.equation!r}"
            )
        sizes = self._sizes(shape)
        self.kernel = self.add_weight("kernel", tuple(self._known(letter, sizes, shape) for letter in weights))
        self.bias = None
        if self.bias_axes:
            along = [self._known(letter, sizes, shape) if letter in self.bias_axes else 1 for letter in outputs]
            first = min(map(outputs.index, self.bias_axes))
            further = [1] * (len(shape) - len(inputs)) if dots == "after" else []
            self.bias = self.add_weight("bias", (*along[first:], *further))
        super().build(input_shape)

    def call(self, inputs: Any) -> tf.Tensor:
        """`activation(sums + bias)`."""
        outputs = tf.einsum(self._equation_of(inputs.shape.rank), inputs, self.kernel)
        if self.bias is not None:
            outputs += self.bias
        return self.activation(outputs)

    def _equation_of(self, rank: int | None) -> str:
        """The equation with a letter for each axis where the rank is known.

        Source: with `...` and float16, TensorFlow 2.21 computes wrong products on CPUs with AVX512-FP16.
        """
        inputs, weights, outputs, dots = self._terms
        if rank is None or not dots:
            return self.equation
        further = [letter for letter in ascii_letters if letter not in inputs + weights + outputs]
        others = "".join(further[: rank - len(inputs)])
        before, after = (others, "") if dots == "before" else ("", others)
        return f"{before}{inputs}{after},{weights}->{before}{outputs}{after}"

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments."""
        return {**super().get_config(), "output_shape": list(self.partial_output_shape)}

    def _sizes(self, shape: tuple[int | None, ...]) -> dict[str, int | None]:
        """The size of each letter, from the inputs and, for those that they lack, from `output_shape`."""
        inputs, _, outputs, dots = self._terms
        aligned = shape[len(shape) - len(inputs) :] if dots == "before" else shape[: len(inputs)]
        sizes = dict(zip(inputs, aligned, strict=True))
        given = [None, *self.partial_output_shape]
        missing = [None] * (len(outputs) - len(given))
        wanted = [*missing, *given][-len(outputs) :] if dots == "before" else [*given, *missing][: len(outputs)]
        for letter, size in zip(outputs, wanted, strict=True):
            if size is not None and sizes.get(letter) not in (None, size):
                raise ValueError(
                    f'The axis {letter!r} of layer "{self.name}" has size {sizes[letter]} in the inputs but {size} in '
                    f"`output_shape`. Received: equation={self.equation!r}, "
                    f"output_shape={tuple(self.partial_output_shape)}, shape={shape}"
                )
            sizes[letter] = size if size is not None else sizes.get(letter)
        return sizes

    def _known(self, letter: str, sizes: dict[str, int | None], shape: tuple[int | None, ...]) -> int:
        size = sizes[letter]
        if size is None:
            raise ValueError(
                f'The size of axis {letter!r} of layer "{self.name}" must be known. Received: shape={shape}, '
                f"equation={self.equation!r}, output_shape={tuple(self.partial_output_shape)}"
            )
        return size


def _parse(equation: str, bias_axes: str | None) -> tuple[str, str, str, str]:
    """The letters of inputs, kernel and outputs, and where further axes are: `"before"`, `"after"` or `""`."""
    found = _EQUATION.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
    groups = found.groups() if found else ()
    if not found or groups[0] != groups[4] or groups[2] != groups[6] or (groups[0] and groups[2]):
        raise ValueError(
            '`equation` must have the form "inputs,kernel->outputs" with a letter for each axis, inputs and outputs '
            f'both beginning or both ending with "..." if there are further axes. Received: equation={equation!r}'
        )
    _, inputs, _, weights, _, outputs, _ = groups
    faults = {
        "the kernel": [letter for letter in weights if letter not in inputs + outputs],
        "the outputs": [letter for letter in outputs if letter not in inputs + weights],
        "`bias_axes`": [letter for letter in bias_axes or "" if letter not in outputs],
    }
    for where, letters in faults.items():
        if letters:
            raise ValueError(
                f"The axis {letters[0]!r} of {where} has no match in the other terms. "
                f"Received: equation={equation!r}, bias_axes={bias_axes!r}"
            )
    return inputs, weights, outputs, "before" if groups[0] else "after" if groups[2] else ""
