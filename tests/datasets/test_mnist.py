from __future__ import annotations

import inspect
import shutil

import numpy as np
import pytest

from kerasish.datasets import mnist


@pytest.fixture(autouse=True)
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_HOME", raising=False)


@pytest.fixture
def absent_package_file(monkeypatch, tmp_path):
    packaged = mnist._PACKAGED
    monkeypatch.setattr(mnist, "_PACKAGED", tmp_path / "absent.npz")
    return packaged


def put(source, folder, name="mnist.npz"):
    (folder / "datasets").mkdir(parents=True)
    return shutil.copy(source, folder / "datasets" / name)


def test_it_is_the_real_mnist():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert (y_train.shape, y_test.shape) == ((60000,), (10000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert (round(x_train.mean(), 4), round(x_test.mean(), 4)) == (33.3184, 33.7912)
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_signature_begins_like_that_of_tf_keras():
    import tf_keras

    def names_and_defaults(function):
        return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]

    theirs = names_and_defaults(tf_keras.datasets.mnist.load_data)  # older ones lack cache_dir
    assert names_and_defaults(mnist.load_data)[: len(theirs)] == theirs


@pytest.mark.parametrize("where", ["home", "KERAS_HOME", "cache_dir"])
def test_an_existing_file_is_honoured(where, absent_package_file, monkeypatch, tmp_path):
    folder = {"home": tmp_path / "home" / ".keras"}.get(where, tmp_path / where)
    put(absent_package_file, folder, "digits.npz")
    if where == "KERAS_HOME":
        monkeypatch.setenv("KERAS_HOME", str(folder))
    chosen = {"cache_dir": str(folder)} if where == "cache_dir" else {}
    (x_train, _), _ = mnist.load_data("digits.npz", **chosen)
    assert len(x_train) == 60000


def test_a_file_that_is_not_mnist_is_not_read(tmp_path):
    folder = tmp_path / "home" / ".keras"
    path = put(mnist._PACKAGED, folder)
    with open(path, "r+b") as file:
        file.truncate(1000)
    with pytest.warns(UserWarning, match="is not MNIST.*kerasish is used") as caught:
        (x_train, _), _ = mnist.load_data()
    assert len(x_train) == 60000 and caught[0].filename == __file__


def test_a_damaged_package_is_an_error(absent_package_file, tmp_path):
    with pytest.raises(OSError, match="Received: no such file"):
        mnist.load_data()
    (tmp_path / "absent.npz").write_bytes(absent_package_file.read_bytes()[:-1])
    with pytest.raises(OSError, match="SHA-256"):
        mnist.load_data()
