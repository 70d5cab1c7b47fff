"""Inputs of every kind: dense, ragged and sparse, from a shape, a specification or a tensor."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers

RAGGED = tf.RaggedTensor.from_row_lengths([1, 2, 3, 4], [3, 1])
SPARSE = tf.sparse.from_dense([[1.0, 0, 2, 0], [0, 0, 0, 3]])
KINDS = [
    {"shape": (3,)},
    {"shape": 3},
    {"shape": (3,), "batch_size": 4},
    {"batch_shape": (2, None)},
    {"shape": (), "dtype": "int32"},
    {"shape": (None,), "ragged": True},
    {"shape": (None, 2), "ragged": True},
    {"shape": (3, None, 2), "ragged": True, "batch_size": 2},
    {"shape": (4,), "sparse": True},
    {"type_spec": tf.TensorSpec((2, None), "int64")},
    {"type_spec": tf.RaggedTensorSpec((None, None), tf.int32)},
    {"type_spec": tf.SparseTensorSpec((None, 4))},
    {"tensor": tf.ones((2, 3))},
    {"tensor": RAGGED},
    {"tensor": SPARSE},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_input_has_the_oracles_type(kind):
    ours, theirs = layers.Input(**kind), tf_keras.Input(**kind)
    assert (tuple(ours.shape), ours.dtype) == (tuple(theirs.shape), theirs.dtype)
    assert type(ours.type_spec) is type(theirs.type_spec)
    assert getattr(ours.type_spec, "ragged_rank", None) == getattr(theirs.type_spec, "ragged_rank", None)
    config = ours.node.layer.get_config()
    again = layers.InputLayer.from_config(config).symbolic
    assert (again.shape, again.dtype, type(again.type_spec)) == (ours.shape, ours.dtype, type(ours.type_spec))
    if "type_spec" not in kind and "tensor" not in kind:
        assert config == {**theirs.node.layer.get_config(), "name": config["name"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"shape": (3,), "batch_shape": (2, 3)},
        {"shape": (3,), "sparse": True, "ragged": True},
        {"type_spec": tf.TensorSpec((2, 3)), "dtype": "int32"},
        {"type_spec": tf.SparseTensorSpec((2, 3)), "sparse": True},
        {"tensor": tf.ones((2, 3)), "dtype": "int32"},
    ],
    ids=str,
)
def test_what_contradicts_itself_is_refused_as_by_the_oracle(wrong):
    for make in (layers.Input, tf_keras.Input):
        with pytest.raises(ValueError):
            make(**wrong)


def ragged_model(library):
    keras = library.layers
    tokens = keras.Input((None,), ragged=True, dtype="int32")
    steps = keras.LSTM(3, return_sequences=True)(keras.Embedding(5, 2)(tokens))
    return library.Model(tokens, keras.Dense(1)(keras.LSTM(2)(steps)))


def sparse_model(library):
    rows = library.layers.Input((4,), sparse=True)
    return library.Model(rows, library.layers.Dense(1)(library.layers.Dense(3, "tanh")(rows)))


def specified_model(library):
    tokens = library.layers.Input(type_spec=tf.RaggedTensorSpec((None, None), tf.int32))
    return library.Model(tokens, library.layers.Dense(1)(library.layers.GRU(2)(library.layers.Embedding(5, 2)(tokens))))


def test_a_model_with_a_label_for_each_step_of_ragged_rows_trains_as_the_oracle():
    lengths, random = [4, 6, 2, 8, 10, 3, 3, 4], np.random.RandomState(0)
    rows = tf.RaggedTensor.from_row_lengths(random.rand(40, 3).astype("float32"), lengths)
    labels = rows.with_values(tf.constant(random.randint(0, 3, 40)))
    histories = []
    for library in (kerasish, tf_keras):
        inputs = library.Input((None, 3), ragged=True)
        steps = library.layers.TimeDistributed(library.layers.Dense(3, "softmax"))(inputs)
        model = library.Model(inputs, steps)
        model.set_weights([np.eye(3), np.zeros(3)])
        model.compile("sgd", "sparse_categorical_crossentropy")
        histories.append(model.fit(rows, labels, epochs=2, batch_size=4, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "inputs"), [(ragged_model, RAGGED), (sparse_model, SPARSE), (specified_model, RAGGED)]
)
def test_models_of_ragged_and_sparse_inputs_train_as_the_oracles(make, inputs):
    losses = []
    for library in (kerasish, tf_keras):
        model = make(library)
        model.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in model.get_weights()])
        model.compile(library.optimizers.SGD(0.1), "mse")
        data = tf.data.Dataset.from_tensor_slices((inputs, [[1.0], [0.0]])).batch(2)
        losses.append([*model.fit(data, epochs=4, verbose=0).history["loss"], *model.predict(inputs, verbose=0)[:, 0]])
    np.testing.assert_allclose(*losses, rtol=1e-4, atol=1e-6)
