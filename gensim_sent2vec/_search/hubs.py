"""Hubs: sentences that are near to everything, and how much to subtract from their scores.

CSLS (cross-domain similarity local scaling; Lample et al.: "Word translation without parallel data", ICLR 2018) lowers
the score of each item by its mean score with its nearest neighbors. Here, neighbors are sentences of the same index.
The mean cosine and the mean lexical score of each sentence are kept, and mixed like the scores themselves.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .._util.lengths import length_factors
from .._util.threads import slices_of
from ..lexical import LexicalScores
from .top_k import MAX_QUERIES, top_k_rows

NEIGHBORS = 10
MAX_REFERENCES = 1 << 14  # sentences among which neighbors are looked for
MIN_REFERENCES = 1 << 11
MAX_PAIRS = 1 << 32  # of a sentence and a reference, as long as there are more than `MIN_REFERENCES`
LEXICAL_BLOCK = 256  # sentences whose lexical scores are computed together


def reference_rows(n: int, most: int | None = None) -> np.ndarray:
    """The rows, int64, among which neighbors are looked for: all of n, or evenly spaced ones if there are many."""
    count = min(n, MAX_REFERENCES if most is None else most, max(MIN_REFERENCES, MAX_PAIRS // max(1, n)))
    return np.arange(n) if count == n else np.linspace(0, n - 1, count).astype(np.int64)


def is_sampled(n: int) -> bool:
    """Whether the neighbors of n sentences are looked for in a sample of them."""
    return len(reference_rows(n)) < n


def mean_cosines(
    vectors: np.ndarray, first: int = 0, neighbors: int = NEIGHBORS, most: int | None = None
) -> np.ndarray:
    """The mean cosine of sentences with their nearest neighbors in the index, other than themselves.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        Unit vectors of the index.
    first : int
        Rows from here on are computed.
    neighbors : int
    most : int, optional
        Largest number of sentences among which neighbors are looked for; by default `MAX_REFERENCES`.

    Returns
    -------
    numpy.ndarray of float32, shape (n - first,)
        0 if there is no other sentence.
    """
    references = reference_rows(len(vectors), most)
    rows = vectors if len(references) == len(vectors) else vectors[references]
    means = np.zeros(len(vectors) - first, dtype=np.float32)
    for block in slices_of(len(means), MAX_QUERIES):
        queries = vectors[first + block.start : first + block.stop].astype(np.float32)
        found = top_k_rows(rows, queries, neighbors + 1)
        for i, (near, cosines) in enumerate(found, block.start):
            others = cosines[references[near] != first + i][:neighbors]
            means[i] = others.mean() if len(others) else 0
    return means


def mean_lexical_scores(lexical: LexicalScores, neighbors: int = NEIGHBORS) -> np.ndarray:
    """As `mean_cosines`, for lexical scores of all sentences."""
    return mean_products(lexical.matrix(), neighbors, lengths=lexical.lengths, length_power=lexical.length_power)


def mean_products(
    texts: sparse.csr_matrix,
    neighbors: int = NEIGHBORS,
    most: int | None = None,
    lengths: np.ndarray | None = None,
    length_power: float = 0.0,
) -> np.ndarray:
    """As `mean_cosines`, for products of sparse unit vectors, (n, n_ngrams), none of which is negative.

    If `lengths` of the texts are given, int (n,), products are multiplied by `length_factors`.
    """
    n = texts.shape[0]
    references = reference_rows(n, most)
    transposed = texts[references].T.tocsr()
    position = np.full(n, -1, dtype=np.int64)
    position[references] = np.arange(len(references))
    means = np.zeros(n, dtype=np.float32)
    for block in slices_of(n, LEXICAL_BLOCK):
        scores = (texts[block] @ transposed).toarray()
        if lengths is not None:
            scores *= length_factors(lengths[block], lengths[references], length_power)
        own = position[block]
        scores[np.flatnonzero(own >= 0), own[own >= 0]] = -1
        k = min(neighbors, len(references))
        nearest = np.partition(scores, len(references) - k, axis=1)[:, len(references) - k :]
        counted = nearest >= 0
        means[block] = np.where(counted, nearest, 0).sum(axis=1) / np.maximum(1, counted.sum(axis=1))
    return means
