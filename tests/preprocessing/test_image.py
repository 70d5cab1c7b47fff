"""Distorted images and ImageDataGenerator over arrays against tf_keras."""

import os
import sys

import numpy as np
import pytest
import tensorflow as tf

import kerasish
from kerasish.preprocessing import image

RANDOM = np.random.default_rng(0)
PICTURE = (RANDOM.random((5, 6, 3)) * 255).astype("float32")
PICTURES = (RANDOM.random((9, 5, 6, 3)) * 255).astype("float32")
LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
CHANGES = [
    {}, {"theta": 35}, {"tx": 1.3, "ty": -0.7}, {"shear": 20}, {"zx": 1.4, "zy": 0.6}, {"zx": 2.45},
    {"theta": -80, "tx": 2, "ty": 9.5, "shear": -10, "zx": 1.9, "zy": 3.1},
]  # fmt: skip
GENERATORS = [
    {}, {"rotation_range": 30}, {"width_shift_range": 0.2, "height_shift_range": 2}, {"width_shift_range": [-2, 3]},
    {"width_shift_range": 1.0, "height_shift_range": 1.5}, {"shear_range": 10.0}, {"zoom_range": 0.3},
    {"zoom_range": (0.5, 0.7), "fill_mode": "constant", "cval": 7.0}, {"channel_shift_range": 20.0},
    {"horizontal_flip": True, "vertical_flip": True}, {"brightness_range": (0.2, 0.8)}, {"rescale": 1 / 255},
    {"rotation_range": 9, "width_shift_range": (0.1, 0.3), "height_shift_range": 3, "shear_range": 5, "zoom_range": 0.1,
     "channel_shift_range": 5.0, "horizontal_flip": True, "vertical_flip": True, "brightness_range": [0.9, 1.1],
     "fill_mode": "reflect", "rescale": 0.5, "preprocessing_function": lambda x: x + 1},
    {"samplewise_center": True, "dtype": "float64"}, {"samplewise_std_normalization": True, "interpolation_order": 0},
]  # fmt: skip
QUIET = pytest.mark.filterwarnings("ignore::UserWarning")


def same(ours, wanted):
    """Whether two batches, or two arrays, are equal up to the last digits of float32."""
    assert isinstance(ours, tuple | list) == isinstance(wanted, tuple | list)
    if isinstance(ours, tuple | list):
        assert type(ours) is type(wanted) and len(ours) == len(wanted)
        for one, other in zip(ours, wanted, strict=True):
            same(one, other)
    else:
        assert ours.dtype == wanted.dtype and ours.shape == wanted.shape
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("fill_mode", ["nearest", "constant", "reflect", "wrap"])
@pytest.mark.parametrize("order", [0, 1])
def test_affine_transforms(theirs, change, fill_mode, order):
    for picture, axes in ((PICTURE, LAST), (PICTURE, {}), (PICTURE, {"row_axis": 2, "col_axis": 1, "channel_axis": 0})):
        options = {**change, "fill_mode": fill_mode, "cval": 3.0, "order": order, **axes}
        same(*(module.apply_affine_transform(picture, **options) for module in (image, theirs)))
    assert image.apply_affine_transform(PICTURE) is PICTURE


def test_affine_transforms_of_integers_and_small_images(theirs):
    same(*(module.apply_affine_transform(PICTURE[:1, :1], 30, fill_mode="wrap", **LAST) for module in (image, theirs)))
    turned = image.apply_affine_transform(PICTURE.astype("uint8"), 10, **LAST)
    exact = image.apply_affine_transform(PICTURE.astype("uint8").astype("float64"), 10, **LAST)
    assert turned.dtype == "uint8" and np.array_equal(turned, np.floor(exact + 0.5))


@pytest.mark.parametrize("order", [2, 3, 5])
def test_splines_of_higher_order_are_scipys(theirs, order):
    pytest.importorskip("scipy")
    for mode in ("nearest", "constant", "reflect", "wrap"):
        options = {"theta": 20, "zx": 1.2, "order": order, "fill_mode": mode, **LAST}
        same(*(module.apply_affine_transform(PICTURE, **options) for module in (image, theirs)))


def test_splines_of_higher_order_say_that_they_need_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        image.apply_affine_transform(PICTURE, 10, order=3, **LAST)


@pytest.mark.parametrize("arguments", [
    {"x": PICTURE[0]}, {"row_axis": 0}, {"row_axis": 0, "col_axis": 2, "channel_axis": 1}, {"fill_mode": "mirror"},
    {"order": 6},
], ids=["rank", "equal_axes", "axes", "mode", "order"])  # fmt: skip
def test_affine_transforms_that_cannot_be(arguments):
    with pytest.raises(ValueError, match="Received"):
        image.apply_affine_transform(**{"x": PICTURE, "theta": 3, **arguments})


@pytest.mark.parametrize("name, arguments", [
    ("random_rotation", (40,)), ("random_shear", (25,)), ("random_shift", (0.3, 0.6)), ("random_zoom", ((0.5, 1.5),)),
    ("random_zoom", ((1, 1),)),
], ids=str)  # fmt: skip
def test_random_transforms(theirs, name, arguments):
    both = []
    for module in (image, theirs):
        np.random.seed(4)
        made = [getattr(module, name)(PICTURE, *arguments, **LAST, fill_mode="reflect") for _ in range(2)]
        both.append([*made, getattr(module, name)(PICTURE, *arguments, interpolation_order=0), np.random.rand(1)])
    same(*both)


def test_random_colours(theirs):
    both = []
    for module in (image, theirs):
        np.random.seed(4)
        made = [
            module.random_channel_shift(PICTURE, 40.0), module.random_channel_shift(PICTURE.astype("uint8"), 9, 2),
            module.random_brightness(PICTURE, (0.3, 1.4)), module.random_brightness(PICTURE, [0.1, 0.2], False),
            module.apply_brightness_shift(PICTURE * 3 - 50, 0.7, False), module.apply_brightness_shift(PICTURE, 1.5),
            module.apply_brightness_shift(PICTURE[..., :1], 0.5, False), module.apply_channel_shift(PICTURE, -30, 2),
        ]  # fmt: skip
        both.append([*made, np.random.rand(1)])
    same(*both)
    with pytest.raises(ValueError, match="brightness_range"):
        image.random_brightness(PICTURE, (1, 2, 3))
    with pytest.raises(ValueError, match="zoom_range"):
        image.random_zoom(PICTURE, (1, 2, 3))


@pytest.mark.parametrize("size", [(3, 4), (7, 3), (12, 12), [5, 6]], ids=str)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3"])
def test_resizing_without_distortion(theirs, size, interpolation):
    for x in (PICTURE, PICTURES, PICTURE.astype("uint8")):
        same(*(module.smart_resize(x, size, interpolation) for module in (image, theirs)))
    assert tf.is_tensor(image.smart_resize(tf.constant(PICTURE), size))


def test_sizes_that_cannot_be():
    for arguments in ((PICTURE, 3), (PICTURE, (3,)), (PICTURE[0], (3, 3)), (PICTURE, (3, 3), "cubic")):
        with pytest.raises(ValueError, match="Received"):
            image.smart_resize(*arguments)


@QUIET
@pytest.mark.parametrize("options", GENERATORS, ids=lambda options: "-".join(options))
def test_random_distortions(theirs, options):
    ours, wanted = (module.ImageDataGenerator(**options) for module in (image, theirs))
    assert vars(ours) == vars(wanted)
    for seed in range(5):
        assert ours.get_random_transform((5, 6, 3), seed) == wanted.get_random_transform((5, 6, 3), seed)
        dtype = options.get("dtype", "float32")
        pair = [one.random_transform(PICTURE.astype(dtype), seed) for one in (ours, wanted)]
        same(*pair)
        same(*(one.standardize(x.copy()) for one, x in zip((ours, wanted), pair, strict=True)))


@QUIET
@pytest.mark.parametrize("options", GENERATORS, ids=lambda options: "-".join(options))
@pytest.mark.parametrize("arguments", [
    {"batch_size": 4, "seed": 3}, {"batch_size": 4, "shuffle": False, "y": np.arange(9) % 3}, {"batch_size": 2},
    {"y": np.eye(9), "sample_weight": np.arange(9.0), "seed": 5, "batch_size": 5},
], ids=lambda arguments: "-".join(arguments))  # fmt: skip
def test_batches_of_arrays(theirs, options, arguments):
    both = []
    for module in (image, theirs):
        np.random.seed(7)
        source = module.ImageDataGenerator(**options).flow(PICTURES, **arguments)
        batches = [source[len(source) - 1], source[0], *(next(source) for _ in range(4))]
        source.on_epoch_end()
        source.reset()
        batches += [source[1], source.next(), next(iter(source)), np.random.rand(1)]
        both.append(batches)
        counts = (len(source), source.n, source.batch_index, source.total_batches_seen, source.index_array.tolist())
        both.append(counts)
    same(both[0], both[2])
    assert both[1] == both[3]


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets_and_further_inputs(theirs, subset):
    labels = np.array([0, 1, 0, 1, 0, 1, 1, 0, 0])
    for x in (PICTURES, (PICTURES, np.arange(9)), [PICTURES, [np.arange(9), np.eye(9)]]):
        both = []
        for module in (image, theirs):
            generator = module.ImageDataGenerator(validation_split=0.4)
            both.append(list(generator.flow(x, labels, subset=subset, shuffle=False)[0]))
        same(*both)
    for module in (image, theirs):
        flow = module.ImageDataGenerator(validation_split=0.4).flow
        with pytest.raises(ValueError, match="subset"):
            flow(PICTURES, np.arange(9), subset=subset)
        assert len(flow(PICTURES, np.arange(9), subset=subset, ignore_class_split=True)) == 1


@QUIET
@pytest.mark.parametrize("options", [
    {"featurewise_center": True}, {"featurewise_std_normalization": True}, {"zca_whitening": True, "rescale": 1 / 255},
    {"featurewise_std_normalization": True, "data_format": "channels_first", "dtype": "float64"},
], ids=lambda options: "-".join(options))  # fmt: skip
@pytest.mark.parametrize("fitting", [{}, {"augment": True, "rounds": 2, "seed": 3}], ids=str)
def test_what_images_have_in_common(theirs, options, fitting):
    generators = [module.ImageDataGenerator(rotation_range=20, **options) for module in (image, theirs)]
    shown = []
    for generator in generators:
        generator.fit(PICTURES, **fitting)
        with_matrix = generator.zca_whitening_matrix is not None
        shown.append([generator.mean, *([generator.zca_whitening_matrix] if with_matrix else [generator.std])])
        shown[-1].append(generator.standardize(PICTURES[0].astype(generator.dtype)))
    for ours, wanted in zip(*shown, strict=True):
        if ours is not None:
            np.testing.assert_allclose(ours, wanted, rtol=2e-3 if "zca_whitening" in options else 1e-5, atol=1e-3)
            assert ours.dtype == wanted.dtype


def test_what_a_generator_refuses():
    for options in (
        {"data_format": "channels"}, {"validation_split": 1.5}, {"validation_split": 1}, {"brightness_range": 3},
        {"zoom_range": [0.5]}, {"zoom_range": "ab"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(options))):
            image.ImageDataGenerator(**options)
    generator = image.ImageDataGenerator()
    for arguments, message in (
        ((PICTURE,), "rank 4"), ((PICTURES, np.zeros(3)), "same length"), (([PICTURES, np.zeros(3)],), "same length"),
        ((PICTURES, None, 32, True, np.zeros(3)), "same length"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            generator.flow(*arguments)
    with pytest.raises(ValueError, match="'test'"):
        generator.flow(PICTURES, subset="test")
    with pytest.raises(ValueError, match="rank 4"):
        generator.fit(PICTURE)
    with pytest.raises(ValueError, match="index=2"):
        generator.flow(PICTURES, batch_size=5)[2]
    with pytest.raises(NotImplementedError, match="Iterator must define"):
        image.Iterator(5, 2, True, 3)[0]


def test_what_a_generator_warns_of():
    for name, center in (
        ("zca_whitening", "featurewise_center"), ("featurewise_std_normalization", "featurewise_center"),
        ("samplewise_std_normalization", "samplewise_center"),
    ):  # fmt: skip
        with pytest.warns(UserWarning, match=f"`{name}`"):
            assert getattr(image.ImageDataGenerator(**{name: True}), center) is True
    with pytest.warns(UserWarning, match="`fit`"):
        image.ImageDataGenerator(featurewise_center=True).standardize(PICTURE.copy())
    with pytest.warns(UserWarning, match="channels"):
        image.ImageDataGenerator().flow(np.zeros((2, 3, 3, 2)))


def test_distorted_images_are_saved(tmp_path):
    generator = image.ImageDataGenerator(horizontal_flip=True)
    generator.flow(PICTURES, batch_size=4, seed=1, save_to_dir=tmp_path, save_prefix="p", save_format="jpeg")[0]
    names = sorted(os.listdir(tmp_path))
    assert len(names) == 4 and all(name.startswith("p_") and name.endswith(".jpeg") for name in names)
    assert image.load_img(tmp_path / names[0]).size == (6, 5)


def test_a_model_trains_on_distorted_images():
    x = np.zeros((32, 8, 8, 1), "float32")
    y = np.arange(32) % 2
    x[y == 1, :, :4] = 255
    generator = image.ImageDataGenerator(
        rotation_range=5, width_shift_range=0.1, rescale=1 / 255, validation_split=0.25
    )
    layers = kerasish.layers
    model = kerasish.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)])
    loss = kerasish.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(kerasish.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    held_out = generator.flow(x, y, subset="validation", shuffle=False)
    training = generator.flow(x, y, batch_size=8, seed=1, subset="training")
    history = model.fit(training, epochs=6, validation_data=held_out, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2 and history["val_accuracy"][-1] == 1
    assert model.predict(generator.flow(x, batch_size=5, shuffle=False), verbose=0).shape == (32, 2)
