"""S11, S15: members of a `.keras` archive that grow, lead elsewhere, or are other than they say."""
import io
import os
import pathlib
import stat
import tempfile
import zipfile

import pytest

from kerasish import Input, Sequential, layers, models, utils

FILES = ["config.json", "metadata.json", "model.weights.h5"]


@utils.register_keras_serializable("attacks")
class WithAssets(layers.Layer):
    """A layer with a file of its own."""

    def save_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), "w") as file:
            file.write("words")

    def load_assets(self, folder):
        self.found = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}

    def call(self, inputs):
        return inputs


@pytest.fixture
def saved(tmp_path):
    """The path of an archive and what it holds."""
    path = tmp_path / "files" / "model.keras"
    path.parent.mkdir()
    Sequential([Input((2,)), layers.Dense(2, name="first"), WithAssets(name="assets")]).save(path)
    with zipfile.ZipFile(path) as archive:
        return path, {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_the_archive_is_read_when_nothing_is_wrong(saved):
    path, members = saved
    assert set(FILES) < set(members)
    write(path, members)
    assert models.load_model(path).get_layer("assets").found == {"words.txt": "words"}


def asset(members):
    return next(name for name in members if name.endswith("words.txt"))


@pytest.mark.parametrize("name", [*FILES, "asset"])
def test_a_member_that_grows_is_not_read(name, saved):
    path, members = saved
    name = asset(members) if name == "asset" else name
    write(path, {**members, name: bytes(80 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match=r"model\.keras.*(would grow|too long)"):
        models.load_model(path)


def test_a_member_that_is_longer_than_it_says(saved):
    path, members = saved
    write(path, {**members, "config.json": members["config.json"] + b" " * 5000})
    content = path.read_bytes()
    length = (len(members["config.json"]) + 5000).to_bytes(4, "little")
    assert content.count(length) >= 2
    path.write_bytes(content.replace(length, (100).to_bytes(4, "little")))
    with pytest.raises((OSError, ValueError), match=r"model\.keras"):
        models.load_model(path)


@pytest.mark.parametrize("name", ["../escaped", "../../escaped", "/escaped", "..\\escaped", "sub/escaped", ".."])
def test_assets_do_not_leave_their_folder(name, saved, tmp_path):
    path, members = saved
    place = asset(members).removesuffix("words.txt") + name
    write(path, {**members, place: b"escaped"})
    model = models.load_model(path)
    assert model.get_layer("assets").found == {"words.txt": "words"}
    assert not list(tmp_path.rglob("*escaped*")) and not os.path.exists("/escaped")
    assert not list(pathlib.Path(tempfile.gettempdir()).glob("*escaped*"))


def test_a_link_among_the_assets_is_a_plain_text(saved, tmp_path):
    path, members = saved
    (tmp_path / "canary").write_text("secretword")
    link = zipfile.ZipInfo(asset(members))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    content = {name: value for name, value in members.items() if name != link.filename}
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
        archive.writestr(link, str(tmp_path / "canary"))
    try:
        model = models.load_model(path)
    except (OSError, ValueError):
        return
    assert "secretword" not in str(model.get_layer("assets").found)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_member_is_named(name, saved):
    path, members = saved
    write(path, {key: value for key, value in members.items() if key != name})
    with pytest.raises(ValueError, match=rf"model\.keras.*{name}"):
        models.load_model(path)


def test_what_only_begins_like_an_archive(saved):
    path, members = saved
    whole = path.read_bytes()
    for content in (whole[:100], whole[:-30], b"PK\x03\x04", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(OSError, match=r"model\.keras"):
            models.load_model(path)
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match=r"model\.keras"):
        models.load_model(path)
