"""Models for serving: export, ExportArchive and TensorFlow Lite give predict's numbers."""
import inspect
import os
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras
from kerasish.export import ExportArchive
from tests.saving.table import ROWS, TABLE, TEXTS

LITE = ("sequential", "shared layers, several inputs", "models within models", "subclassed", "attention",
        "convolutions, batch normalization", "TensorFlow operations")  # fmt: skip


def made(name, library=keras):
    model = TABLE[name].make(library)
    model.train_on_batch(TABLE[name].x, TABLE[name].y)
    return model


def predicted(model, name):
    return tf.nest.flatten(model.predict(TABLE[name].x, verbose=0))


def inputs_of(name):
    return [tf.constant(value) for value in tf.nest.flatten(TABLE[name].x)]


@pytest.mark.parametrize("name", ["sequential", "shared layers, several inputs", "subclassed", "adapted preprocessing"])
def test_an_exported_model_gives_predicts_numbers(name, here):
    model = made(name)
    model.export("served")
    served = tf.saved_model.load("served")
    inputs = inputs_of(name)
    results = tf.nest.flatten(served.serve(inputs if len(inputs) > 1 else inputs[0]))
    for one, other in zip(results, predicted(model, name), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert len(served.trainable_variables) == len(model.trainable_variables)
    assert len(served.variables) == len(model.variables)


@pytest.mark.parametrize("name", ["sequential", "shared layers, several inputs", "subclassed"])
def test_signatures_are_those_of_tf_keras(name, here):
    found = []
    for library in (keras, tf_keras):
        library.backend.clear_session()
        made(name, library).export(library.__name__)
        signatures = tf.saved_model.load(library.__name__).signatures
        found.append({
            key: (set(function.structured_input_signature[1]), set(function.structured_outputs))
            for key, function in signatures.items()
        })  # fmt: skip
    assert found[0] == found[1]
    assert set(found[0]) == {"serve", "serving_default"}


def test_the_archive_has_the_oracles_methods():
    for name in ("track", "add_endpoint", "add_variable_collection", "write_out"):
        ours, theirs = (inspect.signature(getattr(c, name)) for c in (ExportArchive, tf_keras.export.ExportArchive))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]
    assert keras.export.ExportArchive is ExportArchive


def test_an_archive_holds_several_endpoints_and_collections(here):
    model = made("sequential")
    archive = ExportArchive()
    archive.track(model)
    spec = tf.TensorSpec((None, 4), tf.float32)
    archive.add_endpoint("rows", lambda rows: model(rows, training=False), [spec])
    called = tf.function(lambda x: model(x, training=False) * 2)
    called(tf.constant(ROWS))
    archive.add_endpoint("doubled", called)
    archive.add_variable_collection("mine", model.weights[:1])
    archive.write_out("archive")
    restored = tf.saved_model.load("archive")
    np.testing.assert_allclose(restored.rows(ROWS), model(ROWS), atol=1e-6)
    np.testing.assert_allclose(restored.doubled(ROWS), 2 * model(ROWS), atol=1e-6)
    np.testing.assert_array_equal(restored.mine[0], model.weights[0])
    assert set(restored.signatures) == {"rows", "doubled", "serving_default"}


def test_tables_are_exported_too(here):
    model = made("TextVectorization, Embedding")
    model.export("served")
    served = tf.saved_model.load("served")
    np.testing.assert_allclose(served.serve(tf.constant(TEXTS)), model.predict(TEXTS, verbose=0), atol=1e-6)


def test_what_cannot_be_exported_is_told(here):
    archive, model = ExportArchive(), keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="nothing to write"):
        archive.write_out("archive")
    with pytest.raises(ValueError, match="no weights yet"):
        archive.track(model)
    with pytest.raises(ValueError, match="resource=5"):
        archive.track(5)
    with pytest.raises(ValueError, match="input_signature"):
        archive.add_endpoint("f", lambda x: x)
    with pytest.raises(TypeError, match="fn=5"):
        archive.add_endpoint("f", 5)
    with pytest.raises(ValueError, match="shape of its inputs"):
        model.export("served")
    archive.add_endpoint("f", lambda x: x, [tf.TensorSpec((2,))])
    with pytest.raises(ValueError, match="name='f'"):
        archive.add_endpoint("f", lambda x: x, [tf.TensorSpec((2,))])
    assert not os.listdir(here)


def lite_runner(converter):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=converter.convert())
    return interpreter.get_signature_runner("serving_default")


@pytest.mark.parametrize("name", LITE)
def test_tensorflow_lite_gives_predicts_numbers(name, here):
    model = made(name)
    model.save("model")
    expected = predicted(model, name)
    for converter in (
        tf.lite.TFLiteConverter.from_keras_model(model), tf.lite.TFLiteConverter.from_saved_model("model")
    ):  # fmt: skip
        names = model.input_names or ["input_1"]
        results = lite_runner(converter)(**dict(zip(names, tf.nest.flatten(TABLE[name].x), strict=True)))
        outputs = [results[key] for key in model.output_names or sorted(results)]
        for one, other in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_recurrent_model_of_a_fixed_batch_size_runs_in_tensorflow_lite(here):
    model = keras.Sequential([keras.Input((5, 3), batch_size=2), keras.layers.LSTM(2), keras.layers.Dense(1)])
    rows = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    (name,) = model.input_names
    (result,) = lite_runner(tf.lite.TFLiteConverter.from_keras_model(model))(**{name: rows}).values()
    np.testing.assert_allclose(result, model.predict(rows, verbose=0), atol=1e-5)
