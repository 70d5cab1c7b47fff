from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from kerasish.data_sources import open_source, single_batch

ROWS = 6
X = np.arange(ROWS * 3, dtype=np.float64).reshape(ROWS, 3)
Y = np.arange(ROWS, dtype=np.float64)
FRAME = pd.DataFrame({"a": Y, "b": np.arange(ROWS)})

SAME_AS_ORACLE = {
    "x alone": (X,),
    "x and y": (X, Y),
    "tuple alone": ((X, Y),),
    "list of inputs": ([X, X], Y),
    "list of outputs": (X, [Y, Y]),
    "dicts": ({"a": X, "b": Y}, {"out": Y}),
    "float16": (X.astype("float16"), Y.astype("float32")),
    "uint8 and bool": (X.astype("uint8"), Y.astype(bool)),
    "int32 and int64": (X.astype("int32"), Y.astype("int64")),
    "strings": (np.array([["a"]] * ROWS), np.array(["b"] * ROWS)),
    "object strings": (np.array([["a"]] * ROWS, dtype=object), Y),
    "float64 tensors": (tf.constant(X), tf.constant(Y)),
    "variable": (tf.Variable(X), Y),
    "lists of numbers": ([1, 2, 3.0], [1, 0, 1]),
    "nested lists": ([[1, 2], [3, 4]], [1, 0]),
    "list of strings": (["a", "b"], [1.0, 0.0]),
    "frame and series": (FRAME, FRAME["a"]),
    "frame of integers": (FRAME[["b"]], FRAME[["b"]]),
    "frame of float32": (FRAME.astype("float32"), FRAME["b"]),
    "dict of series": (dict(FRAME), FRAME["b"]),
    "series of strings": (X, pd.Series(["a"] * ROWS)),
    "frame of strings": (pd.DataFrame({"a": ["q"] * ROWS}), Y),
    "nullable integers": (X, pd.Series([1, 2] * 3, dtype="Int64")),
    "categories": (X, pd.Series(["a", "b"] * 3, dtype="category")),
    "integer weights": (X, Y, np.arange(ROWS)),
    "weights of two outputs": (X, [Y, Y], [Y, None]),
    "weights by name": (X, {"a": Y, "b": Y}, {"a": Y}),
    "ragged": (tf.ragged.constant([[1, 2], [3]]), np.array([1.0, 2.0])),
    "sparse": (tf.sparse.from_dense(X), Y),
}


def as_comparable(batch):
    def plain(part):
        if isinstance(part, tf.RaggedTensor):
            return part.to_list()
        part = tf.sparse.to_dense(part) if isinstance(part, tf.SparseTensor) else part
        return part.dtype.name, part.shape.as_list(), part.numpy().tolist()

    return tf.nest.map_structure(plain, batch)


@pytest.mark.parametrize("given", SAME_AS_ORACLE.values(), ids=SAME_AS_ORACLE)
def test_batches_equal_those_of_tf_keras(given, oracle, read):
    x, y, sample_weight = (*given, None, None)[:3]
    expected = oracle(x, y, sample_weight=sample_weight, batch_size=4, shuffle=False)
    received = read(open_source(x, y, sample_weight, batch_size=4))
    assert [as_comparable(batch) for batch in received] == [as_comparable(batch) for batch in expected]


def test_mixed_kinds_that_tf_keras_refuses_are_taken(read):
    x = pd.DataFrame({"a": [True, False], "b": [1.5, 2.0]})
    (batch,) = read(open_source(x, [0, 1]))
    assert batch[0].numpy().tolist() == [[1.0, 1.5], [0.0, 2.0]]
    assert batch[1].dtype == tf.int64


def test_numbers_in_an_object_array_are_numbers(read):
    (batch,) = read(open_source(X, np.array([1, 2.5] * 3, dtype=object)))
    assert batch[1].dtype == tf.float32


def test_element_spec_leaves_the_rows_open():
    source = open_source({"a": X}, Y)
    assert source.element_spec == ({"a": tf.TensorSpec([None, 3])}, tf.TensorSpec([None]))


def test_single_batch_is_always_a_tuple():
    assert isinstance(single_batch(X), tuple)
    x, y, sample_weight = single_batch([X, X], Y, Y)
    assert len(x) == 2 and y.shape == (ROWS,) and sample_weight.dtype == tf.float32


WRONG = {
    "unequal": ((X, Y[:4]), ValueError, ["Data cardinality is ambiguous", "x: 6", "y: 4"]),
    "unequal inputs": (([X, X[:3]], Y), ValueError, ["x[0]: 6", "x[1]: 3", "y: 6"]),
    "unequal weights": ((X, Y, Y[:2]), ValueError, ["sample_weight: 2"]),
    "empty": ((X[:0], Y[:0]), ValueError, ["`x` is empty", "0 rows"]),
    "empty list": (([], []), ValueError, ["`x`"]),
    "None": ((None,), ValueError, ["`x` must not be empty"]),
    "object": ((object(), Y), ValueError, ["`x`", "type object"]),
    "text": (("abc", Y), ValueError, ["`x`", "'abc'"]),
    "inner object": (({"a": X, "b": object()}, Y), ValueError, ["`x['b']`"]),
    "a scalar array": ((np.array(3.0), Y), ValueError, ["`x`", "axis of rows"]),
    "None in y": ((X, np.array([1, 2, None, 4, 5, 6], dtype=object)), ValueError, ["`y`", "None", "row 2"]),
    "string among numbers": ((X, np.array([1, 2, 3, "q", 5, 6], dtype=object)), ValueError, ["`y`", "'q'", "row 3"]),
    "number among strings": ((X, np.array(["a"] * 5 + [1.5], dtype=object)), ValueError, ["`y`", "1.5", "row 5"]),
    "None in a list": ((X, [1, None, 3, 4, 5, 6]), ValueError, ["`y`", "None", "row 1"]),
    "rows of unequal length": (([[1, 2], [3]], [0, 1]), ValueError, ["`x`", "row 1", "1 values"]),
    "dates": ((X, pd.Series(pd.date_range("2020", periods=6))), ValueError, ["`y`", "datetime64"]),
    "string column": ((pd.DataFrame({"a": Y, "town": ["q"] * 6}), Y), ValueError, ["x['town']", "'q'", "row 0"]),
    "hole in a column": (
        (pd.DataFrame({"a": Y, "b": [1, 2, 3, "?", 5, 6]}), Y), ValueError, ["x['b']", "'?'", "row 3"]),
}


@pytest.mark.parametrize("given, kind, words", WRONG.values(), ids=WRONG)
def test_wrong_input_is_named(given, kind, words):
    with pytest.raises(kind) as caught:
        open_source(*given)
    message = str(caught.value)
    assert len(message.splitlines()) <= 6
    for word in words:
        assert word in message


def test_validation_data_and_inputs_are_named():
    with pytest.raises(ValueError, match=r"validation_data\[1\]: 4"):
        open_source(X, Y[:4], argument="validation_data")
    with pytest.raises(ValueError, match=r"x\[1\] \(age\): 2"):
        open_source([X, X[:2]], Y, input_names=("size", "age"))


@pytest.mark.parametrize("settings, kind", [
    ({"batch_size": 0}, ValueError), ({"batch_size": -1}, ValueError), ({"batch_size": 2.5}, TypeError),
    ({"batch_size": "3"}, TypeError), ({"batch_size": True}, TypeError), ({"steps": 0}, ValueError),
    ({"steps": "2"}, TypeError), ({"steps": True}, TypeError), ({"steps": float("nan")}, TypeError),
    ({"workers": -1}, ValueError), ({"max_queue_size": 0}, ValueError), ({"max_queue_size": 1.5}, TypeError),
])
def test_wrong_counts_are_named(settings, kind):
    ((name, value),) = settings.items()
    with pytest.raises(kind, match=f"`{name}`.*{name}="):
        open_source(X, Y, **settings)


def test_steps_may_be_the_float_of_a_division(read):
    assert len(read(open_source(X, Y, batch_size=2, steps=2.5))) == 3
    assert len(read(open_source(X, Y, batch_size=np.int64(2), steps=np.float64(2)))) == 2


@pytest.mark.parametrize("rows", [1, 700])
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "longdouble", ">f4", "bool", "uint8", "int32", ">i4", "int64"]
)
@pytest.mark.parametrize("layout", [lambda a: a, lambda a: a[::-1, 1:], np.asfortranarray], ids=["whole", "part", "F"])
def test_arrays_are_copied_once_and_not_shared_with_the_user(rows, dtype, layout):
    array = layout((np.arange(rows * 1000).reshape(rows, 1000) % 100).astype(dtype))
    x = single_batch(array)[0]
    expected = array.astype("float32" if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    array[:] = 0
    np.testing.assert_array_equal(x, expected)
    assert x.dtype == expected.dtype


@pytest.mark.parametrize("shape, times", [((1000, 5000), 20), ((64, 784), 1000)])
def test_arrays_are_given_back(shape, times):
    array = np.ones(shape, "float32")

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * 4096

    single_batch(array)
    before = resident()
    for _ in range(times):
        single_batch(array)
    assert resident() - before < 3 * array.nbytes + 2**20
