"""Layers that make one tensor of several, and their functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS, Layer


class _Merge(Layer):
    """Base of layers that take a list of tensors."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the shapes.

        Raises:
            ValueError: if there is no list, or the shapes cannot be merged.
        """
        shapes = _shapes(self.name, input_shape)
        batches = {shape[0] for shape in shapes if shape and shape[0] is not None}
        if len(batches) > 1:
            raise ValueError(f'The inputs of layer "{self.name}" have different batch sizes. Received: shapes={shapes}')
        self._check_shapes(shapes)
        super().build(input_shape)

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> tf.Tensor | None:
        """Where every input that has a mask keeps the position; None if none has one."""
        masks = [one for one in mask or () if one is not None]
        return functools.reduce(tf.logical_and, masks) if masks else None


class _ElementwiseMerge(_Merge):
    """Base of merges element by element, of shapes that broadcast."""

    _tells_shape = True
    function: Callable[[Any, Any], Any]

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        for sizes in zip(*_same_rank([shape[1:] for shape in shapes]), strict=True):
            if len({size for size in sizes if size not in (None, 1)}) > 1:
                raise ValueError(f'The inputs of layer "{self.name}" must have equal shapes. Received: shapes={shapes}')

    def call(self, inputs: Any) -> tf.Tensor:
        """The inputs merged; those with fewer axes are repeated along the axes after the first."""
        _check_list(self.name, inputs)
        return self._merge(_aligned(list(inputs)))

    def _told_shape(self, input_shape: Any) -> Any:
        shapes = _shapes(self.name, input_shape)
        return shapes[0] if all(shape == shapes[0] for shape in shapes) else None

    def _merge(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return functools.reduce(self.function, inputs)


@LAYERS.register()
class Add(_ElementwiseMerge):
    """The sum of the inputs."""

    function = staticmethod(tf.add)


@LAYERS.register()
class Subtract(_ElementwiseMerge):
    """The first of two inputs minus the second."""

    function = staticmethod(tf.subtract)

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        _check_pair(self.name, shapes)
        super()._check_shapes(shapes)


@LAYERS.register()
class Multiply(_ElementwiseMerge):
    """The product of the inputs, element by element."""

    function = staticmethod(tf.multiply)


@LAYERS.register()
class Average(_ElementwiseMerge):
    """The mean of the inputs, element by element."""

    function = staticmethod(tf.add)

    def _merge(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return super()._merge(inputs) / len(inputs)


@LAYERS.register()
class Maximum(_ElementwiseMerge):
    """The largest of the inputs, element by element."""

    function = staticmethod(tf.maximum)


@LAYERS.register()
class Minimum(_ElementwiseMerge):
    """The smallest of the inputs, element by element."""

    function = staticmethod(tf.minimum)


@LAYERS.register()
class Concatenate(_Merge):
    """The inputs one after the other along an axis.

    Args:
        axis: the axis; the sizes along the others must be equal.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        """Checks the shapes.

        Raises:
            ValueError: if there is no list, the axis does not exist, or another size differs.
        """
        self._check_shapes(_shapes(self.name, input_shape))
        Layer.build(self, input_shape)

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f'Layer "{self.name}" joins along an axis that its inputs lack. '
                f"Received: axis={self.axis}, shapes={shapes}"
            )
        others = [[size for axis, size in enumerate(shape) if axis != self.axis % rank] for shape in shapes]
        known = [{size for size in sizes if size is not None} for sizes in zip(*others, strict=False)]
        if any(len(shape) != rank for shape in shapes) or any(len(sizes) > 1 for sizes in known):
            raise ValueError(
                f'The inputs of layer "{self.name}" must have equal sizes but along axis {self.axis}. '
                f"Received: shapes={shapes}"
            )

    def call(self, inputs: Any) -> tf.Tensor:
        """The joined inputs."""
        _check_list(self.name, inputs)
        return tf.concat(list(inputs), self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> tf.Tensor | None:
        """The masks joined likewise; along the features: where every mask keeps the position."""
        if mask is None or all(one is None for one in mask):
            return None
        found = [_full_mask(tensor, one) for tensor, one in zip(inputs, mask, strict=True)]
        return tf.reduce_all(tf.concat(found, self.axis), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """The common shape with the sum of the sizes along the axis."""
        shapes = _shapes(self.name, input_shape)
        sizes = [size for shape in shapes for size in [shape[self.axis]]]
        merged = [next((s for s in axis_sizes if s is not None), None) for axis_sizes in zip(*shapes, strict=True)]
        merged[self.axis] = None if None in sizes else sum(sizes)  # type: ignore[arg-type]
        return tf.TensorShape(merged)


@LAYERS.register()
class Dot(_Merge):
    """The dot product of two inputs along one axis of each, sample by sample.

    `(batch, a, n)` and `(batch, b, n)` with axes 2 give `(batch, a, b)`; two vectors give `(batch, 1)`.

    Args:
        axes: the axis of both inputs, or one for each; not the batch axis.
        normalize: whether vectors are brought to length 1 first, so that the product is the cosine of their angle.
        **kwargs: arguments of `Layer`.

    Raises:
        TypeError: if `axes` is neither an integer nor a pair of integers.
        ValueError: for the batch axis, and when built if the sizes along the axes differ.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes) if isinstance(axes, (list, tuple)) else None
        if pair is None or any(not isinstance(axis, int) for axis in pair):
            raise TypeError(f"`axes` must be an integer or a pair of integers. Received: axes={axes!r}")
        if len(pair) != 2 or 0 in pair:
            raise ValueError(
                f"`axes` must name one axis, other than the batch axis 0, for each of two inputs. Received: axes={axes}"
            )
        self.axes = axes
        self.normalize = normalize

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        _check_pair(self.name, shapes)
        axes = self._axes_of(shapes)
        sizes = [shape[axis] for shape, axis in zip(shapes, axes, strict=True)]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f'The inputs of layer "{self.name}" must have equal sizes along its axes. '
                f"Received: shapes={shapes}, axes={self.axes}"
            )

    def _axes_of(self, shapes: Sequence[Any]) -> tuple[int, int]:
        """The axis of each of two inputs, counted from the front."""
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for shape, axis in zip(shapes, pair, strict=True):
            if not -len(shape) < axis < len(shape):
                raise ValueError(
                    f'Layer "{self.name}" needs an axis its inputs lack. '
                    f"Received: axes={self.axes}, shapes={[tuple(shape) for shape in shapes]}"
                )
        return pair[0] % len(shapes[0]), pair[1] % len(shapes[1])

    def call(self, inputs: Any) -> tf.Tensor:
        """The products: the batch axis, the other axes of the first input, those of the second."""
        _check_list(self.name, inputs)
        left, right = inputs
        axes = self._axes_of([left.shape, right.shape])
        if self.normalize:
            left, right = tf.math.l2_normalize(left, axes[0]), tf.math.l2_normalize(right, axes[1])
        names = _index_names(left.shape.rank, axes[0], "abcdefgh"), _index_names(right.shape.rank, axes[1], "ijklmnop")
        kept = [name for name in names[0] + names[1] if name not in "zy"]
        products = tf.einsum(f"{names[0]},{names[1]}->z{''.join(kept)}", left, right)
        return products if kept else products[:, None]

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the positions are gone."""
        return None


def _index_names(rank: int, axis: int, letters: str) -> str:
    """Names of a tensor's axes for `einsum`: z the batch axis, y the one that is summed over."""
    return "".join("z" if place == 0 else "y" if place == axis else letters[place] for place in range(rank))


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of tensors; keywords go to the layer `Add`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two tensors minus the second; keywords go to the layer `Subtract`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of tensors; keywords go to the layer `Multiply`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of tensors; keywords go to the layer `Average`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The elementwise largest of a list of tensors; keywords go to the layer `Maximum`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The elementwise smallest of a list of tensors; keywords go to the layer `Minimum`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of tensors joined along an axis; keywords go to the layer `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The dot product of two tensors along their axes; keywords go to the layer `Dot`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)


def _shapes(layer: str, input_shape: Any) -> list[tuple[int | None, ...]]:
    """The shapes of a list of inputs as tuples.

    Raises:
        ValueError: if it is the shape of one tensor.
    """
    listed = isinstance(input_shape, (list, tuple)) and len(input_shape) > 0
    if not listed or not all(isinstance(shape, (list, tuple, tf.TensorShape)) for shape in input_shape):
        raise ValueError(
            f'Layer "{layer}" must be called on a list of tensors. Received one input of shape {input_shape}'
        )
    return [tuple(tf.TensorShape(shape).as_list()) for shape in input_shape]


def _check_list(layer: str, inputs: Any) -> None:
    if not isinstance(inputs, (list, tuple)):
        raise ValueError(
            f'Layer "{layer}" must be called on a list of tensors. Received one input of shape {inputs.shape}'
        )


def _check_pair(layer: str, shapes: Sequence[Any]) -> None:
    if len(shapes) != 2:
        raise ValueError(
            f'Layer "{layer}" must be called on exactly 2 tensors. Received: {len(shapes)}, shapes={list(shapes)}'
        )


def _same_rank(shapes: list[tuple[int | None, ...]]) -> list[tuple[int | None, ...]]:
    """Shapes without their batch axes, the shorter ones with ones in front."""
    rank = max(len(shape) for shape in shapes)
    return [(1,) * (rank - len(shape)) + shape for shape in shapes]


def _aligned(inputs: list[Any]) -> list[Any]:
    """The tensors with axes of size 1 after the batch axis, so that all have the same rank."""
    ranks = [tensor.shape.rank for tensor in inputs]
    if None in ranks or len(set(ranks)) == 1:
        return inputs
    for place, rank in enumerate(ranks):
        for _ in range(max(ranks) - rank):
            inputs[place] = tf.expand_dims(inputs[place], 1)
    return inputs


def _full_mask(tensor: Any, mask: Any) -> tf.Tensor:
    """The mask in the shape of the tensor, true everywhere if there is none."""
    if mask is None:
        return tf.ones_like(tensor, tf.bool)
    missing = tensor.shape.rank - mask.shape.rank
    mask = tf.reshape(mask, tf.concat([tf.shape(mask), tf.ones([missing], tf.int32)], 0))
    return tf.broadcast_to(mask, tf.shape(tensor))
