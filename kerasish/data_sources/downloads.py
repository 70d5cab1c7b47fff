"""Files from elsewhere, kept in a cache: whole, with the hash expected, inside the cache, or not there at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import stat
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import warnings
from typing import Any

from kerasish.callbacks.console import console
from kerasish.callbacks.progress import Progbar
from kerasish.data_sources.archives import archive_formats, extract_archive
from kerasish.saving.replacement import replaced_file

_BLOCK = 1 << 16
_SILENCE = 60.0  # seconds without a byte after which a server counts as dead
_BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: Any = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
) -> str:
    """The path of a file in the cache, fetched from `origin` unless it is there with the right hash.

    A file appears in the cache under its name only when it is whole and its hash, if one is given, is right. A cached
    file with another hash is fetched anew, and replaced only by one with the right hash.

    Args:
        fname: the file's name in the cache, without `.tar.gz` if `untar`; the last part of `origin` if None.
        origin: the URL.
        untar: whether to extract it as `fname`.tar.gz, once, and return the path without `.tar.gz`.
        md5_hash: the MD5 of the file; `file_hash` goes before it.
        file_hash: the hash of the file in hexadecimal digits.
        cache_subdir: the folder within the cache; an absolute path is taken as it is.
        hash_algorithm: `"sha256"`, `"md5"` or another of `hashlib`; `"auto"` tells it from the length of the hash.
        extract: whether to extract the file, if it is an archive, into the folder where it lies.
        archive_format: `"tar"`, `"zip"`, a list of these, `"auto"` for both, or None for neither.
        cache_dir: the cache; None for `$KERAS_HOME` or, if that is not set, `~/.keras`.

    Raises:
        ValueError: if the origin is missing, the file fetched has another hash, or a name leads out of the cache or out
            of the archive's folder.
        OSError: if the file cannot be fetched whole, or its archive is damaged.
    """
    if origin is None:
        raise ValueError("`origin`, the URL to fetch the file from, is needed. Received: origin=None")
    formats = archive_formats(archive_format)
    name = os.fspath(fname) if fname is not None else _last_part(origin)
    if untar and name.endswith(".tar.gz"):
        name = name[: -len(".tar.gz")]
    hash_wanted = (file_hash or md5_hash or "").lower()
    algorithm = _algorithm(hash_wanted, "md5" if md5_hash and not file_hash else hash_algorithm)
    folder = _folder(cache_dir, os.fspath(cache_subdir))
    target = _inside(folder, name)
    path = f"{target}.tar.gz" if untar else target
    if not _is_cached(path, hash_wanted, algorithm):
        _fetch(origin, path, hash_wanted, algorithm)
    if untar and not os.path.exists(target):
        _extract(path, ("tar",))
    elif extract and not untar:
        _extract(path, formats)
    return target


def cache_home() -> str:
    """The folder for cached files: `$KERAS_HOME`, or `~/.keras`, or one of this user's among the temporary files.

    Raises:
        PermissionError: if none of them can be written by this user alone.
    """
    home = os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
    try:
        os.makedirs(home, exist_ok=True)
        if os.access(home, os.W_OK):
            return home
    except OSError:
        pass
    return _own_temporary_folder(home)


def _own_temporary_folder(home: str) -> str:
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    folder = os.path.join(tempfile.gettempdir(), f".keras-{user}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and (found.st_uid != user or found.st_mode & 0o022)):
        raise PermissionError(
            f"{home!r} cannot be written, and others may write to {folder!r}.\n"
            "Set KERAS_HOME, or pass `cache_dir`, to a folder of your own."
        )
    return folder


def _last_part(origin: str) -> str:
    name = os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(f"The URL names no file, so `fname` is needed. Received: origin={origin!r}, fname=None")
    return name


def _algorithm(digits: str, named: str) -> str:
    """Raises ValueError for a hash or an algorithm that cannot be."""
    algorithm = _BY_LENGTH.get(len(digits), "") if named == "auto" else named
    if not digits or algorithm in hashlib.algorithms_available:
        return algorithm
    raise ValueError(
        f"`hash_algorithm` must be 'auto', 'sha256', 'md5' or another of hashlib, and `file_hash` its hexadecimal "
        f"digits. Received: hash_algorithm={named!r}, a hash of {len(digits)} digits"
    )


def _folder(cache_dir: Any, subdir: str) -> str:
    home = cache_home() if cache_dir is None else os.path.expanduser(os.fspath(cache_dir))
    if os.pardir in os.path.normpath(subdir).split(os.sep):
        raise _leaves(home, f"cache_subdir={subdir!r}")
    folder = os.path.join(home, subdir)
    os.makedirs(folder, exist_ok=True)
    return folder


def _inside(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    parent, last = os.path.split(path)
    allowed = os.path.realpath(folder)
    if last in ("", os.curdir, os.pardir) or os.path.commonpath([allowed, os.path.realpath(parent)]) != allowed:
        raise _leaves(folder, f"fname={name!r}")
    os.makedirs(parent, exist_ok=True)
    return path


def _leaves(folder: str, received: str) -> ValueError:
    return ValueError(
        f"A cached file must lie within {folder!r}. Received: {received}\n"
        "Pass the folder as `cache_dir`, and `cache_subdir` and `fname` relative to it, without '..'."
    )


def _is_cached(path: str, hash_wanted: str, algorithm: str) -> bool:
    if not os.path.exists(path):
        return False
    if not hash_wanted or _hash(path, algorithm) == hash_wanted:
        return True
    console.line(f"{path} has another {algorithm} hash than {hash_wanted}; fetching it anew.")
    return False


def _hash(path: str, algorithm: str) -> str:
    found = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _extract(path: str, formats: tuple[str, ...]) -> None:
    if formats and not extract_archive(path, os.path.dirname(path), formats):
        warnings.warn(f"{path} is no {' or '.join(formats)} archive and was not extracted.", stacklevel=3)


def _fetch(origin: str, path: str, hash_wanted: str, algorithm: str) -> None:
    console.line(f"Downloading data from {origin}")
    with replaced_file(path) as new:
        try:
            _download(origin, new)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise OSError(
                f"Could not fetch {origin}: {_reason(error)}\n"
                f"If this machine has no network, fetch the file elsewhere and put it here: {path}"
            ) from error
        found = _hash(new, algorithm) if hash_wanted else ""
        if found != hash_wanted:
            raise ValueError(
                f"The file at {origin} is not the one expected, and was not kept.\n"
                f"Expected: the {algorithm} hash {hash_wanted}\nReceived: {found}"
            )


def _download(origin: str, path: str) -> None:
    """Raises ConnectionError if fewer bytes come than the server has announced."""
    with urllib.request.urlopen(origin, timeout=_SILENCE) as response, open(path, "wb") as file:
        length = response.headers.get("Content-Length", "")
        expected = int(length) if length.isdigit() else None
        bar = Progbar(expected)
        while block := response.read(_BLOCK):
            file.write(block)
            bar.update(file.tell(), finalize=False)
        if expected is not None and file.tell() != expected:
            console.end_line()
            raise ConnectionError(f"the connection ended after {file.tell():,} of {expected:,} bytes")
        bar.stop(file.tell())


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", error))
