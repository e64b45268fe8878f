"""Word vectors of the reference's model with character n-grams: the mean of a word's row and its n-grams' rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ... import _kernel
from .layout import Layout, damaged_file, open_regular_file, read_entries, read_exactly

STEP = 256  # words that are put together at a time
LONGEST = 1 << 16  # bytes of a word: it has up to 64 n-grams a byte


def composed_rows(layout: Layout) -> Iterator[np.ndarray]:
    """The vectors of the words, without the placeholder's, block by block.

    Yields
    ------
    numpy.ndarray of float32, shape (up to STEP, dim)
    """
    first = 1
    for entries in read_entries(layout):
        for i in range(0, len(entries.lengths), STEP):
            part = entries.take(i, min(i + STEP, len(entries.lengths)))
            ends = np.cumsum(part.lengths)
            words = [bytes(part.blob[end - n : end]) for end, n in zip(ends, part.lengths)]
            yield _composed(layout, words, first)
            first += len(words)


def _composed(layout: Layout, words: list[bytes], first: int) -> np.ndarray:
    """The vectors of successive words; number `first` is the first one."""
    args, characters = layout.args, layout.n_words + layout.args.bucket
    rows = []
    for i, word in enumerate(words):
        if len(word) > LONGEST:
            raise damaged_file(layout.path, "dictionary", layout.entries, f"word {first + i} has {len(word)} bytes")
        buckets = _kernel.character_buckets(word, args.minn, args.maxn, args.bucketChar)
        rows.append(np.concatenate([[first + i], characters + np.frombuffer(buckets, dtype=np.int64)]))
    distinct, places = np.unique(np.concatenate(rows), return_inverse=True)
    values = np.empty((len(distinct), args.dim), dtype="<f4")
    with open_regular_file(layout.path) as file:
        for value, row in zip(values, distinct.tolist()):
            file.seek(layout.input.begin + 4 * args.dim * row)
            read_exactly(file, value, layout.path, layout.input.name)
    numbers = np.array([len(of_word) for of_word in rows])
    with np.errstate(over="ignore", invalid="ignore"):  # whatever numbers the file holds
        sums = np.add.reduceat(values[places], np.cumsum(numbers) - numbers, axis=0)
    return (sums / numbers[:, None]).astype(np.float32)
