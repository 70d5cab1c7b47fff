"""What makes the first step quick leaves names, shapes and the user's settings as they are."""

import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras
from kerasish.core.execution import briefly_optimized
from kerasish.core.variables import new_variable


@pytest.mark.parametrize("name", ["kernel", "m/dense/kernel", "variable"])
def test_a_new_variable_has_the_name_that_tensorflow_gives(name):
    for scope in ("", "outer/inner/"):
        with tf.name_scope(scope):
            found, expected = new_variable(1.0, name, trainable=False), tf.Variable(1.0, name=name, trainable=False)
        assert found.name == expected.name
        assert not found.trainable and found.dtype == expected.dtype


def test_variables_of_one_name_do_not_share_a_value():
    one, other = new_variable(1.0, "same"), new_variable(2.0, "same")
    one.assign(3.0)
    assert (float(one), float(other)) == (3.0, 2.0)
    assert one._unique_id != other._unique_id


def network(library):
    library.backend.clear_session()
    layers = library.layers
    x = inputs = library.Input((None, 8, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2)(x)))
    x = layers.add([x, layers.Dropout(0.5)(layers.Conv2D(4, 3, padding="same", activation="tanh")(x))])
    x = layers.Dense(2)(layers.MaxPooling2D()(x))
    return library.Model(inputs, [x, layers.GlobalAveragePooling2D()(x), layers.Activation(tf.argmax)(x)])


def test_shapes_told_without_a_call_are_those_of_the_oracle():
    found, expected = network(keras), network(tf_keras)
    shapes = [[layer.output_shape for layer in model.layers[1:]] for model in (found, expected)]
    assert shapes[0] == shapes[1]
    assert [tensor.dtype for tensor in found.outputs] == [tensor.dtype for tensor in expected.outputs]
    assert [v.name for v in found.weights] == [v.name for v in expected.weights]


def test_a_layer_that_is_built_refuses_other_features_symbolically():
    layer = keras.layers.Dense(2)
    layer(keras.Input((3,)))
    with pytest.raises(ValueError, match="3"):
        layer(keras.Input((4,)))


class Flattened(keras.layers.Dense):
    def call(self, inputs):
        return tf.reshape(super().call(inputs), [-1])


def test_a_user_s_layer_is_called_to_see_its_shape():
    assert Flattened(2)(keras.Input((3,))).shape.as_list() == [None]


def test_settings_of_tensorflow_s_optimizer_count_and_stay():
    function = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec([]))
    call = briefly_optimized(function)
    before = tf.config.optimizer.get_experimental_options()
    assert float(call(tf.constant(1.0))) == 2.0
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        assert float(call(tf.constant(2.0))) == 3.0
        assert tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    assert {**before, "disable_meta_optimizer": False} == tf.config.optimizer.get_experimental_options()
