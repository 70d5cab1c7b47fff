"""S7, S9: a file does not make the library open another one."""
import warnings
import zipfile

import h5py
import numpy as np
import pytest

from kerasish import Input, Sequential, layers, models
from tests.attacks.entries import ENTRIES

KINDS = ["StringLookup", "TextVectorization", "IntegerLookup"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(ENTRIES))
def test_a_vocabulary_file_is_not_read(name, kind, canary, tmp_path):
    if kind == "IntegerLookup":
        canary.write_text("101\n102\n")
    for place in (str(canary), canary.as_uri(), "http://127.0.0.1:9/x", "/etc/passwd"):
        layer = {"class_name": kind, "config": {"name": "victim", "vocabulary": place}}
        with pytest.raises((ValueError, TypeError), match="vocabulary") as error:
            ENTRIES[name](layer, tmp_path)
        assert "secretword" not in str(error.value) and "root:" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_file_is_read_where_it_is_trusted(kind, canary, tmp_path):
    if kind == "IntegerLookup":
        canary.write_text("101\n102\n")
    layer = {"class_name": kind, "config": {"name": "victim", "vocabulary": str(canary)}}
    made = ENTRIES["layers.deserialize"](layer, tmp_path, safe_mode=False)
    assert ("secretword" if kind != "IntegerLookup" else 101) in made.get_vocabulary()


# HDF5


def weighty_model():
    return Sequential([Input((2,)), layers.Dense(2, name="victim")])


def weights_file(folder):
    weighty_model().save_weights(folder / "w.h5")
    return folder / "w.h5"


def with_other(file, path, name, make):
    """Puts something in the place of a data set."""
    value = file[name][()]
    del file[name]
    make(file, path, name, value)


def external_storage(file, folder, name, value):
    (folder / "outside.bin").write_bytes(np.full_like(value, 42).tobytes())
    size = (folder / "outside.bin").stat().st_size
    file.create_dataset(name, value.shape, value.dtype, external=[(str(folder / "outside.bin"), 0, size)])


def external_link(file, folder, name, value):
    with h5py.File(folder / "outside.h5", "w") as other:
        other["secret"] = np.full_like(value, 42)
    file[name] = h5py.ExternalLink(str(folder / "outside.h5"), "/secret")


def external_link_on_the_way(file, folder, name, value):
    group, _, last = name.rpartition("/")
    with h5py.File(folder / "outside.h5", "w") as other:
        other[f"secret/{last}"] = np.full_like(value, 42)
        for key in file[group]:
            other[f"secret/{key}"] = np.full_like(file[group][key][()], 42)
    del file[group]
    file[group] = h5py.ExternalLink(str(folder / "outside.h5"), "/secret")


def soft_link(file, folder, name, value):
    file["elsewhere"] = np.full_like(value, 42)
    file[name] = h5py.SoftLink("/elsewhere")


def virtual(file, folder, name, value):
    with h5py.File(folder / "outside.h5", "w") as other:
        other["secret"] = np.full_like(value, 42)
    layout = h5py.VirtualLayout(value.shape, value.dtype)
    layout[...] = h5py.VirtualSource(str(folder / "outside.h5"), "secret", value.shape)
    file.create_virtual_dataset(name, layout)


OTHERS = [external_storage, external_link, external_link_on_the_way, soft_link, virtual]


@pytest.mark.parametrize("other", OTHERS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("by_name", [False, True])
def test_values_outside_of_a_weights_file_are_not_read(other, by_name, tmp_path):
    path = weights_file(tmp_path)
    with h5py.File(path, "r+") as file:
        with_other(file, tmp_path, "victim/victim/kernel:0", other)
    with h5py.File(path) as file:  # the attack is real
        assert (file["victim/victim/kernel:0"][()] == 42).all()
    model = weighty_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"w\.h5"):
        model.load_weights(path, by_name=by_name)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_a_whole_layer_behind_a_link_is_not_read(tmp_path):
    path = weights_file(tmp_path)
    with h5py.File(path, "r+") as file, h5py.File(tmp_path / "outside.h5", "w") as outside:
        file.copy("victim", outside)
        del file["victim"]
        file["victim"] = h5py.ExternalLink(str(tmp_path / "outside.h5"), "/victim")
    with pytest.raises(ValueError, match="is a link"):
        weighty_model().load_weights(path)


def every_array(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if getattr(item, "shape", None) else None)
    return found


@pytest.mark.parametrize("other", OTHERS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("name", ["m.h5", "all.weights.h5", "m.keras"])
def test_values_outside_of_any_other_file_are_not_read(name, other, tmp_path):
    """Weights and state of the optimizer, in each place of each file."""
    original = weighty_model()
    original.compile("adam", "mse")
    original.train_on_batch(np.ones((1, 2)), np.ones((1, 2)))
    (original.save_weights if "weights" in name else original.save)(tmp_path / "good" / name)
    inner = tmp_path / "good" / name
    if name == "m.keras":
        with zipfile.ZipFile(inner) as archive:
            members = {key: archive.read(key) for key in archive.namelist()}
        inner = tmp_path / "inner.h5"
        inner.write_bytes(members["model.weights.h5"])
    with h5py.File(inner) as file:
        places = every_array(file)
    assert len(places) >= 6
    for number, place in enumerate(places):
        folder = tmp_path / str(number)
        folder.mkdir()
        hostile = folder / name
        hostile.write_bytes(inner.read_bytes())
        with h5py.File(hostile, "r+") as file:
            with_other(file, folder, place, other)
        with h5py.File(hostile) as file:  # the attack is real
            assert (file[place][()] == 42).all()
        if name == "m.keras":
            members["model.weights.h5"] = hostile.read_bytes()
            with zipfile.ZipFile(hostile, "w") as archive:
                for key, content in members.items():
                    archive.writestr(key, content)
        model = weighty_model()
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        before = [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                read = model.load_weights(hostile) if "weights" in name else models.load_model(hostile)
            except ValueError as error:
                assert name in str(error), place
                read = None
            else:
                assert any(name in str(one.message) or "optimizer" in str(one.message) for one in told), place
        now = [*model.get_weights(), *(variable.numpy() for variable in model.optimizer.variables)]
        assert all(np.array_equal(a, b) for a, b in zip(before, now, strict=True)), place
        if read is not None:  # without the optimizer's state, which is told
            values = [*read.get_weights(), *(variable.numpy() for variable in read.optimizer.variables)]
            assert not any((value == 42).all() for value in values), place
