"""The best rows of a matrix by product, exactly: block by block, and without sorting them all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import _kernel
from .._util.threads import available_cpus, slices_of, threads_over

BLOCK = 1 << 12  # rows that a thread takes at a time
MANY = 1 << 10  # queries that pass over the matrix together
PER_THREAD = 1 << 27  # multiplications that are worth a thread: one query, which waits for the memory, has few
FEW = 3  # queries: so few products are not worth a matrix product

Adjust = Callable[[np.ndarray, int], np.ndarray]  # products of a block, its first row -> scores to rank by
Found = tuple[np.ndarray, np.ndarray]


def top_k_rows(
    vectors: np.ndarray,
    queries: np.ndarray,
    topn: int,
    mask: np.ndarray | None = None,
    adjust: Adjust | None = None,
    workers: int | None = None,
) -> list[Found]:
    """The rows with the greatest products with each query.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        May be mapped; products are summed up in float32.
    queries : numpy.ndarray of float32, shape (n_queries, dim)
        Up to `MANY`.
    topn : int
        So many rows a query, where there are so many.
    mask : numpy.ndarray of bool, shape (n,), optional
        False leaves a row out.
    adjust : callable, optional
        Makes of the products of a block of rows, shape (n_queries, rows), and of the number of its first row, what
        rows are ranked by. Called by one thread.
    workers : int, optional
        Threads; by default all CPUs where there is enough to do.

    Returns
    -------
    list of (numpy.ndarray of int64, numpy.ndarray of float32)
        Rows and scores for each query, best first; equal scores in the order of the rows.
    """
    queries = np.ascontiguousarray(queries)
    kept = None if mask is None else mask.view(np.uint8)
    n_threads = 1 if adjust else workers or _worth(len(queries), vectors)
    bests = [_kernel.TopK(queries, topn) for _ in range(n_threads)]
    blocks = iter(slices_of(len(vectors), BLOCK))

    def work(i: int, block: slice) -> None:
        of_block = None if kept is None else kept[block]
        if adjust:
            bests[i].add_scores(adjust(_products(vectors[block], queries), block.start), block.start, of_block)
        else:
            bests[i].add_rows(vectors[block], block.start, of_block)

    if n_threads == 1:
        for block in blocks:
            work(0, block)
    else:
        with threads_over([blocks] * n_threads, work):
            pass
    for other in bests[1:]:
        bests[0].merge(other)
    return bests[0].found()


def _worth(n_queries: int, vectors: np.ndarray) -> int:
    """How many threads are worth their start."""
    return min(available_cpus(), 1 + n_queries * vectors.size // PER_THREAD)


def _products(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    if len(queries) > FEW:
        return queries @ rows.astype(np.float32, copy=False).T
    products = np.empty((len(queries), len(rows)), dtype=np.float32)
    for query, of_query in zip(queries, products):
        _kernel.dot_rows(rows, query, of_query)
    return products
