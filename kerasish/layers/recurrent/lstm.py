"""LSTM: a recurrence with a memory that gates write to, read and forget.

Source: S. Hochreiter and J. Schmidhuber, Long Short-Term Memory (1997); F. Gers et al., Learning to Forget (2000);
the bias of the forget gate: R. Jozefowicz et al., An Empirical Exploration of Recurrent Network Architectures (2015).
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
class LSTMCell(RecurrentCell):
    """One step of `LSTM`: `c' = f c + i g`, `h' = o activation(c')`; gates i, f, o and proposal g come of x and h.

    Args:
        units: the length of each of the two states, h and c.
        activation: the activation of the proposal and of the memory.
        recurrent_activation: the activation of the gates.
        use_bias: whether a bias is added.
        kernel_initializer: initial values of the kernel `(features, 4 units)`.
        recurrent_initializer: initial values of the recurrent kernel `(units, 4 units)`.
        bias_initializer: initial values of the bias `(4 units,)`.
        unit_forget_bias: whether the forget gate's bias begins with ones.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a projection of the kernel after each update.
        recurrent_constraint: a projection of the recurrent kernel after each update.
        bias_constraint: a projection of the bias after each update.
        dropout: the share of the inputs dropped in training.
        recurrent_dropout: the share of h dropped in training.
        **kwargs: `seed` of the draws, `implementation`, and arguments of `Layer`.
    """

    gates = 4
    _axis = -1  # where the gates lie side by side

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self._weight_options(
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
        )

    @property
    def state_size(self) -> list[int]:
        """The lengths of h and c."""
        return [self.units, self.units]

    def _add_bias(self, columns: int) -> tf.Variable:
        return self.add_weight("bias", (columns,), initializer=self._first_bias if self.unit_forget_bias else None)

    def _first_bias(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        units = self.units
        first, last = (self.bias_initializer((size,), dtype=dtype) for size in (units, 2 * units))
        return tf.concat([first, tf.ones((units,), first.dtype), last], 0)

    def step(self, projected: tf.Tensor, states: list[tf.Tensor], training: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Output and new states from the inputs' part of the sums."""
        h, c = states
        gates = projected + self._recurrent(h, self.recurrent_kernel, training)
        i, f, g, o = tf.split(gates, 4, axis=self._axis)
        memory = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        output = self.recurrent_activation(o) * self.activation(memory)
        return output, [output, memory]

    def run(
        self, sequence: tf.Tensor, states: list[tf.Tensor], mask: Any, training: Any, all_outputs: bool
    ) -> list[tf.Tensor] | None:
        """The last h and c and, if wanted, h after every step, where the usual arguments allow the faster way."""
        if not self._is_usual():
            return None
        kernel = tf.convert_to_tensor(self.kernel)
        bias = tf.zeros([4 * self.units], kernel.dtype) if self.bias is None else self.bias
        weights = [kernel, self.recurrent_kernel, bias]
        return gated_recurrence.lstm(self._kept(sequence, training)[0], states, weights, mask, all_outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "implementation": self.implementation}


@LAYERS.register()
@shares_arguments(LSTMCell)
class LSTM(CellLayer):
    """A recurrence with a memory: `(batch, time, features)` to the last output `(batch, units)` or to all.

    The arguments are those of `LSTMCell` and of `RNN`, and `activity_regularizer`: a penalty on the outputs.
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
        unit_forget_bias: bool = True,
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
        time_major: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ):
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            **cell_arguments("lstm_cell", kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, time_major,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    implementation = property(lambda self: self.cell.implementation, doc="How the cell draws its masks, 1 or 2.")

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "implementation": self.implementation}
