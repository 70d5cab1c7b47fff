"""GroupNormalization: each sample brought to mean 0 and variance 1 within groups of its channels."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.normalization import _Normalization
from kerasish.ops import normalization as ops


@LAYERS.register()
class GroupNormalization(_Normalization):
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, the moments being those of a sample's group of channels.

    With one group this is layer normalization of everything but gamma and beta; with as many as there are channels,
    instance normalization.

    Args:
        groups: the number of groups that the channels are divided into; -1 for one to each channel.
        axis: the axis of the channels.
        epsilon: keeps the division finite.
        center: whether beta is added.
        scale: whether gamma is multiplied by.
        beta_initializer: initial values of beta.
        gamma_initializer: initial values of gamma.
        beta_regularizer: a penalty on beta.
        gamma_regularizer: a penalty on gamma.
        beta_constraint: a projection of beta after each update.
        gamma_constraint: a projection of gamma after each update.
        **kwargs: arguments of `Layer`.

    Raises:
        ValueError: for a number of groups that does not divide the channels, or an axis that does not exist.

    Source: Y. Wu and K. He, Group Normalization (2018).
    """

    def __init__(
        self,
        groups: int = 32,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if isinstance(self.axis, list) or self.axis == 0:
            raise ValueError(
                f"`axis` of GroupNormalization must be one integer other than 0, the batch. Received: axis={axis!r}"
            )
        self.groups = groups if groups == -1 else arguments.positive("groups", groups)

    def build(self, input_shape: Any) -> None:
        """Creates gamma and beta, one number for each channel."""
        shape, place = tuple(input_shape), int(self.axis)
        (axis,) = arguments.axes_within(self.name, [place], len(shape))
        channels = shape[axis] if axis else None
        if channels is None:
            raise ValueError(
                f'The inputs of layer "{self.name}" must have a known size along `axis`, which is not the batch. '
                f"Received: shape={shape}, axis={self.axis}"
            )
        self.groups = channels if self.groups == -1 else self.groups
        if channels % self.groups:
            raise ValueError(
                f'`groups` of layer "{self.name}" must divide the {channels} channels of its inputs. '
                f"Received: groups={self.groups}, shape={shape}"
            )
        self._add_scale_and_shift((channels,), self.dtype)
        self.input_spec = InputSpec(ndim=len(shape), axes={place: channels})
        super().build(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> tf.Tensor:
        """The normalized inputs.

        Args:
            inputs: numbers of any shape with the channels along `axis`.
            mask: which elements count for the moments, of the inputs' shape or without its last axes.
        """
        inputs = inputs if inputs.dtype.is_floating else tf.cast(inputs, self.compute_dtype)
        axis = int(self.axis) % inputs.shape.rank
        return ops.group_norm(inputs, self.groups, axis, self.beta, self.gamma, self.epsilon, mask)
