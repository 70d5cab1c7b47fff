"""The few global numbers and words of the library: float type, epsilon, image layout.

Source: behaviour of tf.keras 2 (`~/.keras/keras.json` and the `backend` functions of the same names).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")
_on_clear: list[Callable[[], None]] = []
_values: dict[str, object] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


def home() -> Path:
    """The folder of the user's Keras files: `$KERAS_HOME`, else `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def floatx() -> str:
    """Name of the float type that new weights and converted inputs get, `"float32"` unless set."""
    return str(_values["floatx"])


def set_floatx(value: str) -> None:
    """Sets the default float type.

    Raises:
        ValueError: for anything but float16, bfloat16, float32 and float64.
    """
    _values["floatx"] = _one_of("floatx", value, _FLOAT_TYPES)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 unless set."""
    return float(_values["epsilon"])  # type: ignore[arg-type]


def set_epsilon(value: float) -> None:
    """Sets the small number that keeps divisions and logarithms finite."""
    _values["epsilon"] = float(value)


def image_data_format() -> str:
    """`"channels_last"` or `"channels_first"`: where layers look for channels when not told."""
    return str(_values["image_data_format"])


def set_image_data_format(data_format: str) -> None:
    """Sets where layers look for channels when not told.

    Raises:
        ValueError: for anything but the two layouts.
    """
    _values["image_data_format"] = _one_of("data_format", data_format, _LAYOUTS)


def start_afresh() -> None:
    """Starts names afresh (the next Dense is `dense` again) and forgets global state."""
    for forget in _on_clear:
        forget()


def on_fresh_start(forget: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that `start_afresh` calls; usable as a decorator."""
    _on_clear.append(forget)
    return forget


def _one_of(argument: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"`{argument}` must be one of {', '.join(allowed)}. Received: {argument}={value!r}")
    return value


def _read_user_file() -> None:
    """Takes over the user's `keras.json`; a file that cannot be read or holds other values is left alone."""
    try:
        chosen = json.loads((home() / "keras.json").read_text())
    except (OSError, ValueError):
        return
    if isinstance(chosen, dict):
        if chosen.get("floatx") in _FLOAT_TYPES:
            _values["floatx"] = chosen["floatx"]
        if isinstance(chosen.get("epsilon"), float):
            _values["epsilon"] = chosen["epsilon"]
        if chosen.get("image_data_format") in _LAYOUTS:
            _values["image_data_format"] = chosen["image_data_format"]


_read_user_file()
