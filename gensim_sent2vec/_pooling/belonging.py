"""Which fitted weightings belong to the vectors of words as these are now.

A fitted weighting has rows of its own, which were computed from the vectors. When these change, its rows are out of
date, so it must not be used. Assignments increase the version of the vectors. Changes within the array do not, so
values of each vector are kept and compared.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from .._util.rows import row_values
from .fitted import FittedWeighting


class KnownFits:
    """The fits that were used with some vectors, and the state of the vectors that each belongs to."""

    def __init__(self) -> None:
        self._states: WeakKeyDictionary[FittedWeighting, tuple[int, np.ndarray | None]] = WeakKeyDictionary()

    def belongs(
        self, fitted: FittedWeighting, vectors: np.ndarray, version: int, checked_rows: int | None = None
    ) -> bool:
        """Whether a fit belongs to the vectors as they are now.

        Parameters
        ----------
        fitted : FittedWeighting
            If it is used for the first time, it belongs to the vectors if it was fitted on such vectors.
        vectors : numpy.ndarray, shape (n_words, vector_size)
        version : int
            Increases whenever vectors are assigned.
        checked_rows : int, optional
            How many of the first rows are compared if they may have been changed in place; by default all.
        """
        known_version, values = self._states.get(fitted, (None, None))
        if known_version is None:
            if not fitted.matches(vectors):
                return False
        elif known_version != version:
            return False
        if values is None:  # used for the first time; or rows were mapped read-only, which may be in memory now
            if known_version is None or vectors.flags.writeable:
                own = row_values(vectors).copy() if vectors.flags.writeable else None
                self._states[fitted] = version, own
            return True
        if checked_rows == 0 or not vectors.flags.writeable:
            return True
        now = row_values(vectors, checked_rows)
        return now.tobytes() == values[: len(now)].tobytes()

    def values_of(self, fitted: FittedWeighting, vectors: np.ndarray) -> np.ndarray | None:
        """`row_values` of the vectors that a fit belongs to, for pooling to compare; None if they cannot change."""
        can_change = vectors.flags.writeable and vectors.flags.c_contiguous
        return self._states[fitted][1] if can_change else None
