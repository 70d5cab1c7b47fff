"""Members of earlier tf.keras 2 that old layers call."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers

NAMES = [
    "add_update", "add_variable", "build_from_config", "finalize_state", "get_build_config", "load_own_variables",
    "save_own_variables",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_the_oracles(name):
    ours, theirs = (inspect.signature(getattr(base, name)) for base in (layers.Layer, tf_keras.layers.Layer))
    assert list(ours.parameters) == list(theirs.parameters)


class Counting(layers.Layer):
    def build(self, input_shape):
        self.calls = self.add_variable("calls", (), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.add_update(lambda: self.calls.assign_add(1.0))
        self.add_update(self.calls.assign_add(1.0))
        return inputs


def test_updates_run_once_each_eagerly_and_in_a_graph():
    layer = Counting()
    layer(tf.zeros((1, 2)))
    tf.function(lambda x: layer(x))(tf.zeros((1, 2)))
    assert float(layer.calls) == 4.0
    assert layer.updates == []


def test_a_layer_is_rebuilt_and_refilled():
    first = layers.Dense(3)
    assert first.get_build_config() is None
    first.build((None, 2))
    second = layers.Dense(3)
    second.build_from_config(first.get_build_config())
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    np.testing.assert_array_equal(first.kernel, second.kernel)
    with pytest.raises(ValueError, match="has 2 weights of its own. Received: 1 values"):
        second.load_own_variables({"0": store["0"]})
