"""`utils.get_file`: a file of the cache is whole, of the hash expected and inside the cache, or is not there."""
import hashlib
import inspect
import io
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
import tf_keras

from kerasish import utils
from kerasish.data_sources import downloads
from kerasish.utils import get_file

BODY = bytes(range(256)) * 300
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()
ROOT = pathlib.Path(__file__).parents[2]


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture(autouse=True)
def files(server, make):
    server.files.update({
        "/a.bin": BODY, "/pkg.tar.gz": make.tar({"pkg/a.txt": b"aaa", "pkg/in/b.txt": b"bbb"}),
        "/z.zip": make.zip({"z/a.txt": b"aaa"}), "/p.tar": make.tar({"p.txt": b"ppp"}, "w"),
    })  # fmt: skip


def test_the_signature_is_that_of_tf_keras():
    ours, theirs = (inspect.signature(module.get_file).parameters for module in (utils, tf_keras.utils))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


CALLS = [
    ("a.bin", dict(fname="a.bin")), ("a.bin", dict()), ("a.bin?x=1", dict()), ("a.bin", dict(fname=pathlib.Path("x"))),
    ("a.bin", dict(fname="x", cache_subdir="one/two")), ("a.bin", dict(fname="x", cache_subdir="")),
    ("a.bin", dict(fname="x", file_hash=SHA256)), ("a.bin", dict(fname="x", md5_hash=MD5)),
    ("a.bin", dict(fname="x", file_hash=MD5)), ("a.bin", dict(fname="x", file_hash=MD5, hash_algorithm="md5")),
    ("pkg.tar.gz", dict(fname="pkg", untar=True)), ("pkg.tar.gz", dict(untar=True)),
    ("pkg.tar.gz", dict(fname="pkg.tar.gz", untar=True)), ("pkg.tar.gz", dict(fname="x.tgz", untar=True)),
    ("pkg.tar.gz", dict(extract=True)), ("z.zip", dict(extract=True)), ("p.tar", dict(extract=True)),
    ("z.zip", dict(extract=True, archive_format="zip")), ("z.zip", dict(extract=True, archive_format="tar")),
    ("z.zip", dict(extract=True, archive_format=["tar", "zip"])), ("z.zip", dict(extract=True, archive_format=None)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*was not extracted")
@pytest.mark.parametrize("origin, arguments", CALLS, ids=lambda value: str(value))
def test_it_returns_and_leaves_what_tf_keras_does(origin, arguments, server, tmp_path):
    found = []
    for name, function in (("theirs", tf_keras.utils.get_file), ("ours", get_file)):
        (folder := tmp_path / name).mkdir()
        arguments = {**arguments, "origin": f"{server.url}/{origin}", "cache_dir": str(folder)}
        path = function(**arguments)
        assert function(**arguments) == path
        found.append((os.path.relpath(path, folder), everything(folder)))
    assert found[0] == found[1]
    assert len(server.requests) == 2


def test_what_is_shown(server, cache, capsys):
    get_file("a", f"{server.url}/a.bin")
    text = capsys.readouterr().out
    assert text.startswith(f"Downloading data from {server.url}/a.bin\n76800/76800 [{'=' * 30}] - 0s")
    assert text.endswith("us/step\n") and text.count("\n") == 2
    get_file("a", f"{server.url}/a.bin")
    assert capsys.readouterr().out == ""
    server.announced = None
    get_file("b", f"{server.url}/a.bin")
    assert capsys.readouterr().out.splitlines()[1].startswith("76800/76800 [")


def test_where_the_cache_is(server, cache, monkeypatch, tmp_path):
    assert get_file("a", f"{server.url}/a.bin") == str(cache / "datasets" / "a")
    assert get_file("a", f"{server.url}/a.bin", cache_dir="~/mine") == str(tmp_path / "home/mine/datasets/a")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "other"))
    assert get_file("a", f"{server.url}/a.bin") == str(tmp_path / "other" / "datasets" / "a")
    assert get_file("a", f"{server.url}/a.bin", cache_subdir=tmp_path / "here") == str(tmp_path / "here" / "a")


def test_without_a_home_the_cache_is_the_users_own(server, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", "/dev/null/none")
    monkeypatch.setattr(downloads.tempfile, "gettempdir", lambda: str(tmp_path))
    path = pathlib.Path(get_file("a", f"{server.url}/a.bin"))
    own = path.parents[1]
    assert own.parent == tmp_path and own.stat().st_mode & 0o077 == 0
    own.chmod(0o777)
    with pytest.raises(PermissionError, match="KERAS_HOME"):
        get_file("a", f"{server.url}/a.bin")


def test_a_cached_file_is_checked_and_fetched_anew(server, cache):
    path = pathlib.Path(get_file("a", f"{server.url}/a.bin", file_hash=SHA256))
    path.write_bytes(b"damaged")
    assert get_file("a", f"{server.url}/a.bin") == str(path) and path.read_bytes() == b"damaged"
    get_file("a", f"{server.url}/a.bin", file_hash=SHA256.upper())
    assert path.read_bytes() == BODY and len(server.requests) == 2
    get_file("a", f"{server.url}/a.bin", file_hash=hashlib.sha512(BODY).hexdigest())
    assert len(server.requests) == 2


def test_a_wrong_hash_keeps_nothing_and_loses_nothing(server, cache):
    for before in ([], ["datasets/a"]):
        with pytest.raises(ValueError, match="not kept(.|\n)*Expected: the sha256 hash 000") as error:
            get_file("a", f"{server.url}/a.bin", file_hash="0" * 64)
        assert SHA256 in str(error.value)
        assert everything(cache) == before
        (cache / "datasets" / "a").write_bytes(b"mine")
    assert (cache / "datasets" / "a").read_bytes() == b"mine"


@pytest.mark.parametrize("digits, algorithm", [("00", "auto"), (SHA256, "crc1"), ("00" * 7, "auto")])
def test_a_hash_that_cannot_be(digits, algorithm, server, cache):
    with pytest.raises(ValueError, match="hash_algorithm"):
        get_file("a", f"{server.url}/a.bin", file_hash=digits, hash_algorithm=algorithm)
    assert not server.requests


def test_failures_name_the_file_and_where_to_put_it(server, cache):
    for origin, reason in ((f"{server.url}/none", "404"), ("http://127.0.0.1:1/x", "refused")):
        with pytest.raises(OSError, match=reason) as error:
            get_file("a", origin)
        assert origin in str(error.value) and str(cache / "datasets" / "a") in str(error.value)
    with pytest.raises(ValueError, match="origin"):
        get_file("a")
    with pytest.raises(ValueError, match="fname"):
        get_file(origin=f"{server.url}/")
    with pytest.raises(ValueError, match="archive_format"):
        get_file("a", f"{server.url}/a.bin", archive_format="rar")
    assert everything(cache) == []


def test_what_is_no_archive_is_said(server, cache):
    with pytest.warns(UserWarning, match="a.bin is no tar or zip archive"):
        get_file("a.bin", f"{server.url}/a.bin", extract=True)


def test_extracting_again_replaces_files_and_keeps_others(server, cache):
    get_file(origin=f"{server.url}/pkg.tar.gz", extract=True)
    folder = cache / "datasets" / "pkg"
    (folder / "a.txt").write_text("changed")
    (folder / "in" / "mine.txt").write_text("mine")
    get_file(origin=f"{server.url}/pkg.tar.gz", extract=True)
    assert everything(folder) == ["a.txt", "in/b.txt", "in/mine.txt"] and (folder / "a.txt").read_text() == "aaa"
    (folder / "a.txt").write_text("changed")
    get_file("pkg", f"{server.url}/pkg.tar.gz", untar=True)
    assert (folder / "a.txt").read_text() == "changed"


# S13: names that lead out of the cache


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", ".", "", "a/..", "/outside", "a/"])
def test_names_that_leave_the_cache(name, server, cache, tmp_path):
    name = str(tmp_path / "outside") if name == "/outside" else name
    with pytest.raises(ValueError, match="fname"):
        get_file(name, f"{server.url}/a.bin")
    assert not server.requests and everything(tmp_path) == []


@pytest.mark.parametrize("arguments", [{"cache_subdir": "../up"}, {"cache_subdir": "a/../../up"}], ids=str)
def test_folders_that_leave_the_cache(arguments, server, cache, tmp_path):
    with pytest.raises(ValueError, match="cache_subdir"):
        get_file("a", f"{server.url}/a.bin", **arguments)
    assert everything(tmp_path) == []


def test_origins_that_leave_the_cache(server, cache, tmp_path):
    server.files["/.."] = server.files["/%2e%2e%2fx"] = BODY
    with pytest.raises(ValueError, match="within"):
        get_file(origin=f"{server.url}/..")
    assert os.path.dirname(get_file(origin=f"{server.url}/%2e%2e%2fx")) == str(cache / "datasets")


def test_a_link_in_the_cache_is_not_followed_out_of_it(server, cache, tmp_path):
    (cache / "datasets").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (cache / "datasets" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="fname='link/a'"):
        get_file("link/a", f"{server.url}/a.bin")
    assert everything(tmp_path / "outside") == []


def test_the_cache_itself_may_be_a_link(server, cache, tmp_path):
    (tmp_path / "disk").mkdir()
    cache.mkdir(parents=True)
    (cache / "datasets").symlink_to(tmp_path / "disk")
    get_file("a", f"{server.url}/a.bin", cache_subdir="datasets/deep")
    assert everything(tmp_path / "disk") == ["deep/a"]


# S14: downloads that end early


def test_a_file_cut_short_is_not_kept(server, cache):
    server.announced = len(BODY) + 1
    with pytest.raises(OSError, match="ended after 76,800 of 76,801 bytes"):
        get_file("a", f"{server.url}/a.bin")
    assert everything(cache) == []
    server.announced = 0
    get_file("a", f"{server.url}/a.bin")
    assert everything(cache) == ["datasets/a"]


def test_a_local_file_is_an_origin_too(cache, tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    path = get_file("a", (tmp_path / "file").as_uri())
    assert pathlib.Path(path).read_bytes() == BODY


def test_a_server_cannot_send_us_to_a_local_file(server, cache, tmp_path):
    (tmp_path / "secret").write_text("secret")

    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", (tmp_path / "secret").as_uri())
        handler.end_headers()

    server.RequestHandlerClass = type("Redirects", (server.RequestHandlerClass,), {"do_GET": redirect})
    with pytest.raises(OSError, match="redirect|302"):
        get_file("a", f"{server.url}/a.bin")
    assert everything(cache) == []


def test_a_silent_server_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(downloads, "_SILENCE", 0.2)

    def wait(handler):
        time.sleep(0.6)

    server.RequestHandlerClass = type("Silent", (server.RequestHandlerClass,), {"do_GET": wait})
    with pytest.raises(OSError, match="timed out"):
        get_file("a", f"{server.url}/a.bin")


KILLED = """
import sys
sys.path.insert(0, {root!r})
from kerasish.data_sources.downloads import get_file
get_file("a", {url!r}, cache_dir={cache!r})
"""


def test_a_download_killed_halfway_leaves_nothing_that_counts(server, cache):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[: len(BODY) // 2])
        handler.wfile.flush()
        server.requests.append(handler.path)
        time.sleep(3)

    whole = server.RequestHandlerClass
    server.RequestHandlerClass = type("Slow", (whole,), {"do_GET": half})
    code = KILLED.format(root=str(ROOT), url=f"{server.url}/a.bin", cache=str(cache))
    process = subprocess.Popen([sys.executable, "-c", code])
    while not server.requests:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (cache / "datasets" / "a").exists()
    server.RequestHandlerClass = whole
    path = pathlib.Path(get_file("a", f"{server.url}/a.bin", cache_dir=cache))
    assert path.read_bytes() == BODY and everything(cache / "datasets") == ["a"]


# S12, S15: archives whose members lead out of the folder


def hostile_tars(make, outside):
    entry = make.tar_entry
    yield "up", {"../escaped": b"x"}
    yield "deep up", {"a/../../escaped": b"x"}
    yield "absolute", {str(outside): b"x"}
    yield "symlink", {"link": entry(tarfile.SYMTYPE, "../.."), "link/escaped": b"x"}
    yield "symlink inside", {"link": entry(tarfile.SYMTYPE, "a")}
    yield "hard link", {"link": entry(tarfile.LNKTYPE, str(outside))}
    yield "device", {"device": entry(tarfile.CHRTYPE)}
    yield "pipe", {"pipe": entry(tarfile.FIFOTYPE)}


def hostile_zips(make, outside):
    yield "up", {"../escaped": b"x"}
    yield "deep up", {"a/../../escaped": b"x"}
    yield "absolute", {str(outside): b"x"}
    yield "backslashes", {"..\\escaped": b"x"}
    yield "drive", {"C:\\escaped": b"x"}
    yield "symlink", {"link": make.zip_link("link")}


def hostile(make, outside):
    for name, members in hostile_tars(make, outside):
        yield f"tar {name}", make.tar({"good": b"good", **members})
    for name, members in hostile_zips(make, outside):
        yield f"zip {name}", make.zip({"good": b"good", **members})


def test_members_that_lead_outside_are_refused_and_nothing_is_written(server, make, tmp_path):
    tried = 0
    for number, (name, content) in enumerate(hostile(make, tmp_path / "escaped")):
        server.files["/x"] = content
        cache = tmp_path / str(number)
        with pytest.raises(ValueError, match="is not extracted: its member"):
            get_file("x", f"{server.url}/x", extract=True, cache_dir=cache)
        assert everything(tmp_path) == [f"{number}/datasets/x"], name
        (cache / "datasets" / "x").unlink()
        tried += 1
    assert tried == 14


def test_damaged_and_oversized_archives(server, make, cache):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("huge", b"")
        archive.infolist()[0].file_size = 1 << 50
    beyond = tarfile.TarInfo("beyond")
    beyond.size = 1 << 62
    server.files = {
        "/cut.tar.gz": make.tar({"a": BODY, "b": bytes(reversed(BODY))})[:-200], "/huge.zip": bomb.getvalue(),
        "/beyond.tar": beyond.tobuf(tarfile.GNU_FORMAT) + bytes(10240),
    }  # fmt: skip
    for path, reason in (("cut.tar.gz", ""), ("huge.zip", "holds 1,125,899,906,842,624 bytes"), ("beyond.tar", "")):
        with pytest.raises(OSError, match=f"{path}' could not be extracted: .*{reason}"):
            get_file(origin=f"{server.url}/{path}", extract=True)
    assert everything(cache) == ["datasets/beyond.tar", "datasets/cut.tar.gz", "datasets/huge.zip"]
