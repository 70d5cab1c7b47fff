"""Initializers give the numbers of tf_keras for the same seed, and after the same `set_random_seed`."""
import inspect
import json
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import initializers
from kerasish.core.seeds import set_random_seed

CLASSES = [name for name in initializers.__all__ if inspect.isclass(getattr(initializers, name)) and name[0].isupper()]
RANDOM = [name for name in CLASSES if "seed" in inspect.signature(getattr(initializers, name)).parameters]
SHAPES = [(), (3,), (4, 3), (3, 4), (2, 3, 5), (3, 3, 2, 4)]


def pair(name, **options):
    return getattr(initializers, name)(**options), getattr(tf_keras.initializers, name)(**options)


def assert_same(ours, theirs, *args, **kwargs):
    mine, reference = ours(*args, **kwargs), theirs(*args, **kwargs)
    assert mine.dtype == reference.dtype and mine.shape == reference.shape
    np.testing.assert_allclose(tf.cast(mine, "float64"), tf.cast(reference, "float64"), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_seeded_numbers(name, shape):
    if name == "Orthogonal" and len(shape) < 2:
        pytest.skip("needs two axes")
    assert_same(*pair(name, seed=17), shape)


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
@pytest.mark.parametrize("name", [name for name in RANDOM if name != "Orthogonal"])
def test_seeded_numbers_of_other_types(name, dtype):
    assert_same(*pair(name, seed=3), (3, 4), dtype)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform", "normal"])
def test_variance_scaling(mode, distribution):
    options = {"scale": 1.7, "mode": mode, "distribution": distribution, "seed": 5}
    ours, theirs = pair("VarianceScaling", **options)
    assert ours.get_config() == theirs.get_config()
    for shape in SHAPES:
        assert_same(ours, theirs, shape)


@pytest.mark.parametrize(
    "name, options, shape, dtype",
    [
        ("Zeros", {}, (2, 3), None),
        ("Ones", {}, (2, 3), "int32"),
        ("Zeros", {}, (2,), "bool"),
        ("Constant", {"value": 2.5}, (2, 3), None),
        ("Constant", {"value": [1, 2, 3, 4]}, (2, 2), "float64"),
        ("Identity", {"gain": 2.0}, (3, 4), None),
        ("Orthogonal", {"gain": 0.5, "seed": 9}, (5, 3), None),
        ("RandomUniform", {"minval": 0, "maxval": 10, "seed": 4}, (5,), "int32"),
        ("RandomUniform", {"minval": -1, "maxval": 3, "seed": 4}, (5,), None),
        ("RandomNormal", {"mean": 2.0, "stddev": 3.0, "seed": 4}, (5,), None),
        ("TruncatedNormal", {"mean": 2.0, "stddev": 3.0, "seed": 4}, (5,), None),
    ],
)
def test_options(name, options, shape, dtype):
    assert_same(*pair(name, **options), shape, dtype)


def test_unseeded_numbers_after_set_random_seed():
    names = [name for name in RANDOM for _ in range(2)]
    set_random_seed(123)
    ours = [getattr(initializers, name)()((3, 4)).numpy() for name in names]
    tf_keras.utils.set_random_seed(123)
    theirs = [getattr(tf_keras.initializers, name)()((3, 4)).numpy() for name in names]
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-6, atol=1e-7)
    assert not np.allclose(ours[0], ours[1])


def test_an_unseeded_initializer_repeats_itself_and_warns_once():
    initializer = initializers.GlorotUniform()
    first = initializer((2, 2))
    with pytest.warns(UserWarning, match="without a seed"):
        second = initializer((2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        initializer((2, 2))
    np.testing.assert_array_equal(first, second)


def test_the_same_in_a_graph():
    initializer = initializers.HeNormal(seed=2)
    np.testing.assert_array_equal(tf.function(lambda: initializer((3, 2)))(), initializer((3, 2)))


@pytest.mark.parametrize("offset", [None, (0, 0), (2, 0)])
def test_partitions(offset):
    assert_same(*pair("GlorotUniform", seed=3), (4, 2), partition_shape=(2, 2), partition_offset=offset)


@pytest.mark.parametrize("name", initializers.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (initializers, tf_keras.initializers))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_public_names_are_those_of_tf_keras():
    assert set(initializers.__all__) == {name for name in dir(tf_keras.initializers) if not name.startswith("_")}


ALIASES = ["glorot_uniform", "zeros", "zero", "one", "normal", "uniform"]


@pytest.mark.parametrize("name", [*(name for name in CLASSES if name != "Initializer"), *ALIASES])
def test_config(name):
    ours, theirs = initializers.get(name), tf_keras.initializers.get(name)
    config = initializers.serialize(ours)
    assert config == tf_keras.initializers.serialize(theirs)
    again = initializers.deserialize(json.loads(json.dumps(config)))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    legacy = initializers.serialize(ours, use_legacy_format=True)
    assert legacy == tf_keras.initializers.serialize(theirs, use_legacy_format=True)
    assert type(initializers.get(legacy)) is type(ours)


def test_get():
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    function = lambda shape, dtype=None: tf.ones(shape, dtype)  # noqa: E731
    assert initializers.get(function) is function


def test_a_users_initializer_is_rebuilt():
    class Fill(initializers.Initializer):
        def __init__(self, value):
            self.value = value

        def __call__(self, shape, dtype=None, **kwargs):
            return tf.fill(shape, tf.cast(self.value, dtype))

    config = initializers.serialize(Fill(3.0))
    assert initializers.deserialize(config, custom_objects={"Fill": Fill}).value == 3.0


@pytest.mark.parametrize(
    "act, error, words",
    [
        (lambda: initializers.get("glorot_unifrom"), ValueError, "glorot_uniform"),
        (lambda: initializers.get(3), TypeError, "3"),
        (lambda: initializers.VarianceScaling(scale=0), ValueError, "scale=0"),
        (lambda: initializers.VarianceScaling(scale="a"), ValueError, "scale='a'"),
        (lambda: initializers.VarianceScaling(mode="FAN"), ValueError, "fan_avg"),
        (lambda: initializers.VarianceScaling(distribution="x"), ValueError, "uniform"),
        (lambda: initializers.HeNormal(seed="x"), TypeError, "seed='x'"),
        (lambda: initializers.RandomNormal(stddev=-1.0), ValueError, "stddev=-1"),
        (lambda: initializers.HeNormal()((2, 2), "int32"), ValueError, "int32"),
        (lambda: initializers.RandomUniform()((2, 2), "bool"), ValueError, "bool"),
        (lambda: initializers.Zeros()((2, 2), "string"), ValueError, "string"),
        (lambda: initializers.Zeros()((2, 2), foo=1), TypeError, "foo"),
        (lambda: initializers.Identity()((2,)), ValueError, "shape="),
        (lambda: initializers.Orthogonal()((2,)), ValueError, "two axes"),
        (lambda: initializers.Initializer()((2,)), NotImplementedError, "__call__"),
    ],
)
def test_errors(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert len(str(caught.value).splitlines()) <= 6
