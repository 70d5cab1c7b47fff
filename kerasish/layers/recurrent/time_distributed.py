"""TimeDistributed: one layer applied to every step of a sequence."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.shapes import map_shapes
from kerasish.layers.base import LAYERS, Layer, masks_of
from kerasish.layers.calling import signature_of
from kerasish.layers.wrapper import Wrapper


@LAYERS.register()
class TimeDistributed(Wrapper):
    """A layer applied to each step alone: `(batch, time, ...)` to `(batch, time, ...)`, the same weights in each.

    Batch and time are one axis for the layer inside, so that all steps are computed at once.

    Args:
        layer: the layer for one step.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: if `layer` is no layer, or, when called, if the inputs have fewer than three axes.
    """

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:  # type: ignore[override]
        """Builds the layer inside for one step's inputs."""
        if not self.layer.built:
            self.layer.build(map_shapes(self._step_shape, input_shape))
            self.layer.built = True
        Layer.build(self, input_shape)

    def _step_shape(self, shape: Any) -> tuple[Any, ...]:
        sizes = tf.TensorShape(shape).as_list()
        if len(sizes) < 3:
            raise ValueError(
                f'Layer "{self.name}" takes inputs of at least 3 axes (batch, time, ...). '
                f"Received: shape={tuple(sizes)}"
            )
        return (sizes[0], *sizes[2:])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the layer inside, with the time axis behind the batch."""
        first: list[Any] = []
        inner = self.layer.compute_output_shape(map_shapes(self._step_shape, input_shape))
        map_shapes(lambda shape: first.append(tf.TensorShape(shape).as_list()), input_shape)
        batch, time = first[0][:2]
        return map_shapes(lambda shape: tf.TensorShape([batch, time, *tf.TensorShape(shape).as_list()[1:]]), inner)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs of the layer inside for every step."""
        first = tf.nest.flatten(inputs)[0]
        if isinstance(first, tf.RaggedTensor):
            outputs = self.layer(tf.nest.map_structure(lambda part: part.values, inputs))
            return tf.nest.map_structure(first.with_values, outputs)
        options = {}
        inner = self._inner_mask(inputs, mask)
        if inner is not None and signature_of(self.layer.call).takes_mask:
            options["mask"] = inner
        outputs = self.layer(tf.nest.map_structure(_steps_as_rows, inputs), **options)
        return tf.nest.map_structure(lambda rows: _rows_as_steps(rows, first), outputs)

    def _inner_mask(self, inputs: Any, mask: Any) -> Any:
        """The masks of what one step's inputs consist of, where the mask tells more than which steps count."""
        if mask is None or tf.nest.is_nested(inputs):
            return None
        mask = tf.nest.flatten(mask)[0]
        return _steps_as_rows(mask) if mask is not None and mask.shape.rank > 2 else None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that the layer inside makes of a step's, with the time axis; else whether a step has anything."""
        if tf.nest.is_nested(inputs) or isinstance(inputs, tf.RaggedTensor):
            return tf.nest.flatten(mask)[0] if mask is not None else None
        given = mask if mask is not None else masks_of(inputs)
        inner = self._inner_mask(inputs, given)
        if inner is None and given is not None:
            return given
        inputs = tf.convert_to_tensor(inputs)
        made = self.layer.compute_mask(_steps_as_rows(inputs), inner)
        if made is not None:
            return tf.nest.map_structure(lambda rows: None if rows is None else _rows_as_steps(rows, inputs), made)
        return None if given is None else tf.reduce_any(given, axis=list(range(2, given.shape.rank)))


def _steps_as_rows(tensor: Any) -> tf.Tensor:
    """`(batch, time, ...)` as `(batch time, ...)`."""
    return tf.reshape(tensor, tf.concat([[-1], tf.shape(tensor)[2:]], 0)) if None in tensor.shape[2:] else tf.reshape(
        tensor, [-1, *tensor.shape[2:]]
    )


def _rows_as_steps(rows: Any, like: tf.Tensor) -> tf.Tensor:
    """`(batch time, ...)` as `(batch, time, ...)`."""
    actual = tf.shape(like)
    leading = [actual[axis] if like.shape[axis] is None else like.shape[axis] for axis in (0, 1)]
    inner = tf.shape(rows)[1:] if None in rows.shape[1:] else rows.shape[1:].as_list()
    steps = tf.reshape(rows, tf.concat([leading, inner], 0))
    steps.set_shape([*like.shape[:2], *rows.shape[1:]])
    return steps
