"""The data sets that are fetched: from the same file in the cache, what tf_keras gives; nothing in a file is run."""
import gzip
import hashlib
import importlib
import inspect
import io
import json
import pickle
import tarfile

import numpy as np
import pytest
import tf_keras

from kerasish import backend, datasets

NAMES = ["boston_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "reuters"]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """The folder of the cache where data sets lie."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    (made := tmp_path / ".keras" / "datasets").mkdir(parents=True)
    return made


@pytest.fixture
def put(folder, monkeypatch):
    """Puts files of our own making in the cache and lets both libraries take them for the real ones."""

    def put(name, file, content, constant="_SHA256"):
        (folder / file).write_bytes(content)
        algorithm = "md5" if "MD5" in constant else "sha256"
        digits = hashlib.new(algorithm, content).hexdigest()
        monkeypatch.setattr(getattr(datasets, name), constant, digits)
        real = tf_keras.utils.get_file
        theirs = importlib.import_module(f"tf_keras.src.datasets.{name}")
        monkeypatch.setattr(theirs, "get_file", lambda *a, **k: real(*a, **{**k, "file_hash": digits}))
        return folder / file

    return put


def same(name, **arguments):
    """Loads both; equal splits, types and shapes."""
    ours, theirs = (getattr(module.datasets, name).load_data for module in (datasets_of_ours, tf_keras))
    found, expected = ours(**arguments), theirs(**arguments)
    for split, expected_split in zip(found, expected, strict=True):
        for array, wanted in zip(split, expected_split, strict=True):
            assert type(array) is np.ndarray and array.shape == wanted.shape and array.dtype == wanted.dtype
            assert np.array_equal(array, wanted)
            assert {type(row) for row in array[:99]} == {type(row) for row in wanted[:99]}
    return found


class datasets_of_ours:
    datasets = datasets


def npz(**arrays):
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def lists(random, count):
    made = np.empty(count, object)
    for place in range(count):
        made[place] = random.integers(1, 60, random.integers(1, 14)).tolist()
    return made


@pytest.mark.parametrize("name", NAMES)
def test_signatures_and_origins_are_those_of_tf_keras(name, monkeypatch, folder):
    ours, theirs = getattr(datasets, name), getattr(tf_keras.datasets, name)
    functions = ours.__all__
    assert functions == sorted(n for n in dir(theirs) if not n.startswith("_"))
    for function in functions:
        both = [inspect.signature(getattr(module, function)).parameters.values() for module in (ours, theirs)]
        assert [(p.name, p.kind, p.default) for p in both[0]] == [(p.name, p.kind, p.default) for p in both[1]]
    asked = ([], [])
    for module, calls in zip((ours, importlib.import_module(f"tf_keras.src.datasets.{name}")), asked, strict=True):

        def record(fname, origin=None, untar=False, file_hash=None, cache_dir=None, cache_subdir="", calls=calls):
            calls.append((fname, origin, untar, file_hash, cache_dir, cache_subdir))
            raise InterruptedError

        monkeypatch.setattr(module, "get_file", record)
        for function in set(functions) - {"get_label_names"}:
            with pytest.raises(InterruptedError):
                getattr(module, function)()
    if name == "fashion_mnist":  # theirs begins with the labels
        asked = [[(call[1].rpartition("/")[0], *call[2:]) for call in calls] for calls in asked]
    assert asked[0] == asked[1] and asked[0]


@pytest.mark.parametrize("arguments", [{}, {"test_split": 0.33, "seed": 1}, {"test_split": 0}], ids=str)
def test_boston_housing(arguments, put):
    random = np.random.default_rng(0)
    put("boston_housing", "boston_housing.npz", npz(x=random.random((20, 13)), y=random.random(20)))
    same("boston_housing", **arguments)


WORDS = [
    {}, {"num_words": 20}, {"num_words": 20, "skip_top": 5}, {"skip_top": 5, "oov_char": None}, {"maxlen": 6},
    {"maxlen": 6, "num_words": 30, "oov_char": None}, {"start_char": None}, {"start_char": 0, "index_from": 7},
    {"seed": 3, "oov_char": 99}, {"maxlen": 200},
]  # fmt: skip


@pytest.fixture
def texts(put):
    random = np.random.default_rng(0)
    for name, parts in (("imdb", [("_train", 30), ("_test", 20)]), ("reuters", [("", 30)])):
        arrays = {}
        for part, count in parts:
            arrays |= {f"x{part}": lists(random, count), f"y{part}": random.integers(0, 2, count)}
        put(name, f"{name}.npz", npz(**arrays))


@pytest.mark.parametrize("arguments", WORDS, ids=str)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts(name, arguments, texts):
    same(name, **arguments)


def test_more_of_texts(texts):
    same("reuters", test_split=0.5)
    with pytest.warns(DeprecationWarning, match="num_words"):
        older = datasets.imdb.load_data(nb_words=20)
    newer = datasets.imdb.load_data(num_words=20)
    assert older[0][0].tolist() == newer[0][0].tolist()
    unmarked, _ = datasets.imdb.load_data(start_char=None, index_from=0)
    marked, _ = datasets.imdb.load_data(index_from=3)
    assert [len(text) + 1 for text in unmarked[0]] == [len(text) for text in marked[0]]
    for module in (datasets.imdb, datasets.reuters):
        with pytest.raises(ValueError, match="maxlen"):
            module.load_data(maxlen=1)
        with pytest.raises(TypeError, match="'none'"):
            module.load_data(none=1)
    for module in (datasets.boston_housing, datasets.reuters):
        with pytest.raises(ValueError, match="test_split"):
            module.load_data(test_split=1.5)


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_index(name, put):
    put(name, f"{name}_word_index.json", json.dumps({"film": 1, "été": 2}).encode(), "_WORDS_MD5")
    ours, theirs = (getattr(module.datasets, name).get_word_index() for module in (datasets_of_ours, tf_keras))
    assert ours == theirs == {"film": 1, "été": 2}


def test_label_names():
    assert datasets.reuters.get_label_names() == tf_keras.datasets.reuters.get_label_names()


def archive(folder_name, files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=0) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder_name}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def batch(count, start, protocol=2, **labels):
    pixels = np.resize(np.arange(start, 251, dtype=np.uint8), (count, 3072))
    return pickle.dumps({b"data": pixels, **{key.encode(): value for key, value in labels.items()}}, protocol)


def test_cifar10(put):
    numbers = np.arange(10000) % 10
    files = {f"data_batch_{n}": batch(10000, n, labels=np.roll(numbers, n).tolist()) for n in range(1, 6)}
    files["test_batch"] = batch(10000, 6, labels=numbers.tolist())
    put("cifar10", "cifar-10-batches-py.tar.gz", archive("cifar-10-batches-py", files))
    (last, _), _ = same("cifar10")
    backend.set_image_data_format("channels_first")
    (first, _), _ = datasets.cifar10.load_data()
    assert first.shape == (50000, 3, 32, 32) and np.array_equal(first[:99].transpose(0, 2, 3, 1), last[:99])


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_cifar100(protocol, put):
    def part(count, start):
        fine = (np.arange(count) % 100).tolist()
        return batch(count, start, protocol, fine_labels=fine, coarse_labels=[label // 5 for label in fine])

    files = {"train": part(50, 1), "test": part(20, 2)}
    put("cifar100", "cifar-100-python.tar.gz", archive("cifar-100-python", files))
    same("cifar100")
    same("cifar100", label_mode="coarse")
    with pytest.raises(ValueError, match="label_mode"):
        datasets.cifar100.load_data("medium")


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


@pytest.fixture
def fashion(folder):
    (folder / "fashion-mnist").mkdir()
    random = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 10)):
        for kind, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            content = gzip.compress(idx(random.integers(0, 256, shape).astype(np.uint8)))
            (folder / "fashion-mnist" / f"{part}-{kind}-ubyte.gz").write_bytes(content)
    return folder / "fashion-mnist"


def test_fashion_mnist(fashion):
    same("fashion_mnist")


# What is damaged, missing or hostile


@pytest.mark.parametrize("content", [
    b"", b"not gzip", gzip.compress(idx(np.zeros(60, np.uint8)))[:-9], gzip.compress(idx(np.zeros(60, np.uint8))[:-1]),
    gzip.compress(idx(np.zeros((60, 1), np.uint8))), gzip.compress(bytes([0, 0, 8, 1]) + b"\xff" * 4 + bytes(9)),
    gzip.compress(bytes(100_000_000)),
], ids=range(7))  # fmt: skip
def test_damaged_fashion_mnist_is_told(content, fashion):
    (fashion / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte.gz is damaged"):
        datasets.fashion_mnist.load_data()


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network_it_is_said_where_the_file_belongs(name, folder, monkeypatch):
    module = getattr(datasets, name)
    monkeypatch.setattr(module, "_ORIGIN", "http://127.0.0.1:1/")
    with pytest.raises(OSError, match="Could not fetch http://127.0.0.1:1/") as error:
        module.load_data()
    assert f"put it here: {folder}" in str(error.value)


class Marks:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def hostile(marker):
    yield Marks(marker)
    yield {b"data": Marks(marker), b"labels": [1], b"fine_labels": [1]}
    yield {b"data": np.array([Marks(marker)], object), b"labels": [1], b"fine_labels": [1]}
    yield [[Marks(marker)]]


def test_a_pickle_is_not_run(put, tmp_path):
    marker = tmp_path / "marker"
    assert pickle.loads(pickle.dumps(Marks(marker))).close() is None and marker.exists()  # the attack is real
    marker.unlink()
    for number, value in enumerate(hostile(marker)):
        content = pickle.dumps(value)
        put("cifar10", "cifar-10-batches-py.tar.gz",
            archive("cifar-10-batches-py", {"data_batch_1": content}))  # fmt: skip
        put("cifar100", "cifar-100-python.tar.gz", archive("cifar-100-python", {"train": content}))
        array = np.empty(1, object)
        array[0] = value
        for name, keys in (("imdb", ("x_train", "y_train", "x_test", "y_test")), ("reuters", "xy")):
            put(name, f"{name}.npz", npz(**dict.fromkeys(keys, array)))
        put("boston_housing", "boston_housing.npz", npz(x=array, y=array))
        for name in ("cifar10", "cifar100", "imdb", "reuters"):
            with pytest.raises(ValueError, match=r"it names (builtins|_?io)\.open"):
                getattr(datasets, name).load_data()
        with pytest.raises(ValueError, match="allow_pickle"):
            datasets.boston_housing.load_data()
        assert not marker.exists(), number
        for extracted in tmp_path.rglob("cifar*py*"):
            if extracted.is_dir():
                (extracted / "data_batch_1").unlink(missing_ok=True)
                (extracted / "train").unlink(missing_ok=True)
                extracted.rmdir()


def test_sizes_that_a_pickle_only_claims(put):
    import pickletools

    good = pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": [1]}, 2)
    shape = pickle.dumps((1, 3072), 2)[2:-1]
    assert shape.count(b"K\x01M\x00\x0c") == 1 and good.count(b"K\x01M\x00\x0c") == 1
    content = good.replace(b"K\x01M\x00\x0c", b"J\xff\xff\xff\x7fM\x00\x0c")
    pickletools.dis(content, out=io.StringIO())
    put("cifar100", "cifar-100-python.tar.gz", archive("cifar-100-python", {"train": content}))
    with pytest.raises(ValueError, match="has 3072 elements"):
        datasets.cifar100.load_data()
