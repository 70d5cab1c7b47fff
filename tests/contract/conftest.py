"""Lets the tests of this folder import its table, and the oracle find itself where it looks for `tf.keras`."""

import sys
from pathlib import Path

import pytest
import tensorflow as tf
import tf_keras

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def the_oracle_is_tf_keras(monkeypatch):
    """tf_keras's SpectralNormalization asks `tf.keras`, which otherwise is Keras 3."""
    monkeypatch.setattr(tf.compat.v2, "keras", tf_keras, raising=False)


def _grouped_convolutions_train():
    """Whether TensorFlow uses oneDNN here; without it, it cannot train such layers, nor run channels-first ones."""
    kernel = tf.Variable(tf.ones((1, 1, 1, 2)))
    try:
        with tf.GradientTape() as tape:
            outputs = tf.nn.conv2d(tf.ones((1, 2, 2, 2)), kernel, 1, "SAME")
        return tape.gradient(outputs, kernel) is not None
    except tf.errors.OpError:
        return False


HAS_ALL_KERNELS = _grouped_convolutions_train()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Skips what TensorFlow's own kernels refuse on a processor for which it leaves oneDNN off."""
    try:
        return (yield)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        layer = pyfuncitem.callspec.id if hasattr(pyfuncitem, "callspec") else ""
        if HAS_ALL_KERNELS or not any(kind in layer for kind in ("channels first", "grouped", "of two strides")):
            raise
        pytest.skip(f"TensorFlow has no such kernel on this processor: {error.message.splitlines()[0]}")
