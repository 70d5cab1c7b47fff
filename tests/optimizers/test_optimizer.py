"""What every optimizer does around its rule: signatures, gradients, errors, ownership, configuration."""
from __future__ import annotations

import copy
import gc
import inspect
import json
import logging
import weakref

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers
from kerasish.optimizers import schedules
from tests.optimizers.steps import IDS, NAMES, VARIANTS, new, new_gradients, new_variables, take_steps


@pytest.mark.parametrize("name", NAMES)
def test_signature_equals_the_oracle(name):
    ours = inspect.signature(getattr(optimizers, name).__init__).parameters.values()
    theirs = inspect.signature(getattr(tf_keras.optimizers, name).__init__).parameters.values()
    described = [[(p.name, p.kind, p.default) for p in parameters] for parameters in (ours, theirs)]
    assert described[0] == described[1]


@pytest.mark.parametrize(
    "method",
    [
        "__init__",
        "add_variable",
        "add_variable_from_reference",
        "aggregate_gradients",
        "apply_gradients",
        "build",
        "compute_gradients",
        "exclude_from_weight_decay",
        "finalize_variable_values",
        "from_config",
        "load_own_variables",
        "minimize",
        "save_own_variables",
        "set_weights",
        "update_step",
    ],
)
def test_method_signature_equals_the_oracle(method):
    described = []
    for base in (optimizers.Optimizer, tf_keras.optimizers.Optimizer):
        parameters = inspect.signature(getattr(base, method)).parameters.values()
        described.append([(p.name, p.kind, p.default) for p in parameters])
    assert described[0] == described[1]


# Gradients


def test_variables_without_gradient_are_left_and_named_once(caplog):
    kept, changed = new_variables()
    before, optimizer = kept.numpy(), optimizers.SGD(1.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            optimizer.apply_gradients([(None, kept), (tf.constant([1.0, 1.0]), changed)])
    np.testing.assert_array_equal(kept, before)
    assert optimizer.iterations == 3
    assert len([record for record in caplog.records if "table" in record.getMessage()]) == 1


def test_no_gradient_at_all_is_an_error():
    with pytest.raises(ValueError, match="table"):
        optimizers.SGD().apply_gradients(zip([None, None], new_variables(), strict=True))


def test_no_pairs_are_no_step():
    assert optimizers.SGD().apply_gradients([]) == 0


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_a_variable_that_came_later_is_named_before_any_changes(mode):
    first, second = new_variables()
    optimizer = optimizers.Adam()
    optimizer.build([first])
    before = first.numpy()

    def step():
        optimizer.apply_gradients([(tf.ones([3, 2]), first), (tf.ones([2]), second)])

    with pytest.raises(ValueError, match="bias"):
        (step if mode == "eager" else tf.function(step))()
    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize(
    ("pairs", "error", "text"),
    [
        ([(tf.ones([2]), tf.Variable(tf.ones([3]), name="w"))], ValueError, "w:0"),
        ([(tf.ones([3], tf.float64), tf.Variable(tf.ones([3]), name="w"))], ValueError, "w:0"),
        ([(tf.ones([3]), tf.ones([3]))], TypeError, "tf.Variable"),
        ([tf.ones([3])], TypeError, "zip"),
    ],
)
def test_a_gradient_that_does_not_fit_is_an_error(pairs, error, text):
    with pytest.raises(error, match=text):
        optimizers.SGD().apply_gradients(pairs)


def test_numpy_gradients_and_older_arguments():
    variable = tf.Variable([1.0])
    returned = optimizers.SGD(1.0).apply_gradients(
        [(np.array([1.0]), variable)], name="step", experimental_aggregate_gradients=False
    )
    assert returned == 1
    np.testing.assert_allclose(variable, [0.0])


def test_minimize_takes_a_function_or_a_tape():
    variable, optimizer = tf.Variable(2.0), optimizers.SGD(0.1)
    optimizer.minimize(lambda: variable**2, [variable])
    np.testing.assert_allclose(variable, 2 - 0.4)
    optimizer.minimize(lambda: variable**2, lambda: [variable])
    np.testing.assert_allclose(variable, 1.6 - 0.32)
    with tf.GradientTape() as tape:
        loss = variable**2
    optimizer.minimize(loss, [variable], tape=tape)
    np.testing.assert_allclose(variable, 1.28 - 0.256)
    with pytest.raises(ValueError, match="tape"):
        optimizer.minimize(tf.constant(1.0), [variable])


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_constraints_hold_after_each_step(mode):
    def at_least(values):
        return tf.maximum(values, 0.95)

    variable, optimizer = tf.Variable([1.0], constraint=at_least), optimizers.SGD(1.0)
    optimizer.build([variable])

    def step():
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])

    (step if mode == "eager" else tf.function(step))()
    np.testing.assert_allclose(variable, [0.95])


def test_weight_decay_spares_what_is_excluded():
    names = ("kernel", "bias", "scale")
    results = []
    for family in (optimizers, tf_keras.optimizers):
        variables = [tf.Variable([1.0], name=name) for name in names]
        optimizer = family.SGD(0.1, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=[variables[2]], var_names=["bias"])
        optimizer.apply_gradients([(tf.constant([0.0]), variable) for variable in variables])
        results.append([variable.numpy() for variable in variables])
        with pytest.raises(ValueError, match="exclude_from_weight_decay"):
            optimizer.exclude_from_weight_decay(var_names=["scale"])
    np.testing.assert_allclose(results[0], results[1])
    np.testing.assert_allclose(results[0], [[0.95], [1.0], [1.0]])


def test_averages_replace_the_variables_at_the_end():
    results = []
    for family in (optimizers, tf_keras.optimizers):
        variable, optimizer = tf.Variable([1.0]), family.SGD(0.1, use_ema=True, ema_momentum=0.9)
        for _ in range(3):
            optimizer.apply_gradients([(tf.constant([1.0]), variable)])
        optimizer.finalize_variable_values([variable])
        results.append(variable.numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    assert results[0] > 0.9


# Speed and ownership


@pytest.mark.parametrize("name", NAMES)
def test_the_second_eager_step_traces_nothing(name, monkeypatch):
    optimizer, variables = new(name), new_variables()
    optimizer.apply_gradients(zip(new_gradients(), variables, strict=True))
    monkeypatch.setattr(tf, "function", None)
    monkeypatch.setattr(optimizer, "update_step", None)
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), tf.constant([3, 2]))
    optimizer.apply_gradients(zip([rows, tf.ones([2])], variables, strict=True))
    assert optimizer.iterations == 2


def test_a_step_in_a_graph_adds_few_operations():
    optimizer = optimizers.Adam()
    variables = [tf.Variable(tf.ones([2])) for _ in range(20)]
    optimizer.build(variables)

    @tf.function
    def step():
        optimizer.apply_gradients([(tf.ones([2]), variable) for variable in variables])

    operations = [
        operation
        for operation in step.get_concrete_function().graph.get_operations()
        if operation.type not in ("Placeholder", "Const", "NoOp", "Identity")
    ]
    assert len(operations) < len(variables) + 15


def test_the_optimizer_does_not_keep_variables_alive():
    variable, optimizer = tf.Variable([1.0]), optimizers.SGD()
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    reference = weakref.ref(variable)
    del variable
    gc.collect()
    assert reference() is None


def test_weights_are_read_and_set():
    optimizer, variables = optimizers.Adam(), new_variables()
    with pytest.raises(ValueError, match="build"):
        optimizer.set_weights([0])
    take_steps(optimizer, variables, "eager")
    weights = optimizer.get_weights()
    other = optimizers.Adam()
    other.build(variables)
    other.set_weights(weights)
    for found, wanted in zip(other.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert len(optimizer.variables) == len(optimizer.variables()) == 5
    assert optimizer.get_slot(variables[1], "v") is optimizer.variables[4]
    with pytest.raises(ValueError, match="shape"):
        other.set_weights([np.ones(7)] * 5)
    with pytest.raises(ValueError, match="5"):
        other.set_weights(weights[:2])
    store = {}
    optimizer.save_own_variables(store)
    third = optimizers.Adam()
    third.build(variables)
    third.load_own_variables(store)
    assert third.iterations == 4


@pytest.mark.parametrize("build_first", [True, False])
def test_a_checkpoint_holds_the_optimizer(tmp_path, build_first):
    optimizer, variables = optimizers.Adam(0.5, use_ema=True), new_variables()
    take_steps(optimizer, variables, "eager")
    path = tf.train.Checkpoint(model=variables, optimizer=optimizer).write(str(tmp_path / "saved"))
    other, others_variables = optimizers.Adam(0.1, use_ema=True), new_variables()
    if build_first:
        other.build(others_variables)
    status = tf.train.Checkpoint(model=others_variables, optimizer=other).read(path)
    other.build(others_variables)
    status.assert_consumed()
    assert float(other.learning_rate) == 0.5
    for found, wanted in zip(other.get_weights(), optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_a_checkpoint_of_the_oracle_is_read(tmp_path, name):
    theirs, variables = getattr(tf_keras.optimizers, name)(0.5), new_variables()
    theirs.build(variables)
    theirs.apply_gradients(zip(new_gradients(), variables, strict=True))
    path = tf.train.Checkpoint(optimizer=theirs).write(str(tmp_path / "saved"))
    ours = new(name)
    ours.build(variables)
    tf.train.Checkpoint(optimizer=ours).read(path).assert_existing_objects_matched()
    for found, wanted in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_module_with_a_training_step_is_saved(tmp_path):
    class Trained(tf.Module):
        def __init__(self):
            self.variable, self.optimizer = tf.Variable([1.0]), optimizers.RMSprop(0.1)
            self.optimizer.build([self.variable])

        @tf.function(input_signature=[tf.TensorSpec([1])])
        def step(self, gradient):
            self.optimizer.apply_gradients([(gradient, self.variable)])
            return self.variable.read_value()

    module = Trained()
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.step([1.0]), module.step([1.0]))


def test_a_copy_goes_its_own_way():
    optimizer, variables = optimizers.RMSprop(0.5), new_variables()
    take_steps(optimizer, variables, "eager")
    other = copy.deepcopy(optimizer)
    other.apply_gradients(zip(new_gradients(), variables, strict=True))
    assert (optimizer.iterations, other.iterations) == (4, 5)
    assert not np.allclose(optimizer.variables[1], other.variables[1])


def test_iterations_may_be_replaced_before_building():
    optimizer, counter = optimizers.SGD(), tf.Variable(7, dtype=tf.int64)
    optimizer.iterations = counter
    assert optimizer.variables[0] is counter
    variable = tf.Variable([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    assert counter == 8
    with pytest.raises(RuntimeError, match="iterations"):
        optimizer.iterations = tf.Variable(0, dtype=tf.int64)


# Names and configurations


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_case(name):
    for identifier in (name, name.lower(), name.upper()):
        assert type(optimizers.get(identifier)) is getattr(optimizers, name)


def test_get_takes_objects_and_configurations():
    optimizer = optimizers.Adam(0.25)
    assert optimizers.get(optimizer) is optimizer
    assert float(optimizers.get(optimizers.serialize(optimizer)).learning_rate) == 0.25
    assert float(optimizers.get({"class_name": "adam", "config": {"learning_rate": 0.5}}).learning_rate) == 0.5


@pytest.mark.parametrize("identifier", [None, "adm", 3, optimizers.SGD, lambda: 1])
def test_get_refuses_what_is_no_optimizer(identifier):
    with pytest.raises((ValueError, TypeError)):
        optimizers.get(identifier)


def test_the_nearest_name_is_told():
    with pytest.raises(ValueError, match="adam"):
        optimizers.get("adaam")


@pytest.mark.parametrize(("name", "kwargs"), VARIANTS, ids=IDS)
def test_configurations_return(name, kwargs):
    optimizer = new(name, learning_rate=schedules.ExponentialDecay(0.25, 10, 0.5), **kwargs)
    config = json.loads(json.dumps(optimizers.serialize(optimizer)))
    again = optimizers.deserialize(config)
    assert optimizers.serialize(again) == config
    assert isinstance(again._learning_rate, schedules.ExponentialDecay)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_serializes_alike(name):
    ours, theirs = optimizers.serialize(new(name)), tf_keras.optimizers.serialize(getattr(tf_keras.optimizers, name)())
    assert ours == theirs


def test_experimental_are_the_same_classes():
    face = optimizers.experimental
    assert all(getattr(face, name) is getattr(optimizers, name) for name in face.__all__)




def test_every_optimizer_has_a_case():
    classes = {name for name in optimizers.__all__ if inspect.isclass(getattr(optimizers, name))}
    assert classes == {*NAMES, "Optimizer"}
    assert set(optimizers.legacy.__all__) <= classes and set(optimizers.experimental.__all__) <= classes
