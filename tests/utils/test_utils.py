"""`utils` against tf_keras.utils."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers, utils

CLASSES = ("CustomObjectScope", "custom_object_scope", "Progbar", "Sequence")


@pytest.mark.parametrize("name", [name for name in utils.__all__ if callable(getattr(utils, name))])
def test_signatures_are_those_of_tf_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (utils, tf_keras.utils))
    names = [[(p.kind, p.default) for p in s.parameters.values()] for s in (ours, theirs)]
    assert names[0] == names[1]
    if name not in ("get_registered_name",):
        assert list(ours.parameters) == list(theirs.parameters)


@pytest.mark.parametrize("name", ["to_categorical", "to_ordinal"])
@pytest.mark.parametrize(
    "args",
    [([0, 2, 1],), ([[0], [2]],), ([[0, 1], [2, 0]], 4), (2,), ([1.7],), ([], 3), ([1, 0], None, "int32")],
    ids=str,
)
def test_labels_become_rows(name, args):
    ours, theirs = getattr(utils, name)(*args), getattr(tf_keras.utils, name)(*args)
    np.testing.assert_array_equal(ours, theirs)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)


@pytest.mark.parametrize("labels", [[3], [-1]])
def test_a_label_that_is_no_class_is_named(labels):
    with pytest.raises(IndexError, match=str(labels[0])):
        utils.to_categorical(labels, 3)


@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"order": 1}, {"axis": 1}], ids=str)
@pytest.mark.parametrize("x", [[[3.0, 4.0], [0.0, 0.0]], [[1, 2], [3, 4]]], ids=str)
def test_vectors_get_unit_length(x, options):
    np.testing.assert_allclose(utils.normalize(x, **options), tf_keras.utils.normalize(x, **options))


def test_a_single_vector_counts_as_a_row():
    np.testing.assert_allclose(utils.normalize([3.0, 4.0]), [[0.6, 0.8]])


@pytest.mark.parametrize(
    "make",
    [
        lambda keras: keras.layers.Dense(2, activation="relu", kernel_regularizer="l2", name="d"),
        lambda keras: keras.losses.Huber(delta=2.0),
        lambda keras: keras.activations.relu,
        lambda keras: [1, keras.regularizers.L2(0.5), {"a": np.float32(2)}],
        lambda keras: (1, None, "a", tf.float32, tf.TensorShape([1, None])),
        lambda keras: {"array": np.zeros(2), "tensor": tf.constant([1.5]), "bytes": b"x"},
    ],
)
def test_objects_are_written_as_tf_keras_writes_them(make):
    ours = utils.serialize_keras_object(make(kerasish))
    assert ours == tf_keras.utils.serialize_keras_object(make(tf_keras))
    assert utils.serialize_keras_object(utils.deserialize_keras_object(ours)) == ours


def test_what_has_no_written_form_is_refused():
    for thing in (lambda x: x, layers.Dense, object()):
        with pytest.raises(TypeError):
            utils.serialize_keras_object(thing)


def test_names_are_looked_up_in_given_objects():
    scale = lambda x: x * 2  # noqa: E731
    assert utils.deserialize_keras_object("scale", module_objects={"scale": scale}) is scale
    with pytest.raises(ValueError, match="'scale'"):
        utils.deserialize_keras_object("skale", module_objects={"scale": scale}, printable_module_name="function")
    with pytest.raises(TypeError, match="unknown"):
        utils.deserialize_keras_object("scale", unknown=1)


def test_registered_and_scoped_classes_are_found():
    @utils.register_keras_serializable("test")
    class Doubled(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    config = utils.serialize_keras_object(Doubled(name="x"))
    assert config["registered_name"] == utils.get_registered_name(Doubled) == "test>Doubled"
    assert isinstance(utils.deserialize_keras_object(config), Doubled)
    assert utils.get_registered_object("test>Doubled") is Doubled
    assert utils.get_custom_objects()["test>Doubled"] is Doubled

    class Tripled(Doubled):
        pass

    config = {"class_name": "Tripled", "config": {"name": "y"}}
    with pytest.raises(ValueError, match="Tripled"):
        utils.deserialize_keras_object(config)
    with utils.custom_object_scope({"Tripled": Tripled}):
        assert isinstance(utils.deserialize_keras_object(config), Tripled)
    assert isinstance(utils.deserialize_keras_object(config, custom_objects={"Tripled": Tripled}), Tripled)


def test_the_inputs_behind_a_tensor():
    first, second = kerasish.Input((3,)), kerasish.Input((3,))
    joined = layers.add([layers.Dense(3)(first), second])
    assert utils.get_source_inputs(joined + first) == [first, second]
    assert utils.get_source_inputs(first) == [first]
    assert utils.get_source_inputs(None, joined.node.layer, 0) == [first, second]


def test_batches_are_packed_and_unpacked():
    assert utils.unpack_x_y_sample_weight(utils.pack_x_y_sample_weight(1, 2, 3)) == (1, 2, 3)
    assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
    assert utils.pack_x_y_sample_weight(1) == tf_keras.utils.pack_x_y_sample_weight(1)


def test_a_seed_repeats_a_program():
    drawn = []
    for _ in range(2):
        utils.set_random_seed(7)
        drawn.append((np.random.rand(), float(tf.random.uniform(())), layers.Dense(2)(tf.ones((1, 2))).numpy().sum()))
    assert drawn[0] == drawn[1]
