"""One TensorFlow process for all tests: quiet, on the CPU, seeded and with fresh names before every test."""

import os
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

from kerasish import datasets  # noqa: E402
from kerasish.core import settings  # noqa: E402
from kerasish.core.seeds import set_random_seed  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started with it ignored
tf.config.threading.set_inter_op_parallelism_threads(2)
tf.config.threading.set_intra_op_parallelism_threads(1)


@pytest.fixture(autouse=True)
def fresh_session():
    """Names from the start, known seeds, and default settings, whatever the test before has done."""
    settings.start_afresh()
    settings.set_floatx("float32")
    settings.set_epsilon(1e-7)
    settings.set_image_data_format("channels_last")
    set_random_seed(1)
    yield


@pytest.fixture(scope="session")
def mnist():
    """The real MNIST: `((x_train, y_train), (x_test, y_test))`, images `(n, 28, 28)` of uint8."""
    return datasets.mnist.load_data()


@pytest.fixture(scope="session")
def digits(mnist):
    """The first 6,000 training images as the guide prepares them: `(n, 784)` from 0 to 1, labels as float32."""
    (x, y), _ = mnist
    return x[:6000].reshape(-1, 784).astype(np.float32) / 255, y[:6000].astype(np.float32)
