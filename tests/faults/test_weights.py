"""Weights of rows, classes and outputs in real trainings, and the split: what is weighted is what was meant."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish as keras
from tests.faults.examples import CLASSES, SPARSE, X, Y, refused

KINDS, SCORES = CLASSES, Y[:, :1]
BY_OUTPUT = {"kind": {0: 4.0, 2: 0.25}}
OF_ROWS = np.array([4.0, 1.0, 0.25])[KINDS]


def double(library=keras, as_dict=False):
    inputs = library.Input((6,))
    score, kind = library.layers.Dense(1, name="score")(inputs), library.layers.Dense(3, "softmax", name="kind")(inputs)
    model = library.Model(inputs, {"score": score, "kind": kind} if as_dict else [score, kind])
    start = np.random.default_rng(7)
    model.set_weights([start.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
    loss = {"score": "mse", "kind": SPARSE}
    model.compile(library.optimizers.SGD(0.1), loss, weighted_metrics={"kind": ["accuracy"]})
    return model


def trained(model, *data, **options):
    history = model.fit(*data, **{"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, **options}).history
    return history, model.get_weights()


def assert_same(one, other):
    for name, values in other[0].items():
        np.testing.assert_allclose(one[0][name], values, rtol=1e-5, err_msg=name)
    for ours, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("as_dict", [False, True])
@pytest.mark.parametrize("kind", ["arrays", "dataset", "generator"])
def test_class_weights_of_an_output_are_sample_weights_of_it(as_dict, kind):
    y = {"score": SCORES, "kind": KINDS} if as_dict else (SCORES, KINDS)
    data = {
        "arrays": lambda: (X, y),
        "dataset": lambda: (tf.data.Dataset.from_tensor_slices((X, y)).batch(8),),
        "generator": lambda: (tf.data.Dataset.from_tensor_slices((X, y)).batch(8).repeat(2).as_numpy_iterator(),),
    }[kind]()  # fmt: skip
    steps = {"steps_per_epoch": 5} if kind == "generator" else {}
    ours = trained(double(as_dict=as_dict), *data, class_weight=BY_OUTPUT, **steps)
    weights = {"score": np.ones(40), "kind": OF_ROWS} if as_dict else [np.ones(40), OF_ROWS]
    theirs = trained(double(tf_keras, as_dict), X, y if as_dict else list(y), sample_weight=weights)
    assert_same(ours, theirs)


def test_class_weights_of_outputs_in_a_single_batch():
    one, other = double(), double()
    found = one.train_on_batch(X, [SCORES, KINDS], class_weight=BY_OUTPUT)
    assert found == pytest.approx(other.train_on_batch(X, [SCORES, KINDS], sample_weight=[np.ones(40), OF_ROWS]))


@pytest.mark.parametrize("weights", [
    [np.arange(40.0), OF_ROWS], {"score": np.arange(40.0), "kind": OF_ROWS}, np.arange(40.0),
], ids=["list", "dict", "one for all"])  # fmt: skip
def test_sample_weights_of_outputs_equal_the_oracle(weights):
    found = [trained(double(library), X, [SCORES, KINDS], sample_weight=weights) for library in (keras, tf_keras)]
    assert_same(*found)
    evaluated = [double(library).evaluate(X, [SCORES, KINDS], sample_weight=weights, verbose=0)
                 for library in (keras, tf_keras)]  # fmt: skip
    np.testing.assert_allclose(*evaluated, rtol=1e-5)


def test_class_weights_leave_the_validation_alone():
    model, other = double(), double()
    validation = (X, [SCORES, KINDS])
    weighted = model.fit(X, [SCORES, KINDS], class_weight=BY_OUTPUT, validation_data=validation, verbose=0).history
    assert weighted["val_loss"][0] == pytest.approx(model.evaluate(*validation, verbose=0)[0], rel=1e-5)
    plain = other.fit(X, [SCORES, KINDS], verbose=0).history
    assert weighted["kind_loss"] != plain["kind_loss"]


@pytest.mark.parametrize("weights, words", [
    ({"kin": {0: 1.0}}, "'kin'.*'kind'"), ({0: 2.0}, "exactly one output"), ([{0: 1.0}], "for each of the 2"),
])  # fmt: skip
def test_wrong_class_weights_of_outputs_are_named(weights, words):
    model = double()
    with refused(ValueError, words, model):
        model.fit(X, [SCORES, KINDS], class_weight=weights, verbose=0)


SPLIT = {
    "arrays": (X, [SCORES, KINDS]),
    "tensors": (tf.constant(X), [tf.constant(SCORES), tf.constant(KINDS)]),
    "dict": (X, {"score": SCORES, "kind": KINDS}),
}


@pytest.mark.parametrize("kind", SPLIT)
def test_a_split_holds_back_the_last_rows_and_their_weights(kind):
    x, y = SPLIT[kind]
    found = trained(double(), x, y, validation_split=0.25, sample_weight=OF_ROWS)
    rest = [SCORES[30:], KINDS[30:]]
    expected = trained(double(tf_keras), X[:30], [SCORES[:30], KINDS[:30]], sample_weight=OF_ROWS[:30],
                       validation_data=(X[30:], rest, OF_ROWS[30:]))  # fmt: skip
    assert_same(found, expected)


@pytest.mark.parametrize("fraction", [1.0, 1.5, -0.1, 0.999, "0.2", True, float("nan")])
def test_a_split_that_is_none_is_refused(fraction):
    model = double()
    with refused(ValueError, "validation_split", model):
        model.fit(X, [SCORES, KINDS], validation_split=fraction, verbose=0)
