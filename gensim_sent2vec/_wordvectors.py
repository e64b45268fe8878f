"""gensim's KeyedVectors over a vocabulary of arrays; and the word2vec format, text and binary, in and out."""

from __future__ import annotations

import copy
import logging
import os
import re
import zlib
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from smart_open import open as smart_open

from ._files.container import WORD2VEC
from ._text.vocabulary import Vocabulary
from ._util import memory
from ._util.compression import COMPRESSED_SUFFIXES

logger = logging.getLogger(__name__)


class WordVectors(KeyedVectors):
    """The words of `Sent2VecKeyedVectors`."""

    # Where gensim's own code fills them they are a list and a dict; see `freeze`.
    index_to_key: Any
    key_to_index: Any
    expandos: dict[str, np.ndarray]
    vectors_ngrams: np.ndarray

    def set_words(self, vocabulary: Vocabulary) -> None:
        """Make `vocabulary` the words of these vectors; rows and attributes are the caller's to supply."""
        self.key_to_index = vocabulary
        self.index_to_key = vocabulary.index_to_key
        self.next_index = len(vocabulary)

    @property
    def bucket(self) -> int:
        """The number of n-gram rows."""
        return len(self.vectors_ngrams)

    def freeze(self) -> Vocabulary:
        """The words as arrays, made of the dict and list that gensim's own code fills."""
        if not isinstance(self.key_to_index, Vocabulary):
            if None in self.index_to_key:
                raise ValueError(f"{self.index_to_key.index(None)} of {len(self.index_to_key)} words have been added")
            self.set_words(Vocabulary.from_words(self.index_to_key))
        return self.key_to_index

    def _thaw(self) -> None:
        """The words as a dict and a list, for gensim's own code to change."""
        if isinstance(self.key_to_index, Vocabulary):
            self.index_to_key = list(self.index_to_key)
            self.key_to_index = {word: i for i, word in enumerate(self.index_to_key)}

    def add_vectors(self, keys: Any, weights: Any, extras: Any = None, replace: bool = False) -> None:
        self._thaw()
        super().add_vectors(keys, weights, extras=extras, replace=replace)

    def add_vector(self, key: Any, vector: Any) -> int:
        self._thaw()
        return super().add_vector(key, vector)

    def sort_by_descending_frequency(self) -> None:
        super().sort_by_descending_frequency()
        if len(self):
            self.freeze()

    # -------------------------------------------------------------------------------------------------
    # The word2vec format

    def save_word2vec_format(self, fname: Any, fvocab: Any = None, *args: Any, **kwargs: Any) -> None:
        """Save the words' own vectors as a word2vec file, which is read back equal; arguments are those of gensim's.

        Half precision is written as float32. What the format has no place for is left out, with a warning in the log:
        n-gram rows; words that are empty, or have in them a blank, a control character or a lone surrogate (and with
        `fvocab` any other space).

        Parameters
        ----------
        fname : str or path-like
            Compressed where it ends in ``.gz`` or ``.bz2``.
        fvocab : str, optional
            A further file to write: the words and their counts.
        binary : bool
            The binary form instead of text.
        """
        if self.bucket:
            logger.warning("%s: the word2vec form has words only, %s n-gram rows are left out", fname, self.bucket)
        saved: Any = self
        unfit = unfit_for_word2vec(self.freeze(), spaces=fvocab is not None)
        if len(unfit):
            words = ", ".join(repr(self.index_to_key[i]) for i in unfit[:3].tolist())
            logger.warning("%s: %s words, such as %s, cannot stand in a word2vec file", fname, len(unfit), words)
            saved = self._without(unfit)
        if saved.vectors.dtype != np.float32:
            saved = copy.copy(saved)
            saved.vectors = saved.vectors.astype(np.float32)
        super(WordVectors, saved).save_word2vec_format(fname, fvocab, *args, **kwargs)

    def _without(self, ids: np.ndarray) -> WordVectors:
        """The words but for some."""
        kept = np.delete(np.arange(len(self)), ids)
        result = type(self)(self.vector_size)
        result.set_words(self.freeze().take(kept))
        result.vectors = self.vectors[kept]
        result.expandos = {name: values[kept] for name, values in self.expandos.items()}
        return result

    @classmethod
    def load_word2vec_format(
        cls,
        fname: Any,
        fvocab: Any = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: Any = np.float32,
        no_header: bool = False,
    ) -> WordVectors:
        """Load a word2vec text or binary file; the arguments are those of gensim's `KeyedVectors`.

        Raises
        ------
        ValueError, OSError
            With the name of the file, where it is damaged or of another kind, or cannot be read.
        MemoryError
            Where the vectors do not fit the memory that this process may take.
        """
        fname = os.fspath(fname)
        try:
            if not no_header:
                _check_header(fname, binary, limit)
            result = super().load_word2vec_format(
                fname, fvocab, binary, encoding, unicode_errors, limit, datatype, no_header
            )
        except (ValueError, EOFError, AssertionError, IndexError, zlib.error) as error:
            kind = "binary" if binary else "text"
            raise ValueError(f"{fname!r} is damaged, or no word2vec {kind} file: {error or 'no vectors'}") from error
        except OSError as error:
            if error.filename is None:  # of a decompressor
                raise OSError(f"{fname!r}: {error}") from error
            raise
        n = result.next_index  # gensim leaves places free where words stand twice
        result.index_to_key, result.vectors = result.index_to_key[:n], result.vectors[:n]
        result.allocate_vecattrs()
        result.freeze()
        return result


def unfit_for_word2vec(words: Vocabulary, spaces: bool = False) -> np.ndarray:
    """The ids of words that word2vec files cannot hold: empty ones, and those with blanks or bytes that are no text.

    `spaces`: also those with a space beyond ASCII, at which lists of counts are split.
    """
    after = np.append(words.blob[1:], 0).astype(np.uint8)
    bad = np.flatnonzero((words.blob <= ord(" ")) | ((words.blob == 0xED) & (after >= 0xA0)))  # ED A0 …: a surrogate
    ids = [np.searchsorted(words.offsets, bad, side="right") - 1, np.flatnonzero(np.diff(words.offsets) == 0)]
    if spaces:
        ids.append(np.array([i for i, word in enumerate(words) if re.search(r"\s", word)], dtype=np.int64))
    return np.unique(np.concatenate(ids))


def word2vec_binary(path: str) -> bool | None:
    """Whether a word2vec file, which may be compressed, is binary; None where it is no word2vec file."""
    with smart_open(path, "rb") as file:
        first: Any = file.readline(100)
        if not WORD2VEC.fullmatch(first):
            return None
        dim = int(first.split()[1])
        second = file.readline(min(1 << 20, 1000 + 30 * dim))
    try:
        return len([float(number) for number in second.decode("utf-8").split(" ")[1:] if number.strip()]) != dim
    except ValueError:  # no text, or no numbers
        return True


def _check_header(path: str, binary: bool, limit: int | None) -> None:
    """Raise where the numbers that a word2vec file begins with cannot be, before anything is allocated for them."""
    with smart_open(path, "rb") as file:
        header: Any = file.readline(100)
    if not WORD2VEC.fullmatch(header) or len(header) > 40:
        raise ValueError(
            f"bytes 0 to {len(header)}: the numbers of words and of dimensions are expected, got {header[:40]!r}; "
            "where each line is a word's, pass no_header=True"
        )
    n, dim = map(int, header.split())
    n = min(n, limit or n)
    size = 0 if path.endswith(COMPRESSED_SUFFIXES) or "://" in path else os.path.getsize(path)
    least = n * (4 * dim + 1 if binary else 2 * dim + 1) - 1
    if not dim or (size and size - len(header) < least):
        raise ValueError(
            f"bytes 0 to {len(header)}: {n:,} words of {dim:,} numbers, for which the file's {size:,} bytes are too few"
        )
    if n and binary and not word2vec_binary(path):
        raise ValueError("pass binary=False")
    memory.require(n * (dim * 4 + 8), f"loading {path!r}", ["a limit=… of words"])
