"""From batches of sentences to their vectors: the plain mean of rows, and the weighted one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _kernel
from .._text.vocabulary import Vocabulary
from ..weighting import SentenceWeighting

REMEMBERED = 1 << 21  # numbers of unknown words' rows that are kept at hand


class MeanPooling:
    """The mean of the rows of words and n-grams.

    Parameters
    ----------
    words : Vocabulary
    vectors, vectors_ngrams : numpy.ndarray
    mode : tuple of (int, bool, str)
        Longest n-gram, whether they are skip pairs, and the name of their hash.
    """

    def __init__(
        self, words: Vocabulary, vectors: np.ndarray, vectors_ngrams: np.ndarray, mode: tuple[int, bool, str]
    ) -> None:
        self._made_of = words, vectors, vectors_ngrams
        self._mode = mode
        n, skip, ngram_hash = mode
        self._encoder = _kernel.Encoder(
            words, vectors, vectors_ngrams, word_ngrams=n, skip_bigrams=skip, ngram_hash=ngram_hash
        )
        self.vector_size = vectors.shape[1]

    def matches(self, words: Any, vectors: Any, vectors_ngrams: Any, mode: Any) -> bool:
        """Whether it was made of these very objects."""
        own_words, own_vectors, own_ngrams = self._made_of
        same = own_words is words and own_vectors is vectors and own_ngrams is vectors_ngrams
        return same and self._mode == mode

    def __call__(self, pack: _kernel.Pack) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of some sentences, float32 (n, vector_size), and whether anything of each was known."""
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        known = np.empty(len(pack), dtype=np.int64)
        self._encoder.encode(pack, vectors, known)
        return vectors, known > 0


class WeightedPooling:
    """The read-out of a fitted weighting.

    Parameters
    ----------
    words : Vocabulary
    vectors : numpy.ndarray
        The words' own rows.
    weighting : SentenceWeighting
        Fitted for these words.
    """

    def __init__(self, words: Vocabulary, vectors: np.ndarray, weighting: SentenceWeighting) -> None:
        weighting.check_fits(words)
        self.weighting = weighting
        self._made_of = self._parts(words, vectors, weighting)
        self._ids = tuple(map(id, self._made_of))  # which no other objects can have while those are held
        rows = vectors if weighting.rows is None else weighting.rows
        no_grams = np.zeros((0, rows.shape[1]), dtype=rows.dtype)
        self._encoder = _kernel.Encoder(
            words, rows, no_grams, word_ngrams=1, skip_bigrams=False, ngram_hash="mixed", weights=weighting.weights
        )
        self.vector_size = rows.shape[1]
        self._spelt = None if weighting.spelling is None else UnseenWordRows(weighting, self.vector_size)

    @staticmethod
    def _parts(words: Any, vectors: Any, weighting: SentenceWeighting) -> tuple[Any, ...]:
        own = vectors if weighting.rows is None else None
        return words, own, weighting, weighting.rows, weighting.weights, weighting.spelling

    def matches(self, words: Any, vectors: Any, weighting: SentenceWeighting) -> bool:
        """Whether it was made of these very objects, as they are."""
        return self._ids == tuple(map(id, self._parts(words, vectors, weighting)))

    def __call__(self, pack: _kernel.Pack) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of some sentences, float32 (n, vector_size), and whether anything of each was known."""
        weighting = self.weighting
        vectors = np.empty((len(pack), self.vector_size), dtype=np.float32)
        totals = np.empty(len(pack), dtype=np.float32)
        unseen = self._encoder.encode(
            pack, vectors, totals=totals, first_half=weighting.first_half, half_length=weighting.half_length,
            unseen=self._spelt is not None,
        )  # fmt: skip
        if unseen is not None and self._spelt is not None:
            sentences, factors, tokens = unseen
            at, rows, weights = self._spelt.find(tokens)
            _kernel.add_weighted_rows(vectors, totals, sentences, at, factors * weights[at], rows)
        if lengths := weighting.lengths:
            self._encoder.normalize_parts(vectors, weighting.meaning_dims, *lengths)
        return vectors, totals > 0


class UnseenWordRows:
    """The rows of unknown words, those asked for lately kept at hand; threads may share it."""

    def __init__(self, weighting: SentenceWeighting, vector_size: int) -> None:
        self._rows_of = weighting.unseen_word_encoder()
        self._size = max(1, REMEMBERED // vector_size)
        self._vector_size = vector_size
        self._lock = threading.Lock()
        self._start(0)

    def _start(self, size: int) -> None:
        # New arrays: the old ones may be in another thread's hands.
        self._places: dict[str, int] = {}
        self._rows = np.zeros((size, self._vector_size), dtype=np.float32)
        self._weights = np.zeros(size, dtype=np.float32)

    def find(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each word stands (int64) in the rows (float32, (n, n_numbers)) and weights (float32) that follow."""
        with self._lock:
            new = [word for word in dict.fromkeys(words) if word not in self._places]
            if len(self._places) + len(new) > len(self._rows):
                new = list(dict.fromkeys(words))
                self._start(max(self._size, len(new)))
            if new:
                part = slice(len(self._places), len(self._places) + len(new))
                self._rows[part], self._weights[part] = self._rows_of(new)
                self._places.update(zip(new, range(part.start, part.stop)))
            at = np.fromiter(map(self._places.__getitem__, words), dtype=np.int64, count=len(words))
            return at, self._rows, self._weights


class Rows:
    """Rows that come batch by batch, as one array.

    Parameters
    ----------
    expected : int
        How many will come, as far as is known.
    width : int
        Numbers of a row.
    """

    def __init__(self, expected: int, width: int) -> None:
        self.n = 0
        self._rows = np.empty((expected, width), dtype=np.float32)

    def add(self, rows: np.ndarray) -> None:
        """Append float32 (n, width)."""
        n = self.n + len(rows)
        if n > len(self._rows):
            more = np.empty((max(n, len(self._rows) * 3 // 2), self._rows.shape[1]), dtype=np.float32)
            more[: self.n] = self._rows[: self.n]
            self._rows = more
        self._rows[self.n : n] = rows
        self.n = n

    def result(self) -> np.ndarray:
        """All of them, float32 (n, width)."""
        return self._rows if self.n == len(self._rows) else self._rows[: self.n].copy()
