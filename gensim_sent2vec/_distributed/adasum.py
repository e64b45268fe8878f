"""Per-row Adasum: the changes that several workers made to the same matrix, combined.

The changes a and b of a row by two workers become (1 - ⟨a, b⟩ / 2|a|²) a + (1 - ⟨a, b⟩ / 2|b|²) b. Parallel changes,
which both would have made, are thereby averaged, and orthogonal ones, which they learned independently, are added. More
workers are combined in a tree: first in pairs, then the results in pairs, and so on.

Maleki et al.: "Scaling Distributed Training with Adaptive Summation", MLSys 2021; Gill et al.: "Distributed Training of
Embeddings using Graph Analytics" (GraphWord2Vec), IPDPS 2021. Combining all workers at once, by their sum scaled by
Σ|δ|² / |Σδ|², costs plain means of four workers a point more: rare rows, such as those of n-grams, change too little.
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
        A row that only one worker changed is exactly its change.

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
    rows = list(changes)
    while len(rows) > 1:
        pairs = [_combined_pair(*rows[i : i + 2]) for i in range(0, len(rows) - 1, 2)]
        rows = pairs + rows[2 * len(pairs) :]
    return rows[0]


def _combined_pair(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The changes of two workers, both of shape (n, dim), combined."""
    product = np.einsum("ij,ij->i", a, b)
    result: np.ndarray = a * _factor(a, product)
    result += b * _factor(b, product)
    return result


def _factor(change: np.ndarray, product: np.ndarray) -> np.ndarray:
    """1 - `product` / 2|`change`|², of shape (n, 1); 1 for rows that did not change."""
    norm = 2 * np.einsum("ij,ij->i", change, change)
    return 1 - np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0)[:, None]


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
        raise ValueError(
            f"changes: workers have matrices of different shapes, {sorted(map(str, shapes))}, so their vocabularies or "
            "options differ; start the training again, from one model"
        )
