"""Eigenvectors of symmetric matrices, without the threads of the BLAS if the matrix is small."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal, lapack

SMALL = 100  # rows; in steps on larger matrices, OpenBLAS uses several threads
COLUMNS = 40  # transformed back at a time, for the same reason


def eigh(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues of a symmetric matrix in ascending order, and its eigenvectors, as ``numpy.linalg.eigh``.

    For 100 dimensions, threads save nothing, and they wait actively for the next call: they would take up to a tenth of
    a second of CPU time, a hundred times as much as the computation. So its steps are called one by one: reduction to
    tridiagonal form, the eigenvectors of that, and the way back, in blocks of columns.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the computation does not converge.
    """
    n = len(matrix)
    if not 3 <= n <= SMALL or not np.isfinite(matrix).all():
        return np.linalg.eigh(matrix)
    reflectors, diagonal, beside, tau, _ = lapack.dsytrd(matrix, lower=1, lwork=n)
    values, vectors = eigh_tridiagonal(diagonal, beside)
    for first in range(0, n, COLUMNS):
        block = np.asfortranarray(vectors[1:, first : first + COLUMNS])
        vectors[1:, first : first + COLUMNS] = lapack.dormqr("L", "N", reflectors[1:, :-1], tau, block, COLUMNS)[0]
    return values, vectors
