"""Which file names mean a compressed file."""

from __future__ import annotations

from smart_open.compression import get_supported_extensions

# Those that smart_open reads and writes, and those that it may only learn to read with a newer version.
COMPRESSED_SUFFIXES = tuple(sorted({".gz", ".bz2", ".xz", ".zst", *get_supported_extensions()}))


def without_compression_suffix(path: str) -> str:
    """``corpus.txt`` for ``corpus.txt.gz``; other names stay as they are."""
    for suffix in COMPRESSED_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path
