"""gensim's KeyedVectors over a vocabulary stored in arrays."""

from __future__ import annotations

import copy
import logging
import os
import zlib
from typing import Any

import numpy as np
from gensim.models import KeyedVectors

from ._files import word2vec
from ._text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class DamagedFileError(ValueError, EOFError):
    """A word2vec file is damaged. gensim raises an EOFError for some of these files, and a ValueError for others."""


class WordVectors(KeyedVectors):
    """The words of `Sent2VecKeyedVectors`, their vectors and attributes."""

    # A list and a dict while gensim's own code fills them; see `freeze`.
    index_to_key: Any
    key_to_index: Any
    expandos: dict[str, np.ndarray]
    vectors_ngrams: np.ndarray

    def set_words(self, vocabulary: Vocabulary) -> None:
        """Set the words; the caller must set rows and attributes that match."""
        self.key_to_index = vocabulary
        self.index_to_key = vocabulary.index_to_key
        self.next_index = len(vocabulary)

    @property
    def bucket(self) -> int:
        """Number of n-gram rows."""
        return len(self.vectors_ngrams)

    def freeze(self) -> Vocabulary:
        """The words as a `Vocabulary`, which replaces the dict and list that gensim's own code fills."""
        if not isinstance(self.key_to_index, Vocabulary):
            if None in self.index_to_key:
                raise ValueError(
                    f"only {self.index_to_key.index(None)} of {len(self.index_to_key)} words have been added"
                )
            self.set_words(Vocabulary.from_words(self.index_to_key))
        return self.key_to_index

    def _unfreeze(self) -> None:
        """Replace the `Vocabulary` by a dict and list that gensim's own code can modify."""
        if isinstance(self.key_to_index, Vocabulary):
            self.index_to_key = list(self.index_to_key)
            self.key_to_index = {word: i for i, word in enumerate(self.index_to_key)}

    def add_vectors(self, keys: Any, weights: Any, extras: Any = None, replace: bool = False) -> None:
        self._unfreeze()
        super().add_vectors(keys, weights, extras=extras, replace=replace)

    def add_vector(self, key: Any, vector: Any) -> int:
        self._unfreeze()
        return super().add_vector(key, vector)

    def sort_by_descending_frequency(self) -> None:
        super().sort_by_descending_frequency()
        if len(self):
            self.freeze()

    # -------------------------------------------------------------------------------------------------
    # The word2vec format

    def save_word2vec_format(self, fname: Any, fvocab: Any = None, *args: Any, **kwargs: Any) -> None:
        """Save the vectors of the words as a word2vec file, atomically; loading it gives equal vectors.

        The arguments are those of gensim's `KeyedVectors`. Half precision is written as float32. What the format
        cannot store is left out, with a warning in the log: n-gram rows; words that are empty or contain ASCII
        whitespace, a control character or a lone surrogate (and with `fvocab` any other whitespace).

        Parameters
        ----------
        fname : str or path-like
            Compressed if it ends in ``.gz`` or ``.bz2``.
        fvocab : str, optional
            Another file to write: the words and their counts.
        binary : bool
            Write the binary format instead of text.
        """
        if self.bucket:
            logger.warning("%s: the word2vec format stores words only; %s n-gram rows are left out", fname, self.bucket)
        saved: Any = self
        unsupported = word2vec.unsupported_words(self.freeze(), counts_file=fvocab is not None)
        if len(unsupported):
            examples = ", ".join(repr(self.index_to_key[i]) for i in unsupported[:3].tolist())
            logger.warning(
                "%s: %s words, such as %s, cannot be stored in a word2vec file and are left out",
                fname, len(unsupported), examples,
            )  # fmt: skip
            saved = self._without(unsupported)
        if saved.vectors.dtype != np.float32:
            saved = copy.copy(saved)
            saved.vectors = saved.vectors.astype(np.float32)
        append = kwargs.get("append", args[4] if len(args) > 4 else False)
        with word2vec.unfinished(fname, append) as new, word2vec.unfinished(fvocab, append) as new_counts:
            super(WordVectors, saved).save_word2vec_format(new, new_counts, *args, **kwargs)

    def _without(self, ids: np.ndarray) -> WordVectors:
        """The words, vectors and attributes except those of `ids`."""
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
        """Load a word2vec file, text or binary; the arguments are those of gensim's `KeyedVectors`.

        Raises
        ------
        DamagedFileError, OSError
            With the name of the file, if it is damaged, in another format, or cannot be read.
        MemoryError
            If the vectors do not fit into the memory available to this process.
        """
        fname = os.fspath(fname)
        try:
            if not no_header:
                word2vec.check_header(fname, binary, limit)
            result = super().load_word2vec_format(
                fname, fvocab, binary, encoding, unicode_errors, limit, datatype, no_header
            )
        except (ValueError, EOFError, AssertionError, IndexError, zlib.error) as error:
            kind = "binary" if binary else "text"
            reason = error or "no vectors"
            raise DamagedFileError(f"{fname!r} is damaged, or not a word2vec {kind} file: {reason}") from error
        except OSError as error:
            if error.filename is None:  # raised by a decompressor
                raise OSError(f"{fname!r}: {error}") from error
            raise
        n = result.next_index  # less than the rows that gensim allocated, if words occur twice
        result.index_to_key, result.vectors = result.index_to_key[:n], result.vectors[:n]
        result.allocate_vecattrs()
        result.freeze()
        return result
