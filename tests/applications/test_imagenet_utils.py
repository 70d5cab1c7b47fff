"""Images in the three ways of the published networks, and outputs as names of classes, beside tf_keras's."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import applications
from kerasish.applications import imagenet_utils

theirs = tf_keras.applications.imagenet_utils
FAMILIES = [name for name in applications.__all__ if name.islower() and name != "imagenet_utils"]


def images(dtype="float32", batch=2):
    values = np.random.default_rng(0).integers(0, 256, (batch, 4, 5, 3))
    return values.astype(dtype)


@pytest.mark.parametrize("layout", [None, "channels_first", "channels_last"])
@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_images_are_prepared_as_by_tf_keras(mode, layout):
    for dtype in ("uint8", "int64", "float32", "float64", "float16"):
        for x in (images(dtype), images(dtype)[0]):
            x = np.moveaxis(x, -1, -3) if layout == "channels_first" else x
            before = x.copy()
            found = imagenet_utils.preprocess_input(x, layout, mode)
            expected = theirs.preprocess_input(x.copy(), layout, mode)
            assert found.dtype == expected.dtype and np.array_equal(x, before)
            np.testing.assert_allclose(found, expected, rtol=1e-2 if dtype == "float16" else 1e-5, atol=1e-5)
            tensor = imagenet_utils.preprocess_input(tf.constant(x), layout, mode)
            assert tf.is_tensor(tensor) and tensor.dtype == expected.dtype
            np.testing.assert_allclose(tensor, expected, rtol=1e-2 if dtype == "float16" else 1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_symbolic_images(mode):
    for dtype in ("float32", "uint8"):
        start = kerasish.Input((4, 5, 3), dtype=dtype)
        model = kerasish.Model(start, imagenet_utils.preprocess_input(start, mode=mode))
        expected = theirs.preprocess_input(images(), mode=mode)
        np.testing.assert_allclose(model(images(dtype)), expected, rtol=1e-5, atol=1e-5)
        again = kerasish.models.model_from_json(model.to_json())
        np.testing.assert_allclose(again(images(dtype)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_prepares_images_in_its_way(family):
    ours, oracle = (getattr(library.applications, family) for library in (kerasish, tf_keras))
    np.testing.assert_allclose(ours.preprocess_input(images()), oracle.preprocess_input(images()), atol=1e-5)
    first = np.moveaxis(images(), -1, 1)
    expected = oracle.preprocess_input(first.copy(), "channels_first")
    np.testing.assert_allclose(ours.preprocess_input(first, "channels_first"), expected, atol=1e-5)
    assert ours.decode_predictions is imagenet_utils.decode_predictions
    assert ours.preprocess_input.__name__ == "preprocess_input"


def test_wrong_modes_and_layouts():
    with pytest.raises(ValueError, match="mode='cafe'"):
        imagenet_utils.preprocess_input(images(), mode="cafe")
    with pytest.raises(ValueError, match="data_format='last'"):
        imagenet_utils.preprocess_input(images(), "last")


def test_predictions_are_named(monkeypatch, tmp_path):
    names = {str(number): [f"n{number:08}", f"thing_{number}"] for number in range(1000)}
    (tmp_path / "classes.json").write_text(json.dumps(names))
    asked = []

    def get_file(fname=None, origin=None, cache_subdir=None, file_hash=None):
        asked.append((origin, cache_subdir, file_hash))
        return str(tmp_path / "classes.json")

    monkeypatch.setattr(imagenet_utils, "get_file", get_file)
    monkeypatch.setattr("tf_keras.src.utils.data_utils.get_file", get_file)
    imagenet_utils._class_names.cache_clear()
    predictions = np.random.default_rng(0).random((3, 1000), np.float32)
    try:
        for top in (1, 5, 1000):
            assert imagenet_utils.decode_predictions(predictions, top) == theirs.decode_predictions(predictions, top)
        assert imagenet_utils.decode_predictions(tf.constant(predictions)) == theirs.decode_predictions(predictions)
    finally:
        imagenet_utils._class_names.cache_clear()
    assert len(asked) == 2 and asked[0] == asked[1]
    with pytest.raises(ValueError, match=r"(?s)preds.*\(1000,\)"):
        imagenet_utils.decode_predictions(predictions[0])
