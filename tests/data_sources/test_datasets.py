from __future__ import annotations

import time
import weakref

import numpy as np
import pytest
import tensorflow as tf

from kerasish.data_sources import open_source
from kerasish.data_sources.datasets import prepared

X, Y = np.ones((10, 3)), np.arange(10)


def dataset(rows=10, size=2):
    return tf.data.Dataset.from_tensor_slices((X[:rows], Y[:rows])).batch(size)


CASES = {
    "all of it, twice": (dataset, {"epochs": 2}),
    "epochs go on": (dataset, {"steps_per_epoch": 2, "epochs": 3}),
    "steps are the size": (dataset, {"steps_per_epoch": 5, "epochs": 2}),
    "steps beyond the size": (dataset, {"steps_per_epoch": 7, "epochs": 2}),
    "repeated": (lambda: dataset().repeat(), {"steps_per_epoch": 3, "epochs": 2}),
    "unknown size": (lambda: dataset().filter(lambda x, y: y[0] < 5), {"epochs": 2}),
    "an iterator": (lambda: iter(dataset()), {"steps_per_epoch": 2, "epochs": 2}),
}


@pytest.mark.parametrize("make, settings", CASES.values(), ids=CASES)
@pytest.mark.parametrize("count", [1, 100])
def test_epochs_are_those_of_tf_keras(make, settings, count, oracle, targets):
    expected = [batch[1].numpy().tolist() for batch in oracle(make(), **settings)]
    epochs = settings.get("epochs", 1)
    source = open_source(make(), steps=settings.get("steps_per_epoch"), epochs=epochs)
    received = []
    for index in range(epochs):
        received += targets(source, index, count)
        if source.ran_out:
            break
    assert received == expected


def test_elements_keep_structure_and_type(read):
    elements = tf.data.Dataset.from_tensor_slices(({"a": X, "b": Y}, Y.astype("uint8"), X[:, 0])).batch(5)
    x, y, sample_weight = read(open_source(elements))[0]
    assert x["a"].dtype == sample_weight.dtype == tf.float64 and y.dtype == tf.uint8


def test_counts():
    source = open_source(dataset())
    assert (source.samples, source.batches, source.batch_size, source.unit) == (None, 5, None, "steps")
    assert open_source(dataset().repeat(), steps=3).batches == 3
    assert source.element_spec[0].shape.as_list() == [None, 3]


def test_an_unknown_size_is_known_after_an_epoch(targets):
    source = open_source(dataset().filter(lambda x, y: y[0] < 5))
    assert source.batches is None
    assert len(targets(source)) == source.batches == 3
    assert len(targets(source, 1)) == 3 and not source.ran_out


def test_an_evaluation_starts_afresh_each_time(targets):
    source = open_source(dataset(), steps=2)
    assert targets(source) == targets(source) == [[0, 1], [2, 3]]


def test_first_batch_takes_nothing_away(targets):
    source = open_source(dataset(), steps=5)
    assert source.first_batch()[1].numpy().tolist() == [0, 1]
    assert len(targets(source)) == 5


def test_an_endless_dataset_needs_steps():
    with pytest.raises(ValueError, match="validation_steps=None") as caught:
        open_source(dataset().repeat(), argument="validation_data", steps_argument="validation_steps")
    assert "endless" in str(caught.value) and len(str(caught.value).splitlines()) <= 6
    assert open_source(dataset().repeat(), steps=-1).batches is None


def test_an_empty_dataset_is_named(targets):
    with pytest.raises(ValueError, match="`validation_data` is empty"):
        open_source(dataset(0), argument="validation_data")
    nothing = open_source(dataset().filter(lambda x, y: False))
    with pytest.raises(ValueError, match="`x` is empty"):
        targets(nothing)
    with pytest.raises(ValueError, match="`x` is empty"):
        nothing.first_batch()


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_targets_beside_a_dataset_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be left out"):
        open_source(dataset(), **{name: Y})


def test_an_error_in_the_pipeline_is_not_the_end(read):
    failing = dataset().map(lambda x, y: (tf.debugging.check_numerics(x / 0, "bad"), y))
    with pytest.raises(tf.errors.InvalidArgumentError):
        read(open_source(failing))


def test_an_iterator_ends_with_its_epoch(read):
    source = open_source(dataset())
    with source.epoch(0) as epoch:
        block = epoch.next(5)
        iterator = weakref.ref(block.arguments[0])
        epoch.taken(block, 5)
        assert iterator() is not None
    del block
    assert iterator() is None


def test_autotuner_is_off_unless_the_user_speaks_of_it():
    assert prepared(dataset()).options().autotune.enabled is False
    options = tf.data.Options()
    options.autotune.enabled = True
    assert prepared(dataset().with_options(options)).options().autotune.enabled is True
    options = tf.data.Options()
    options.autotune.cpu_budget = 2
    assert prepared(dataset().with_options(options)).options().autotune.enabled is None
    options = tf.data.Options()
    options.deterministic = False
    assert prepared(dataset().with_options(options)).options().deterministic is False


def test_autotuned_parallelism_stays_parallel(read):
    def slow(i):
        def sleep(value):
            time.sleep(0.02)
            return value

        return tf.ensure_shape(tf.numpy_function(sleep, [i], tf.int64), ())

    def seconds(parallel):
        slowly = tf.data.Dataset.range(40).map(slow, num_parallel_calls=parallel).batch(1)
        start = time.perf_counter()
        assert len(read(open_source(slowly))) == 40
        return time.perf_counter() - start

    assert seconds(tf.data.AUTOTUNE) < 0.8 * seconds(None)


def test_ragged_columns_go_on_over_epochs_like_arrays(read):
    ragged = tf.ragged.constant([[1], [2, 3], [4], [5, 6], [7]])
    source = open_source(ragged, Y[:5], batch_size=2, steps=2, epochs=2)
    assert (source.samples, source.batch_size, source.unit) == (5, 2, "samples")
    batches = [batch for index in range(2) for batch in read(source, index)]
    assert [batch[1].numpy().tolist() for batch in batches] == [[0, 1], [2, 3], [4], [0, 1]]
