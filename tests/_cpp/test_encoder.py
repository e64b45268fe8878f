"""The kernel's weighted means of rows against plain numpy, at every instruction set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary

WORDS = ("the", "cat", "한국어", "a-much-longer-word", "e\u0301t\u00e9", "x")
TOKENS = st.lists(st.lists(st.sampled_from((*WORDS, "new", "미등록", "\ud800")), max_size=9), max_size=5)


def encoder(rows, weights=None):
    vocabulary = Vocabulary.from_words(WORDS)
    return _kernel.Encoder(
        vocabulary,
        rows,
        np.zeros((0, rows.shape[1]), rows.dtype),
        word_ngrams=1,
        skip_bigrams=False,
        ngram_hash="mixed",
        weights=weights,
    )


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("as_text", [False, True])
@settings(max_examples=40, deadline=None)
@given(
    sentences=TOKENS,
    dim=st.sampled_from((1, 7, 100, 130)),
    half=st.booleans(),
    first_half=st.sampled_from((0.0, 1.0, 1.5)),
    half_length=st.integers(0, 6),
    seed=st.integers(0, 99),
)
def test_weighted_means(level, as_text, sentences, dim, half, first_half, half_length, seed):
    numbers = np.random.default_rng(seed)
    rows = numbers.normal(size=(len(WORDS), dim)).astype(np.float16 if half else np.float32)
    weights = numbers.uniform(0, 1, len(WORDS)).astype(np.float32)
    weights[0] = 0
    if as_text:
        sentences = [[t for t in tokens if t != "\ud800"] for tokens in sentences]
    pack = _kernel.Pack([" ".join(tokens) for tokens in sentences] if as_text else sentences)
    out, totals = np.empty((len(sentences), dim), np.float32), np.empty(len(sentences), np.float32)
    known = np.empty(len(sentences), np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSIM_SENT2VEC_SIMD", level)
        unseen = encoder(rows, weights).encode(
            pack, out, known, totals=totals, first_half=first_half, half_length=half_length, unseen=True
        )
    where, factors, tokens = unseen or ([], [], [])

    missed = []
    for i, sentence in enumerate(sentences):
        total, vector, n = 0.0, np.zeros(dim), 0
        for position, token in enumerate(sentence):
            early = len(sentence) > half_length and position < len(sentence) // 2
            factor = first_half if early else 1.0
            if token in WORDS:
                n += 1
                total += factor * weights[WORDS.index(token)]
                vector += factor * weights[WORDS.index(token)] * rows[WORDS.index(token)].astype(np.float64)
            else:
                missed.append((i, np.float32(factor), token))
        mean = vector / total if total > 0 else vector
        np.testing.assert_allclose(out[i], mean, atol=2e-6 * (1 + np.abs(vector).max()))
        assert totals[i] == pytest.approx(total, abs=1e-5)
        assert known[i] == n
    assert list(zip(where, factors, tokens)) == missed


def test_unseen_tokens_are_left_out_unless_asked_for():
    rows = np.ones((len(WORDS), 3), np.float32)
    out = np.empty((1, 3), np.float32)
    assert encoder(rows).encode(_kernel.Pack(["cat new"]), out) is None
    assert out.tolist() == [[1, 1, 1]]


def test_totals_of_a_plain_mean_count_the_rows():
    rows = np.ones((len(WORDS), 3), np.float32)
    out, totals = np.empty((2, 3), np.float32), np.empty(2, np.float32)
    encoder(rows).encode(_kernel.Pack(["cat x new", "new"]), out, totals=totals)
    assert totals.tolist() == [2, 0]


def test_weights_are_checked():
    rows = np.ones((len(WORDS), 3), np.float32)
    with pytest.raises(ValueError, match="weights: expected one per word, 6, and"):
        encoder(rows, np.ones(5, np.float32))
    with pytest.raises(ValueError, match="known, totals"):
        encoder(rows).encode(_kernel.Pack(["cat"]), np.empty((1, 3), np.float32), totals=np.empty(2, np.float32))


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("weight", [1e-45, 1e-39, -1.0, np.nan, 1.2e-38])
def test_tiny_weights_give_no_infinity(level, weight, monkeypatch):
    """Seen by fuzz_readers.py: 1 / 1e-39 is infinite, and infinity times zero no number."""
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    rows = np.zeros((len(WORDS), 3), np.float32)
    rows[:, 1] = 2
    out, totals = np.empty((1, 3), np.float32), np.empty(1, np.float32)
    encoder(rows, np.full(len(WORDS), weight, np.float32)).encode(_kernel.Pack(["cat"]), out, totals=totals)
    if weight == 1.2e-38:
        np.testing.assert_allclose(out, [[0, 2, 0]], rtol=1e-6)
    elif np.isfinite(weight):
        assert not out.any()
    assert totals[0] == (np.float32(weight) if weight == 1.2e-38 else 0)
