"""Rules that users wrote, for the newer and for the older base, run as in the oracle."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import optimizers
from kerasish.core.registry import custom_object_scope
from tests.optimizers.steps import new_gradients, new_variables, take_steps


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


def older_rule(base):
    class Older(base):
        def __init__(self, learning_rate=0.1, beta=0.9, name="Older", **kwargs):
            super().__init__(name, **kwargs)
            self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
            self._set_hyper("decay", self._initial_decay)
            self._set_hyper("beta", beta)

        def _create_slots(self, var_list):
            for var in var_list:
                self.add_slot(var, "speed")
            for var in var_list:
                self.add_slot(var, "scale", initializer="ones")

        def _resource_apply_dense(self, grad, var, apply_state=None):
            state = (apply_state or {}).get((var.device, var.dtype.base_dtype)) or self._fallback_apply_state(
                var.device, var.dtype.base_dtype
            )
            speed, scale = self.get_slot(var, "speed"), self.get_slot(var, "scale")
            speed.assign(self._get_hyper("beta", var.dtype) * speed + grad)
            return var.assign_sub(state["lr_t"] * speed * scale)

        def _resource_apply_sparse(self, grad, var, indices):
            rate = self._decayed_lr(var.dtype) * tf.cast(self.iterations + 1, var.dtype)
            return self._resource_scatter_add(var, indices, -rate * grad)

        def get_config(self):
            config = super().get_config()
            config.update({name: self._serialize_hyperparameter(name) for name in ("learning_rate", "decay", "beta")})
            return config

    return Older


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("kwargs", [{}, {"lr": 0.2, "decay": 0.5}, {"clipvalue": 0.1}], ids=str)
def test_a_rule_for_the_older_optimizers_runs_as_in_the_oracle(mode, kwargs):
    weights = []
    for base in (optimizers.Optimizer, tf_keras.optimizers.legacy.Optimizer):
        optimizer, variables = older_rule(base)(**kwargs), new_variables()

        def step(optimizer=optimizer, variables=variables):
            optimizer.apply_gradients(zip(new_gradients(), variables, strict=True))

        call = step if mode == "eager" else tf.function(step)
        for _ in range(3):
            call()
        weights.append([*(v.numpy() for v in variables), optimizer.get_slot(variables[1], "speed").numpy()])
    for found, wanted in zip(*weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    ours = older_rule(optimizers.Optimizer)(**kwargs)
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()


@pytest.mark.parametrize("method", ["_resource_apply_sparse", "_resource_apply_sparse_duplicate_indices"])
def test_a_rule_for_rows_gets_each_row_once(method):
    found = []
    for base in (optimizers.Optimizer, tf_keras.optimizers.legacy.Optimizer):
        class Older(base):
            def __init__(self):
                super().__init__("Older")
                self._set_hyper("learning_rate", 0.5)

            def _resource_apply_dense(self, grad, var):
                raise AssertionError("rows are given")

            def get_config(self):
                return super().get_config()

        def rule(self, grad, var, indices, **kwargs):
            self._resource_scatter_update(var, indices, tf.gather(var, indices) - self._decayed_lr(var.dtype) * grad)

        setattr(Older, method, rule)
        variable = tf.Variable(np.ones((4, 2), "float32"))
        indices = tf.constant([2, 0, 2] if method == "_resource_apply_sparse" else [2, 0])
        gradient = tf.IndexedSlices(tf.ones((indices.shape[0], 2)), indices, tf.constant([4, 2]))
        Older().apply_gradients([(gradient, variable)])
        found.append(variable.numpy())
    np.testing.assert_allclose(*found)
    assert found[0][2, 0] == (0.0 if method == "_resource_apply_sparse" else 0.5)


@pytest.mark.parametrize("method, instead", [
    ("_transform_gradients", "apply_gradients"), ("_compute_gradients", "compute_gradients"),
    ("get_updates", "minimize"), ("_create_all_weights", "build"), ("_aggregate_gradients", "aggregate_gradients"),
])  # fmt: skip
def test_what_would_never_be_called_is_refused(method, instead):
    older = type("Older", (older_rule(optimizers.legacy.Optimizer),), {method: lambda self, *args: args})
    with pytest.raises(TypeError, match=f"Older overrides `{method}`(?s:.*)override `{instead}`"):
        older()
    assert hasattr(optimizers.Optimizer, instead)
    assert hasattr(tf_keras.optimizers.legacy.Optimizer, method)


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
