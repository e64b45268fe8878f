"""All pairs of rows, exactly: their products are computed tile by tile, each tile once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import _kernel
from .._util.progress import Progress
from .._util.threads import slices_of

TILE_ROWS = 1 << 11  # a tile of products takes 16 MB

Nearest = list[tuple[np.ndarray, np.ndarray]]  # for each row: the rows nearest to it (int64), and their products


def tiles(
    vectors: np.ndarray, progress: Progress | None = None, tile_rows: int = TILE_ROWS
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """The products of all pairs of blocks of rows.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
    progress : Progress, optional
        Updated with the number of pairs of rows.
    tile_rows : int

    Yields
    ------
    rows, columns : slice
        ``rows.start <= columns.start``; the tiles of a column come in order of their rows.
    products : numpy.ndarray of float32
        Valid until the next tile. A row is not paired with itself: the product is -inf.
    """
    blocks = slices_of(len(vectors), tile_rows)
    buffer = np.empty(tile_rows * tile_rows, dtype=np.float32)
    done = 0
    for i, rows in enumerate(blocks):
        left = vectors[rows].astype(np.float32, copy=False)
        for columns in blocks[i:]:
            right = left if columns == rows else vectors[columns].astype(np.float32, copy=False)
            products = buffer[: len(left) * len(right)].reshape(len(left), len(right))
            np.matmul(left, right.T, out=products)
            if columns == rows:
                np.fill_diagonal(products, -np.inf)
            yield rows, columns, products
            done += products.size
            if progress:
                progress.update(done)


def n_pairs(n: int, tile_rows: int = TILE_ROWS) -> int:
    """How many products `tiles` computes for n rows."""
    n_blocks, rest = divmod(n, tile_rows)
    return n_blocks * (n_blocks + 1) // 2 * tile_rows**2 + rest * n


def nearest_rows(
    vectors: np.ndarray, topn: int, progress: Progress | None = None, tile_rows: int = TILE_ROWS
) -> Nearest:
    """For each row, the `topn` other rows with the greatest products, in descending order; ties keep row order."""
    heaps = _heaps(len(vectors), topn, tile_rows)
    for rows, columns, products in tiles(vectors, progress, tile_rows):
        heaps[rows.start].add_scores(products, columns.start)
        if columns != rows:
            heaps[columns.start].add_columns(products, rows.start)
    return [found for heap in heaps.values() for found in heap.found()]


def nearest_earlier_rows(vectors: np.ndarray, progress: Progress | None = None, tile_rows: int = TILE_ROWS) -> Nearest:
    """For each row, the row before it with the greatest product; nothing for the first row."""
    heaps = _heaps(len(vectors), 1, tile_rows)
    for rows, columns, products in tiles(vectors, progress, tile_rows):
        if columns == rows:
            products[np.tril_indices(len(products))] = -np.inf
        heaps[columns.start].add_columns(products, rows.start)
    return [found for heap in heaps.values() for found in heap.found()]


def n_neighbors(
    vectors: np.ndarray, threshold: float, progress: Progress | None = None, tile_rows: int = TILE_ROWS
) -> np.ndarray:
    """For each row, the number of other rows with a product of at least `threshold`; int64, shape (n,)."""
    counts = np.zeros(len(vectors), dtype=np.int64)
    for rows, columns, products in tiles(vectors, progress, tile_rows):
        near = products >= threshold
        counts[rows] += np.count_nonzero(near, axis=1)
        if columns != rows:
            counts[columns] += np.count_nonzero(near, axis=0)
    return counts


def _heaps(n: int, topn: int, tile_rows: int) -> dict[int, _kernel.TopK]:
    """The top-k of each block, by its first row; they get products only, so they need no vectors."""
    return {
        block.start: _kernel.TopK(np.empty((block.stop - block.start, 0), dtype=np.float32), topn)
        for block in slices_of(n, tile_rows)
    }
