"""The kernel's weighted means of rows against plain numpy, at every instruction set."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._pooling.spelling import CharNgrams
from gensim_sent2vec._text.vocabulary import Vocabulary

WORDS = ("the", "cat", "한국어", "a-much-longer-word", "e\u0301t\u00e9", "x")
UNSEEN = ("new", "미등록", "\ud800", "é", "of-more-than-eight-bytes")
TOKENS = st.lists(st.lists(st.sampled_from((*WORDS, *UNSEEN)), max_size=9), max_size=5)


def encoder(rows, weights=None, parts=(), cache=None, missed=None, **options):
    """An encoder; words that are in neither the vocabulary nor the cache are appended to `missed`."""

    def encode_words(words):
        missed.extend(words)
        return np.zeros((len(words), rows.shape[1]), np.float32), np.zeros(len(words), np.float32)

    vocabulary = Vocabulary.from_words(WORDS)
    return _kernel.Encoder(
        vocabulary,
        rows,
        np.zeros((0, rows.shape[1]), rows.dtype),
        word_ngrams=1,
        skip_bigrams=False,
        ngram_hash="mixed",
        weights=weights,
        parts=parts,
        unseen=None if cache is None else lambda: cache,
        encode_words=None if missed is None else encode_words,
        **options,
    )


def unit(x):
    return x / (np.linalg.norm(x) or 1)


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
    split=st.sampled_from((None, 0.0, 0.4, 1.0)),
)
def test_weighted_means(level, as_text, sentences, dim, half, first_half, half_length, seed, split):
    numbers = np.random.default_rng(seed)
    rows = numbers.normal(size=(len(WORDS), dim)).astype(np.float16 if half else np.float32)
    weights = numbers.uniform(0, 1, len(WORDS)).astype(np.float32)
    weights[0] = 0
    row_of, weight_of = dict(zip(WORDS, rows)), dict(zip(WORDS, weights))
    for word in UNSEEN[:-1]:
        row_of[word], weight_of[word] = numbers.normal(size=dim).astype(np.float32), np.float32(numbers.uniform(0, 1))
    weight_of["\ud800"] = np.float32(0)
    cache = _kernel.UnseenRows(dim, 100)
    cache.add(UNSEEN[:-1], *(np.stack([of[word] for word in UNSEEN[:-1]]) for of in (row_of, weight_of)))
    first = None if split is None else int(split * dim)
    parts = () if first is None else ((first, 2.0), (dim - first, 0.5))
    if as_text:
        sentences = [[token for token in tokens if token != "\ud800"] for tokens in sentences]
    pack = _kernel.Pack([" ".join(tokens) for tokens in sentences] if as_text else sentences)
    out, totals = np.empty((len(sentences), dim), np.float32), np.empty(len(sentences), np.float32)
    known = np.empty(len(sentences), np.int64)
    missed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSIM_SENT2VEC_SIMD", level)
        options = {"first_half": first_half, "half_length": half_length}
        of_texts = encoder(rows, weights, parts, cache, missed, **options)
        of_texts.encode(pack, out, known, totals=totals)

    for i, sentence in enumerate(sentences):
        total, vector = 0.0, np.zeros(dim)
        for position, token in enumerate(sentence):
            early = len(sentence) > half_length and position < len(sentence) // 2
            weight = (first_half if early else 1.0) * weight_of.get(token, 0)
            total += weight
            vector += weight * row_of.get(token, np.zeros(dim)).astype(np.float64)
        mean = vector / total if total > 0 else vector
        tolerance = 2e-6 * (1 + np.abs(vector).max())
        if first is None:
            np.testing.assert_allclose(out[i], mean, atol=tolerance)
        else:
            for part, length in ((slice(0, first), 2), (slice(first, dim), 0.5)):
                norm = np.linalg.norm(mean[part])
                assert norm < 0.01 or np.abs(out[i, part] - length * unit(mean[part])).max() < 4 * tolerance / norm
        assert totals[i] == pytest.approx(total, abs=1e-5)
        assert known[i] == sum(token in WORDS for token in sentence)
        if as_text:
            vector, is_known = of_texts.encode_text(" ".join(sentence))
            np.testing.assert_array_equal(vector, out[i])
            assert is_known == (totals[i] > 0)
    assert missed == [UNSEEN[-1]] * any(UNSEEN[-1] in sentence for sentence in sentences)


def test_parts_and_rows_of_other_sizes_are_refused():
    rows, out = np.ones((len(WORDS), 3), np.float32), np.empty((1, 3), np.float32)
    for parts in (((1, 1.0), (1, 1.0)), ((4, 1.0), (-1, 1.0))):
        with pytest.raises(ValueError, match="parts: expected 3 dimensions in all"):
            encoder(rows, parts=parts)
    with pytest.raises(ValueError, match="unseen: expected rows of 3 dimensions, got 4"):
        encoder(rows, cache=_kernel.UnseenRows(4, 1)).encode(_kernel.Pack(["new"]), out)
    with pytest.raises(ValueError, match="dim, capacity"):
        _kernel.UnseenRows(3, 0)
    for shape, n in (((2, 3), 1), ((1, 4), 1), ((1, 3), 2)):
        with pytest.raises(ValueError, match="rows, weights: expected 1 rows of 3 dimensions"):
            _kernel.UnseenRows(3, 1).add(["new"], np.ones(shape, np.float32), np.ones(n, np.float32))


@pytest.mark.parametrize("level", _kernel.available_levels())
def test_the_cache_spells_words_as_the_speller_does(level, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    numbers = np.random.default_rng(4)
    table = CharNgrams.from_words(["walking", "한국어", "中文字", "talked"], np.array([5.0, 3.0, 2.0, 1.0]), 3, 4, 7)
    vectors = numbers.standard_normal((len(table.hashes), 33)).astype(np.float16)
    maps = [numbers.standard_normal(shape).astype(np.float32) for shape in ((33, 20), (70, 70))]
    table = dataclasses.replace(table, vectors=vectors)
    cache = _kernel.UnseenRows(90, 1000, table.speller(*maps), 0.5, ["a", "walk"])
    spelled = ["walk", "한국", "가", "값", "국어中文字", "中文", "a", "a-b", "", "\x7f", "talk" * 99]
    others = ["é", "e\u0301", "\u1100\u1161", "\ud800", "ж", "\u3042", "\U00020000", "が"]
    tokens = [*spelled, *others, *spelled]
    rows = np.zeros((len(WORDS), 90), np.float32)
    out, totals = np.empty((len(tokens), 90), np.float32), np.empty(len(tokens), np.float32)
    pack = _kernel.Pack([[token] for token in tokens])
    encode = encoder(rows, np.ones(len(WORDS), np.float32), cache=cache).encode
    encode(pack, out, totals=totals)
    expected = table.row_encoder(*maps)(tokens)
    weights = np.where([token in ("a", "walk", *others) or token == "" for token in tokens], 0, 0.5)
    np.testing.assert_array_equal(totals, weights)
    np.testing.assert_allclose(out, expected * (weights > 0)[:, None], rtol=1e-6)
    cache.add(others, table.row_encoder(*maps)(others), np.full(len(others), 0.25, np.float32))
    encode(pack, out, totals=totals)
    np.testing.assert_allclose(out, expected * ((weights > 0) | (totals == 0.25))[:, None], rtol=1e-6)
    assert (totals[len(spelled) :][: len(others)] == 0.25).all()


def test_words_that_the_cache_cannot_spell_are_encoded_once():
    table = CharNgrams.from_words(["walking"], np.array([5.0]), 3, 4, 7)
    maps = np.zeros((0, 0), np.float32), np.eye(3, dtype=np.float32)
    cache, missed = _kernel.UnseenRows(3, 9, table.speller(*maps), 0.5), []
    weights = np.ones(len(WORDS), np.float32)
    encode_text = encoder(np.ones((len(WORDS), 3), np.float32), weights, cache=cache, missed=missed).encode_text
    for _ in range(2):
        encode_text("walked é cat ж é")
    assert missed == ["é", "ж"]


def test_a_full_cache_is_emptied_between_calls_only():
    cache, words, missed = _kernel.UnseenRows(3, 4), [f"word-{i}" for i in range(5000)], []
    pack, out = _kernel.Pack([[word] for word in words]), np.empty((len(words), 3), np.float32)
    encode = encoder(np.ones((len(WORDS), 3), np.float32), np.ones(len(WORDS), np.float32), (), cache, missed).encode
    for calls in (1, 2):
        encode(pack, out)
        assert missed == words * calls
    cache.trim()
    cache.add(words[:3], out[:3], np.ones(3, np.float32))
    encode(_kernel.Pack([words[:3]]), out[:1])
    assert missed == words * 2


@pytest.mark.parametrize("n_texts", [1, 3])
def test_caches_are_kept_up_to_their_number(n_texts):
    made, rows = [], np.ones((len(WORDS), 3), np.float32)

    def new_cache():
        made.append(_kernel.UnseenRows(3, 4))
        return made[-1]

    def encode_words(words):  # which needs a cache while another one is used
        if len(made) < n_texts:
            with_caches.encode_text("new")
        return np.zeros((len(words), 3), np.float32), np.ones(len(words), np.float32)

    options = {"word_ngrams": 1, "skip_bigrams": False, "ngram_hash": "mixed", "weights": np.ones(len(WORDS), "f4")}
    with_caches = _kernel.Encoder(
        Vocabulary.from_words(WORDS), rows, rows[:0], unseen=new_cache, encode_words=encode_words, n_caches=2, **options
    )
    for _ in range(3):
        with_caches.encode_text("new")
    assert len(made) == n_texts


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("n", [0, 1, 700, 1000])
def test_a_text_of_any_length_is_encoded_as_a_batch_is(level, monkeypatch, n):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    numbers = np.random.default_rng(n)
    rows, weights = numbers.normal(size=(len(WORDS), 100)).astype(np.float32), numbers.random(len(WORDS), np.float32)
    cache = _kernel.UnseenRows(100, 9)
    cache.add(["new"], rows[:1], weights[:1])
    of_texts = encoder(rows, weights, [(30, 0.5), (70, 0.8)], cache)
    tokens = " ".join(numbers.choice(["cat", "new", "x", "other", "한국어", "e\u0301t\u00e9"], n))
    for text in (tokens, f"\u2003{tokens}\x1c\t ", np.str_(tokens)):
        out, totals = np.empty((1, 100), np.float32), np.empty(1, np.float32)
        of_texts.encode(_kernel.Pack([text]), out, totals=totals)
        vector, known = of_texts.encode_text(text)
        np.testing.assert_array_equal(vector, out[0])
        assert known == (totals[0] > 0)
    with pytest.raises(TypeError, match="text: expected a string, got list"):
        of_texts.encode_text(["cat"])


def test_vectors_that_are_not_finite_are_reported():
    rows = np.ones((len(WORDS), 3), np.float32)
    rows[1] = np.nan, 0, 1
    out = np.empty((3, 3), np.float32)
    encoder(rows).encode(_kernel.Pack(["the", "x x", ""]), out)
    for texts, row in ((["the", "x cat", "cat"], 1), (["", "", "cat"], 2)):
        with pytest.raises(_kernel.NotFiniteVectorError) as caught:
            encoder(rows).encode(_kernel.Pack(texts), out)
        assert caught.value.args == (row,)
        with pytest.raises(_kernel.NotFiniteVectorError):
            encoder(rows).encode_text(texts[row])


def test_unseen_tokens_are_left_out_unless_asked_for():
    rows = np.ones((len(WORDS), 3), np.float32)
    out = np.empty((1, 3), np.float32)
    encoder(rows).encode(_kernel.Pack(["cat new"]), out)
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
    encode = partial(encoder(rows, np.full(len(WORDS), weight, np.float32)).encode, _kernel.Pack(["cat"]), out)
    if np.isnan(weight):
        with pytest.raises(_kernel.NotFiniteVectorError):
            encode(totals=totals)
    else:
        encode(totals=totals)
        np.testing.assert_allclose(out, [[0, 2 if weight == 1.2e-38 else 0, 0]], rtol=1e-6)
    assert totals[0] == (np.float32(weight) if weight == 1.2e-38 else 0)
