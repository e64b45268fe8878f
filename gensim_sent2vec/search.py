"""Nearest sentences."""

from __future__ import annotations

import numpy as np


def nearest(vectors: np.ndarray, query: np.ndarray, topn: int = 10) -> list[tuple[int, float]]:
    """The rows nearest to a vector by cosine.

    Parameters
    ----------
    vectors : numpy.ndarray of float32, shape (n, dim)
        Of length 1 or 0 each (`encode(…, normalize=True)`).
    query : numpy.ndarray of float32, shape (dim,)
        Of length 1 or 0.
    topn : int
        At most so many.

    Returns
    -------
    list of (int, float)
        Row and cosine, best first; equal cosines in the order of the rows.
    """
    scores = vectors @ query
    topn = min(topn, len(scores))
    if topn <= 0:
        return []
    best = np.argpartition(-scores, topn - 1)[:topn]
    best = best[np.lexsort((best, -scores[best]))]
    return [(int(i), float(scores[i])) for i in best]
