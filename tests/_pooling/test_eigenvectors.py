"""Eigenvectors of small and large symmetric matrices."""

from __future__ import annotations

import numpy as np
import pytest

from gensim_sent2vec._pooling.eigenvectors import SMALL, eigh


def symmetric(n: int, rank: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(rank, n)) * np.logspace(0, -4, n)
    return rows.T @ rows


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 39, 40, 41, 80, 81, SMALL, SMALL + 1, 150])
@pytest.mark.parametrize("kind", ["full", "rank 2", "identity", "zeros", "diagonal"])
def test_eigenvectors_are_orthonormal_and_reproduce_the_matrix(n, kind):
    matrix = {
        "full": symmetric(n, 2 * n, n),
        "rank 2": symmetric(n, 2, n),
        "identity": np.eye(n),
        "zeros": np.zeros((n, n)),
        "diagonal": np.diag(np.arange(n, 0.0, -1)),
    }[kind]
    before = matrix.copy()
    values, vectors = eigh(matrix)
    scale = max(1.0, np.abs(matrix).max())
    assert values.shape == (n,) and vectors.shape == (n, n) and (np.diff(values) >= 0).all()
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix), rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(n), rtol=0, atol=1e-12)
    np.testing.assert_allclose(vectors * values @ vectors.T, matrix, rtol=0, atol=1e-12 * scale)
    assert np.array_equal(matrix, before)


def test_values_that_are_not_finite_end_as_in_numpy():
    matrix = np.full((10, 10), np.nan)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.eigh(matrix)
    with pytest.raises(np.linalg.LinAlgError):
        eigh(matrix)
