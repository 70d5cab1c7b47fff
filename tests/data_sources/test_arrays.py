from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf

from kerasish.data_sources import open_source, split
from kerasish.data_sources.order import row_order

X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.arange(10)


@pytest.mark.parametrize("settings", [
    {"batch_size": 4, "epochs": 2},
    {"batch_size": 2, "steps_per_epoch": 2, "epochs": 3},
    {"batch_size": 4, "steps_per_epoch": 5, "epochs": 3},
    {"steps_per_epoch": 3, "epochs": 2},
    {"batch_size": 50},
    {},
])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_epochs_visit_the_rows_as_in_tf_keras(settings, count, oracle, targets):
    expected = [batch[1].numpy().tolist() for batch in oracle(X, Y, shuffle=False, **settings)]
    steps, epochs = settings.get("steps_per_epoch"), settings.get("epochs", 1)
    source = open_source(X, Y, batch_size=settings.get("batch_size"), steps=steps, epochs=epochs)
    received = []
    for index in range(epochs):
        received += targets(source, index, count)
        if source.ran_out:
            break
    assert received == expected


def test_running_out_is_told_once(targets, caplog):
    source = open_source(X, Y, batch_size=4, steps=5, epochs=2, steps_argument="steps_per_epoch")
    tf.get_logger().propagate = True
    try:
        with caplog.at_level(logging.WARNING):
            assert [len(targets(source, index)) for index in range(3)] == [5, 1, 0]
    finally:
        tf.get_logger().propagate = False
    (record,) = [record for record in caplog.records if "ran out of data" in record.getMessage()]
    assert "epoch 2 got 1 of 5 batches" in record.getMessage() and "steps_per_epoch=5" in record.getMessage()
    assert source.ran_out


def test_an_evaluation_starts_afresh_each_time(targets):
    source = open_source(X, Y, batch_size=4, steps=2)
    assert targets(source) == targets(source) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert not source.ran_out


def test_counts():
    source = open_source(X, Y, batch_size=4)
    assert (source.samples, source.batches, source.batch_size, source.unit) == (10, 3, 4, "samples")
    assert open_source(X, Y, batch_size=4, steps=1).batches == 1
    with source.epoch(0) as epoch:
        blocks = [epoch.next(2), epoch.next(2)]
        assert [(b.first, b.steps, b.samples) for b in blocks] == [(0, 2, 8), (2, 1, 2)]
        assert epoch.next(2) is None


@pytest.mark.parametrize("rows, size, expected", [
    (10, 4, [(2, 8), (1, 2)]), (8, 4, [(2, 8)]), (3, 4, [(1, 3)]), (12, 4, [(2, 8), (1, 4)]),
])
def test_a_short_batch_comes_alone_when_equal_ones_are_wanted(rows, size, expected):
    with open_source(np.ones((rows, 1)), batch_size=size).epoch(0) as epoch:
        blocks = list(iter(lambda: epoch.next(2, equal=True), None))
    assert [(block.steps, block.samples) for block in blocks] == expected


def test_endless_arrays_are_all_rows(targets):
    assert len(targets(open_source(X, Y, steps=-1, batch_size=4))) == 3
    assert open_source(X, Y, steps=-1).batch_size == 32


def test_first_batch_takes_nothing_away(targets):
    source = open_source(X, Y, batch_size=4)
    assert source.first_batch()[1].numpy().tolist() == [0, 1, 2, 3]
    assert len(targets(source)) == 3


def test_shuffling_visits_each_row_once_in_a_new_order(targets):
    source = open_source(X, Y, batch_size=4, shuffle=True, epochs=2)
    epochs = [sum(targets(source, index), []) for index in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert epochs[0] != epochs[1]


def test_shuffled_columns_stay_together(read):
    for x, y in read(open_source(X, Y, batch_size=3, shuffle=True)):
        np.testing.assert_array_equal(x[:, 0], 3 * y.numpy())


def test_batch_shuffling_keeps_rows_in_their_batch():
    order = row_order(11, 3, "batch", 7, 0).tolist()
    groups = [sorted(order[i : i + 3]) for i in range(0, 9, 3)]
    assert sorted(groups) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert sorted(order[9:]) == [9, 10]
    assert {tuple(row_order(12, 3, "batch", 7, number)[:3] // 3) for number in range(50)} > {(0, 0, 0)}


def test_tensorflow_seed_alone_repeats_the_orders(targets):
    def run(seed):
        tf.random.set_seed(seed)
        np.random.seed(None)
        source = open_source(X, Y, batch_size=4, shuffle=True)
        return [targets(source, index) for index in range(3)]

    assert run(0) == run(0) != run(1)


@pytest.mark.parametrize("off", [False, None])
def test_no_shuffling(off, targets):
    assert targets(open_source(X, Y, batch_size=10, shuffle=off)) == [list(range(10))]


def test_split_holds_back_the_last_rows():
    train, validation = split({"a": X, "b": [1.0] * 10}, Y, None, 0.3)
    assert len(train[0]["a"]) == len(train[0]["b"]) == 7 and train[1].tolist() == list(range(7))
    assert validation[1].tolist() == [7, 8, 9] and validation[2] is None
    assert len(split(np.zeros(50000), None, None, 0.2)[0][0]) == 40000


def test_split_of_frames_and_sparse_tensors():
    import pandas as pd

    frame = pd.DataFrame({"a": Y}, index=Y[::-1])
    (x, y, _), (held, _, _) = split(frame, frame["a"], None, 0.5)
    assert x["a"].tolist() == y.tolist() == [0, 1, 2, 3, 4] and held["a"].tolist() == [5, 6, 7, 8, 9]
    (x, _, _), (held, _, _) = split(tf.sparse.from_dense(X), Y, None, 0.2)
    np.testing.assert_array_equal(tf.sparse.to_dense(held), X[8:])


@pytest.mark.parametrize("fraction", [1.0, 1.5, -0.1, "0.2", True, float("nan"), 0.99])
def test_split_refuses_other_fractions(fraction):
    with pytest.raises(ValueError, match="validation_split") as caught:
        split(X[:5], Y[:5], None, fraction)
    assert len(str(caught.value).splitlines()) <= 6


def test_split_refuses_datasets():
    with pytest.raises(ValueError, match="Pass validation_data"):
        split(tf.data.Dataset.range(4), None, None, 0.2)
