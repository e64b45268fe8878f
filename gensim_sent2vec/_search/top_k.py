"""The rows of a matrix with the greatest products, exactly: block by block, without sorting all products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import _kernel
from .._util.threads import available_cpus, slices_of, threads_over

BLOCK_ROWS = 1 << 12  # processed by a thread at a time
CODED_ROWS = 1 << 16  # the same, with codes
MAX_QUERIES = 1 << 10  # in one pass over the matrix
THREAD_WORK = 1 << 27  # multiplications that justify another thread: a single query is bound by memory bandwidth
FEW_QUERIES = 3  # up to which dot products row by row are faster than a matrix product

Adjust = Callable[[np.ndarray, int], np.ndarray]  # (products of a block, its first row) -> scores to rank by


def top_k_rows(
    vectors: np.ndarray,
    queries: np.ndarray,
    topn: int,
    mask: np.ndarray | None = None,
    adjust: Adjust | None = None,
    workers: int | None = None,
    block_rows: int = BLOCK_ROWS,
    codes: _kernel.RowCodes | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows with the greatest products with each query.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        May be memory-mapped; products are summed in float32.
    queries : numpy.ndarray of float32, shape (n_queries, dim)
        At most `MAX_QUERIES`.
    topn : int
        The number of rows per query; fewer are returned if there are fewer.
    mask : numpy.ndarray of bool, shape (n,), optional
        False excludes a row.
    adjust : callable, optional
        Maps the products of a block, shape (n_queries, block_rows), and the block's first row to the scores that rows
        are ranked by. It is called by a single thread.
    workers : int, optional
        Threads; by default as many as there is work for, at most all CPUs.
    block_rows : int
        Rows per block.
    codes : RowCodes, optional
        Codes of `vectors`, for at most `_kernel.MAX_CODED_QUERIES` queries: results are the same, but faster. They are
        not used with `adjust`.

    Returns
    -------
    list of (numpy.ndarray of int64, numpy.ndarray of float32)
        Rows and scores for each query, best first; ties keep row order.
    """
    queries = np.ascontiguousarray(queries)
    kept = None if mask is None else mask.view(np.uint8)
    n_threads = 1 if adjust else workers or _useful_threads(len(queries), vectors)
    heaps = [_kernel.TopK(queries, topn) for _ in range(n_threads)]
    codes = None if adjust else codes
    blocks = iter(slices_of(len(vectors), block_rows if codes is None else CODED_ROWS))

    def scan(thread: int, block: slice) -> None:
        block_mask = None if kept is None else kept[block]
        if adjust:
            scores = adjust(_products(vectors[block], queries), block.start)
            heaps[thread].add_scores(scores, block.start, block_mask)
        elif codes is not None:
            heaps[thread].add_coded_rows(codes, block.start, block.stop, block_mask)
        else:
            heaps[thread].add_rows(vectors[block], block.start, block_mask)

    if n_threads == 1:
        for block in blocks:
            scan(0, block)
    else:
        with threads_over([blocks] * n_threads, scan):
            pass
    for other in heaps[1:]:
        heaps[0].merge(other)
    return heaps[0].found()


def _useful_threads(n_queries: int, vectors: np.ndarray) -> int:
    return min(available_cpus(), 1 + n_queries * vectors.size // THREAD_WORK)


def _products(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Products of queries and rows, float32 (n_queries, n_rows)."""
    if len(queries) > FEW_QUERIES:
        return queries @ rows.astype(np.float32, copy=False).T
    products = np.empty((len(queries), len(rows)), dtype=np.float32)
    for query, out in zip(queries, products):
        _kernel.dot_rows(rows, query, out)
    return products
