"""Wrong arguments and wrong data: said in at most six lines, by the argument's name, before any weight changes."""

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras

rng = np.random.RandomState(0)
X, Y, CLASSES = rng.rand(20, 6).astype("float32"), rng.rand(20, 3).astype("float32"), rng.randint(0, 3, 20)
SPARSE = "sparse_categorical_crossentropy"


class Hook(keras.callbacks.Callback):
    pass


def single(activation=None, **compiled):
    model = keras.Sequential([keras.layers.Dense(3, activation, input_shape=(6,))])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def classifier():
    return single("softmax", loss=SPARSE)


def double(**compiled):
    first, second = keras.Input((6,), name="first"), keras.Input((3,), name="second")
    outputs = [keras.layers.Dense(1, name="score")(first), keras.layers.Dense(3, "softmax", name="kind")(second)]
    model = keras.Model([first, second], outputs)
    model.compile(**{"optimizer": "sgd", "loss": ["mse", SPARSE], **compiled})
    return model


def dataset(x, y):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(4)


FIT = {
    "lengths": (single, (X, Y[:5]), {}, "x: 20, y: 5"),
    "lengths of weights": (single, (X, Y), {"sample_weight": np.ones(3)}, "sample_weight: 3"),
    "lengths of validation data": (single, (X, Y), {"validation_data": (X, Y[:5])}, "validation_data"),
    "rank": (single, (X[:, 0], Y), {}, "`x`"),
    "features": (single, (X[:, :4], Y), {}, "`x`.*None, 6.*None, 4"),
    "features of a dataset": (single, (dataset(X[:, :4], Y),), {}, "`x`"),
    "features of a generator": (single, (((X[:4, :4], Y[:4]) for _ in range(3)),), {}, "`x`"),
    "features of validation data": (single, (X, Y), {"validation_data": (X[:, :4], Y)}, r"`validation_data\[0\]`"),
    "too few inputs": (double, (X, [Y[:, :1], CLASSES]), {}, "`x`.*2 input"),
    "too many inputs": (double, ([X, Y, Y], [Y[:, :1], CLASSES]), {}, "`x`.*2 input"),
    "an input missing in a dict": (double, ({"first": X}, [Y[:, :1], CLASSES]), {}, "`x`.*second"),
    "no targets": (single, (X,), {}, "`y`"),
    "no targets for one output": (double, ([X, Y], [Y[:, :1], None]), {}, "kind"),
    "an output missing in a dict": (double, ([X, Y], {"score": Y[:, :1]}), {}, "kind"),
    "an unknown output": (double, ([X, Y], {"score": Y[:, :1], "kin": CLASSES}), {}, "`y`.*'kin'.*'kind'"),
    "too few targets": (double, ([X, Y], [CLASSES]), {}, "`y`"),
    "unknown class": (classifier, (X, CLASSES + 1), {}, "`y`.*0 to 2"),
    "negative class": (classifier, (X, CLASSES - 1), {}, "`y`.*0 to 2"),
    "half a class": (classifier, (X, CLASSES + 0.5), {}, "`y`.*0 to 2"),
    "class to validate on": (classifier, (X, CLASSES), {"validation_data": (X, CLASSES + 1)}, "validation_data"),
    "class in a dataset": (classifier, (dataset(X, CLASSES + 3),), {}, "outside the valid range"),
    "class in a generator": (classifier, (((X, CLASSES + 3) for _ in range(2)),), {}, "outside the valid range"),
    "one-hot for a sparse loss": (classifier, (X, np.eye(3)[CLASSES]), {}, "`y`"),
    "classes for a one-hot loss": (lambda: single("softmax", loss="categorical_crossentropy"), (X, CLASSES), {}, "`y`"),
    "broadcast targets": (single, (X, CLASSES), {}, "`y`"),
    "a callback's class": (single, (X, Y), {"callbacks": [Hook]}, r"callbacks\[0\].*\n?.*\(\)"),
    "no callback at all": (single, (X, Y), {"callbacks": [object()]}, r"callbacks\[0\]"),
    "epochs of text": (single, (X, Y), {"epochs": "3"}, "`epochs`"),
    "no epochs": (single, (X, Y), {"epochs": 0}, "`epochs`"),
    "half epochs": (single, (X, Y), {"epochs": 1.5}, "`epochs`"),
    "initial epoch": (single, (X, Y), {"initial_epoch": -1}, "`initial_epoch`"),
    "no batch": (single, (X, Y), {"batch_size": 0}, "`batch_size`"),
    "half a batch": (single, (X, Y), {"batch_size": 2.5}, "`batch_size`"),
    "no steps": (single, (X, Y), {"steps_per_epoch": 0}, "`steps_per_epoch`"),
    "verbosity": (single, (X, Y), {"verbose": "loud"}, "`verbose`"),
    "frequency": (single, (X, Y), {"validation_data": (X, Y), "validation_freq": 0}, "`validation_freq`"),
    "no rows": (single, (X[:0], Y[:0]), {}, "`x`"),
    "no rows to validate on": (single, (X, Y), {"validation_data": (X[:0], Y[:0])}, "`validation_data`"),
    "an empty dataset": (single, (dataset(X, Y).take(0),), {}, "`x`"),
    "nothing": (single, (None, Y), {}, "`x`"),
    "objects": (single, (np.array([None] * 20), Y), {}, "`x`"),
    "targets of objects": (single, (X, np.array([None] * 20)), {}, "`y`"),
    "class weights in a list": (classifier, (X, CLASSES), {"class_weight": [1, 2, 3]}, "`class_weight`"),
    "class weights by text": (classifier, (X, CLASSES), {"class_weight": {"a": 1}}, "`class_weight`"),
    "an endless dataset": (single, (dataset(X, Y).repeat(),), {}, "steps_per_epoch"),
    "an unknown keyword": (single, (X, Y), {"epoch": 3}, "'epoch'"),
    "the split": (single, (X, Y), {"validation_split": 1.5}, "`validation_split`"),
    "the split of a dataset": (single, (dataset(X, Y),), {"validation_split": 0.2}, "`validation_split`"),
    "targets beside a dataset": (single, (dataset(X, Y), Y), {}, "`y`"),
}


@pytest.mark.parametrize("make, arguments, options, message", FIT.values(), ids=FIT)
def test_fit_refuses(make, arguments, options, message):
    model = make()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError), match=f"(?s){message}") as caught:
        model.fit(*arguments, **{"verbose": 0, **options})
    assert len(str(caught.value).splitlines()) <= 6
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


COMPILE = {
    "loss": (single, {"loss": "msee"}, "'msee'.*(?i:'mse')"),
    "metric": (single, {"metrics": ["acuracy"]}, "'acuracy'.*(?i:'accuracy')"),
    "metric of an output": (double, {"metrics": {"kind": ["acuracy"]}}, "'acuracy'"),
    "optimizer": (single, {"optimizer": "adamm"}, "'adamm'.*'adam'"),
    "output of a loss": (double, {"loss": {"score": "mse", "kin": SPARSE}}, "`loss`.*'kin'.*'kind'"),
    "output of a metric": (double, {"metrics": {"kin": "accuracy"}}, "`metrics`.*'kin'.*'kind'"),
    "output of a weight": (double, {"loss_weights": {"kin": 1.0}}, "`loss_weights`.*'kin'"),
    "too few losses": (double, {"loss": ["mse"]}, "`loss`"),
    "too few weights": (double, {"loss_weights": [1.0]}, "`loss_weights`"),
    "weight of text": (double, {"loss_weights": {"score": "x"}}, "`loss_weights`"),
    "class of a loss": (single, {"loss": keras.losses.MeanSquaredError}, r"MeanSquaredError\(\)"),
    "class of a metric": (single, {"metrics": [keras.metrics.Mean]}, r"Mean\(\)"),
    "class of an optimizer": (single, {"optimizer": keras.optimizers.Adam}, r"Adam\(\)"),
    "executions": (single, {"steps_per_execution": 0}, "`steps_per_execution`"),
    "keyword": (single, {"metric": ["mae"]}, "'metric'"),
}


@pytest.mark.parametrize("make, options, message", COMPILE.values(), ids=COMPILE)
def test_compile_refuses_and_leaves_what_was_compiled(make, options, message):
    model = make()
    before = (model.optimizer, model.loss, model.compiled_loss, model.compiled_metrics)
    arguments = {"optimizer": "adam", "loss": model.loss, **options}
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}") as caught:
        model.compile(**arguments)
    assert len(str(caught.value).splitlines()) <= 6
    after = (model.optimizer, model.loss, model.compiled_loss, model.compiled_metrics)
    assert all(a is b for a, b in zip(before, after, strict=True))
    x, y = (X, Y) if make is single else ([X, Y], [Y[:, :1], CLASSES])
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_training_needs_compile(method):
    model = keras.Sequential([keras.layers.Dense(3, input_shape=(6,))])
    with pytest.raises(RuntimeError, match="compile"):
        getattr(model, method)(X, Y)


@pytest.mark.parametrize("method, arguments", [
    ("predict", (X[:, :4],)), ("evaluate", (X[:, :4], Y)), ("train_on_batch", (X[:, :4], Y)), ("predict", (X[0],)),
])  # fmt: skip
def test_other_methods_name_x(method, arguments):
    with pytest.raises(ValueError, match="`x`"):
        getattr(single(), method)(*arguments)


def test_one_sample_without_a_batch_axis_gets_the_hint():
    image = keras.Sequential([keras.layers.Flatten(input_shape=(2, 2))])
    with pytest.raises(ValueError, match=r"x\[None\]"):
        image.predict(np.ones((2, 2)))


def test_an_index_without_embedding_is_told_in_a_few_lines():
    layers = [keras.layers.Embedding(5, 3, input_length=2), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    with pytest.raises(tf.errors.InvalidArgumentError, match="9 is not in.*\n.*embedding") as caught:
        model.fit(np.full((4, 2), 9), Y[:4], verbose=0)
    assert len(str(caught.value).splitlines()) <= 6


def test_a_user_s_exception_comes_through_as_it_is():
    def batches():
        yield X, Y
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        single().fit(batches(), verbose=0)
