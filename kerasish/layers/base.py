"""Layer: weights, a computation, and the losses and metrics that come of it.

Longer than most files because one call of a layer is one decision: symbolic or not, training flag, mask, build, dtype,
losses and masks of the result all meet in `__call__`.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import activations, regularizers
from kerasish import metrics as metrics_module
from kerasish.core import dtype_policy, object_config
from kerasish.core.configurable import Configurable
from kerasish.core.forks import refuse_fork
from kerasish.core.naming import to_snake_case, unique_name
from kerasish.core.object_config import is_library_class
from kerasish.core.registry import Registry
from kerasish.core.shapes import Shape, is_shape, map_shapes, shapes_of, tensor_shapes_of, to_shape
from kerasish.core.tracking import unique
from kerasish.graph import scratch
from kerasish.graph.node import Node
from kerasish.graph.symbolic_tensor import SymbolicTensor, any_symbolic, is_symbolic
from kerasish.layers.calling import CallSignature, context, signature_of
from kerasish.layers.connections import Connected
from kerasish.layers.input_spec import check_inputs
from kerasish.layers.older_names import OlderNames

LAYERS = Registry("layer", "keras.layers")
_KEYWORDS = (
    "input_shape",
    "batch_input_shape",
    "input_dim",
    "batch_size",
    "weights",
    "autocast",
    "implementation",
    "input_length",
)


class Layer(Configurable, Connected, OlderNames):
    """A computation with weights.

    Subclasses create weights in `__init__` or in `build(input_shape)` and compute in `call(inputs, ...)`; `training`
    and `mask` reach `call` if its signature names them.

    Args:
        trainable: whether optimizers update the weights.
        name: the layer's name; a numbered snake-case form of the class name if None.
        dtype: dtype, dtype name or `Policy`; the global policy if None.
        dynamic: accepted for compatibility; layers always run eagerly or in a graph as their surroundings do.
        **kwargs: `input_shape`, `batch_input_shape`, `input_dim`, `batch_size` (for the first layer of a Sequential),
            `weights` (initial values), `autocast` (cast float inputs to the compute dtype), `activity_regularizer`.

    Raises:
        TypeError: for a keyword that no layer takes.
    """

    __config_module__ = "keras.layers"
    _family_base = True
    _object_identifier: Any = "_tf_keras_layer"  # its kind in SavedModels
    _config_excluded: tuple[str, ...] = ("trainable", "name", "dtype", "dynamic")

    built = False
    dynamic = False
    input_spec: Any = None
    stateful = False
    supports_masking = False
    _activity_regularizer: Any = None
    _autocast = True
    _batch_input_shape: Any = None
    _build_input_shape: Any = None
    _dtype_policy: Any = None
    _initial_weights: Any = None
    _signature: Any = None
    _tells_shape = False  # whether plain inputs tell the output's shape without a call
    _told_dropped_mask = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls, *args, **kwargs)
        instance.__dict__.update(_call_losses=[], _added_metrics=[])
        return instance

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, dynamic: bool = False, **kwargs: Any
    ):
        wrong = set(kwargs) - {*_KEYWORDS, "activity_regularizer"}
        if wrong:
            raise TypeError(f"{type(self).__name__} takes no keyword argument {', '.join(map(repr, sorted(wrong)))}.")
        self._name = name if name is not None else unique_name(to_snake_case(type(self).__name__))
        if not isinstance(self._name, str):
            raise TypeError(f"`name` must be a string. Received: name={name!r}")
        self._trainable = bool(trainable)
        self.dynamic = dynamic
        self._dtype_policy = dtype_policy.get_policy(dtype)
        self._autocast = kwargs.get("autocast", True)
        self._activity_regularizer = regularizers.get(kwargs.get("activity_regularizer"))
        self._initial_weights = kwargs.get("weights")
        self._batch_input_shape = _declared_shape(kwargs)

    # What a layer is.

    @property
    def dtype(self) -> str | None:
        """The type of the layer's weights."""
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str | None:
        """The type the layer computes in."""
        return self._dtype_policy.compute_dtype

    variable_dtype = property(lambda self: self._dtype_policy.variable_dtype, doc="The type of the layer's weights.")
    dtype_policy = property(lambda self: self._dtype_policy, doc="The pair of types the layer uses.")

    @property
    def activity_regularizer(self) -> Any:
        """The function of the output whose value is added to the losses."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer: Any) -> None:
        object.__setattr__(self, "_activity_regularizer", regularizer)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """Every layer within this one."""
        return tuple(self._flatten_layers(include_self=False))

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments: name, trainable, dtype, those of its own, and the shape it was declared for."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": _policy_config(self._dtype_policy)}
        if self._batch_input_shape is not None:
            config["batch_input_shape"] = tuple(self._batch_input_shape)
        config.update(super().get_config())
        described = type(self).get_config is Layer.get_config and not is_library_class(type(self))
        return _taken(type(self), config) if described else config

    def _weight_holders(self) -> list[Any]:
        return [child for child in self._children() if not isinstance(child, metrics_module.Metric)]

    def _trackable_children(self, save_type: Any = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "checkpoint":  # tf.keras has no such variable in checkpoints; one that is there is read
            children.pop("_noise", None)
        return children

    # Shapes.

    def build(self, input_shape: Any) -> None:
        """Creates the weights for inputs of that shape; called once, before the first `call`."""
        self._build_input_shape = map_shapes(to_shape, input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape (`tf.TensorShape`, or a structure of them) for inputs of that shape."""
        dtype = self.compute_dtype or "float32"
        inputs = map_shapes(lambda shape: SymbolicTensor(tf.TensorSpec(shape, dtype)), input_shape)
        with self._named_scope():
            self._maybe_build(inputs)
        specs, _ = self._infer((inputs,), {})
        return tf.nest.map_structure(lambda spec: spec.shape, specs)

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The output's `tf.TensorSpec` for inputs of that specification."""
        inputs = tf.nest.map_structure(SymbolicTensor, input_signature)
        self._maybe_build(inputs)
        return self._infer((inputs,), {})[0]

    # Calls.

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The computation; the base returns the inputs."""
        return inputs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's output for the inputs: tensors for tensors, symbolic tensors for symbolic ones."""
        signature = self._call_signature()
        if not args:
            if signature.first not in kwargs:
                raise ValueError(f'Layer "{self.name}" needs its inputs as the first argument.')
            args = (kwargs.pop(signature.first),)
        inputs = args[0]
        if type(inputs) is not scratch.eager_tensor_type or len(args) > 1 or kwargs:
            if any_symbolic(args, kwargs):
                return self._call_symbolically(signature, args, kwargs)
            if not isinstance(inputs, tf.Tensor):
                inputs = tf.nest.map_structure(_to_tensor, inputs)
        if context.depth == 0:
            refuse_fork()
            self._clear_losses()
        return self._call_with(signature, self._cast(inputs), args, kwargs)

    def _call_with(self, signature: CallSignature, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call on tensors, inside the context of the calls around it."""
        mask = self._fill_in(signature, inputs, args, kwargs)
        outer = context.training, context.scope, context.layer
        if signature.takes_training:
            context.training = signature.value("training", args, kwargs)
        elif "training" in kwargs:  # `call` does not take it, the layers within may
            context.training = kwargs.pop("training")
        context.scope = f"{outer[1]}/{self._name}" if outer[1] else self._name
        context.depth += 1
        context.layer = self
        try:
            if not self.built:
                self._maybe_build(inputs)
            if self.input_spec is not None:
                check_inputs(self._name, self.input_spec, inputs)
            if tf.executing_eagerly():
                outputs = self.call(inputs, *args[1:], **kwargs)
            else:
                with tf.name_scope(_scope_name(self._name)):
                    outputs = scratch.converted(self.call)(inputs, *args[1:], **kwargs)
            if self._activity_regularizer is not None:
                self._regularize_activity(outputs)
        finally:
            context.training, context.scope, context.layer = outer
            context.depth -= 1
        if mask is not None or type(self).compute_mask is not Layer.compute_mask:
            self._mark(inputs, mask, outputs)
        return outputs

    def _fill_in(self, signature: CallSignature, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Adds `training` and `mask` where the signature names them and the caller did not; returns the mask."""
        if signature.takes_training and signature.value("training", args, kwargs) is None:
            inherited = context.training if context.training is not None else signature.default_training
            told = inherited is not None or signature.needs_training
            if told and signature.positions.get("training", len(args)) >= len(args):
                kwargs["training"] = inherited
        mask = masks_of(inputs)
        if signature.takes_mask and signature.value("mask", args, kwargs) is not None:
            mask = signature.value("mask", args, kwargs)
        elif mask is not None and signature.takes_mask and not signature.given("mask", args, {}):
            kwargs["mask"] = mask
        return mask

    def _call_signature(self) -> CallSignature:
        if self._signature is None:
            object.__setattr__(self, "_signature", signature_of(self.call))
        return self._signature

    def _call_symbolically(self, signature: CallSignature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Symbolic outputs and a node that remembers the call."""
        with self._named_scope():
            self._maybe_build(args[0])
        if len(args) <= len(signature.positions):
            args, kwargs = args[:1], {**kwargs, **dict(zip(list(signature.positions)[1:], args[1:], strict=False))}
        specs, masks = self._infer(args, kwargs)
        outputs = tf.nest.map_structure(SymbolicTensor, specs)
        for tensor, mask in zip(tf.nest.flatten(outputs), masks, strict=True):
            tensor._keras_mask = None if mask is None else SymbolicTensor(mask)
        Node(self, args, kwargs, outputs)
        return outputs

    def _infer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The specifications of outputs and of their masks, learned by one call in a scratch graph if need be."""
        told = self._told(args, kwargs)
        if told is not None:
            return told, [None]
        with scratch.scratch_graph(self._name):
            real = tf.nest.map_structure(_stand_in, (args, dict(kwargs)))
            inputs = self._cast(real[0][0])
            outputs = self._call_with(self._call_signature(), inputs, real[0], real[1])
            outputs = tf.nest.map_structure(_to_tensor, outputs)
            specs = tf.nest.map_structure(scratch.spec_of, outputs)
            masks = [getattr(tensor, "_keras_mask", None) for tensor in tf.nest.flatten(outputs)]
            masks = [None if mask is None else scratch.spec_of(mask) for mask in masks]
        self._clear_losses()
        return specs, masks

    def _told(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tf.TensorSpec | None:
        """The output's specification where the inputs' tell it without a call."""
        inputs = args[0] if isinstance(args[0], list) else [args[0]]
        plain = len(args) == 1 and not kwargs and all(_is_plain(tensor, self.compute_dtype) for tensor in inputs)
        if not self._tells_shape or not plain or not is_library_class(type(self)):
            return None
        if self.input_spec is not None:
            check_inputs(self._name, self.input_spec, args[0])
        shape = self._told_shape(shapes_of(args[0]))
        return None if shape is None else tf.TensorSpec(shape, self.compute_dtype)

    def _told_shape(self, input_shape: Any) -> Any:
        """The shape of the output of a layer with `_tells_shape`; None where only a call can tell."""
        activation = getattr(self, "activation", activations.linear)
        return self.compute_output_shape(input_shape) if activations.is_own(activation) else None

    def _maybe_build(self, inputs: Any) -> None:
        if self.built:
            return
        if self.input_spec is not None:
            check_inputs(self._name, self.input_spec, inputs)
        if self._dtype_policy.variable_dtype is None:
            object.__setattr__(self, "_dtype_policy", dtype_policy.Policy(tf.nest.flatten(inputs)[0].dtype.name))
        with tf.init_scope(), tf.name_scope(_scope_name(context.scope) + "/"):
            shapes = shapes_of if is_library_class(_definer(type(self), "build")) else tensor_shapes_of
            self.build(shapes(inputs))
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _named_scope(self) -> Any:
        return named_scope(f"{context.scope}/{self._name}" if context.scope else self._name)

    def _cast(self, inputs: Any) -> Any:
        """The inputs with floats in the compute dtype."""
        wanted = self._dtype_policy.compute_dtype if self._autocast and self._dtype_policy else None
        if wanted is None or not _FLOATING.get(wanted, False):
            return inputs
        if isinstance(inputs, tf.Tensor):
            return _cast_float(inputs, wanted)
        return tf.nest.map_structure(lambda value: _cast_float(value, wanted), inputs)

    # Masks.

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: that of the input if the layer supports masking, else none."""
        return mask if self.supports_masking else None

    def _mark(self, inputs: Any, mask: Any, outputs: Any) -> None:
        if any(getattr(tensor, "_keras_mask", None) is not None for tensor in tf.nest.flatten(outputs)):
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            if type(self).compute_mask is Layer.compute_mask and not self._call_signature().takes_mask:
                self._tell_dropped_mask()
            return
        flat = tf.nest.flatten(outputs)
        found = [masks] if len(flat) == 1 and not isinstance(masks, (list, tuple)) else tf.nest.flatten(masks)
        for tensor, one in zip(flat, found, strict=False):
            if one is not None and tensor is not inputs:
                tensor._keras_mask = one

    def _tell_dropped_mask(self) -> None:
        """Warns, once for each layer, that what comes after it will take padding for data."""
        if not self._told_dropped_mask:
            object.__setattr__(self, "_told_dropped_mask", True)
            warnings.warn(
                f'Layer "{self._name}" ({type(self).__name__}) was called on inputs with a mask and drops it: what '
                "comes after it takes padding for data.\nIf that is meant, unmask the inputs before it; in a layer of "
                "your own, set `self.supports_masking = True` or define `compute_mask`.",
                stacklevel=2,
            )  # fmt: skip

    # Losses and metrics.

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Adds scalar tensors that depend on the inputs, or zero-argument functions that are evaluated when asked for.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: for a symbolic tensor (only a functional model takes those).
        """
        kwargs.pop("inputs", None)
        if kwargs:
            raise TypeError(f"add_loss takes no keyword argument {', '.join(map(repr, kwargs))}.")
        for loss in tf.nest.flatten(losses):
            if loss is None:
                continue
            if is_symbolic(loss):
                self._add_symbolic_loss(loss)
            elif callable(loss) and not isinstance(loss, (tf.Tensor, tf.Variable)):
                self._regularizations.append(loss)
            else:
                _Losses.were_added = True
                self._call_losses.append(
                    loss if isinstance(loss, tf.Tensor) else tf.convert_to_tensor(loss, _loss_dtype(loss))
                )

    def _add_symbolic_loss(self, loss: SymbolicTensor) -> None:
        raise ValueError(
            f'Only functional models take symbolic losses. Received: {loss!r} for "{self.name}".\n'
            "Call `self.add_loss(...)` inside `call`, or `model.add_loss(...)` on the functional model."
        )

    @property
    def losses(self) -> list[tf.Tensor]:
        """Losses of the last call and of the regularizers, here and within; reset at each outermost call."""
        found = []
        for layer in self._flatten_layers():
            found.extend(layer._call_losses)
            found.extend(value for value in (function() for function in layer._regularizations) if value is not None)
        return found

    def _clear_losses(self) -> None:
        if not _Losses.were_added:
            return
        for layer in self._flatten_layers():
            if layer._call_losses:
                layer._call_losses.clear()

    def _regularize_activity(self, outputs: Any) -> None:
        for output in tf.nest.flatten(outputs):
            batch = tf.cast(tf.shape(output)[0], output.dtype)
            self.add_loss(self._activity_regularizer(output) / batch)

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """Adds a metric to the layer: the mean of a tensor over the epoch, or the result of a metric object.

        Args:
            value: a tensor computed from the inputs, or what calling a metric returned.
            name: the metric's name (for a metric's result the metric has one).
            **kwargs: `aggregation`: `"mean"`; None if `value` is a metric's result.

        Raises:
            ValueError: without a name, or for another aggregation.
            TypeError: for an unknown keyword.
        """
        aggregation = kwargs.pop("aggregation", None)
        if set(kwargs) - {"inputs"}:
            raise TypeError(f"add_metric takes no keyword argument {', '.join(map(repr, kwargs))}.")
        owner = getattr(value, "_metric_obj", None)
        if name is None and owner is None:
            raise ValueError("A metric of a tensor needs a name: add_metric(value, name='...').")
        if aggregation not in (None, "mean"):
            raise ValueError(f"`aggregation` must be None or 'mean'. Received: aggregation={aggregation!r}")
        if context.exporting:
            return
        if is_symbolic(value):
            self._add_symbolic_metric(value, name, aggregation)
        elif owner is not None:
            if all(metric is not owner for metric in self.metrics):
                self._added_metrics.append(owner)
        else:
            self._mean_named(str(name)).update_state(value)

    def _mean_named(self, name: str) -> Any:
        for metric in self._added_metrics:
            if metric.name == name:
                return metric
        with tf.init_scope():
            self._added_metrics.append(metrics_module.Mean(name=name, dtype=self.dtype))
        return self._added_metrics[-1]

    def _add_symbolic_metric(self, value: SymbolicTensor, name: str | None, aggregation: str | None) -> None:
        raise ValueError(
            f'Only functional models take symbolic metrics. Received: {value!r} for "{self.name}".\n'
            "Call `self.add_metric(...)` inside `call`, or `model.add_metric(...)` on the functional model."
        )

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and those within."""
        found: list[Any] = []
        for layer in self._flatten_layers():
            found.extend(child for child in layer._children() if isinstance(child, metrics_module.Metric))
            found.extend(layer._added_metrics)
        return unique(found)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy = type(self).from_config(self.get_config())
        if self.built and self._build_input_shape is not None:
            with tf.name_scope(_scope_name(copy.name) + "/"):
                copy.build(self._build_input_shape)
            copy.set_weights(self.get_weights())
        memo[id(self)] = copy
        return copy


class _Losses:
    """Whether any layer of this process has added a loss in a call; where none has, none must be looked for."""

    were_added = False


class named_scope:  # noqa: N801 (a context)
    """The names of the layers around, for the time of a build."""

    def __init__(self, scope: str):
        self.scope, self.outer = scope, context.scope

    def __enter__(self) -> None:
        context.scope = self.scope

    def __exit__(self, *exception: Any) -> None:
        context.scope = self.outer


_FLOATING = {name: True for name in ("float16", "bfloat16", "float32", "float64")}


def masks_of(inputs: Any) -> Any:
    """The masks that the tensors carry, in the structure of the inputs, or None if there is none."""
    if isinstance(inputs, tf.Tensor):
        return getattr(inputs, "_keras_mask", None)
    masks = [getattr(tensor, "_keras_mask", None) for tensor in tf.nest.flatten(inputs)]
    if all(mask is None for mask in masks):
        return None
    return masks[0] if not tf.nest.is_nested(inputs) else tf.nest.pack_sequence_as(inputs, masks)


def serialize(layer: Any, use_legacy_format: bool = False) -> dict[str, Any]:
    """The layer's class and configuration as plain JSON, in the two-key form of earlier releases if asked for."""
    config = object_config.serialize_object(layer)
    return object_config.two_key_form(config) if use_legacy_format else config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None, use_legacy_format: bool = False) -> Any:
    """The layer that a configuration describes; weights are not part of it."""
    return LAYERS.get(config, custom_objects)


def _declared_shape(kwargs: dict[str, Any]) -> Shape | None:
    """The batch shape that `input_shape`, `batch_input_shape` or `input_dim` declare."""
    if kwargs.get("input_shape") is None and kwargs.get("input_dim") is not None:
        kwargs["input_shape"] = (kwargs["input_dim"],)
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    if kwargs.get("input_shape") is None:
        return None
    shape = kwargs["input_shape"]
    if not is_shape(shape):
        raise ValueError(
            f"`input_shape` must be a tuple of sizes without the batch axis. Received: input_shape={shape!r}"
        )
    return (kwargs.get("batch_size"), *to_shape(shape))  # type: ignore[misc]


def _definer(kind: type, method: str) -> type:
    """The class whose definition of the method is in force."""
    return next(base for base in kind.__mro__ if method in base.__dict__)


def _taken(kind: type, config: dict[str, Any]) -> dict[str, Any]:
    """What the constructor of a user's class takes of a configuration that was made for it."""
    accepted = inspect.signature(kind).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    return config if takes_any else {key: value for key, value in config.items() if key in accepted}


def _policy_config(policy: dtype_policy.Policy) -> Any:
    return policy.name if policy.name == policy.variable_dtype else object_config.serialize_object(policy)


def _scope_name(name: str) -> str:
    """A name TensorFlow accepts as a scope."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "_./-") else "_" for c in name)
    return cleaned if cleaned[:1].isalnum() or cleaned[:1] == "." else f"layer{cleaned}"


def _to_tensor(value: Any) -> Any:
    if isinstance(value, (tf.Tensor, tf.Variable, tf.RaggedTensor, tf.SparseTensor, SymbolicTensor)) or value is None:
        return value
    if isinstance(value, (np.ndarray, np.generic, float, int, bool)):
        return tf.convert_to_tensor(value)
    return value


def _cast_float(value: Any, dtype: str) -> Any:
    kind = getattr(value, "dtype", None)
    if kind is None or not isinstance(kind, tf.DType) or not kind.is_floating or kind.name == dtype:
        return value
    cast = tf.cast(value, dtype)
    mask = getattr(value, "_keras_mask", None)
    if mask is not None:
        cast._keras_mask = mask
    return cast


def _loss_dtype(value: Any) -> Any:
    return None if hasattr(value, "dtype") else tf.float32


def _is_plain(value: Any, dtype: str | None) -> bool:
    """Whether it is a symbolic tensor of that type, of known rank, without a mask."""
    if not is_symbolic(value) or value._keras_mask is not None or type(value.type_spec) is not tf.TensorSpec:
        return False
    return value.dtype.name == dtype and value.rank is not None


def _stand_in(value: Any) -> Any:
    if not is_symbolic(value):
        return value
    tensor = scratch.placeholder(value.type_spec)
    if value._keras_mask is not None:
        tensor._keras_mask = scratch.placeholder(value._keras_mask.type_spec)
    return tensor
