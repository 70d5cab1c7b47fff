"""Files and directories that are replaced whole: whatever happens, the old or the new is there.

The new is written beside the old under a hidden name, flushed to the disk, and renamed. A directory and its successor
change places in one operation where the system can do that (Linux); elsewhere, and for the two files of a checkpoint,
the renames leave a trace from which `recover` finishes the work after a crash.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_OF_THE_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
_LARGE = 2**20
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_SYNC_FILE_RANGE_WRITE = 2
_system = ctypes.CDLL(None) if os.name == "posix" else None


@contextmanager
def replaced_file(path: str) -> Iterator[str]:
    """A name to write to; at the end of the context the file written takes the place of `path`.

    Raises:
        OSError: if it cannot be written; `path` is then as it was.
    """
    if is_remote(path):
        yield path
        return
    with _beside(path) as new:
        yield new
        _flush(new)
        _replace(new, path)
        _flush(_parent(path))


@contextmanager
def replaced_directory(path: str) -> Iterator[str]:
    """A directory to fill; at the end of the context it takes the place of `path`.

    Raises:
        OSError: if it cannot be written; `path` is then as it was.
    """
    if is_remote(path):
        yield path
        return
    with _beside(path) as new:
        os.mkdir(new)
        yield new
        _flush_all(new)
        while not _put_in_place(new, path):
            pass  # another saver was there first
        _flush(_parent(path))


@contextmanager
def replaced_group(path: str) -> Iterator[str]:
    """A name to write to; at the end all files whose names begin with it take the place of those beginning with `path`.

    Raises:
        OSError: if they cannot be written; the files of `path` are then as they were.
    """
    if is_remote(path):
        yield path
        return
    with _beside(path) as new:
        os.mkdir(new)
        yield os.path.join(new, os.path.basename(path))
        _flush_all(new)
        ready = _sibling(path, "ready")
        os.rename(new, ready)
        _flush(_parent(path))
        _take_over(ready)


@contextmanager
def staged_directory(path: str) -> Iterator[str]:
    """A directory beside `path` to work in, removed at the end, whatever happens, with remains of dead processes."""
    with _beside(path) as new:
        os.mkdir(new)
        yield new


def recover(path: str) -> None:
    """Finishes a replacement of `path` that a crash has interrupted between two renames."""
    if is_remote(path):
        return
    for ready in _left_behind(path, "ready"):
        _take_over(ready)
    if not os.path.lexists(path):
        for old in _left_behind(path, "old")[:1]:
            os.rename(old, path)


def begin_flush(descriptor: int, start: int, size: int) -> None:
    """Has the system begin to put a part of an open file on the disk, where it can (Linux), without waiting for it."""
    begin = getattr(_system, "sync_file_range", None)
    if begin is not None:
        begin(descriptor, ctypes.c_int64(start), ctypes.c_int64(size), _SYNC_FILE_RANGE_WRITE)


def is_remote(path: str) -> bool:
    """Whether the path belongs to a file system that only TensorFlow knows (`gs://...`)."""
    return "://" in path


@contextmanager
def _beside(path: str) -> Iterator[str]:
    """A name for the new beside `path`; what is left there at the end is removed, as are remains of dead processes."""
    os.makedirs(_parent(path), exist_ok=True)
    recover(path)
    for kind in ("new", "old"):
        for dead in _left_behind(path, kind):
            _remove(dead)
    new = _sibling(path, "new")
    try:
        yield new
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise OSError(f"Could not write {path!r}: {reason}\nWhat was there before is unchanged.") from error
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        reason = f"Could not write {path!r}: {error.strerror}\nWhat was there before is unchanged."
        raise OSError(error.errno, reason) from error
    finally:
        _remove(new)


def _put_in_place(new: str, path: str) -> bool:
    """Whether the directory took the place of what was there, not so where that came or went meanwhile."""
    if os.path.lexists(path):
        if _exchange(new, path):
            return True
        old = _sibling(path, "old")
        try:
            os.rename(path, old)
        except FileNotFoundError:
            return False
        renamed = _is_renamed(new, path)
        _remove(old)
        return renamed
    return _is_renamed(new, path)


def _is_renamed(new: str, path: str) -> bool:
    try:
        os.rename(new, path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _take_over(ready: str) -> None:
    """Moves the files of a finished group to where they belong, the index of a checkpoint last, and none in between."""
    with _alone_in(_parent(ready)), contextlib.suppress(FileNotFoundError):  # another has finished this
        for name in sorted(os.listdir(ready), key=lambda name: name.endswith(".index")):
            _replace(os.path.join(ready, name), os.path.join(_parent(ready), name))
    _flush(_parent(ready))
    _remove(ready)


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """A context for one saver of a directory at a time, in all threads and processes; a crash ends it."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _exchange(one: str, other: str) -> bool:
    """Whether two names changed places in one operation."""
    rename = getattr(_system, "renameat2", None)
    if rename is None:
        return False
    return rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0


def _parent(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


def _sibling(path: str, kind: str) -> str:
    return f"{_marked(path, kind)}{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _marked(path: str, kind: str) -> str:
    name = os.path.basename(os.path.abspath(path))
    return os.path.join(_parent(path), f".{name}.{kind}-{socket.gethostname()}-")


def _left_behind(path: str, kind: str) -> list[str]:
    """Siblings that processes of this machine left when they died."""
    marked = _marked(path, kind)
    folder, start = os.path.split(marked)
    if not os.path.isdir(folder):
        return []
    found = sorted(name for name in os.listdir(folder) if name.startswith(start))
    return [os.path.join(folder, name) for name in found if not _is_alive(name[len(start) :].partition("-")[0])]


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


def _replace(new: str, path: str) -> None:
    with _freed_meanwhile(path):
        os.replace(new, path)


def _remove(path: str) -> None:
    with _freed_meanwhile(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)


@contextmanager
def _freed_meanwhile(path: str) -> Iterator[None]:
    """A context that takes the name from large files; a thread waits until the system has freed their memory.

    That takes half as long as writing them. A file is freed when the last who has it open closes it.
    """
    descriptors: list[int] = []
    inside = (os.path.join(place, name) for place, _, names in os.walk(path) for name in names)
    for file in inside if os.path.isdir(path) else [path]:
        with contextlib.suppress(OSError):
            if os.path.getsize(file) >= _LARGE and os.path.isfile(file):
                descriptors.append(os.open(file, os.O_RDONLY))
    try:
        yield
    finally:
        if descriptors:
            try:
                threading.Thread(target=_close, args=(descriptors,)).start()
            except RuntimeError:  # there is no further thread to be had
                _close(descriptors)


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _flush_all(folder: str) -> None:
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            _flush(os.path.join(place, name))
        _flush(place)


def _flush(path: str) -> None:
    """Waits until a file, or the names in a directory, are on the disk."""
    if os.path.isdir(path) and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
