"""Metrics written in Python, in eager code, in a graph and in training."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import layers, metrics, models


def largest_error(library):
    class LargestError(library.metrics.experimental.PyMetric):
        def __init__(self, name="largest_error", dtype=None):
            super().__init__(name=name, dtype=dtype)
            self.errors = []

        def update_state(self, y_true, y_pred, sample_weight=None):
            errors = np.abs(y_true.numpy() - y_pred.numpy())
            self.errors += list(errors.ravel() if sample_weight is None else (errors * sample_weight.numpy()).ravel())

        def result(self):
            return max(self.errors)

        def reset_state(self):
            self.errors = []

    return LargestError()


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_values_are_those_of_tf_keras(mode):
    y, p, w = tf.constant([1.0, 2.0, 3.0]), tf.constant([1.5, 2.0, 1.0]), tf.constant([4.0, 1.0, 0.5])
    found = []
    for library in (kerasish, tf_keras):
        metric = largest_error(library)

        def values(metric=metric):
            metric.update_state(y, p)
            first = metric.result()
            return first, metric(y, p, w)

        found.append([float(value) for value in (tf.function(values) if mode == "graph" else values)()])
        metric.reset_state()
        assert metric.errors == []
    assert found[0] == found[1] == [2.0, 2.0]


def test_training_reports_it():
    model = models.Sequential([layers.Dense(1, kernel_initializer="zeros", input_shape=(2,))])
    model.compile(kerasish.optimizers.SGD(0.0), "mse", metrics=[largest_error(kerasish)])
    history = model.fit(np.ones((8, 2)), np.arange(8.0), batch_size=4, epochs=2, verbose=0)
    assert history.history["largest_error"] == [7.0, 7.0]
    assert model.evaluate(np.ones((4, 2)), np.arange(4.0), verbose=0)[1] == 3.0


def test_what_a_subclass_must_define():
    class Half(metrics.experimental.PyMetric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return 1

    with pytest.raises(NotImplementedError, match="reset_state"):
        Half().reset_state()
    with pytest.raises(NotImplementedError, match="merge_state"):
        Half().merge_state([])
    with pytest.raises(TypeError):
        metrics.experimental.PyMetric()
