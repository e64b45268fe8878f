"""The mix of cosines and lexical scores."""

import numpy as np
import pytest

from gensim_sent2vec._search.scoring import Hits, check_scoring, mix

COSINES, LEXICAL = np.float32([0.2, -1]), np.float32([0.6, 0])


def test_the_mix_lies_between_its_parts():
    np.testing.assert_array_equal(mix(COSINES, LEXICAL, 0), COSINES)
    np.testing.assert_array_equal(mix(COSINES, LEXICAL, 1), LEXICAL)
    np.testing.assert_allclose(mix(COSINES, LEXICAL, 0.5), [0.4, -0.5], rtol=1e-6)
    assert mix(COSINES, LEXICAL, 0.3).dtype == np.float32


def test_without_lexical_scores_the_cosines_are_the_scores():
    assert mix(COSINES, None, 0) is COSINES


@pytest.mark.parametrize("hybrid", [-0.1, 1.1, float("nan")])
def test_hybrid_out_of_range(hybrid):
    with pytest.raises(ValueError, match="hybrid: must be between 0 and 1"):
        check_scoring(hybrid, 0)


def test_some_of_the_hits():
    hits = Hits(np.arange(3), np.float32([3, 2, 1]), np.float32([0.3, 0.2, 0.1]))
    assert [list(part) for part in hits.take(np.array([2, 0]))[:3]] == [[2, 0], [1, 3], list(hits.cosines[[2, 0]])]
    assert list(hits.take(hits.scores > 1).rows) == [0, 1] and hits.take(hits.scores > 1).lexical is None
    assert list(hits._replace(lexical=hits.scores).take(np.array([1])).lexical) == [2]
