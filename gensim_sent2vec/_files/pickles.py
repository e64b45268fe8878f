"""Whole models in gensim's own form: a pickle, and each large array in a file of its own beside."""

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
from .container import fsync_folder, kind_of

SEPARATE = 1 << 16  # arrays of at least so many numbers are saved as files of their own, which can be mapped


def save_atomically(save: Any, target: Any, *args: Any, **kwargs: Any) -> None:
    """Save a model of several files so that it is replaced as a whole.

    The files are written into a folder beside, and brought onto the disk. Then the folder is renamed to
    ``.NAME.saved``: from this moment on the new model stands, even where the process is killed, and before it the
    old one. Last the files take their places, the pickle, which names the others, after them. A process killed among
    those renames leaves the rest to the next `load_pickle` or `save_atomically` of that path, in any process. Only a
    process that *loads* during the renames may meet both models' files. Arrays mapped from old files stay as
    they are. A folder ``.NAME-…`` may be left over by a kill and can be deleted.
    """
    if not isinstance(target, (str, os.PathLike)):
        save(target, *args, **kwargs)
        return
    folder, name = os.path.split(os.path.realpath(target))
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name[:48]}-") as beside:
        new = os.path.join(beside, "new")
        os.mkdir(new)
        save(os.path.join(new, name), *args, **kwargs)
        for part in os.listdir(new):
            _sync_file(os.path.join(new, part))
        fsync_folder(new)
        complete_interrupted_save(target)
        os.rename(new, _saved(folder, name))
    fsync_folder(folder)
    complete_interrupted_save(target)


def complete_interrupted_save(target: str | os.PathLike[str]) -> None:
    """Put the files of a complete save in their places, where that has not been done to the end."""
    folder, name = os.path.split(os.path.realpath(target))
    saved = _saved(folder, name)
    if not os.path.isdir(saved):
        return
    with suppress(FileNotFoundError):  # another process does the same
        for part in sorted(os.listdir(saved), key=lambda part: part == name):
            os.replace(os.path.join(saved, part), os.path.join(folder, part))
        fsync_folder(folder)
        os.rmdir(saved)


def _saved(folder: str, name: str) -> str:
    return os.path.join(folder, f".{name}.saved")


def _sync_file(path: str) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def load_pickle(cls: type, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> Any:
    """What gensim's `SaveLoad.load` makes of a file; a ValueError that names it where that is nothing."""
    complete_interrupted_save(path)
    if not kwargs.get("mmap"):
        parts = [os.fspath(path), *glob(escape(os.fspath(path)) + ".*.npy")]
        n_bytes = sum(os.path.getsize(part) for part in parts if os.path.exists(part))
        memory.require(n_bytes, f"loading {os.fspath(path)!r}", ["load(…, mmap='r'), to use the vectors"])
    try:
        return SaveLoad.load.__func__(cls, os.fspath(path), *args, **kwargs)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever unpickling makes of a file that is no pickle of gensim's
        if kind := kind_of(path):
            raise TypeError(f"{os.fspath(path)!r} holds {kind}, not a {cls.__name__}; use {kind}.load") from None
        raise ValueError(f"{os.fspath(path)!r} is not a saved model ({type(error).__name__}: {error})") from error


def class_of_pickle(path: str | os.PathLike[str]) -> str | None:
    """The full name of the class of a pickled object, read from the first bytes; nothing is unpickled.

    None where the file is no pickle of an object.
    """
    with open(path, "rb") as file:
        head = file.read(4096)
    if not head.startswith(b"\x80"):
        return None
    with suppress(ValueError, IndexError, UnicodeDecodeError):  # the head ends somewhere, or it is no pickle after all
        return next(_globals(head), None)
    return None


def _globals(pickle: bytes) -> Iterator[str]:
    """The classes and functions that a pickle names, as far as it is there."""
    texts: list[str] = []
    for code, argument, _ in pickletools.genops(pickle):
        if code.name == "GLOBAL":
            yield str(argument).replace(" ", ".")
        elif code.name == "STACK_GLOBAL":
            yield ".".join(texts[-2:])
        elif isinstance(argument, str):
            texts.append(argument)
