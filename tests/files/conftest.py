"""A server on this machine for files to fetch, a home of one's own, and archives of every kind."""
import http.server
import io
import tarfile
import threading
import zipfile
from types import SimpleNamespace

import pytest


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        body = server.files.get(self.path.partition("?")[0])
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        if server.announced is not None:
            self.send_header("Content-Length", str(server.announced or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """`files` by path, the `requests` that came, and the length `announced`: 0 for the true one, None for none."""
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.files, made.requests, made.announced = {}, [], 0
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that is the default one, in a home directory of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    return tmp_path / "home" / ".keras"


def _tar(members, mode="w:gz"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, value in members.items():
            info = value if isinstance(value, tarfile.TarInfo) else tarfile.TarInfo(name)
            content = b"" if info is value else value
            info.name, info.size = name, len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def _zip(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, value in members.items():
            info = value if isinstance(value, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(info, b"../outside" if info is value else value)
    return made.getvalue()


def _tar_entry(kind, target=""):
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def _zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.fixture
def make():
    """`tar` and `zip` of `{name: content}`; `tar_entry` and `zip_link` for members that are not files."""
    return SimpleNamespace(tar=_tar, zip=_zip, tar_entry=_tar_entry, zip_link=_zip_link)
