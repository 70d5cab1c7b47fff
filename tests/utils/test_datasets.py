"""Datasets of windows over series, and of parts of others, against tf_keras.utils."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from compared import compare, same

from kerasish import preprocessing, utils

theirs = tf_keras.utils
SERIES = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize("options", [
    {}, {"sequence_stride": 3}, {"sampling_rate": 3}, {"batch_size": None}, {"shuffle": True, "seed": 3},
    {"shuffle": True, "batch_size": 1}, {"start_index": 3, "end_index": 12, "batch_size": 4}, {"start_index": 0},
    {"shuffle": True, "seed": 3, "batch_size": None, "sampling_rate": 2, "sequence_stride": 2}, {"end_index": 0},
], ids=str)  # fmt: skip
def test_windows_over_series(options):
    compare("timeseries_dataset_from_array", SERIES, None, 4, **options)
    compare("timeseries_dataset_from_array", np.arange(20), SERIES * 10, 4, **options)


def test_windows_end_with_the_targets():
    compare("timeseries_dataset_from_array", SERIES.tolist(), list(range(5)), 4, batch_size=2)
    compare("timeseries_dataset_from_array", SERIES, None, 30)
    assert preprocessing.timeseries_dataset_from_array is utils.timeseries_dataset_from_array


@pytest.mark.parametrize("options", [
    {"start_index": -1}, {"start_index": 20}, {"end_index": -1}, {"end_index": 30}, {"sampling_rate": 0},
    {"start_index": 5, "end_index": 5}, {"sampling_rate": 30}, {"sequence_stride": 0}, {"sequence_stride": 30},
], ids=str)  # fmt: skip
def test_windows_that_cannot_be(options):
    for module in (utils, theirs):
        with pytest.raises(ValueError, match=next(iter(options))):
            module.timeseries_dataset_from_array(np.arange(20), None, 4, **options)


SLICES = tf.data.Dataset.from_tensor_slices
SETS = {
    "array": lambda: SERIES, "list": lambda: [SERIES, SERIES * 2], "tuple": lambda: (SERIES, np.arange(20)),
    "pairs": lambda: SLICES((SERIES, np.arange(20))), "dict": lambda: SLICES({"a": SERIES, "b": np.arange(20)}),
    "batches": lambda: SLICES((SERIES, np.arange(20))).batch(3),
}  # fmt: skip


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("sizes", [
    {"left_size": 3}, {"right_size": 0.26}, {"left_size": 3, "right_size": 2}, {"left_size": 0.3, "right_size": 0.2},
    {"left_size": 0.5, "right_size": 3}, {"left_size": 0.5, "shuffle": True, "seed": 3},
], ids=str)  # fmt: skip
def test_parts_of_a_dataset(kind, sizes):
    ours, wanted = (list(module.split_dataset(SETS[kind](), **sizes)) for module in (utils, theirs))
    same(ours, wanted)


def test_samples_of_plain_datasets_stay_whole():
    left, _ = utils.split_dataset(SLICES(((SERIES, SERIES), SERIES)), left_size=4)
    assert tf.nest.map_structure(np.shape, next(left.as_numpy_iterator())) == (((2,), (2,)), (2,))
    for dataset in (SLICES(SERIES), SLICES(SERIES).batch(3)):  # tf_keras takes each row apart
        left, right = utils.split_dataset(dataset, left_size=4)
        rows = [row for part in (left, right) for row in part.as_numpy_iterator()]
        assert np.array_equal(np.concatenate([row.reshape(-1, 2) for row in rows]), SERIES)
    left, right = utils.split_dataset(tf.data.Dataset.range(5), right_size=2)
    assert list(left.as_numpy_iterator()) == [0, 1, 2] and list(right.as_numpy_iterator()) == [3, 4]


@pytest.mark.parametrize("arguments", [
    {}, {"left_size": 0}, {"left_size": 20}, {"left_size": 1.0}, {"right_size": -1}, {"left_size": "a"},
    {"left_size": True}, {"left_size": 0.7, "right_size": 0.7}, {"left_size": 15, "right_size": 8}, {"left_size": 0.01},
    {"right_size": 0.01}, {"dataset": (SERIES, SERIES[:3]), "left_size": 2}, {"dataset": [], "left_size": 2},
    {"dataset": [1, 2, 3], "left_size": 2}, {"dataset": "abc", "left_size": 2}, {"dataset": {"a": 1}, "left_size": 2},
], ids=lambda arguments: str(sorted(arguments)))  # fmt: skip
def test_parts_that_cannot_be(arguments):
    errors = []
    for module in (utils, theirs):
        with pytest.raises((TypeError, ValueError)) as raised:
            module.split_dataset(**{"dataset": SERIES, **arguments})
        errors.append(raised.type)
    assert errors[0] is errors[1]
