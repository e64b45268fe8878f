"""Learns factors of the weights of words and character n-grams from labeled texts.

Each word w gets a factor exp(θ_w) of its weight in sentence vectors, and each character n-gram g a factor exp(θ_g) of
its weight in the lexical score. With h the share of the lexical score, and labels y, they minimize

    mean_i -log Σ_{j ≠ i, y_j = y_i} softmax_j(s_ij / T)  +  pull · Σ θ²,   s_ij = (1 - h) cos_ij + h lex_ij,

which is neighborhood components analysis (Goldberger et al. 2005) at the score that ranks search results. Words and
n-grams that occur in fewer than `MIN_TEXTS` texts keep the factor 1. Adam (Kingma, Ba 2015) takes a fixed number of
steps, each over a batch of texts of randomly drawn labels, so that memory does not grow with the square of the number
of texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from .._util.lengths import length_factors
from .._util.threads import slices_of

TEMPERATURE = 0.03  # T
MIN_TEXTS = 3  # words and n-grams in fewer texts keep the factor 1
BATCH = 1024  # texts per step
STEPS, RATE = 60, 0.03
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.99, 1e-8  # of Adam
FREQUENT = 32  # see `products_at`
SCORED = 256  # texts that are scored together


@dataclass(frozen=True, eq=False)
class LabeledTexts:
    """Labeled texts as the arrays that scores are computed from.

    Attributes
    ----------
    tokens : scipy.sparse.csr_matrix of float32, shape (n, n_words)
        How often each word occurs in each text, multiplied by `first_half` and the weight of the word.
    rows : numpy.ndarray of float32, shape (n_words, n_dims)
    parts : sequence of (slice, float)
        The dimensions of each part of a text vector, and the length that it is scaled to.
    ngrams : scipy.sparse.csr_matrix of float32, shape (n, n_ngrams)
        Vectors whose cosines, times the factors of `length_factors`, are the lexical scores.
    hybrid : float
        h, the share of the lexical score.
    labels : numpy.ndarray of int64, shape (n,)
        From 0 to the number of labels - 1.
    lengths : numpy.ndarray of int, shape (n,), or None
        Lengths of the texts; None: `length_factors` are 1.
    length_power : float
    """

    tokens: sparse.csr_matrix
    rows: np.ndarray
    parts: Sequence[tuple[slice, float]]
    ngrams: sparse.csr_matrix
    hybrid: float
    labels: np.ndarray
    lengths: np.ndarray | None = None
    length_power: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, texts: np.ndarray) -> LabeledTexts:
        """The texts at these positions (int64); labels keep their numbers."""
        tokens, ngrams = self.tokens[texts], self.ngrams[texts]
        lengths = None if self.lengths is None else self.lengths[texts]
        return replace(self, tokens=tokens, ngrams=ngrams, labels=self.labels[texts], lengths=lengths)

    def compact(self) -> tuple[LabeledTexts, np.ndarray, np.ndarray]:
        """The texts without the words and n-grams that they do not have, and which are left (int64, ascending)."""
        tokens, words = _used_columns(self.tokens)
        ngrams, used = _used_columns(self.ngrams)
        return replace(self, tokens=tokens, rows=self.rows[words], ngrams=ngrams), words, used

    def vectors(self, factors: Factors) -> TextVectors:
        """The texts with these factors."""
        pooled = self.tokens @ (self.rows * factors.words[:, None])
        units, lengths = zip(*(_unit_rows(pooled[:, part]) for part, _ in self.parts))
        shares = [np.where(length > 0, np.float32(scale), 0) for length, (_, scale) in zip(lengths, self.parts)]
        whole = np.sqrt(sum(share * share for share in shares))
        factor = np.sqrt(1 - self.hybrid) / np.where(whole > 0, whole, 1)
        scales = [(share * factor).astype(np.float32) for share in shares]
        dense = np.concatenate([unit * scale for unit, scale in zip(units, scales)], axis=1)
        ngrams = self.ngrams.copy()
        ngrams.data *= factors.ngrams[ngrams.indices]
        squares = np.bincount(_rows_of(ngrams), ngrams.data * ngrams.data, minlength=len(self))
        norms = np.where(squares > 0, np.sqrt(squares), 1).astype(np.float32)
        ngrams.data /= norms[_rows_of(ngrams)]
        return TextVectors(
            dense, ngrams, units, lengths, scales, np.float32(self.hybrid), self.lengths, self.length_power
        )


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors of the weights of words and of character n-grams: float32, (n_words,) and (n_ngrams,)."""

    words: np.ndarray
    ngrams: np.ndarray

    @classmethod
    def ones(cls, texts: LabeledTexts) -> Factors:
        return cls(*(np.ones(matrix.shape[1], dtype=np.float32) for matrix in (texts.tokens, texts.ngrams)))


@dataclass(frozen=True, eq=False)
class TextVectors:
    """Texts whose scores are products.

    Attributes
    ----------
    dense : numpy.ndarray of float32, shape (n, n_dims)
        Sentence vectors of length √(1 - h).
    ngrams : scipy.sparse.csr_matrix of float32, shape (n, n_ngrams)
        Unit vectors.
    units, lengths, scales : sequence of numpy.ndarray
        For each part of the sentence vectors: unit vectors, their lengths before (n, 1), and after (n, 1).
    hybrid : float
    text_lengths, length_power
        `lengths` and `length_power` of the texts.
    """

    dense: np.ndarray
    ngrams: sparse.csr_matrix
    units: Sequence[np.ndarray]
    lengths: Sequence[np.ndarray]
    scales: Sequence[np.ndarray]
    hybrid: np.float32
    text_lengths: np.ndarray | None = None
    length_power: float = 0.0

    def by_length(self, scores: np.ndarray, texts: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Multiply values for pairs of some texts and all, float32 (n_texts, n), by their `length_factors`."""
        if self.text_lengths is None:
            return scores
        return scores * length_factors(self.text_lengths[texts], self.text_lengths, self.length_power)

    def scores(self, texts: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The scores of some texts with all: float32, (n_texts, n)."""
        scores = self.dense[texts] @ self.dense.T
        if self.hybrid:
            scores += self.hybrid * self.by_length((self.ngrams[texts] @ self.ngrams.T).toarray(), texts)
        return scores


def _unit_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows scaled to length 1, and their lengths, (n, 1); zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0), lengths


def _used_columns(matrix: sparse.csr_matrix) -> tuple[sparse.csr_matrix, np.ndarray]:
    """A matrix without its empty columns, and the numbers of the columns that are left."""
    used, columns = np.unique(matrix.indices, return_inverse=True)
    return sparse.csr_matrix((matrix.data, columns, matrix.indptr), shape=(matrix.shape[0], len(used))), used


def _rows_of(matrix: sparse.csr_matrix) -> np.ndarray:
    """The row of each stored value."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


# -----------------------------------------------------------------------------------------------------
# Learning


def learn_factors(
    texts: LabeledTexts,
    pull: float,
    seed: int = 1,
    steps: int = STEPS,
    batch: int = BATCH,
    min_texts: int = MIN_TEXTS,
) -> Factors:
    """Learn factors; see the module."""
    n_words, n_ngrams = texts.tokens.shape[1], texts.ngrams.shape[1]
    free = np.concatenate([_texts_with(matrix) >= min_texts for matrix in (texts.tokens, texts.ngrams)])
    theta = np.zeros(n_words + n_ngrams, dtype=np.float32)
    first, second, total = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    batches = draw_batches(texts.labels, batch, np.random.default_rng(seed))
    for step in range(1, steps + 1):
        drawn, words, ngrams = texts.take(next(batches)).compact()
        used = np.concatenate([words, n_words + ngrams])
        factors = Factors(*np.split(np.exp(theta[used]), [len(words)]))
        gradient = np.float32(2 * pull) * theta
        gradient[used] += loss_gradient(drawn, factors)
        gradient[~free] = 0
        first += np.float32(1 - FIRST_DECAY) * (gradient - first)
        second += np.float32(1 - SECOND_DECAY) * (gradient * gradient - second)
        size = np.sqrt(second / (1 - SECOND_DECAY**step)) + EPSILON
        theta -= (RATE * first / (1 - FIRST_DECAY**step) / size).astype(np.float32)
        if step > steps // 2:
            total += theta  # the mean of the later steps has less noise than the last one
    return Factors(*np.split(np.exp(total / (steps - steps // 2)), [n_words]))


def _texts_with(matrix: sparse.csr_matrix) -> np.ndarray:
    """The number of texts in which each word or n-gram occurs."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


def draw_batches(labels: np.ndarray, size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Positions of about `size` texts at a time, endlessly, with all texts of a label; labels are in random order.

    Labels of many texts are split, so that a batch always has several labels.
    """
    order = np.argsort(labels, kind="stable")
    while len(labels) <= size:
        yield order
    most = max(2, size // 8)
    groups = []
    for group in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        groups += np.array_split(random.permutation(group), -(-len(group) // most))
    chosen: list[np.ndarray] = []
    n_chosen = 0
    while True:
        for i in random.permutation(len(groups)):
            chosen.append(groups[i])
            n_chosen += len(groups[i])
            if n_chosen >= size:
                yield np.concatenate(chosen)
                chosen, n_chosen = [], 0


def loss_gradient(texts: LabeledTexts, factors: Factors) -> np.ndarray:
    """The gradient of the first term of the loss with respect to θ: float32, (n_words + n_ngrams,).

    Texts whose label no other text has are negatives only.
    """
    vectors = texts.vectors(factors)
    by_score = score_gradient(vectors.scores(), texts.labels, TEMPERATURE)
    by_score = by_score + by_score.T
    by_vector = by_score @ vectors.dense
    by_row = np.empty_like(texts.rows)
    transposed = texts.tokens.T.tocsr()
    for (part, _), unit, length, scale in zip(texts.parts, vectors.units, vectors.lengths, vectors.scales):
        of_part = by_vector[:, part] * scale
        along = np.einsum("ij,ij->i", of_part, unit)[:, None]
        inverse = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        by_row[:, part] = transposed @ ((of_part - along * unit) * inverse)
    by_word = np.einsum("ij,ij->i", by_row, texts.rows) * factors.words
    return np.concatenate([by_word, _ngram_gradient(vectors, by_score)])


def _ngram_gradient(vectors: TextVectors, by_score: np.ndarray) -> np.ndarray:
    """The part of `loss_gradient` for n-grams, given the gradient by the scores, plus its transpose."""
    n_texts, n_ngrams = vectors.ngrams.shape
    if not vectors.hybrid or not vectors.ngrams.nnz:
        return np.zeros(n_ngrams, dtype=np.float32)
    values, columns, rows = vectors.ngrams.data, vectors.ngrams.indices, _rows_of(vectors.ngrams)
    by_value = vectors.hybrid * products_at(vectors.ngrams, vectors.by_length(by_score)) * values
    along = np.bincount(rows, by_value, minlength=n_texts)[rows]
    return np.bincount(columns, by_value - values * values * along, minlength=n_ngrams).astype(np.float32)


def products_at(matrix: sparse.csr_matrix, other: np.ndarray, frequent: int = FREQUENT) -> np.ndarray:
    """The values of ``other @ matrix`` where `matrix` stores values, in their order: float32, (nnz,).

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix of float32, shape (n, m)
        Without duplicates.
    other : numpy.ndarray of float32, shape (n, n)
    frequent : int
        Columns with at least this many values are multiplied as a dense matrix; in all others, each value of a column
        is paired with each. Neither computes the product as a whole, of which few values are wanted.
    """
    rows, columns, values = _rows_of(matrix), matrix.indices, matrix.data
    counts = np.bincount(columns, minlength=matrix.shape[1])
    result = np.zeros(matrix.nnz, dtype=np.float32)
    is_frequent = counts[columns] >= frequent
    if is_frequent.any():
        position = np.cumsum(counts >= frequent) - 1
        at = rows[is_frequent], position[columns[is_frequent]]
        dense = np.zeros((matrix.shape[0], position[-1] + 1), dtype=np.float32)
        dense[at] = values[is_frequent]
        result[is_frequent] = (other @ dense)[at]
    rest = np.flatnonzero(~is_frequent)
    rest = rest[np.argsort(columns[rest], kind="stable")]
    if len(rest):
        sizes = counts[counts > 0][counts[counts > 0] < frequent]
        partners = np.repeat(sizes, sizes)  # of each value: those of its column, itself included
        ends = np.cumsum(partners)
        left = np.repeat(np.arange(len(rest)), partners)
        right = np.repeat(np.repeat(np.cumsum(sizes) - sizes, sizes) - (ends - partners), partners) + np.arange(
            ends[-1]
        )
        terms = other[rows[rest][left], rows[rest][right]] * values[rest][right]
        result[rest] = np.add.reduceat(terms, ends - partners)
    return result


def score_gradient(scores: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """The gradient of the loss with respect to the scores, which are overwritten: float32, (n, n)."""
    np.fill_diagonal(scores, -np.inf)
    scores -= scores.max(axis=1, keepdims=True)
    scores *= np.float32(1 / temperature)
    shares = np.exp(scores, out=scores)
    shares /= shares.sum(axis=1, keepdims=True)
    same = labels[:, None] == labels
    np.fill_diagonal(same, False)
    of_same = np.where(same, shares, np.float32(0))
    found = of_same.sum(axis=1, keepdims=True)
    usable = same.any(axis=1, keepdims=True)
    shares -= np.divide(of_same, found, out=of_same, where=found > 0)
    shares *= usable * np.float32(1 / (temperature * max(1, usable.sum())))
    return shares


# -----------------------------------------------------------------------------------------------------
# Scoring


def ranks_of_same_label(
    vectors: TextVectors, labels: np.ndarray, queries: np.ndarray, penalties: np.ndarray | None = None
) -> np.ndarray:
    """For some texts, the rank from 1 of the best other text with their label: int64; 0 if there is no such text.

    All other texts are ranked, by their scores less their penalties, float32 (n,). Texts with equal scores count as
    better, so that ties do not help.
    """
    ranks = np.zeros(len(queries), dtype=np.int64)
    for block in slices_of(len(queries), SCORED):
        rows = queries[block]
        itself = np.arange(len(rows)), rows
        scores = vectors.scores(rows)
        if penalties is not None:
            scores -= penalties
        scores[itself] = -np.inf
        same = labels[rows][:, None] == labels
        same[itself] = False
        best = np.where(same, scores, -np.inf).max(axis=1, keepdims=True)
        better = (scores >= best) & ~same
        better[itself] = False
        ranks[block] = np.where(same.any(axis=1), 1 + better.sum(axis=1), 0)
    return ranks
