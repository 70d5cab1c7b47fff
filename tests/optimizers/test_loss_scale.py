"""Loss scaling: the scale, the steps and the configuration are those of tf_keras's LossScaleOptimizer."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers, mixed_precision, models, optimizers
from kerasish.mixed_precision import LossScaleOptimizer

LIBRARIES = (kerasish, tf_keras)


@pytest.fixture(autouse=True)
def plain_policy():
    yield
    for library in LIBRARIES:
        library.mixed_precision.set_global_policy("float32")


def wrapped(library, name="Adam", rate=0.1, **options):
    return library.mixed_precision.LossScaleOptimizer(getattr(library.optimizers, name)(rate), **options)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_steps_and_scales_are_those_of_tf_keras(mode):
    seen = []
    for library in LIBRARIES:
        optimizer, variable = wrapped(library, initial_scale=8.0, dynamic_growth_steps=2), tf.Variable([1.0, 2.0])

        def step(factor, optimizer=optimizer, variable=variable):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(variable * variable) * factor
            optimizer.minimize(loss, [variable], tape=tape)

        take = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
        optimizer.build([variable])
        for factor in (1.0, 1.0, 1.0, np.inf, np.nan, 1.0, 1.0):
            take(tf.constant(factor, tf.float32))
            state = optimizer.loss_scale, optimizer.dynamic_counter, optimizer.iterations
            seen.append((variable.numpy(), [float(value) for value in state]))
    for ours, theirs in zip(seen[:7], seen[7:], strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], rtol=2e-5)
        assert ours[1] == theirs[1]


def test_a_loop_of_ones_own():
    optimizer, variable = wrapped(kerasish, "SGD", dynamic=False, initial_scale=16.0), tf.Variable([3.0, 1.0])
    with tf.GradientTape() as tape:
        loss = optimizer.get_scaled_loss(tf.reduce_sum(variable))
    assert loss == 64 and optimizer.get_scaled_loss(lambda: tf.constant(1.0, tf.float16))().dtype == tf.float16
    gradients = optimizer.get_unscaled_gradients(tape.gradient(loss, [variable]))
    np.testing.assert_array_equal(gradients[0], [1.0, 1.0])
    optimizer.apply_gradients(zip(gradients, [variable], strict=True))
    np.testing.assert_allclose(variable, [2.9, 0.9], rtol=1e-6)
    rows = tf.IndexedSlices(tf.constant([[32.0]]), tf.constant([1]), tf.constant([3, 1]))
    rescaled, nothing = optimizer.get_unscaled_gradients([rows, None])
    assert rescaled.values == 2 and nothing is None
    assert (optimizer.dynamic, optimizer.dynamic_counter, optimizer.dynamic_growth_steps) == (False, None, None)


def test_rows_that_are_not_finite_change_nothing():
    optimizer, table = wrapped(kerasish, "SGD", initial_scale=4.0), tf.Variable(tf.ones((3, 1)))
    rows = tf.IndexedSlices(tf.constant([[np.inf]], tf.float32), tf.constant([1]), tf.constant([3, 1]))
    optimizer.apply_gradients([(rows, table)])
    np.testing.assert_array_equal(table, np.ones((3, 1)))
    assert optimizer.loss_scale == 2 and optimizer.iterations == 1


def test_the_scale_is_at_least_one():
    optimizer, variable = wrapped(kerasish, "SGD", initial_scale=2.0), tf.Variable([1.0])
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([np.nan]), variable)])
    assert optimizer.loss_scale == 1


def test_the_rest_is_the_optimizer_inside():
    inner = optimizers.Adam(0.1, use_ema=True)
    optimizer = LossScaleOptimizer(inner)
    optimizer.learning_rate = 0.5
    optimizer.beta_1 = 0.7
    assert float(inner.lr) == 0.5 == float(optimizer.lr) and inner.beta_1 == 0.7 == optimizer.beta_1
    optimizer.build([tf.Variable([1.0])])
    assert [v.name for v in optimizer.variables] == [v.name for v in inner.variables]
    assert optimizer.use_ema and isinstance(optimizer, optimizers.Optimizer)
    optimizer.set_weights([value + 1 for value in optimizer.get_weights()])
    assert inner.iterations == 1
    with pytest.raises(AttributeError):
        optimizer.no_such_attribute  # noqa: B018


@pytest.mark.parametrize("options", [{}, {"dynamic": False, "initial_scale": 4.0}, {"dynamic_growth_steps": 7}])
def test_configurations_are_those_of_tf_keras(options):
    ours, theirs = (wrapped(library, **options) for library in LIBRARIES)
    assert ours.get_config() == theirs.get_config()
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert type(again) is LossScaleOptimizer and again.get_config() == ours.get_config()
    assert optimizers.deserialize(tf_keras.optimizers.serialize(theirs)).get_config() == ours.get_config()


def test_checkpoints_have_the_names_of_tf_keras_and_return(tmp_path):
    names = []
    for library in LIBRARIES:
        optimizer, variable = wrapped(library, initial_scale=8.0), tf.Variable([1.0])
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
        path = tf.train.Checkpoint(optimizer=optimizer).write(str(tmp_path / library.__name__))
        names.append(tf.train.list_variables(path))
    assert names[0] == names[1]
    other = wrapped(kerasish)
    other.build([tf.Variable([1.0])])
    tf.train.Checkpoint(optimizer=other).read(path).assert_consumed()
    assert other.loss_scale == 8 and other.dynamic_counter == 1 and other.iterations == 1


@pytest.mark.parametrize(
    ("inner", "options", "error"),
    [
        ("sgd", {}, TypeError), (optimizers.SGD(), {"dynamic": 1}, TypeError),
        (optimizers.SGD(), {"dynamic": False}, ValueError), (optimizers.SGD(), {"unknown": 1}, TypeError),
        (optimizers.SGD(), {"dynamic": False, "initial_scale": 2, "dynamic_growth_steps": 3}, ValueError),
        (LossScaleOptimizer(optimizers.SGD()), {}, TypeError),
    ],
)  # fmt: skip
def test_wrong_arguments(inner, options, error):
    with pytest.raises(error):
        LossScaleOptimizer(inner, **options)


def test_compiling_under_mixed_float16_scales_the_loss():
    for policy, wraps in (("mixed_float16", True), ("mixed_bfloat16", False), ("float32", False)):
        mixed_precision.set_global_policy(policy)
        model = models.Sequential([layers.Dense(1, input_shape=(2,))])
        model.compile("sgd", "mse")
        assert isinstance(model.optimizer, LossScaleOptimizer) is wraps
    mixed_precision.set_global_policy("mixed_float16")
    model = models.Sequential([layers.Dense(1, input_shape=(2,))])
    own = LossScaleOptimizer(optimizers.SGD())
    model.compile(own, "mse")
    assert model.optimizer is own


def test_mixed_training_is_that_of_tf_keras():
    random = np.random.default_rng(2)
    x, y = random.normal(size=(32, 4)).astype("float32"), random.normal(size=(32, 1)).astype("float32")
    ends = []
    for library in LIBRARIES:
        library.mixed_precision.set_global_policy("mixed_float16")
        model = library.Sequential(
            [library.layers.Dense(8, "relu", input_shape=(4,)), library.layers.Dense(1, dtype="float32")]
        )
        shapes = [weight.shape for weight in model.get_weights()]
        model.set_weights([np.linspace(-1, 1, int(np.prod(shape))).reshape(shape) for shape in shapes])
        model.compile(library.optimizers.SGD(0.05), "mse")
        model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        assert model.optimizer.iterations == 12 and model.optimizer.loss_scale == 32768
        ends.append(model.get_weights())
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-4)


def test_a_model_with_a_scaled_optimizer_returns_from_a_file(tmp_path):
    mixed_precision.set_global_policy("mixed_float16")
    model = models.Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
    model.save(tmp_path / "model")
    again = models.load_model(tmp_path / "model")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.iterations == 1 and again.optimizer.dynamic_counter == model.optimizer.dynamic_counter


@pytest.mark.parametrize("policy", ["int32", "no_such_policy", 3, tf.float32])
def test_wrong_policies_are_refused_as_by_tf_keras(policy):
    raised = []
    for library in LIBRARIES:
        with pytest.raises((TypeError, ValueError)) as error:
            library.mixed_precision.set_global_policy(policy)
        raised.append(error.type)
    assert raised[0] is raised[1]


def test_the_global_policy():
    mixed_precision.set_global_policy(mixed_precision.Policy("mixed_bfloat16"))
    assert mixed_precision.global_policy().compute_dtype == "bfloat16"
    assert layers.Dense(1).dtype_policy.name == "mixed_bfloat16"
    mixed_precision.set_global_policy(None)
    assert mixed_precision.global_policy().name == "float32"
