"""The best rows of a matrix, against sorting all products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._search import top_k

DTYPES = [np.float32, np.float16]


@pytest.fixture(params=_kernel.available_levels())
def level(request, monkeypatch):
    """Every instruction set that this machine has."""
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", request.param)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [1, 3, 4, 7, 16, 31, 32, 33, 100, 129])
def test_dot_rows(level, dim, dtype):
    rows = np.random.default_rng(dim)
    matrix = rows.standard_normal((9, dim)).astype(dtype)
    matrix.flags.writeable = False
    query, out = rows.standard_normal(dim, dtype=np.float32), np.empty(9, dtype=np.float32)
    _kernel.dot_rows(matrix, query, out)
    np.testing.assert_allclose(out, matrix.astype(np.float64) @ query, atol=1e-5 * dim**0.5)


def test_dot_rows_checks_shapes():
    matrix, query, out = np.zeros((3, 4), np.float32), np.zeros(4, np.float32), np.zeros(3, np.float32)
    for arguments in ((matrix, query[:3], out), (matrix, query, out[:2])):
        with pytest.raises(ValueError, match="query and out"):
            _kernel.dot_rows(*arguments)
    with pytest.raises(ValueError, match="rows"):
        _kernel.dot_rows(matrix.astype(np.float64), query, out)
    _kernel.dot_rows(matrix[:0], query, out[:0])
    out[:] = 1
    _kernel.dot_rows(matrix[:, :0].copy(), query[:0], out)
    assert not out.any()


def by_sorting(scores, topn):
    """Rows and scores of each query, best first; equal ones in the order of the rows; without those at -inf."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :topn]
    return [
        (rows[of_query[rows] > -np.inf], of_query[rows][of_query[rows] > -np.inf])
        for rows, of_query in zip(order, scores)
    ]


@given(
    n=st.integers(0, 400),
    n_queries=st.sampled_from([1, 3, 4, 15, 32, 33, 70]),
    topn=st.integers(1, 12),
    dtype=st.sampled_from(DTYPES),
    level=st.sampled_from(_kernel.available_levels()),
    workers=st.sampled_from([None, 2, 3]),
    seed=st.integers(0, 99),
    masked=st.booleans(),
    adjusted=st.booleans(),
)
def test_best_rows(n, n_queries, topn, dtype, level, workers, seed, masked, adjusted):
    rows = np.random.default_rng(seed)
    matrix = rows.integers(-2, 3, (n, 3)).astype(dtype)  # whole numbers: products are exact, and many are equal
    queries = rows.integers(-2, 3, (n_queries, 3)).astype(np.float32)
    more = rows.integers(-2, 3, (n_queries, n)).astype(np.float32) if adjusted else 0
    mask = rows.random(n) < 0.5 if masked else None
    scores = np.where(True if mask is None else mask, queries @ matrix.astype(np.float32).T + more, -np.inf)

    def adjust(products, first):
        return products + more[:, first : first + products.shape[1]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSIM_SENT2VEC_SIMD", level)
        block_rows = 7 if seed % 2 else 300
        found = top_k.top_k_rows(matrix, queries, topn, mask, adjust if adjusted else None, workers, block_rows)
    assert len(found) == n_queries
    for (got_rows, got), (want_rows, want) in zip(found, by_sorting(scores, topn)):
        np.testing.assert_array_equal(got_rows, want_rows)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [1, 5, 100, 130])
def test_best_rows_of_any_size(level, dim, dtype):
    rows = np.random.default_rng(dim)
    matrix = rows.standard_normal((1000, dim)).astype(dtype)
    matrix.flags.writeable = False
    queries = rows.standard_normal((40, dim), dtype=np.float32)
    for (got_rows, got), (_, want) in zip(
        top_k.top_k_rows(matrix, queries, 1000), by_sorting(queries @ matrix.astype(np.float32).T, 1000)
    ):
        assert sorted(got_rows) == list(range(1000)) and (np.diff(got) <= 0).all()
        np.testing.assert_allclose(got, want, atol=1e-5 * dim**0.5)


def with_and_without_codes(matrix, queries, topn, mask=None, workers=1):
    """The rows and scores that are found with int8 codes, and without."""
    codes = _kernel.RowCodes(matrix)
    assert codes.rows is matrix
    return (top_k.top_k_rows(matrix, queries, topn, mask, workers=workers, codes=c) for c in (codes, None))


def assert_same(found, expected):
    for (rows, scores), (expected_rows, expected_scores) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(rows, expected_rows)
        assert scores.tobytes() == expected_scores.tobytes()


def kinds_of_rows(kind, n, dim, rows):
    """Matrices that a first look at rounded numbers could go wrong on."""
    matrix = rows.standard_normal((n, dim), dtype=np.float32)
    if kind == "unit":
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    elif kind == "alike":  # all rows near to each other: many are near to the best
        matrix = 1 + 1e-4 * matrix
    elif kind == "repeated":
        matrix = matrix[rows.integers(0, n // 50, n)]
    elif kind == "outliers":
        matrix[rows.integers(0, n, 40)] *= 1000
        matrix[rows.integers(0, n, 40), 0] = 1e30
    elif kind == "small":
        matrix *= 1e-42
    elif kind == "some are zero":
        matrix[rows.random(n) < 0.5] = 0
    return matrix


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["unit", "alike", "repeated", "outliers", "small", "some are zero"])
@pytest.mark.parametrize("dim", [1, 7, 64, 100])
def test_a_first_look_loses_nothing(dim, kind, dtype, monkeypatch):
    """What the best instruction set finds among many rows, by rounded numbers, others find too, to the bit."""
    levels = [name for name in _kernel.available_levels() if name != "plain"]
    if len(levels) < 2:
        pytest.skip("needs two instruction sets with fused multiply-add")
    rows = np.random.default_rng(dim)
    with np.errstate(over="ignore"):
        matrix = kinds_of_rows(kind, 20_000, dim, rows).astype(dtype)
    queries = np.concatenate([matrix[::1000], np.zeros((1, dim)), rows.standard_normal((20, dim))]).astype(np.float32)
    mask = rows.random(len(matrix)) < 0.9
    found = {}
    for name in levels:
        monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", name)
        found[name] = top_k.top_k_rows(matrix, queries, 7, mask, workers=1)
    for one, other in zip(*found.values()):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["unit", "alike", "repeated", "outliers", "small", "some are zero"])
@pytest.mark.parametrize("dim", [1, 7, 64, 100])
def test_codes_of_rows_lose_nothing(level, dim, kind, dtype):
    rows = np.random.default_rng(dim)
    with np.errstate(over="ignore"):
        matrix = kinds_of_rows(kind, 20_000, dim, rows).astype(dtype)
    matrix.flags.writeable = False
    queries = np.concatenate([matrix[::5000], np.zeros((1, dim)), rows.standard_normal((4, dim))]).astype(np.float32)
    for mask in (None, rows.random(len(matrix)) < 0.9):
        for topn in (1, 7, 500):
            assert_same(*with_and_without_codes(matrix, queries, topn, mask))
    assert_same(*with_and_without_codes(matrix[:777], queries[:1], 1000))


@given(
    n=st.integers(0, 400),
    dim=st.integers(1, 9),
    n_queries=st.integers(0, 3),
    topn=st.integers(1, 500),
    dtype=st.sampled_from(DTYPES),
    level=st.sampled_from(_kernel.available_levels()),
    workers=st.sampled_from([1, 3]),
    scale=st.sampled_from([1.0, 1e-30, 1e25]),
    whole=st.booleans(),
    seed=st.integers(0, 999),
)
def test_codes_of_any_rows(n, dim, n_queries, topn, dtype, level, workers, scale, whole, seed):
    rows = np.random.default_rng(seed)
    matrix = (rows.integers(-2, 3, (n, dim)) if whole else rows.standard_normal((n, dim))).astype(dtype)
    queries = (rows.standard_normal((n_queries, dim)) * scale).astype(np.float32)
    mask = rows.random(n) < 0.5 if seed % 2 else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSIM_SENT2VEC_SIMD", level)
        patch.setattr(top_k, "CODED_ROWS", 64)
        found, expected = with_and_without_codes(matrix, queries, topn, mask, workers)
    assert_same(found, expected)


def test_codes_of_long_rows_and_of_many_blocks(level):
    rows = np.random.default_rng(0)
    assert_same(*with_and_without_codes(rows.standard_normal((70, 40_000), np.float32), np.ones((1, 40_000), "f4"), 3))
    matrix = rows.standard_normal((150_000, 4), dtype=np.float32)
    assert_same(*with_and_without_codes(matrix, rows.standard_normal((2, 4), dtype=np.float32), 10, workers=2))


def test_codes_exclude_rows(level):
    """That fewer rows are read is what codes are for."""
    assert _kernel.has_fast_codes() == (_kernel.simd_level() != "plain")
    matrix = np.random.default_rng(0).standard_normal((10_000, 50), dtype=np.float32)
    codes, query = _kernel.RowCodes(matrix), matrix[:1].copy()
    matrix[5000:] = 2 * query  # would be the best, if they were read
    ((found,), _), *_ = top_k.top_k_rows(matrix, query, 1, codes=codes)
    assert (found == 0) == _kernel.has_fast_codes()


def test_codes_check_arguments():
    best = _kernel.TopK(np.zeros((1, 4), np.float32), 3)
    codes = _kernel.RowCodes(np.zeros((100, 4), np.float32))
    for begin, end in ((0, 101), (1, 100), (-64, 64), (64, 0)):
        with pytest.raises(ValueError, match="begin, end"):
            best.add_coded_rows(codes, begin, end)
    with pytest.raises(ValueError, match="codes: expected 4 dimensions"):
        best.add_coded_rows(_kernel.RowCodes(np.zeros((100, 5), np.float32)), 0, 100)
    with pytest.raises(ValueError, match="mask"):
        best.add_coded_rows(codes, 0, 100, np.zeros(99, np.uint8))
    with pytest.raises(ValueError, match="rows"):
        _kernel.RowCodes(np.zeros((100, 4)))


@pytest.mark.parametrize("n_queries", [1, 20])
def test_best_rows_of_many_blocks(n_queries):
    rows = np.random.default_rng(0)
    matrix = rows.standard_normal((150_000, 4), dtype=np.float32)
    queries = rows.standard_normal((n_queries, 4), dtype=np.float32)
    for (got_rows, got), (want_rows, want) in zip(
        top_k.top_k_rows(matrix, queries, 10), by_sorting(queries @ matrix.T, 10)
    ):
        np.testing.assert_array_equal(got_rows, want_rows)
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_rows_without_numbers_and_scores_that_are_none():
    queries = np.zeros((5, 0), np.float32)
    assert [list(of) for of, _ in top_k.top_k_rows(np.zeros((3, 0), np.float32), queries, 2)] == [[0, 1]] * 5
    assert top_k.top_k_rows(np.zeros((3, 2), np.float32), np.zeros((0, 2), np.float32), 2) == []
    best = _kernel.TopK(np.zeros((1, 2), np.float32), 2)
    best.add_scores(np.array([[np.nan, 1, -np.inf, np.nan, 2]], np.float32), 10)
    assert [list(part) for part in best.found()[0]] == [[14, 11], [2, 1]]


def test_best_checks_shapes():
    best = _kernel.TopK(np.zeros((2, 4), np.float32), 3)
    with pytest.raises(ValueError, match="rows"):
        best.add_rows(np.zeros((3, 5), np.float32), 0)
    with pytest.raises(ValueError, match="rows"):
        best.add_rows(np.zeros((3, 4), np.float64), 0)
    with pytest.raises(ValueError, match="mask"):
        best.add_rows(np.zeros((3, 4), np.float32), 0, np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="scores"):
        best.add_scores(np.zeros((3, 4), np.float32), 0)
    with pytest.raises(ValueError, match="other"):
        best.merge(_kernel.TopK(np.zeros((1, 4), np.float32), 3))
    with pytest.raises(ValueError, match="topn"):
        _kernel.TopK(np.zeros((2, 4), np.float32), 0)
