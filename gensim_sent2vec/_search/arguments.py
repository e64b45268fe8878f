"""Checks of the arguments of a search."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._util.counted import counted


def check_topn(topn: int | None, n: int) -> int:
    """The number of results per query, at most `n`; a TypeError or ValueError unless `topn` is a number or None."""
    if topn is None:
        return max(1, n)
    if isinstance(topn, (bool, np.bool_)) or not isinstance(topn, (int, np.integer)):
        raise TypeError(f"topn: expected an integer, or None for all, got {topn!r}")
    if topn < 1:
        raise ValueError(f"topn: must be at least 1, got {topn}")
    return min(int(topn), max(1, n))


def check_rows(rows: Any, n: int) -> np.ndarray:
    """Numbers of rows of an index of `n` sentences, as int64; negative ones count from the end.

    Raises
    ------
    TypeError, ValueError
        If `rows` are neither integers nor a boolean per row, or out of range.
    """
    array = np.asarray(rows)
    if array.dtype == bool and array.shape == (n,):
        return np.flatnonzero(array)
    if not array.size and array.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(f"rows: expected row numbers, got {array.dtype} of shape {array.shape}")
    bad = array[(array >= n) | (array < -n)]
    if len(bad):
        raise ValueError(f"rows: row {bad[0]} is out of range for an index of {counted(n, 'sentence')}")
    return array.astype(np.int64)
