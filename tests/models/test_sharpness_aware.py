"""SharpnessAwareMinimization takes the oracle's steps."""

import numpy as np
import pytest
import tf_keras

import kerasish
from kerasish.models.experimental import SharpnessAwareMinimization

X = np.random.RandomState(0).normal(size=(8, 3)).astype("float32")


@pytest.mark.parametrize(("splits", "weights"), [(None, None), (2, np.arange(8) / 4)])
def test_its_steps_are_the_oracles(splits, weights):
    found = []
    for library in (kerasish, tf_keras):
        layers = library.layers
        inner = library.Sequential([layers.Dense(4, "tanh", input_shape=(3,)), layers.Dense(1)])
        inner.add(layers.BatchNormalization(momentum=0.5))
        inner.set_weights([np.linspace(0.5, 1, w.size).reshape(w.shape) for w in inner.get_weights()])
        model = library.models.experimental.SharpnessAwareMinimization(inner, 0.1, splits)
        model.compile(library.optimizers.SGD(0.05), "mse", metrics=["mae"])
        history = model.fit(X, X[:, :1] * 2, 4, 3, verbose=0, shuffle=False, sample_weight=weights).history
        figures = [*history["loss"], *history["mae"], *model.evaluate(X, X[:, :1] * 2, verbose=0)]
        found.append([figures, model.predict(X, verbose=0), *inner.get_weights()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_its_configuration_holds_the_inner_model():
    model = SharpnessAwareMinimization(kerasish.Sequential([kerasish.layers.Dense(1, input_shape=(3,))]), 0.2)
    again = SharpnessAwareMinimization.from_config(model.get_config())
    assert again.get_config() == model.get_config() and again.model is not model.model


@pytest.mark.parametrize("wrong", [{"rho": 0}, {"num_batch_splits": 0}])
def test_wrong_arguments_are_told(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SharpnessAwareMinimization(kerasish.Sequential(), **wrong)
