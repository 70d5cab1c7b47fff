"""A loop over blocks in one graph: traced once for all sizes, and equal to the eager loop."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from kerasish.data_sources import Sequence, open_source


def columns(rows):
    return np.random.rand(rows, 3).astype("float32"), np.arange(rows)


class Batches(Sequence):
    def __init__(self, sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        return np.full((self.sizes[i], 2), i, "float32"), np.arange(self.sizes[i])


def run(source, function, count):
    """Counts of batches and rows, and the identifying sum, of an epoch; `function(block)` runs a block."""
    batches, rows, total = 0, 0, 0.0
    with source.epoch(0) as epoch:
        while (block := epoch.next(count)) is not None:
            i, block_rows, value = function(block)
            if block.take.drawn:
                epoch.taken(block, int(i))
            batches, rows, total = batches + int(i), rows + int(block_rows), total + float(value)
    return batches, rows, round(total, 2)


def once_traced(block_loop, traces):
    """Runs blocks by one program per kind of block and specs."""
    programs = {}

    def function(block):
        key = (block.take, str(block.specs))
        if key not in programs:
            total = block_loop(block.take)

            def traced(arguments, stop):
                traces.append(key)
                return total(arguments, stop)

            programs[key] = tf.function(traced, input_signature=[block.specs, tf.TensorSpec([], tf.int64)])
        return programs[key](block.arguments, tf.constant(block.steps, tf.int64))

    return function


SOURCES = {
    "arrays": lambda: open_source(*columns(50), batch_size=8),
    "dataset": lambda: open_source(tf.data.Dataset.from_tensor_slices(columns(50)).batch(8)),
    "unknown size": lambda: open_source(
        tf.data.Dataset.from_tensor_slices(columns(50)).batch(8).filter(lambda *_: True)),
    "sequence": lambda: open_source(Batches([4, 4, 4, 2, 5, 5])),
    "generator": lambda: open_source((np.ones((4, 2)), np.ones(4)) for _ in range(7)),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("count", [1, 3, 1000])
def test_graph_equals_eager(make, count, block_loop):
    def seeded():
        np.random.seed(0)
        return make()

    eager = run(seeded(), lambda block: block_loop(block.take)(block.arguments, block.steps), count)
    graph = run(seeded(), once_traced(block_loop, []), count)
    assert eager == graph
    assert eager[0] >= 6


def test_one_trace_serves_all_sizes_of_arrays(block_loop):
    traces = []
    function = once_traced(block_loop, traces)
    for rows, size, count, shuffle in [(50, 8, 3, False), (20, 5, 1, True), (7, 100, 10, "batch"), (33, 32, 4, True)]:
        source = open_source(*columns(rows), batch_size=size, shuffle=shuffle)
        batches, seen, _ = run(source, function, count)
        assert (batches, seen) == (-(-rows // size), rows)
    assert len(traces) == 1


def test_one_trace_serves_all_datasets_of_a_type(block_loop):
    traces = []
    function = once_traced(block_loop, traces)
    for rows, count in [(50, 3), (20, 100)]:
        run(open_source(tf.data.Dataset.from_tensor_slices(columns(rows)).batch(8)), function, count)
    assert len(traces) == 1


def test_batches_of_many_lengths_need_two_traces(block_loop):
    class Padded(Batches):
        def __getitem__(self, i):
            return np.ones((2, self.sizes[i])), np.ones(2)

    traces = []
    run(open_source(Padded([3, 4, 5, 9, 2, 7]), shuffle=False), once_traced(block_loop, traces), 2)
    assert len(traces) == 2


def test_a_python_batch_size_compiles_once_for_all_starts(block_loop):
    source = open_source(*columns(48), batch_size=8, shuffle=True)
    traces = []

    @tf.function(jit_compile=True)
    def compiled(columns, order, start, stop):
        traces.append(1)
        return block_loop(take)((columns, order, 8, start), stop)

    totals = []
    with source.epoch(0) as epoch:
        while (block := epoch.next(4)) is not None:
            take = block.take
            x, order, _, start = block.arguments
            totals.append(int(compiled(x, order, start, tf.constant(block.steps, tf.int64))[1]))
    assert totals == [32, 16] and len(traces) == 1


def test_a_python_batch_size_gives_a_fixed_shape():
    with open_source(*columns(48), batch_size=8).epoch(0) as epoch:
        block = epoch.next(4)
    arguments = (*block.arguments[:2], 8, block.arguments[3])
    assert tf.function(lambda i: block.take.batch(arguments, i)).get_concrete_function(
        tf.TensorSpec([], tf.int64)).structured_outputs[0].shape == (8, 3)
