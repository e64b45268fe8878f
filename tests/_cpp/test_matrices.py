"""The kernel's small operations on matrices against numpy, at every instruction set."""

import numpy as np
import pytest

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary

LEVELS = _kernel.available_levels()
DIMS = (1, 3, 16, 33, 100, 130)


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", request.param)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("n", [1, 7, 8, 1030])
def test_second_moment(level, dim, n):
    rows = np.random.default_rng(dim).standard_normal((n, dim)).astype(np.float32)
    out = np.full((dim, dim), np.nan)
    _kernel.second_moment(rows, out)
    expected = rows.astype(np.float64).T @ rows.astype(np.float64)
    np.testing.assert_allclose(out, expected, atol=3e-6 * np.abs(expected).max() + 1e-5)
    np.testing.assert_array_equal(out, out.T)
    _kernel.second_moment(rows[:0], out)
    assert not out.any()
    with pytest.raises(ValueError, match="out: expected shape"):
        _kernel.second_moment(rows, np.zeros((dim + 1, dim)))


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("columns", [0, 1, 5, 20, 64, 129])
def test_times(level, dim, columns):
    numbers = np.random.default_rng(columns)
    rows, matrix = (numbers.standard_normal(shape).astype(np.float32) for shape in ((9, dim), (dim, columns)))
    expected = rows @ matrix
    wide = np.full((9, columns + 3), np.nan, np.float32)
    _kernel.times(rows, matrix, wide[:, 1 : columns + 1])
    np.testing.assert_allclose(wide[:, 1 : columns + 1], expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(wide[:, [0, -1]]).all()
    _kernel.times(rows[:0], matrix, wide[:0, :columns])
    for n in range(1, 8):  # a row has the same product wherever it is
        some = np.full((n, columns), np.nan, np.float32)
        _kernel.times(np.repeat(rows[:1], n, axis=0), matrix, some)
        assert len({row.tobytes() for row in some}) == 1
    if columns == 20:  # in place, within wider rows
        wide[:, 2 : columns + 2] = expected
        square = numbers.standard_normal((columns, columns)).astype(np.float32)
        _kernel.times(wide[:, 2 : columns + 2], square, wide[:, 2 : columns + 2])
        np.testing.assert_allclose(wide[:, 2 : columns + 2], expected @ square, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=f"matrix: expected {dim} rows, got {dim + 1}"):
        _kernel.times(rows, np.zeros((dim + 1, columns), np.float32), wide[:, :columns])
    for out in (wide, wide[1:, :columns]):
        with pytest.raises(ValueError, match=f"out: expected shape .9, {columns}., got"):
            _kernel.times(rows, matrix, out)
    if columns > 1:
        with pytest.raises(ValueError, match="out: expected rows whose values are contiguous"):
            _kernel.times(rows, matrix, np.zeros((9, 2 * columns), np.float32)[:, ::2])


@pytest.mark.parametrize("dim", DIMS)
def test_weighted_means(level, dim):
    numbers = np.random.default_rng(dim)
    rows = numbers.standard_normal((6, dim)).astype(np.float32)
    places = np.array([0, 1, 1, 5, 3, 0, 2], dtype=np.int32)
    weights = numbers.uniform(0.1, 2, len(places)).astype(np.float32)
    ends = np.array([3, 4, 4, 7], dtype=np.int64)
    out = np.full((4, dim), np.nan, np.float32)
    _kernel.weighted_means(rows, places, weights, ends, out)
    for i, part in enumerate((slice(0, 3), slice(3, 4), slice(4, 4), slice(4, 7))):
        w = weights[part, None]
        expected = (w * rows[places[part]]).sum(axis=0) / (w.sum() or 1)
        np.testing.assert_allclose(out[i], expected, atol=1e-6)


@pytest.mark.parametrize("columns", [[0, 5], [-1, 0]])
def test_entries_outside_a_matrix_are_refused(columns):
    rows, values = np.ones((5, 2), np.float32), np.ones(2, np.float32)
    columns, ends = np.array(columns, np.int32), np.array([2])
    with pytest.raises(ValueError, match="in columns below 5"):
        _kernel.weighted_means(rows, columns, values, ends, np.ones((1, 2), np.float32))


def test_sizes_that_do_not_match_are_refused():
    rows, values, columns = np.ones((5, 2), np.float32), np.ones(2, np.float32), np.zeros(2, np.int32)
    for ends in ([1], [3], [2, 1], [1, 3]):
        with pytest.raises(ValueError, match="rising ends of 2 entries"):
            _kernel.weighted_means(rows, columns, values, np.array(ends), np.ones((len(ends), 2), np.float32))
    with pytest.raises(ValueError, match=r"out: expected shape \(1, 2\), got \(2, 2\)"):
        _kernel.weighted_means(rows, columns, values, np.array([2]), rows[:2].copy())


@pytest.mark.parametrize("dim", DIMS)
def test_unit_rows_are_alike_at_every_level(dim, monkeypatch):
    rows = np.random.default_rng(dim).standard_normal((5, dim)).astype(np.float32)
    rows[1], rows[2], rows[3, 0] = 0, 1e-30, np.inf
    found = []
    for name in LEVELS:
        monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", name)
        out = np.empty_like(rows)
        assert _kernel.unit_rows(rows, 1e-30, out) == [1, 2, 3]
        found.append(out.tobytes())
        usual = rows[[0, 4]].astype(np.float64)
        np.testing.assert_allclose(out[[0, 4]], usual / np.linalg.norm(usual, axis=1, keepdims=True), rtol=1e-6)
        assert not out[1].any()
    assert len(set(found)) == 1
    with pytest.raises(ValueError, match="out: expected shape"):
        _kernel.unit_rows(rows, 0, rows[:2].copy())


def test_weighted_words():
    """Unknown words and those without a positive weight are left out, as are sentences without any other word."""
    table = Vocabulary.from_words(["nan", "the", "zero", "cat", "한국어", "other"]).table
    weights = np.array([np.nan, 0.5, 0, 2, 3, 4], np.float32)
    for sentences in (
        ["the cat  한국어", "", "zero nan", "no the\n", "the cat no zero the cat"],
        [["the", "cat", "한국어"], [], ["zero", "nan"], ["no", "the"], ["the", "cat", "no", "zero", "the", "cat"]],
    ):
        found = _kernel.Pack(sentences).weighted_words(table, weights, 10, 3)
        used, places, values, ends = map(np.frombuffer, found, (np.int64, np.int32, np.float32, np.int64))
        assert used.tolist() == [1, 3, 4]
        assert places.tolist() == [0, 1, 2, 0, 0, 1, 0, 1]
        assert values.tolist() == [0.5, 2, 3, 0.5, 5, 20, 0.5, 2]
        assert ends.tolist() == [3, 4, 8]
    assert _kernel.Pack([]).weighted_words(table, weights, 1, 0) == (b"", b"", b"", b"")
    with pytest.raises(ValueError, match="weights: expected one per word, 6, got 5"):
        _kernel.Pack([]).weighted_words(table, weights[1:], 1, 0)
