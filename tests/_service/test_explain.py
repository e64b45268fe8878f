"""The contribution of each word of a query to a score."""

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._service.explain import MAX_WORDS, contributions
from gensim_sent2vec.lexical import LexicalScores

TEXTS = ["the police arrested two men", "heavy rain fell in the south", "the army said on monday", "shares fell", ""]
QUERY = "police said two men fell in the rain rain"


@pytest.fixture
def index(wv) -> SentenceIndex:
    return SentenceIndex.build(wv, TEXTS, lexical=True)


def score(index, query, row, hybrid):
    """The score that the search returns."""
    return dict(index.most_similar(query, topn=len(TEXTS), hybrid=hybrid))[TEXTS[row]] if query else 0.0


@pytest.mark.parametrize("hybrid", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("weighted", [True, False])
def test_contribution_is_what_the_search_loses_without_the_word(wv, hybrid, weighted):
    if not weighted:
        wv.weighting = None
    index = SentenceIndex.build(wv, TEXTS, lexical=True)
    rows = np.array([3, 0, 1])
    words, shares = contributions(index, QUERY, rows, hybrid)
    assert words == ["police", "said", "two", "men", "fell", "in", "the", "rain"]
    assert shares.shape == (len(words), len(rows))
    for word, of_word in zip(words, shares):
        without = " ".join(other for other in QUERY.split() if other != word)
        expected = [score(index, QUERY, row, hybrid) - score(index, without, row, hybrid) for row in rows]
        np.testing.assert_allclose(of_word, expected, atol=1e-5)


def test_a_single_word_contributes_the_entire_score(index):
    rows = np.arange(len(TEXTS))
    words, shares = contributions(index, "  police ", rows, 0.5)
    assert words == ["police"]
    expected = [score(index, "police", row, 0.5) for row in rows]
    np.testing.assert_allclose(shares[0], expected, atol=1e-6)


def test_a_similar_word_contributes_though_the_sentence_lacks_it():
    """No string comparison: "cash" is near "money", but in no sentence."""
    wv = Sent2VecKeyedVectors(2)
    wv.add_vectors(["money", "cash", "rain"], np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32))
    index = SentenceIndex.build(wv, ["money"])
    words, shares = contributions(index, "cash rain", np.array([0]))
    both = np.array([0.8, 1.6]) / np.hypot(0.8, 1.6)
    np.testing.assert_allclose(shares[:, 0], [both[0] - 0, both[0] - 0.8], atol=1e-6)
    assert words == ["cash", "rain"] and shares[0, 0] > 0 > shares[1, 0]


def test_too_many_words_are_not_explained(index):
    rows = np.arange(2)
    most = " ".join(f"w{i}" for i in range(MAX_WORDS))
    assert contributions(index, most + " w0 w1", rows) is not None
    assert contributions(index, most + " x", rows) is None


def test_no_rows_and_unknown_words(index):
    assert contributions(index, "police said", np.zeros(0, dtype=np.int64), 0.5)[1].shape == (2, 0)
    assert not contributions(index, "", np.arange(2), 0.5)[0]
    index.wv.weighting = None  # it makes vectors for unknown words from their character n-grams
    plain = SentenceIndex.build(index.wv, index.sentences)
    assert not contributions(plain, "qqqq", np.arange(2))[1].any()


def test_scores_of_some_rows_are_those_of_all():
    texts = [*TEXTS, "환불은 어떻게 받나요", "경찰이 두 사람을 체포했다 체포했다"] * 3
    lexical = LexicalScores.fit(texts)
    queries = ["police rain", "", "zzz", "환불 체포", "the the the police said", "x" * 3000]
    rows = np.array([20, 0, 5, 5, 6, 13])
    expected = [lexical.scores(query)[rows] for query in queries]
    np.testing.assert_allclose(lexical.scores_of(queries, rows), expected, atol=1e-6)
    assert lexical.scores_of([], rows).shape == (0, 6)
    assert lexical.scores_of(queries, rows[:0]).shape == (6, 0)
