"""One small network of each family beside tf_keras's: configuration, outputs for the same weights, files."""

import inspect
import urllib.error
import urllib.request

import fingerprints
import numpy as np
import pytest
import tf_keras

import kerasish
from kerasish import applications

SMALL = {
    "ConvNeXtTiny": {},
    "DenseNet121": {},
    "EfficientNetB0": {},
    "EfficientNetV2B0": {},
    "MobileNet": {"alpha": 0.25},
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {},
    "RegNetX002": {},
    "RegNetY002": {},
    "ResNet50": {},
    "ResNet50V2": {},
    "VGG16": {"include_top": False, "pooling": "max"},
}
LARGE = set(SMALL) - {"ConvNeXtTiny", "EfficientNetB0", "MobileNet", "MobileNetV3Small", "RegNetY002", "VGG16"}


def both(name, **arguments):
    for library in (kerasish, tf_keras):
        library.backend.clear_session()
        yield getattr(library.applications, name)(weights=None, **arguments)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in SMALL])
def test_same_configuration_outputs_and_files_of_weights(name, tmp_path):
    ours, theirs = both(name, **{"input_shape": (64, 64, 3), "classes": 10, **SMALL[name]})
    shape = ours.input_shape[1:]
    assert fingerprints.structure(ours) == fingerprints.structure(theirs)
    random = np.random.default_rng(0)
    theirs.set_weights([random.normal(0.5, 0.1, weight.shape) ** 2 - 0.24 * ("variance" not in variable.name)
                        for variable, weight in zip(theirs.weights, theirs.get_weights(), strict=True)])  # fmt: skip
    theirs.save_weights(tmp_path / "weights.h5")
    images = random.uniform(-1, 1, (2, *shape)).astype(np.float32)
    expected = theirs(images).numpy()
    assert np.ptp(expected) > 1e-3 * np.abs(expected).max()
    for by_name in (False, True):
        ours.set_weights([np.zeros(weight.shape) for weight in ours.weights])
        ours.load_weights(tmp_path / "weights.h5", by_name=by_name)
        found = ours(images).numpy()
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "ResNet50V2"])
def test_channels_first_has_the_same_configuration(name):
    for library in (kerasish, tf_keras):
        library.backend.set_image_data_format("channels_first")
    try:
        ours, theirs = both(name, input_shape=(3, 64, 64), classes=10, **SMALL[name])
        assert fingerprints.structure(ours) == fingerprints.structure(theirs)
    finally:
        tf_keras.backend.set_image_data_format("channels_last")


def test_an_input_tensor_and_what_was_before_it_belong_to_the_model():
    layers = kerasish.layers
    images = layers.Input((64, 64, 3))
    model = applications.MobileNet(weights=None, input_tensor=layers.Rescaling(2.0)(images), classes=10)
    assert model.layers[0] is images.node.layer and isinstance(model.layers[1], layers.Rescaling)
    assert model.output_shape == (None, 10)


def test_a_file_of_weights_is_loaded(tmp_path):
    first, second = (applications.MobileNet(weights=None, classes=3, alpha=0.25) for _ in range(2))
    first.save_weights(tmp_path / "weights.h5")
    second = applications.MobileNet(weights=tmp_path / "weights.h5", classes=3, alpha=0.25)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_without_a_network_one_is_told_where_to_put_the_file(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(OSError, match=r"(?s)mobilenet_2_5_128_tf.h5: no network.*models.mobilenet_2_5_128_tf.h5"):
        applications.MobileNet(alpha=0.25, input_shape=(128, 128, 3))


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("VGG16", {"weights": "no/such/file"}),
        ("VGG16", {"weights": 3}),
        ("VGG16", {"classes": 10}),
        ("VGG16", {"classifier_activation": "relu"}),
        ("VGG16", {"input_shape": (64, 64, 3)}),
        ("VGG16", {"input_shape": (64, 64), "weights": None}),
        ("VGG16", {"input_shape": (64, 64, 1), "include_top": False}),
        ("VGG16", {"input_shape": (31, 64, 3), "weights": None}),
        ("VGG16", {"input_shape": (None, 64, 3), "weights": None}),
        ("VGG16", {"input_tensor": np.zeros((1, 64, 64, 3)), "weights": None}),
        ("ResNet50", {"weights": None, "no_such": 3}),
        ("MobileNet", {"weights": None, "no_such": 3}),
        ("MobileNet", {"alpha": 0.3}),
        ("MobileNet", {"depth_multiplier": 2}),
        ("MobileNetV2", {"alpha": 0.3}),
    ],
)
def test_what_does_not_fit_is_an_error_in_either_library(name, arguments):
    with pytest.raises((ValueError, TypeError)):
        getattr(tf_keras.applications, name)(**arguments)
    with pytest.raises(ValueError) as raised:
        getattr(applications, name)(**arguments)
    lines = str(raised.value).splitlines()
    wrong = next(key for key in arguments if key != "weights" or arguments[key] is not None)
    assert f"{wrong}" in lines[0] and len(lines) <= 6
    assert any(line.startswith("Received: ") for line in lines) and any(line.startswith("Fix: ") for line in lines)


def test_functions_tell_their_arguments():
    for name in applications.__all__:
        function = getattr(applications, name)
        if inspect.isfunction(function):
            told = inspect.getdoc(function)
            for parameter in inspect.signature(function).parameters:
                assert f"\n    {parameter}: " in told.replace("**kwargs", "kwargs"), (name, parameter)
