"""What TensorBoard finds after a training with each library: embeddings, profiles, layers, the graph of a step.

Each library trains its own model of the same layers; what lies in the two folders is compared file by file.
"""

import json
import os
import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from google.protobuf import text_format
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins import base_plugin
from tensorboard.plugins.graph import keras_util
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

import kerasish as keras

RNG = np.random.default_rng(0)
WORDS, TARGETS = RNG.integers(0, 9, (20, 5)), RNG.random((20, 1), "float32")
TABLE = "layer_with_weights-{}/embeddings/.ATTRIBUTES/VARIABLE_VALUE"


def two_tables(library, one=False):
    library.backend.clear_session()
    library.utils.set_random_seed(1)
    words = library.Input((5,), name="words")
    vectors = library.layers.Embedding(10, 4, name="first")(words)
    if not one:
        vectors = library.layers.Add(name="sum")([vectors, library.layers.Embedding(10, 4, name="second")(words)])
    outputs = library.layers.Dense(1, name="top")(library.layers.Flatten(name="flat")(vectors))
    model = library.Model(words, outputs, name="reader")
    model.compile("sgd", "mse")
    return model


def nested(library):
    library.backend.clear_session()
    inner = library.Sequential([library.layers.Dense(3, input_shape=(5,), name="within")], name="inner")
    inputs = library.Input((5,), name="numbers")
    model = library.Model(inputs, library.layers.Dense(1, "relu", name="top")(inner(inputs)), name="outer")
    model.compile("sgd", "mse")
    return model


def written(library, folder, make=two_tables, epochs=1, **arguments):
    """The model after its training with a TensorBoard that writes into the folder."""
    os.makedirs(folder, exist_ok=True)  # tf_keras writes its configuration before it makes a folder
    model = make(library)
    callback = library.callbacks.TensorBoard(str(folder), **arguments)
    model.fit(WORDS, TARGETS, batch_size=5, epochs=epochs, callbacks=[callback], verbose=0)
    return model


def files(folder):
    """The files below, without what is of a moment, a host or a process in their names."""
    found = (os.path.relpath(os.path.join(base, file), folder) for base, _, names in os.walk(folder) for file in names)
    return Counter(re.sub(r"\d{4}(_\d\d){5}|tfevents\..*\.v2", "*", name) for name in found)


def projector(folder):
    return text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())


def values(folder):
    """(tag, plugin, step, content) of everything in the training's event files."""
    for file in sorted((folder / "train").glob("*tfevents*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                yield value.tag, value.metadata.plugin_data.plugin_name, event.step, value.tensor


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The folder with `ours` and `theirs`, and the two models."""
    folder = tmp_path_factory.mktemp("logs")
    arguments = {"embeddings_freq": 2, "profile_batch": (2, 3), "epochs": 3}
    return folder, [written(library, folder / name, embeddings_metadata="labels.tsv", **arguments)
                    for name, library in (("ours", keras), ("theirs", tf_keras))]  # fmt: skip


def test_the_same_files_are_there(both):
    folder, _ = both
    assert files(folder / "ours") == files(folder / "theirs")
    assert any(name.endswith(".xplane.pb") for name in files(folder / "ours"))


def test_checkpoints_of_the_embeddings_hold_the_same_and_load_in_either_library(both):
    folder, models = both
    for epoch in (0, 2):
        ours, theirs = (str(folder / name / "train" / f"keras_embedding.ckpt-{epoch}") for name in ("ours", "theirs"))
        assert tf.train.list_variables(ours) == tf.train.list_variables(theirs)
    fresh = two_tables(tf_keras)
    fresh.load_weights(ours).expect_partial()
    fresh_ours = two_tables(keras)
    fresh_ours.load_weights(theirs)
    for loaded, trained in ((fresh, models[0]), (fresh_ours, models[1])):
        for a, b in zip(loaded.get_weights(), trained.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("labels", [None, "labels.tsv", {"first": "words.tsv"}])
def test_the_projector_is_told_the_same(tmp_path, labels):
    for name, library in (("ours", keras), ("theirs", tf_keras)):
        given = {} if labels is None else {"embeddings_metadata": dict(labels) if isinstance(labels, dict) else labels}
        written(library, tmp_path / name, lambda of: two_tables(of, one=True), embeddings_freq=1, write_graph=False,
                **given)  # fmt: skip
    ours, theirs = projector(tmp_path / "ours"), projector(tmp_path / "theirs")
    assert ours.embeddings == theirs.embeddings
    assert ours.embeddings[0].tensor_name == TABLE.format(0)
    assert ours.embeddings[0].metadata_path == ("" if labels is None else "labels.tsv" if labels == "labels.tsv"
                                                else "words.tsv")  # fmt: skip


def test_each_of_several_tables_is_named_as_its_own(both):
    """tf_keras names the first table for all of them."""
    folder, (model, _) = both
    tables = projector(folder / "ours").embeddings
    assert [table.tensor_name for table in tables] == [TABLE.format(0), TABLE.format(1)]
    assert [table.metadata_path for table in tables] == ["labels.tsv"] * 2
    stored = tf.train.load_checkpoint(str(folder / "ours" / "train" / "keras_embedding.ckpt-2"))
    for table, layer in zip(tables, (model.get_layer("first"), model.get_layer("second")), strict=True):
        np.testing.assert_array_equal(stored.get_tensor(table.tensor_name), layer.embeddings)


def test_metadata_for_a_layer_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"\['first', 'second'\]. Received: \['frist'\]"):
        written(keras, tmp_path, embeddings_freq=1, embeddings_metadata={"frist": "labels.tsv"})


def test_a_table_of_a_model_of_ones_own_is_found(tmp_path):
    class Reader(keras.Model):
        def __init__(self):
            super().__init__()
            self.table, self.top = keras.layers.Embedding(10, 4, name="words"), keras.layers.Dense(1)

        def call(self, words):
            return self.top(tf.reduce_sum(self.table(words), 1))

    model = Reader()
    model.compile("sgd", "mse")
    model.fit(WORDS, TARGETS, callbacks=[keras.callbacks.TensorBoard(tmp_path, embeddings_freq=1)], verbose=0)
    config = projector(tmp_path)
    stored = tf.train.load_checkpoint(config.model_checkpoint_path)
    np.testing.assert_array_equal(stored.get_tensor(config.embeddings[0].tensor_name), model.table.embeddings)


def test_tensorboard_s_projector_finds_the_tables(both):
    """It finds none of tf_keras's, whose checkpoints lie in another folder than their description."""
    folder, _ = both
    shown = []
    for name in ("ours", "theirs"):
        plugin = ProjectorPlugin(base_plugin.TBContext(logdir=str(folder / name), flags=None))
        plugin._update_configs()
        shown.append([table.tensor_name for config in plugin._configs.values() for table in config.embeddings])
    assert {TABLE.format(0), TABLE.format(1)} <= set(shown[0])
    assert not shown[1]


def test_tags_of_graphs_and_profiles_are_the_same(both):
    folder, _ = both
    tags = [sorted(value[:3] for value in values(folder / name)) for name in ("ours", "theirs")]
    assert tags[0] == tags[1]
    assert {("keras", "graph_keras_model", 0), ("batch_3", "graph_run_metadata_graph", 3)} <= set(tags[0])


@pytest.mark.parametrize("make", [two_tables, nested])
def test_the_layers_are_drawn_alike(tmp_path, make):
    drawn = []
    for name, library in (("ours", keras), ("theirs", tf_keras)):
        written(library, tmp_path / name, make)
        text = next(content for tag, _, _, content in values(tmp_path / name) if tag == "keras").string_val[0]
        graph = keras_util.keras_model_to_graph_def(json.loads(text))
        drawn.append({node.name: (node.op, sorted(node.input)) for node in graph.node})
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) >= 4
