"""Compressed files: the suffixes of their names, and streams whose errors name the file."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import smart_open
from smart_open.compression import get_supported_extensions

# What smart_open supports, and what newer versions of it may support.
COMPRESSED_SUFFIXES = tuple(sorted({".gz", ".bz2", ".xz", ".zst", *get_supported_extensions()}))

BUFFER_BYTES = 1 << 17


def without_compression_suffix(path: str) -> str:
    """``corpus.txt`` for ``corpus.txt.gz``; other names are returned unchanged."""
    for suffix in COMPRESSED_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path


def decompressed(stream: BinaryIO, shown: str) -> BinaryIO:
    """A stream of what is in a compressed file; an OSError that names the file if it is damaged or not compressed.

    Parameters
    ----------
    stream : binary stream
        What smart_open returned. The errors of decompressors have various types and do not name the file.
    shown : str
        The file, as errors name it.
    """
    return io.BufferedReader(_Decompressed(stream, shown), BUFFER_BYTES)


def open_decompressed(path: str) -> BinaryIO:
    """Open a file, which may be compressed, with smart_open; errors are those of `decompressed`."""
    stream: BinaryIO = smart_open.open(path, "rb")
    return decompressed(stream, repr(path)) if path.endswith(COMPRESSED_SUFFIXES) else stream


class _Decompressed(io.RawIOBase):
    def __init__(self, stream: BinaryIO, shown: str) -> None:
        self._stream, self._shown = stream, shown

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except (MemoryError, UnicodeError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise OSError(
                f"{self._shown}: damaged, incomplete, or not compressed as its name says ({error}); compress or copy "
                "it again, or rename it"
            ) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
