"""Scores from an inverted index against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec import _kernel


def index(matrix):
    """The postings of a matrix (n_features, n_texts)."""
    features, rows = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(features, minlength=len(matrix)))])
    return starts, rows.astype(np.int32), matrix[features, rows]


@given(st.integers(0, 9), st.integers(0, 12), st.integers(0, 99))
def test_scores_match_numpy_to_the_bit(n_texts, n_features, seed):
    rng = np.random.default_rng(seed)
    matrix = (rng.uniform(0, 1, (n_features, n_texts)) * (rng.random((n_features, n_texts)) < 0.5)).astype(np.float32)
    features = rng.permutation(n_features)[: rng.integers(0, n_features + 1)]
    query = rng.uniform(0, 1, len(features)).astype(np.float32)
    scores, expected = np.zeros(n_texts, np.float32), np.zeros(n_texts, np.float32)
    for feature, weight in zip(features, query):
        expected += matrix[feature] * weight
    _kernel.add_postings(*index(matrix), features, query, scores)
    np.testing.assert_array_equal(scores, np.minimum(expected, 1))


@pytest.mark.parametrize(
    ("starts", "rows", "feature"),
    [
        ([0, 1, 3], [0, 1, 2], 1),  # a row too many
        ([0, 1, 3], [0, -1, 1], 1),
        ([0, 1, 4], [0, 1, 1], 1),
        ([0, 3, 1], [0, 1, 1], 1),
        ([-1, 1, 3], [0, 1, 1], 0),
        ([0, 1, 3], [0, 1, 1], 2),
        ([0, 1, 3], [0, 1, 1], -1),
    ],
)
def test_damaged_postings_are_refused(starts, rows, feature):
    arrays = np.array(starts), np.array(rows, np.int32), np.ones(3, np.float32)
    with pytest.raises(ValueError, match="expected positions in 3 postings and rows of 2 texts"):
        _kernel.add_postings(*arrays, np.array([feature]), np.ones(1, np.float32), np.zeros(2, np.float32))


@given(st.integers(1, 9), st.integers(0, 99))
def test_scores_are_multiplied_by_the_factors_of_lengths(n_texts, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(0, 1, (4, n_texts)).astype(np.float32)
    query, plain, scores = rng.uniform(0, 1, 4).astype(np.float32), *np.zeros((2, n_texts), np.float32)
    lengths, factors = rng.integers(0, 5, n_texts).astype(np.uint16), rng.uniform(0, 1, 5).astype(np.float32)
    _kernel.add_postings(*index(matrix), np.arange(4), query, plain)
    _kernel.add_postings(*index(matrix), np.arange(4), query, scores, lengths, factors)
    np.testing.assert_array_equal(scores, plain * factors[lengths])


def test_damaged_lengths_are_refused():
    arrays = np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32), np.zeros(1, np.int64)
    one, factors = np.ones(1, np.float32), np.ones(3, np.float32)
    with pytest.raises(ValueError, match="lengths less than 3"):
        _kernel.add_postings(*arrays, one, np.zeros(2, np.float32), np.array([0, 3], np.uint16), factors)
    for lengths, given_factors in ((np.zeros(1, np.uint16), factors), (np.zeros(2, np.uint16), None)):
        with pytest.raises(ValueError, match="expected a length for each of 2 texts, and factors"):
            _kernel.add_postings(*arrays, one, np.zeros(2, np.float32), lengths, given_factors)


def test_sizes_are_checked():
    one, rows = np.ones(1, np.float32), np.zeros(1, np.int32)
    for starts, weights, features in (([], one, [0]), ([0, 1], one[:0], [0]), ([0, 1], one, [])):
        with pytest.raises(ValueError, match="sizes do not fit together"):
            _kernel.add_postings(
                np.array(starts, np.int64), rows, weights, np.array(features, np.int64), one, np.zeros(1, np.float32)
            )
