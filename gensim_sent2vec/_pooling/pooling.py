"""Pooling: from batches of sentences to sentence vectors, as the plain mean of rows or as the weighted mean."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from .. import _kernel
from .._text.vocabulary import Vocabulary
from .._util.rows import unit_rows
from .fitted import FittedWeighting, WordEncoder
from .parameters import WeightingParameters
from .pretrained import scale_parts

CACHED_VALUES = 1 << 21  # floats in the cache of out-of-vocabulary rows


class MeanPooling:
    """The plain mean of the rows of words and word n-grams.

    Parameters
    ----------
    words : Vocabulary
    vectors : numpy.ndarray of float32 or float16, shape (n_words, vector_size)
    vectors_ngrams : numpy.ndarray of the same type, shape (bucket, vector_size)
    ngram_mode : tuple of (int, bool, str)
        `word_ngrams`, `skip_bigrams` and `ngram_hash` of the vectors.
    """

    unit_length = False  # scale the means to length 1

    def __init__(
        self, words: Vocabulary, vectors: np.ndarray, vectors_ngrams: np.ndarray, ngram_mode: tuple[int, bool, str]
    ) -> None:
        self._words, self._vectors, self._vectors_ngrams, self._ngram_mode = words, vectors, vectors_ngrams, ngram_mode
        word_ngrams, skip_bigrams, ngram_hash = ngram_mode
        self._encoder = _kernel.Encoder(
            words, vectors, vectors_ngrams, word_ngrams=word_ngrams, skip_bigrams=skip_bigrams, ngram_hash=ngram_hash
        )
        self.vector_size = vectors.shape[1]

    def matches(
        self, words: Vocabulary, vectors: np.ndarray, vectors_ngrams: np.ndarray, ngram_mode: tuple[int, bool, str]
    ) -> bool:
        """Whether it was made from these very objects, so that it can be used again."""
        return (
            self._words is words
            and self._vectors is vectors
            and self._vectors_ngrams is vectors_ngrams
            and self._ngram_mode == ngram_mode
        )

    def __call__(self, pack: _kernel.Pack) -> tuple[np.ndarray, np.ndarray]:
        """Pool a batch of n sentences.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n, vector_size)
        known : numpy.ndarray of bool, shape (n,)
            Whether the sentence has a known word; otherwise its vector is all zeros.
        """
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        known = np.empty(len(pack), dtype=np.int64)
        self._encoder.encode(pack, vectors, known)
        return unit_rows(vectors) if self.unit_length else vectors, known > 0


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
        Size of the cache of rows of out-of-vocabulary words, in floats.

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
    ) -> None:
        fitted.check_vocabulary(words)
        rows = vectors if fitted.rows is None else fitted.rows
        self._words, self._rows, self._parameters, self._fitted = words, rows, parameters, fitted
        self._part_lengths = parameters.part_lengths(bool(fitted.pretrained_dims))
        no_ngrams = np.zeros((0, rows.shape[1]), dtype=rows.dtype)
        self._encoder = _kernel.Encoder(
            words, rows, no_ngrams, word_ngrams=1, skip_bigrams=False, ngram_hash="mixed", weights=fitted.weights
        )
        self.vector_size = rows.shape[1]
        self._unseen: UnseenWordCache | None = None
        if fitted.encodes_unseen:
            capacity = max(1, cached_values // self.vector_size)
            self._unseen = UnseenWordCache(fitted.word_encoder(parameters.stop_words), self.vector_size, capacity)

    def matches(
        self, words: Vocabulary, vectors: np.ndarray, parameters: WeightingParameters, fitted: FittedWeighting
    ) -> bool:
        """Whether it was made from these very objects, so that it can be used again."""
        rows = vectors if fitted.rows is None else fitted.rows
        return self._words is words and self._rows is rows and self._parameters is parameters and self._fitted is fitted

    def __call__(self, pack: _kernel.Pack) -> tuple[np.ndarray, np.ndarray]:
        """Pool a batch of n sentences.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n, vector_size)
        known : numpy.ndarray of bool, shape (n,)
            Whether the sentence has a word of positive weight; otherwise its vector is all zeros.
        """
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        totals = np.empty(len(pack), dtype=np.float32)
        unseen = self._encoder.encode(
            pack, vectors, totals=totals, first_half=self._parameters.first_half,
            half_length=self._parameters.half_length, unseen=self._unseen is not None,
        )  # fmt: skip
        if unseen is not None and self._unseen is not None:
            sentences, factors, tokens = unseen
            at, rows, weights = self._unseen.find(tokens)
            _kernel.add_weighted_rows(vectors, totals, sentences, at, factors * weights[at], rows)
        if self._part_lengths is not None:
            self._scale_parts(vectors, self._part_lengths)
        return vectors, totals > 0

    def _scale_parts(self, vectors: np.ndarray, lengths: tuple[float, ...]) -> None:
        semantic_dims, pretrained_dims = self._fitted.semantic_dims, self._fitted.pretrained_dims
        if pretrained_dims:
            lexical_dims = self.vector_size - semantic_dims - pretrained_dims
            scale_parts(vectors, (semantic_dims, lexical_dims, pretrained_dims), lengths)
        else:
            self._encoder.normalize_parts(vectors, semantic_dims, *lengths)


class UnseenWordCache:
    """Rows and weights of out-of-vocabulary words. It is emptied when it is full; threads can share it.

    Parameters
    ----------
    encode : callable
        From words to rows and weights, see `UnseenWords.encoder`.
    n_dims : int
        Dimensions of a row.
    capacity : int
        Words to hold. More are held if they are asked for at once.
    """

    def __init__(self, encode: WordEncoder, n_dims: int, capacity: int) -> None:
        self._encode, self._n_dims, self._capacity = encode, n_dims, capacity
        self._lock = threading.Lock()
        self._clear(0)

    def _clear(self, size: int) -> None:
        # New arrays: other threads may still read the old ones.
        self._positions: dict[str, int] = {}
        self._rows = np.zeros((size, self._n_dims), dtype=np.float32)
        self._weights = np.zeros(size, dtype=np.float32)

    def find(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows and weights of words.

        Returns
        -------
        at : numpy.ndarray of int64, shape (n_words,)
            Positions of the words in the two arrays that follow.
        rows : numpy.ndarray of float32, shape (size, n_dims)
        weights : numpy.ndarray of float32, shape (size,)
        """
        with self._lock:
            new = [word for word in dict.fromkeys(words) if word not in self._positions]
            if len(self._positions) + len(new) > len(self._rows):
                new = list(dict.fromkeys(words))
                self._clear(max(self._capacity, len(new)))
            if new:
                part = slice(len(self._positions), len(self._positions) + len(new))
                self._rows[part], self._weights[part] = self._encode(new)
                self._positions.update(zip(new, range(part.start, part.stop)))
            at = np.fromiter(map(self._positions.__getitem__, words), dtype=np.int64, count=len(words))
            return at, self._rows, self._weights


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
