"""Appending rows to tables that several processes write to."""

from __future__ import annotations

import os
from typing import Any

from .missing import missing_folder


class TableFullError(OSError):
    """The table would become larger than it may be."""


def append_rows(path: str, header: bytes, rows: bytes, most: int | None = None) -> None:
    """Append rows to a file, all or none of them; the rows of processes that append at the same time do not mix.

    Parameters
    ----------
    path : str
        Created if it does not exist. An incomplete last row, of a writer that was killed, is ended first.
    header : bytes
        The first line of a new or empty file.
    rows : bytes
        Lines, each with its line break.
    most : int, optional
        Maximum size of the file in bytes.

    Raises
    ------
    TableFullError
        If the file would become larger than `most`.
    OSError
        If the file cannot be written.
    """
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise missing_folder(path)
    with open(path, "a+b", buffering=0) as file:
        _lock(file)
        size = file.seek(0, os.SEEK_END)
        data = (_end_of_torn_row(file, size) if size else header) + rows
        if most is not None and size + len(data) > most:
            raise TableFullError(f"{path!r} has reached its limit of {most:,} bytes")
        try:
            _write_all(file, data)
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(size)
            raise


def cell(value: Any) -> str:
    """A value without tabs and line breaks."""
    return " ".join(str(value).split())


def _end_of_torn_row(file: Any, size: int) -> bytes:
    file.seek(size - 1)
    return b"" if file.read(1) == b"\n" else b"\n"


def _write_all(file: Any, data: bytes) -> None:
    """Write to an unbuffered file, which may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _lock(file: Any) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(file, fcntl.LOCK_EX)
