"""Atomic writes: a file appears under its name only once it is complete and on disk. All writers use this module.

Meanwhile the data is in a temporary folder next to the target, which nobody else can read and on which the writer holds
a lock. If the writer is killed, the next write to the same target finds the folder unlocked, and deletes it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import BinaryIO

from .missing import missing_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ABANDONED_SECONDS = 24 * 3600  # age at which temporary files are deleted if the file system does not support locks
NAME_CHARS = 48  # of the target, in the name of a temporary file, so that it does not become too long
STREAMS = re.compile(r"/dev/(stdin|stdout|stderr|fd/\d+)|/proc/.*")  # open files of a process, whatever they are


# -----------------------------------------------------------------------------------------------------
# Files


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file for writing; at the end, move it into place. Links are followed.

    A target that exists and is not a regular file, such as a pipe or /dev/stdout, is written to at the end.

    Raises
    ------
    OSError
        If the file cannot be written; IsADirectoryError, if it is a directory.
    """
    with atomic_path(path) as temporary, open(temporary, "r+b") as file:
        yield file


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[str]:
    """Like `atomic_write`, for functions that take a path: an empty file with the same suffixes, to be overwritten."""
    given = os.fspath(path)
    if is_stream(given):
        with scratch_folder() as folder:
            temporary = os.path.join(folder, os.path.basename(given))
            open(temporary, "xb").close()
            yield temporary
            _copy_to_stream(temporary, given)
        return
    target = os.path.realpath(given)
    if os.path.isdir(target):
        raise IsADirectoryError(f"{target!r} is a directory; pass the name of a file to write")
    with temporary_folder(target) as folder, _errors_name(target, folder):
        temporary = os.path.join(folder, os.path.basename(target))
        with open(temporary, "xb") as file:
            mode = mode_of(target, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
            os.chmod(temporary, 0o600)
        yield temporary
        fsync_file(temporary)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
        discard_folder(saved_folder(target))
    fsync_folder(os.path.dirname(target))


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[str]:
    """A temporary folder to fill, whose files are moved into the folder `path` at the end.

    A new folder appears at once. In an existing one, files are replaced one by one, and other files stay.
    """
    target = os.path.realpath(path)
    with temporary_folder(target) as folder, _errors_name(target, folder):
        new = os.path.join(folder, "new")
        os.mkdir(new)
        yield new
        _fsync_tree(new)
        if os.path.isdir(target):
            _merge(new, target)
        else:
            os.rename(new, target)
    fsync_folder(os.path.dirname(target))


def is_stream(path: str) -> bool:
    """Whether a path is to be written to, not replaced: a pipe, a terminal, a device such as /dev/null.

    Raises
    ------
    OSError
        If it is a socket or a block device, such as a disk.
    """
    if STREAMS.fullmatch(os.path.abspath(path)) and os.path.exists(path):
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise OSError(f"{path!r} is a {'socket' if stat.S_ISSOCK(mode) else 'block device'}, not a file; pass another")
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def mode_of(path: str, default: int) -> int:
    """The permissions of a file; `default` if it does not exist."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return default


def _copy_to_stream(source: str, target: str) -> None:
    with open(source, "rb") as file, open(target, "ab" if os.path.isfile(target) else "wb") as stream:
        shutil.copyfileobj(file, stream)


@contextmanager
def _errors_name(target: str, folder: str) -> Iterator[None]:
    """Errors name the target instead of a temporary file, which does not exist any more when they are read."""
    try:
        yield
    except OSError as error:
        named = error.filename is None or os.fspath(error.filename).startswith(folder)
        if error.errno and named and type(error.filename) is not bytes:
            raise OSError(error.errno, error.strerror, target) from None
        raise


def _merge(source: str, target: str) -> None:
    """Move the files of a folder into another one, which has them already or not."""
    for entry in os.scandir(source):
        destination = os.path.join(target, entry.name)
        if entry.is_dir() and os.path.isdir(destination):
            _merge(entry.path, destination)
        else:
            os.chmod(entry.path, mode_of(destination, stat.S_IMODE(entry.stat().st_mode)))
            os.replace(entry.path, destination)


# -----------------------------------------------------------------------------------------------------
# Temporary folders


@contextmanager
def temporary_folder(target: str) -> Iterator[str]:
    """A folder next to `target`, which only this user can read; deleted at the end, as are those of killed writers."""
    parent, name = os.path.split(os.path.abspath(target))
    if not os.path.isdir(parent):
        raise missing_folder(target)
    remove_abandoned(parent, name)
    owner = os.getpid()
    folder, lock = _locked_folder(os.path.join(parent, f".{name[:NAME_CHARS]}-"))
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # not a forked process, which leaves the block as well
            shutil.rmtree(folder, ignore_errors=True)
            _unlock(lock)


def scratch_folder() -> AbstractContextManager[str]:
    """Like `temporary_folder`, in the system's folder for temporary files."""
    return temporary_folder(os.path.join(tempfile.gettempdir(), "gensim-sent2vec"))


def _locked_folder(prefix: str) -> tuple[str, int | None]:
    """Create a folder and lock it; in between, another writer may take it for abandoned, and lock and delete it."""
    while True:
        folder = prefix + secrets.token_hex(4)
        os.mkdir(folder, 0o700)
        try:
            lock = _lock(folder)
        except (FileNotFoundError, BlockingIOError):
            continue
        if os.path.isdir(folder):
            return folder, lock
        _unlock(lock)


def _lock(folder: str) -> int | None:
    """Lock a folder, and return the handle that holds the lock; None if locks are not supported.

    Raises
    ------
    BlockingIOError
        If another process holds the lock.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a network file system without locks
        os.close(handle)
        return None
    _locks.add(handle)
    return handle


def _unlock(handle: int | None) -> None:
    if handle is not None and handle in _locks:
        _locks.remove(handle)
        os.close(handle)


def _leave_locks() -> None:
    """Close the locks in a forked process, which would hold them if the writer was killed."""
    while _locks:
        os.close(_locks.pop())


_locks: set[int] = set()  # handles of this process
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_locks)


def remove_abandoned(parent: str, name: str) -> None:
    """Delete the temporary files and folders that killed writers of a target have left."""
    pattern = re.compile(re.escape(f".{name[:NAME_CHARS]}") + r"(-[a-z0-9_]{8}|\.[0-9a-f]{8}\.tmp)")
    try:
        found = [os.path.join(parent, entry) for entry in os.listdir(parent) if pattern.fullmatch(entry)]
    except OSError:  # a folder that one may write to but not list
        return
    for path in found:
        with suppress(OSError):
            status = os.lstat(path)
            if is_own(status):
                _remove_if_abandoned(path, status)


def _remove_if_abandoned(path: str, status: os.stat_result) -> None:
    """Delete what no writer has locked; earlier versions took no locks, so their folders must be old.

    The lock is held until the folder is gone: a writer that has just created it cannot lock it, and creates another.
    """
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return
    newest = max([status.st_mtime, *(entry.stat(follow_symlinks=False).st_mtime for entry in _entries(path))])
    old = time.time() - newest > ABANDONED_SECONDS
    lock = _lock(path) if is_folder and "_" not in os.path.basename(path) else None
    try:
        if lock is None and not old:
            return
        if is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    finally:
        _unlock(lock)


def _entries(path: str) -> list[os.DirEntry[str]]:
    if not os.path.isdir(path):
        return []
    with os.scandir(path) as entries:
        return list(entries)


def is_own(status: os.stat_result) -> bool:
    """Whether a file belongs to the user of this process; on Windows, which has no such numbers, always."""
    geteuid: Callable[[], int] | None = getattr(os, "geteuid", None)
    return geteuid is None or status.st_uid == geteuid()


# -----------------------------------------------------------------------------------------------------
# Folders of complete saves, see `gensim_sent2vec._files.pickles`


def saved_folder(target: str) -> str:
    """Where a model of several files lies once it is complete, until its files have been moved into place."""
    folder, name = os.path.split(os.path.realpath(target))
    return os.path.join(folder, f".{name}.saved")


def discard_folder(folder: str) -> None:
    """Delete the folder of an interrupted save, after a newer file has replaced it."""
    with suppress(OSError):
        status = os.lstat(folder)
        if stat.S_ISDIR(status.st_mode) and is_own(status):
            shutil.rmtree(folder)


# -----------------------------------------------------------------------------------------------------
# Flushing to disk


def fsync_file(path: str) -> None:
    """Flush a file to disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: str) -> None:
    """Flush the directory entries of a folder to disk, on systems that support it."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fsync_tree(folder: str) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            fsync_file(os.path.join(parent, name))
        fsync_folder(parent)
