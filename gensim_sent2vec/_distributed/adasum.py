"""Per-row Adasum: the changes that several workers made to the same matrix, combined.

The changes δ of a row are added up and scaled by Σ|δ|² / |Σδ|², but by no less than 1/k and no more than 1. Here k is
the number of workers that changed the row. Parallel changes, which all workers would have made, are thereby averaged,
and orthogonal ones, which they learned independently, are added.

Maleki et al.: "Scaling Distributed Training with Adaptive Summation", MLSys 2021; Gill et al.: "Distributed Training of
Embeddings using Graph Analytics" (GraphWord2Vec), IPDPS 2021. Here all workers are combined at once, not in a tree of
pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK_ROWS = 1 << 13  # combined at a time


@dataclass(frozen=True)
class Change:
    """What changes in some rows of a matrix.

    Attributes
    ----------
    values : numpy.ndarray of float, shape (n, dim)
    rows : numpy.ndarray of int64, shape (n,), ascending, or None
        Where the values belong; None for all rows.
    """

    values: np.ndarray
    rows: np.ndarray | None = None

    @classmethod
    def between(cls, before: np.ndarray, after: np.ndarray, sparse: bool, dtype: str = "float16") -> Change:
        """The change between two states of a matrix, of the rows that differ only if `sparse`.

        Raises
        ------
        FloatingPointError
            If a value is not finite, or too large for `dtype`.
        """
        rows = None
        if sparse:
            rows = np.concatenate([np.zeros(0, dtype=np.int64), *_changed_rows(before, after)])
            before, after = before[rows], after[rows]
        values = np.empty(before.shape, dtype=dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for part in _blocks(len(before)):
                values[part] = after[part] - before[part]
        if not all(np.isfinite(values[part]).all() for part in _blocks(len(values))):
            raise FloatingPointError("a change is not finite")
        return cls(values, rows)

    def add_to(self, matrix: np.ndarray) -> None:
        """Apply the change."""
        for part in _blocks(len(self.values)):
            matrix[part if self.rows is None else self.rows[part]] += self.values[part].astype(matrix.dtype)


def adasum(changes: Sequence[Change], dtype: str = "float16") -> Change:
    """Combine the changes that workers made to the same rows of a matrix.

    Parameters
    ----------
    changes : sequence of Change
        One per worker, all sparse or none.
    dtype : str
        Of the result. The arithmetic is in float32.

    Returns
    -------
    Change
        The same whatever the order of the workers, up to rounding; a row that only one of them changed is exactly its
        change.

    Raises
    ------
    ValueError
        If the shapes differ, as of workers with different vocabularies.
    """
    _check(changes)
    if changes[0].rows is None:
        rows, n = None, len(changes[0].values)
    else:
        rows = np.unique(np.concatenate([change.rows for change in changes if change.rows is not None]))
        n = len(rows)
    result = np.empty((n, changes[0].values.shape[1]), dtype=dtype)
    for part in _blocks(n):
        stacked = np.empty((len(changes), part.stop - part.start, result.shape[1]), dtype=np.float32)
        for values, change in zip(stacked, changes):
            values[:] = _values_at(change, part, rows)
        result[part] = combined_rows(stacked)
    return Change(result, rows)


def combined_rows(changes: np.ndarray) -> np.ndarray:
    """Combine the changes of the same rows by workers.

    Parameters
    ----------
    changes : numpy.ndarray of float32, shape (n_workers, n, dim)
        Zeros where a worker did not change a row.

    Returns
    -------
    numpy.ndarray of float32, shape (n, dim)
    """
    squares = np.einsum("kij,kij->i", changes, changes)
    k = np.maximum(1, changes.any(axis=2).sum(axis=0))
    total: np.ndarray = changes.sum(axis=0)
    norm = np.einsum("ij,ij->i", total, total)
    ratio = np.divide(squares, norm, out=np.ones_like(norm), where=norm > 0)
    total *= np.where(k == 1, 1.0, np.clip(ratio, 1 / k, 1.0)).astype(np.float32)[:, None]
    return total


def _values_at(change: Change, part: slice, rows: np.ndarray | None) -> np.ndarray:
    """The values of a worker for some of the rows that any worker changed; zeros for those that it did not."""
    if rows is None or change.rows is None:
        return change.values[part]
    wanted = rows[part]
    values = np.zeros((len(wanted), change.values.shape[1]), dtype=np.float32)
    begin, end = np.searchsorted(change.rows, (wanted[0], wanted[-1] + 1))
    values[np.searchsorted(wanted, change.rows[begin:end])] = change.values[begin:end]
    return values


def _changed_rows(before: np.ndarray, after: np.ndarray) -> Iterator[np.ndarray]:
    for part in _blocks(len(before)):
        yield part.start + np.flatnonzero((before[part] != after[part]).any(axis=1))


def _blocks(n: int) -> list[slice]:
    return [slice(start, min(start + BLOCK_ROWS, n)) for start in range(0, n, BLOCK_ROWS)]


def _check(changes: Sequence[Change]) -> None:
    shapes = {(change.values.shape[1:], None if change.rows is not None else len(change.values)) for change in changes}
    if len(shapes) != 1:
        raise ValueError(f"changes: workers have matrices of different shapes: {sorted(map(str, shapes))}")
