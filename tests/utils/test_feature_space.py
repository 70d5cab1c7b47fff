"""FeatureSpace gives the numbers of tf_keras, refuses what it refuses, and its archives go both ways."""

import json
import zipfile

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

TABLE = {
    "colour": ["red", "red", "blue", "green", "red", "blue"], "size": ["s", "l", "s", "m", "m", "s"],
    "age": [20.0, 31.0, 44.0, 52.0, 61.0, 75.0], "income": [1.5, 2.5, 2.0, 4.0, 3.0, 9.0],
    "zip": [10, 11, 10, 12, 13, 10], "shop": [5, 5, 6, 7, 5, 6], "tag": ["a", "b", "c", "a", "b", "d"],
    "score": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
}  # fmt: skip
BOTH = pytest.mark.parametrize("keras", [tf_keras, kerasish], ids=["tf_keras", "kerasish"])


def rows(**columns):
    return tf.data.Dataset.from_tensor_slices(columns or TABLE)


def space(keras, output_mode="concat", discretized=True):
    kinds = keras.utils.FeatureSpace
    features = {
        "size": "string_categorical", "colour": kinds.string_categorical(max_tokens=3, num_oov_indices=2),
        "age": "float_normalized", "income": kinds.float_rescaled(0.5, -1.0), "zip": kinds.integer_hashed(5),
        "shop": "integer_categorical", "tag": kinds.string_hashed(7), "score": "float",
    }  # fmt: skip
    if discretized:
        features["score"] = kinds.float_discretized(3)
    return kinds(features, output_mode, [("size", "colour"), kinds.cross(("colour", "zip"), 6)], crossing_dim=9)


def plain(encoded):
    return {name: one.numpy() for name, one in encoded.items()} if isinstance(encoded, dict) else encoded.numpy()


def same(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=3e-6, err_msg=name)
            assert ours[name].dtype == theirs[name].dtype
    else:
        np.testing.assert_allclose(ours, theirs, rtol=3e-6)


@pytest.mark.parametrize("output_mode", ["concat", "dict"])
def test_encodings_are_those_of_tf_keras(output_mode):
    ours, theirs = space(kerasish, output_mode), space(tf_keras, output_mode)
    for one in (ours, theirs):
        one.adapt(rows().batch(4))
    same(ours(TABLE), theirs(TABLE))
    columns = {name: tf.constant(values)[:, None] for name, values in TABLE.items()}
    same(ours(columns), theirs(columns))
    single = {name: values[3] for name, values in TABLE.items()}
    same(ours(single), theirs(single))
    unseen = {**single, "size": "xxl", "colour": "pink", "shop": 99}
    same(ours(unseen), theirs(unseen))
    for data in (rows(), rows().batch(4)):
        for one, element in zip(data.map(ours), data, strict=True):
            same(one, theirs(element))  # in `map`, tf_keras leaves crosses of single rows their batch axis


def test_rows_and_batches_teach_the_same():
    by_row, by_batch = space(kerasish), space(kerasish)
    by_row.adapt(rows())
    by_batch.adapt(rows().batch(2))
    same(by_row(TABLE), by_batch(TABLE))


def test_several_values_in_a_row():
    data = {"words": [["a", "b"], ["c", "a"]], "sizes": [[1.0, 2.0], [3.0, 4.0]]}
    found = []
    for keras in (kerasish, tf_keras):
        one = keras.utils.FeatureSpace({"words": "string_categorical", "sizes": "float_normalized"})
        one.adapt(rows(**data).batch(2))
        found.append(one(data))
    same(*found)


def test_a_layer_of_ones_own():
    found = []
    for keras in (kerasish, tf_keras):
        layer = keras.layers.TextVectorization(output_mode="int", output_sequence_length=3)
        one = keras.utils.FeatureSpace(
            {"text": keras.utils.FeatureSpace.feature("string", layer, "int")}, output_mode="dict"
        )
        one.adapt(rows(text=["a b", "b c b"]))
        found.append(one({"text": ["a c", "d"]}))
    same(*found)


def test_inputs_and_outputs_make_a_model(tmp_path):
    ours = space(kerasish)
    ours.adapt(rows())
    inputs, encoded = ours.get_inputs(), ours.get_encoded_features()
    assert list(inputs) == list(ours.features)
    assert (tuple(inputs["size"].shape), inputs["size"].dtype) == ((None, 1), tf.string)
    arrays = {name: np.array(values) for name, values in TABLE.items()}
    model = kerasish.Model(inputs, encoded)
    np.testing.assert_array_equal(model.predict(arrays, verbose=0), ours(TABLE))
    model.save(tmp_path / "model.keras")
    loaded = tf_keras.models.load_model(tmp_path / "model.keras")
    assert loaded.predict(arrays, verbose=0).shape == ours(TABLE).shape


def test_a_small_model_trains_on_encoded_rows():
    kerasish.utils.set_random_seed(0)
    ours = space(kerasish)
    ours.adapt(rows())
    encoded = ours(TABLE)
    model = kerasish.Sequential([kerasish.layers.Dense(1)])
    model.compile(kerasish.optimizers.Adam(0.1), "mse")
    losses = model.fit(encoded, np.arange(6.0), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 3


ERRORS = {
    "no features": lambda kinds: kinds({}),
    "no dict": lambda kinds: kinds(None),
    "unknown kind": lambda kinds: kinds({"a": "strange"}),
    "a number": lambda kinds: kinds({"a": 5}),
    "output mode": lambda kinds: kinds({"a": "float"}, output_mode="x"),
    "mode of a feature": lambda kinds: kinds.string_hashed(3, output_mode="multi_hot"),
    "mode of a cross": lambda kinds: kinds.cross(("a", "b"), 3, output_mode="float"),
    "cross of unknown": lambda kinds: kinds({"a": "float"}, crosses=[("a", "b")]),
    "cross of one": lambda kinds: kinds({"a": "string_hashed"}, crosses=[("a",)])({"a": ["x"]}),
    "cross of floats": lambda kinds: kinds({"a": "float", "b": "string_hashed"}, crosses=[("a", "b")])(
        {"a": [1.0], "b": ["x"]}
    ),
    "not adapted": lambda kinds: kinds({"a": "float_normalized"})({"a": [1.0]}),
    "inputs first": lambda kinds: kinds({"a": "float_normalized"}).get_inputs(),
    "outputs first": lambda kinds: kinds({"a": "float_normalized"}).get_encoded_features(),
    "adapt to a dict": lambda kinds: kinds({"a": "float_normalized"}).adapt({"a": [1.0]}),
    "adapt to pairs": lambda kinds: kinds({"a": "float_normalized"}).adapt(tf.data.Dataset.zip((rows(), rows()))),
    "adapt without it": lambda kinds: kinds({"a": "float_normalized"}).adapt(rows()),
    "joined integers": lambda kinds: kinds({"a": kinds.string_hashed(3, "int")})({"a": ["x"]}),
    "both boundaries and bins": lambda kinds: kinds.float_discretized(4, bin_boundaries=[0.0, 1.0]),
    "missing": lambda kinds: kinds({"a": "float", "b": "float"})({"a": [1.0]}),
    "unknown": lambda kinds: kinds({"a": "float"})({"a": [1.0], "b": [1.0]}),
    "called with a list": lambda kinds: kinds({"a": "float"})([1.0]),
    "other ending": lambda kinds: kinds({"a": "float"}).save("space.h5"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_come_where_tf_keras_has_them(name):
    kinds = []
    for keras in (kerasish, tf_keras):
        with pytest.raises(Exception) as error:  # noqa: B017, PT011
            ERRORS[name](keras.utils.FeatureSpace)
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_errors_say_what_to_do():
    kinds = kerasish.utils.FeatureSpace
    with pytest.raises(ValueError, match="adapt.*\n.*a"):
        kinds({"a": "float_normalized"})({"a": [1.0]})
    with pytest.raises(ValueError, match="'a' takes numbers"):
        kinds({"a": "float"})({"a": ["x"]})
    with pytest.raises(ValueError, match="needs examples"):
        kinds({"a": "float_normalized"}).adapt(rows(a=[1.0]).take(0))
    with pytest.raises(ValueError, match="Lambda.*\n.*'int'"):
        layer = kerasish.layers.Lambda(lambda x: x)
        kinds({"a": kinds.feature("int64", layer, "one_hot")})({"a": [1]})


def test_integers_are_numbers_too():
    kinds = kerasish.utils.FeatureSpace
    found = kinds({"a": "float", "b": "float"})({"a": [1, 2], "b": [True, False]})
    np.testing.assert_array_equal(found, [[1, 1], [2, 0]])


def test_what_was_given_needs_no_examples():
    kinds = kerasish.utils.FeatureSpace
    lookup = kerasish.layers.StringLookup(vocabulary=["a", "b"])
    features = {"x": kinds.float_discretized(None, [1.0, 2.0]), "y": kinds.feature("string", lookup, "one_hot")}
    ours = kinds(features)
    np.testing.assert_array_equal(ours({"x": [0.0, 3.0], "y": ["b", "c"]}), [[1, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0]])
    ours.adapt(rows(x=[7.0], y=["z"]))
    assert lookup.get_vocabulary() == ["[UNK]", "a", "b"]


def test_adapting_again_forgets():
    ours = kerasish.utils.FeatureSpace({"a": "string_categorical"})
    ours.adapt(rows(a=["x", "y", "z"]))
    assert ours({"a": ["x"]}).shape == (1, 4)
    ours.adapt(rows(a=["w"]))
    np.testing.assert_array_equal(ours({"a": ["w"]}), [[0, 1]])
    assert tuple(ours.get_encoded_features().shape) == (None, 2)


# Files.


@BOTH
@pytest.mark.parametrize("output_mode", ["concat", "dict"])
def test_an_archive_is_read_here(keras, output_mode, tmp_path):
    written = space(keras, output_mode)
    written.adapt(rows())
    written.save(tmp_path / "space.keras")
    loaded = kerasish.models.load_model(tmp_path / "space.keras")
    same(loaded(TABLE), written(TABLE))
    for one in rows().batch(6).map(kerasish.models.load_model(tmp_path / "space.keras")):
        same(one, written(TABLE))
    loaded.adapt(rows().take(3))
    assert loaded.preprocessors["size"].get_vocabulary() == ["[UNK]", "s", "l"]


def test_an_archive_is_read_by_tf_keras(tmp_path):
    # tf_keras reads the boundaries of a Discretization into no layer, its own as little as these
    ours = space(kerasish, discretized=False)
    ours.adapt(rows())
    ours.save(tmp_path / "space.keras")
    same(ours(TABLE), tf_keras.models.load_model(tmp_path / "space.keras")(TABLE))


@BOTH
def test_one_that_has_seen_nothing_is_saved_too(keras, tmp_path):
    space(keras).save(tmp_path / "space.keras")
    loaded = kerasish.models.load_model(tmp_path / "space.keras")
    with pytest.raises(ValueError, match="has seen no examples"):
        loaded(TABLE)
    loaded.adapt(rows())
    fresh = space(kerasish)
    fresh.adapt(rows())
    same(loaded(TABLE), fresh(TABLE))


def test_configurations_are_those_of_tf_keras():
    ours, theirs = space(kerasish), space(tf_keras)
    for one in (ours, theirs):
        one.adapt(rows())
    ours_config, theirs_config = (json.loads(json.dumps(one.get_config(), default=list)) for one in (ours, theirs))
    assert list(ours_config) == list(theirs_config)
    for name, theirs_of_one in theirs_config["features"].items():
        ours_of_one = ours_config["features"][name]
        assert {**ours_of_one, "config": 0} == {**theirs_of_one, "config": 0}
        inner, other = ours_of_one["config"]["preprocessor"], theirs_of_one["config"]["preprocessor"]
        assert inner["class_name"] == other["class_name"]
        left_out = ("name", "batch_input_shape")
        assert {k: v for k, v in inner["config"].items() if k not in left_out} == {
            k: v for k, v in other["config"].items() if k not in left_out
        }
    assert ours_config["crosses"] == theirs_config["crosses"]
    again = kerasish.utils.FeatureSpace.from_config(ours.get_config())
    again.adapt(rows())
    same(again(TABLE), ours(TABLE))


def test_code_in_an_archive_is_not_run(tmp_path):
    kinds = kerasish.utils.FeatureSpace
    layer = kerasish.layers.Lambda(lambda x: 3 * x, name="triple")
    kinds({"a": kinds.feature("float32", layer, "float")}).save(tmp_path / "space.keras")
    with pytest.raises(ValueError, match="holds Python code"):
        kerasish.models.load_model(tmp_path / "space.keras")
    trusted = kerasish.models.load_model(tmp_path / "space.keras", safe_mode=False)
    np.testing.assert_array_equal(trusted({"a": [1.0]}), [[3.0]])


def _changed(path, change):
    """The archive with its configuration changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)


ATTACKS = {
    "another class": lambda c: c["config"]["features"]["size"].update(
        class_name="system", module="os", registered_name=None
    ),
    "a layer for a feature": lambda c: c["config"]["features"].update(
        size={"class_name": "Dense", "config": {"units": 3}}
    ),
    "a function for a layer": lambda c: c["config"]["features"]["size"]["config"].update(
        preprocessor={"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    ),
    "a vocabulary file": lambda c: c["config"]["features"]["size"]["config"]["preprocessor"]["config"].update(
        vocabulary="/etc/passwd"
    ),
    "a feature for a cross": lambda c: c["config"].update(crosses=[c["config"]["features"]["size"]]),
    "endless weights": lambda c: c.update(build_config={**c["build_config"], "age": {"input_shape": [None, 10**12]}}),
    "no features": lambda c: c["config"].pop("features"),
    "an argument more": lambda c: c["config"].update(code="import os"),
    "compiled": lambda c: c["config"].update(output_mode={"class_name": "Adam", "config": {}}),
    "inputs": lambda c: c.update(build_config=[1]),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_a_changed_archive_is_refused(name, tmp_path):
    written = space(kerasish)
    written.adapt(rows())
    written.save(tmp_path / "space.keras")
    _changed(tmp_path / "space.keras", ATTACKS[name])
    with pytest.raises((ValueError, MemoryError)) as error:
        kerasish.models.load_model(tmp_path / "space.keras")
    assert "space.keras" in str(error.value)


def test_a_layer_alone_is_no_archive_of_a_model(tmp_path):
    space(kerasish).save(tmp_path / "space.keras")
    layer = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}}
    _changed(tmp_path / "space.keras", lambda config: config.update(layer))
    with pytest.raises(ValueError, match="does not describe a model"):
        kerasish.models.load_model(tmp_path / "space.keras")
