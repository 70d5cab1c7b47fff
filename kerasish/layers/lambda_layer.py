"""Lambda: any function as a layer."""

from __future__ import annotations

import base64
import inspect
import marshal
import types
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kerasish import activations
from kerasish.core import trust
from kerasish.core.object_config import function_name
from kerasish.core.registry import find_custom, is_registered
from kerasish.layers.base import LAYERS, Layer


class _Code(tuple):
    """The description of a function (code, defaults, closure) that, as long as it is not written to a file, still has
    the function: copying a layer within a program runs nothing that a file could have brought."""

    function: Callable[..., Any]


@LAYERS.register()
class Lambda(Layer):
    """`function(inputs, **arguments)`.

    The function has no weights: variables are to be owned by a `Layer`. A configuration holds it as Python byte code,
    which is refused when loaded, unless the function itself is provided or safe mode is switched off.

    Args:
        function: takes the inputs, and `mask` and `training` where its signature names them.
        output_shape: accepted for compatibility; a shape without the batch axis or a function of the input's shape.
        mask: the output's mask, or a function of inputs and mask.
        arguments: further keyword arguments of the function.
        **kwargs: arguments of `Layer`.

    Raises:
        TypeError: if `function` cannot be called.
    """

    _config_excluded: tuple[str, ...] = ("function", "output_shape", "mask", "arguments")

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"`function` must be a function. Received: function={function!r}")
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._parameters = _parameters(function)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """What the function returns."""
        context = {name: value for name, value in (("mask", mask), ("training", training)) if name in self._parameters}
        with tf.variable_creator_scope(self._refuse_variable):
            return self.function(inputs, **{**context, **self.arguments})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The `mask` argument, called with inputs and mask if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The `output_shape` argument, else what a trial call gives."""
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return tf.TensorShape(self._output_shape(input_shape))
        return tf.TensorShape([tf.TensorShape(input_shape)[0], *tf.TensorShape(self._output_shape)])

    def _refuse_variable(self, create: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f'The function of layer "{self.name}" creates a variable: made anew at each call, never trained.\n'
            "Write a subclass of Layer that creates it in `build` with `self.add_weight(...)`."
        )

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments; functions by name where they are registered, else as byte code."""
        function, kind, module = _describe(self.function)
        shape, shape_kind, shape_module = _describe(self._output_shape)
        return {
            **super().get_config(),
            "function": function,
            "function_type": kind,
            "module": module,
            "output_shape": shape,
            "output_shape_type": shape_kind,
            "output_shape_module": shape_module,
            "arguments": self.arguments,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Lambda:
        """The layer of a configuration.

        Raises:
            ValueError: if it holds byte code, and neither is the function provided nor safe mode off.
        """
        config = dict(config)
        for key in ("function", "output_shape"):
            kind = config.pop(f"{key}_type", "raw")
            config[key] = _rebuild(config.get(key), kind, str(config.get("name", "lambda")), custom_objects)
        for key in ("module", "output_shape_module"):
            config.pop(key, None)
        return cls(**config)


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def _describe(value: Any) -> tuple[Any, str, str | None]:
    """A function's description, its kind and its module; other values as they are."""
    if not callable(value):
        return value, "raw", None
    module = getattr(value, "__module__", None)
    if is_registered(value) or value in _known_functions() or not isinstance(value, types.FunctionType):
        return function_name(value), "function", module
    cells = tuple(cell.cell_contents for cell in value.__closure__) if value.__closure__ else None
    code = _Code((base64.encodebytes(marshal.dumps(value.__code__)).decode("ascii"), value.__defaults__, cells))
    code.function = value
    return code, "lambda", module


def _rebuild(value: Any, kind: str, layer: str, custom_objects: dict[str, Any] | None) -> Any:
    """The value that was described; code from elsewhere only outside of safe mode."""
    if kind == "raw":
        return value
    if isinstance(value, _Code):
        return value.function
    provided = find_custom(value if kind == "function" else layer, custom_objects)
    if provided is not None:
        return provided
    if kind == "function":
        known = {function.__name__: function for function in _known_functions()}
        if value in known:
            return known[value]
        raise ValueError(
            f'Layer "{layer}" needs a function that is not known here. Received: function={value!r}\n'
            f"Provide it: custom_objects={{{value!r}: {value}}}."
        )
    if trust.in_safe_mode():
        raise ValueError(
            f'Layer "{layer}" holds Python code, which would run when the model is used; it was not loaded.\n'
            f"Provide the function: custom_objects={{{layer!r}: function}};\n"
            "or, if you trust the file's author, allow it: load_model(path, safe_mode=False)."
        )
    return _unmarshal(value)


def _unmarshal(value: Any) -> Callable[..., Any]:
    """The function of a description that the user trusts."""
    text, defaults, cells = value if isinstance(value, (list, tuple)) else (value, None, None)
    code = marshal.loads(base64.decodebytes(text.encode("ascii")))
    closure = tuple(types.CellType(content) for content in cells) if cells else None
    return types.FunctionType(code, {"tf": tf, "__builtins__": __builtins__}, None, tuple(defaults or ()), closure)


def _known_functions() -> list[Callable[..., Any]]:
    """The functions that a name in a configuration may stand for: activations."""
    registered = (activations.ACTIVATIONS.resolve(name) for name in activations.ACTIVATIONS.names())
    return [function for function in registered if inspect.isfunction(function)]
