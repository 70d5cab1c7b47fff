"""Windows over series, sampling tables and skip-grams against tf_keras."""

import json
import random

import numpy as np
import pytest
import tf_keras

import kerasish
from kerasish.preprocessing import sequence

theirs = tf_keras.preprocessing.sequence
SERIES = np.arange(46.0).reshape(23, 2)


@pytest.mark.parametrize("options", [
    {}, {"sampling_rate": 2}, {"stride": 3}, {"start_index": 4, "end_index": 17}, {"reverse": True, "stride": 2},
    {"batch_size": 2, "sampling_rate": 3}, {"shuffle": True, "batch_size": 5}, {"shuffle": True, "reverse": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("data", [SERIES, SERIES[:, 0].tolist(), np.ones((23, 2, 3), "int8")], ids=["2d", "list", "3d"])
def test_windows_and_targets(options, data):
    both = []
    for module in (sequence, theirs):
        np.random.seed(3)
        source = module.TimeseriesGenerator(data, np.arange(23), 6, **options)
        both.append([vars(source), source.get_config(), source.to_json(indent=1), list(source)])
    ours, wanted = both
    assert len(ours[3]) == len(wanted[3]) and str(ours[:3]) == str(wanted[:3])
    for one, other in zip(ours[3], wanted[3], strict=True):
        for part, other_part in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, other_part, strict=True)


def test_windows_train():
    source = sequence.TimeseriesGenerator(SERIES, SERIES, 4, batch_size=8)
    model = kerasish.Sequential([kerasish.layers.Flatten(), kerasish.layers.Dense(2)])
    model.compile(kerasish.optimizers.Adam(0.05), "mse")
    losses = model.fit(source, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("arguments", [(SERIES, SERIES[1:], 3), (SERIES, SERIES, 23), (SERIES, SERIES, 2, 1, 1, 21)])
def test_series_without_a_window_are_refused(arguments):
    for module in (sequence, theirs):
        with pytest.raises(ValueError, match="length"):
            module.TimeseriesGenerator(*arguments)


def test_data_that_json_cannot_hold_is_named():
    with pytest.raises(TypeError, match="`targets`"):
        sequence.TimeseriesGenerator([1, 2], [1, object()], 1).to_json()
    assert json.loads(sequence.TimeseriesGenerator([1, 2], [1, 3], 1).get_config()["targets"]) == [1, 3]


@pytest.mark.parametrize("arguments", [(1,), (500,), (40, 0.1)], ids=str)
def test_sampling_tables(arguments):
    ours, wanted = (module.make_sampling_table(*arguments) for module in (sequence, theirs))
    np.testing.assert_array_equal(ours, wanted, strict=True)


@pytest.mark.parametrize("options", [
    {}, {"window_size": 1}, {"negative_samples": 0}, {"negative_samples": 2.5, "categorical": True}, {"seed": 5},
    {"shuffle": False}, {"sampling_table": theirs.make_sampling_table(30, 0.01)},
], ids=lambda options: str(sorted(options)))  # fmt: skip
@pytest.mark.parametrize("words", [[], [3], [0, 0], [1, 2, 0, 7, 29, 7, 1, 4, 4]], ids=str)
def test_pairs_of_words(options, words):
    both = []
    for module in (sequence, theirs):
        random.seed(11)
        both.append((module.skipgrams(words, 30, **options), random.random()))
    assert both[0] == both[1]


def test_padding_is_that_of_utils():
    assert sequence.pad_sequences is kerasish.utils.pad_sequences
