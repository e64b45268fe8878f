"""How alike texts are in length: a factor of their lexical scores.

Questions with the same answer are about equally long, whatever their words. A text of a characters and one of b get the
factor (2ab / (a² + b²))^p, which is 1 for equal lengths and does not depend on the unit that lengths are counted in.
"""

from __future__ import annotations

import numpy as np


def length_factors(lengths: np.ndarray, others: np.ndarray, power: float) -> np.ndarray:
    """The factors of all pairs of texts.

    Parameters
    ----------
    lengths, others : numpy.ndarray of int, shapes (n,) and (m,)
        0 counts as 1.
    power : float
        p; 0: all factors are 1.

    Returns
    -------
    numpy.ndarray of float32, shape (n, m)
    """
    # Few lengths occur in many texts, and looking a factor up is faster than computing it.
    (rows, row_of), (columns, column_of) = (np.unique(of, return_inverse=True) for of in (lengths, others))
    a, b = (np.maximum(of, 1).astype(np.float64) for of in (rows[:, None], columns))
    table = ((2 * a * b / (a * a + b * b)) ** power).astype(np.float32)
    return table.take(column_of, axis=1).take(row_of, axis=0)
