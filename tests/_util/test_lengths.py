"""Factors of lexical scores by the lengths of two texts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec._util.lengths import length_factors

LENGTHS = st.lists(st.integers(0, 5000), max_size=12)


@given(LENGTHS, LENGTHS, st.sampled_from([0.0, 0.5, 3.0]))
def test_pairs_one_by_one(lengths, others, power):
    found = length_factors(np.array(lengths, np.uint16), np.array(others, np.uint16), power)
    assert found.dtype == np.float32 and found.shape == (len(lengths), len(others))
    for i, a in enumerate(max(1, a) for a in lengths):
        for j, b in enumerate(max(1, b) for b in others):
            assert np.isclose(found[i, j], (2 * a * b / (a**2 + b**2)) ** power, atol=1e-6)


def test_it_does_not_depend_on_the_unit_or_the_order():
    lengths, others = np.array([1, 7, 30]), np.array([30, 2])
    factors = length_factors(lengths, others, 0.5)
    np.testing.assert_allclose(length_factors(others, lengths, 0.5).T, factors, atol=1e-6)
    np.testing.assert_allclose(length_factors(3 * lengths, 3 * others, 0.5), factors, atol=1e-6)
    assert factors[2, 0] == 1
