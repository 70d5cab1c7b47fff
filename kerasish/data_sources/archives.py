"""Archives taken apart: every member lands inside the folder, or nothing is written at all."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from kerasish.saving.replacement import staged_directory

_FORMATS = ("tar", "zip")
_DAMAGED = (OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def archive_formats(archive_format: Any) -> tuple[str, ...]:
    """The formats to try for what a user passed: `"auto"` for both, one, a list, or None.

    Raises:
        ValueError: for a format that is none of them.
    """
    if archive_format is None:
        return ()
    asked = [archive_format] if isinstance(archive_format, str) else list(archive_format)
    unknown = [name for name in asked if name not in ("auto", *_FORMATS)]
    if unknown:
        raise ValueError(
            f"`archive_format` must be 'auto', 'tar', 'zip', a list of these, or None. Received: {archive_format!r}"
        )
    return _FORMATS if "auto" in asked else tuple(asked)


def extract_archive(path: str, folder: str, formats: Iterable[str] = _FORMATS) -> bool:
    """Puts the members of the archive into the folder; files of the same names are replaced, others stay.

    Returns:
        Whether the file is an archive of one of the formats.

    Raises:
        ValueError: for a member that would land outside the folder, or is a link or a device; nothing is written.
        OSError: if the archive is damaged or larger than the free space of the disk; nothing is written.
    """
    for name in formats:
        is_archive = tarfile.is_tarfile if name == "tar" else zipfile.is_zipfile
        if is_archive(path):
            with staged_directory(os.path.join(folder, os.path.basename(path))) as staging:
                try:
                    _extract_tar(path, staging) if name == "tar" else _extract_zip(path, staging)
                except _DAMAGED as error:
                    raise OSError(f"{path!r} could not be extracted: {error}\nNothing was written.") from error
                for entry in os.listdir(staging):
                    _move(os.path.join(staging, entry), os.path.join(folder, entry))
            return True
    return False


def _extract_tar(path: str, folder: str) -> None:
    with tarfile.open(path) as archive:
        members = list(_checked(path, archive))
        _check_space(folder, sum(member.size for member in members))
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, members, filter="data")
        else:
            archive.extractall(folder, members)


def _checked(path: str, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        if not (member.isfile() or member.isdir()):
            raise _refused(path, member.name, "is a link or a device")
        _check_name(path, member.name)
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        yield member


def _extract_zip(path: str, folder: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(path, member.filename, "is a link or a device")
            _check_name(path, member.filename)
        _check_space(folder, sum(member.file_size for member in archive.infolist()))
        archive.extractall(folder)


def _check_name(path: str, name: str) -> None:
    if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
        raise _refused(path, name, "would land outside the folder")


def _refused(path: str, name: str, why: str) -> ValueError:
    return ValueError(
        f"The archive {path!r} is not extracted: its member {name!r} {why}.\n"
        "Nothing was written. If you trust the archive, extract it yourself."
    )


def _check_space(folder: str, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(f"it holds {size:,} bytes, and the disk has room for {free:,}")


def _move(source: str, target: str) -> None:
    """Moves a file or a directory; what a directory of that name holds besides stays."""
    try:
        os.replace(source, target)
    except OSError:
        if not (os.path.isdir(source) and os.path.isdir(target)):
            raise
        for entry in os.listdir(source):
            _move(os.path.join(source, entry), os.path.join(target, entry))
