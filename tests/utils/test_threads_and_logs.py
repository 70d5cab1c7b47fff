"""Enqueuers, timed threads, logs, warm starts, datasets that are made by a function, and descriptions of two keys."""

import random
import threading

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish import utils

theirs = tf_keras.utils


def numbers(module, ends, fails=None):
    class Numbers(module.Sequence):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            if index == fails:
                raise RuntimeError("batch 2")
            return index * 10

        def on_epoch_end(self):
            ends.append(1)

    return Numbers()


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_batches_are_drawn_in_order(shuffle, workers):
    both = []
    for module in (utils, theirs):
        random.seed(3)
        ends = []
        enqueuer = module.OrderedEnqueuer(numbers(module, ends), shuffle=shuffle)
        assert not enqueuer.is_running()
        enqueuer.start(workers=workers, max_queue_size=3)
        batches = enqueuer.get()
        both.append([next(batches) for _ in range(12)])
        assert enqueuer.is_running() and len(ends) >= 2
        enqueuer.stop()
        assert not enqueuer.is_running() and list(batches) == []
    assert both[0] == both[1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kerasish-data")]


def test_generators_end_and_errors_come_out():
    for module in (utils, theirs):
        enqueuer = module.GeneratorEnqueuer(i for i in range(4))
        enqueuer.start()
        assert list(enqueuer.get()) == [0, 1, 2, 3]
        enqueuer.stop()
        failing = module.OrderedEnqueuer(numbers(module, [], fails=2))
        failing.start()
        with pytest.raises(RuntimeError, match="batch 2"):
            list(failing.get())
        assert not failing.is_running()
        assert list(module.OrderedEnqueuer(numbers(module, [])).get()) == []
    with pytest.raises(NotImplementedError, match="OrderedEnqueuer"):
        utils.SequenceEnqueuer([1]).start()
        next(utils.SequenceEnqueuer([1])._drawn(1, 1))


def test_work_is_done_at_intervals():
    done = threading.Event()
    calls = []

    class Counter(utils.TimedThread):
        def on_interval(self):
            calls.append(1)
            if len(calls) == 3:
                done.set()

    counter = Counter(0.01, daemon=True)
    assert not counter.is_alive()
    counter.start()
    counter.start()
    assert done.wait(10) and counter.is_alive()
    counter.stop()
    counter.thread.join(10)
    assert not counter.is_alive()
    with pytest.raises(NotImplementedError, match="on_interval"):
        utils.TimedThread(1).on_interval()


def test_progress_and_summaries_go_to_the_log(capsys):
    model = kerasish.Sequential([kerasish.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2))
    assert utils.is_interactive_logging_enabled()
    utils.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        model.fit(x, x[:, 0], epochs=2)
        model.summary()
        utils.Progbar(2).update(2)
        assert capsys.readouterr().out == ""
    finally:
        utils.enable_interactive_logging()
    model.summary()
    assert "Dense" in capsys.readouterr().out


@pytest.mark.parametrize("base, new", [
    (["a", "b", "c"], ["b", "d", "a"]), (["a", "b", "a"], ["a", "a"]), ([3, 4], [4, 5]),
], ids=["some", "twice", "numbers"])  # fmt: skip
def test_embeddings_of_an_earlier_vocabulary(base, new):
    for dtype in ("float32", "float64"):
        arguments = (
            base,
            list(new) if isinstance(new, tuple) else new,
            np.arange(6.0, dtype=dtype).reshape(3, 2),
            "ones",
        )
        ours, wanted = (module.warmstart_embedding_matrix(*arguments) for module in (utils, theirs))
        np.testing.assert_array_equal(ours, wanted)
        assert ours.dtype == wanted.dtype


def test_vocabularies_of_files(tmp_path):
    (tmp_path / "a").write_text("a\nb\n")
    found = utils.warmstart_embedding_matrix(tmp_path / "a", ["b", "c"], [[1.0, 2.0], [3.0, 4.0]], "zeros")
    assert found.numpy().tolist() == [[3.0, 4.0], [0.0, 0.0]]
    for arguments, message in (
        ((["a"], 3, [[1.0]]), "new_vocabulary"), ((["a"], ["a"], [1.0]), "shape"),
        ((["a", "b"], ["b"], [[1.0]]), "a row"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            utils.warmstart_embedding_matrix(*arguments)


def test_a_model_trains_on_a_dataset_that_a_function_makes():
    contexts, losses = [], []
    x = np.arange(8.0, dtype="float32").reshape(4, 2)

    def make(context):
        contexts.append(context.num_input_pipelines)
        return tf.data.Dataset.from_tensor_slices((x, x[:, 0])).batch(2).repeat()

    for keras in (kerasish, tf_keras):
        model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones", input_shape=(2,))])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        creator = keras.utils.experimental.DatasetCreator(make)
        losses.append(model.fit(creator, epochs=2, steps_per_epoch=2, verbose=0).history["loss"])
        losses[-1].append(model.evaluate(creator, steps=2, verbose=0))
        with pytest.raises(ValueError, match="steps_per_epoch"):
            model.fit(creator, verbose=0)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert set(contexts) == {1}
    for arguments in ((3,), (make, 3)):
        with pytest.raises(TypeError, match="Received"):
            utils.experimental.DatasetCreator(*arguments)
    with pytest.raises(TypeError, match="must return"):
        utils.experimental.DatasetCreator(lambda context: 3)(None)


@pytest.mark.parametrize(
    "make",
    [
        lambda keras: keras.layers.Dense(2, activation="relu", kernel_regularizer="l2", name="d"),
        lambda keras: keras.regularizers.L2(0.5),
        lambda keras: keras.activations.relu,
        lambda keras: None,
    ],
)
def test_descriptions_of_two_keys(make):
    ours = utils.legacy.serialize_keras_object(make(kerasish))
    assert ours == theirs.legacy.serialize_keras_object(make(tf_keras))
    if isinstance(ours, dict):
        again = utils.legacy.deserialize_keras_object(ours)
        assert utils.legacy.serialize_keras_object(again) == ours


def test_names_are_looked_up():
    class Doubled(kerasish.layers.Layer):
        pass

    read = utils.legacy.deserialize_keras_object
    description = {"class_name": "Doubled", "config": {"name": "w"}}
    for options in ({"custom_objects": {"Doubled": Doubled}}, {"module_objects": {"Doubled": Doubled}}):
        assert isinstance(read(description, **options), Doubled) and isinstance(read("Doubled", **options), Doubled)
    assert read(make_nothing) is make_nothing and read(None) is None
    assert read("f", {"f": make_nothing}) is make_nothing
    for wrong, message in (
        ("no_such", "thing"), ({"class_name": "NoSuch", "config": {}}, "NoSuch"), (3, "thing"),
        ({"config": {}}, "thing"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            read(wrong, printable_module_name="thing")
    for wrong in (3, "text"):
        with pytest.raises(ValueError, match="get_config"):
            utils.legacy.serialize_keras_object(wrong)


def make_nothing():
    return None
