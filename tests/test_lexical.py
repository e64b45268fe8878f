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


def ngrams(text: str, shortest: int, longest: int, analyzer: str) -> Counter:
    """Character n-grams of a text, or within words, including the space on either side."""
    words = normalize_text(text).split()
    found = []
    for part in words if analyzer == "char_wb" else [" ".join(words)] if words else []:
        padded = f" {part} "
        for n in range(shortest, longest + 1):
            found += [padded[i : i + n] for i in range(len(padded) - n + 1)]
    return Counter(gram for gram in found if gram != " ")


def by_hand(texts, query: str, shortest: int, longest: int, analyzer="char", power=0.5) -> list[float]:
    counts = [ngrams(text, shortest, longest, analyzer) for text in texts]
    frequency = Counter(gram for count in counts for gram in count)

    def vector(count: Counter) -> dict[str, float]:
        weights = {
            gram: (1 + math.log(c)) * (1 + math.log((1 + len(texts)) / (1 + frequency[gram])))
            for gram, c in count.items()
            if gram in frequency
        }
        length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1
        return {gram: weight / length for gram, weight in weights.items()}

    def factor(text: str) -> float:
        a, b = (min(4095, max(1, len("".join(normalize_text(of).split())))) for of in (query, text))
        return (2 * a * b / (a * a + b * b)) ** power

    wanted = vector(ngrams(query, shortest, longest, analyzer))
    cosines = [sum(wanted.get(gram, 0) * weight for gram, weight in vector(count).items()) for count in counts]
    return [cosine * factor(text) for cosine, text in zip(cosines, texts)]


@given(
    st.lists(st.text("ab 한국\tA", max_size=12), max_size=8),
    st.text("ab 한국c", max_size=12),
    st.tuples(st.integers(1, 3), st.integers(1, 4)).filter(lambda pair: pair[0] <= pair[1]),
    st.sampled_from(["char", "char_wb"]),
    st.sampled_from([0, 0.5, 2.0]),
)
def test_tf_idf_of_character_ngrams(texts, query, shape, analyzer, power):
    lexical = LexicalScores.fit(texts, ngrams=shape, analyzer=analyzer, length_power=power)
    scores = lexical.scores(query)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, by_hand(texts, query, *shape, analyzer, power), atol=1e-5)
    rows = np.arange(len(texts))[::-1]
    np.testing.assert_allclose(lexical.scores_of([query, "b"], rows)[0], scores[::-1], atol=1e-5)


def test_by_default_ngrams_span_words_and_lengths_count():
    texts = ["at a", "ta at", "a t a"]
    np.testing.assert_allclose(LexicalScores.fit(texts).scores("at a"), by_hand(texts, "at a", 1, 3), atol=1e-6)
    within, across = (LexicalScores.fit(["x y"], analyzer=analyzer) for analyzer in ("char_wb", "char"))
    assert len(across.features) == len(within.features) + 1  # "x y"
    scores = LexicalScores.fit(["ab", "ab " * 2, "ab " * 5], length_power=0.5).scores("ab")
    plain = LexicalScores.fit(["ab", "ab " * 2, "ab " * 5], length_power=0).scores("ab")
    np.testing.assert_allclose(scores / plain, [1, np.sqrt(4 / 5), np.sqrt(10 / 26)], atol=1e-6)


def test_ngrams_do_not_span_texts():
    for text in ("b", "", " "):
        assert set(LexicalScores.fit(["a", text, "c"], ngrams=(2, 4)).features) == set(
            np.concatenate([LexicalScores.fit([each], ngrams=(2, 4)).features for each in ("a", text, "c")])
        )


def test_lengths_are_characters_without_spaces():
    lexical = LexicalScores.fit(["a  b", "\u00a0", "", "한 국", "x" * 9000, "\ufb01"])
    np.testing.assert_array_equal(lexical.lengths, [2, 0, 0, 2, 4095, 2])  # the last is NFKC of one character
    assert LexicalScores.fit(["a"], length_power=0).lengths is None
    assert LexicalScores.fit(["a", "x" * 9000]).scores("x" * 8000)[1] == pytest.approx(1, abs=1e-6)


def test_damaged_lengths_are_refused():
    scores = LexicalScores.fit(TEXTS)
    for lengths in (scores.lengths[:-1], scores.lengths.astype(np.int64)):
        with pytest.raises(ValueError, match="lengths: expected uint16 of shape"):
            LexicalScores(scores.arrays | {"lengths": lengths}, scores.n, **vars(scores.options))
    arrays = {name: array for name, array in scores.arrays.items() if name != "lengths"}
    with pytest.raises(ValueError, match=r"lengths: missing, but length_power is 0\.5"):
        LexicalScores(arrays, scores.n, **vars(scores.options))


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
    for options in ({}, {"analyzer": "char_wb"}, {"length_power": 0}):
        scores = LexicalScores.fit(TEXTS, ngrams=(2, 3), **options)
        again = LexicalScores(scores.arrays, scores.n, **scores.options.to_facts())
        np.testing.assert_array_equal(again.scores("my order"), scores.scores("my order"))


def test_arrays_without_options_are_those_of_earlier_versions():
    earlier = LexicalScores.fit(TEXTS, analyzer="char_wb", length_power=0)
    again = LexicalScores(earlier.arrays, earlier.n)
    np.testing.assert_array_equal(again.scores("my order"), earlier.scores("my order"))
    np.testing.assert_allclose(again.scores("my order"), by_hand(TEXTS, "my order", 1, 3, "char_wb", 0), atol=1e-5)


def test_invalid_arguments():
    with pytest.raises(ValueError, match="ngrams: expected"):
        LexicalScores.fit(TEXTS, ngrams=(3, 2))
    for batch_size in (0, 1 << 15):
        with pytest.raises(ValueError, match="batch_size: must be between 1 and 16,384"):
            LexicalScores.fit(TEXTS, batch_size=batch_size)
    for ngrams in (3, (1, 2, 3), (1.5, 2)):
        with pytest.raises(TypeError, match=r"^ngrams: expected"):
            LexicalScores.fit(TEXTS, ngrams=ngrams)
    with pytest.raises(ValueError, match=r"^analyzer: expected .char. or .char_wb., got .word."):
        LexicalScores.fit(TEXTS, analyzer="word")
    for power, error in ((-1, ValueError), (np.nan, ValueError), ("x", TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"^length_power: "):
            LexicalScores.fit(TEXTS, length_power=power)
