"""File name suffixes of compressed files."""

from __future__ import annotations

from smart_open.compression import get_supported_extensions

# What smart_open supports, and what newer versions of it may support.
COMPRESSED_SUFFIXES = tuple(sorted({".gz", ".bz2", ".xz", ".zst", *get_supported_extensions()}))


def without_compression_suffix(path: str) -> str:
    """``corpus.txt`` for ``corpus.txt.gz``; other names are returned unchanged."""
    for suffix in COMPRESSED_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path
