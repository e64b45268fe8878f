"""Lexical scores: TF-IDF over character n-grams, which finds texts that share words and parts of words with a query.

Trained vectors know which words have similar meanings; lexical scores know which texts contain the same words. The two
together rank questions better than either alone, see `hybrid` in `gensim_sent2vec.SentenceIndex.most_similar`.

Texts are processed in numpy, a batch at a time, and no Python objects are kept: a fitted `LexicalScores` is four
arrays, which can be memory-mapped and shared between processes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy import sparse

from . import _kernel
from ._pooling.fitted import NgramFactors
from ._text.inputs import as_text, check_text, checked_texts
from ._util.hints import with_hints

Text = str | Sequence[str]

ROW_BITS = 14  # low bits of a 64-bit key, the text's number in its batch; the high bits are the hash of an n-gram
MAX_BATCH = 1 << ROW_BITS
MULTIPLIER = np.uint64(0xD1342543DE82EF95)  # of a multiplicative hash; 50 bits are kept, so collisions are rare
SPACE = ord(" ")


@with_hints
class LexicalScores:
    """Cosines between the TF-IDF vector of a query and those of many texts.

    The features of a text are the character n-grams within its words, including the space on either side of a word
    (scikit-learn's ``analyzer="char_wb"``). Two wordings of a question that differ in endings, particles or compounds
    thus still share features. A feature that occurs c times in a text, and in d of all n texts, has the weight
    (1 + log c) · (1 + log((1 + n) / (1 + d))), multiplied by its factor if the model's weighting was tuned
    (`gensim_sent2vec.SentenceWeighting.tune`); the weights of each text are scaled to unit length.

    Create an instance with `fit`. The constructor takes the arrays of another instance.

    Attributes
    ----------
    features : numpy.ndarray of uint64, shape (n_features,)
        Hashes of the n-grams, ascending.
    starts : numpy.ndarray of int64, shape (n_features + 1,)
        Feature i occurs in the texts ``rows[starts[i]:starts[i + 1]]``, ascending, with the `weights` at the same
        positions.
    rows : numpy.ndarray of int32, shape (n_postings,)
    weights : numpy.ndarray of float32, shape (n_postings,)
    factors : numpy.ndarray of float32, shape (n_features,), or None
        The factor of each feature; None: 1.
    n : int
        Number of texts.
    ngrams : (int, int)
        Minimum and maximum length of the n-grams.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], n: int, ngrams: tuple[int, int] = (1, 3)) -> None:
        # As plain arrays: slicing a numpy.memmap is slow.
        self.features, self.starts = np.asarray(arrays["features"]), np.asarray(arrays["starts"])
        self.rows, self.weights = np.asarray(arrays["rows"]), np.asarray(arrays["weights"])
        self.factors = None if arrays.get("factors") is None else np.asarray(arrays["factors"])
        self.n, self.ngrams = n, (ngrams[0], ngrams[1])

    @classmethod
    def fit(
        cls,
        texts: Iterable[Text],
        ngrams: tuple[int, int] = (1, 3),
        max_df: float = 0.1,
        always_keep: int = 1000,
        batch_size: int = MAX_BATCH,
        factors: NgramFactors | None = None,
    ) -> LexicalScores:
        """Compute the TF-IDF vectors of texts.

        Parameters
        ----------
        texts : iterable of str or of sequences of str
            Texts or their tokens. Read once.
        ngrams : (int, int)
            Minimum and maximum length of the n-grams.
        max_df : float
            N-grams that occur in a larger share of the texts are ignored: they take most of the time and hardly change
            the ranking.
        always_keep : int
            N-grams that occur in at most this number of texts are kept, whatever `max_df`.
        batch_size : int
            Number of texts that are processed together, at most 16,384.
        factors : NgramFactors, optional
            Factors of the weights of n-grams, which `SentenceWeighting.ngram_factors` of a tuned weighting contains.

        Returns
        -------
        LexicalScores

        Raises
        ------
        TypeError
            If `texts` is a string or a table, or a text is missing (None, NaN), with its row.
        ValueError
            If `ngrams` or `batch_size` is out of range.
        """
        if not 1 <= ngrams[0] <= ngrams[1]:
            raise ValueError(f"ngrams: expected (shortest, longest) with 1 <= shortest <= longest, got {ngrams}")
        if not 1 <= batch_size <= MAX_BATCH:
            raise ValueError(f"batch_size: must be between 1 and {MAX_BATCH:,}, got {batch_size}")
        iterator = iter(checked_texts(texts, "texts"))
        batches = []
        while batch := list(islice(iterator, batch_size)):
            batches.append(_count_ngrams(batch, ngrams))
        n = sum(batch.n for batch in batches)
        features, df = _document_frequencies(batches)
        kept = df <= max(max_df * n, always_keep)
        features = features[kept]
        of_features = None if factors is None else factors.of(features)
        return cls(_postings(batches, features, df[kept], n, of_features), n, ngrams)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that the constructor takes."""
        names = ("features", "starts", "rows", "weights", *(() if self.factors is None else ("factors",)))
        return {name: getattr(self, name) for name in names}

    def matrix(self) -> sparse.csr_matrix:
        """The TF-IDF vectors of the texts: float32, (n, n_features)."""
        shape = (self.n, len(self.features))
        return sparse.csc_matrix((self.weights, self.rows, self.starts), shape=shape).tocsr()

    def scores(self, query: Text) -> np.ndarray:
        """Score all texts for a query.

        Parameters
        ----------
        query : str or sequence of str
            A text or its tokens.

        Returns
        -------
        numpy.ndarray of float32, shape (n,)
            From 0 (no n-gram in common) to 1 (the same n-grams in the same proportions).
        """
        check_text(query, "query")
        counted = _count_ngrams([query], self.ngrams)
        positions, known = _find(self.features, counted.features)
        positions = positions[known]
        weights = _tf_idf(counted.counts[known], self.starts[positions + 1] - self.starts[positions], self.n)
        if not len(positions):
            return np.zeros(self.n, dtype=np.float32)
        if self.factors is not None:
            weights *= self.factors[positions]
        weights /= np.sqrt(weights @ weights)
        scores = np.zeros(self.n, dtype=np.float32)
        _kernel.add_postings(self.starts, self.rows, self.weights, positions, weights, scores)
        return scores

    def scores_of(self, queries: Sequence[Text], rows: np.ndarray) -> np.ndarray:
        """Score a few texts for several queries that have most of their n-grams in common.

        Parameters
        ----------
        queries : sequence of str or of sequences of str
        rows : numpy.ndarray of int64, shape (n_rows,)
            The texts to score.

        Returns
        -------
        numpy.ndarray of float32, shape (n_queries, n_rows)
            The same values as those of `scores`.
        """
        queries = list(checked_texts(queries, "queries"))
        counted = _count_ngrams(queries, self.ngrams)
        positions, known = _find(self.features, counted.features)
        positions, sizes, used = positions[known], counted.sizes[known], np.repeat(known, counted.sizes)
        df = self.starts[positions + 1] - self.starts[positions]
        of_queries = np.zeros((len(queries), len(positions)), dtype=np.float32)
        columns = np.repeat(np.arange(len(positions)), sizes)
        of_queries[counted.rows[used], columns] = _tf_idf(counted.counts[used], np.repeat(df, sizes), self.n)
        if self.factors is not None:
            of_queries *= self.factors[positions]
        lengths = np.sqrt(np.einsum("ij,ij->i", of_queries, of_queries))[:, None]
        of_queries /= np.where(lengths > 0, lengths, 1)
        of_texts = np.zeros((len(positions), len(rows)), dtype=np.float32)
        for weights, i in zip(of_texts, positions):
            posting = slice(self.starts[i], self.starts[i + 1])
            places, found = _find(self.rows[posting], rows)
            weights[found] = self.weights[posting][places[found]]
        return np.minimum(of_queries @ of_texts, 1)


# -----------------------------------------------------------------------------------------------------
# Counting n-grams


@dataclass
class _NgramCounts:
    """The n-grams of a batch of texts, sorted by feature, then by text."""

    n: int  # texts
    features: np.ndarray  # uint64, ascending
    sizes: np.ndarray  # int64, shape (n_features,): the number of texts of the batch that each feature occurs in
    rows: np.ndarray  # int32, shape (sum of sizes,): those texts
    counts: np.ndarray  # float32, shape (sum of sizes,): how often it occurs there


def _count_ngrams(texts: Sequence[Text], ngrams: tuple[int, int]) -> _NgramCounts:
    """Count the n-grams of all texts at once, as keys of a hash and a text's number that are sorted."""
    padded = [f" {' '.join(normalize_text(text).split())} " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    row_of = np.repeat(np.arange(len(padded), dtype=np.uint64), [len(text) for text in padded])
    keys = [np.zeros(0, dtype=np.uint64)]
    for hashes, within_word in _hash_ngrams(codes, ngrams):
        kept = hashes[within_word] >> np.uint64(ROW_BITS) << np.uint64(ROW_BITS)
        keys.append(kept | row_of[: len(hashes)][within_word])
    pairs, counts = _run_lengths(np.sort(np.concatenate(keys)))
    features, sizes = _run_lengths(pairs >> np.uint64(ROW_BITS))
    rows = (pairs & np.uint64(MAX_BATCH - 1)).astype(np.int32)
    return _NgramCounts(len(padded), features, sizes, rows, counts.astype(np.float32))


def _hash_ngrams(codes: np.ndarray, ngrams: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each length n: the hashes of all n-grams, by their first character, and which of them lie within a word."""
    not_space = codes != SPACE
    hashes = np.zeros(len(codes), dtype=np.uint64)
    no_inner_space = np.ones(len(codes), dtype=bool)  # between the first and the last character
    for n in range(1, min(ngrams[1], len(codes)) + 1):
        m = len(codes) - n + 1
        hashes = (hashes[:m] + codes[n - 1 :] + np.uint64(1)) * MULTIPLIER
        if n > 2:
            no_inner_space = no_inner_space[:m] & not_space[n - 2 : n - 2 + m]
        if n >= ngrams[0]:
            yield hashes, no_inner_space[:m] if n > 2 else not_space[:m] | not_space[n - 1 :]


def _run_lengths(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of a sorted array, and how often each occurs."""
    is_last = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_last[:-1])
    ends = np.flatnonzero(is_last) + 1
    sizes = ends.copy()
    sizes[1:] -= ends[:-1]
    return values[ends - 1], sizes


@with_hints
def normalize_text(text: Text) -> str:
    """A text or its tokens as one string, in Unicode's normalization form NFKC and lower case."""
    return unicodedata.normalize("NFKC", as_text(text)).lower()


# -----------------------------------------------------------------------------------------------------
# TF-IDF


def _document_frequencies(batches: Sequence[_NgramCounts]) -> tuple[np.ndarray, np.ndarray]:
    """All features, ascending, and the number of texts that each occurs in."""
    features = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *(batch.features for batch in batches)]))
    df = np.zeros(len(features), dtype=np.int64)
    for batch in batches:
        df[np.searchsorted(features, batch.features)] += batch.sizes
    return features, df


def _postings(
    batches: list[_NgramCounts], features: np.ndarray, df: np.ndarray, n: int, factors: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The arrays of `LexicalScores`. Empties `batches` on the way, so that a large corpus is not held twice."""
    starts = np.concatenate([[0], np.cumsum(df)])
    rows = np.empty(starts[-1], dtype=np.int32)
    weights = np.empty(starts[-1], dtype=np.float32)
    free = starts[:-1].copy()  # where the next text of each feature goes
    first = 0
    while batches:
        batch = batches.pop(0)
        positions, kept = _find(features, batch.features)
        positions, sizes, used = positions[kept], batch.sizes[kept], np.repeat(kept, batch.sizes)
        values = _tf_idf(batch.counts[used], np.repeat(df[positions], sizes), n)
        if factors is not None:
            values *= np.repeat(factors[positions], sizes)
        texts = batch.rows[used]
        values /= np.sqrt(np.bincount(texts, values * values, minlength=batch.n)).astype(np.float32)[texts]
        target = np.repeat(free[positions] - (np.cumsum(sizes) - sizes), sizes) + np.arange(len(values))
        rows[target], weights[target] = texts + first, values
        free[positions] += sizes
        first += batch.n
    arrays = {"features": features, "starts": starts, "rows": rows, "weights": weights}
    return arrays if factors is None else arrays | {"factors": factors}


def _find(ascending: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of values in an ascending array, and whether each is there at all."""
    positions = np.searchsorted(ascending, values)
    found = positions < len(ascending)
    found[found] = ascending[positions[found]] == values[found]
    return positions, found


def _tf_idf(counts: np.ndarray, df: np.ndarray, n: int) -> np.ndarray:
    return ((1 + np.log(counts)) * (1 + np.log((1 + n) / (1 + df)))).astype(np.float32)
