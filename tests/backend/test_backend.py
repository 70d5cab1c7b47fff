"""`backend` against tf_keras.backend: signatures, values, symbolic tensors, and the state around them."""

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import backend, layers

X = np.array([[[1.5, -2.0, 0.0], [4.0, 0.25, -1.0]], [[0.5, 3.0, 2.5], [-0.5, 1.0, 6.0]]], "float32")
SWAPPED = np.moveaxis(X, 1, 2)
POSITIVE = np.abs(X) + 0.5
REDUCTIONS = ("sum", "prod", "mean", "var", "std", "max", "min", "any", "all")
ELEMENTWISE = (
    "abs", "square", "sqrt", "exp", "round", "sign", "sin", "cos", "sigmoid", "hard_sigmoid", "softmax", "softplus",
    "softsign", "tanh", "elu", "relu",
)  # fmt: skip
PAIRS = ("maximum", "minimum", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
CALLS = [
    ("log", (POSITIVE,)), ("pow", (POSITIVE, 2.5)), ("clip", (X, -1.0, 2.0)), ("clip", (X, 3, 1)),
    ("clip", (X, None, 1.0)), ("argmax", (X,)), ("argmin", (X, 1)), ("cumsum", (X, 1)), ("cumprod", (X,)),
    ("relu", (X, 0.1, 2.0, 0.5)), ("elu", (X, 0.5)), ("softmax", (X, 1)), ("reshape", (X, (3, -1))), ("flatten", (X,)),
    ("batch_flatten", (X,)), ("expand_dims", (X, 1)), ("squeeze", (X[:, :1], 1)),
    ("permute_dimensions", (X, (2, 0, 1))), ("transpose", (X,)), ("concatenate", ([X, X], 1)), ("stack", ([X, X], 1)),
    ("reverse", (X, 1)), ("tile", (X[0], [2, 1])), ("repeat", (X[0], 2)), ("repeat_elements", (X, 2, 1)),
    ("gather", (X, [1, 0])), ("one_hot", ([0, 2], 3)), ("shape", (X,)), ("int_shape", (X,)), ("ndim", (X,)),
    ("dtype", (X,)), ("cast", (X, "int32")), ("cast_to_floatx", ([1, 2],)), ("l2_normalize", (X, 1)),
    ("in_top_k", (X[0], [0, 1], 1)), ("arange", (3,)), ("arange", (1, 7, 2, "float32")), ("zeros_like", (X,)),
    ("ones_like", (X, "int32")), ("count_params", (X,)), ("constant", (3,)), ("zeros", ((2, 3),)),
    ("ones", ((2,), "int32")), ("eye", (2,)), ("variable", (X,)), ("dot", (X[0], X[0].T)), ("dot", (X, X[0].T)),
    ("dot", (X, SWAPPED)), ("batch_dot", (X, SWAPPED)), ("batch_dot", (X[:, 0], X[:, 1])), ("batch_dot", (X, X, 2)),
    ("batch_dot", (X, X, (1, 1))), ("batch_dot", (X, X[:, 0], (2, 1))), ("batch_dot", (X[:, 0], X, (-1, -1))),
    ("bias_add", (X, X[0, 0])), ("bias_add", (X, X[0])), ("bias_add", (X, X[0, :, 0], "channels_first")),
    ("bias_add", (X, X[0].T, "channels_first")), ("switch", (tf.constant(True), X, -X)),
    ("switch", (X[..., 0] > 1, X, -X)), ("in_train_phase", (1, 2)), ("in_test_phase", (1, 2)),
    ("in_train_phase", (1, 2, True)), ("stop_gradient", (X,)), ("map_fn", (lambda row: row * 2, X)),
    ("foldl", (lambda total, row: total - row, X)), ("foldr", (lambda total, row: total - row, X)),
    ("moving_average_update", (X, POSITIVE, 0.9)), ("update_add", (X, X)), ("update_sub", (X, X)),
    ("update", (X, POSITIVE)),
]  # fmt: skip
VARIABLES = {"count_params", "update", "update_add", "update_sub", "moving_average_update"}


def value(found):
    return found.numpy() if hasattr(found, "numpy") else found


def arguments(name, args):
    """Arrays as the tensors (or the first as the variable) that the function wants."""
    args = [tf.constant(a) if isinstance(a, np.ndarray) else a for a in args]
    return [tf.Variable(args[0]), *args[1:]] if name in VARIABLES else args


def check_same(name, args, **options):
    ours = value(getattr(backend, name)(*arguments(name, args), **options))
    theirs = value(getattr(tf_keras.backend, name)(*arguments(name, args), **options))
    if isinstance(theirs, (str, tuple)):
        assert ours == theirs
        return
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert np.shape(ours) == np.shape(theirs)
    assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)


@pytest.mark.parametrize("name", [name for name in backend.__all__ if name != "experimental"])
def test_signatures_are_those_of_tf_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (backend, tf_keras.backend))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == \
           [(p.name, p.kind, p.default) for p in theirs.parameters.values()]  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": [0, -1], "keepdims": True}], ids=str)
def test_reductions(name, options):
    check_same(name, (X,), **options)
    if name in ("mean", "any", "all"):
        check_same(name, (X > 0,), **options)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_functions_of_each_element(name):
    check_same(name, (X,))


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_pairs(name):
    check_same(name, (X, X[::-1]))


@pytest.mark.parametrize(("name", "args"), CALLS, ids=[f"{name}{place}" for place, (name, _) in enumerate(CALLS)])
def test_other_functions(name, args):
    check_same(name, args)


SYMBOLIC = {
    "std": "tf.math.reduce_std", "sum": "tf.math.reduce_sum", "mean": "tf.math.reduce_mean",
    "var": "tf.math.reduce_variance",
    "max": "tf.math.reduce_max", "square": "tf.math.square", "exp": "tf.math.exp", "sigmoid": "tf.math.sigmoid",
    "abs": "tf.math.abs", "sqrt": "tf.math.sqrt", "any": "tf.math.reduce_any", "flatten": "tf.reshape",
}  # fmt: skip


@pytest.mark.parametrize("name", SYMBOLIC)
def test_functions_of_symbolic_tensors_are_layers_under_tf_keras_names(name):
    results = []
    for keras in (kerasish, tf_keras):
        keras.backend.clear_session()
        inputs = keras.Input((2, 3))
        outputs = getattr(keras.backend, name)(inputs)
        model = keras.Model(inputs, outputs)
        results.append((model.layers[-1].name, np.asarray(model(X))))
    assert results[0][0] == results[1][0] == SYMBOLIC[name]
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5)


def test_a_standard_deviation_within_a_functional_model_is_rebuilt_from_its_config():
    inputs = kerasish.Input((3,))
    model = kerasish.Model(inputs, backend.std(layers.Dense(4)(inputs), axis=-1))
    copy = kerasish.Model.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(copy(X[0]), model(X[0]))


def test_the_roots_of_negative_numbers_are_zero():
    np.testing.assert_array_equal(backend.sqrt(tf.constant([-4.0, 9.0])), [0, 3])


def test_values_are_read_and_written():
    variable = backend.variable([1, 2])
    backend.set_value(variable, [3, 4])
    backend.batch_set_value([(variable, backend.get_value(variable) + 1)])
    np.testing.assert_array_equal(backend.batch_get_value([variable])[0], [4, 5])
    assert backend.get_value(3) == 3
    with pytest.raises(TypeError, match="symbolic"):
        backend.eval(kerasish.Input((3,)))


def test_numbers_of_names_start_afresh():
    assert [backend.get_uid("a"), backend.get_uid("a"), backend.get_uid("b")] == [1, 2, 1]
    assert layers.Dense(1).name == "dense"
    backend.reset_uids()
    assert backend.get_uid("a") == 1
    assert layers.Dense(1).name == "dense"


def test_kinds_of_tensors_are_told_apart():
    assert backend.is_keras_tensor(kerasish.Input((3,)))
    assert not backend.is_keras_tensor(tf.constant(1))
    assert backend.is_sparse(tf.sparse.eye(2)) and not backend.is_sparse(tf.eye(2))
    np.testing.assert_array_equal(backend.to_dense(tf.sparse.eye(2)), np.eye(2))
    with pytest.raises(ValueError, match="x=3"):
        backend.is_keras_tensor(3)


def test_the_learning_phase_reaches_layers_that_are_called_without_a_flag():
    dropout, ones = layers.Dropout(0.5), tf.ones((4, 50))
    assert backend.learning_phase() == 0
    with backend.learning_phase_scope(1):
        assert repr(backend.learning_phase()) == "1"
        assert backend.in_train_phase(lambda: "train", "test") == "train"
        assert 0 in dropout(ones).numpy()
        assert 0 not in dropout(ones, training=False).numpy()
    assert 0 not in dropout(ones).numpy()
    backend.set_learning_phase(1)
    backend.clear_session()
    assert backend.learning_phase() == 0
    with pytest.raises(ValueError, match="value=2"):
        backend.set_learning_phase(2)


def test_a_layer_sees_the_phase_it_is_called_in():
    class Phase(layers.Layer):
        def call(self, inputs, training=None):
            return backend.in_train_phase(inputs + 1, inputs)

    assert [float(Phase()(0.0, training=flag)) for flag in (True, False, None)] == [1, 0, 0]


def test_functions_of_symbolic_tensors_run_on_arrays():
    inputs = kerasish.Input((2,))
    run = backend.function([inputs], [inputs * 2, backend.sum(inputs)])
    doubled, total = run([np.ones((1, 2))])
    assert isinstance(doubled, np.ndarray)
    np.testing.assert_array_equal(doubled, [[2, 2]])
    assert total == 2
    with pytest.raises(ValueError, match="updates"):
        backend.function([inputs], [inputs], updates=[1])


def test_random_numbers_have_their_distribution():
    normal = backend.random_normal((20000,), 2.0, 3.0).numpy()
    assert abs(normal.mean() - 2) < 0.1 and abs(normal.std() - 3) < 0.1
    uniform = backend.random_uniform((20000,), 1.0, 3.0).numpy()
    assert uniform.min() >= 1 and uniform.max() < 3 and abs(uniform.mean() - 2) < 0.03
    assert np.abs(backend.truncated_normal((20000,)).numpy()).max() <= 2
    assert abs(backend.random_bernoulli((20000,), 0.3).numpy().mean() - 0.3) < 0.02
    assert backend.random_normal_variable((2, 3), 0, 1).shape == (2, 3)
    np.testing.assert_array_equal(backend.random_uniform((3,), seed=1).shape, [3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: backend.batch_dot(tf.ones((2, 3)), tf.ones((2, 4))), "one size"),
        (lambda: backend.batch_dot(tf.ones((2, 3)), tf.ones((2, 3)), (0, 1)), "axes"),
        (lambda: backend.batch_dot(tf.ones((2,)), tf.ones((2, 3))), "batch axis"),
        (lambda: backend.bias_add(tf.ones((2, 3)), tf.ones((1, 2, 3))), "bias"),
        (lambda: backend.bias_add(tf.ones((2, 3)), tf.ones((3,)), "last"), "data_format"),
        (lambda: backend.repeat(tf.ones((2, 3, 4)), 2), "two axes"),
        (lambda: backend.switch(tf.ones((2, 3)), tf.ones((2,)), tf.ones((2,))), "condition"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
