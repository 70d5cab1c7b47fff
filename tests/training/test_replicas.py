"""Training under tf.distribute strategies: two replicas give what they give in tf_keras, one gives what none gives."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from tests.training import replicated

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def on_two():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tests.training.replicated"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", replicated.CASES)
def test_two_replicas_train_as_those_of_the_oracle(case, on_two):
    ours, theirs = on_two[case]["kerasish"], on_two[case]["tf_keras"]
    assert tf.nest.map_structure(np.shape, ours) == tf.nest.map_structure(np.shape, theirs)
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_what_would_train_wrongly_on_replicas_is_refused(on_two):
    averaging, elsewhere = on_two["refused"]
    assert "2 times too large" in averaging[1] and len(averaging) <= 6
    assert "outside the scope" in elsewhere[0] and len(elsewhere) <= 6


@pytest.mark.parametrize("make", [tf.distribute.MirroredStrategy, lambda: tf.distribute.OneDeviceStrategy("/cpu:0")])
def test_one_replica_gives_the_same_bits_as_no_strategy(make, tmp_path):
    x, y, found = replicated.X, replicated.Y, []
    for scope in (contextlib.nullcontext(), make().scope()):
        keras.utils.set_random_seed(1)
        with scope:
            hidden = [keras.layers.Dense(4), keras.layers.BatchNormalization()]
            model = keras.Sequential([*hidden, keras.layers.Dense(1)])
            model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(x, y, epochs=2, validation_split=0.2, shuffle=False, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        found.append([history.history, model.train_on_batch(x, y), loaded.predict(x)])
    for one, other in zip(*map(tf.nest.flatten, found), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_strategy_that_is_not_supported_is_named():
    strategy = tf.distribute.experimental.CentralStorageStrategy()
    with strategy.scope():
        model = keras.Sequential([keras.layers.Dense(1)])
        with pytest.raises(NotImplementedError, match="CentralStorageStrategy"):
            model.compile("sgd", "mse")
