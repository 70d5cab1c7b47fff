"""Indices and labels outside their range are told whoever computes: TensorFlow's kernels, or XLA, which does not mind.

Each case runs plain and compiled, and must raise the same error, in a few lines, with no update from the bad batch.
"""

import functools
import gc
import threading
import weakref

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish import layers as L
from kerasish.training.program import Findings
from tests.faults.examples import SPARSE, refused

RNG = np.random.default_rng(0)
WORDS, CLASSES = RNG.integers(0, 9, (64, 5)), RNG.integers(0, 3, 64)
INDEX, LABEL = "Index -7 is not in.*0, 10.*embedding", "label value of 5 .*outside the valid range of .0, 3"
ERROR = tf.errors.InvalidArgumentError
MODES = pytest.mark.parametrize("jit", [False, True], ids=["plain", "xla"])


def with_bad(values, value, row=40):
    changed = values.copy()
    changed[row] = value
    return changed


def dataset(words, classes, size=8):
    return tf.data.Dataset.from_tensor_slices((words, classes)).batch(size)


def generator(words, classes):
    for start in range(0, len(words), 8):
        yield words[start : start + 8], classes[start : start + 8]


class Batches(keras.utils.Sequence):
    def __init__(self, words, classes):
        super().__init__()
        self.words, self.classes = words, classes

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return self.words[8 * i : 8 * i + 8], self.classes[8 * i : 8 * i + 8]


def reader(jit, shift=0, **compiled):
    """A classifier of five words, which it looks up `shift` places further."""
    keras.utils.set_random_seed(1)
    words = keras.Input((5,), dtype="int64")
    vectors = L.Embedding(10, 4, name="embedding")(words + shift if shift else words)
    model = keras.Model(words, L.Dense(3, "softmax")(L.GlobalAveragePooling1D()(vectors)))
    model.compile(**{"optimizer": "adam", "loss": SPARSE, "jit_compile": jit, **compiled})
    return model


def index_error(jit):
    """What is told of the index: by a kernel, whose operation's name has the layer's, or by the program."""
    return INDEX if jit else "= -7 is not in .0, 10.*embedding"


@MODES
@pytest.mark.parametrize("source, words, classes, told", [
    (dataset, with_bad(WORDS, -7), CLASSES, "-7 is not in .0, 10.*embedding"),
    (generator, WORDS, with_bad(CLASSES, 5), LABEL), (Batches, with_bad(WORDS, -7), CLASSES, "-7 is not in .0, 10"),
], ids=["dataset", "generator", "Sequence"])  # fmt: skip
def test_data_that_come_batch_by_batch(jit, source, words, classes, told):
    model, good = reader(jit), reader(False)
    with pytest.raises(ERROR, match=f"(?s){told}") as caught:
        model.fit(source(words, classes), verbose=0, shuffle=False)
    assert len(str(caught.value).splitlines()) <= 6
    good.fit(dataset(WORDS[:40], CLASSES[:40]), verbose=0)  # the five batches before
    assert int(model.optimizer.iterations) == 5
    for ours, expected in zip(model.get_weights(), good.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)
    model.fit(source(WORDS, CLASSES), verbose=0)  # and nothing of it stays
    assert int(model.optimizer.iterations) == 13


@MODES
def test_evaluation_of_a_dataset(jit):
    faults = (with_bad(WORDS, -7), CLASSES, index_error(jit)), (WORDS, with_bad(CLASSES, 5), LABEL)
    for words, classes, told in faults:
        model = reader(jit)
        with refused(ERROR, told, model):
            model.evaluate(dataset(words, classes), verbose=0)
        assert np.isfinite(model.evaluate(dataset(WORDS, CLASSES), verbose=0))


@MODES
def test_predictions_of_data_that_come_batch_by_batch(jit):
    model = reader(jit)
    with refused(ERROR, index_error(jit), model):
        model.predict(dataset(with_bad(WORDS, -7), CLASSES))
    assert model.predict(dataset(WORDS, CLASSES)).shape == (64, 3)


@MODES
@pytest.mark.parametrize("steps", [None, 3])
def test_indices_that_the_model_computes_and_the_number_of_steps_at_once(jit, steps):
    words, options = WORDS - 9, {"shuffle": False, "batch_size": 8, "verbose": 0}
    model, good = reader(jit, 9, steps_per_execution=steps), reader(False, 9)
    with pytest.raises(ERROR, match=f"(?s){index_error(jit)}") as caught:
        model.fit(with_bad(words, -16), CLASSES, **options)
    assert len(str(caught.value).splitlines()) <= 6
    assert ("learned from the batches before" in str(caught.value)) is jit
    good.fit(words[:40], CLASSES[:40], **options)
    assert int(model.optimizer.iterations) == 5
    for ours, expected in zip(model.get_weights(), good.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)
    for call in (model.predict, lambda x: model.evaluate(x, CLASSES, verbose=0)) if steps else ():
        with refused(ERROR, index_error(jit), model):
            call(with_bad(words, -16))


@MODES
def test_single_batches(jit):
    model = reader(jit)
    for call in (model.train_on_batch, model.test_on_batch):
        with refused(ERROR, index_error(jit), model):
            call(with_bad(WORDS, -7), CLASSES)
    with refused(ERROR, index_error(jit), model):
        model.predict_on_batch(with_bad(WORDS, -7))
    assert int(model.optimizer.iterations) == 0
    model.train_on_batch(WORDS, CLASSES)
    assert int(model.optimizer.iterations) == 1


def test_every_array_is_looked_at_not_only_the_first():
    model = reader(True)
    model.predict(WORDS)
    model.evaluate(WORDS, CLASSES, verbose=0)
    with refused(ValueError, "indices from 0 to 9. Received: indices from -7", model):
        model.predict(with_bad(WORDS, -7))
    with refused(ValueError, "indices from 0 to 9. Received: indices from -7", model):
        model.evaluate(with_bad(WORDS, -7), CLASSES, verbose=0)


class Cell(L.Layer):
    """A cell that looks its input up."""

    state_size = output_size = 4

    def __init__(self, table):
        super().__init__()
        self.table = table

    def call(self, inputs, states):
        return (new := states[0] + self.table(inputs)[:, 0]), [new]


class Own(keras.Model):
    """A step of the user's own, and an embedding in some function within it."""

    def __init__(self, place):
        super().__init__()
        self.place, self.table, self.top = place, L.Embedding(10, 4, name="embedding"), L.Dense(3, "softmax")
        self.nested = tf.function(lambda words: self.table(words))
        self.steps, self.recurrent = L.TimeDistributed(self.table), L.RNN(Cell(self.table))

    def call(self, words):
        if self.place == "nested function":
            vectors = tf.reduce_sum(self.nested(words), 1)
        elif self.place == "TimeDistributed":
            vectors = tf.reduce_sum(self.steps(words[:, :, None]), [1, 2])
        elif self.place == "RNN":
            vectors = self.recurrent(tf.cast(words[:, :, None], tf.float32))
        else:
            vectors = tf.zeros([tf.shape(words)[0], 4])
            _, vectors = tf.while_loop(
                lambda i, sums: i < 5, lambda i, sums: (i + 1, sums + self.table(words[:, i])), (0, vectors),
                maximum_iterations=5,
            )  # fmt: skip
        return self.top(vectors)

    def train_step(self, data):
        words, classes = data
        with tf.GradientTape() as tape:
            loss = self.compiled_loss(classes, self(words))
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return {"loss": loss}


@pytest.mark.parametrize("place, jit", [
    ("nested function", False), ("nested function", True), ("TimeDistributed", True), ("RNN", True), ("while", True),
])  # fmt: skip
def test_steps_of_ones_own_with_embeddings_in_functions_and_loops(place, jit):
    keras.utils.set_random_seed(1)
    model = Own(place)
    model.compile("adam", SPARSE, jit_compile=jit)
    model.fit(WORDS, CLASSES, batch_size=64, verbose=0)
    words = with_bad(WORDS, -7)
    with refused((ERROR, ValueError), "-7", model):
        model.fit(words, CLASSES, batch_size=64, verbose=0)
    for call in (lambda: model.fit(dataset(words, CLASSES, 64), verbose=0), lambda: model.predict_on_batch(words)):
        with refused(ERROR, index_error(jit) if place == "nested function" else "-7 is not in", model):
            call()
    with refused((ERROR, ValueError), "label.*5", model):
        model.fit(WORDS, with_bad(CLASSES, 5), batch_size=64, verbose=0)
    assert int(model.optimizer.iterations) == 1


def test_a_users_function_that_was_traced_before_is_still_heard_after_compiling_again():
    model = Own("nested function")
    model.compile("adam", SPARSE, jit_compile=True)
    model.fit(WORDS, CLASSES, verbose=0)
    model.compile("adam", SPARSE, jit_compile=True)
    gc.collect()
    with refused(ERROR, INDEX, model):
        model.predict(with_bad(WORDS, -7))
    assert np.isfinite(model.predict(WORDS)).all()


def test_labels_of_an_own_step_do_not_keep_it_from_xla_unless_they_are_wrong():
    """A step without the library's checks: "auto" looks at the columns before XLA sees them."""
    model = Own("while")
    model.call = lambda words: model.top(tf.cast(words, tf.float32))
    model.compile("adam", SPARSE)
    words, classes = np.tile(WORDS, (20, 1)), np.tile(CLASSES, 20)
    with pytest.raises(ERROR, match=LABEL):
        model.fit(words, with_bad(classes, 5), batch_size=8, epochs=20, verbose=0)
    model.fit(words, classes, batch_size=8, epochs=20, verbose=0)
    traced = model.program("train")._traced.values()
    assert [one.function.function_def.attr["_XlaMustCompile"].b for one in traced] == [False, True]


@MODES
@pytest.mark.parametrize("value", [-7, np.nan, 2.0**40])
def test_labels_of_any_kind(jit, value):
    labels = with_bad(CLASSES.astype("float64"), value)
    model = reader(jit)
    with refused(ERROR, "label value of.*outside the valid range of .0, 3", model):
        model.fit(dataset(WORDS, labels, 64), verbose=0)


def test_a_class_that_is_ignored_is_no_fault():
    model = reader(True, loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    model.fit(dataset(WORDS, with_bad(CLASSES, -1)), verbose=0)
    with refused(ERROR, LABEL, model):
        model.fit(dataset(WORDS, with_bad(CLASSES, 5), 64), verbose=0)


@MODES
def test_ragged_indices_categories_and_metrics(jit):
    if not jit:  # XLA knows no ragged rows
        words = keras.Input((None,), dtype="int64", ragged=True)
        model = keras.Model(words, L.Embedding(10, 4, name="embedding")(words))
        with refused(ERROR, "-7 is not in .0, 10"):
            model.predict(tf.ragged.constant([[1, -7], [2]]))
    model = keras.Sequential([L.CategoryEncoding(10, input_shape=(5,)), L.Dense(3, "softmax")])
    model.compile("adam", SPARSE, jit_compile=jit)
    with refused(ERROR, "at least 0 and less than.*num_tokens=10", model):
        model.train_on_batch(with_bad(WORDS, -7), CLASSES)
    model = keras.Sequential([L.Dense(3, "softmax", input_shape=(5,))])
    model.compile("adam", lambda y, p: tf.reduce_mean(p), [keras.metrics.MeanIoU(3, sparse_y_pred=False)],
                  jit_compile=jit)  # fmt: skip
    with refused(ERROR, "class number 5, which is outside of .0, 3" if jit else "out of bound"):
        model.test_on_batch(WORDS, with_bad(CLASSES, 5)[:, None])


def test_threads_are_told_of_their_own_numbers_only():
    model = reader(True, 9)
    good, bad = WORDS - 9, with_bad(WORDS - 9, -16)
    expected, wrong = model.predict(good), []

    def predict(words, is_good):
        for _ in range(10):
            try:
                np.testing.assert_array_equal(model.predict(words), expected)
                told = False
            except ERROR:
                told = True
            if told == is_good:
                wrong.append(is_good)

    threads = [threading.Thread(target=predict, args=(good if i % 2 else bad, bool(i % 2))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_programs_that_a_gpu_runs_note_what_its_kernels_do_not_refuse(monkeypatch):
    """On the CPU, with kernels that take every index as a GPU's do: the nearest row."""
    monkeypatch.setattr(Findings, "are_needed", staticmethod(lambda by_xla: True))
    gather = tf.gather
    monkeypatch.setattr(tf, "gather", lambda table, indices, **how: gather(table, tf.clip_by_value(indices, 0, 9)
                        if isinstance(table, tf.Variable) else indices, **how))  # fmt: skip
    for eager in (False, True):
        model = reader(False, run_eagerly=eager)
        for call in (functools.partial(model.fit, verbose=0), model.predict):
            with refused(ERROR, INDEX, model):
                call(dataset(with_bad(WORDS, -7), CLASSES, 64))
        for call in (model.train_on_batch, model.test_on_batch):
            with refused(ERROR, INDEX, model):
                call(with_bad(WORDS, -7), CLASSES)
    monkeypatch.setattr(tf, "gather", gather)
    with refused(ValueError, "Received: indices from -7", model := reader(False)):
        model.fit(with_bad(WORDS, -7), CLASSES, verbose=0)


def test_models_that_note_numbers_are_forgotten_with_everything_they_hold():
    model = reader(True, 9)
    model.fit(WORDS - 9, CLASSES, verbose=0)
    findings = weakref.ref(model.program("train")._findings)
    assert findings() is not None
    del model
    gc.collect()
    assert findings() is None
