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


TWO = (LABELS, np.eye(3)[LABELS[::-1]])
NAMES = ["kind", "shape"]
EACH = {"kind": {1: 3.0}, "shape": {0: 2.0, 2: 0.5}}
FIRST, SECOND = [1, 3, 1, 1, 3, 1], [0.5, 1, 2, 0.5, 1, 2]


@pytest.mark.parametrize("weights, expected", [
    (EACH, (FIRST, SECOND)), ({"shape": EACH["shape"]}, ([1] * 6, SECOND)),
    ([EACH["kind"], EACH["shape"]], (FIRST, SECOND)), ([None, EACH["shape"]], ([1] * 6, SECOND)),
])
@pytest.mark.parametrize("make", [
    lambda y: (X, y), lambda y: (tf.data.Dataset.from_tensor_slices((X, y)).batch(6),), lambda y: (iter([(X, y)]),),
], ids=["arrays", "dataset", "generator"])
@pytest.mark.parametrize("named", [True, False])
def test_class_weights_of_several_outputs(weights, expected, make, named, read):
    y = dict(zip(NAMES, TWO, strict=True)) if named else TWO
    ((_, _, found),) = read(open_source(*make(y), class_weight=weights, output_names=NAMES))
    assert isinstance(found, dict if named else tuple)
    found = [found[name] for name in NAMES] if named else found
    assert tuple(one.numpy().tolist() for one in found) == expected


def test_class_and_sample_weights_of_several_outputs_multiply(read):
    one, other = np.arange(6.0), np.arange(6.0) ** 2
    for given, (first, second) in (((one, other), (one, other)), ({"kind": one}, (one, 1)), (one, (one, one))):
        ((_, _, found),) = read(open_source(X, TWO, given, class_weight=EACH, output_names=NAMES))
        np.testing.assert_array_equal(found[0], FIRST * first)
        np.testing.assert_array_equal(found[1], SECOND * second)


def test_one_output_may_be_named(read):
    ((_, _, found),) = read(open_source(X, LABELS, class_weight={"kind": {1: 3.0}}, output_names=["kind"]))
    assert found.numpy().tolist() == FIRST


@pytest.mark.parametrize("weights, words", [
    ({"kin": {0: 1.0}}, "'kin'.*'kind'"), ([{0: 1.0}], "one dict, or None, for each of the 2"),
    ({"kind": {"a": 1.0}}, r"(?s)`class_weight\['kind'\]`.*'a'"), ({"kind": {0: "b"}}, r"\['kind'\]\[0\]='b'"),
    ({"kind": 2.0}, "key 'kind'"),
])
def test_wrong_class_weights_of_outputs_are_named(weights, words):
    with pytest.raises(ValueError, match=words):
        open_source(X, TWO, class_weight=weights, output_names=NAMES)


def test_class_weights_need_one_output():
    with pytest.raises(ValueError, match="exactly one output"):
        open_source(X, [LABELS, LABELS], class_weight=WEIGHTS)
    with pytest.raises(ValueError, match="exactly one output"):
        open_source(tf.data.Dataset.from_tensor_slices(X).batch(2), class_weight=WEIGHTS)
    assert len(single_batch(X, [LABELS], class_weight=WEIGHTS)) == 3
