"""Pooling: from batches of sentences to sentence vectors, as the plain mean of rows or as the weighted mean."""

from __future__ import annotations

from functools import partial

import numpy as np

from .. import _kernel
from .._text.vocabulary import Vocabulary
from .._util.rows import unit_rows
from .._util.threads import available_cpus
from .fitted import FittedWeighting
from .parameters import WeightingParameters

CACHED_VALUES = 1 << 24  # floats in all caches of rows of out-of-vocabulary words: 64 MB


class MeanPooling:
    """The plain mean of the rows of words and word n-grams.

    Parameters
    ----------
    words : Vocabulary
    vectors : numpy.ndarray of float32 or float16, shape (n_words, vector_size)
    vectors_ngrams : numpy.ndarray of the same type, shape (bucket, vector_size)
    ngram_mode : tuple of (int, bool, str)
        `word_ngrams`, `skip_bigrams` and `ngram_hash` of the vectors.
    unit_length : bool
        Scale the means to length 1.
    """

    def __init__(
        self,
        words: Vocabulary,
        vectors: np.ndarray,
        vectors_ngrams: np.ndarray,
        ngram_mode: tuple[int, bool, str],
        unit_length: bool = False,
    ) -> None:
        self._unit_length = unit_length
        self._words, self._vectors, self._vectors_ngrams, self._ngram_mode = words, vectors, vectors_ngrams, ngram_mode
        word_ngrams, skip_bigrams, ngram_hash = ngram_mode
        self._encoder = _kernel.Encoder(
            words, vectors, vectors_ngrams, word_ngrams=word_ngrams, skip_bigrams=skip_bigrams, ngram_hash=ngram_hash
        )
        self.vector_size = vectors.shape[1]
        self.notices_changes = True  # what is pooled is the vectors, as they are

    def matches(
        self,
        words: Vocabulary,
        vectors: np.ndarray,
        vectors_ngrams: np.ndarray,
        ngram_mode: tuple[int, bool, str],
        unit_length: bool = False,
    ) -> bool:
        """Whether it was made from these very objects, so that it can be used again."""
        return (
            self._words is words
            and self._vectors is vectors
            and self._vectors_ngrams is vectors_ngrams
            and self._ngram_mode == ngram_mode
            and self._unit_length == unit_length
        )

    def __call__(self, pack: _kernel.Pack, compare: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Pool a batch of n sentences. `compare` has no effect: what is pooled is the vectors, as they are.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n, vector_size)
        known : numpy.ndarray of bool, shape (n,)
            Whether the sentence has a known word; otherwise its vector is all zeros.
        """
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        known = np.empty(len(pack), dtype=np.int64)
        self._encoder.encode(pack, vectors, known)
        return unit_rows(vectors) if self._unit_length else vectors, known > 0

    def of_text(self, text: str) -> tuple[np.ndarray, bool]:
        """Pool one text, which is split at whitespace: its vector (vector_size,), and whether it has a known word."""
        vector, known = self._encoder.encode_text(text)
        return unit_rows(vector[None])[0] if self._unit_length else vector, known


class WeightedPooling:
    """The weighted mean of the rows of words, with its parts scaled.

    Parameters
    ----------
    words : Vocabulary
        The vocabulary that the weighting was fitted for.
    vectors : numpy.ndarray of float32 or float16, shape (n_words, vector_size)
        Used if the weighting has no rows.
    parameters : WeightingParameters
    fitted : FittedWeighting
    cached_values : int
        Size of the caches of rows of out-of-vocabulary words, in floats. Each thread uses one at a time, up to as many
        as there are CPUs.
    values : numpy.ndarray, optional
        `row_values` of the vectors when the weighting was fitted: pooling a word whose vector changed since then is a
        `ChangedVectorsError`.

    Raises
    ------
    ValueError
        If the weighting was fitted for another vocabulary.
    """

    def __init__(
        self,
        words: Vocabulary,
        vectors: np.ndarray,
        parameters: WeightingParameters,
        fitted: FittedWeighting,
        cached_values: int = CACHED_VALUES,
        values: np.ndarray | None = None,
    ) -> None:
        fitted.check_vocabulary(words)
        rows = vectors if fitted.rows is None else fitted.rows
        self._words, self._rows, self.parameters, self.fitted = words, rows, parameters, fitted
        self._source = None if values is None else vectors, values
        self.vector_size = rows.shape[1]
        n_caches = available_cpus()
        capacity = max(1, cached_values // (self.vector_size * n_caches))
        no_ngrams = np.zeros((0, rows.shape[1]), dtype=rows.dtype)
        encode_words = new_cache = None
        if fitted.encodes_unseen:
            encode_words = fitted.word_encoder(parameters.stop_words)
            new_cache = partial(_kernel.UnseenRows, self.vector_size, capacity)
            if fitted.unseen is not None and fitted.pretrained is None:  # the kernel fills the caches as far as it can
                new_cache = partial(fitted.unseen.cache, capacity, parameters.stop_words)
        self._encoder = _kernel.Encoder(
            words, rows, no_ngrams, word_ngrams=1, skip_bigrams=False, ngram_hash="mixed", weights=fitted.weights,
            parts=self._parts(), source=None if values is None else (vectors, values),
            first_half=parameters.first_half, half_length=parameters.half_length,
            unseen=new_cache, encode_words=encode_words, n_caches=n_caches,
        )  # fmt: skip
        self.of_text = self._encoder.encode_text  # one text, which is split at whitespace, as `__call__` does
        self.notices_changes = fitted.rows is None or values is not None

    def _parts(self) -> list[tuple[int, float]]:
        """The dimensions of the parts of a sentence vector, and their lengths; nothing if parts are not scaled."""
        fitted = self.fitted
        lengths = self.parameters.part_lengths(bool(fitted.pretrained_dims))
        lexical_dims = self._rows.shape[1] - fitted.semantic_dims - fitted.pretrained_dims
        sizes = (fitted.semantic_dims, lexical_dims, fitted.pretrained_dims)
        return [] if lengths is None else list(zip(sizes, lengths))

    def matches(
        self,
        words: Vocabulary,
        vectors: np.ndarray,
        parameters: WeightingParameters,
        fitted: FittedWeighting,
        values: np.ndarray | None = None,
    ) -> bool:
        """Whether it was made from these very objects, so that it can be used again."""
        rows = vectors if fitted.rows is None else fitted.rows
        source, known = self._source
        return (
            self._words is words
            and self._rows is rows
            and self.parameters is parameters
            and self.fitted is fitted
            and known is values
            and (known is None or source is vectors)
        )

    def __call__(self, pack: _kernel.Pack, compare: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Pool a batch of n sentences.

        Parameters
        ----------
        pack : Pack
        compare : bool
            Compare the vectors of words with `values`, if these are known.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n, vector_size)
        known : numpy.ndarray of bool, shape (n,)
            Whether the sentence has a word of positive weight; otherwise its vector is all zeros.

        Raises
        ------
        ChangedVectorsError
            If the vector of a word changed.
        """
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        totals = np.empty(len(pack), dtype=np.float32)
        self._encoder.encode(pack, vectors, totals=totals, compare=compare)
        return vectors, totals > 0


class RowBuffer:
    """Collects rows that arrive in batches into one array.

    Parameters
    ----------
    expected : int
        Number of rows, as far as is known; the buffer grows if there are more.
    n_dims : int
        Dimensions of a row.
    """

    def __init__(self, expected: int, n_dims: int) -> None:
        self.n = 0
        self._rows = np.empty((expected, n_dims), dtype=np.float32)

    def add(self, rows: np.ndarray) -> None:
        """Append rows: float32, (n, n_dims)."""
        n = self.n + len(rows)
        if n > len(self._rows):
            larger = np.empty((max(n, len(self._rows) * 3 // 2), self._rows.shape[1]), dtype=np.float32)
            larger[: self.n] = self._rows[: self.n]
            self._rows = larger
        self._rows[self.n : n] = rows
        self.n = n

    def result(self) -> np.ndarray:
        """All rows that were added: float32, (n, n_dims)."""
        return self._rows if self.n == len(self._rows) else self._rows[: self.n].copy()
