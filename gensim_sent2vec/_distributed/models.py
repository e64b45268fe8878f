"""Vectors that are mapped once per process, and how a change of their file is noticed."""

from __future__ import annotations

import errno
import os
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape, glob

from .._util.missing import MissingFileError, suggestion
from ..convert import load_vectors
from ..keyedvectors import Sent2VecKeyedVectors

NOT_SEEN = "does not see the file"
SAMPLES, SAMPLE_BYTES = 64, 1 << 12  # parts of a file that its fingerprint covers, besides its ends

Status = tuple[tuple[str, int, int, int], ...]


@dataclass
class _Loaded:
    status: Status
    fingerprint: int
    wv: Sent2VecKeyedVectors


_loaded: dict[str, _Loaded] = {}
_lock = threading.Lock()


def _renew_lock() -> None:
    """In a forked process, which would wait forever if another thread held the lock at the time."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def vectors_of(path: str, expected: int | None) -> tuple[Sent2VecKeyedVectors, int]:
    """The vectors of a file, memory-mapped when the process first asks for them, and their fingerprint.

    Parameters
    ----------
    path : str
        A model, or a file of vectors.
    expected : int, optional
        The fingerprint that the file must have.

    Raises
    ------
    FileNotFoundError
        If this machine does not see the file, with the name of the machine.
    ValueError
        If the file has another fingerprint, or is invalid.
    """
    with _lock:
        status = _status(path)
        found = _loaded.get(path)
        if found is None or found.status != status:
            print_of_file = fingerprint(path)
            if found is not None and found.fingerprint == print_of_file:
                found.status = status  # the same file, copied again
            elif expected is None or expected == print_of_file:
                found = _loaded[path] = _Loaded(status, print_of_file, load_vectors(path))
            else:
                raise _changed(path)
        if expected is not None and expected != found.fingerprint:
            raise _changed(path)
        return found.wv, found.fingerprint


def fingerprint(path: str) -> int:
    """A 32-bit checksum of the sizes and samples of a file and the arrays next to it, equal on all machines.

    The samples include the beginning of the file, which in native files has the checksums of all arrays.
    """
    crc = 0
    for name in _files(path):
        with open(name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            crc = zlib.crc32(f"{name[len(path) :]} {size}".encode(), crc)
            for start in _starts(size):
                file.seek(start)
                crc = zlib.crc32(file.read(SAMPLE_BYTES), crc)
    return crc


def _starts(size: int) -> Iterator[int]:
    """Where the samples of a file begin: all of a small file, else spread evenly over it."""
    step = max(SAMPLE_BYTES, size // SAMPLES)
    yield from range(0, size, step)
    if size > SAMPLE_BYTES:
        yield size - SAMPLE_BYTES


def _files(path: str) -> list[str]:
    """The file, and the arrays that gensim's `save` puts next to a model."""
    if not os.path.isfile(path):
        raise missing(path, "model")
    return [path, *sorted(glob(escape(path) + ".*.npy"))]


def _status(path: str) -> Status:
    """What changes when one of the files is replaced; reading it takes microseconds."""
    found = [(name, os.stat(name)) for name in _files(path)]
    return tuple((name, status.st_ino, status.st_size, status.st_mtime_ns) for name, status in found)


def missing(path: str, what: str) -> FileNotFoundError:
    """The error for a file that a machine does not see."""
    hint = suggestion(path)
    text = (
        f"{what}: host {socket.gethostname()!r} (process {os.getpid()}) {NOT_SEEN} {path!r}; put it on all "
        "machines under the same path, for example on shared storage" + (f"; {hint}" if hint else "")
    )
    return MissingFileError(errno.ENOENT, text, path)


def _changed(path: str) -> ValueError:
    return ValueError(
        f"model: {path!r} on host {socket.gethostname()!r} is not the file that the encoder was created with: it was "
        "replaced meanwhile, or the machines have different copies; copy it to all of them, and create a new encoder"
    )
