"""Read a file section by section, never past its end; errors name the file, the section and the byte."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from ..._util.missing import check_exists


class BinaryReader:
    """A position in a file, and the size of the file.

    Attributes
    ----------
    position : int
        The byte at which the next section starts.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.file, self.size, self.position = path, file, os.fstat(file.fileno()).st_size, 0

    def error(self, section: str, problem: str, at: int | None = None) -> ValueError:
        """The error to raise for a problem at byte `at`, by default the current position."""
        return damaged_file(self.path, section, self.position if at is None else at, problem)

    def skip(self, n: int, section: str) -> None:
        """Skip `n` bytes, which the file must have."""
        if n > self.size - self.position:
            raise self.error(section, f"{n} bytes should follow, but the file ends after {self.size - self.position}")
        self.position += n

    def unpack(self, code: str, section: str) -> tuple[Any, ...]:
        """Read values as `struct.unpack` does."""
        begin, n = self.position, struct.calcsize(code)
        self.skip(n, section)
        self.file.seek(begin)
        data = self.file.read(n)
        if len(data) < n:
            raise truncated_file(self.path, section, begin)
        return struct.unpack(code, data)


def damaged_file(path: str, section: str, at: int, problem: str) -> ValueError:
    """The error to raise for a file whose content is impossible."""
    return ValueError(f"{path!r}: {section} at byte {at}: {problem}; the file is damaged or truncated")


def truncated_file(path: str, section: str, at: int) -> OSError:
    """The error to raise for a file that has become shorter since its layout was read."""
    return OSError(f"{path!r}: {section} at byte {at}: the file was truncated while it was read")


@contextmanager
def open_regular_file(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading, and refuse directories, devices and pipes."""
    check_exists(path)
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path!r} is a directory, not a .bin of the reference program")
    if not stat.S_ISREG(mode):
        raise OSError(f"{path!r} is a device or a pipe, not a .bin of the reference program; copy it to a file first")
    with open(path, "rb", buffering=0) as file:
        yield file


def read_exactly(file: Any, array: np.ndarray, path: str, section: str) -> None:
    """Fill an array with the next bytes of a file."""
    view = array.reshape(-1).view(np.uint8).data
    while view:
        n = file.readinto(view[: 1 << 30])
        if not n:
            raise truncated_file(path, section, file.tell())
        view = view[n:]
