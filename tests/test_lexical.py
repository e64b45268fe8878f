"""LexicalScores, compared with TF-IDF in dicts."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec.lexical import LexicalScores, normalize_text

ENGLISH, KOREAN = ["Where is my order?", "where is my money"], ["한국어 질문이 있어요", "한국어로 질문"]
TEXTS = [*ENGLISH, *KOREAN, "", "a", "\ufb01ne \uff11\uff12", "   "]


def ngrams(text: str, shortest: int, longest: int) -> Counter:
    """Character n-grams within words, including the space on either side."""
    found = []
    for word in normalize_text(text).split():
        padded = f" {word} "
        for n in range(shortest, longest + 1):
            found += [padded[i : i + n] for i in range(len(padded) - n + 1)]
    return Counter(gram for gram in found if gram != " ")


def by_hand(texts, query: str, shortest: int, longest: int) -> list[float]:
    counts = [ngrams(text, shortest, longest) for text in texts]
    frequency = Counter(gram for count in counts for gram in count)

    def vector(count: Counter) -> dict[str, float]:
        weights = {
            gram: (1 + math.log(c)) * (1 + math.log((1 + len(texts)) / (1 + frequency[gram])))
            for gram, c in count.items()
            if gram in frequency
        }
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1
        return {gram: weight / length for gram, weight in weights.items()}

    wanted = vector(ngrams(query, shortest, longest))
    return [sum(wanted.get(gram, 0) * weight for gram, weight in vector(count).items()) for count in counts]


@given(
    st.lists(st.text("ab 한국\tA", max_size=12), max_size=8),
    st.text("ab 한국c", max_size=12),
    st.tuples(st.integers(1, 3), st.integers(1, 4)).filter(lambda pair: pair[0] <= pair[1]),
)
def test_tf_idf_of_character_ngrams(texts, query, shape):
    scores = LexicalScores.fit(texts, ngrams=shape).scores(query)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, by_hand(texts, query, *shape), atol=1e-5)


def test_the_batch_size_does_not_matter():
    texts = TEXTS * 7
    together = LexicalScores.fit(texts)
    batched = LexicalScores.fit(iter(texts), batch_size=5)
    assert batched.n == together.n == len(texts)
    for query in TEXTS:
        np.testing.assert_allclose(batched.scores(query), together.scores(query), atol=1e-6)


def test_a_text_is_most_similar_to_itself():
    scores = LexicalScores.fit(TEXTS)
    for i, text in enumerate(TEXTS):
        if text.strip():
            assert scores.scores(text).argmax() == i
            assert scores.scores(text)[i] == pytest.approx(1, abs=1e-6)
        else:
            assert not scores.scores(text).any()


def test_tokens_case_and_unicode_normalization():
    scores = LexicalScores.fit(TEXTS)
    np.testing.assert_array_equal(scores.scores("WHERE is  my ORDER?"), scores.scores(["where", "is", "my", "order?"]))
    assert scores.scores("fine 12")[6] == pytest.approx(1, abs=1e-6)


def test_common_ngrams_are_ignored():
    texts = ["the cat", "the dog", "the cow", "the ant"]
    assert LexicalScores.fit(texts).scores("the").all()
    assert LexicalScores.fit(texts, max_df=1, always_keep=0).scores("the").all()
    scores = LexicalScores.fit(texts, always_keep=2)
    assert not scores.scores("the").any()
    assert scores.scores("the cow").argmax() == 2


def test_restored_from_its_arrays():
    scores = LexicalScores.fit(TEXTS, ngrams=(2, 3))
    again = LexicalScores(scores.arrays, scores.n, scores.ngrams)
    np.testing.assert_array_equal(again.scores("my order"), scores.scores("my order"))


def test_invalid_arguments():
    with pytest.raises(ValueError, match="ngrams: expected"):
        LexicalScores.fit(TEXTS, ngrams=(3, 2))
    for batch_size in (0, 1 << 15):
        with pytest.raises(ValueError, match="batch_size: must be between 1 and 16,384"):
            LexicalScores.fit(TEXTS, batch_size=batch_size)
