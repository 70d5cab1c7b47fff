"""Linear and wide-and-deep models give the oracle's outputs, weights, penalties and steps."""
import numpy as np
import pytest
import tf_keras

import kerasish
from kerasish import experimental
from kerasish.optimizers import schedules

A, B = np.ones((4, 3), "float32"), np.arange(8, dtype="float32").reshape(4, 2) / 8
TARGETS = np.ones((4, 2), "float32")


def spread_weights(model):
    model.set_weights([np.linspace(-1, 1, value.size).reshape(value.shape) for value in model.get_weights()])


@pytest.mark.parametrize("inputs", [A, [A, B], {"b": B, "a": A}], ids=["one", "list", "dict"])
def test_a_linear_model(inputs):
    found = []
    for library in (kerasish, tf_keras):
        model = library.experimental.LinearModel(2, "tanh", kernel_regularizer="l2", name="linear")
        model(inputs)
        spread_weights(model)
        first = [model(inputs), sum(model.losses), *[weight.shape for weight in model.weights]]
        model.compile("sgd", "mse")
        model.fit(inputs, TARGETS, epochs=3, verbose=0)
        found.append([*first, *model.get_weights(), [weight.name for weight in model.weights], model.get_config()])
    for ours, theirs in zip(*found, strict=True):
        if isinstance(ours, (list, dict)):
            assert ours == theirs
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert experimental.LinearModel.from_config(found[0][-1]).get_config() == found[0][-1]


@pytest.mark.parametrize("inputs", [A, [A, B]], ids=["one", "pair"])
def test_a_wide_and_deep_model(inputs):
    found = []
    for library in (kerasish, tf_keras):
        layers = library.layers
        deep = library.Sequential(
            [layers.Dense(4, "relu", kernel_initializer="ones"), layers.Dense(1, kernel_initializer="ones")]
        )
        model = library.experimental.WideDeepModel(library.experimental.LinearModel(), deep, "sigmoid", name="both")
        model.compile(library.optimizers.SGD(0.5), "mse")
        model.fit(inputs, TARGETS[:, :1] * 0, epochs=3, verbose=0)
        again = library.experimental.WideDeepModel.from_config(model.get_config())
        found.append([model.predict(inputs, verbose=0), *model.get_weights(), again(inputs).shape])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_the_schedules_are_those_of_optimizers():
    assert experimental.CosineDecay is schedules.CosineDecay
    assert experimental.CosineDecayRestarts is schedules.CosineDecayRestarts
