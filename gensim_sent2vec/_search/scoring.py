"""The score that ranks sentences: cosine similarity, optionally mixed with the lexical score."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._util.parameters import check_float

MAX_CSLS = 100.0  # so that scores, float32, stay finite and keep their digits


class Hits(NamedTuple):
    """The top-k rows for one query, best first; ties keep row order.

    Attributes
    ----------
    rows : numpy.ndarray of int64, shape (k,)
    scores : numpy.ndarray of float32, shape (k,)
        What the rows are ranked by: ``mix(cosines, lexical, hybrid)``, less the correction for hubs.
    cosines : numpy.ndarray of float32, shape (k,)
    lexical : numpy.ndarray of float32, shape (k,), or None
        None if hybrid is 0: lexical scores are not computed then.
    """

    rows: np.ndarray
    scores: np.ndarray
    cosines: np.ndarray
    lexical: np.ndarray | None = None

    def take(self, positions: np.ndarray) -> Hits:
        """The hits at the given positions (an index array or a boolean mask)."""
        lexical = None if self.lexical is None else self.lexical[positions]
        return Hits(self.rows[positions], self.scores[positions], self.cosines[positions], lexical)


def check_scoring(hybrid: Any, csls: Any) -> tuple[float, float]:
    """Return the share of the lexical score and the strength of the correction for hubs.

    Raises
    ------
    TypeError, ValueError
        If one of them is not a number, or out of range; with its name.
    """
    return check_float("hybrid", hybrid, least=0, most=1), check_float("csls", csls, least=0, most=MAX_CSLS)


def mix(cosines: np.ndarray, lexical: np.ndarray | None, hybrid: float) -> np.ndarray:
    """``(1 - hybrid) · cosines + hybrid · lexical``; the cosines themselves if `lexical` is None.

    Lexical scores are cosines too, so the two are mixed without rescaling, and a score means the same for every query
    and index.
    """
    if lexical is None:
        return cosines
    return np.float32(1 - hybrid) * cosines + np.float32(hybrid) * lexical


def cosines_of(vectors: np.ndarray, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The cosines of a query and some rows of a matrix of unit vectors, computed in float32.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
    rows : numpy.ndarray of int64, shape (n_rows,)
    query : numpy.ndarray of float32, shape (dim,)

    Returns
    -------
    numpy.ndarray of float32, shape (n_rows,)
    """
    return vectors.take(rows, axis=0).astype(np.float32, copy=False) @ query
