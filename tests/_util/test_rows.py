"""Operations on the rows of a matrix."""

import numpy as np
import pytest

from gensim_sent2vec._util.rows import unit_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_rows_of_any_length_get_unit_length(scale, dtype):
    rows = np.array([[3, 4], [0, 0], [0, -5], [1, 1]], dtype=dtype)
    expected = np.array([[0.6, 0.8], [0, 0], [0, -1], [0.5**0.5, 0.5**0.5]])
    scaled = rows * dtype(scale)
    found = unit_rows(scaled)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_rows_that_are_not_finite_stay_so():
    rows = np.array([[np.nan, 1], [np.inf, 1], [3, 4]], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        found = unit_rows(rows)
    assert np.isnan(found[:2, 0]).all() and found[2].tolist() == pytest.approx([0.6, 0.8])


def test_no_rows_and_no_dimensions():
    assert unit_rows(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert unit_rows(np.zeros((3, 0), np.float32)).shape == (3, 0)
