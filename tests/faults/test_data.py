"""Data that raises, ends too early, is empty, or does not fit (F11, F12, F15-F24)."""

import threading
import time
import traceback

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import kerasish as keras
from tests.faults.examples import CLASSES, SPARSE, X, Y, classifier, network, refused


def batches(count, size=10):
    for i in range(count):
        rows = slice(i * size % 40, i * size % 40 + size)
        yield X[rows], Y[rows]


class Batches(keras.utils.Sequence):
    def __init__(self, fails_at=None):
        self.fails_at = fails_at

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == self.fails_at:
            raise LookupError("mine")
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("kerasish")]


def test_f11_a_generator_s_error_keeps_type_and_traceback():
    def failing():
        yield from batches(2)
        raise LookupError("mine")

    model = network()
    with pytest.raises(LookupError, match="mine") as caught:
        model.fit(failing(), verbose=0)
    assert traceback.extract_tb(caught.tb)[-1].name == "failing"
    assert int(model.optimizer.iterations) == 2 and not workers()
    assert len(model.fit(X, Y, verbose=0).epoch) == 1


@pytest.mark.parametrize("multiprocessing", [True, False])
def test_f12_a_sequence_s_error_leaves_no_worker(multiprocessing):
    model = network()
    with pytest.raises(LookupError, match="mine") as caught:
        model.fit(Batches(2), workers=2, use_multiprocessing=multiprocessing, shuffle=False, verbose=0)
    if multiprocessing:
        assert "in __getitem__" in str(caught.value.__cause__)
    else:
        assert traceback.extract_tb(caught.tb)[-1].name == "__getitem__"
    assert not workers()
    assert len(model.fit(Batches(), workers=2, verbose=0).epoch) == 1 and not workers()


def test_f15_a_dataset_that_runs_out_is_told_and_counted(caplog):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
    history = network().fit(dataset, epochs=5, steps_per_epoch=6, verbose=0)
    assert "epoch 2 got 2 of 6 batches" in caplog.text and history.epoch == [0, 1]


def test_f16_an_epoch_without_batches_is_not_recorded(caplog):
    history = network().fit(batches(3), epochs=3, verbose=0)
    assert history.epoch == [0] and history.history["loss"][0] > 0
    assert "ran out of data" in caplog.text
    assert network().fit(batches(3), epochs=3, steps_per_epoch=3, verbose=0).epoch == [0]


@pytest.mark.parametrize("argument", ["x", "validation_data"])
def test_f17_an_endless_dataset_needs_steps(argument):
    model, endless = network(), tf.data.Dataset.from_tensor_slices((X, Y)).batch(5).repeat()
    given = {"x": X, "y": Y, "validation_data": endless} if argument == "validation_data" else {"x": endless}
    steps = "validation_steps" if argument == "validation_data" else "steps_per_epoch"
    with refused(ValueError, f"`{argument}`.*{steps}", model):
        model.fit(**given, verbose=0)


EMPTY = {
    "arrays": lambda: (X[:0], Y[:0]),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((X, Y)).batch(5).take(0),),
    "dataset of unknown size": lambda: (tf.data.Dataset.from_tensor_slices((X, Y)).filter(
        lambda x, y: x[0] > 9).batch(5),),
    "generator": lambda: (batches(0),),
}  # fmt: skip


@pytest.mark.parametrize("kind", EMPTY)
def test_f18_nothing_to_train_or_validate_on_is_named(kind):
    model, given = network(), EMPTY[kind]()
    with refused(ValueError, "`x`.*empty", model):
        model.fit(*given, verbose=0)
    given = EMPTY[kind]()
    validation = given if len(given) > 1 else given[0]
    with refused(ValueError, "`validation_data`.*empty", None if "unknown" in kind else model):
        model.fit(X, Y, validation_data=validation, verbose=0)


SIZES = [("batch_size", 0), ("batch_size", -1), ("batch_size", 2.5), ("batch_size", "8"), ("epochs", 0),
         ("epochs", 1.5), ("epochs", "3"), ("epochs", True), ("steps_per_epoch", 0), ("steps_per_epoch", "all"),
         ("validation_freq", 0), ("initial_epoch", -1), ("workers", -1), ("max_queue_size", 0),
         ("validation_batch_size", 0), ("validation_steps", 0)]  # fmt: skip


@pytest.mark.parametrize("name, value", SIZES, ids=[f"{name}={value!r}" for name, value in SIZES])
def test_f19_sizes_that_are_none_are_named(name, value):
    model = network()
    with refused((ValueError, TypeError), f"`{name}`.*{value}", model):
        model.fit(X, Y, validation_data=(X, Y), **{"verbose": 0, name: value})


def test_f19_a_batch_larger_than_the_data_is_the_data():
    model = network()
    model.fit(X, Y, batch_size=100, verbose=0)
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize("options, words", [
    ({"y": Y[:5]}, "Data cardinality is ambiguous.*x: 40, y: 5"),
    ({"y": Y, "sample_weight": np.ones(7)}, "Data cardinality is ambiguous.*sample_weight: 7"),
    ({"y": Y, "validation_data": (X, Y[:9])}, r"Data cardinality is ambiguous.*validation_data\[1\]: 9"),
])  # fmt: skip
def test_f20_unequal_lengths_are_listed(options, words):
    model = network()
    with refused(ValueError, words, model):
        model.fit(X, verbose=0, **options)


def objects(rows, row, value):
    changed = rows.astype(object)
    changed[row, 1] = value
    return changed


FRAME = pd.DataFrame(X.astype("float64"), columns=list("abcdef"))
BAD = {
    "None in y": ({"x": X, "y": objects(Y, 4, None)}, "`y`.*None.*row 4"),
    "text in y": ({"x": X, "y": objects(Y, 4, "high")}, "`y`.*'high'.*row 4"),
    "only text in y": ({"x": X, "y": np.full((40, 3), "high")}, "`y`.*numbers.*'high' in row 0"),
    "text in x": ({"x": objects(X, 4, "high"), "y": Y}, "`x`.*'high'.*row 4"),
    "a column of text": ({"x": FRAME.assign(c=["red"] * 40), "y": Y}, r"`x`.*\['c'\].*'red'"),
    "a text in a column": ({"x": FRAME.assign(c=[1.0] * 39 + ["red"]), "y": Y}, r"`x\['c'\]`.*'red'.*row 39"),
    "None in a column": ({"x": FRAME.assign(c=[1.0] * 7 + [None] + ["red"] * 32), "y": Y}, r"`x\['c'\]`.*row 7"),
    "a gap in a column": ({"x": FRAME.astype("Float64").mask(FRAME.index.to_series() == 12), "y": Y},
                          r"`x\['a'\]`.*NA.*row 12"),
    "dates": ({"x": FRAME.assign(c=pd.Timestamp("2020-01-01")), "y": Y}, r"`x\['c'\]`.*Timestamp|datetime"),
    "a series with a gap": ({"x": X, "y": pd.Series([1] * 5 + [None] * 35, dtype="Int64")}, "`y`.*NA.*row 5"),
}


@pytest.mark.parametrize("given, words", BAD.values(), ids=BAD)
def test_f21_the_first_bad_value_is_named_with_column_and_row(given, words):
    model = network()
    with refused(ValueError, words, model):
        model.fit(**given, verbose=0)


@pytest.mark.parametrize("x, words", [
    (X[:, :4], "`x`.*None, 6.*None, 4"), (X[:, :, None, None], "`x`.*None, 6"), (X[0], "`x`"),
])  # fmt: skip
def test_f22_shapes_are_compared_before_the_graph(x, words):
    model = network()
    for call in (lambda: model.predict(x), lambda: model.fit(x, Y[: len(x)], verbose=0)):
        with refused(ValueError, words, model):
            call()


def test_f22_one_sample_gets_the_hint():
    with refused(ValueError, r"x\[None\]"):
        keras.Sequential([keras.layers.Flatten(input_shape=(2, 2))]).predict(np.ones((2, 2)))


@pytest.mark.parametrize("make, y, words", [
    (classifier, np.eye(3)[CLASSES], r"`y`.*None, 3.*argmax"),
    (lambda: network("categorical_crossentropy", "softmax"), CLASSES, "`y`.*to_categorical"),
    (network, Y[:, 0], r"`y`.*\(None,\).*\(None, 3\)"),
    (network, Y[:, :2], r"`y`.*\(None, 2\).*\(None, 3\)"),
])  # fmt: skip
def test_f23_targets_that_do_not_fit_the_loss_are_refused(make, y, words):
    model = make()
    for call in (lambda: model.fit(X, y, verbose=0), lambda: model.evaluate(X, y, verbose=0),
                 lambda: model.fit(tf.data.Dataset.from_tensor_slices((X, y)).batch(8), verbose=0)):
        with refused(ValueError, words, model):
            call()


def test_f24_a_missing_class_weighs_one():
    given, written = classifier(), classifier()
    given.fit(X, CLASSES, class_weight={1: 5.0}, shuffle=False, verbose=0)
    written.fit(X, CLASSES, class_weight={0: 1.0, 1: 5.0, 2: 1.0}, shuffle=False, verbose=0)
    for one, other in zip(given.get_weights(), written.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("weights", [[1.0, 2.0], {"0": 1.0}, {0: "heavy"}, {0: float("nan")}, {-1: 1.0}, {0.5: 1.0}])
def test_f24_class_weights_that_are_none_are_refused(weights):
    model = classifier()
    with refused((TypeError, ValueError), "class_weight", model):
        model.fit(X, CLASSES, class_weight=weights, verbose=0)


def double(**compiled):
    inputs = keras.Input((6,))
    outputs = [keras.layers.Dense(1, name="score")(inputs), keras.layers.Dense(3, "softmax", name="kind")(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile(**{"optimizer": "sgd", "loss": ["mse", SPARSE], **compiled})
    return model


@pytest.mark.parametrize("make, options, words", [
    (network, {"loss": "msee"}, "'msee'.*(?i:'mse')"), (network, {"metrics": ["acuracy"]}, "'acuracy'.*'Accuracy'"),
    (network, {"optimizer": "adamm"}, "'adamm'.*'adam'"), (double, {"loss": ["mse"]}, "`loss`"),
    (double, {"loss": {"score": "mse", "kin": SPARSE}}, "'kin'.*'kind'"),
    (double, {"metrics": {"kin": "accuracy"}}, "'kin'.*'kind'"), (double, {"loss_weights": {"kin": 1.0}}, "'kin'"),
    (double, {"loss_weights": [1.0]}, "`loss_weights`"), (network, {"metric": "mae"}, "'metric'"),
])  # fmt: skip
def test_f27_names_that_mean_nothing_are_told_by_compile(make, options, words):
    with refused((ValueError, TypeError), words):
        make(**options)


def test_no_error_takes_long():
    begun = time.perf_counter()
    model = network()
    for _ in range(20):
        with refused(ValueError, "cardinality", model):
            model.fit(X, Y[:5], verbose=0)
    assert time.perf_counter() - begun < 5
