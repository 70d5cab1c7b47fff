"""GRU: a recurrence with an update gate and a reset gate.

Source: K. Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014); with `reset_after` the form
that multiplies first and resets then, as accelerators do.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.layers.base import LAYERS
from kerasish.layers.recurrent.cell import RecurrentCell, cell_arguments, shares_arguments
from kerasish.layers.recurrent.rnn import CellLayer
from kerasish.ops import gated_recurrence


@LAYERS.register()
class GRUCell(RecurrentCell):
    """One step of `GRU`: `h' = z h + (1 - z) g` with the gates z, r and the proposal g of x and h.

    Args:
        units: the length of the state.
        activation: the activation of the proposal.
        recurrent_activation: the activation of the gates.
        use_bias: whether biases are added.
        kernel_initializer: initial values of the kernel `(features, 3 units)`.
        recurrent_initializer: initial values of the recurrent kernel `(units, 3 units)`.
        bias_initializer: initial values of the bias, `(2, 3 units)` with `reset_after`, else `(3 units,)`.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: a projection of the recurrent kernel after each update.
        bias_constraint: a projection of the bias after each update.
        dropout: the share of the inputs dropped in training.
        recurrent_dropout: the share of the state dropped in training.
        reset_after: whether the reset gate comes after the matrix product.
        **kwargs: `seed` of the draws, `implementation`, and arguments of `Layer`.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        **kwargs: Any,
    ):
        super().__init__(units, activation, use_bias, dropout, recurrent_dropout, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after
        self._weight_options(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )

    def _add_bias(self, columns: int) -> tf.Variable:
        return self.add_weight("bias", (2, columns) if self.reset_after else (columns,))

    def _input_bias(self) -> Any:
        return self.bias[0] if self.use_bias and self.reset_after else self.bias

    def _recurrent_bias(self) -> Any:
        return self.bias[1] if self.use_bias else None

    def step(self, projected: tf.Tensor, states: list[tf.Tensor], training: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Output and new state from the inputs' part of the sums."""
        (h,), units, kernel = states, self.units, self.recurrent_kernel
        if self.reset_after:
            inner = self._recurrent(h, kernel, training)
            bias = self._recurrent_bias()
            inner = inner if bias is None else tf.nn.bias_add(inner, bias)
            gates = self.recurrent_activation(projected[:, : 2 * units] + inner[:, : 2 * units])
            z, r = tf.split(gates, 2, axis=1)
            recalled = r * inner[:, 2 * units :]
        else:
            inner = self._recurrent(h, kernel[:, : 2 * units], training)
            z, r = tf.split(self.recurrent_activation(projected[:, : 2 * units] + inner), 2, axis=1)
            recalled = self._recurrent(r * h, kernel[:, 2 * units :], training, first=2)
        output = z * h + (1 - z) * self.activation(projected[:, 2 * units :] + recalled)
        return output, [output]

    def run(
        self, sequence: tf.Tensor, states: list[tf.Tensor], mask: Any, training: Any, all_outputs: bool
    ) -> list[tf.Tensor] | None:
        """The last state and, if wanted, that after every step, where the usual arguments allow the faster way."""
        if not (self._is_usual() and self.reset_after):
            return None
        kernel = tf.convert_to_tensor(self.kernel)
        bias = tf.zeros([2, 3 * self.units], kernel.dtype) if self.bias is None else self.bias
        weights = [kernel, self.recurrent_kernel, bias]
        return gated_recurrence.gru(self._kept(sequence, training)[0], states, weights, mask, all_outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "implementation": self.implementation}


@LAYERS.register()
@shares_arguments(GRUCell)
class GRU(CellLayer):
    """A gated recurrence: `(batch, time, features)` to the last output `(batch, units)` or to all.

    The arguments are those of `GRUCell` and of `RNN`, and `activity_regularizer`: a penalty on the outputs.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        time_major: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ):
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, reset_after,
            **cell_arguments("gru_cell", kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, time_major,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    implementation = property(lambda self: self.cell.implementation, doc="How the cell draws its masks, 1 or 2.")

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "implementation": self.implementation}
