from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish.data_sources import open_source, single_batch

X = np.ones((6, 3))
LABELS = np.array([0, 1, 2, 0, 1, 2])
WEIGHTS = {0: 1.0, 1: 3.0, 2: 0.5}


class Halves(tf_keras.utils.Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, i):
        return X[3 * i : 3 * i + 3], LABELS[3 * i : 3 * i + 3]


TARGETS = {
    "integers": LABELS,
    "floats": LABELS.astype(float),
    "a column": LABELS[:, None],
    "one-hot": np.eye(3)[LABELS],
    "one-hot over time": np.eye(3)[np.stack([LABELS, LABELS], 1)],
}


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_class_weights_are_those_of_tf_keras(y, oracle, read):
    (expected,) = oracle(X, y, class_weight=WEIGHTS, shuffle=False)
    (received,) = read(open_source(X, y, class_weight=WEIGHTS))
    np.testing.assert_array_equal(received[2], expected[2])
    assert received[2].dtype == expected[2].dtype


@pytest.mark.parametrize("make", [
    lambda: tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(3),
    lambda: ((X[:3], LABELS[:3]) for _ in range(2)),
    Halves,
], ids=["dataset", "generator", "sequence"])
def test_class_weights_of_every_kind_of_source(make, oracle, read):
    expected = oracle(make(), class_weight=WEIGHTS, shuffle=False)
    received = read(open_source(make(), class_weight=WEIGHTS))
    assert [batch[2].numpy().tolist() for batch in received] == [batch[2].numpy().tolist() for batch in expected]


def test_a_missing_class_weighs_one(read):
    for y in (LABELS, tf.constant(LABELS)):
        ((_, _, weight),) = read(open_source(X, y, class_weight={2: 5.0}))
        assert weight.numpy().tolist() == [1, 1, 5, 1, 1, 5]


def test_class_and_sample_weights_multiply(read):
    sample_weight = np.arange(6.0)
    ((_, _, weight),) = read(open_source(X, LABELS[:, None], sample_weight, class_weight=WEIGHTS))
    np.testing.assert_array_equal(weight, sample_weight * np.array([1, 3, 0.5] * 2))
    steps = np.eye(3)[np.stack([LABELS, LABELS], 1)]
    assert single_batch(X, steps, sample_weight, class_weight=WEIGHTS)[2].shape == (6, 2)
    counted = single_batch(X, LABELS, np.full(6, 2), class_weight={0: 0.5})
    assert counted[2].numpy().tolist() == [1, 2, 2, 1, 2, 2]


@pytest.mark.parametrize("weights, kind, words", [
    ([1.0, 2.0], TypeError, "must be a dict"),
    ({"0": 1.0}, ValueError, "the key '0' of type str"),
    ({-1: 1.0}, ValueError, "the key -1"),
    ({0: "a"}, ValueError, r"class_weight\[0\]='a'"),
    ({0: float("nan")}, ValueError, r"class_weight\[0\]=nan"),
])
def test_wrong_class_weights_are_named(weights, kind, words):
    with pytest.raises(kind, match=words):
        open_source(X, LABELS, class_weight=weights)


def test_class_weights_need_one_output():
    with pytest.raises(ValueError, match="exactly one output"):
        open_source(X, [LABELS, LABELS], class_weight=WEIGHTS)
    with pytest.raises(ValueError, match="exactly one output"):
        open_source(tf.data.Dataset.from_tensor_slices(X).batch(2), class_weight=WEIGHTS)
    assert len(single_batch(X, [LABELS], class_weight=WEIGHTS)) == 3
