"""Batches of image files, from directories and data frames, against tf_keras."""

import os

import numpy as np
import pandas as pd
import pytest

from kerasish.preprocessing import image

KEPT = (
    "target_size", "color_mode", "data_format", "image_shape", "interpolation", "split", "subset", "class_mode",
    "dtype", "samples", "num_classes", "class_indices", "filenames", "filepaths", "labels", "n", "batch_size", "seed",
    "shuffle", "batch_index", "total_batches_seen", "keep_aspect_ratio", "directory", "sample_weight",
    "allowed_class_modes", "white_list_formats",
)  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three classes of tiny images, some in folders within, and files that are none."""
    root, random = tmp_path_factory.mktemp("images"), np.random.default_rng(1)
    for name, count in (("b", 4), ("a", 3), ("c", 2)):
        (root / name / "sub").mkdir(parents=True)
        for number in range(count):
            image.save_img(root / name / f"{number}.png", random.random((6, 8, 3)))
        image.save_img(root / name / "sub" / "z.JPG", random.random((9, 4, 3)), file_format="jpeg")
    (root / "a" / "x.txt").write_text("none")
    image.save_img(root / "top.png", random.random((6, 8, 3)))
    return str(root)


def shown(source):
    found = {name: getattr(source, name) for name in KEPT if hasattr(source, name)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def batches_of(source, module):
    np.random.seed(6)
    made = [source[len(source) - 1], source[0], *(next(source) for _ in range(len(source) + 1)), np.random.rand(1)]
    flat = []
    for batch in made:
        for part in batch if isinstance(batch, tuple) else (batch,):
            flat += part if isinstance(part, list) else [part]
    return flat


def same(ours, wanted):
    assert len(ours) == len(wanted)
    for one, other in zip(ours, wanted, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


def compare(theirs, capsys, make):
    """Both iterators have the same attributes, say the same and give the same batches."""
    made, said = [], []
    for module in (image, theirs):
        made.append(make(module))
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and said[0].startswith("Found ")
    assert [name for name in KEPT if hasattr(made[0], name)] == [name for name in KEPT if hasattr(made[1], name)]
    assert str(shown(made[0])) == str(shown(made[1])) or shown(made[0]) == shown(made[1])
    same(*(batches_of(source, module) for source, module in zip(made, (image, theirs), strict=True)))


@pytest.mark.parametrize("options", [
    {}, {"classes": ["c", "a"]}, {"class_mode": "binary", "classes": ["a", "b"]}, {"class_mode": "sparse"},
    {"class_mode": "input", "color_mode": "rgba"}, {"class_mode": None, "shuffle": False, "seed": None},
    {"color_mode": "grayscale", "interpolation": "bilinear"}, {"subset": "training"}, {"subset": "validation"},
    {"keep_aspect_ratio": True, "batch_size": 100}, {"classes": ["a", "zz"]},
], ids=str)  # fmt: skip
def test_files_of_a_directory(theirs, capsys, folders, options):
    options = {"target_size": (5, 4), "seed": 1, "batch_size": 4, **options}

    def make(module):
        generator = module.ImageDataGenerator(validation_split=0.4, horizontal_flip=True, rotation_range=10)
        return generator.flow_from_directory(folders, **options)

    compare(theirs, capsys, make)


FRAME = pd.DataFrame(
    {
        "filename": ["b/0.png", "a/1.png", "gone.png", "c/0.png", "b/1.png", "a/x.txt"],
        "class": ["x", "y", "x", "y", "z", "x"],
        "many": [["x", "y"], ["y"], ["z"], ("z", "x"), ["y"], ["x"]],
        "w": [1.0, 2, 3, 4, 5, 6],
        "v": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    }
)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("options", [
    {}, {"class_mode": "sparse", "shuffle": False}, {"class_mode": "raw", "y_col": "v"},
    {"class_mode": "raw", "y_col": ["v", "w"]}, {"class_mode": "multi_output", "y_col": ["v", "w"]},
    {"class_mode": None}, {"class_mode": "input", "weight_col": "w"}, {"weight_col": "w"}, {"subset": "training"},
    {"subset": "validation"}, {"classes": ["y", "x"]}, {"class_mode": "binary", "classes": ["x", "y"]},
    {"y_col": "many"}, {"y_col": "many", "classes": ["z", "y"]}, {"class_mode": None, "drop_duplicates": False},
], ids=str)  # fmt: skip
def test_files_of_a_frame(theirs, capsys, folders, options):
    options = {"target_size": (5, 4), "seed": 1, "batch_size": 3, **options}
    before = FRAME.copy(deep=True)

    def make(module):
        generator = module.ImageDataGenerator(validation_split=0.3, zoom_range=0.1)
        return generator.flow_from_dataframe(FRAME, folders, **options)

    compare(theirs, capsys, make)
    assert FRAME.equals(before)


def test_files_of_a_frame_with_whole_paths(theirs, capsys, folders):
    frame = pd.DataFrame({"filename": [f"{folders}/a/0.png", f"{folders}/b/0.png"]})

    def make(module):
        options = {"class_mode": None, "target_size": (3, 3), "validate_filenames": False}
        return module.ImageDataGenerator().flow_from_dataframe(frame, **options)

    compare(theirs, capsys, make)


def test_files_that_are_not_there_are_told(folders):
    generator = image.ImageDataGenerator()
    with pytest.warns(UserWarning, match="2 of 6 files in the column 'filename'"):
        generator.flow_from_dataframe(FRAME, folders)
    with pytest.warns(UserWarning, match="'has_ext'"):
        generator.flow_from_dataframe(FRAME, folders, has_ext=True)
    with pytest.raises(FileNotFoundError):
        generator.flow_from_directory(os.path.join(folders, "gone"))


@pytest.mark.parametrize("options, error, message", [
    ({"class_mode": "one"}, ValueError, "'one'"), ({"color_mode": "cmyk"}, ValueError, "'cmyk'"),
    ({"subset": "test"}, ValueError, "'test'"), ({"y_col": "v"}, TypeError, "y_col='v'"),
    ({"class_mode": "multi_output", "y_col": "v"}, TypeError, "list of columns"),
    ({"weight_col": "class"}, TypeError, "weight_col='class'"), ({"x_col": "v"}, TypeError, "x_col='v'"),
    ({"class_mode": "sparse", "y_col": "many"}, TypeError, "type str"), ({"class_mode": "binary"}, ValueError, "3"),
    ({"class_mode": "binary", "classes": ["x"]}, ValueError, "two classes"),
], ids=str)  # fmt: skip
def test_frames_that_cannot_be(theirs, folders, options, error, message):
    with pytest.raises(error, match=message):
        image.ImageDataGenerator().flow_from_dataframe(FRAME, folders, **options)
    with pytest.raises(error):
        theirs.ImageDataGenerator().flow_from_dataframe(FRAME, folders, **options)


@pytest.mark.parametrize("options", [{"class_mode": "raw"}, {"color_mode": "cmyk"}, {"subset": "test"}], ids=str)
def test_directories_that_cannot_be(folders, options):
    with pytest.raises(ValueError, match="Received"):
        image.ImageDataGenerator().flow_from_directory(folders, **options)


def test_distorted_files_are_saved(folders, tmp_path):
    source = image.DirectoryIterator(folders, None, (3, 3), batch_size=3, data_format="channels_first",
                                     save_to_dir=str(tmp_path), save_prefix="p")  # fmt: skip
    assert source[0][0].shape == (3, 3, 3, 3) and len(os.listdir(tmp_path)) == 3
