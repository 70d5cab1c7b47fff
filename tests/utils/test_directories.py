"""Datasets of the files in a directory against tf_keras.utils."""

import os

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from compared import compare

import kerasish
from kerasish import utils

theirs = tf_keras.utils


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders x, y and .hidden, each with tiny images, texts and recordings, some in folders within."""
    root, random = tmp_path_factory.mktemp("files"), np.random.default_rng(1)
    for name, count in (("y", 4), ("x", 3), (".hidden", 1)):
        (root / name / "sub").mkdir(parents=True)
        for number in range(count):
            utils.save_img(root / name / f"{number}.png", random.random((6, 8, 3)))
            (root / name / f"{number}.txt").write_text(f"{name}{number} words\n")
            wave = random.random((20 + 5 * number, 2)).astype("float32") - 0.5
            tf.io.write_file(str(root / name / f"{number}.wav"), tf.audio.encode_wav(wave, 8000))
        utils.save_img(root / name / "sub" / "z.JPG", random.random((9, 4, 3)), file_format="jpeg")
        (root / name / "sub" / "z.TXT").write_text(f"{name} within")
    utils.save_img(root / "top.png", random.random((6, 8, 3)))
    (root / "top.txt").write_text("top")
    return str(root)


COMMON = [
    {}, {"shuffle": False}, {"batch_size": None, "seed": 3}, {"batch_size": 1, "seed": 4},
    {"label_mode": "categorical", "class_names": ["y", "x"]}, {"shuffle": False, "follow_links": True},
    {"validation_split": 0.3, "subset": "training", "seed": 1}, {"validation_split": 0.3, "subset": "both", "seed": 1},
    {"validation_split": 0.3, "subset": "validation", "shuffle": False},
]  # fmt: skip
UNLABELED = [{"labels": None}, {"labels": None, "label_mode": None, "seed": 2}, {"label_mode": None, "shuffle": False}]


@pytest.mark.parametrize("options", [
    *COMMON, *UNLABELED, {"label_mode": "binary"}, {"color_mode": "grayscale"}, {"interpolation": "nearest"},
    {"crop_to_aspect_ratio": True}, {"smart_resize": True, "interpolation": "bicubic"}, {"labels": list(range(12))},
    {"labels": [0.5] * 12, "shuffle": False},
], ids=str)  # fmt: skip
def test_images_of_a_directory(capsys, folders, options):
    compare("image_dataset_from_directory", folders, **{"image_size": (4, 5), **options})
    said = capsys.readouterr().out.splitlines()
    half = len(said) // 2
    assert said[:half] == said[half:] and said[0].startswith("Found ")


@pytest.mark.parametrize("options", [
    *COMMON, *UNLABELED, {"label_mode": "binary"}, {"max_length": 4}, {"labels": [3, 1] * 6},
    {"labels": ["a"] * 12, "batch_size": 4},
], ids=str)  # fmt: skip
def test_texts_of_a_directory(folders, options):
    compare("text_dataset_from_directory", folders, **options)


@pytest.mark.parametrize("options", [
    *[options for options in COMMON if "label_mode" not in options], {"output_sequence_length": 22},
    {"output_sequence_length": 50, "batch_size": 2, "shuffle": False},
], ids=str)  # fmt: skip
def test_recordings_of_a_directory(folders, options):
    compare("audio_dataset_from_directory", folders, **options)


def test_recordings_where_tf_keras_fails(folders):
    ((batch, labels),) = utils.audio_dataset_from_directory(folders, label_mode="binary", shuffle=False)
    assert batch.shape == (7, 35, 2) and labels.numpy().tolist() == [[0.0]] * 3 + [[1.0]] * 4
    (batch,) = utils.audio_dataset_from_directory(folders, labels=None)
    assert batch.shape == (8, 35, 2)
    pairs = [module.audio_dataset_from_directory(folders, ragged=True, shuffle=False) for module in (utils, theirs)]
    (ours, _), (wanted, _) = (next(iter(pair)) for pair in pairs)
    assert ours.to_list() == wanted.to_list() and pairs[0].element_spec == pairs[1].element_spec


@pytest.mark.parametrize("options", [
    {"labels": "names"}, {"labels": [1, 2]}, {"labels": [1] * 12, "class_names": ["x"]}, {"class_names": ["x"]},
    {"label_mode": "one"}, {"validation_split": 0.3}, {"subset": "training"},
    {"validation_split": 0.3, "subset": "test"},
    {"validation_split": 1.3, "subset": "training"}, {"validation_split": 0.3, "subset": "training", "shuffle": True},
], ids=str)  # fmt: skip
def test_directories_that_cannot_be(folders, options):
    for name in ("image", "text"):
        for module in (utils, theirs):
            with pytest.raises(ValueError):
                getattr(module, f"{name}_dataset_from_directory")(folders, **options)


def test_what_only_some_directories_refuse(folders, tmp_path):
    images, audio = utils.image_dataset_from_directory, utils.audio_dataset_from_directory
    for options in ({"color_mode": "cmyk"}, {"interpolation": "cubic"}, {"image_size": (3,)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            images(folders, **options)
    with pytest.raises(TypeError, match="'colour'"):
        images(folders, colour="rgb")
    for options in ({"sampling_rate": -1}, {"sampling_rate": 1.5}, {"ragged": True, "output_sequence_length": 3}):
        with pytest.raises(ValueError, match=next(iter(options))):
            audio(folders, **options)
    with pytest.raises(ImportError, match="tensorflow-io"):
        audio(folders, sampling_rate=4000)
    with pytest.raises(ValueError, match="no files for validation"):
        images(folders, validation_split=0.01, subset="validation", seed=1)
    with pytest.raises(ValueError, match="two classes"):
        utils.text_dataset_from_directory(folders, labels=[1, 2, 3] + [1] * 9, label_mode="binary")
    with pytest.raises(ValueError, match="no files for the dataset"):
        images(tmp_path)
    with pytest.raises(tf.errors.NotFoundError):
        images(os.path.join(folders, "gone"))


def test_a_model_trains_on_a_directory(tmp_path):
    for name, column in (("left", 0), ("right", 4)):
        (tmp_path / name).mkdir()
        for number in range(12):
            picture = np.zeros((8, 8, 1))
            picture[number % 8 :, column : column + 4] = 255
            utils.save_img(tmp_path / name / f"{number}.png", picture, scale=False)
    options = {"image_size": (8, 8), "color_mode": "grayscale", "validation_split": 0.25, "seed": 1, "batch_size": 6}
    training, held_out = utils.image_dataset_from_directory(tmp_path, subset="both", **options)
    layers = kerasish.layers
    model = kerasish.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    loss = kerasish.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(kerasish.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    history = model.fit(training, epochs=8, validation_data=held_out, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2 and history["val_accuracy"][-1] == 1
