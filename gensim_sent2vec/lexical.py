"""Which of many texts share their spelling with a query: TF-IDF of character n-grams.

Trained vectors know which words are alike in meaning; counting knows which very words, and parts of words, stand
there. Both together rank questions better than either.

Counting is done in numpy, a batch of texts at a time, and leaves no Python objects behind: a fitted `LexicalScores` is
four arrays, which can be mapped from files and shared by processes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy import sparse

Text = str | Sequence[str]

ROW_BITS = 14  # of a 64-bit key: the text's number in its batch; the others are the n-gram's hash
BATCH = 1 << ROW_BITS
FACTOR = np.uint64(0xD1342543DE82EF95)  # of a multiplicative hash; 50 bits, so n-grams hardly ever share one
BLANK = ord(" ")

COMMON = 0.1  # n-grams in more than this share of the texts are left out: they tell little, and most time goes to them
COMMON_LEAST = 1000  # but only if it is so many texts


class LexicalScores:
    """Cosines between the TF-IDF vectors of a query and of many texts.

    A text's features are the character n-grams within its words, the blanks on both sides of a word included
    (scikit-learn calls it "char_wb"): endings, particles and compounds, in which two wordings of a question differ,
    do not hide what they share. A feature that stands c times in a text, and in d of all n texts, counts
    (1 + log c) · (1 + log((1 + n) / (1 + d))).

    Make one with `fit`; the constructor takes what `arrays` gives.

    Attributes
    ----------
    features : numpy.ndarray of uint64, shape (n_features,)
        The hashes of the n-grams that occur, in ascending order.
    starts : numpy.ndarray of int64, shape (n_features + 1,)
        Feature i stands in the texts ``rows[starts[i]:starts[i + 1]]``, in ascending order, with the `weights` there.
    rows : numpy.ndarray of int32
    weights : numpy.ndarray of float32
        Those of a text have the length 1 together.
    n : int
        The number of texts.
    ngrams : (int, int)
        The shortest and the longest n-gram.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], n: int, ngrams: tuple[int, int] = (1, 3)) -> None:
        # As plain arrays: slices of numpy.memmap are slow to make.
        self.features, self.starts = np.asarray(arrays["features"]), np.asarray(arrays["starts"])
        self.rows, self.weights = np.asarray(arrays["rows"]), np.asarray(arrays["weights"])
        self.n, self.ngrams = n, (ngrams[0], ngrams[1])

    @classmethod
    def fit(cls, texts: Iterable[Text], ngrams: tuple[int, int] = (1, 3)) -> LexicalScores:
        """Count the n-grams of the texts that are to be searched.

        Parameters
        ----------
        texts : iterable of str or of sequences of str
            Texts, or their tokens.
        ngrams : (int, int)
            The shortest and the longest n-gram.
        """
        if not 1 <= ngrams[0] <= ngrams[1]:
            raise ValueError(f"ngrams: (shortest, longest) with 1 <= shortest <= longest, got {ngrams}")
        iterator = iter(texts)
        batches = []
        while batch := list(islice(iterator, BATCH)):
            batches.append(_count(batch, ngrams))
        n = sum(batch.n for batch in batches)
        features, frequency = _frequencies(batches)
        kept = frequency <= max(COMMON * n, COMMON_LEAST)
        return cls(_postings(batches, features[kept], frequency[kept], n), n, ngrams)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the constructor takes."""
        return {name: getattr(self, name) for name in ("features", "starts", "rows", "weights")}

    def scores(self, query: Text) -> np.ndarray:
        """How much of the query's spelling each text shares.

        Parameters
        ----------
        query : str or sequence of str
            A text, or its tokens.

        Returns
        -------
        numpy.ndarray of float32, shape (n,)
            From 0, nothing in common, to 1, the same n-grams in the same proportions.
        """
        counted = _count([query], self.ngrams)
        at, known = _find(self.features, counted.features)
        at = at[known]
        weights = _weights(counted.counts[known], self.starts[at + 1] - self.starts[at], self.n)
        if not len(at):
            return np.zeros(self.n, dtype=np.float32)
        weights /= np.sqrt(weights @ weights)
        columns = [slice(self.starts[i], self.starts[i + 1]) for i in at]
        texts, values = (np.concatenate([array[column] for column in columns]) for array in (self.rows, self.weights))
        ends = np.concatenate([[0], np.cumsum(self.starts[at + 1] - self.starts[at])])
        return np.minimum(sparse.csc_array((values, texts, ends), shape=(self.n, len(at))) @ weights, 1)

    def scores_of(self, queries: Sequence[Text], rows: np.ndarray) -> np.ndarray:
        """`scores` of several queries like each other, for a few of the texts.

        Parameters
        ----------
        queries : sequence of str or of sequences of str
        rows : numpy.ndarray of int64, shape (n_rows,)
            Which texts.

        Returns
        -------
        numpy.ndarray of float32, shape (n_queries, n_rows)
        """
        counted = _count(queries, self.ngrams)
        at, known = _find(self.features, counted.features)
        at, sizes, used = at[known], counted.sizes[known], np.repeat(known, counted.sizes)
        values = _weights(counted.counts[used], np.repeat(self.starts[at + 1] - self.starts[at], sizes), self.n)
        of_queries = np.zeros((len(queries), len(at)), dtype=np.float32)
        of_queries[counted.rows[used], np.repeat(np.arange(len(at)), sizes)] = values
        lengths = np.sqrt(np.einsum("ij,ij->i", of_queries, of_queries))[:, None]
        of_queries /= np.where(lengths > 0, lengths, 1)
        of_texts = np.zeros((len(at), len(rows)), dtype=np.float32)
        for weights, i in zip(of_texts, at):
            where = slice(self.starts[i], self.starts[i + 1])
            places, found = _find(self.rows[where], rows)
            weights[found] = self.weights[where][places[found]]
        return np.minimum(of_queries @ of_texts, 1)


# -----------------------------------------------------------------------------------------------------
# Counting


@dataclass
class _Counts:
    """N-grams of a batch of texts, sorted by feature, then by text."""

    n: int  # texts
    features: np.ndarray  # uint64, ascending
    sizes: np.ndarray  # int64: in how many texts of the batch each stands
    rows: np.ndarray  # int32: in which ones
    counts: np.ndarray  # float32: how often


def _count(texts: Sequence[Text], ngrams: tuple[int, int]) -> _Counts:
    padded = [f" {' '.join(plain(text).split())} " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    row_of = np.repeat(np.arange(len(padded), dtype=np.uint64), [len(text) for text in padded])
    solid = codes != BLANK
    hashes = np.zeros(len(codes), dtype=np.uint64)
    whole = np.ones(len(codes), dtype=bool)  # no blank between the first and the last character
    keys = [np.zeros(0, dtype=np.uint64)]
    for n in range(1, min(ngrams[1], len(codes)) + 1):
        m = len(codes) - n + 1
        hashes = (hashes[:m] + codes[n - 1 :] + np.uint64(1)) * FACTOR
        if n > 2:
            whole = whole[:m] & solid[n - 2 : n - 2 + m]
        if n >= ngrams[0]:
            kept = whole[:m] if n > 2 else solid[:m] | solid[n - 1 :]
            keys.append((hashes[kept] >> np.uint64(ROW_BITS) << np.uint64(ROW_BITS)) | row_of[:m][kept])
    pairs, counts = _runs(np.sort(np.concatenate(keys)))
    features, sizes = _runs(pairs >> np.uint64(ROW_BITS))
    rows = (pairs & np.uint64((1 << ROW_BITS) - 1)).astype(np.int32)
    return _Counts(len(padded), features, sizes, rows, counts.astype(np.float32))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ones of sorted values, and how often each stands there."""
    begins = np.flatnonzero(np.concatenate([values[:1] == values[:1], values[1:] != values[:-1]]))
    return values[begins], np.diff(begins, append=len(values))


def plain(text: Text) -> str:
    """Text as it is compared: in lower case, one code for one letter (Unicode's form NFKC)."""
    return unicodedata.normalize("NFKC", text if isinstance(text, str) else " ".join(text)).lower()


def _frequencies(batches: Sequence[_Counts]) -> tuple[np.ndarray, np.ndarray]:
    """All features, ascending, and the number of texts that each stands in."""
    features = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *(batch.features for batch in batches)]))
    frequency = np.zeros(len(features), dtype=np.int64)
    for batch in batches:
        frequency[np.searchsorted(features, batch.features)] += batch.sizes
    return features, frequency


def _postings(batches: list[_Counts], features: np.ndarray, frequency: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """The arrays of `LexicalScores`; `batches` are used up, so that a large corpus is not held twice."""
    starts = np.concatenate([[0], np.cumsum(frequency)])
    rows = np.empty(starts[-1], dtype=np.int32)
    weights = np.empty(starts[-1], dtype=np.float32)
    free = starts[:-1].copy()
    first = 0
    while batches:
        batch = batches.pop(0)
        at, kept = _find(features, batch.features)
        at, sizes, used = at[kept], batch.sizes[kept], np.repeat(kept, batch.sizes)
        values = _weights(batch.counts[used], np.repeat(frequency[at], sizes), n)
        texts = batch.rows[used]
        values /= np.sqrt(np.bincount(texts, values * values, minlength=batch.n)).astype(np.float32)[texts]
        place = np.repeat(free[at] - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(values))
        rows[place], weights[place] = texts + first, values
        free[at] += sizes
        first += batch.n
    return {"features": features, "starts": starts, "rows": rows, "weights": weights}


def _find(features: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where features stand among all, and which of them do."""
    at = np.searchsorted(features, wanted)
    found = at < len(features)
    found[found] = features[at[found]] == wanted[found]
    return at, found


def _weights(counts: np.ndarray, frequency: np.ndarray, n: int) -> np.ndarray:
    return ((1 + np.log(counts)) * (1 + np.log((1 + n) / (1 + frequency)))).astype(np.float32)
