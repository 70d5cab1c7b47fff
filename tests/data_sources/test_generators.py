from __future__ import annotations

import inspect
import threading
import time
import traceback

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from kerasish.data_sources import Sequence, open_source, pack_x_y_sample_weight, unpack_x_y_sample_weight

X = np.ones((2, 3))


def numbered(stop=100, drawn=None):
    for i in range(stop):
        if drawn is not None:
            drawn.append(i)
        yield X, np.array([i, i])


class Numbered(Sequence):
    def __init__(self, batches=5, fails_at=None):
        self.batches, self.fails_at = batches, fails_at
        self.ends = 0
        self.asked = []

    def __len__(self):
        return self.batches

    def __getitem__(self, i):
        self.asked.append(i)
        if i == self.fails_at:
            raise KeyError(f"batch {i} is lost")
        return X, np.array([i, i])

    def on_epoch_end(self):
        self.ends += 1


def first_targets(batches):
    return [batch[0] for batch in batches]


def data_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("kerasish-data")]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_generator_goes_on_over_epochs_and_draws_no_more_than_steps(workers, count, targets):
    drawn = []
    source = open_source(numbered(100, drawn), steps=3, epochs=2, workers=workers)
    assert first_targets(targets(source, 0, count)) == [0, 1, 2]
    assert drawn == [0, 1, 2]
    assert first_targets(targets(source, 1, count)) == [3, 4, 5]
    assert drawn == list(range(6))
    assert not data_threads()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_generator_without_steps_runs_to_its_end(workers, targets):
    source = open_source(numbered(7), workers=workers)
    assert source.batches is None and (source.samples, source.unit) == (None, "steps")
    assert first_targets(targets(source, 0, 3)) == list(range(7))
    assert source.batches == 7 and not source.ran_out
    assert targets(source, 1) == [] and source.ran_out


def test_a_generator_that_runs_out_ends_the_run(targets):
    source = open_source(numbered(5), steps=3, epochs=3)
    assert [len(targets(source, index)) for index in range(3)] == [3, 2, 0]
    assert source.ran_out


def test_what_was_drawn_ahead_is_kept_when_an_epoch_stops_early(targets):
    source = open_source(numbered(20), workers=1, max_queue_size=4)
    with source.epoch(0) as epoch:
        assert epoch.next(2).steps == 2
        time.sleep(0.1)
    assert first_targets(targets(source, 1)) == list(range(2, 20))


def test_an_empty_generator_is_named():
    with pytest.raises(ValueError, match="`validation_data` is empty"):
        open_source(numbered(0), argument="validation_data")


def test_first_batch_takes_nothing_away(targets):
    source = open_source(numbered(3))
    assert source.first_batch()[1].numpy().tolist() == [0, 0]
    assert source.element_spec[0].shape.as_list() == [None, 3]
    assert first_targets(targets(source)) == [0, 1, 2]


ELEMENTS = {
    "x": X, "(x,)": (X,), "list": [X, X[0]], "three": (X, X[0], X[0]), "inputs": ([X, X], X[0]),
    "dict": ({"a": X}, X[0]),
    "float": (X.astype("f4"), 3.0), "no weights": (X, X[0], None), "tensors": (tf.constant(X), tf.constant(X[0])),
    "no y": (X, None), "integers": (X.astype("i4"), X[0].astype("u1")), "strings": (np.array([["a"], ["b"]]), X[0, :2]),
}


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_elements_are_converted_as_in_tf_keras(element, oracle, read):
    def form(batch):
        return tf.nest.map_structure(lambda part: (part.dtype.name, part.shape.as_list(), part.numpy().tolist()), batch)

    expected = oracle(element for _ in range(2))
    received = read(open_source(element for _ in range(2)))
    assert [form(batch) for batch in received] == [form(batch) for batch in expected]


def test_frames_and_lists_in_elements(read):
    ((x, y),) = read(open_source((pd.DataFrame(X), [1, 0]) for _ in range(1)))
    assert x.dtype == tf.float32 and y.numpy().tolist() == [1, 0]


def test_ragged_batches_come_one_by_one(read):
    ragged = [tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.ragged.constant([[4.0]])]
    batches = read(open_source((part, np.ones(int(part.shape[0]))) for part in ragged))
    assert [batch[0].to_list() for batch in batches] == [[[1.0], [2.0, 3.0]], [[4.0]]]


def test_batches_of_other_shapes_begin_a_block(targets):
    def growing():
        for i in range(5):
            yield np.ones((i // 2 + 1, 3)), np.full(i // 2 + 1, i)

    source = open_source(growing())
    with source.epoch(0) as epoch:
        assert [epoch.next(10).steps for _ in range(3)] == [2, 2, 1]
        assert epoch.next(10) is None


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("count", [1, 100])
def test_an_error_in_a_generator_keeps_type_and_traceback(workers, count):
    def failing():
        yield X, X[0]
        yield X, X[0]
        raise KeyError("boom")

    source = open_source(failing(), workers=workers)
    used = 0
    with pytest.raises(KeyError, match="boom") as caught, source.epoch(0) as epoch:
        while True:
            used += epoch.next(count).steps
    assert used == 2
    assert any(frame.name == "failing" for frame in traceback.extract_tb(caught.value.__traceback__))
    assert not data_threads()


@pytest.mark.parametrize("element", [(), (X,) * 4, (X, object())])
def test_wrong_elements_are_refused(element):
    with pytest.raises(ValueError) as caught:
        open_source(element for _ in range(2))
    assert len(str(caught.value).splitlines()) <= 6


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_sequence_in_order_and_shuffled(workers, targets):
    sequence = Numbered(20)
    source = open_source(sequence, workers=workers)
    assert source.batches == 20
    assert first_targets(targets(source, 0, 7)) == list(range(20))
    source = open_source(sequence, workers=workers, shuffle=True)
    orders = [first_targets(targets(source, index)) for index in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]
    assert sequence.ends == 3 and not data_threads()


def test_a_sequence_with_steps(targets):
    sequence = Numbered(5)
    source = open_source(sequence, steps=2, epochs=2)
    assert first_targets(targets(source)) == first_targets(targets(source, 1)) == [0, 1]
    assert sequence.asked == [0, 1, 0, 1]
    longer = open_source(sequence, steps=7)
    assert len(targets(longer)) == 5 and longer.ran_out


def test_a_sequence_may_change_its_length_between_epochs(targets):
    class Growing(Numbered):
        def on_epoch_end(self):
            self.batches += 1

    source = open_source(Growing(3))
    assert [len(targets(source, index)) for index in range(3)] == [3, 4, 5]
    assert not source.ran_out


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_an_error_in_a_sequence_leaves_no_thread(workers):
    sequence = Numbered(50, fails_at=3)
    source = open_source(sequence, workers=workers)
    used = 0
    with pytest.raises(KeyError, match="batch 3 is lost") as caught, source.epoch(0) as epoch:
        while True:
            used += epoch.next(100).steps
    assert used == 3 and sequence.ends == 0 and not data_threads()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "__getitem__"


def test_workers_work_at_once_and_stay_within_the_queue():
    class Slow(Numbered):
        def __getitem__(self, i):
            time.sleep(0.02)
            return super().__getitem__(i)

    def run(workers, size):
        sequence = Slow(200)
        source = open_source(sequence, workers=workers, max_queue_size=size)
        start = time.perf_counter()
        with source.epoch(0) as epoch:
            epoch.next(24)
            spent = time.perf_counter() - start
            time.sleep(0.3)
        return spent, len(sequence.asked)

    spent, asked = run(4, 6)
    assert spent < 0.75 * run(0, 6)[0]
    assert asked == 24 + 6


def test_an_empty_sequence_is_named():
    with pytest.raises(ValueError, match="`x` is empty"):
        open_source(Numbered(0))


def test_a_sequence_of_another_library_is_taken(targets):
    tf_keras = pytest.importorskip("tf_keras")

    class Foreign(tf_keras.utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return X, np.array([i, i])

    assert first_targets(targets(open_source(Foreign()))) == [0, 1]


def test_blocks_stay_below_a_size():
    class Large(Numbered):
        def __getitem__(self, i):
            return np.zeros((2**22, 1), np.float32), np.zeros(2)

    with open_source(Large(12), workers=0).epoch(0) as epoch:
        assert epoch.next(100).steps == 4


def test_sequence_is_the_class_that_users_know():
    tf_keras = pytest.importorskip("tf_keras")
    for name in ("__getitem__", "__len__", "on_epoch_end", "__iter__"):
        ours, theirs = (inspect.signature(getattr(cls, name)) for cls in (Sequence, tf_keras.utils.Sequence))
        assert list(ours.parameters) == list(theirs.parameters)
    assert [batch[1][0] for batch in Numbered(3)] == [0, 1, 2]
    with pytest.raises(NotImplementedError):
        Sequence()[0]
    with pytest.raises(NotImplementedError):
        len(Sequence())
    assert Sequence().on_epoch_end() is None


@pytest.mark.parametrize("parts", [(1,), (1, 2), ([1],), ((1, 2),), (1, None, 3), (1, 2, 3)])
def test_packing_is_that_of_tf_keras(parts):
    tf_keras = pytest.importorskip("tf_keras")
    assert pack_x_y_sample_weight(*parts) == tf_keras.utils.pack_x_y_sample_weight(*parts)


@pytest.mark.parametrize("batch", [1, (1,), [1, 2], (1, 2, 3), None, {"a": 1}])
def test_unpacking_is_that_of_tf_keras(batch):
    tf_keras = pytest.importorskip("tf_keras")
    assert unpack_x_y_sample_weight(batch) == tf_keras.utils.unpack_x_y_sample_weight(batch)


@pytest.mark.parametrize("batch", [(), (1, 2, 3, 4)])
def test_unpacking_refuses_other_lengths(batch):
    with pytest.raises(ValueError, match=f"{len(batch)} parts"):
        unpack_x_y_sample_weight(batch)
