"""Checks of the files that commands write."""

from __future__ import annotations

import os


def check_writable(path: str, folder: bool = False) -> None:
    """Check that the output can be written, before hours of work.

    Parameters
    ----------
    path : str
    folder : bool
        Whether the output is a folder of files.

    Raises
    ------
    OSError
        If `path` is of the other kind, or the directory that it goes into is missing or not writable.
    """
    directory = os.path.dirname(path) or "."
    if folder and os.path.isfile(path):
        raise NotADirectoryError(f"{path!r} is a file, but the output is a folder; choose another name")
    if not folder and os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory, but the output is a file; choose another name")
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"cannot write {path!r}: there is no directory {directory!r}")
    if not os.access(directory, os.W_OK):
        raise PermissionError(f"cannot write {path!r}: the directory {directory!r} is not writable")
