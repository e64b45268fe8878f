"""Entire models in gensim's own format: a pickle, and next to it one file per large array.

A save writes all files to a temporary folder next to the target, and flushes them to disk. Then it renames the folder
to ``.NAME.saved``: from then on the new model is the valid one, even if the process is killed. Finally it moves the
files into place, the pickle last, because it refers to the others. If the process is killed during these renames, the
next save of that path completes them; until then, a load reads each file where it lies. Loading never writes.
"""

from __future__ import annotations

import errno
import os
import pickletools
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from glob import escape, glob
from typing import Any

from gensim.utils import SaveLoad

from .._util import memory
from .._util.atomic import fsync_file, fsync_folder, is_own, is_stream, mode_of, saved_folder, temporary_folder
from .._util.missing import MissingFileError, missing_file
from .._util.unpickling import UntrustedClassError, load_saved
from .._util.warning import warn
from .container import stored_kind
from .detaching import detached

SEPARATE = 1 << 16  # arrays with at least this many items get a file of their own, which can be memory-mapped
ATTEMPTS = 20  # to load a model while others keep saving it
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # numpy's error for a full disk, without a number


# -----------------------------------------------------------------------------------------------------
# Saving


def save_atomically(saved: SaveLoad, save: Callable[..., None], target: Any, *args: Any, **kwargs: Any) -> None:
    """Save an object with gensim's `save`, so that either the old or the new files can be loaded, whatever happens.

    gensim modifies a copy: the object stays as it is, for other threads and after an error.

    Parameters
    ----------
    saved : SaveLoad
    save : callable
        The method of gensim, not bound to an object.
    target : str, path-like or file
        An open file gets a plain pickle.
    *args, **kwargs
        Further arguments of `save`.

    Raises
    ------
    OSError
        If a file cannot be written, or the target is a folder, a pipe or a device.
    """
    if not isinstance(target, (str, os.PathLike)):
        save(saved, target, *args, **kwargs)
        return
    path = os.path.realpath(target)
    _check_target(os.fspath(target), path)
    _check_saved_folder(path)
    folder, name = os.path.split(path)
    with temporary_folder(path) as temporary:
        new = os.path.join(temporary, "new")
        os.mkdir(new)
        try:
            save(detached(saved), os.path.join(new, name), *args, **kwargs)
            _finish_files(new, path)
        except OSError as error:
            raise _about_target(error, path) from error
        complete_interrupted_save(path)
        os.rename(new, saved_folder(path))
    fsync_folder(folder)
    complete_interrupted_save(path)


def _about_target(error: OSError, path: str) -> OSError:
    """The error about the target instead of a temporary file, which does not exist any more."""
    if error.errno:
        return OSError(error.errno, error.strerror, path)
    if _SHORT_WRITE.fullmatch(str(error)):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    return OSError(f"{path!r}: {error}")


def _check_target(given: str, path: str) -> None:
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory; pass the name of a file to write")
    if is_stream(given):
        raise OSError(f"{given!r} is a pipe or a device, but a model consists of several files; pass an open file")


def _check_saved_folder(path: str) -> None:
    folder = saved_folder(path)
    if os.path.lexists(folder) and (reason := _why_not_trusted(folder, os.path.basename(path), is_own)):
        raise OSError(f"cannot write {path!r}: {folder!r} is in the way, and {reason}; remove it if nobody needs it")


def _finish_files(new: str, path: str) -> None:
    """Flush new files to disk, with the permissions of the files that they replace, or of the file at `path`."""
    folder, name = os.path.split(path)
    for part in os.listdir(new):
        file = os.path.join(new, part)
        fsync_file(file)
        default = mode_of(path, stat.S_IMODE(os.stat(file).st_mode))
        os.chmod(file, mode_of(os.path.join(folder, part), default))
    mode = stat.S_IMODE(os.stat(os.path.join(new, name)).st_mode)
    os.chmod(new, 0o700 | (mode & 0o044) | (mode & 0o044) >> 2)  # who may read the pickle may enter
    fsync_folder(new)


def complete_interrupted_save(target: str | os.PathLike[str]) -> None:
    """Move the files of a complete save into place if an earlier process was killed before it could."""
    path = os.path.realpath(target)
    folder, name = os.path.split(path)
    complete = saved_folder(path)
    if not os.path.lexists(complete):
        return
    _check_saved_folder(path)
    with suppress(FileNotFoundError):  # another process may be doing the same
        for part in sorted(os.listdir(complete), key=lambda part: part == name):
            os.replace(os.path.join(complete, part), os.path.join(folder, part))
        fsync_folder(folder)
        os.rmdir(complete)


def _why_not_trusted(folder: str, name: str, is_trusted: Callable[[os.stat_result], bool]) -> str | None:
    """Why a folder cannot be that of an interrupted save by trusted users; None if it can."""
    with suppress(FileNotFoundError):  # another process may be moving the files
        status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode):
            return "it is not a folder"
        if not is_trusted(status):
            return "it belongs to another user"
        for part in os.listdir(folder):
            status = os.lstat(os.path.join(folder, part))
            if not stat.S_ISREG(status.st_mode) or not is_trusted(status):
                return f"it contains {part!r}, which is not a regular file of this user"
            if part != name and not part.startswith(f"{name}."):
                return f"it contains {part!r}, which does not belong to {name!r}"
    return None


# -----------------------------------------------------------------------------------------------------
# Loading


def where_saved(path: str | os.PathLike[str]) -> Callable[[str], str]:
    """A function that finds the files of a model: in the folder of an interrupted save, or next to the model.

    Only a folder of this user, or of the owner of the model, is used.

    Warns
    -----
    UserWarning
        If there is such a folder, but it cannot be trusted; then it is ignored.
    """
    given = os.fspath(path)
    target = os.path.realpath(given)
    complete = saved_folder(target)
    if not os.path.lexists(complete):
        return _next_to_model

    def is_trusted(status: os.stat_result) -> bool:
        return is_own(status) or (os.path.exists(target) and os.stat(target).st_uid == status.st_uid)

    if reason := _why_not_trusted(complete, os.path.basename(target), is_trusted):
        warn(f"{complete!r} is ignored: {reason}")
        return _next_to_model

    def find(file: str) -> str:
        interrupted = os.path.join(complete, os.path.basename(target) + file[len(given) :])
        return interrupted if os.access(interrupted, os.R_OK) else file

    return find


def _next_to_model(file: str) -> str:
    return file


def load_pickle(cls: type, path: str | os.PathLike[str], mmap: str | None = None, trusted: bool = False) -> Any:
    """Load what gensim's `SaveLoad.save` wrote, without executing code; errors name the file.

    If another process replaces the files at the same time, they are read again, so that all are of one model.

    Parameters
    ----------
    cls : type
        For error messages; the object may be of another class.
    path : str or path-like
    mmap : {None, 'r', 'r+', 'c'}
        How to map large arrays into memory.
    trusted : bool
        Whether the file may contain other classes and functions than those of models, which can execute code.

    Raises
    ------
    TypeError
        If the file holds vectors or an index, not a pickle.
    ValueError
        If it cannot be loaded, or would have to be trusted.
    OSError, MemoryError
    """
    given = os.fspath(path)
    for _ in range(ATTEMPTS):
        before = _identity(given)
        try:
            result = _load(cls, given, mmap, trusted)
        except (OSError, ValueError):
            if _identity(given) == before:
                raise
        else:
            if _identity(given) == before:
                return result
    raise OSError(f"{given!r} was replaced by another process whenever it was being read; load it again")


def _identity(path: str) -> tuple[int, int, int] | None:
    """What changes whenever another process replaces a model."""
    try:
        status = os.stat(where_saved(path)(path))
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _load(cls: type, path: str, mmap: str | None, trusted: bool) -> Any:
    find = where_saved(path)
    if not mmap:
        parts = [path, *glob(escape(path) + ".*.npy")]
        n_bytes = sum(os.path.getsize(find(part)) for part in parts if os.path.exists(find(part)))
        memory.require(n_bytes, f"loading {path!r}", ["load(…, mmap='r'), to use the vectors"])
    try:
        return load_saved(path, mmap, trusted, find)
    except FileNotFoundError as error:
        if "://" in path:
            raise
        raise _missing(cls, path, find(path), error) from None
    except (OSError, MemoryError):
        raise
    except UntrustedClassError as error:
        raise ValueError(f"{path!r} is not loaded: {error}") from None
    except Exception as error:  # unpickling arbitrary bytes can raise anything
        if kind := stored_kind(find(path)):
            raise TypeError(f"{path!r} holds {kind}, not a {cls.__name__}; use {kind}.load") from None
        raise ValueError(f"{path!r} is not a saved model ({type(error).__name__}: {error})") from error


def _missing(cls: type, path: str, found: str, error: FileNotFoundError) -> FileNotFoundError:
    """The error for a model that does not exist, or of which a file is missing."""
    if not os.path.exists(found):
        return missing_file(path, "fname", f"what {cls.__name__}.save wrote")
    text = (
        f"{path!r}: its file {error.filename!r} is missing; a large model consists of several files, which belong "
        f"together: copy all that are called {os.path.basename(path)}*"
    )
    return MissingFileError(errno.ENOENT, text, error.filename)


def class_of_pickle(path: str | os.PathLike[str]) -> str | None:
    """The qualified class name of a pickled object, found in the first bytes without unpickling anything.

    None if the file is not the pickle of an object.
    """
    with open(where_saved(path)(os.fspath(path)), "rb") as file:
        head = file.read(4096)
    if not head.startswith(b"\x80"):
        return None
    with suppress(ValueError, IndexError, UnicodeDecodeError):  # the head is cut off, or not a pickle after all
        return next(_globals(head), None)
    return None


def _globals(pickle: bytes) -> Iterator[str]:
    """The classes and functions that the start of a pickle names."""
    texts: list[str] = []
    for code, argument, _ in pickletools.genops(pickle):
        if code.name == "GLOBAL":
            yield str(argument).replace(" ", ".")
        elif code.name == "STACK_GLOBAL":
            yield ".".join(texts[-2:])
        elif isinstance(argument, str):
            texts.append(argument)


def how_to_load_vectors(kind: str) -> str:
    """How to get the vectors out of a pickle, to be appended to an error message."""
    package, _, name = kind.rpartition(".")
    if not package.startswith("gensim"):
        return ""
    if name.endswith("KeyedVectors"):
        return f"; use Sent2VecKeyedVectors.from_keyed_vectors({name}.load(…))"
    return f"; its vectors are {name}.load(…).wv"
