"""ConvLSTM: an LSTM whose products are convolutions, for films and other sequences in space; one class for each rank.

Source: X. Shi et al., Convolutional LSTM Network (2015).
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers import arguments
from kerasish.layers.base import LAYERS
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.recurrent.cell import cell_arguments, shares_arguments
from kerasish.layers.recurrent.lstm import LSTMCell
from kerasish.layers.recurrent.rnn import RNN, CellLayer
from kerasish.layers.recurrent.states import sequence_shape
from kerasish.ops.convolution import convolve


class ConvLSTMCell(LSTMCell):
    """One step of a convolutional LSTM; what the step's inputs give is the inputs' convolution.

    Args:
        rank: the number of dimensions of space.
        filters: the number of channels of each of the two states.
        kernel_size: the size of the window.
        strides: how far the window moves over the inputs.
        padding: `"valid"` or `"same"`, for the inputs; states are padded so that they keep their size.
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: the distance between neighbouring elements of the window over the inputs.
        *args: the further arguments of `LSTMCell`, in its order.
        **kwargs: likewise, by name.
    """

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: Any,
        dilation_rate: Any, *args: Any, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(filters, *args, **kwargs)
        self.rank, self.filters = rank, self.units
        self.kernel_size = arguments.sizes("kernel_size", kernel_size, rank)
        self.strides = arguments.sizes("strides", strides, rank)
        self.padding = arguments.one_of("padding", padding, ("valid", "same"))
        self.data_format = arguments.data_format(data_format)
        self.dilation_rate = arguments.sizes("dilation_rate", dilation_rate, rank)
        self.first = self.data_format == "channels_first"
        self.implementation = 1
        self._size: Any = self.units

    @property
    def state_size(self) -> list[Any]:
        """The shapes of h and c, which the inputs' shape decides."""
        return [self._size, self._size]

    @property
    def output_size(self) -> Any:
        """The shape of the output."""
        return self._size

    def fit(self, shape: Any) -> None:
        """Works out the shape of the states for inputs of one step of that shape."""
        space = shape[2:] if self.first else shape[1:-1]
        window = zip(space, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = [None if size is None else self._covered(size, *rest) for size, *rest in window]
        self._size = tf.TensorShape([self.filters, *sizes] if self.first else [*sizes, self.filters])

    def _covered(self, size: Any, window: int, stride: int, dilation: int) -> Any:
        """How many places the window takes along an axis of that size."""
        lost = 0 if self.padding == "same" else (window - 1) * dilation
        return (size - lost + stride - 1) // stride

    def build(self, input_shape: Any) -> None:
        """Creates kernel `(*size, channels, 4 filters)`, recurrent kernel `(*size, filters, 4 filters)` and bias."""
        shape = tuple(input_shape)
        self.fit(shape)
        columns = 4 * self.filters
        self.kernel = self.add_weight("kernel", (*self.kernel_size, shape[1 if self.first else -1], columns))
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel",
            (*self.kernel_size, self.filters, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = self._add_bias(columns) if self.use_bias else None
        self.built = True

    def project(self, inputs: tf.Tensor, training: Any) -> tf.Tensor:
        """The convolution of the inputs plus bias, for one step or for all steps at once."""
        kernel = self.kernel
        inputs = inputs if inputs.dtype == kernel.dtype else tf.cast(inputs, kernel.dtype)
        one_step = inputs if inputs.shape.rank == self.rank + 2 else inputs[0]
        masks = self.get_dropout_mask_for_cell(one_step, training, self.gates) if self.dropout else None
        pairs = [(inputs, kernel)]
        if masks is not None:
            pairs = [(inputs * mask, part) for mask, part in zip(masks, tf.split(kernel, 4, axis=-1), strict=True)]
        options = (self.strides, self.padding, self.dilation_rate, self.first)
        sums = tf.concat([convolve(part, weights, *options) for part, weights in pairs], self._axis)
        if self.bias is None:
            return sums
        return sums + (tf.reshape(self.bias, [-1, *[1] * self.rank]) if self.first else self.bias)

    @property
    def _axis(self) -> int:  # type: ignore[override]
        """Where the channels are, counted from the end."""
        return -1 - self.rank if self.first else -1

    def _recurrent(self, state: tf.Tensor, kernel: tf.Tensor, training: Any, first: int = 0) -> tf.Tensor:
        ones = (1,) * self.rank
        turn = lambda state, kernel: convolve(state, kernel, ones, "same", ones, self.first)  # noqa: E731
        masks = self.get_recurrent_dropout_mask_for_cell(state, training, 4) if self.recurrent_dropout else None
        if masks is None:
            return turn(state, kernel)
        parts = zip(masks, tf.split(kernel, 4, axis=-1), strict=True)
        return tf.concat([turn(state * mask, part) for mask, part in parts], self._axis)

    def _is_usual(self) -> bool:
        """False: there is no faster way."""
        return False


_OF_THE_LSTM = (
    "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
    "bias_initializer", "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
    "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
)  # fmt: skip
_OF_THE_SEQUENCE = ("return_sequences", "return_state", "go_backwards", "stateful", "activity_regularizer")


@shares_arguments(LSTMCell)
@shares_arguments(ConvLSTMCell)
class _ConvLSTM(CellLayer):
    """Base of convolutional LSTMs, one class for each rank; subclasses pass on their arguments by name."""

    rank = 0

    def _begin(self, given: dict[str, Any], kwargs: dict[str, Any]) -> None:
        """Makes the cell and the layer from the arguments of a subclass."""
        places = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        options: dict[str, Any] = {name: given[name] for name in (*places, *_OF_THE_LSTM)}
        rank = type(self).rank
        cell = ConvLSTMCell(rank, **{**options, **cell_arguments("conv_lstm_cell", kwargs)})
        RNN.__init__(self, cell, **{name: given[name] for name in _OF_THE_SEQUENCE}, **kwargs)
        self.input_spec = InputSpec(ndim=rank + 3)

    def build(self, input_shape: Any) -> None:
        """Creates the weights for one step's inputs.

        Raises:
            ValueError: if the batch size or space of a stateful layer is unknown.
        """
        shape = tuple(sequence_shape(input_shape))
        self.cell.build(self._step_shape(shape))
        super().build(shape)
        channels = 2 if self.cell.first else -1
        self.input_spec = InputSpec(ndim=len(shape), axes={channels: shape[channels]})

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape, followed by those of the states if they are returned."""
        self.cell.fit(self._step_shape(sequence_shape(input_shape)))
        return super().compute_output_shape(input_shape)

    def get_initial_state(self, inputs: Any) -> list[tf.Tensor]:
        """Zeros in the space that the window covers."""
        shape, actual = inputs.shape.as_list(), tf.shape(inputs)
        known = [actual[axis] if size is None else size for axis, size in enumerate(shape)]
        cell, space = self.cell, known[3:] if self.cell.first else known[2:-1]
        window = zip(space, cell.kernel_size, cell.strides, cell.dilation_rate, strict=True)
        sizes = [cell._covered(*one) for one in window]
        sizes = [cell.filters, *sizes] if cell.first else [*sizes, cell.filters]
        return [tf.zeros([known[1 if self.time_major else 0], *sizes], self._state_dtype()) for _ in range(2)]


@LAYERS.register()
class ConvLSTM1D(_ConvLSTM):
    """An LSTM over sequences in a line: `(batch, time, width, channels)` to the last output or to all.

    The arguments are those of `Conv1D`, of `LSTM` and of `RNN`.
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ):
        self._begin(locals(), kwargs)


@LAYERS.register()
class ConvLSTM2D(_ConvLSTM):
    """An LSTM over sequences in a plane: `(batch, time, height, width, channels)` to the last output or to all.

    The arguments are those of `Conv2D`, of `LSTM` and of `RNN`.
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = (1, 1),
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ):
        self._begin(locals(), kwargs)


@LAYERS.register()
class ConvLSTM3D(_ConvLSTM):
    """An LSTM over sequences in a volume: `(batch, time, depth, height, width, channels)` to the last output or to all.

    The arguments are those of `Conv3D`, of `LSTM` and of `RNN`.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = (1, 1, 1),
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ):
        self._begin(locals(), kwargs)
