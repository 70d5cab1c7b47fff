"""S10, S11, S17: a file does not take more memory than it has a right to, whatever sizes it declares."""
import json
import resource
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf

from kerasish import Input, Sequential, layers, mixed_precision, models, optimizers

HUGE = 1 << 33  # elements: 32 GB as float32


@pytest.fixture
def little_memory():
    """An attempt to take some GB more than the process has fails at once, as a MemoryError, instead of being tried."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 30), old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, old)


def small_model():
    model = Sequential([Input((2,)), layers.Dense(2, name="victim")])
    model.compile(optimizers.Adam(), "mse")
    model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 2)))
    return model


def declare(file, name, shape, **how):
    """A data set in the place of another that declares a shape and stores nothing."""
    dtype = file[name].dtype
    del file[name]
    file.create_dataset(name, shape, dtype, chunks=(1 << 20,) if len(shape) == 1 else True, **how)


@pytest.mark.parametrize("how", [{}, {"compression": "gzip"}, {"fillvalue": 7}], ids=str)
@pytest.mark.parametrize("name", ["victim/victim/kernel:0", "victim/victim/bias:0"])
def test_an_array_that_only_declares_its_size(name, how, tmp_path, little_memory):
    small_model().save_weights(tmp_path / "w.h5")
    small_model().save(tmp_path / "m.h5")
    for file, inner in (("w.h5", ""), ("m.h5", "model_weights/")):
        with h5py.File(tmp_path / file, "r+") as content:
            declare(content, inner + name, (HUGE,), **how)
        assert (tmp_path / file).stat().st_size < 100_000
        model = small_model()
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"[wm]\.h5.* of which the file holds"):
            model.load_weights(tmp_path / file)
        assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="of which the file holds"):
        models.load_model(tmp_path / "m.h5")


@pytest.mark.parametrize("name", ["all.weights.h5", "m.keras"])
def test_arrays_of_newer_files_that_only_declare_their_size(name, tmp_path, little_memory):
    """Each array of the file in turn: weights, metrics, state of the optimizer."""
    saved, path = small_model(), tmp_path / name
    (saved.save_weights if "weights" in name else saved.save)(path)
    inner = path
    if name == "m.keras":
        with zipfile.ZipFile(path) as archive:
            members = {key: archive.read(key) for key in archive.namelist()}
        inner = tmp_path / "inner.h5"
        inner.write_bytes(members["model.weights.h5"])
    good, places = inner.read_bytes(), []
    with h5py.File(inner) as file:
        file.visititems(lambda place, item: places.append(place) if hasattr(item, "dtype") else None)
    assert len(places) >= 9
    for place in places:
        inner.write_bytes(good)
        with h5py.File(inner, "r+") as file:
            declare(file, place, (HUGE,))
        if name == "m.keras":
            members["model.weights.h5"] = inner.read_bytes()
            with zipfile.ZipFile(path, "w") as archive:
                for key, content in members.items():
                    archive.writestr(key, content)
        model = small_model()
        before = model.get_weights()
        with pytest.raises(ValueError, match=f"{name}.* of which the file holds"):
            model.load_weights(path)
        assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
        if name == "m.keras":
            with pytest.raises(ValueError, match="of which the file holds"):
                models.load_model(path)


@pytest.mark.filterwarnings("ignore:.*left out")
def test_optimizer_state_that_only_declares_its_size(tmp_path, little_memory):
    mixed_precision.set_global_policy("mixed_float16")
    try:
        small_model().save(tmp_path / "m.h5")
    finally:
        mixed_precision.set_global_policy("float32")
    with h5py.File(tmp_path / "m.h5") as file:
        names = []
        file["optimizer_weights"].visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
    assert len(names) >= 5
    for name in names:
        small = tmp_path / "m.h5"
        hostile = tmp_path / "hostile.h5"
        hostile.write_bytes(small.read_bytes())
        with h5py.File(hostile, "r+") as file:
            declare(file, f"optimizer_weights/{name}", (HUGE,))
        try:
            models.load_model(hostile)
        except (ValueError, OSError) as error:
            assert "hostile.h5" in str(error)


def test_long_texts_in_hdf5(tmp_path):
    small_model().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["model_config"] = np.bytes_(b" " * 60000)
    with pytest.raises(ValueError, match="JSON"):
        models.load_model(tmp_path / "m.h5")


def test_names_that_are_no_names(tmp_path):
    for value in (np.arange(5), np.float32(3), h5py.Empty("f"), np.zeros((3, 3)), np.bytes_(b"none")):
        small_model().save_weights(tmp_path / "w.h5")
        with h5py.File(tmp_path / "w.h5", "r+") as file:
            file["victim"].attrs["weight_names"] = value
        with pytest.raises(ValueError, match=r"w\.h5"):
            small_model().load_weights(tmp_path / "w.h5")


@pytest.mark.parametrize("units", [10**11, 10**18])
def test_a_configuration_that_asks_for_too_much_memory(units, tmp_path, little_memory):
    config = json.loads(Sequential([Input((3,)), layers.Dense(2, name="victim")]).to_json())
    config["config"]["layers"][1]["config"]["units"] = units
    with pytest.raises(MemoryError, match="'kernel' of layer \"victim\"") as error:
        models.model_from_json(json.dumps(config))
    assert str(units) in str(error.value)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_heap_without_an_end_is_not_read(libver, tmp_path):
    """The HDF5 library would read it for ever."""
    model = small_model()
    with h5py.File(tmp_path / "w.h5", "w", libver=libver) as file:
        file.attrs["layer_names"] = ["victim"]
        file.create_group("victim").attrs["weight_names"] = ["kernel", "bias"]
        for name, value in zip(("kernel", "bias"), model.get_weights(), strict=True):
            file["victim"][name] = value
    model.load_weights(tmp_path / "w.h5")
    content = bytearray((tmp_path / "w.h5").read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 32] = bytes(16)
    (tmp_path / "w.h5").write_bytes(content)
    with pytest.raises(OSError, match=r"w\.h5.*heap"):
        model.load_weights(tmp_path / "w.h5")


def without_an_end(path):
    """Has each heap of the file go on for ever; whether there was one."""
    content, place = bytearray(path.read_bytes()), -1
    while (place := content.find(b"GCOL", place + 1)) >= 0:
        content[place + 16 : place + 32] = bytes(16)
    path.write_bytes(content)
    return b"GCOL" in content


@pytest.mark.parametrize("user_block", [0, 1024])
def test_a_heap_that_is_read_when_an_array_is_opened(user_block, tmp_path):
    """What a virtual array is made of lies in a heap too."""
    model = small_model()
    model.save_weights(tmp_path / "w.h5")
    layout = h5py.VirtualLayout((2,), "f4")
    layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (2,))
    with h5py.File(tmp_path / "v.h5", "w", userblock_size=user_block) as file:
        with h5py.File(tmp_path / "w.h5") as plain:
            file.attrs.update(plain.attrs)
            for name in plain:
                plain.copy(name, file)
        del file["victim/victim/bias:0"]
        file.create_virtual_dataset("victim/victim/bias:0", layout)
    with pytest.raises(ValueError, match="not a plain array"):
        model.load_weights(tmp_path / "v.h5")
    assert without_an_end(tmp_path / "v.h5")
    with pytest.raises((OSError, ValueError), match=r"v\.h5"):
        model.load_weights(tmp_path / "v.h5")


def test_values_that_look_like_a_heap_are_values(tmp_path):
    model = Sequential([Input((1,)), layers.Dense(50_000, use_bias=False)])
    kernel = np.frombuffer((b"GCOL\x01\x00\x00\x00" + bytes(24)) * 6250, "f4").reshape(1, 50_000)
    model.set_weights([kernel])
    model.save_weights(tmp_path / "w.h5")
    model.set_weights([np.zeros_like(kernel)])
    model.load_weights(tmp_path / "w.h5")
    assert np.array_equal(model.get_weights()[0], kernel)


def test_values_that_were_read_are_the_models_own(tmp_path):
    """They are not copied when they are read; the file and later steps have nothing to do with each other."""
    model = Sequential([Input((1,)), layers.Dense(50_000, use_bias=False)])
    for name in ("w.h5", "all.weights.h5"):
        model.save_weights(tmp_path / name)
        before = model.get_weights()[0]
        model.load_weights(tmp_path / name)
        kept = model.get_weights()[0]
        model.weights[0].assign_add(tf.ones_like(kept))
        with h5py.File(tmp_path / name, "r+") as file:
            file.visititems(lambda _, item: item.__setitem__(..., 0) if hasattr(item, "dtype") else None)
        assert np.array_equal(kept, before) and np.array_equal(model.get_weights()[0], before + 1)
