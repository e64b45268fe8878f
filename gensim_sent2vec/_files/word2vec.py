"""The word2vec format: checks of its header, of text or binary, and of the words that it cannot store.

gensim reads entire files and writes the format; these functions make damaged files and unsuitable words known before it
does, and read files that need not fit into memory.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from smart_open import open as smart_open

from .._text.vocabulary import Vocabulary
from .._util import memory
from .._util.atomic import atomic_path
from .._util.compression import COMPRESSED_SUFFIXES, open_decompressed
from .other_formats import WORD2VEC_HEADER

CHUNK = 1 << 20  # bytes that are read together
LONGEST_WORD = 1 << 20  # bytes


def unsupported_words(words: Vocabulary, counts_file: bool = False) -> np.ndarray:
    """The ids of words that a word2vec file cannot store.

    These are empty words and those with ASCII whitespace, control characters or lone surrogates.

    Parameters
    ----------
    words : Vocabulary
    counts_file : bool
        Also words with any other whitespace, at which gensim splits the lines of a file of counts (``fvocab``).

    Returns
    -------
    numpy.ndarray of int64, ascending
    """
    next_byte = np.append(words.blob[1:], 0).astype(np.uint8)
    surrogate = (words.blob == 0xED) & (next_byte >= 0xA0)  # UTF-8 of a lone surrogate starts with ED A0 … ED BF
    bad_bytes = np.flatnonzero((words.blob <= ord(" ")) | surrogate)
    empty = np.flatnonzero(np.diff(words.offsets) == 0)
    ids = [np.searchsorted(words.offsets, bad_bytes, side="right") - 1, empty]
    if counts_file:
        ids.append(np.array([i for i, word in enumerate(words) if re.search(r"\s", word)], dtype=np.int64))
    return np.unique(np.concatenate(ids))


@contextmanager
def unfinished(path: Any, append: bool = False) -> Iterator[Any]:
    """The path of a temporary file for gensim to write, which replaces the file at the end.

    None, an open file and the address of a remote file are what gensim gets. With `append`, the temporary file starts
    with the content of the existing one.
    """
    if not isinstance(path, (str, os.PathLike)) or "://" in os.fspath(path):
        yield path
        return
    with atomic_path(path) as temporary:
        if append and os.path.isfile(path):
            shutil.copyfile(path, temporary)
        yield temporary


def is_binary(path: str) -> bool | None:
    """Whether a word2vec file, which may be compressed, is binary; None if it is not a word2vec file."""
    with open_decompressed(path) as file:
        first_line: bytes = file.readline(100)
        if not WORD2VEC_HEADER.fullmatch(first_line):
            return None
        dim = int(first_line.split()[1])
        second_line = file.readline(min(1 << 20, 1000 + 30 * dim))
    try:
        values = [float(value) for value in second_line.decode("utf-8").split(" ")[1:] if value.strip()]
    except ValueError:  # not text, or not numbers
        return True
    return len(values) != dim


def lacks_header(path: str) -> bool:
    """Whether a file is word2vec text, perhaps compressed, without the first line: the format of GloVe."""
    with open_decompressed(path) as file:
        lines = [file.readline(1 << 20) for _ in range(2)]
    sizes = []
    for line in lines:
        _, *values = line.rstrip().split(b" ")
        try:
            sizes.append(len([float(value) for value in values]))
        except ValueError:
            return False
    return sizes[0] > 1 and sizes[1] in (0, sizes[0])


def check_header(path: str, binary: bool, limit: int | None = None) -> tuple[int, int]:
    """Check the header of a word2vec file before anything is allocated for it.

    Parameters
    ----------
    path : str
    binary : bool
        Whether the file is to be read as binary.
    limit : int or None
        The number of words to read; None for all.

    Returns
    -------
    (int, int)
        The number of words to read, and of dimensions.

    Raises
    ------
    ValueError
        If the first line is not a header, the file is too small for it, or the file is text and not binary.
    """
    with smart_open(path, "rb") as file:
        header: bytes = file.readline(100)
    if not WORD2VEC_HEADER.fullmatch(header) or len(header) > 40:
        raise ValueError(
            f"bytes 0 to {len(header)}: expected the numbers of words and of dimensions, got {header[:40]!r}; if the "
            "file has no such line, pass no_header=True"
        )
    n_words, dim = map(int, header.split())
    n_words = min(n_words, limit or n_words)
    size = 0 if path.endswith(COMPRESSED_SUFFIXES) or "://" in path else os.path.getsize(path)
    least = n_words * (4 * dim + 1 if binary else 2 * dim + 1) - 1
    if not dim or (size and size - len(header) < least):
        raise ValueError(
            f"bytes 0 to {len(header)}: {n_words:,} words of {dim:,} dimensions do not fit into the file's {size:,} "
            "bytes"
        )
    if n_words and binary and not is_binary(path):
        raise ValueError("it is a text file; pass binary=False")
    return n_words, dim


def require_memory(path: str, n_words: int, dim: int) -> None:
    """Raise a MemoryError if the vectors of a file do not fit into memory."""
    memory.require(n_words * (dim * 4 + 8), f"loading {path!r}", ["a limit=… of words"])


# -----------------------------------------------------------------------------------------------------
# Reading one word after the other


def read_entries(path: str, binary: bool, encoding: str, errors: str) -> Iterator[tuple[str, np.ndarray]]:
    """The words of a word2vec file and their vectors, which are only valid until the next one is read.

    Parameters
    ----------
    path : str
        With a header, see `check_header`.
    binary : bool
    encoding, errors : str
        As for `bytes.decode`.

    Yields
    ------
    word : str
    row : numpy.ndarray of float32, shape (dim,)

    Raises
    ------
    ValueError, EOFError
        If the file is damaged, with the line or the word.
    """
    with smart_open(path, "rb") as file:
        n_words, dim = map(int, file.readline().split())
        n_read = 0
        for word, row in (_binary_entries if binary else _text_entries)(file, n_words, dim):
            yield word.decode(encoding, errors), row
            n_read += 1
    if n_read < n_words:
        raise EOFError(f"the file ends after {n_read:,} of {n_words:,} words")


def _text_entries(file: Any, n_words: int, dim: int) -> Iterator[tuple[bytes, np.ndarray]]:
    for number, line in enumerate(file, 2):
        word, *values = line.rstrip().split(b" ")
        if not word and not values:
            continue
        if len(values) != dim:
            raise ValueError(f"line {number:,}: expected a word and {dim} values, got {len(values)} values")
        yield word, np.array(values, dtype=np.float32)


def _binary_entries(file: Any, n_words: int, dim: int) -> Iterator[tuple[bytes, np.ndarray]]:
    buffer, at = b"", 0
    for i in range(n_words):
        while (space := buffer.find(b" ", at)) < 0 or len(buffer) - space <= 4 * dim:
            if space < 0 and len(buffer) - at > LONGEST_WORD:
                raise ValueError(f"word {i:,}: no end within {LONGEST_WORD:,} bytes")
            chunk = file.read(CHUNK)
            if not chunk:
                return
            buffer, at = buffer[at:] + chunk, 0
        row = np.frombuffer(buffer, dtype="<f4", count=dim, offset=space + 1)
        yield buffer[at:space].lstrip(b"\n"), row  # some programs end each vector with a newline
        at = space + 1 + 4 * dim
