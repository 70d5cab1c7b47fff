"""What the cells of the library share: a product with the inputs that can be made for all steps at once, and dropout.

Source: Y. Gal and Z. Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks (2016):
one mask for a whole sequence.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.core.object_config import parameters
from kerasish.core.seeds import make_seed
from kerasish.layers import arguments
from kerasish.layers.base import Layer
from kerasish.ops import noise
from kerasish.ops.condition import choose


class RecurrentCell(Layer):
    """Base of cells whose step is `step(project(inputs), states)`.

    Args:
        units: the length of a state.
        activation: the activation of the new value.
        use_bias: whether a bias is added.
        gates: how many blocks of `units` columns the kernels have.
        dropout: the share of the inputs dropped in training.
        recurrent_dropout: the share of the states dropped in training.
        seed: makes the draws the same in every run.
        implementation: 1 for a mask of its own for every gate, 2 for one mask of the inputs.
        **kwargs: arguments of `Layer`.
    """

    gates = 1
    _masks: dict[str, tuple[Any, list[tf.Tensor]]]

    def __init__(
        self, units: int, activation: Any, use_bias: bool, dropout: float, recurrent_dropout: float, **kwargs: Any
    ):
        seed, implementation = kwargs.pop("seed", None), kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = arguments.positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.implementation = 1 if self.recurrent_dropout else implementation
        if self.dropout or self.recurrent_dropout:
            self._noise = noise.new_state(make_seed(seed))
        object.__setattr__(self, "_masks", {})

    def _weight_options(self, kernel: Any, recurrent: Any, bias: Any) -> None:
        """Initializer, regularizer and constraint of each weight."""
        arguments.weight_options(self, "kernel", *kernel)
        arguments.weight_options(self, "recurrent", *recurrent)
        arguments.weight_options(self, "bias", *bias)

    @property
    def state_size(self) -> Any:
        """The length of the state."""
        return self.units

    @property
    def output_size(self) -> int:
        """The length of the output."""
        return self.units

    def build(self, input_shape: Any) -> None:
        """Creates kernel `(features, gates units)`, recurrent kernel `(units, gates units)` and bias."""
        columns = self.gates * self.units
        self.kernel = self.add_weight("kernel", (tuple(input_shape)[-1], columns))
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel",
            (self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias: Any = self._add_bias(columns) if self.use_bias else None
        super().build(input_shape)

    def _add_bias(self, columns: int) -> tf.Variable:
        return self.add_weight("bias", (columns,))

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros `(batch, units)`, for the batch and type of the inputs where those are given."""
        return zero_states(self.state_size, inputs, batch_size, dtype)

    def call(self, inputs: Any, states: Any, training: Any = None) -> tuple[Any, Any]:
        """The output `(batch, units)` and the new states, in the form the states have."""
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        output, new = self.step(self.project(inputs, training), given, training)
        return output, new if isinstance(states, (list, tuple)) else new[0]

    def project(self, inputs: tf.Tensor, training: Any) -> tf.Tensor:
        """The inputs' part of the sums, for one step `(batch, features)` or all `(time, batch, features)`."""
        kept = self._kept(inputs, training)
        parts = zip(kept, tf.split(self.kernel, len(kept), axis=1), strict=True)
        sums = tf.concat([_product(part, kernel) for part, kernel in parts], -1)
        bias = self._input_bias()
        return sums if bias is None else tf.nn.bias_add(sums, bias)

    def _kept(self, inputs: tf.Tensor, training: Any) -> list[tf.Tensor]:
        """The inputs that are not dropped: once, or once for every gate if each has a mask of its own."""
        dtype = self.kernel.dtype
        inputs = inputs if inputs.dtype == dtype else tf.cast(inputs, dtype)
        if not self.dropout:
            return [inputs]
        one_step = inputs if inputs.shape.rank == 2 else inputs[0]
        masks = self.get_dropout_mask_for_cell(one_step, training, self.gates if self.implementation == 1 else 1)
        return [inputs] if masks is None else [inputs * mask for mask in masks]

    def _input_bias(self) -> Any:
        return self.bias

    def step(self, projected: tf.Tensor, states: list[tf.Tensor], training: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Output and new states from the inputs' part of the sums."""
        raise NotImplementedError

    def run(
        self, sequence: tf.Tensor, states: list[tf.Tensor], mask: Any, training: Any, all_outputs: bool
    ) -> list[tf.Tensor] | None:
        """The last states and, if wanted, the first of them after every step; None where there is no faster way."""
        return None

    def _is_usual(self) -> bool:
        """Whether a gated cell has the activations of the papers, and no mask for each gate, as the faster way does."""
        usual: bool = self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid
        return usual and not self.recurrent_dropout and not (self.dropout and self.implementation == 1)

    def _recurrent(self, state: tf.Tensor, kernel: tf.Tensor, training: Any, first: int = 0) -> tf.Tensor:
        """The state times the kernel's columns, with a mask of its own for each gate from the first on."""
        if not self.recurrent_dropout:
            return tf.matmul(state, kernel)
        masks = self.get_recurrent_dropout_mask_for_cell(state, training, self.gates)
        if masks is None:
            return tf.matmul(state, kernel)
        parts = tf.split(kernel, kernel.shape[-1] // self.units, axis=1)
        return tf.concat([tf.matmul(state * masks[first + n], part) for n, part in enumerate(parts)], 1)

    # Masks of dropout, kept until the next sequence begins.

    def reset_dropout_mask(self) -> None:
        """Lets the next step draw which inputs are dropped."""
        self._masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets the next step draw which states are dropped."""
        self._masks.pop("states", None)

    def get_dropout_mask_for_cell(self, inputs: tf.Tensor, training: Any, count: int = 1) -> Any:
        """Factors for the inputs, the same until the mask is reset; None where nothing is dropped."""
        return self._factors("inputs", inputs, training, self.dropout, count)

    def get_recurrent_dropout_mask_for_cell(self, inputs: tf.Tensor, training: Any, count: int = 1) -> Any:
        """Factors for the states, the same until the mask is reset; None where nothing is dropped."""
        return self._factors("states", inputs, training, self.recurrent_dropout, count)

    def _factors(self, kind: str, like: tf.Tensor, training: Any, rate: float, count: int) -> Any:
        if not rate or training is None or training is False:
            return None
        place, known = self._masks.get(kind, (None, []))
        if not known or not _is_within(place, like):
            ones = tf.ones_like(like)
            draw = functools.partial(noise.dropout, ones, rate, self._noise)
            keep = functools.partial(tf.identity, ones)
            known = [choose(training, draw, keep) for _ in range(count)]
            self._masks[kind] = (None if tf.executing_eagerly() else like.graph, known)
        return known


def _is_within(place: Any, like: tf.Tensor) -> bool:
    """Whether tensors of that graph (None: eager ones) can be used where the tensor is."""
    if tf.executing_eagerly() or place is None:
        return tf.executing_eagerly() and place is None
    graph = like.graph
    while graph is not None and graph is not place:
        graph = getattr(graph, "outer_graph", None)
    return graph is place


def _product(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.matmul(inputs, kernel) if inputs.shape.rank == 2 else tf.tensordot(inputs, kernel, 1)


def zero_states(state_size: Any, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
    """Zeros for a batch, one tensor for each size in the structure.

    Raises:
        ValueError: if neither inputs nor both batch size and type are given.
    """
    if inputs is not None:
        first = tf.nest.flatten(inputs)[0]
        batch_size = tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
        dtype = dtype or first.dtype
    if batch_size is None or dtype is None:
        raise ValueError(
            "Initial states need the inputs, or both the batch size and the type. "
            f"Received: batch_size={batch_size}, dtype={dtype}"
        )
    return tf.nest.map_structure(lambda size: tf.zeros([batch_size, *sizes(size)], dtype), state_size)


def sizes(size: Any) -> list[int | None]:
    """One state's shape without the batch axis, from a length or a `tf.TensorShape`."""
    return tf.TensorShape(size).as_list() if not isinstance(size, int) else [size]


def shares_arguments(cell: type) -> Any:
    """A class decorator: what a layer's cell was made with can be read off the layer."""

    def share(layer: type) -> type:
        for name in [parameter.name for parameter in parameters(cell.__init__)]:  # type: ignore[misc]
            setattr(layer, name, property(operator.attrgetter(f"cell.{name}")))
        return layer

    return share


def cell_arguments(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Those of a layer's arguments that its cell takes too; what only the cell takes is taken away."""
    own: dict[str, Any] = {key: kwargs.pop(key) for key in ("seed", "implementation") if key in kwargs}
    shared: dict[str, Any] = {key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}
    return {"name": name, **shared, **own}
