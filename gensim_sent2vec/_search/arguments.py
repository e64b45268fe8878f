"""Checks of the arguments of a search."""

from __future__ import annotations

import numpy as np


def check_topn(topn: int | None, n: int) -> int:
    """The number of results per query, at most `n`; a TypeError or ValueError unless `topn` is a number or None."""
    if topn is None:
        return max(1, n)
    if isinstance(topn, (bool, np.bool_)) or not isinstance(topn, (int, np.integer)):
        raise TypeError(f"topn: expected an integer, or None for all, got {topn!r}")
    if topn < 1:
        raise ValueError(f"topn: must be at least 1, got {topn}")
    return min(int(topn), max(1, n))
