"""Masks: what a model makes of them, and a warning where a layer drops one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers

TEXT = np.array([[1, 2, 0], [3, 0, 0]])


def masked(length=3):
    return layers.Embedding(5, 2, mask_zero=True)(layers.Input((length,)))


class Doubled(layers.Layer):
    """A user's layer that says nothing of masks."""

    def call(self, inputs):
        return inputs * 2.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Flatten(name="dropper"),
        lambda: layers.Conv1D(2, 2, name="dropper"),
        lambda: layers.Reshape((2, 3), name="dropper"),
        lambda: layers.GlobalMaxPooling1D(name="dropper"),
        lambda: Doubled(name="dropper"),
    ],
)
def test_a_layer_that_drops_a_mask_warns_once_by_name(make):
    layer, inputs = make(), layers.Embedding(5, 2, mask_zero=True)(TEXT)
    with pytest.warns(UserWarning, match='Layer "dropper"'):
        layer(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(inputs)


def test_the_warning_comes_when_a_functional_model_is_built_and_not_again():
    with pytest.warns(UserWarning, match='Layer "flat"'):
        model = kerasish.Sequential(
            [layers.Embedding(5, 2, mask_zero=True, input_length=3), layers.Flatten(name="flat"), layers.Dense(1)]
        )
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(TEXT, np.ones(2), verbose=0)
        model.predict(TEXT, verbose=0)


def test_an_operation_on_a_masked_sequence_warns_unless_it_takes_a_part():
    inputs = masked()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inputs[:, 0], tf.shape(inputs), tf.reduce_sum(inputs, 1)
    with pytest.warns(UserWarning, match="tf.math.multiply"):
        assert (inputs * 2.0)._keras_mask is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(2),
        lambda: layers.Bidirectional(layers.GRU(2, return_sequences=True)),
        lambda: layers.GlobalAveragePooling1D(),
        lambda: layers.Dense(2),
        lambda: layers.Dropout(0.5),
        lambda: layers.TimeDistributed(layers.Dense(2)),
        lambda: layers.Lambda(lambda x, mask: x * tf.cast(mask, x.dtype)[..., None]),
        lambda: layers.MultiHeadAttention(1, 2),
        lambda: kerasish.Sequential([layers.LSTM(2), layers.Dense(1)]),
    ],
)
def test_layers_that_use_pass_on_or_end_a_mask_do_not_warn(make):
    layer, inputs = make(), layers.Embedding(5, 2, mask_zero=True)(TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(inputs, inputs) if isinstance(layer, layers.MultiHeadAttention) else layer(inputs)


def test_a_model_tells_the_masks_of_its_outputs_as_the_oracle():
    found = []
    for library in (kerasish, tf_keras):
        keras, tokens = library.layers, tf.constant(TEXT)
        i = keras.Input((3,))
        e = keras.Embedding(5, 2, mask_zero=True)(i)
        both = library.Model(i, [e, keras.Dense(1)(e)])
        stack = library.Sequential([keras.Embedding(5, 2, mask_zero=True), keras.LSTM(2, return_sequences=True)])
        deferred = library.Sequential([keras.Dense(1)])
        given = tf.constant([[True, False, True]])
        found.append([*both.compute_mask(tokens, None), stack.compute_mask(tokens, None),
                      deferred.compute_mask(tf.ones((1, 3)), given)])  # fmt: skip
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
