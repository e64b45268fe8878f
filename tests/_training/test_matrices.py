"""Initial matrices: the same bytes whatever the number of threads, and for rows that are added later."""

import numpy as np
import pytest

from gensim_sent2vec._training.matrices import NGRAMS, WORDS, initial_matrices, memory_estimate, random_rows


@pytest.mark.parametrize("n", [0, 1, 7, 100])
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_rows_do_not_depend_on_threads_or_on_when_they_are_added(n, workers):
    rows = random_rows(n, 5, seed=3, stream=WORDS)
    assert rows.shape == (n, 5) and rows.dtype == np.float32
    assert np.array_equal(random_rows(n, 5, 3, WORDS, workers), rows)
    assert np.array_equal(random_rows(n - n // 2, 5, 3, WORDS, workers, first=n // 2), rows[n // 2 :])


def test_streams_and_seeds_are_independent():
    rows = random_rows(50, 4, 1, WORDS)
    for other in (random_rows(50, 4, 1, NGRAMS), random_rows(50, 4, 2, WORDS)):
        assert not np.isin(other, rows).any()


def test_initial_matrices():
    words, ngrams, placeholder, output = initial_matrices(6, 9, 4, seed=1, workers=2)
    assert (words.shape, ngrams.shape, placeholder.shape, output.shape) == ((6, 4), (9, 4), (4,), (6, 4))
    for rows in (words, ngrams, placeholder):
        assert 0 < np.abs(rows).max() <= 1 / 4
    assert not output.any()


def test_the_memory_estimate_is_the_size_of_the_matrices():
    estimate = memory_estimate(6, 9, 4, lexical_dims=None)
    words, ngrams, _, output = initial_matrices(6, 9, 4, seed=1, workers=1)
    assert (estimate["vectors"], estimate["vectors_ngrams"], estimate["syn1neg"]) == (
        words.nbytes, ngrams.nbytes, output.nbytes,
    )  # fmt: skip
    assert "weighting" not in estimate
    assert memory_estimate(6, 9, 4, lexical_dims=2)["weighting"] == 6 * 4 * (4 + 2 + 1)


@pytest.mark.parametrize("dim", [1, 16, 100])
def test_matrices_begin_at_cache_lines(dim):
    """Training is faster then, most of all if all rows do."""
    matrices = initial_matrices(50, 70, dim, seed=1, workers=2)
    for matrix in (matrices.words, matrices.ngrams, matrices.output):
        assert matrix.ctypes.data % 64 == 0 and matrix.flags.c_contiguous and matrix.flags.writeable
        assert matrix.shape[1] == dim and matrix.dtype == np.float32
    assert not matrices.output.any()
