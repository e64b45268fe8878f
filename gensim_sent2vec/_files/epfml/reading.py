"""Read words and rows from a .bin whose layout is known: all at once, or block by block in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..._text.packed import PackedStrings
from ..._text.vocabulary import Vocabulary
from .binary_reader import open_regular_file, read_exactly
from .entries import BLOCK_BYTES, Entries, entry_blocks
from .layout import Layout, Matrix


def read_entries(layout: Layout, block_bytes: int = BLOCK_BYTES) -> Iterator[Entries]:
    """Read the words block by block, without the placeholder and the labels."""
    first = 1
    with open_regular_file(layout.path) as file:
        for _, entries, _ in entry_blocks(
            file, layout.path, layout.entries, layout.size, layout.n_entries, block_bytes
        ):
            yield entries.take(first, len(entries.lengths))
            first = 0


def read_words(layout: Layout) -> tuple[Vocabulary, np.ndarray]:
    """Read all words without the placeholder, and their counts (int64).

    Raises
    ------
    ValueError
        If a word occurs twice.
    OSError
        If the file has changed since its layout was read.
    """
    blob = np.empty(layout.blob_bytes, dtype=np.uint8)
    offsets, counts = np.zeros(layout.n_words + 1, dtype=np.int64), np.empty(layout.n_words, dtype=np.int64)
    n_words = n_bytes = 0
    for entries in read_entries(layout):
        end, blob_end = n_words + len(entries.lengths), n_bytes + len(entries.blob)
        if end > layout.n_words or blob_end > len(blob):
            raise changed_file(layout)
        blob[n_bytes:blob_end] = entries.blob
        offsets[n_words + 1 : end + 1] = n_bytes + np.cumsum(entries.lengths)
        counts[n_words:end] = entries.counts
        n_words, n_bytes = end, blob_end
    if n_bytes != len(blob):
        raise changed_file(layout)
    try:
        return Vocabulary(PackedStrings(blob, offsets)), counts
    except ValueError as error:
        raise damaged_dictionary(layout, error) from None


def changed_file(layout: Layout) -> OSError:
    """The error to raise if the words do not match the layout any more."""
    return OSError(f"{layout.path!r}: dictionary at byte {layout.entries}: the file changed while it was read")


def damaged_dictionary(layout: Layout, error: ValueError) -> ValueError:
    """The error to raise for words that are not distinct."""
    return ValueError(f"{layout.path!r}: dictionary at byte {layout.entries}: {error}; the file is damaged")


def read_rows(layout: Layout, matrix: Matrix, begin: int, end: int) -> np.ndarray:
    """Read rows [begin, end) of a matrix, float32."""
    rows = np.empty((end - begin, matrix.columns), dtype="<f4")
    with open_regular_file(layout.path) as file:
        file.seek(matrix.begin + 4 * matrix.columns * begin)
        read_exactly(file, rows, layout.path, matrix.name)
    return rows.astype(np.float32, copy=False)


def row_blocks(
    layout: Layout, matrix: Matrix, begin: int, end: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[np.ndarray]:
    """Read rows [begin, end) of a matrix block by block; the next block overwrites the previous one."""
    step = max(1, block_bytes // (4 * matrix.columns))
    buffer = np.empty((min(step, end - begin), matrix.columns), dtype="<f4")
    with open_regular_file(layout.path) as file:
        file.seek(matrix.begin + 4 * matrix.columns * begin)
        for first in range(begin, end, step):
            block = buffer[: end - first]
            read_exactly(file, block, layout.path, matrix.name)
            yield block
