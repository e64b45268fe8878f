"""The entries of a .bin's dictionary: words with their counts, parsed block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from ... import _kernel
from .binary_reader import damaged_file

BLOCK_BYTES = 1 << 22  # read at a time; also the maximum length of a word
MIN_ENTRY_BYTES = 1 + 8 + 1  # the zero byte that ends a word, its count, its type


class Entries(NamedTuple):
    """Consecutive entries.

    Attributes
    ----------
    blob : numpy.ndarray of uint8
        The words in UTF-8, end to end. Bytes that are not UTF-8 become surrogates, as by ``surrogateescape``.
    lengths : numpy.ndarray of int64
        Bytes per word.
    hashes : numpy.ndarray of uint64
    counts : numpy.ndarray of int64
    types : numpy.ndarray of int8
        0 for a word, 1 for a label.
    """

    blob: np.ndarray
    lengths: np.ndarray
    hashes: np.ndarray
    counts: np.ndarray
    types: np.ndarray

    def take(self, begin: int, end: int) -> Entries:
        """Entries [begin, end)."""
        first, last = self.lengths[:begin].sum(), self.lengths[:end].sum()
        return Entries(self.blob[first:last], *(column[begin:end] for column in self[1:]))


def entry_blocks(
    file: BinaryIO, path: str, begin: int, size: int, n: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[int, Entries, np.ndarray]]:
    """Parse the `n` entries that start at byte `begin` of a file of `size` bytes.

    Yields
    ------
    position : int
        The byte at which the block starts.
    entries : Entries
    ends : numpy.ndarray of int64
        Where each entry ends, in bytes from `position`.

    Raises
    ------
    ValueError
        If the file ends too soon, or a word does not end within a block.
    """
    file.seek(begin)
    position, done, rest = begin, 0, b""
    while done < n:
        data = rest + file.read(min(block_bytes, size - position - len(rest)))
        blob, lengths, hashes, counts, types, ends = _kernel.parse_entries(data, n - done)
        entries = Entries(
            np.frombuffer(blob, np.uint8),
            np.frombuffer(lengths, np.int64),
            np.frombuffer(hashes, np.uint64),
            np.frombuffer(counts, np.int64),
            np.frombuffer(types, np.int8),
        )
        if not len(lengths):
            at_end = position + len(data) >= size
            problem = f"the file ends at byte {size}" if at_end else f"no end within {len(data)} bytes"
            raise damaged_file(path, "dictionary", position, f"entry {done} of {n}: {problem}")
        offsets = np.frombuffer(ends, np.int64)
        yield position, entries, offsets
        done += len(entries.lengths)
        position += int(offsets[-1])
        rest = data[int(offsets[-1]) :]
