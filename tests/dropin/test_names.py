"""Every name of tf.keras means kerasish after install(). Each test is a fresh process with module names of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import kerasish
from kerasish import dropin

ROOT = Path(__file__).resolve().parents[2]

ALL_NAMES = """
import tensorflow as tf
from tensorflow import keras
import tensorflow.keras.layers as layers_1
from tensorflow.keras import layers as layers_2, losses as losses_1
from tensorflow.keras.layers import Dense
from tensorflow.keras.optimizers import schedules as schedules_1
import keras as keras_1, keras.layers as layers_3
import keras.optimizers.schedules as schedules_2
import tf_keras as keras_2, tf_keras.layers as layers_4
import tensorflow.compat.v2.keras as keras_3
import tensorflow.compat.v1.keras as keras_4
import tensorflow.compat.v2 as tf_2
from tensorflow.compat import v1 as tf_1
from keras.api._v2.keras import layers as layers_5
from tf_keras.api._v1 import keras as keras_5
import keras._tf_keras.keras.layers as layers_6
import tensorflow.losses as losses_2

roots = (keras, keras_1, keras_2, keras_3, keras_4, keras_5, tf.keras, tf_1.keras, tf_2.keras, tf.compat.v2.keras)
assert all(root is kerasish for root in roots), roots
layer_modules = (layers_1, layers_2, layers_3, layers_4, layers_5, layers_6, tf.keras.layers)
assert all(module is kerasish.layers for module in layer_modules), layer_modules
assert Dense is kerasish.layers.Dense
assert losses_1 is losses_2 is tf.losses is tf_2.losses is kerasish.losses
assert tf.metrics is tf_2.metrics is kerasish.metrics and tf.optimizers is tf_2.optimizers is kerasish.optimizers
assert tf.initializers is kerasish.initializers and schedules_1 is schedules_2 is kerasish.optimizers.schedules
assert tf_1.losses is not kerasish.losses
assert kerasish.__spec__.name == "kerasish" and kerasish.layers.__spec__.name == "kerasish.layers"
assert tf.keras.__version__ == "2.15.0+kerasish." + own_version and not hasattr(tf.keras, "version")
"""

OTHERS_FIRST = (
    """
import sys
import numpy as np
import tensorflow as tf
held_before_use = tf.losses
import keras as real_3, tf_keras as real_2
import keras.layers, tf_keras.layers

def modules_of_others():
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("keras", "tf_keras")}

dense = tf.keras.layers.Dense
before = modules_of_others()
import kerasish
own_version = kerasish.__version__
kerasish.install()
kerasish.install()
assert held_before_use.MeanSquaredError is kerasish.losses.MeanSquaredError
"""
    + ALL_NAMES
    + """
kerasish.uninstall()
kerasish.uninstall()
assert modules_of_others() == before
assert tf.keras.layers.Dense is dense and "tensorflow.keras" not in sys.modules
assert held_before_use.MeanSquaredError is real_3.losses.MeanSquaredError
assert kerasish.__version__ == own_version and not hasattr(kerasish, "api")
import keras, tf_keras
assert keras is real_3 and tf_keras is real_2
for real in (keras, tf_keras):
    model = real.Sequential([real.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
"""
)

KERASISH_FIRST = (
    """
import sys
import kerasish
own_version = kerasish.__version__

def of_others():
    return [name for name in sys.modules if name.split(".")[0] in ("keras", "tf_keras")]

assert not of_others(), of_others()
kerasish.install()
"""
    + ALL_NAMES
    + """
assert not [name for name in sys.modules if name.startswith(("keras.src", "tf_keras.src"))]
for name in ("keras.no_such", "keras.src.engine", "tensorflow.keras.layers.no_such", "tensorflow.losses.no_such"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        assert "does not have 'kerasish." in str(error) and f"import {error.name}" in str(error), error
        assert len(str(error).splitlines()) <= 6
    else:
        raise AssertionError(name)
kerasish.uninstall()
assert not of_others(), of_others()
import keras
assert keras.__version__.startswith("3.") and tf.keras.layers.Dense is keras.layers.Dense
assert tf.losses.MeanSquaredError is keras.losses.MeanSquaredError
from tensorflow.keras.optimizers import Adam
assert Adam is keras.optimizers.Adam and "keras.src.optimizers" in sys.modules
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(Adam(), "mse")
"""
)


@pytest.mark.parametrize("program", [OTHERS_FIRST, KERASISH_FIRST], ids=["others_first", "kerasish_first"])
def test_every_name_means_kerasish_until_uninstall(program):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("TF_USE_LEGACY_KERAS", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_names_that_are_not_kerass_are_left_alone():
    for name in ("tensorflow", "tensorflow.python.keras", "keras_tuner", "kerasish", "tensorflow.compat.v1.losses"):
        assert dropin.finder.find_spec(name) is None


def test_mixed_precision_by_its_names_while_it_was_experimental():
    from kerasish.mixed_precision import experimental

    try:
        experimental.set_policy(experimental.Policy("mixed_float16"))
        assert experimental.global_policy().compute_dtype == kerasish.layers.Dense(1).compute_dtype == "float16"
    finally:
        experimental.set_policy("float32")
    fixed = experimental.LossScaleOptimizer(kerasish.optimizers.SGD(), loss_scale=8.0)
    moving = experimental.LossScaleOptimizer(kerasish.optimizers.SGD(), loss_scale="dynamic")
    assert (fixed.dynamic, float(fixed.loss_scale), moving.dynamic) == (False, 8.0, True)
