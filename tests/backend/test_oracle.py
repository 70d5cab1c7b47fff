"""Windows, recurrences, cross-entropies and CTC of `backend` give the numbers of tf_keras.backend."""
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import backend

RANDOM = np.random.default_rng(7)


def numbers(*shape):
    return tf.constant(RANDOM.normal(size=shape).astype("float32"))


def shares(*shape):
    return tf.nn.softmax(numbers(*shape))


SERIES, IMAGES, VOLUMES = numbers(2, 7, 3), numbers(2, 6, 7, 3), numbers(2, 4, 5, 6, 2)
FIRST = "channels_first"
SERIES_FIRST = tf.transpose(SERIES, [0, 2, 1])
IMAGES_FIRST = tf.transpose(IMAGES, [0, 3, 1, 2])
VOLUMES_FIRST = tf.transpose(VOLUMES, [0, 4, 1, 2, 3])
CHANNEL = [numbers(3), tf.abs(numbers(3)) + 0.1, numbers(3), numbers(3)]
BINARY = tf.constant([[0.0, 1.0, 1.0, 0.0]])
ONE_HOT = tf.constant([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
MASK = tf.constant([[False, True, True, False, True], [True, False, True, True, True]])
SENTENCE = shares(2, 6, 4)
CALLS = [
    ("conv1d", (SERIES, numbers(3, 3, 4)), {}),
    ("conv1d", (SERIES, numbers(3, 3, 4), 2, "same"), {}),
    ("conv1d", (SERIES, numbers(3, 3, 4), 1, "causal", None, 2), {}),
    ("conv1d", (SERIES_FIRST, numbers(3, 3, 4), 1, "same", FIRST), {}),
    ("conv2d", (IMAGES, numbers(3, 2, 3, 4)), {}),
    ("conv2d", (IMAGES, numbers(3, 2, 3, 4)), {"strides": (2, 1), "padding": "same"}),
    ("conv2d", (IMAGES_FIRST, numbers(3, 2, 3, 4)), {"data_format": FIRST, "dilation_rate": (1, 2)}),
    ("conv2d_transpose", (IMAGES, numbers(3, 3, 4, 3), (2, 8, 9, 4)), {}),
    ("conv2d_transpose", (IMAGES, numbers(3, 3, 4, 3), (2, 12, 14, 4)), {"strides": (2, 2), "padding": "same"}),
    ("conv2d_transpose", (IMAGES_FIRST, numbers(3, 3, 4, 3), (2, 4, 8, 9)), {"data_format": FIRST}),
    ("conv3d", (VOLUMES, numbers(2, 2, 2, 2, 3)), {"padding": "same"}),
    ("conv3d", (VOLUMES_FIRST, numbers(2, 2, 2, 2, 3)), {"data_format": FIRST, "strides": (1, 2, 1)}),
    ("depthwise_conv2d", (IMAGES, numbers(3, 2, 3, 2)), {}),
    ("depthwise_conv2d", (IMAGES_FIRST, numbers(3, 2, 3, 2)), {"data_format": FIRST, "padding": "same"}),
    ("separable_conv2d", (IMAGES, numbers(3, 2, 3, 2), numbers(1, 1, 6, 5)), {"strides": (2, 2)}),
    ("separable_conv2d", (IMAGES_FIRST, numbers(3, 2, 3, 2), numbers(1, 1, 6, 5)), {"data_format": FIRST}),
    ("local_conv1d", (SERIES, numbers(5, 9, 4), (3,), (1,)), {}),
    ("local_conv1d", (SERIES_FIRST, numbers(3, 9, 4), (3,), (2,), FIRST), {}),
    ("local_conv2d", (IMAGES, numbers(20, 27, 2), (3, 3), (1, 1), (4, 5)), {}),
    ("local_conv2d", (IMAGES_FIRST, numbers(20, 27, 2), (3, 3), (1, 1), (4, 5), FIRST), {}),
    ("pool2d", (IMAGES, (2, 2)), {}),
    ("pool2d", (IMAGES, (2, 3), (2, 2), "same", None, "avg"), {}),
    ("pool2d", (IMAGES_FIRST, (2, 2)), {"data_format": FIRST}),
    ("pool3d", (VOLUMES, (2, 2, 2)), {}),
    ("pool3d", (VOLUMES_FIRST, (2, 1, 2), (2, 2, 2), "same", FIRST, "avg"), {}),
    ("temporal_padding", (SERIES, (1, 2)), {}),
    ("spatial_2d_padding", (IMAGES, ((1, 2), (3, 0))), {}),
    ("spatial_2d_padding", (IMAGES_FIRST, ((1, 2), (3, 0)), FIRST), {}),
    ("spatial_3d_padding", (VOLUMES,), {}),
    ("spatial_3d_padding", (VOLUMES_FIRST, ((1, 2), (3, 0), (0, 1)), FIRST), {}),
    ("resize_images", (IMAGES, 2, 3, "channels_last"), {}),
    ("resize_images", (IMAGES_FIRST, 2, 3, FIRST, "bilinear"), {}),
    ("resize_images", (IMAGES, 2, 1, "channels_last", "bicubic"), {}),
    ("resize_volumes", (VOLUMES, 1, 2, 3, "channels_last"), {}),
    ("resize_volumes", (VOLUMES_FIRST, 1, 2, 3, FIRST), {}),
    ("batch_normalization", (IMAGES, *CHANNEL), {}),
    ("batch_normalization", (IMAGES_FIRST, *CHANNEL), {"axis": 1, "epsilon": 0.1}),
    ("batch_normalization", (CHANNEL[0][None], CHANNEL[0], CHANNEL[1], None, None), {}),
    ("normalize_batch_in_training", (IMAGES, CHANNEL[2], CHANNEL[3], [0, 1, 2]), {}),
    ("normalize_batch_in_training", (IMAGES, None, None, [0, 1, 2]), {}),
    ("normalize_batch_in_training", (IMAGES_FIRST, CHANNEL[2], CHANNEL[3], [0, 2, 3]), {}),
    ("normalize_batch_in_training", (SERIES, CHANNEL[2], CHANNEL[3], [0, 1]), {}),
    ("binary_crossentropy", (BINARY, shares(1, 4)), {}),
    ("binary_crossentropy", (BINARY, numbers(1, 4)), {"from_logits": True}),
    ("binary_focal_crossentropy", (BINARY, shares(1, 4)), {}),
    ("binary_focal_crossentropy", (BINARY, numbers(1, 4), True, 0.4, 1.5, True), {}),
    ("categorical_crossentropy", (ONE_HOT, shares(2, 4)), {}),
    ("categorical_crossentropy", (ONE_HOT, numbers(2, 4), True), {}),
    ("categorical_crossentropy", (tf.transpose(ONE_HOT), tf.transpose(shares(2, 4)), False, 0), {}),
    ("categorical_focal_crossentropy", (ONE_HOT, shares(2, 4)), {}),
    ("categorical_focal_crossentropy", (ONE_HOT, numbers(2, 4), 0.4, 1.5, True), {}),
    ("sparse_categorical_crossentropy", (tf.constant([1, 3]), shares(2, 4)), {}),
    ("sparse_categorical_crossentropy", (tf.constant([1, 3]), numbers(2, 4), True), {"ignore_class": 3}),
    ("ctc_batch_cost", (tf.constant([[0, 1, 1], [1, 2, 0]]), SENTENCE, [[6], [5]], [[3], [2]]), {}),
    ("ctc_decode", (SENTENCE, [6, 4]), {}),
    ("ctc_decode", (SENTENCE, [6, 4], False, 10, 2), {}),
    ("ctc_label_dense_to_sparse", (tf.constant([[0, 1, 2], [1, 1, 0]]), [3, 1]), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options"), CALLS, ids=[f"{i}-{call[0]}" for i, call in enumerate(CALLS)])
def test_the_numbers_are_those_of_tf_keras(name, args, options):
    args = [tf.constant(arg) if name.startswith("ctc") and isinstance(arg, list) else arg for arg in args]
    ours = tf.nest.flatten(getattr(backend, name)(*args, **options), expand_composites=True)
    theirs = tf.nest.flatten(getattr(tf_keras.backend, name)(*args, **options), expand_composites=True)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def accumulate(values, states):
    total = values * states[0] + states[-1]
    return total, [tf.tanh(total)]


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(
    "options",
    [
        {}, {"go_backwards": True}, {"unroll": True}, {"mask": MASK}, {"mask": MASK, "go_backwards": True},
        {"mask": MASK, "zero_output_for_mask": True}, {"mask": MASK, "unroll": True}, {"time_major": True},
        {"return_all_outputs": False}, {"constants": [tf.constant(0.5)]}, {"mask": MASK[..., None]},
    ],
)  # fmt: skip
def test_a_recurrence_is_that_of_tf_keras(options, mode):
    x, state = numbers(2, 5, 3), numbers(2, 3)
    x = tf.transpose(x, [1, 0, 2]) if "time_major" in options else x

    def run(library):
        return tf.nest.flatten(library.rnn(accumulate, x, [state], **options))

    wrap = tf.function if mode == "graph" else lambda function: function
    for one, other in zip(wrap(run)(backend), wrap(run)(tf_keras.backend), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_recurrence_takes_structures():
    x = {"a": numbers(2, 4, 3), "b": numbers(2, 4, 3)}

    def step(values, states):
        return values["a"] - states[0], [states[0] + values["b"]]

    for one, other in zip(
        *(tf.nest.flatten(library.rnn(step, x, [tf.zeros((2, 3))])) for library in (backend, tf_keras.backend)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_dropout_keeps_a_share_and_the_mean():
    kept = backend.dropout(tf.ones((100, 100)), 0.25, seed=3).numpy()
    assert set(np.unique(kept)) == {np.float32(0), np.float32(4 / 3)}
    assert abs(kept.mean() - 1) < 0.03
    np.testing.assert_array_equal(backend.dropout(tf.ones((4, 5)), 0.5, (4, 1), seed=1).numpy().std(1), np.zeros(4))


def test_gradients_are_those_within_a_graph():
    @tf.function
    def slope(x):
        return backend.gradients(x**3, [x])[0]

    assert slope(tf.constant(2.0)) == 12
    with pytest.raises(RuntimeError, match="eager"):
        backend.gradients(tf.constant(1.0), [tf.constant(1.0)])


def test_settings_of_earlier_releases_are_accepted():
    assert backend.manual_variable_initialization(True) is None
    assert not backend.experimental.is_tf_random_generator_enabled()
    backend.experimental.enable_tf_random_generator()
    assert backend.experimental.is_tf_random_generator_enabled()
    backend.experimental.disable_tf_random_generator()
    assert not backend.experimental.is_tf_random_generator_enabled()


@pytest.mark.parametrize(
    "call",
    [
        lambda: backend.conv2d(IMAGES, numbers(3, 3, 3, 4), padding="causal"),
        lambda: backend.conv2d(IMAGES, numbers(3, 3, 3, 4), data_format="sideways"),
        lambda: backend.pool2d(IMAGES, (2, 2), pool_mode="median"),
        lambda: backend.resize_images(IMAGES, 2, 2, "channels_last", "magic"),
        lambda: backend.resize_volumes(VOLUMES, 2, 2, 2, "sideways"),
    ],
)
def test_unknown_words_are_told(call):
    with pytest.raises(ValueError, match="must be one of"):
        call()


def test_symbolic_tensors_make_a_model():
    from kerasish import Input, Model

    inputs = Input((6, 7, 3))
    pooled = backend.pool2d(backend.spatial_2d_padding(inputs), (2, 2))
    np.testing.assert_allclose(
        Model(inputs, pooled)(IMAGES), backend.pool2d(backend.spatial_2d_padding(IMAGES), (2, 2)), rtol=1e-6
    )


def test_settings_are_those_of_tf_keras():
    assert backend.backend() == tf_keras.backend.backend()
    assert (backend.floatx(), backend.image_data_format()) == ("float32", "channels_last")
    backend.set_floatx("float64")
    backend.set_epsilon(1e-3)
    backend.set_image_data_format("channels_first")
    assert (backend.floatx(), backend.epsilon(), backend.image_data_format()) == ("float64", 1e-3, "channels_first")
    for setting in (backend.set_floatx, backend.set_image_data_format):
        with pytest.raises(ValueError, match="Received"):
            setting("sideways")


@pytest.mark.parametrize("options", [{"shape": (2, 3)}, {"ndim": 2}, {"shape": (2, None), "dtype": "int32"}])
def test_a_placeholder_becomes_the_input_of_a_function(options):
    ours, theirs = (library.placeholder(**options) for library in (backend, tf_keras.backend))
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    twice = backend.function([ours], [ours + ours])
    np.testing.assert_array_equal(twice([np.ones((2, 3), ours.dtype.as_numpy_dtype)])[0], np.full((2, 3), 2))


def test_random_numbers_have_shape_type_and_range():
    tosses = backend.random_binomial((50, 40), 0.25).numpy()
    assert set(np.unique(tosses)) == {0, 1} and abs(tosses.mean() - 0.25) < 0.05
    drawn = backend.random_uniform_variable((50, 40), 2.0, 3.0, "float64", "drawn", 3)
    assert drawn.dtype == tf.float64 and drawn.name == "drawn:0" and 2 <= drawn.numpy().min() < drawn.numpy().max() <= 3


def test_names_and_prints(capfd):
    with backend.name_scope("outer"):
        assert tf.Variable(1.0, name="inner").name == "outer/inner:0"
    np.testing.assert_array_equal(backend.print_tensor(tf.constant([1.0, 2.0]), "values:"), [1, 2])
    assert "values:" in "".join(capfd.readouterr())


def test_every_function_has_a_case():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    untried = [name for name in backend.__all__ if not re.search(rf'"{name}"|(backend|library)\.{name}\b', tests)]
    assert not untried
