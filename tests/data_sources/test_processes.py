"""Sequences whose batches are made by processes."""
from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest

import kerasish as keras
from kerasish.data_sources import open_source
from kerasish.data_sources.processes import Processes
from tests.data_sources import indexed


def children():
    """Processes that this one has started, and that are there still."""
    found = subprocess.run(["ps", "-ww", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return [line for line in found.stdout.splitlines() if "worker.py" in line]


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert children() == []


@pytest.fixture
def opened():
    sources = []

    def open_(sequence, workers=2, **options):
        sources.append(open_source(sequence, workers=workers, use_multiprocessing=True, **options))
        return sources[-1]

    yield open_
    for source in sources:
        source.close()


def model_of(inputs=3):
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones", input_shape=(inputs,))])
    model.compile("sgd", "mse")
    return model


def inputs_of(batches):
    return np.concatenate([np.asarray(batch[0]) for batch in batches])


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_come_in_order_from_processes_without_tensorflow(workers, opened, read):
    found = inputs_of(read(opened(indexed.Places(12), workers)))
    assert os.getpid() not in found[:, 0] and 1 <= len(set(found[:, 0])) <= workers
    assert not found[:, 1].any()
    np.testing.assert_array_equal(inputs_of(read(opened(indexed.Indexed(12), workers)))[::2, 0], np.arange(12))


def test_the_processes_stay_from_epoch_to_epoch_and_see_what_its_end_changes(opened, read):
    sequence = indexed.Indexed()
    source = opened(sequence)
    for epoch in range(3):
        batches = read(source, epoch)
        assert {float(y) for _, target in batches for y in np.ravel(target)} == {epoch}
        if epoch == 0:
            first = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "worker.py"], capture_output=True).stdout
    assert first and first == subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "worker.py"], capture_output=True
    ).stdout
    assert sequence.ends == 3


def test_fit_evaluate_and_predict_give_what_threads_give():
    outcomes = []
    for processes in (False, True):
        keras.utils.set_random_seed(3)
        model = model_of()
        history = model.fit(indexed.Indexed(), epochs=3, verbose=0, workers=2, use_multiprocessing=processes,
                            validation_data=indexed.Indexed(4))  # fmt: skip
        told = model.evaluate(indexed.Indexed(), workers=2, use_multiprocessing=processes, verbose=0)
        outcomes.append((history.history, told, model.predict(indexed.Indexed(), use_multiprocessing=processes)))
        assert children() == []
    assert outcomes[0][:2] == outcomes[1][:2]
    np.testing.assert_array_equal(outcomes[0][2], outcomes[1][2])


def test_random_numbers_follow_from_the_seed_and_the_place_alone(opened, read):
    drawn = []
    for workers in (1, 3):
        keras.utils.set_random_seed(5)
        source = opened(indexed.Drawn(8), workers)
        drawn.append(np.concatenate([inputs_of(read(source, epoch)) for epoch in range(2)]))
    np.testing.assert_array_equal(*drawn)
    assert len(np.unique(drawn[0])) == drawn[0].size == 32


def test_a_run_that_goes_on_draws_the_same_numbers(opened, read):
    whole = opened(indexed.Drawn(4), epochs=2)
    whole.exact = True
    read(whole, 0)
    position = whole.position()
    rest = opened(indexed.Drawn(4), epochs=2)
    rest.exact = True
    rest.seek(position)
    np.testing.assert_array_equal(inputs_of(read(whole, 1)), inputs_of(read(rest, 1)))


def test_an_error_keeps_its_type_and_tells_its_traceback():
    model = model_of()
    with pytest.raises(indexed.Lost, match="batch 3 is lost") as caught:
        model.fit(indexed.Failing("error"), workers=2, use_multiprocessing=True, shuffle=False, verbose=0)
    assert "in __getitem__" in str(caught.value.__cause__) and "indexed.py" in str(caught.value.__cause__)
    assert int(model.optimizer.iterations) == 3 and children() == []
    with pytest.raises(RuntimeError, match="cannot be sent") as caught:
        model.predict(indexed.Failing("unsendable"), workers=2, use_multiprocessing=True)
    assert "only here" in str(caught.value.__cause__)


def test_a_process_that_is_killed_is_told_and_nothing_hangs():
    with pytest.raises(RuntimeError, match=r"batch 3 ended.*\n.*exit code -9.*Failing") as caught:
        model_of().fit(indexed.Failing("killed"), workers=2, use_multiprocessing=True, shuffle=False, verbose=0)
    assert len(str(caught.value).splitlines()) <= 6


def test_f14_an_interrupt_ends_busy_processes_within_two_seconds(tmp_path):
    busy, moments = tmp_path / "busy", []

    def interrupt():
        while not busy.exists():
            time.sleep(0.01)
        moments.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    model = model_of()
    with pytest.raises(KeyboardInterrupt):
        model.fit(indexed.Failing(str(busy)), workers=2, use_multiprocessing=True, shuffle=False, verbose=0)
    assert time.perf_counter() - moments[0] < 2
    assert children() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kerasish")]


def test_the_processes_end_with_a_killed_program(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {os.getcwd()!r})
        from kerasish.data_sources.processes import Processes
        from tests.data_sources.indexed import Places
        processes = Processes(Places(), 2)
        processes.begin()
        print(*{{int(processes.batch(i, (0,))[0][0, 0]) for i in range(4)}}, flush=True)
        input()
    """))
    with subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        workers = process.stdout.readline().split()
        process.kill()
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{int(worker)}") for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workers and not any(os.path.exists(f"/proc/{int(worker)}") for worker in workers)


def test_what_cannot_be_sent_is_made_by_threads_and_told(read, opened):
    with pytest.warns(UserWarning, match="Held cannot be sent.*\nReceived: TypeError"):
        found = inputs_of(read(opened(indexed.Held())))
    np.testing.assert_array_equal(found[::2, 0], np.arange(6))


def test_what_cannot_be_imported_there_is_made_by_threads_and_told(read, opened, monkeypatch):
    spec = importlib.util.spec_from_file_location("elsewhere", indexed.__file__)
    elsewhere = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "elsewhere", elsewhere)
    spec.loader.exec_module(elsewhere)
    with pytest.warns(UserWarning, match="Indexed cannot be sent.*\nReceived: ModuleNotFoundError"):
        found = inputs_of(read(opened(elsewhere.Indexed())))
    np.testing.assert_array_equal(found[::2, 0], np.arange(6))


def test_all_processes_share_one_copy_of_the_arrays_and_may_change_their_own(opened, read):
    array = np.zeros((4, 1 << 18))
    processes = Processes(indexed.Arrays(array), 2)
    processes.begin()
    assert processes._parcel.sizes == [array.nbytes] and len(processes._parcel.dumped) < 2000
    handle = processes._parcel.handle
    assert [float(processes.batch(i, (0,))[0][0, 0]) for i in range(4)] == [1, 1, 1, 1] and not array.any()
    processes.begin()
    assert processes._parcel.handle == handle, "the same sequence is not sent again"
    array[-1, -1] = 5
    processes.begin()
    assert float(processes.batch(3, (0,))[0][0, -1]) == 6, "one that was changed is"
    processes.close()


def test_no_interpreter_to_start_means_threads(opened, read, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.warns(UserWarning, match="Indexed cannot be sent.*\nReceived: FileNotFoundError"):
        found = inputs_of(read(opened(indexed.Indexed())))
    np.testing.assert_array_equal(found[::2, 0], np.arange(6))


SCRIPT = """
    import sys
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras
    from tensorflow.keras.utils import Sequence, to_categorical

    class Own(Sequence):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            imported = any(name.startswith("tensorflow.python") for name in sys.modules)
            return np.full((2, 3), imported, "float32"), {target}

    model = keras.Sequential([keras.layers.Dense({units}, input_shape=(3,), kernel_initializer="ones")])
    model.compile("sgd", "mse")
    model.fit(Own(), workers=2, use_multiprocessing=True, verbose=0)

    class Lost(Exception):
        pass

    class Failing(Own):
        def __getitem__(self, i):
            if i:
                raise Lost("mine")
            return super().__getitem__(i)

    try:
        model.evaluate(Failing(), workers=1, use_multiprocessing=True, verbose=0)
    except Lost as error:
        assert str(error) == "mine"
    print(model.predict(Own(), workers=2, use_multiprocessing=True).max() > 0)
"""


@pytest.mark.parametrize(
    "target, units, imports",
    [("np.zeros((2, 1))", 1, False), ("to_categorical([0, 2])", 3, True), ("tf.zeros((2, 1)).numpy()", 1, True)],
)
def test_a_script_s_own_class_brings_in_tensorflow_only_if_it_uses_it(target, units, imports, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT).format(target=target, units=units))
    done = subprocess.run([sys.executable, "-m", "kerasish", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cannot be sent" not in done.stderr and done.stdout == ("True\n" if imports else "False\n")


def test_a_script_s_own_class_is_made_by_threads_without_cloudpickle(tmp_path):
    script = tmp_path / "script.py"
    text = textwrap.dedent(SCRIPT).format(target="np.zeros((2, 1))", units=1)
    script.write_text("import sys\nsys.modules['cloudpickle'] = None\n" + text)
    done = subprocess.run([sys.executable, "-m", "kerasish", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pip install cloudpickle" in done.stderr and done.stdout == "True\n"


def test_an_imported_module_s_class_may_name_keras_and_tensorflow(tmp_path):
    (tmp_path / "mine.py").write_text(textwrap.dedent("""
        import sys
        import numpy as np
        import tensorflow as tf
        from tensorflow import keras
        import tensorflow.keras.utils as utils

        class Own(keras.utils.Sequence):
            def __len__(self):
                return 2

            def __getitem__(self, i):
                asleep = not any(name.startswith("tensorflow.python") for name in sys.modules)
                if i == 1:
                    assert isinstance(self, utils.Sequence) and keras.layers.Dense(2).units == 2
                    assert tf.keras.layers.Dense is keras.layers.Dense and "kerasish" in keras.__version__
                return np.full((1, 1), asleep), np.zeros((1, 1))
    """))
    (tmp_path / "script.py").write_text(textwrap.dedent("""
        from tensorflow.keras.utils import OrderedEnqueuer
        from mine import Own

        drawn = OrderedEnqueuer(Own(), use_multiprocessing=True)
        drawn.start(workers=1)
        print([bool(next(drawn.get())[0]) for _ in range(3)])
        drawn.stop()
    """))
    done = subprocess.run([sys.executable, "-m", "kerasish", tmp_path / "script.py"], capture_output=True, text=True)
    assert done.stdout == "[True, True, False]\n", done.stderr


def test_an_enqueuer_draws_from_processes_in_order():
    sequence = indexed.Indexed(5)
    drawn = keras.utils.OrderedEnqueuer(sequence, use_multiprocessing=True)
    drawn.start(workers=2, max_queue_size=3)
    batches = drawn.get()
    found = [next(batches) for _ in range(12)]
    assert [float(x[0, 0]) for x, _ in found] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert [float(y[0, 0]) for _, y in found] == [0] * 5 + [1] * 5 + [2] * 2
    assert len(children()) == 2
    drawn.stop()


def test_images_and_time_series_are_made_without_tensorflow(tmp_path, opened, read):
    generator = keras.preprocessing.image.ImageDataGenerator(horizontal_flip=True, rescale=0.5)
    images = np.arange(10 * 4 * 4 * 3, dtype="float32").reshape(10, 4, 4, 3)
    for name in "ab":
        (tmp_path / name).mkdir()
        keras.utils.save_img(str(tmp_path / name / "one.png"), images[0])
    sources = [
        generator.flow(images, np.arange(10), batch_size=4, shuffle=False),
        generator.flow_from_directory(str(tmp_path), target_size=(4, 4), batch_size=1),
        keras.preprocessing.sequence.TimeseriesGenerator(np.arange(20.0), np.arange(20.0), length=3, batch_size=5),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sequence in sources:
            batches = read(opened(sequence))
            assert len(batches) == len(sequence)
            for batch, i in zip(batches, range(len(sequence)), strict=True):
                assert batch[0].shape == np.shape(sequence[i][0])
            if sequence is sources[0]:
                assert np.concatenate([batch[1] for batch in batches]).tolist() == list(range(10))
    class_numbers = [int(np.argmax(batch[1])) for batch in read(opened(sources[1]))]
    assert sorted(class_numbers) == [0, 1]
