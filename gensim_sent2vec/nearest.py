"""The best rows of a matrix by product, exactly: block by block, and without sorting them all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import _kernel

# One query waits for the memory: threads do not help it, a product of its own over a block does. Many queries share
# what was read, in a matrix product by the BLAS, with its threads.
FEW = 16
FEW_BLOCK, MANY_BLOCK = 1 << 16, 1 << 12  # rows a block
MANY = 1 << 10  # queries that pass over the matrix together

Adjust = Callable[[np.ndarray, int], np.ndarray]  # scores of a block, its first row -> scores to rank by
Found = tuple[np.ndarray, np.ndarray]


def best_rows(vectors: np.ndarray, queries: np.ndarray, topn: int, adjust: Adjust | None = None) -> list[Found]:
    """The rows with the greatest products with each query.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        May be mapped; products are summed up in float32.
    queries : numpy.ndarray of float32, shape (n_queries, dim)
        Up to `MANY`.
    topn : int
        So many rows a query, where there are so many.
    adjust : callable, optional
        Makes of the products of a block of rows, shape (n_queries, rows), and of the number of its first row, what
        rows are ranked by; -inf leaves a row out.

    Returns
    -------
    list of (numpy.ndarray of int64, numpy.ndarray of float32)
        Rows and scores for each query, best first; equal scores in the order of the rows.
    """
    best = Best(len(queries), topn)
    few = len(queries) < FEW
    size = FEW_BLOCK if few else MANY_BLOCK
    buffer = np.empty((len(queries), min(size, len(vectors))), dtype=np.float32)
    for first in range(0, len(vectors), size):
        block = vectors[first : first + size]
        scores = buffer if len(block) == buffer.shape[1] else np.empty((len(queries), len(block)), dtype=np.float32)
        if few:
            for query, out in zip(queries, scores):
                _kernel.dot_rows(block, query, out)
        else:
            np.matmul(queries, block.astype(np.float32, copy=False).T, out=scores)
        best.add(adjust(scores, first) if adjust else scores, first)
    return best.found()


class Best:
    """Keeps the `topn` greatest scores of each query, from blocks that come in the order of their rows."""

    def __init__(self, n_queries: int, topn: int) -> None:
        self.n_queries, self.topn = n_queries, topn
        self._bar = np.full((n_queries, 1), -np.inf, dtype=np.float32)  # what a score has to be above
        self._queries = np.zeros(0, dtype=np.int64)
        self._rows = np.zeros(0, dtype=np.int64)
        self._scores = np.zeros(0, dtype=np.float32)
        self._new: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._n_new = 0

    def add(self, scores: np.ndarray, first: int) -> None:
        """Take in the scores of the rows from `first` on, shape (n_queries, rows)."""
        n = scores.shape[1]
        above = scores > self._bar
        if not len(self._rows) and n > self.topn:  # most are above: keep few of them from the start
            above &= scores >= np.partition(scores, n - self.topn, axis=1)[:, n - self.topn, None]
        flat = np.flatnonzero(above)
        if len(flat):
            queries, rows = np.divmod(flat, n)
            self._new.append((queries, rows + first, scores.ravel()[flat]))
            self._n_new += len(flat)
        if self._n_new > self.n_queries * self.topn or not len(self._rows):
            self._prune()

    def _prune(self) -> None:
        parts = [(self._queries, self._rows, self._scores), *self._new]
        queries, rows, scores = (np.concatenate(column) for column in zip(*parts))
        self._new, self._n_new = [], 0
        order = np.lexsort((rows, -scores, queries))
        queries, rows, scores = queries[order], rows[order], scores[order]
        rank = np.arange(len(queries)) - np.searchsorted(queries, queries)
        self._bar[queries[rank == self.topn - 1], 0] = scores[rank == self.topn - 1]
        kept = rank < self.topn
        self._queries, self._rows, self._scores = queries[kept], rows[kept], scores[kept]

    def found(self) -> list[Found]:
        """Rows and scores for each query, best first."""
        self._prune()
        ends = np.searchsorted(self._queries, np.arange(1, self.n_queries))
        return list(zip(np.split(self._rows, ends), np.split(self._scores, ends)))
