"""Entire models in gensim's own format: a pickle, and next to it one file per large array."""

from __future__ import annotations

import os
import pickletools
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from glob import escape, glob
from typing import Any

from gensim.utils import SaveLoad

from .._util import memory
from .atomic import fsync_folder
from .container import stored_kind

SEPARATE = 1 << 16  # arrays with at least this many items get a file of their own, which can be memory-mapped


def save_atomically(save: Any, target: Any, *args: Any, **kwargs: Any) -> None:
    """Save a model of several files so that either the old or the new model can be loaded, whatever happens.

    The files are written to a temporary folder next to `target` and flushed to disk. Then the folder is renamed to
    ``.NAME.saved``: from then on the new model is the valid one, even if the process is killed. Finally the files are
    moved into place, the pickle last, because it refers to the others. If the process is killed during these renames,
    the next `load_pickle` or `save_atomically` of that path completes them, in any process. Only a process that *loads*
    during the renames can see files of both models. Arrays mapped from the old files stay valid. A killed process may
    leave a folder ``.NAME-…`` behind, which can be deleted.
    """
    if not isinstance(target, (str, os.PathLike)):
        save(target, *args, **kwargs)
        return
    folder, name = os.path.split(os.path.realpath(target))
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name[:48]}-") as temporary:
        new = os.path.join(temporary, "new")
        os.mkdir(new)
        save(os.path.join(new, name), *args, **kwargs)
        for part in os.listdir(new):
            _fsync_file(os.path.join(new, part))
        fsync_folder(new)
        complete_interrupted_save(target)
        os.rename(new, _complete_folder(folder, name))
    fsync_folder(folder)
    complete_interrupted_save(target)


def complete_interrupted_save(target: str | os.PathLike[str]) -> None:
    """Move the files of a complete save into place if an earlier process was killed before it could."""
    folder, name = os.path.split(os.path.realpath(target))
    complete = _complete_folder(folder, name)
    if not os.path.isdir(complete):
        return
    with suppress(FileNotFoundError):  # another process may be doing the same
        for part in sorted(os.listdir(complete), key=lambda part: part == name):
            os.replace(os.path.join(complete, part), os.path.join(folder, part))
        fsync_folder(folder)
        os.rmdir(complete)


def _complete_folder(folder: str, name: str) -> str:
    return os.path.join(folder, f".{name}.saved")


def _fsync_file(path: str) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def load_pickle(cls: type, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> Any:
    """Call gensim's `SaveLoad.load`; errors name the file.

    Raises
    ------
    TypeError
        If the file holds vectors or an index, not a pickle.
    ValueError
        If gensim cannot load it.
    OSError, MemoryError
    """
    complete_interrupted_save(path)
    if not kwargs.get("mmap"):
        parts = [os.fspath(path), *glob(escape(os.fspath(path)) + ".*.npy")]
        n_bytes = sum(os.path.getsize(part) for part in parts if os.path.exists(part))
        memory.require(n_bytes, f"loading {os.fspath(path)!r}", ["load(…, mmap='r'), to use the vectors"])
    try:
        return SaveLoad.load.__func__(cls, os.fspath(path), *args, **kwargs)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # unpickling arbitrary bytes can raise anything
        if kind := stored_kind(path):
            raise TypeError(f"{os.fspath(path)!r} holds {kind}, not a {cls.__name__}; use {kind}.load") from None
        raise ValueError(f"{os.fspath(path)!r} is not a saved model ({type(error).__name__}: {error})") from error


def class_of_pickle(path: str | os.PathLike[str]) -> str | None:
    """The qualified class name of a pickled object, found in the first bytes without unpickling anything.

    None if the file is not the pickle of an object.
    """
    with open(path, "rb") as file:
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
