"""Symbolic graphs: names, order, configurations and values equal those of tf_keras, and rebuild on either side."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish.core import settings

rng = np.random.RandomState(0)

# Operations on `x` and `y` of shape (None, 4, 3) that tf_keras can describe and rebuild itself.
OPERATIONS = {
    "times": lambda x, y: tf.reduce_sum(x) * 0.1,
    "new axis": lambda x, y: x[:, None],
    "steps": lambda x, y: x[:, ::2, -1],
    "part": lambda x, y: x[:, 1:, tf.newaxis, :2],
    "concat": lambda x, y: tf.concat([x, y], 1),
    "matmul": lambda x, y: tf.transpose(x, [0, 2, 1]) @ y,
    "from one": lambda x, y: 1 - x,
    "operators": lambda x, y: [2.0 / x, x**2, -x, abs(x), x % 2.0, 2.0 * x, x + 1, x > 0.5, x < 0.3, x - y, x * y],
    "logic": lambda x, y: (x > 0.3) & ~(y > 0.6) | (x >= y),
    "cast": lambda x, y: tf.cast(x > 0.5, "float32"),
    "where": lambda x, y: tf.where(x > 0.5, x, y),
    "where a number": lambda x, y: tf.where(x > 0.5, x, 0.0),
    "split": lambda x, y: [part * 2 for part in tf.split(x, 2, axis=1)],
    "uneven split": lambda x, y: tf.split(x, [1, 3], 1)[1],
    "unstack": lambda x, y: tf.unstack(x, axis=1)[2],
    "stack": lambda x, y: tf.stack([x, y, x + y], 1),
    "add_n": lambda x, y: tf.add_n([x, y]),
    "named matmul": lambda x, y: tf.matmul(x, y, transpose_b=True),
    "relu": lambda x, y: tf.nn.relu(x - 0.5),
    "clip": lambda x, y: tf.clip_by_value(x, 0.2, 0.8),
    "squeeze": lambda x, y: tf.squeeze(tf.expand_dims(x, -1), -1),
    "gather": lambda x, y: tf.gather(x, [0, 2], axis=1),
    "constant": lambda x, y: x * np.arange(3, dtype="float32"),
    "constant tensor": lambda x, y: tf.constant([1.0, 2.0, 3.0]) - x,
    "pad": lambda x, y: tf.pad(x, [[0, 0], [1, 1], [0, 0]]),
    "top_k": lambda x, y: list(tf.math.top_k(x, 2)),
    "moments": lambda x, y: list(tf.nn.moments(x, [1])),
    "keywords": lambda x, y: tf.reduce_mean(input_tensor=x, axis=-1, keepdims=True),
    "named": lambda x, y: tf.add(x, 1.0, name="mine"),
    "second first": lambda x, y: tf.multiply(2.0, y) + tf.multiply(x, y),
    "chain": lambda x, y: tf.round(x) + tf.math.floor(y) + tf.sqrt(x) + tf.exp(x),
    "reshape": lambda x, y: tf.reshape(x, [-1, 12]),
}  # fmt: skip

# Those that tf_keras gets wrong in its own configuration, or names differently.
OURS_ONLY = {
    "shape": (lambda x, y: tf.reshape(x, [tf.shape(x)[0], 12]), lambda x, y: x.reshape(-1, 12)),
    "product of sizes": (lambda x, y: tf.reshape(x, (tf.shape(x)[0] * 4, -1)), lambda x, y: x.reshape(-1, 3)),
    "symbolic bound": (lambda x, y: x[: tf.shape(x)[0] // 2], lambda x, y: x[: len(x) // 2]),
    "ellipsis": (lambda x, y: x[..., 1:], lambda x, y: x[..., 1:]),
    "type": (lambda x, y: tf.cast(x, tf.int32), lambda x, y: x.astype("int32")),
    "floor": (lambda x, y: x // 0.3, lambda x, y: x // np.float32(0.3)),
    "equal": (lambda x, y: x == y, lambda x, y: x == y),
    "einsum": (lambda x, y: tf.einsum("bij,bkj->bik", x, y), lambda x, y: x @ y.transpose(0, 2, 1)),
    "argmax": (lambda x, y: tf.math.argmax(x, -1, output_type=tf.int32), lambda x, y: x.argmax(-1).astype("int32")),
    "zeros": (lambda x, y: tf.concat([x, tf.zeros_like(x)], 1), lambda x, y: np.concatenate([x, 0 * x], 1)),
}  # fmt: skip


def of_operation(operation):
    def build(k):
        x, y = k.Input((4, 3)), k.Input((4, 3))
        return k.Model([x, y], operation(x, y))

    return build


def nested(k):
    inside = k.Input((3,))
    inner = k.Model(inside, k.layers.Dense(2)(inside), name="inner")
    x, y = k.Input((3,)), k.Input((3,))
    return k.Model([x, y], k.layers.Concatenate()([inner(x), inner(y)]))


def nested_with_several(k):
    a, b = k.Input((3,)), k.Input((3,))
    inner = k.Model([a, b], [k.layers.Dense(2)(a), k.layers.Add()([a, b])], name="inner")
    x = k.Input((3,))
    first, second = inner([x, k.layers.Dense(3)(x)])
    return k.Model(x, [first, k.layers.Dense(1)(second)])


def nested_stack(k):
    stack = k.Sequential([k.layers.Dense(3, activation="relu"), k.layers.Dense(2)])
    x = k.Input((3,))
    return k.Model(x, stack(x))


def shared(k):
    x, layer = k.Input((4,)), k.layers.Dense(4)
    return k.Model(x, layer(layer(layer(x))))


def features(k):
    x = k.Input((4,))
    one = k.layers.Dense(4, name="one")(x)
    two = k.layers.Dense(4, name="two")(one)
    k.Model(x, k.layers.Dense(1)(two))
    return k.Model(x, [one, two])


def from_within(k):
    hidden = k.layers.Dense(4, name="hidden")(k.Input((4,)))
    return k.Model(hidden, k.layers.Dense(5, name="after")(hidden))


def crossing(k):
    x = k.Input((4,))
    a = k.layers.Dense(4)(x)
    b = k.layers.Dense(4)(a)
    c = k.layers.Dense(4)(x)
    return k.Model(x, k.layers.Dense(1)(k.layers.Concatenate()([c, b, a])))


def three_outputs(k):
    x, y = k.Input((4,)), k.Input((4,))
    a, b = k.layers.Dense(4)(y), k.layers.Dense(4)(x)
    c = k.layers.Dense(4)(k.layers.Dense(4)(b))
    return k.Model([x, y], [k.layers.Dense(2)(a + c), k.layers.Dense(3)(b), k.layers.Dense(1)(a)])


def of_dicts(k):
    a, b, layer = k.Input((3,), name="a"), k.Input((3,), name="b"), k.layers.Dense(2)
    return k.Model({"a": a, "b": b}, {"sum": layer(a) + layer(b), "product": layer(a) * layer(b)})


def with_losses(k):
    x = k.Input((4,))
    hidden = k.layers.Dense(4)(x)
    model = k.Model(x, k.layers.Dense(1)(hidden))
    model.add_loss(tf.reduce_mean(hidden) * 0.1)
    model.add_metric(k.backend.std(hidden), name="deviation", aggregation="mean")
    return model


def unused_input(k):
    x, y = k.Input((4,)), k.Input((4,))
    return k.Model([x, y], k.layers.Dense(2)(x))


def frozen_call(k):
    x = k.Input((4,))
    return k.Model(x, k.layers.BatchNormalization()(x, training=False))


def masked(k):
    x = k.Input((5,), dtype="int32")
    return k.Model(x, k.layers.Dense(2)(k.layers.Embedding(10, 4, mask_zero=True)(x)))


def list_of_one(k):
    x = k.Input((3,), name="a")
    return k.Model([x], [k.layers.Dense(2)(x)])


GRAPHS = [nested, nested_with_several, nested_stack, shared, features, from_within, crossing, three_outputs, of_dicts,
          with_losses, unused_input, frozen_call, masked, list_of_one]  # fmt: skip
ALL = {**{name: of_operation(op) for name, op in OPERATIONS.items()}, **{build.__name__: build for build in GRAPHS}}


def plain(config):
    return json.loads(json.dumps(config))


def values_for(model):
    def one(tensor):
        shape = [5, *tensor.shape[1:]]
        return rng.randint(0, 3, shape) if tensor.dtype == tf.int32 else rng.rand(*shape).astype("float32")

    return tf.nest.map_structure(one, model.input)


def same(one, other):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.fixture(autouse=True)
def fresh_oracle():
    tf_keras.backend.clear_session()


@pytest.mark.parametrize("build", ALL.values(), ids=ALL)
def test_a_graph_equals_the_oracle_s(build):
    ours, theirs = build(kerasish), build(tf_keras)
    for attribute in ("name", "input_names", "output_names", "output_shape"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x = values_for(theirs)
    expected = ours(x)
    same(expected, theirs(x))
    config = plain(ours.get_config())
    assert config == plain(theirs.get_config())
    settings.start_afresh()
    for cls in (kerasish.Model, tf_keras.Model):
        again = cls.from_config(config)
        again.set_weights(theirs.get_weights())
        same(again(x), expected)
        assert [layer.name for layer in again.layers] == [layer.name for layer in ours.layers]
    assert plain(kerasish.Model.from_config(config).get_config()) == config


@pytest.mark.parametrize("operation, expected", OURS_ONLY.values(), ids=OURS_ONLY)
def test_operations_that_tf_keras_cannot_rebuild(operation, expected):
    model = of_operation(operation)(kerasish)
    x, y = values_for(model)
    config = plain(model.get_config())
    settings.start_afresh()
    again = kerasish.Model.from_config(config)
    for one in (model, again):
        same(one([x, y]), expected(x, y))
    assert plain(again.get_config()) == config


@pytest.mark.parametrize("function", [
    "io.read_file", "py_function", "compat.v1.read_file", "compat.v1.py_func", "keras.Model", "numpy_function",
    "load_op_library", "io.write_file",
])  # fmt: skip
def test_a_configuration_cannot_name_functions_that_touch_files_or_run_code(function):
    config = plain(of_operation(OPERATIONS["named"])(kerasish).get_config())
    config["layers"][2]["config"]["function"] = function
    with pytest.raises(ValueError, match="function"):
        kerasish.Model.from_config(config)


def test_a_symbolic_tensor_explains_itself():
    x = kerasish.Input((4,))
    for use in (lambda: bool(x > 0), lambda: len(x), lambda: np.array(x), lambda: list(x), lambda: int(x)):
        with pytest.raises(TypeError):
            use()
    assert repr(x) == "<KerasTensor: shape=(None, 4) dtype=float32 (created by layer 'input_1')>"


@pytest.mark.parametrize("build, message", [
    (lambda x, y: kerasish.Model(x, x + y), "disconnected"), (lambda x, y: kerasish.Model([x, x], x), "another"),
    (lambda x, y: kerasish.Model(np.ones(3), x), "`inputs`"), (lambda x, y: kerasish.Model(x, 3.0), "`outputs`"),
    (lambda x, y: kerasish.Model(x), "both"),
    (lambda x, y: kerasish.Model(x, kerasish.layers.Dense(1, name="a")(kerasish.layers.Dense(1, name="a")(x))), '"a"'),
])  # fmt: skip
def test_wrong_graphs_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build(kerasish.Input((4,)), kerasish.Input((4,)))


def test_inputs_of_every_form():
    model = of_dicts(kerasish)
    a, b = np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")
    expected = model({"a": a, "b": b})
    assert set(expected) == {"sum", "product"}
    same(model({"b": b, "a": a, "unused": a}), expected)


def test_a_variable_used_in_an_operation_belongs_to_the_model():
    x, variable = kerasish.Input((2,)), tf.Variable([1.0, 2.0])
    model = kerasish.Model(x, x * variable)
    assert model.trainable_variables[0] is variable


def test_a_model_called_again_makes_a_second_call_of_the_same_weights():
    model = crossing(kerasish)
    again = model(kerasish.Input((4,)))
    assert again.shape == (None, 1) and again.node.layer is model
    assert len(model.weights) == 8


def test_input_and_output_of_a_shared_layer_are_those_of_its_first_call():
    def first(k):
        layer, a, b = k.layers.Embedding(4, 2, mask_zero=True), k.Input((3,)), k.Input((5,))
        outputs = layer(a), layer(b)
        mask = layer.output_mask
        return layer.input is a, layer.output is outputs[0], tuple(mask.shape), layer.input_mask

    assert first(kerasish) == first(tf_keras) == (True, True, (None, 3), None)


def test_numbers_and_arrays_of_numpy_stand_on_the_left_of_operators():
    def results(k):
        x = k.Input((3,))
        outputs = [np.sqrt(2.0) * x, np.float32(1) - x, np.ones(3, "float32") / x, np.ones((2, 3), "float32")[0] + x]
        return k.Model(x, outputs)(np.arange(1, 7, dtype="float32").reshape(2, 3))

    for ours, theirs in zip(results(kerasish), results(tf_keras), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
