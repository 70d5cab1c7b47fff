"""Variables made at the cost of their values."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

_ANY = "variable/"  # the slash keeps the scopes around out of it


def new_variable(initial_value: Any, name: str, **options: Any) -> tf.Variable:
    """`tf.Variable(initial_value, name=name, **options)`, four times as fast.

    TensorFlow prepares the operation that makes a variable anew for each name, and keeps it. Here all have one name
    while they are made, and get their own then. In graphs and on replicas names tell variables apart from the start.
    """
    if not tf.executing_eagerly() or tf.distribute.has_strategy():
        return tf.Variable(initial_value, name=name, **options)
    made = tf.Variable(initial_value, name=_ANY, **options)
    if hasattr(made, "_handle_name"):
        with tf.name_scope(name) as scope:
            made._handle_name = f"{scope[:-1]}:0"
    return made
