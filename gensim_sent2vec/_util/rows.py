"""Operations on the rows of a matrix."""

from __future__ import annotations

import numpy as np

BLOCK_ROWS = 1 << 12  # looked at together


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Scale each row to unit length; rows of zeros remain zeros."""
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows / np.where(norms > 0, norms, 1)


def rows_not_finite(rows: np.ndarray) -> np.ndarray:
    """The numbers (int64) of the rows with a NaN or infinite value; read block by block, as they may be mapped."""
    found = [np.zeros(0, dtype=np.int64)]
    for first in range(0, len(rows), BLOCK_ROWS):
        finite = np.isfinite(rows[first : first + BLOCK_ROWS])
        if not finite.all():
            found.append(first + np.flatnonzero(~finite.all(axis=1)))
    return np.concatenate(found)
