"""RNN: a cell applied step by step along a sequence."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.core.shapes import is_shape, map_shapes
from kerasish.graph import scratch
from kerasish.layers.base import LAYERS
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.recurrent.any_cell import (
    StackedRNNCells,
    build_cell,
    call_cell,
    check_cell,
    initial_states,
    output_size,
)
from kerasish.layers.recurrent.cell import RecurrentCell, sizes, zero_states
from kerasish.layers.recurrent.states import TakesStates, first_mask, sequence_shape
from kerasish.ops import recurrence


@LAYERS.register()
class RNN(TakesStates):
    """A cell applied along a sequence: `(batch, time, features)` to the last output `(batch, units)` or to all.

    Args:
        cell: an object with `call(inputs, states)` and `state_size`, or a list of them to be stacked.
        return_sequences: whether the outputs of all steps are returned, `(batch, time, units)`.
        return_state: whether the last states are returned behind the output.
        go_backwards: whether the sequence is read from its end; outputs are in the order of reading.
        stateful: whether the last states of a batch are the first of the next one; the batch size must be fixed.
        unroll: whether the graph holds every step instead of a loop.
        time_major: whether inputs and outputs are `(time, batch, features)`.
        **kwargs: arguments of `Layer`; `zero_output_for_mask`: outputs are zero under the mask, not those before.

    Raises:
        ValueError: if the cell has no `call` or no `state_size`.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ):
        zero_output_for_mask = kwargs.pop("zero_output_for_mask", False)
        if "input_shape" not in kwargs and ("input_dim" in kwargs or "input_length" in kwargs):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(self.cell)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful = go_backwards, stateful
        self.unroll, self.time_major = unroll, time_major
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.input_spec = InputSpec(ndim=3) if isinstance(self.cell, RecurrentCell) else None
        object.__setattr__(self, "_states", None)

    # Shapes.

    def build(self, input_shape: Any) -> None:
        """Builds the cell for one step's inputs, and makes the states of a stateful layer.

        Raises:
            ValueError: if the layer is stateful and the batch size is unknown.
        """
        shape = sequence_shape(input_shape)
        step = map_shapes(self._step_shape, shape)
        build_cell(self.cell, step)
        if self.input_spec is not None:
            self.input_spec = InputSpec(shape=(None, None, step[-1]))
        self._batch_size = tf.nest.flatten(step)[0]
        super().build(input_shape)
        if self.stateful:
            self.reset_states()

    def _step_shape(self, shape: Any) -> tuple[Any, ...]:
        shape = tuple(tf.TensorShape(shape).as_list())
        return (shape[1 if self.time_major else 0], *shape[2:])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape, followed by those of the states if they are returned."""
        first = sequence_shape(input_shape)
        while not is_shape(first):
            first = next(iter(first.values() if isinstance(first, dict) else first))
        first = tf.TensorShape(first).as_list()
        batch, time = (first[1], first[0]) if self.time_major else (first[0], first[1])
        leading = [batch] if not self.return_sequences else [time, batch] if self.time_major else [batch, time]
        shape = lambda front, size: tf.TensorShape([*front, *sizes(size)])  # noqa: E731
        output = tf.nest.map_structure(lambda size: shape(leading, size), output_size(self.cell))
        if not self.return_state:
            return output
        return [output, *(shape([batch], size) for size in tf.nest.flatten(self.cell.state_size))]

    def compute_mask(self, inputs: Any, mask: Any) -> Any:  # type: ignore[override]
        """The mask of the sequence for all outputs, none for the last one or for states."""
        output = first_mask(mask) if self.return_sequences else None
        return [output, *[None] * len(_listed(self.cell.state_size))] if self.return_state else output

    # States.

    @property
    def states(self) -> Any:
        """The states kept between batches, or None for each if there are none yet."""
        found = self._states if self._states is not None else tf.nest.map_structure(lambda size: None, self._sizes())
        return _listed(found)

    @states.setter
    def states(self, states: Any) -> None:
        object.__setattr__(self, "_states", states)

    def _sizes(self) -> Any:
        return self.cell.state_size

    def get_initial_state(self, inputs: Any) -> Any:
        """Zeros, or what the cell says, as the states before the first step, in a list."""
        first = tf.nest.flatten(inputs)[0]
        batch = first.shape[1 if self.time_major else 0]
        batch = tf.shape(first)[1 if self.time_major else 0] if batch is None else batch
        return _listed(initial_states(self.cell, None, batch, self._state_dtype()))

    def _state_dtype(self) -> Any:
        return getattr(self.cell, "compute_dtype", None) or self.compute_dtype or "float32"

    def reset_states(self, states: Any = None) -> None:
        """Sets the states of a stateful layer to their initial values or to the given arrays.

        Raises:
            AttributeError: if the layer is not stateful.
            ValueError: if the batch size is unknown, or the arrays do not fit.
        """
        if not self.stateful:
            raise AttributeError(f'Layer "{self.name}" must be stateful. Pass `stateful=True` to it.')
        if getattr(self, "_batch_size", None) is None:
            raise ValueError(
                f'Layer "{self.name}" is stateful and needs to know its batch size.\n'
                "Give it in `Input(batch_shape=...)` or, for the first layer of a Sequential, in `batch_input_shape`."
            )
        if self._states is None:
            self._make_states()
        variables = tf.nest.flatten(self._states)
        if states is None:
            states = initial_states(self.cell, None, self._batch_size, self._state_dtype())
        values = tf.nest.flatten(states)
        if len(values) != len(variables):
            raise ValueError(f'Layer "{self.name}" has {len(variables)} states. Received: {len(values)} arrays')
        for number, (variable, value) in enumerate(zip(variables, values, strict=True)):
            if tuple(value.shape) != tuple(variable.shape):
                raise ValueError(
                    f'State {number} of layer "{self.name}" must have the shape {tuple(variable.shape)}. '
                    f"Received: shape={tuple(value.shape)}"
                )
            variable.assign(tf.cast(value, variable.dtype))

    def _make_states(self) -> None:
        """Variables for the states, which are saved in checkpoints but are no weights."""
        with tf.init_scope():
            zeros = zero_states(self._sizes(), None, self._batch_size, self._state_dtype())
            made = tf.nest.map_structure(lambda value: tf.Variable(value, trainable=False), zeros)
        for number, variable in enumerate(tf.nest.flatten(made)):
            self._track_trackable(variable, f"state_{number}", overwrite=True)
        object.__setattr__(self, "_states", made)

    # Calls.

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The last output or all of them, and the last states if asked for.

        Raises:
            ValueError: if the states given do not fit the cell, a stateful layer meets another batch size, or unrolling
                meets an unknown number of steps.
        """
        return self._along(inputs, mask, training, initial_state, constants)

    def _along(self, inputs: Any, mask: Any, training: Any, initial_state: Any, constants: Any = None) -> Any:
        lengths = None
        if isinstance(inputs, tf.RaggedTensor):
            inputs, mask, lengths = self._padded(inputs, mask)
        self._check_batch(inputs)
        states = self._first_states(inputs, initial_state)
        sequence = tf.nest.map_structure(self._by_time, inputs)
        mask = self._mask_by_time(mask)
        if self.go_backwards:
            sequence = tf.nest.map_structure(lambda part: tf.reverse(part, [0]), sequence)
            mask = None if mask is None else tf.reverse(mask, [0])
        for cell in _all_cells(self.cell):
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()
        outputs, last, after = self._steps(sequence, states, mask, training, constants)
        if self.stateful:
            for variable, value in zip(tf.nest.flatten(self._states), tf.nest.flatten(after), strict=True):
                variable.assign(tf.cast(value, variable.dtype))
        output = tf.nest.map_structure(self._by_time, outputs) if self.return_sequences else last
        if lengths is not None and self.return_sequences:
            output = tf.RaggedTensor.from_tensor(output, lengths=lengths)
        return [output, *_listed(after)] if self.return_state else output

    def _steps(self, sequence: Any, states: Any, mask: Any, training: Any, constants: Any) -> tuple[Any, Any, Any]:
        """All outputs (None unless they are returned), the last one, and the last states."""
        cell = self.cell
        options: dict[str, Any] = {"zero_masked": self.zero_output_for_mask, "unroll": self.unroll}
        options["all_outputs"] = self.return_sequences
        if not (isinstance(cell, RecurrentCell) and scratch.is_library_method(cell, "call")):
            step = lambda now, states: call_cell(cell, now, states, training, constants)  # noqa: E731
            return recurrence.scan(step, sequence, states, mask, **options)
        listed = [tf.cast(state, cell.kernel.dtype) for state in _listed(states)]
        found = None if self.unroll else cell.run(sequence, listed, mask, training, self.return_sequences)
        if found is None:
            step = lambda now, states: cell.step(now, states, training)  # noqa: E731
            projected = cell.project(sequence, training)
            outputs, last, after = recurrence.scan(step, projected, listed, mask, **options)
        else:
            after, hidden = found[: len(listed)], found[len(listed) :]
            last = recurrence.last_under_mask(after[0], mask, self.zero_output_for_mask)
            outputs = recurrence.under_mask(hidden[0], mask, self.zero_output_for_mask) if hidden else None
        return outputs, last, after if isinstance(states, (list, tuple)) else after[0]

    def _by_time(self, tensor: Any) -> Any:
        """`(batch, time, ...)` as `(time, batch, ...)` and the other way round, unless time comes first anyway."""
        if self.time_major:
            return tensor
        return tf.transpose(tensor, [1, 0, *range(2, tensor.shape.rank)])

    def _mask_by_time(self, mask: Any) -> Any:
        mask = tf.nest.flatten(mask)[0] if mask is not None else None
        if mask is None:
            return None
        mask = tf.cast(mask, tf.bool)
        mask = mask[..., 0] if mask.shape.rank == 3 else mask
        return mask if self.time_major else tf.transpose(mask)

    def _padded(self, inputs: tf.RaggedTensor, mask: Any) -> tuple[Any, Any, Any]:
        """A ragged sequence as a padded one with its mask."""
        if mask is not None:
            raise ValueError(f'Layer "{self.name}" takes no mask beside a ragged sequence, whose lengths are its mask.')
        if self.time_major:
            raise ValueError(f'Layer "{self.name}" takes ragged sequences with the batch first: time_major=False.')
        lengths = inputs.row_lengths()
        padded = inputs.to_tensor()
        return padded, tf.sequence_mask(lengths, tf.shape(padded)[1]), lengths

    def _check_batch(self, inputs: Any) -> None:
        if not self.stateful or self._batch_size is None:
            return
        first, axis = tf.nest.flatten(inputs)[0], 1 if self.time_major else 0
        message = (
            f'Layer "{self.name}" is stateful and keeps states for batches of {self._batch_size}. '
            "Every batch must have that size."
        )
        if first.shape[axis] is None:
            tf.debugging.assert_equal(tf.shape(first)[axis], self._batch_size, message)
        elif first.shape[axis] != self._batch_size:
            raise ValueError(
                f"{message} Received: a batch of {first.shape[axis]}\n"
                "Pass a `batch_size` that divides the number of samples, and `drop_remainder=True` to `dataset.batch`."
            )

    def _first_states(self, inputs: Any, given: Any) -> Any:
        """The states before the first step, in the structure of the cell's `state_size`."""
        if given is not None:
            flat = [tf.convert_to_tensor(state) for state in tf.nest.flatten(given)]
            wanted = tf.nest.flatten(self._sizes())
            self._check_states(flat, wanted)
            dtype = self._state_dtype()
            flat = [tf.cast(state, dtype) if state.dtype.is_floating else state for state in flat]
            if self.stateful:  # what is given is for the first batch only
                kept = tf.nest.flatten(self._states)
                fresh = tf.reduce_all([tf.reduce_all(tf.equal(state, 0)) for state in kept])
                flat = [tf.where(fresh, new, old) for new, old in zip(flat, kept, strict=True)]
        elif self.stateful:
            flat = [tf.convert_to_tensor(state) for state in tf.nest.flatten(self._states)]
        else:
            flat = tf.nest.flatten(self.get_initial_state(inputs))
        sizes = self._sizes()
        return tf.nest.pack_sequence_as(sizes if isinstance(sizes, (list, tuple, dict)) else (sizes,), flat)

    def _check_states(self, given: list[tf.Tensor], wanted: list[Any]) -> None:
        fit = len(given) == len(wanted) and all(
            state.shape[1:].is_compatible_with(sizes(size)) for state, size in zip(given, wanted, strict=True)
        )
        if not fit:
            raise ValueError(
                f'`initial_state` must hold {len(wanted)} state(s) of the sizes {wanted} for layer "{self.name}". '
                f"Received: shapes {[tuple(state.shape) for state in given]}"
            )

    # Configuration.

    def get_config(self) -> dict[str, Any]:
        """The arguments, the cell's configuration among them."""
        config = super().get_config()
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = True
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The layer around the cell that the configuration describes."""
        config = dict(config)
        constants = config.pop("num_constants", None)
        if "cell" in config:
            config["cell"] = LAYERS.get(config["cell"], custom_objects)
        layer = cls(**config)
        layer._num_constants = constants
        return layer


class CellLayer(RNN):
    """Base of layers that make their cell from their own arguments."""

    _config_excluded: tuple[str, ...] = ("cell",)

    def call(  # type: ignore[override]
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """The last output or all of them, and the last states if asked for."""
        return self._along(inputs, mask, training, initial_state)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:  # type: ignore[override]
        """The layer that the configuration describes."""
        return super().from_config(config)

    def get_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """The cell's factors for the inputs."""
        return self.cell.get_dropout_mask_for_cell(inputs, training, count)

    def get_recurrent_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """The cell's factors for the states."""
        return self.cell.get_recurrent_dropout_mask_for_cell(inputs, training, count)

    def reset_dropout_mask(self) -> None:
        """Lets the cell draw anew which inputs are dropped."""
        self.cell.reset_dropout_mask()

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets the cell draw anew which states are dropped."""
        self.cell.reset_recurrent_dropout_mask()


def _all_cells(cell: Any) -> list[RecurrentCell]:
    """The library's cells among the cells of a stack."""
    found = [inner for part in getattr(cell, "cells", ()) for inner in _all_cells(part)]
    return [cell, *found] if isinstance(cell, RecurrentCell) else found


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
