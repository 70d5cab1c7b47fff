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
