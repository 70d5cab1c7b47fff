"""What every optimizer does around its rule: modes, learning rates, errors, ownership, configuration."""
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
from kerasish.core.registry import custom_object_scope
from kerasish.optimizers import rmsprop, schedules

NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor"]
VARIANTS = [(name, {}) for name in NAMES] + [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 2, "weight_decay": 0.1, "clipnorm": 0.5}),
]
IDS = [f"{name}-{'-'.join(kwargs)}" for name, kwargs in VARIANTS]


def new(name: str, **kwargs):
    return getattr(optimizers, name)(**kwargs)


def new_variables(dtype: str = "float32") -> list[tf.Variable]:
    return [
        tf.Variable([[0.5, -1.0], [2.0, 0.1], [1.0, 1.0]], name="table", dtype=dtype),
        tf.Variable([0.5, -0.5], name="bias", dtype=dtype),
    ]


def new_gradients(dtype: str = "float32"):
    values = tf.constant([[0.1, 0.2], [0.3, -0.4], [0.1, 0.1]], dtype)
    rows = tf.IndexedSlices(values, tf.constant([2, 0, 2]), tf.constant([3, 2]))
    return [rows, tf.constant([0.3, -0.2], dtype)]


def take_steps(optimizer, variables, mode: str, steps: int = 4) -> list[np.ndarray]:
    def step():
        optimizer.apply_gradients(zip(new_gradients(variables[0].dtype.name), variables, strict=True))

    def loop():
        for _ in tf.range(steps):
            step()

    optimizer.build(variables)
    if mode == "loop":
        tf.function(loop)()
    else:
        call = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
        for _ in range(steps):
            call()
    assert optimizer.iterations == steps
    return [variable.numpy() for variable in (*variables, *optimizer.variables)]


@pytest.mark.parametrize("mode", ["graph", "loop", "xla"])
@pytest.mark.parametrize(("name", "kwargs"), VARIANTS, ids=IDS)
def test_all_modes_take_the_eager_steps(name, kwargs, mode):
    expected = take_steps(new(name, **kwargs), new_variables(), "eager")
    for found, wanted in zip(take_steps(new(name, **kwargs), new_variables(), mode), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "atol"), [("float64", 1e-6), ("float16", 5e-3), ("bfloat16", 5e-2)])
@pytest.mark.parametrize(("name", "kwargs"), VARIANTS, ids=IDS)
def test_other_float_types(name, kwargs, dtype, atol):
    if name == "Adafactor" and dtype == "float16":
        kwargs = {"epsilon_1": 1e-6}  # the usual one is zero in float16
    if (name, dtype) == ("Nadam", "bfloat16"):
        kwargs = {"beta_2": 0.99}  # the usual one is 1 in bfloat16
    expected = take_steps(new(name, **kwargs), new_variables(), "eager")[:2]
    found = take_steps(new(name, **kwargs), new_variables(dtype), "eager")[:2]
    for one, wanted in zip(found, expected, strict=True):
        assert one.dtype == tf.as_dtype(dtype).as_numpy_dtype
        np.testing.assert_allclose(one.astype("float32"), wanted, atol=atol)


def test_rmsprop_of_large_variables_takes_the_same_steps(monkeypatch):
    for kwargs in ({}, {"centered": True}):
        expected = take_steps(optimizers.RMSprop(**kwargs), new_variables(), "graph")
        monkeypatch.setattr(rmsprop, "_LARGEST_FUSED", 0)
        found = take_steps(optimizers.RMSprop(**kwargs), new_variables(), "graph")
        monkeypatch.undo()
        for one, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=1e-7)


def test_rmsprop_recovers_when_values_that_were_not_finite_are_set_back():
    optimizer, variable = optimizers.RMSprop(0.1), tf.Variable([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    state = optimizer.get_weights()
    optimizer.apply_gradients([(tf.constant([np.inf]), variable)])
    assert not np.isfinite(variable.numpy()).all()
    optimizer.set_weights(state)
    variable.assign([1.0])
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    assert np.isfinite(variable.numpy()).all()


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


# Learning rate


def count_traces(optimizer, variable):
    traces = []

    @tf.function
    def step():
        traces.append(1)
        optimizer.apply_gradients([(tf.ones_like(variable), variable)])

    return step, traces


def test_a_float_assigned_in_training_keeps_the_variable_and_the_trace():
    optimizer, variable = optimizers.SGD(1.0), tf.Variable([10.0])
    rate = optimizer.learning_rate
    step, traces = count_traces(optimizer, variable)
    optimizer.build([variable])
    step()
    step()
    optimizer.learning_rate = 0.5
    step()
    optimizer.lr = 0.25
    step()
    assert optimizer.learning_rate is rate and optimizer.lr is rate
    np.testing.assert_allclose(variable, [10 - 1 - 1 - 0.5 - 0.25])
    assert len(traces) == 1


def test_lr_is_another_word_for_learning_rate():
    assert float(optimizers.Adam(lr=0.25).learning_rate) == 0.25
    assert optimizers.SGD(0.1, lr=0.5).get_config()["learning_rate"] == 0.5


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_decay_divides_the_rate_by_time(mode):
    variable = tf.Variable([0.0])
    optimizer = optimizers.SGD(1.0, decay=0.5)

    def step():
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])

    optimizer.build([variable])
    call = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    for _ in range(4):
        call()
    np.testing.assert_allclose(variable, [-(1 + 1 / 1.5 + 1 / 2 + 1 / 2.5)], rtol=1e-6)
    assert float(optimizer.learning_rate) == 1.0
    assert optimizers.SGD.from_config(optimizer.get_config()).decay == 0.5


def test_a_schedule_sets_the_rate_of_each_step():
    schedule = schedules.PiecewiseConstantDecay([1, 2], [1.0, 0.5, 0.1])
    ours, theirs = optimizers.SGD(schedule), tf_keras.optimizers.SGD(
        tf_keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [1.0, 0.5, 0.1])
    )
    variables = [tf.Variable([0.0]), tf.Variable([0.0])]
    for _ in range(4):
        for optimizer, variable in zip((ours, theirs), variables, strict=True):
            optimizer.apply_gradients([(tf.constant([1.0]), variable)])
        assert float(ours.learning_rate) == float(theirs.learning_rate)
    np.testing.assert_allclose(variables[0], variables[1])
    np.testing.assert_allclose(variables[0], [-(1 + 1 + 0.5 + 0.1)])


def test_a_user_schedule_may_hold_any_python_in_an_eager_step():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5 ** int(step)

    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(Halving())
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.75])


def test_a_function_is_called_at_each_eager_step():
    rates = iter([1.0, 1.0, 0.5, 0.25])
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(lambda: next(rates))
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.75])
    assert float(optimizer.learning_rate) == 0.25


def test_a_schedule_can_be_assigned_to_a_running_optimizer():
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(1.0)
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    revision = optimizer.revision
    optimizer.learning_rate = schedules.InverseTimeDecay(1.0, 1, 1.0)
    assert optimizer.revision != revision
    optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.5])
    with pytest.raises(TypeError, match="InverseTimeDecay"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -0.1, np.float32("nan"), tf.constant(-1.0), -1])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.Adam(rate)
    optimizer = optimizers.Adam(0.5)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == 0.5


@pytest.mark.parametrize("rate", ["0.1", None, [0.1], np.ones(2)])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(TypeError, match="learning_rate"):
        optimizers.SGD(rate)
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(TypeError, match="learning_rate"):
        optimizer.lr = rate


@pytest.mark.parametrize("rate", [1, 0.1, np.float64(0.1), tf.constant(0.1), tf.Variable(0.1), 0])
def test_every_number_is_a_rate(rate):
    assert float(optimizers.SGD(rate).learning_rate) == pytest.approx(float(rate))


@pytest.mark.parametrize(
    ("name", "kwargs", "error"),
    [
        ("Adam", {"clipnorm": 1.0, "global_clipnorm": 1.0}, ValueError),
        ("Adam", {"clipnorm": "1"}, ValueError),
        ("Adam", {"clipvalue": -1.0}, ValueError),
        ("Adam", {"decay": -1.0}, ValueError),
        ("Adam", {"use_ema": True, "ema_momentum": 2.0}, ValueError),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 1.5}, ValueError),
        ("Adam", {"beta1": 0.9}, TypeError),
        ("AdamW", {"weight_decay": None}, ValueError),
        ("SGD", {"momentum": 2.0}, ValueError),
        ("SGD", {"momentum": "0.9"}, ValueError),
        ("Lion", {"beta_1": 0.0}, ValueError),
        ("Ftrl", {"learning_rate_power": 1.0}, ValueError),
        ("Ftrl", {"initial_accumulator_value": -1.0}, ValueError),
    ],
)
def test_a_bad_argument_is_named(name, kwargs, error):
    with pytest.raises(error, match=list(kwargs)[-1]) as raised:
        new(name, **kwargs)
    assert len(str(raised.value).splitlines()) <= 6


def test_a_hyperparameter_assigned_after_the_first_step_counts():
    variable, optimizer = tf.Variable([0.0]), optimizers.SGD(1.0)
    optimizer.apply_gradients([(tf.constant([4.0]), variable)])
    optimizer.clipvalue = 1.0
    optimizer.apply_gradients([(tf.constant([4.0]), variable)])
    np.testing.assert_allclose(variable, [-5.0])


def test_a_subclass_may_pass_the_rate_on():
    class Plain(optimizers.Optimizer):
        def __init__(self, learning_rate=0.5, **kwargs):
            super().__init__("Plain", learning_rate=learning_rate, **kwargs)

    assert float(Plain().learning_rate) == 0.5
    assert float(Plain(lr=0.25).learning_rate) == 0.25


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
    path = tf.train.Checkpoint(optimizer=optimizer).write(str(tmp_path / "saved"))
    other = optimizers.Adam(0.1, use_ema=True)
    if build_first:
        other.build(variables)
    status = tf.train.Checkpoint(optimizer=other).read(path)
    other.build(variables)
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


def test_legacy_and_experimental_are_the_same_classes():
    for face in (optimizers.legacy, optimizers.experimental):
        assert all(getattr(face, name) is getattr(optimizers, name) for name in face.__all__)


# Users' subclasses


def user_rule(base):
    class Momentum(base):
        def __init__(self, learning_rate=0.01, beta=0.9, name="Momentum", **kwargs):
            super().__init__(name=name, **kwargs)
            self._learning_rate = self._build_learning_rate(learning_rate)
            self.beta = beta
            self.eager_steps = []

        def build(self, var_list):
            super().build(var_list)
            if hasattr(self, "_built") and self._built:
                return
            self.speeds = [self.add_variable_from_reference(var, "speed") for var in var_list]
            self._built = True

        def update_step(self, gradient, variable):
            if tf.executing_eagerly():
                self.eager_steps.append(float(tf.reduce_sum(tf.convert_to_tensor(gradient)).numpy()))
            rate = tf.cast(self.learning_rate, variable.dtype)
            speed = self.speeds[self._index_dict[self._var_key(variable)]]
            speed.assign(self.beta * speed)
            if isinstance(gradient, tf.IndexedSlices):
                speed.scatter_add(gradient)
            else:
                speed.assign_add(gradient)
            variable.assign_sub(rate * speed)

        def get_config(self):
            config = super().get_config()
            config.update({"learning_rate": self._serialize_hyperparameter(self._learning_rate), "beta": self.beta})
            return config

    return Momentum


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("scheduled", [True, False])
def test_a_users_rule_runs_as_in_the_oracle(mode, scheduled):
    results, names, configs = [], [], []
    for family in (optimizers, tf_keras.optimizers):
        rate = family.schedules.ExponentialDecay(0.1, 2, 0.5) if scheduled else 0.1
        optimizer = user_rule(family.Optimizer)(rate, clipnorm=1.0)
        results.append(take_steps(optimizer, new_variables(), mode))
        names.append([variable.name for variable in optimizer.variables])
        configs.append(optimizer.get_config())
        assert len(optimizer.eager_steps) == (8 if mode == "eager" else 0)
    for found, wanted in zip(*results, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert names[0] == names[1]
    assert configs[0] == configs[1]
    rule = user_rule(optimizers.Optimizer)
    with custom_object_scope({"Momentum": rule}):
        assert isinstance(optimizers.deserialize(optimizers.serialize(rule(0.5))), rule)


def test_a_users_rule_obeys_decay():
    variable, optimizer = tf.Variable([0.0]), user_rule(optimizers.Optimizer)(1.0, beta=0.0, decay=1.0)
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [-1.5])


def test_a_subclass_of_adam_may_change_the_gradients():
    class Negated(optimizers.Adam):
        def apply_gradients(self, grads_and_vars, *args, **kwargs):
            return super().apply_gradients([(-grad, var) for grad, var in grads_and_vars], *args, **kwargs)

    variable = tf.Variable([0.0])
    Negated(0.1).apply_gradients([(tf.constant([1.0]), variable)])
    np.testing.assert_allclose(variable, [0.1], rtol=1e-5)


def test_the_base_has_no_rule():
    variable = tf.Variable([0.0])
    with pytest.raises(NotImplementedError, match="update_step"):
        optimizers.Optimizer("plain").apply_gradients([(tf.constant([1.0]), variable)])
    with pytest.raises(ValueError, match="_build_learning_rate"):
        _ = optimizers.Optimizer("plain").learning_rate
