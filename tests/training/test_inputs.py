"""Every kind of data through fit, evaluate and predict gives the same as arrays do."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish.data_sources import Sequence

rng = np.random.RandomState(0)
A, B = rng.rand(30, 4).astype("float32"), rng.rand(30, 2).astype("float32")
Y, CLASSES = rng.rand(30, 1).astype("float32"), rng.randint(0, 3, 30)
WEIGHTS = rng.rand(30).astype("float32")
SIZE = 8
START = [rng.rand(*shape).astype("float32") for shape in ((4, 5), (5,), (5, 1), (1,))]


class Batches(Sequence):
    def __init__(self, *columns):
        self.columns = columns

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return tuple(c[i * SIZE : (i + 1) * SIZE] for c in self.columns)


def generator(*columns, epochs=1):
    return (Batches(*columns)[i] for _ in range(epochs) for i in range(4))


def dataset(*columns):
    return tf.data.Dataset.from_tensor_slices(columns).batch(SIZE)


def model(**compiled):
    made = keras.Sequential([keras.layers.Dense(5, "tanh", input_shape=(4,)), keras.layers.Dense(1)])
    made.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse"], **compiled})
    made.set_weights(START)
    return made


def fitted(*data, **options):
    made = model()
    history = made.fit(*data, **{"epochs": 2, "shuffle": False, "verbose": 0, **options}).history
    return made, history


def same(one, other, atol=1e-6):
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=atol, rtol=1e-5), one, other)


KINDS = {
    "tensors": lambda: ((tf.constant(A), tf.constant(Y)), {"batch_size": SIZE}),
    "lists of numbers": lambda: ((A.tolist(), Y.tolist()), {"batch_size": SIZE}),
    "frames": lambda: ((pd.DataFrame(A), pd.DataFrame(Y)), {"batch_size": SIZE}),
    "frame and series": lambda: ((pd.DataFrame(A), pd.Series(Y[:, 0])), {"batch_size": SIZE}),
    "float64": lambda: ((A.astype("float64"), Y.astype("float64")), {"batch_size": SIZE}),
    "flat targets": lambda: ((A, Y[:, 0]), {"batch_size": SIZE}),
    "dataset": lambda: ((dataset(A, Y),), {}),
    "dataset of unknown size": lambda: ((dataset(A, Y).filter(lambda *_: True),), {}),
    "repeated dataset": lambda: ((dataset(A, Y).repeat(),), {"steps_per_epoch": 4}),
    "sequence": lambda: ((Batches(A, Y),), {}),
    "sequence of workers": lambda: ((Batches(A, Y),), {"workers": 2}),
    "generator": lambda: ((generator(A, Y, epochs=2),), {"steps_per_epoch": 4}),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_training_is_the_same(kind):
    expected, history = fitted(A, Y, batch_size=SIZE)
    data, options = kind()
    made, found = fitted(*data, **options)
    same(made.get_weights(), expected.get_weights())
    same(found, history)


WEIGHTED = {
    "dataset": lambda: ((dataset(A, Y, WEIGHTS),), {}),
    "sequence": lambda: ((Batches(A, Y, WEIGHTS),), {}),
    "generator": lambda: ((generator(A, Y, WEIGHTS, epochs=2),), {"steps_per_epoch": 4}),
    "series": lambda: ((A, Y), {"sample_weight": pd.Series(WEIGHTS), "batch_size": SIZE}),
}


@pytest.mark.parametrize("kind", WEIGHTED.values(), ids=WEIGHTED)
def test_weighted_training_is_the_same(kind):
    expected, history = fitted(A, Y, batch_size=SIZE, sample_weight=WEIGHTS)
    data, options = kind()
    made, found = fitted(*data, **options)
    same(made.get_weights(), expected.get_weights())
    same(found, history)


@pytest.mark.parametrize("kind", ["arrays", "dataset", "sequence"])
def test_class_weights_are_the_same(kind):
    y = (CLASSES[:, None] > 1).astype("float32")
    data = {"arrays": (A, y), "dataset": (dataset(A, y),), "sequence": (Batches(A, y),)}[kind]
    size = {"batch_size": SIZE} if kind == "arrays" else {}
    one, history = fitted(A, y, batch_size=SIZE, sample_weight=np.where(y[:, 0] > 0, 3.0, 0.5))
    other, found = fitted(*data, class_weight={0: 0.5, 1: 3.0}, **size)
    same(one.get_weights(), other.get_weights())
    same(history, found)


def test_class_weights_multiply_row_weights():
    y = (CLASSES[:, None] > 1).astype("float32")
    one, _ = fitted(A, y, sample_weight=WEIGHTS * np.where(y[:, 0] > 0, 3.0, 0.5))
    other, _ = fitted(A, y, sample_weight=WEIGHTS, class_weight={0: 0.5, 1: 3.0})
    same(one.get_weights(), other.get_weights())


SCORED = {
    "tensors": lambda: (tf.constant(A), tf.constant(Y)), "frames": lambda: (pd.DataFrame(A), pd.DataFrame(Y)),
    "dataset": lambda: (dataset(A, Y),), "sequence": lambda: (Batches(A, Y),), "generator": lambda: (generator(A, Y),),
    "lists": lambda: (A.tolist(), Y.tolist()),
}  # fmt: skip


@pytest.mark.parametrize("data", SCORED.values(), ids=SCORED)
def test_evaluation_and_prediction_are_the_same(data):
    made = model()
    same(made.evaluate(*data(), verbose=0), made.evaluate(A, Y, batch_size=SIZE, verbose=0))
    same(made.predict(data()[0]), made.predict(A))


VALIDATION = {
    "tensors": (tf.constant(A), tf.constant(Y)), "list": [A, Y], "dataset": dataset(A, Y), "sequence": Batches(A, Y),
    "frames": (pd.DataFrame(A), pd.Series(Y[:, 0])),
}  # fmt: skip


@pytest.mark.parametrize("data", VALIDATION.values(), ids=VALIDATION)
def test_validation_is_the_same(data):
    _, expected = fitted(A, Y, batch_size=SIZE, validation_data=(A, Y))
    _, history = fitted(A, Y, batch_size=SIZE, validation_data=data)
    same(history, expected)
    assert list(history) == ["loss", "mae", "mse", "val_loss", "val_mae", "val_mse"]


def test_validation_split_takes_the_last_rows_before_shuffling():
    _, expected = fitted(A[:24], Y[:24], validation_data=(A[24:], Y[24:]))
    _, history = fitted(A, Y, validation_split=0.2)
    same(history, expected)


def test_validation_steps_and_sizes():
    _, expected = fitted(A, Y, validation_data=(A[:10], Y[:10]))
    _, history = fitted(A, Y, validation_data=dataset(A, Y).unbatch().batch(5).repeat(), validation_steps=2)
    same(history, expected)
    _, history = fitted(A, Y, validation_data=(A, Y), validation_batch_size=5, validation_steps=2)
    same(history, expected)


@pytest.mark.parametrize("frequency, count", [(1, 4), (2, 2), (3, 1), ([1, 4], 2)])
def test_validation_frequency(frequency, count):
    _, history = fitted(A, Y, epochs=4, validation_data=(A, Y), validation_freq=frequency)
    assert len(history["val_loss"]) == count and len(history["loss"]) == 4


def test_initial_epoch_counts_on():
    made, first = fitted(A, Y, epochs=2)
    rest = made.fit(A, Y, epochs=5, initial_epoch=2, shuffle=False, verbose=0)
    whole, _ = fitted(A, Y, epochs=5)
    assert rest.epoch == [2, 3, 4]
    same(made.get_weights(), whole.get_weights())


def test_steps_per_epoch_of_arrays_goes_on_where_it_stopped():
    made, history = fitted(dataset(A, Y).repeat(), epochs=4, steps_per_epoch=2)
    whole, _ = fitted(A, Y, batch_size=SIZE, epochs=2)
    assert len(history["loss"]) == 4
    same(made.get_weights(), whole.get_weights())


def pair():
    first, second = keras.Input((4,), name="first"), keras.Input((2,), name="second")
    joined = keras.layers.concatenate([first, second])
    outputs = [keras.layers.Dense(1, name="score", kernel_initializer="ones")(joined),
               keras.layers.Dense(3, "softmax", name="kind", kernel_initializer="zeros")(joined)]  # fmt: skip
    made = keras.Model([first, second], outputs)
    made.compile("sgd", ["mse", "sparse_categorical_crossentropy"], metrics={"kind": "accuracy"})
    return made


STRUCTURES = {
    "lists": lambda: (([A, B], [Y, CLASSES]), {"batch_size": SIZE}),
    "tuples": lambda: (((A, B), (Y, CLASSES)), {"batch_size": SIZE}),
    "dicts": lambda: (({"second": B, "first": A}, {"kind": CLASSES, "score": Y}), {"batch_size": SIZE}),
    "dict and list": lambda: (({"second": B, "first": A}, [Y, CLASSES]), {"batch_size": SIZE}),
    "dataset of tuples": lambda: ((dataset((A, B), (Y, CLASSES)),), {}),
    "dataset of dicts": lambda: ((dataset({"first": A, "second": B}, {"score": Y, "kind": CLASSES}),), {}),
    "generator of dicts": lambda: (
        (({"first": a, "second": b}, {"score": y, "kind": c}) for a, b, y, c in generator(A, B, Y, CLASSES, epochs=2)),
        {"steps_per_epoch": 4}),
}  # fmt: skip


@pytest.mark.parametrize("kind", STRUCTURES.values(), ids=STRUCTURES)
def test_structures_of_inputs_and_targets(kind):
    expected = pair()
    history = expected.fit([A, B], [Y, CLASSES], batch_size=SIZE, epochs=2, shuffle=False, verbose=0).history
    data, options = kind()
    made = pair()
    data = data if isinstance(data, tuple) else (data,)
    found = made.fit(*data, epochs=2, shuffle=False, verbose=0, **options).history
    assert list(found) == ["loss", "score_loss", "kind_loss", "kind_accuracy"]
    same(found, history)
    same(made.get_weights(), expected.get_weights())


def test_shuffling_is_reproducible():
    keras.utils.set_random_seed(3)
    one, first = fitted(A, Y, shuffle=True, batch_size=SIZE)
    keras.utils.set_random_seed(3)
    other, second = fitted(A, Y, shuffle=True, batch_size=SIZE)
    unshuffled, _ = fitted(A, Y, batch_size=SIZE)
    assert first == second
    same(one.get_weights(), other.get_weights(), atol=0)
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(one.get_weights(), unshuffled.get_weights(), strict=True))
