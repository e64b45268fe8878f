"""Errors for files that do not exist: which argument, where it was looked for, and the name that was probably meant."""

from __future__ import annotations

import errno
import os
from difflib import get_close_matches
from itertools import islice
from typing import Any

MOST_NAMES = 10_000  # of a folder that are compared
CUTOFF = 0.7  # similarity of names; below, a suggestion would be a guess
MOST_SHOWN = 3  # names in an error
PARTS = (".npy", ".lock", "~")  # suffixes of files that are parts of others, locks or backups


class MissingFileError(FileNotFoundError):
    """A FileNotFoundError, with `errno` and `filename`, whose text is a sentence."""

    def __str__(self) -> str:
        return str(self.strerror)


def missing_file(path: Any, argument: str = "", expected: str = "", kind: str = "file") -> MissingFileError:
    """The error for a file that does not exist.

    Parameters
    ----------
    path : str or path-like
    argument : str
        The argument that names the file, which the error begins with; "" if the name says enough.
    expected : str
        What the file should be, for errors without a suggestion: "a model that Sent2Vec.save wrote".
    kind : str
        What is missing: "file", "model", "directory".
    """
    name = os.fspath(path)
    folder = os.path.dirname(name)
    if folder and not os.path.isdir(folder):
        name, kind = folder, "directory"
    where = "" if os.path.isabs(name) else f" in {os.getcwd()}"
    text = f"there is no {kind} {name!r}{where}"
    if os.path.islink(name):
        text = f"{name!r} is a link to {os.readlink(name)!r}, which does not exist"
    if hint := suggestion(name, only_folders=kind == "directory"):
        text += f"; {hint}"
    elif expected:
        text += f"; expected {expected}"
    return MissingFileError(errno.ENOENT, f"{argument}: {text}" if argument else text, os.fspath(path))


def check_exists(path: Any, argument: str = "", expected: str = "", kind: str = "file") -> None:
    """Raise the error of `missing_file` if a file does not exist; URLs, and anything that is not a path, pass."""
    if not isinstance(path, (str, os.PathLike)):
        return
    name = os.fspath(path)
    if isinstance(name, str) and "://" not in name and not os.path.exists(name):
        raise missing_file(path, argument, expected, kind)


def check_input(path: Any, argument: str = "", expected: str = "") -> None:
    """`check_exists`, for what may also be ``-``, standard input."""
    if path != "-":
        check_exists(path, argument, expected)


def missing_folder(path: Any) -> MissingFileError:
    """The error for a file that cannot be written because there is no directory for it."""
    folder = os.path.dirname(os.fspath(path))
    hint = suggestion(folder, only_folders=True) or "create it first"
    text = f"cannot write {os.fspath(path)!r}: there is no directory {folder!r}; {hint}"
    return MissingFileError(errno.ENOENT, text, os.fspath(path))


def nearest_names(path: str, only_folders: bool = False) -> list[str]:
    """The existing files, or folders, whose names are most similar to that of a missing one: one, or equally good ones.

    Empty if none is similar.
    """
    folder, wanted = os.path.split(path.rstrip(os.sep))
    try:
        with os.scandir(folder or ".") as entries:
            names = [e.name for e in islice(entries, MOST_NAMES) if not only_folders or e.is_dir()]
    except OSError:
        return []
    names = sorted(name for name in names if not name.startswith(".") and not name.endswith(PARTS))
    by_lower = {name.lower(): name for name in reversed(names)}
    stem = os.path.splitext(wanted.lower())[0]  # my for my.model, and faq.txt for faq.csv
    close = [name for name in by_lower if wanted.lower() in (name, os.path.splitext(name)[0])]
    close = close or get_close_matches(wanted.lower(), by_lower, 1, CUTOFF)
    close = close or [name for name in by_lower if stem and os.path.splitext(name)[0] == stem]
    return [os.path.join(folder, by_lower[name]) for name in sorted(close)[:MOST_SHOWN]]


def suggestion(path: str, only_folders: bool = False) -> str:
    """A question that names the file, or files, that were probably meant; "" if none is similar."""
    names = nearest_names(path, only_folders)
    return f"did you mean {' or '.join(map(repr, names))}?" if names else ""
