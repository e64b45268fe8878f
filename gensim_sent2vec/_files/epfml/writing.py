"""Write a .bin that the reference program loads."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from ... import _kernel
from ..._text.vocabulary import Vocabulary
from ..._util.atomic import atomic_write
from ..other_formats import EPFML_MAGIC
from .layout import LINE_END, PLACEHOLDER, VERSIONS, Arguments

WORDS_TOGETHER = 1 << 16  # entries of the dictionary written at a time
BLOCK_BYTES = 1 << 22  # of a matrix, written at a time


def write_model(
    path: str | os.PathLike[str],
    arguments: Arguments,
    words: Vocabulary,
    counts: np.ndarray,
    n_lines: int,
    n_tokens: int,
    placeholder: np.ndarray | None,
    vectors: np.ndarray,
    vectors_ngrams: np.ndarray,
    output: np.ndarray | None,
) -> None:
    """Write a model without character n-grams, atomically.

    Parameters
    ----------
    path : str or path-like
    arguments : Arguments
    words : Vocabulary
        ``</s>`` is appended if it is not among them; ``<PLACEHOLDER>`` is put first.
    counts : numpy.ndarray of int64, shape (n_words,)
    n_lines, n_tokens : int
        Size of the corpus; at least the sum of the counts is written as the number of tokens.
    placeholder : numpy.ndarray of float32, shape (dim,), or None
        The input row of the placeholder; None: zeros.
    vectors, vectors_ngrams : numpy.ndarray, shape (n_words, dim) and (bucket, dim)
        The input matrix.
    output : numpy.ndarray, shape (n_words, dim), or None
        The output matrix; None: zeros.

    Raises
    ------
    ValueError
        If the format cannot store the words.
    OSError
        If the file cannot be written.
    """
    _check_words(words, len(vectors_ngrams))
    zeros = np.zeros((1, vectors.shape[1]), dtype=np.float32)
    appended = LINE_END.decode() not in words
    appended_row = [zeros] if appended else []
    n_entries = 1 + len(words) + appended
    n_tokens = max(n_tokens, int(counts.sum()) + (n_lines if appended else 0))
    first_row = zeros if placeholder is None else placeholder[None]
    output = np.broadcast_to(zeros, vectors.shape) if output is None else output
    with atomic_write(path) as file:
        file.write(struct.pack("<2i", EPFML_MAGIC, VERSIONS[0]))
        file.write(struct.pack("<12i d", *arguments[:13]))
        file.write(struct.pack("<3i2q", n_entries, n_entries, 0, n_tokens, -1))
        file.write(_entry(PLACEHOLDER, 0))
        _write_entries(file, words, counts)
        if appended:
            file.write(_entry(LINE_END, n_lines))
        # The last row is that of the unused bucket of character n-grams.
        _write_matrix(file, [first_row, vectors, *appended_row, vectors_ngrams, zeros])
        _write_matrix(file, [zeros, output, *appended_row])


def _check_words(words: Vocabulary, bucket: int) -> None:
    zero_bytes = np.flatnonzero(words.blob == 0)
    if len(zero_bytes):
        i = int(np.searchsorted(words.offsets, zero_bytes[0], side="right")) - 1
        raise ValueError(f"model: the word {words.words[i]!r} contains a zero byte, which ends a word in a .bin")
    if len(words) + 2 >= 1 << 31 or bucket >= 1 << 31:
        raise ValueError(f"model: {len(words)} words and {bucket} buckets are more than a .bin can store")


def _entry(word: bytes, count: int) -> bytes:
    return word + b"\0" + struct.pack("<qb", count, 0)


def _write_entries(file: BinaryIO, words: Vocabulary, counts: np.ndarray) -> None:
    for i in range(0, len(words), WORDS_TOGETHER):
        offsets = np.asarray(words.offsets[i : i + WORDS_TOGETHER + 1])
        file.write(_kernel.pack_entries(words.blob, offsets, counts[i : i + WORDS_TOGETHER]))


def _write_matrix(file: BinaryIO, parts: Sequence[np.ndarray]) -> None:
    """Write a matrix of the rows of all parts, as float32, block by block."""
    dim = parts[0].shape[1]
    file.write(struct.pack("<?2q", False, sum(map(len, parts)), dim))
    step = max(1, BLOCK_BYTES // (4 * dim))
    for part in parts:
        for i in range(0, len(part), step):
            file.write(np.ascontiguousarray(part[i : i + step], dtype="<f4").data)
