"""Images and padded sequences against tf_keras.utils."""
import io

import numpy as np
import pytest
import tf_keras

from kerasish import utils

theirs = tf_keras.utils
RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (5, 7, 3)).astype("uint8")

SEQUENCES = [[[1], [2, 3], [4, 5, 6, 7]], [[], [1]], [[1.5, 2.5], [3.0]], [[[1, 2], [3, 4]], [[5, 6]]]]


@pytest.mark.parametrize("sequences", SEQUENCES, ids=str)
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_padded_sequences(sequences, padding, truncating):
    for maxlen in (None, 1, 2, 9):
        for more in ({}, {"value": -1, "dtype": "float64"}, {"value": 7}):
            arguments = {"maxlen": maxlen, "padding": padding, "truncating": truncating, **more}
            ours, wanted = (module.pad_sequences(sequences, **arguments) for module in (utils, theirs))
            assert ours.dtype == wanted.dtype and np.array_equal(ours, wanted) and ours.shape == wanted.shape


def test_sequences_of_texts():
    arguments = ([["a"], ["b", "c"]],), {"dtype": object, "value": "-"}
    assert utils.pad_sequences(*arguments[0], **arguments[1]).tolist() == [["-", "a"], ["b", "c"]]
    for bad in ({"padding": "x"}, {"truncating": "x"}, {"value": "a"}):
        with pytest.raises(ValueError):
            utils.pad_sequences([[1]], **bad)
    for sequences in ([1, 2], 3, [[[1]], [[1, 2]]]):
        with pytest.raises(ValueError):
            utils.pad_sequences(sequences)


@pytest.mark.parametrize("shape", [(4, 5, 1), (4, 5, 3), (4, 5, 4), (3, 4, 5)])
@pytest.mark.parametrize("scale", [True, False])
def test_arrays_as_images_and_back(shape, scale):
    data_format = "channels_first" if shape == (3, 4, 5) else None
    for x in (RANDOM.random(shape) * 200, RANDOM.integers(0, 400, shape), np.zeros(shape)):
        if not scale and shape[-1] != 1:
            x = x % 256
        ours, wanted = (module.array_to_img(x, data_format, scale) for module in (utils, theirs))
        assert ours.mode == wanted.mode and np.array_equal(np.asarray(ours), np.asarray(wanted))
        for dtype in (None, "int32"):
            one, other = (module.img_to_array(wanted, data_format, dtype) for module in (utils, theirs))
            assert np.array_equal(one, other) and one.dtype == other.dtype


@pytest.mark.parametrize("arguments", [
    {}, {"color_mode": "grayscale"}, {"color_mode": "rgba"}, {"target_size": (3, 4)}, {"target_size": (5, 7)},
    {"target_size": (10, 4), "interpolation": "bilinear"}, {"target_size": (4, 4), "interpolation": "lanczos"},
    {"target_size": (3, 3), "keep_aspect_ratio": True}, {"target_size": (2, 9), "keep_aspect_ratio": True},
    {"target_size": (4, 4), "interpolation": "box"}, {"target_size": (4, 4), "interpolation": "hamming"},
], ids=str)  # fmt: skip
def test_files_as_images(arguments, tmp_path):
    utils.save_img(tmp_path / "a.png", PICTURE, scale=False)
    theirs.save_img(str(tmp_path / "b.png"), PICTURE, scale=False)
    content = (tmp_path / "a.png").read_bytes()
    assert content == (tmp_path / "b.png").read_bytes()
    for path in (tmp_path / "a.png", str(tmp_path / "a.png"), io.BytesIO(content)):
        ours = utils.load_img(path, **arguments)
        wanted = theirs.load_img(str(tmp_path / "a.png"), **arguments)
        assert ours.mode == wanted.mode and np.array_equal(np.asarray(ours), np.asarray(wanted))


def test_images_that_cannot_be():
    for call in (
        lambda: utils.array_to_img(np.zeros((2, 2))), lambda: utils.array_to_img(np.zeros((2, 2, 2))),
        lambda: utils.array_to_img(np.zeros((2, 2, 3)), "channels"), lambda: utils.img_to_array(np.zeros((1, 2, 2, 3))),
        lambda: utils.load_img("x", color_mode="cmyk"), lambda: utils.load_img("x", interpolation="cubic"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="Received"):
            call()
    with pytest.raises(TypeError, match="path"):
        utils.load_img(3)


def test_jpeg_has_no_transparency(tmp_path):
    utils.save_img(tmp_path / "a.jpg", RANDOM.random((4, 4, 4)), file_format="jpg")
    assert utils.load_img(tmp_path / "a.jpg").size == (4, 4)
