"""Int8 codes of the vectors of an index, made when it has been searched for single queries often enough to pay off."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _kernel
from .._util import memory

MIN_VALUES = 1 << 20  # of a matrix; a search of a smaller one takes little time anyway
MIN_SEARCHES = 16  # before codes are made, which takes as long as some 20 searches


class IndexCodes:
    """The codes of a matrix that is searched again and again.

    Parameters
    ----------
    min_values, min_searches : int
        The size of the matrix from which on, and the number of searches after which, codes are made.
    """

    def __init__(self, min_values: int = MIN_VALUES, min_searches: int = MIN_SEARCHES) -> None:
        self._min_values, self._min_searches = min_values, min_searches
        self._codes: _kernel.RowCodes | None = None
        self._searches = 0

    def of(self, matrix: np.ndarray, n_queries: int) -> _kernel.RowCodes | None:
        """The codes to search a matrix with, or None to search it without; called once per search.

        Parameters
        ----------
        matrix : numpy.ndarray of float32 or float16, shape (n, dim)
            With finite values. It becomes read-only when it gets codes, as these would not change with it.
        n_queries : int
        """
        if matrix.size < self._min_values or n_queries > _kernel.MAX_CODED_QUERIES:
            return None
        codes = self._codes
        if codes is not None and codes.rows is matrix:
            return codes
        self._searches += n_queries
        if self._searches <= self._min_searches or not _kernel.has_fast_codes():
            return None
        self._searches = 0  # other threads search without codes meanwhile
        limit = memory.available()
        if limit is not None and 2 * matrix.size > limit.available:
            return None
        matrix.flags.writeable = False
        self._codes = codes = _kernel.RowCodes(matrix)
        return codes

    def __reduce__(self) -> tuple[Any, ...]:
        return IndexCodes, (self._min_values, self._min_searches)
