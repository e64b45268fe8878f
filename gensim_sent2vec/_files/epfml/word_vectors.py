"""Word vectors of a .bin: rows of the input matrix, or for a model with character n-grams, means of several rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ... import _kernel
from .binary_reader import damaged_file, open_regular_file, read_exactly
from .entries import BLOCK_BYTES
from .layout import Layout
from .reading import read_entries, read_rows, row_blocks

COMPOSED_TOGETHER = 256  # words
MAX_WORD_BYTES = 1 << 16  # of a word to compose: it has up to 64 n-grams per byte


def word_vector_blocks(layout: Layout, block_bytes: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
    """Compute the vectors of the words block by block, without that of the placeholder.

    Yields
    ------
    numpy.ndarray of float32, shape (rows, dim)
        Valid until the next one is requested.
    """
    if layout.has_char_ngrams:
        return _composed_blocks(layout, block_bytes)
    return row_blocks(layout, layout.input, 1, layout.n_entries, block_bytes)


def read_word_vectors(layout: Layout) -> np.ndarray:
    """Compute the vectors of all words, float32 (n_words, dim)."""
    if not layout.has_char_ngrams:
        return read_rows(layout, layout.input, 1, layout.n_entries)
    vectors = np.empty((layout.n_words, layout.args.dim), dtype=np.float32)
    done = 0
    for block in word_vector_blocks(layout):
        vectors[done : done + len(block)] = block
        done += len(block)
    return vectors


def _composed_blocks(layout: Layout, block_bytes: int) -> Iterator[np.ndarray]:
    first = 1  # the row of the placeholder is 0
    for entries in read_entries(layout, block_bytes):
        for i in range(0, len(entries.lengths), COMPOSED_TOGETHER):
            part = entries.take(i, min(i + COMPOSED_TOGETHER, len(entries.lengths)))
            ends = np.cumsum(part.lengths)
            words = [bytes(part.blob[end - n : end]) for end, n in zip(ends, part.lengths)]
            yield _compose(layout, words, first)
            first += len(words)


def _compose(layout: Layout, words: list[bytes], first: int) -> np.ndarray:
    """The vectors of consecutive words, of which the first one has row `first` of the input matrix."""
    args, first_char_row = layout.args, layout.n_entries + layout.args.bucket
    rows = []
    for i, word in enumerate(words):
        if len(word) > MAX_WORD_BYTES:
            raise damaged_file(layout.path, "dictionary", layout.entries, f"word {first + i} has {len(word)} bytes")
        buckets = _kernel.character_buckets(word, args.minn, args.maxn, args.bucketChar)
        rows.append(np.concatenate([[first + i], first_char_row + np.frombuffer(buckets, dtype=np.int64)]))
    distinct, inverse = np.unique(np.concatenate(rows), return_inverse=True)
    values = np.empty((len(distinct), args.dim), dtype="<f4")
    with open_regular_file(layout.path) as file:
        for value, row in zip(values, distinct.tolist()):
            file.seek(layout.input.begin + 4 * args.dim * row)
            read_exactly(file, value, layout.path, layout.input.name)
    lengths = np.array([len(of_word) for of_word in rows])
    with np.errstate(over="ignore", invalid="ignore"):  # the file may hold any values
        sums = np.add.reduceat(values[inverse], np.cumsum(lengths) - lengths, axis=0)
    return (sums / lengths[:, None]).astype(np.float32)
