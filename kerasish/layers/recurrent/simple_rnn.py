"""SimpleRNN: the output of a step is fed back into the next."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS
from kerasish.layers.recurrent.cell import RecurrentCell, cell_arguments, shares_arguments
from kerasish.layers.recurrent.rnn import CellLayer


@LAYERS.register()
class SimpleRNNCell(RecurrentCell):
    """One step of `SimpleRNN`: `h' = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: the length of the state.
        activation: the activation of the sums.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(features, units)`.
        recurrent_initializer: initial values of the recurrent kernel `(units, units)`.
        bias_initializer: initial values of the bias `(units,)`.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: a projection of the recurrent kernel after each update.
        bias_constraint: a projection of the bias after each update.
        dropout: the share of the inputs dropped in training.
        recurrent_dropout: the share of the state dropped in training.
        **kwargs: `seed` of the draws, and arguments of `Layer`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(units, activation, use_bias, dropout, recurrent_dropout, **kwargs)
        self._weight_options(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )

    def step(self, projected: tf.Tensor, states: list[tf.Tensor], training: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Output and new state from the inputs' part of the sums."""
        output = self.activation(projected + self._recurrent(states[0], self.recurrent_kernel, training))
        return output, [output]


@LAYERS.register()
@shares_arguments(SimpleRNNCell)
class SimpleRNN(CellLayer):
    """A fully connected recurrence: `(batch, time, features)` to the last output `(batch, units)` or to all.

    The arguments are those of `SimpleRNNCell` and of `RNN`, and `activity_regularizer`: a penalty on the outputs.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ):
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, **cell_arguments("simple_rnn_cell", kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
