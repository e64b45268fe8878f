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
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
from scipy import sparse

from . import _kernel
from ._pooling.fitted import NgramFactors
from ._text.inputs import as_text, check_text, checked_texts
from ._util.hints import with_hints
from ._util.lengths import length_factors
from ._util.parameters import check_float, check_int

Text = str | Sequence[str]

ROW_BITS = 14  # low bits of a 64-bit key, the text's number in its batch; the high bits are the hash of an n-gram
MAX_BATCH = 1 << ROW_BITS
MULTIPLIER = np.uint64(0xD1342543DE82EF95)  # of a multiplicative hash; 50 bits are kept, so collisions are rare
SPACE = ord(" ")
ANALYZERS = ("char", "char_wb")
MAX_LENGTH = 4095  # characters; longer texts count as this long
MAX_POWER = 100.0


@with_hints
@dataclass(frozen=True)
class LexicalOptions:
    """Arguments of `LexicalScores.fit` that an index keeps, so that its scores stay the same when sentences are added.

    Raises
    ------
    TypeError, ValueError
        If one is invalid.
    """

    ngrams: tuple[int, int] = (1, 3)
    analyzer: str = "char"
    length_power: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.ngrams, (tuple, list)) or len(self.ngrams) != 2:
            raise TypeError(f"ngrams: expected (shortest, longest), got {self.ngrams!r}")
        shortest, longest = (check_int("ngrams", n, 1) for n in self.ngrams)
        if shortest > longest:
            raise ValueError(f"ngrams: expected (shortest, longest) with 1 <= shortest <= longest, got {self.ngrams!r}")
        if self.analyzer not in ANALYZERS:
            raise ValueError(f'analyzer: expected "char" or "char_wb", got {self.analyzer!r}')
        object.__setattr__(self, "ngrams", (shortest, longest))
        power = check_float("length_power", self.length_power, least=0, most=MAX_POWER)
        object.__setattr__(self, "length_power", power)

    def to_facts(self) -> dict[str, Any]:
        """The arguments as JSON can store them; the constructor takes them."""
        return {"ngrams": list(self.ngrams), "analyzer": self.analyzer, "length_power": self.length_power}


FORMER_OPTIONS = LexicalOptions(analyzer="char_wb", length_power=0.0)  # of files that do not store them


@with_hints
class LexicalScores:
    """Cosines between the TF-IDF vector of a query and those of many texts, lowered if their lengths differ.

    The features of a text are its character n-grams, including the spaces before, between and after its words
    (scikit-learn's ``analyzer="char"``), or only those within a word and the space on either side (``"char_wb"``). Two
    wordings of a question that differ in endings, particles or compounds thus still share features. A feature that
    occurs c times in a text, and in d of all n texts, has the weight (1 + log c) · (1 + log((1 + n) / (1 + d))),
    multiplied by its factor if the model's weighting was tuned (`gensim_sent2vec.SentenceWeighting.tune`); the weights
    of each text are scaled to unit length.

    Texts that mean the same are about equally long. The cosine of a query of a characters, spaces aside, and a text of
    b is multiplied by (2ab / (a² + b²))^`length_power`: with the power 0.5, by 0.89 if one is twice as long as the
    other, and by 0.63 if it is five times as long.

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
    lengths : numpy.ndarray of uint16, shape (n,), or None
        The number of characters of each text without spaces, at most 4,095; None if `length_power` is 0.
    n : int
        Number of texts.
    ngrams : (int, int)
        Minimum and maximum length of the n-grams.
    analyzer : str
        "char" or "char_wb".
    length_power : float
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        n: int,
        ngrams: tuple[int, int] = (1, 3),
        analyzer: str = FORMER_OPTIONS.analyzer,
        length_power: float = FORMER_OPTIONS.length_power,
    ) -> None:
        # As plain arrays: slicing a numpy.memmap is slow.
        self.features, self.starts = np.asarray(arrays["features"]), np.asarray(arrays["starts"])
        self.rows, self.weights = np.asarray(arrays["rows"]), np.asarray(arrays["weights"])
        self.factors = None if arrays.get("factors") is None else np.asarray(arrays["factors"])
        self.n, self.options = n, LexicalOptions(ngrams, analyzer, length_power)
        if self.length_power and "lengths" not in arrays:
            raise ValueError(f"lengths: missing, but length_power is {self.length_power}")
        self.lengths = np.asarray(arrays["lengths"]) if self.length_power else None
        if self.lengths is not None and (self.lengths.dtype != np.uint16 or self.lengths.shape != (n,)):
            raise ValueError(
                f"lengths: expected uint16 of shape {(n,)}, got {self.lengths.dtype} of shape {self.lengths.shape}"
            )

    @classmethod
    def fit(
        cls,
        texts: Iterable[Text],
        ngrams: tuple[int, int] = (1, 3),
        max_df: float = 0.1,
        always_keep: int = 1000,
        batch_size: int = MAX_BATCH,
        factors: NgramFactors | None = None,
        analyzer: str = "char",
        length_power: float = 0.5,
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
        analyzer : {"char", "char_wb"}
            "char": n-grams may contain spaces between words, as in scikit-learn. "char_wb": they may not.
        length_power : float
            How strongly scores depend on the lengths of query and text, from 0 (not at all) to 100.

        Returns
        -------
        LexicalScores

        Raises
        ------
        TypeError
            If `texts` is a string or a table, or a text is missing (None, NaN), with its row.
        ValueError
            If `ngrams`, `batch_size`, `analyzer` or `length_power` is out of range.
        """
        options = LexicalOptions(ngrams, analyzer, length_power)
        if not 1 <= batch_size <= MAX_BATCH:
            raise ValueError(f"batch_size: must be between 1 and {MAX_BATCH:,}, got {batch_size}")
        iterator = iter(checked_texts(texts, "texts"))
        batches = []
        while batch := list(islice(iterator, batch_size)):
            batches.append(_count_ngrams(batch, options))
        n = sum(batch.n for batch in batches)
        features, df = _document_frequencies(batches)
        kept = df <= max(max_df * n, always_keep)
        features = features[kept]
        of_features = None if factors is None else factors.of(features)
        lengths = np.concatenate([np.zeros(0, dtype=np.uint16), *(batch.lengths for batch in batches)])
        arrays = _postings(batches, features, df[kept], n, of_features)
        if options.length_power:
            arrays["lengths"] = lengths
        return cls(arrays, n, **vars(options))

    @property
    def ngrams(self) -> tuple[int, int]:
        return self.options.ngrams

    @property
    def analyzer(self) -> str:
        return self.options.analyzer

    @property
    def length_power(self) -> float:
        return self.options.length_power

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that the constructor takes."""
        names = ("features", "starts", "rows", "weights", "factors", "lengths")
        return {name: array for name in names if (array := getattr(self, name)) is not None}

    @cached_property
    def _longest(self) -> int:
        return 0 if self.lengths is None else int(self.lengths.max(initial=0))

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
            From 0 (no n-gram in common) to 1 (the same n-grams in the same proportions, and the same length).
        """
        check_text(query, "query")
        counted = _count_ngrams([query], self.options)
        positions, known = _find(self.features, counted.features)
        positions = positions[known]
        weights = _tf_idf(counted.counts[known], self.starts[positions + 1] - self.starts[positions], self.n)
        if not len(positions):
            return np.zeros(self.n, dtype=np.float32)
        if self.factors is not None:
            weights *= self.factors[positions]
        weights /= np.sqrt(weights @ weights)
        scores = np.zeros(self.n, dtype=np.float32)
        by_length = None
        if self.lengths is not None:
            by_length = _factors_of_lengths(int(counted.lengths[0]), self._longest, self.length_power)
        _kernel.add_postings(self.starts, self.rows, self.weights, positions, weights, scores, self.lengths, by_length)
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
        counted = _count_ngrams(queries, self.options)
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
        scores = np.minimum(of_queries @ of_texts, 1)
        if self.lengths is not None:
            scores *= length_factors(counted.lengths, self.lengths[rows], self.length_power)
        return scores


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
    lengths: np.ndarray  # uint16, shape (n,): the characters of each text, without spaces


def _count_ngrams(texts: Sequence[Text], options: LexicalOptions) -> _NgramCounts:
    """Count the n-grams of all texts at once, as keys of a hash and a text's number that are sorted."""
    padded = [f" {' '.join(normalize_text(text).split())} " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    row_of = np.repeat(np.arange(len(padded), dtype=np.uint64), [len(text) for text in padded])
    keys = [np.zeros(0, dtype=np.uint64)]
    for hashes, used in _hash_ngrams(codes, options):
        kept = hashes[used] >> np.uint64(ROW_BITS) << np.uint64(ROW_BITS)
        keys.append(kept | row_of[: len(hashes)][used])
    pairs, counts = _run_lengths(np.sort(np.concatenate(keys)))
    features, sizes = _run_lengths(pairs >> np.uint64(ROW_BITS))
    rows = (pairs & np.uint64(MAX_BATCH - 1)).astype(np.int32)
    lengths = np.bincount(row_of[codes != SPACE].astype(np.int64), minlength=len(padded))
    lengths = np.minimum(lengths, MAX_LENGTH).astype(np.uint16)
    return _NgramCounts(len(padded), features, sizes, rows, counts.astype(np.float32), lengths)


def _hash_ngrams(codes: np.ndarray, options: LexicalOptions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each length n: the hashes of all n-grams, by their first character, and which of them are features.

    There is one space between words, and there are two between texts.
    """
    shortest, longest = options.ngrams
    not_space = codes != SPACE
    hashes = np.zeros(len(codes), dtype=np.uint64)
    used = np.ones(len(codes), dtype=bool)
    pairs = not_space[:-1] | not_space[1:]  # False between texts
    for n in range(1, min(longest, len(codes)) + 1):
        m = len(codes) - n + 1
        hashes = (hashes[:m] + codes[n - 1 :] + np.uint64(1)) * MULTIPLIER
        if n == 2 or (n > 2 and options.analyzer == "char"):
            used = used[:m] & pairs[n - 2 : n - 2 + m]
        elif n > 2:
            used = used[:m] & not_space[n - 2 : n - 2 + m]
        if n >= shortest:
            yield hashes, used if n > 1 else not_space


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


@lru_cache(maxsize=256)  # queries have few lengths; at most 4 MB
def _factors_of_lengths(length: int, longest: int, power: float) -> np.ndarray:
    """The factors of texts of 0 to `longest` characters, for a query of `length`: float32, (longest + 1,)."""
    factors = length_factors(np.array([length]), np.arange(longest + 1), power)[0]
    factors.flags.writeable = False
    return factors


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
