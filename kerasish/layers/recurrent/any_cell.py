"""Cells to build on, AbstractRNNCell and StackedRNNCells, and what is done with any cell."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.layers.base import LAYERS, Layer
from kerasish.layers.calling import signature_of
from kerasish.layers.recurrent.cell import sizes, zero_states
from kerasish.layers.recurrent.states import sequence_shape


@LAYERS.register()
class AbstractRNNCell(Layer):
    """Base of cells that users write: `call(inputs, states)` gives an output and the new states.

    Subclasses say `state_size` and `output_size`.
    """

    def call(self, inputs: Any, states: Any) -> Any:
        """Output and new states of one step.

        Raises:
            NotImplementedError: unless a subclass says it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `call(inputs, states)`.")

    @property
    def state_size(self) -> Any:
        """The length of each state: an integer, a `tf.TensorShape`, or a list or tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} must define `state_size`.")

    @property
    def output_size(self) -> Any:
        """The length of the output: an integer or a `tf.TensorShape`."""
        raise NotImplementedError(f"{type(self).__name__} must define `output_size`.")

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros, for the batch and type of the inputs where those are given."""
        return zero_states(self.state_size, inputs, batch_size, dtype)


@LAYERS.register()
class StackedRNNCells(Layer):
    """A cell made of cells: the output of one is the input of the next; its state is the tuple of their states.

    Args:
        cells: the cells, the one that sees the inputs first.
        **kwargs: arguments of `Layer`; `reverse_state_order` lists the states from the last cell to the first.

    Raises:
        ValueError: if one of them has no `call` or no `state_size`.
    """

    def __init__(self, cells: Any, **kwargs: Any):
        self._reversed = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell)
        self.cells = cells

    @property
    def state_size(self) -> tuple[Any, ...]:
        """The state size of each cell."""
        found = tuple(cell.state_size for cell in self.cells)
        return found[::-1] if self._reversed else found

    @property
    def output_size(self) -> Any:
        """The output size of the last cell."""
        return output_size(self.cells[-1])

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> tuple[Any, ...]:
        """The initial states of all cells."""
        found = tuple(initial_states(cell, inputs, batch_size, dtype) for cell in self.cells)
        return found[::-1] if self._reversed else found

    def build(self, input_shape: Any) -> None:
        """Builds each cell for the output of the one before."""
        shape = sequence_shape(input_shape)
        for cell in self.cells:
            build_cell(cell, shape)
            shape = (shape[0], *sizes(output_size(cell)))
        super().build(input_shape)

    def call(self, inputs: Any, states: Any, constants: Any = None, training: Any = None, **kwargs: Any) -> Any:
        """The output of the last cell, and the new states of all."""
        order = list(states)[::-1] if self._reversed else list(states)
        output, new = inputs, []
        for cell, own in zip(self.cells, order, strict=True):
            single = not tf.nest.is_nested(cell.state_size)
            output, after = call_cell(cell, output, (own,) if single else own, training, constants)
            new.append(tf.nest.flatten(after)[0] if single else after)
        return output, tuple(new[::-1] if self._reversed else new)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The stack of the cells that the configuration describes."""
        config = dict(config)
        return cls([LAYERS.get(cell, custom_objects) for cell in config.pop("cells")], **config)


def call_cell(cell: Any, inputs: Any, states: Any, training: Any, constants: Any = None) -> tuple[Any, Any]:
    """Output and new states of one step of any cell, whatever its `call` takes."""
    call = cell if isinstance(cell, Layer) else cell.call
    known = signature_of(cell.call)
    options = {} if not constants or "constants" not in known.names else {"constants": constants}
    if known.takes_training and training is not None:
        options["training"] = training
    return call(inputs, states, **options)


def build_cell(cell: Any, shape: Any) -> None:
    """Builds a cell for the shape of one step's inputs, its weights named after it."""
    if not isinstance(cell, Layer) or cell.built:
        return
    with tf.name_scope(cell.name):
        cell.build(shape)
    cell.built = True


def initial_states(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """What the cell says its first states are, else zeros."""
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=inputs, batch_size=batch_size, dtype=dtype)
    return zero_states(cell.state_size, inputs, batch_size, dtype)


def output_size(cell: Any) -> Any:
    """The size of a cell's output: what it says, else that of its first state."""
    said = getattr(cell, "output_size", None)
    return said if said is not None else tf.nest.flatten(cell.state_size)[0]


def check_cell(cell: Any) -> None:
    """Refuses what is no cell.

    Raises:
        ValueError: if it has no `call` or no `state_size`.
    """
    if not callable(getattr(cell, "call", None)):
        raise ValueError(f"`cell` must have a `call` method. Received: cell={cell!r}")
    if not hasattr(type(cell), "state_size") and not hasattr(cell, "state_size"):
        raise ValueError(
            f"`cell` must have a `state_size`: the length of each of its states. Received: cell={cell!r}"
        )
