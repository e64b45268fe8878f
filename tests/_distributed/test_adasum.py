"""Per-row Adasum by its properties, and against the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec._distributed.adasum import BLOCK_ROWS, Change, adasum, combined_rows


def formula(changes):
    """The combined changes of one row, in float64, by recursion from the last level of the tree."""
    if len(changes) == 1:
        return changes[0].astype(np.float64)
    half = 1 << (len(changes) - 1).bit_length() - 1  # the first half of the tree is complete
    a, b = formula(changes[:half]), formula(changes[half:])
    if not a.any() or not b.any():
        return a + b
    return (1 - a @ b / (2 * a @ a)) * a + (1 - a @ b / (2 * b @ b)) * b


def by_rows(changes):
    return np.stack([formula(changes[:, row]) for row in range(changes.shape[1])])


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_the_formula(k, n, dim, seed):
    rng = np.random.default_rng(seed)
    changes = rng.integers(-2, 3, (k, n, dim)).astype(np.float32) * (rng.random((k, n, 1)) < 0.7)
    expected = by_rows(changes)
    assert np.allclose(combined_rows(changes.copy()), expected, rtol=1e-3, atol=1e-3 * max(1, np.abs(expected).max()))


def test_parallel_changes_are_averaged():
    one = np.random.default_rng(1).standard_normal((20, 8)).astype(np.float32)
    for k in (2, 3, 16):
        assert np.allclose(combined_rows(np.stack([one] * k)), one, atol=1e-6)
        scaled = np.stack([one * i for i in range(1, k + 1)])  # of different lengths: between the mean and the sum
        combined = combined_rows(scaled)
        assert (np.abs(combined) >= np.abs(scaled.mean(axis=0)) * 0.999).all()
        assert (np.abs(combined) <= np.abs(scaled.sum(axis=0)) * 1.001).all()


def test_orthogonal_changes_are_added():
    changes = np.zeros((4, 3, 8), dtype=np.float32)
    for worker in range(4):
        changes[worker, :, 2 * worker : 2 * worker + 2] = 1 + worker
    assert np.array_equal(combined_rows(changes), changes.sum(axis=0))


def test_opposed_changes_are_averaged():
    one = np.ones((2, 4), dtype=np.float32)
    assert np.array_equal(combined_rows(np.stack([one, -one])), np.zeros((2, 4)))
    assert np.array_equal(combined_rows(np.stack([one, -one / 2])), one / 4)


def test_k_counts_the_workers_that_changed_the_row():
    """Two parallel changes are averaged over two, however many other workers there are."""
    for k, i, j in ((8, 2, 5), (8, 0, 1), (7, 0, 6), (3, 1, 2)):
        changes = np.zeros((k, 1, 4), dtype=np.float32)
        changes[i] = changes[j] = [[1, 2, 3, 4]]
        assert np.allclose(combined_rows(changes), [[1, 2, 3, 4]])


@pytest.mark.parametrize("k", [2, 3, 5, 16])
def test_combined_changes_are_between_mean_and_sum(k):
    """For changes of the same length at angles below 90 degrees: the more alike they are, the nearer to the mean."""
    rng = np.random.default_rng(k)
    shared = rng.standard_normal((1, 50, 100))
    lengths = []
    for share in (0.1, 0.5, 0.9):
        own = rng.standard_normal((k, 50, 100))
        changes = (share**0.5 * shared + (1 - share) ** 0.5 * own).astype(np.float32)
        total = np.linalg.norm(changes.sum(axis=0), axis=1)
        lengths.append((np.linalg.norm(combined_rows(changes), axis=1) / total).mean())
    assert 1 > lengths[0] > lengths[1] > lengths[2] > 1 / k


@given(st.integers(2, 5), st.integers(0, 2**31))
def test_a_single_change_is_kept_exactly(k, seed):
    rng = np.random.default_rng(seed)
    changes = np.zeros((k, 50, 5), dtype=np.float32)
    workers = rng.integers(0, k, 50)
    rows = rng.standard_normal((50, 5)).astype(np.float32)
    changes[workers, np.arange(50)] = rows
    assert np.array_equal(combined_rows(changes), rows)
    alone = adasum([Change(rows)], dtype="float32")
    assert np.array_equal(alone.values, rows)


def random_states(n, k, seed, share=0.3):
    rng = np.random.default_rng(seed)
    before = rng.standard_normal((n, 6)).astype(np.float32)
    after = []
    for _ in range(k):
        changed = rng.random(n) < share
        after.append(before + changed[:, None] * rng.standard_normal((n, 6)).astype(np.float32) / 8)
    return before, after


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("n", [1, 50, 2 * BLOCK_ROWS + 7])
def test_sparse_is_dense(n, dtype):
    before, after = random_states(n, 4, seed=n)
    sparse = adasum([Change.between(before, rows, True, dtype) for rows in after], dtype)
    dense = adasum([Change.between(before, rows, False, dtype) for rows in after], dtype)
    a, b = before.copy(), before.copy()
    sparse.add_to(a)
    dense.add_to(b)
    assert np.array_equal(a, b)
    assert len(sparse.rows) < n or n == 1
    untouched = np.all([(rows == before).all(axis=1) for rows in after], axis=0)
    assert a[untouched].tobytes() == before[untouched].tobytes()
    expected = before + by_rows(np.stack([rows - before for rows in after]))
    assert np.allclose(a, expected, atol=2e-3 if dtype == "float16" else 1e-5)


def test_no_changes():
    before = np.ones((5, 3), dtype=np.float32)
    nothing = adasum([Change.between(before, before, True)] * 3)
    assert nothing.values.shape == (0, 3)
    nothing.add_to(before)
    assert (before == 1).all()


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_what_float16_cannot_hold_is_an_error(sparse, value):
    before = np.zeros((5, 3), dtype=np.float32)
    after = before.copy()
    after[2, 1] = value
    with pytest.raises(FloatingPointError):
        Change.between(before, after, sparse)


def test_different_matrices_are_refused():
    changes = [Change(np.zeros((n, 3), dtype=np.float16)) for n in (4, 5)]
    with pytest.raises(ValueError, match="different shapes"):
        adasum(changes)
