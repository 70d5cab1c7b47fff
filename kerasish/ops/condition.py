"""A choice between two computations by a flag that may be a Python value or a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def choose(flag: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """`then()` if the flag is true, else `otherwise()`; a symbolic flag makes both branches of one `tf.cond`."""
    if not isinstance(flag, (tf.Tensor, tf.Variable)):
        return then() if flag else otherwise()
    value = tf.get_static_value(tf.convert_to_tensor(flag))
    if value is not None:
        return then() if value else otherwise()
    return tf.cond(tf.cast(flag, tf.bool), then, otherwise)
