"""Character n-grams, compared with dictionaries and Python integers."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weighting_oracle import gram_hash, grams, sign_row, unit

from gensim_sent2vec import _kernel
from gensim_sent2vec._pooling.spelling import CharNgrams, KnownWords, code_points

any_word = st.text(max_size=8)
sizes = st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(n, n + 3)))


def counted(words, counts, min_n, max_n, n_blocks=1):
    """How often each n-gram occurs, by hash."""
    counter = _kernel.NgramCounter(min_n, max_n)
    for part, numbers in zip(np.array_split(words, n_blocks), np.array_split(counts, n_blocks)):
        counter.add(*code_points(part.tolist()), numbers.astype(np.float64))
    hashes, totals = map(np.frombuffer, counter.export(), (np.uint64, np.float64))
    assert (hashes[1:] > hashes[:-1]).all()
    return dict(zip(hashes.tolist(), totals.tolist()))


def occurrences(words, counts, min_n, max_n):
    """What `counted` returns, computed with dictionaries."""
    totals = Counter()
    for word, count in zip(words, counts):
        for gram, n in grams(word, min_n, max_n).items():
            totals[gram_hash(gram)] += n * int(count)
    return totals


def hashes_of(word, min_n=3, max_n=4):
    """The hashes of a word's n-grams, with repetitions."""
    return np.array([gram_hash(g) for g in grams(word, min_n, max_n).elements()], dtype=np.uint64)


def find(table, hashes):
    """The positions of n-grams in a table, and whether they occur there."""
    at = np.minimum(np.searchsorted(table.hashes, hashes), len(table.hashes) - 1)
    return (at, table.hashes[at] == hashes) if len(table.hashes) else (0 * hashes.astype(int), hashes != hashes)


def features(table, word):
    """φ_w, as a dictionary from hashes to numbers."""
    weights = dict(zip(table.hashes.tolist(), table.weights.tolist()))
    found = {gram_hash(g): n * weights[gram_hash(g)] for g, n in grams(word, table.min_n, table.max_n).items()}
    length = np.linalg.norm(list(found.values()))
    return {g: value / length for g, value in found.items()}


def signature(table, word, dims):
    """σ_w of a known or unknown word."""
    weights, total = dict(zip(table.hashes.tolist(), table.weights.tolist())), np.zeros(dims)
    for gram, n in grams(word, table.min_n, table.max_n).items():
        total += n * weights.get(gram_hash(gram), table.new_weight) * sign_row(gram, dims, table.seed)
    return unit(total)


def known_signatures(table, words, dims, vector_size=0):
    vectors = np.ones((len(words), vector_size), np.float32)
    signatures = np.full((len(words), dims), np.nan, np.float32)
    KnownWords(table, vector_size).add(words, np.ones(len(words)), vectors, signatures)
    return signatures


@given(st.lists(st.tuples(any_word, st.integers(0, 9)), max_size=6), sizes, st.integers(1, 3))
def test_ngrams_are_counted(items, min_max, n_blocks):
    words, counts = [word for word, _ in items], np.array([count for _, count in items], dtype=np.int64)
    expected = occurrences(words, counts, *min_max)
    assert counted(np.array(words, dtype=object), counts, *min_max, n_blocks) == expected


@given(st.lists(any_word | st.text("가한é中a", max_size=4), max_size=6))
def test_code_points_are_decomposed(words):
    codes, sizes = code_points(words)
    expected = [f"<{unicodedata.normalize('NFD', word)}>" for word in words]
    assert (codes.dtype, sizes.dtype) == (np.uint32, np.int64)
    assert sizes.tolist() == [len(word) for word in expected]
    assert codes.tolist() == [ord(character) for word in expected for character in word]
    if len(codes):
        with pytest.raises(ValueError, match="offsets: expected values that rise from 0"):
            _kernel.code_points(np.zeros(1, np.uint8), np.array([0, 2]))


def test_words_of_boundary_markers_and_lone_surrogates():
    words = ["><", "a><b", "<", ">", "", "\ud800x", "\0", "\n"]
    for word in words:
        assert counted(np.array([word], dtype=object), np.ones(1), 3, 4) == occurrences([word], [1], 3, 4)


def test_ngrams_of_many_words_are_counted():
    words = [f"{i:x}-{'word' * (i % 7)}-{i * i}" for i in range(3000)]
    counts = np.arange(3000) % 11
    assert counted(np.array(words, dtype=object), counts, 3, 6, 4) == occurrences(words, counts, 3, 6)


def test_the_kernel_checks_what_it_counts():
    for min_n, max_n in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="1 <= min_n <= max_n"):
            _kernel.NgramCounter(min_n, max_n)
    codes, _ = code_points(["a"])
    with pytest.raises(ValueError, match="sizes: expected values >= 0 that sum to at most the 3 code points"):
        _kernel.NgramCounter(3, 4).add(codes, np.array([4]), np.ones(1))
    with pytest.raises(ValueError, match="counts: expected one per word, 1, got 2"):
        _kernel.NgramCounter(3, 4).add(codes, np.array([3]), np.ones(2))
    for count in (-1, np.nan):
        with pytest.raises(ValueError, match=r"counts: expected values >= 0, got .* for word 0"):
            _kernel.NgramCounter(3, 4).add(codes, np.array([3]), np.array([count], dtype=np.float64))


def test_hangul_is_split_into_letters_and_normalization_forms_are_equal():
    assert len(grams("한국", 3, 4)) == len(grams(unicodedata.normalize("NFD", "한국"), 3, 4)) == 6 + 5
    composed, decomposed = (counted(np.array([word]), np.ones(1), 3, 4) for word in ("café", "cafe\u0301"))
    assert composed == decomposed


def test_signatures_are_balanced_and_independent():
    words = [f"word{i}" for i in range(2000)]
    table = CharNgrams.from_words(words, np.ones(2000), 7, 8, 1)  # words that share no n-gram
    rows = known_signatures(table, words, 128)[[len(word) == 8 for word in words]] * np.sqrt(128)
    assert len(rows) == 1000
    assert abs(rows.mean()) < 0.02
    correlation = rows.T @ rows / len(rows) - np.eye(128)
    assert abs(correlation).max() < 6 / np.sqrt(len(rows))
    assert not np.allclose(rows[0], known_signatures(replace(table, seed=2), words[:1], 128)[0] * np.sqrt(128))


def with_vectors(table, dim, dtype):
    """The n-grams with random vectors."""
    vectors = np.random.default_rng(0).standard_normal((len(table.hashes), dim)).astype(dtype)
    return replace(table, vectors=vectors)


def unseen(table, words, dims):
    """Estimated vectors and signatures of length 1."""
    size = table.vectors.shape[1]
    rows = table.row_encoder(np.eye(size, dtype=np.float32), np.eye(dims, dtype=np.float32))(words)
    return rows[:, :size], rows[:, size:]


def test_weights():
    words, counts = ["banana", "bandana", "", "a", "nana"], np.array([5, 3, 2, 9, 1])
    table = CharNgrams.from_words(words, counts, 3, 4, 1, block_size=2)
    found = occurrences(words, counts, 3, 4)
    assert table.hashes.tolist() == sorted(found)
    np.testing.assert_allclose(table.weights, [3e-3 / (3e-3 + (1 + found[h]) / 20) for h in sorted(found)], rtol=1e-6)
    assert table.new_weight == pytest.approx(3e-3 / (3e-3 + 1 / 20))


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("dims", [0, 3, 64, 200])
def test_known_and_unknown_words_get_the_same_signatures(level, dims, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    words = ["banana", "bandana", "한국어", "a", "", "reallyverylongword" * 5]
    table = CharNgrams.from_words(words, np.arange(1, 7), 3, 4, 3)
    expected = np.reshape([signature(table, word, dims) for word in words], (6, dims))
    for vector_size in (0, 5):
        np.testing.assert_allclose(known_signatures(table, words, dims, vector_size), expected, atol=1e-6)
    np.testing.assert_allclose(unseen(table, words, dims)[1], expected, atol=1e-6)
    if dims == 200:
        np.testing.assert_allclose(np.linalg.norm(expected, axis=1), [1, 1, 1, 1, 0, 1], atol=1e-5)
        assert expected[0] @ expected[1] > 0.2 > abs(expected[0] @ expected[2])


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("dims", [0, 3, 64, 130])
def test_rows_of_unknown_words_match_numpy(level, dtype, dims, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    known, words = (
        ["walking", "한국어", "talked"],
        ["walk", "한국", "", "x", "TALK", "nothing-shared", "\ud800", "é" * 300],
    )
    table = CharNgrams.from_words(known, np.array([5.0, 3.0, 2.0]), 3, 4, 7)
    table = with_vectors(table, 33, dtype)
    vectors, signatures = unseen(table, words, dims)
    for word, vector, found in zip(words, vectors, signatures):
        hashes = hashes_of(word)
        at, known_ngram = find(table, hashes)
        weights = np.where(known_ngram, table.weights[at], np.float32(table.new_weight))
        expected = (weights * known_ngram) @ table.vectors[at].astype(np.float64)
        np.testing.assert_allclose(vector, unit(expected), atol=1e-5)
        np.testing.assert_allclose(found, signature(table, word, dims), atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 4097])
def test_ngrams_are_found_in_tables_of_any_size(n):
    """Also among hashes that begin alike; in a damaged table, which is not sorted, some are missed."""
    rng = np.random.default_rng(n)
    ngrams = hashes_of("walking")
    others = rng.integers(0, 2**64, n, dtype=np.uint64)
    others[::3] = others[:1] ^ rng.integers(0, 2**20, len(others[::3]), dtype=np.uint64)
    hashes = np.unique(np.concatenate([others, ngrams[::2]]))
    table = CharNgrams(hashes, np.ones(len(hashes), np.float32), rng.random((len(hashes), 5), np.float32), 0.5, 3, 4)
    at, known = find(table, ngrams)
    assert known.sum() == len(ngrams[::2])
    np.testing.assert_allclose(unseen(table, ["walking"], 4)[0][0], unit(table.vectors[at[known]].sum(0)), atol=1e-5)
    for order in (hashes[::-1], rng.permutation(hashes), np.full_like(hashes, 2**64 - 1), np.zeros_like(hashes)):
        damaged = CharNgrams(order.copy(), table.weights, table.vectors, 0.5, 3, 4)
        assert np.isfinite(unseen(damaged, ["walking"], 4)[0]).all()


def test_rows_are_mapped_vectors_and_signatures():
    table = CharNgrams.from_words(["walking", "talked"], np.array([5.0, 3.0]), 3, 4, 7)
    table = with_vectors(table, 9, np.float16)
    rng = np.random.default_rng(1)
    semantic, lexical = (rng.standard_normal(shape).astype(np.float32) for shape in ((9, 4), (70, 70)))
    words = ["walk", "", "talking"]
    vectors, signatures = unseen(table, words, 70)
    expected = np.hstack([vectors @ semantic, signatures @ lexical])
    np.testing.assert_allclose(table.row_encoder(semantic, lexical)(words), expected, atol=1e-4)


def test_the_kernel_checks_its_arguments():
    table = CharNgrams.from_words(["abcd"], np.ones(1), 3, 4, 1)
    codes, sizes = code_points(["abc"])
    more = (table.vectors, 1.0, 3, 4, 1)
    maps = np.empty((0, 2), np.float32), np.eye(5, dtype=np.float32)
    with pytest.raises(ValueError, match="expected one per n-gram"):
        _kernel.Speller(table.hashes, table.weights[:-1], *more, *maps)
    with pytest.raises(ValueError, match="lexical_map: expected a square matrix"):
        _kernel.Speller(table.hashes, table.weights, *more, maps[0], maps[1][:3])
    with pytest.raises(ValueError, match="meaning_map: expected one row per dimension of vectors, 3"):
        _kernel.Speller(table.hashes, table.weights, np.ones((len(table.hashes), 3), np.float32), *more[1:], *maps)
    speller = _kernel.Speller(table.hashes, table.weights, *more, *maps)
    with pytest.raises(ValueError, match=r"sizes: expected values .* that sum to at most"):
        speller.write(codes, sizes + 1, np.empty((1, 7), np.float32))
    with pytest.raises(ValueError, match="out: expected shape"):
        speller.write(codes, sizes, np.empty((1, 6), np.float32))


def test_the_kernel_checks_what_it_sums():
    table = CharNgrams.from_words(["abcd"], np.ones(1), 3, 4, 1)
    n, codes, sizes = len(table.hashes), *code_points(["abc"])
    sums, totals, vectors = np.zeros((n, 2), np.float32), np.zeros(n, np.float32), np.ones((1, 2), np.float32)
    for parts in ((sums[1:], totals), (sums, totals[1:])):
        with pytest.raises(ValueError, match="weights, sums, totals: expected one per n-gram"):
            _kernel.NgramSums(table.hashes, table.weights, 3, 4, 1, *parts)
    with pytest.raises(ValueError, match="1 <= min_n <= max_n"):
        _kernel.NgramSums(table.hashes, table.weights, 4, 3, 1, sums, totals)
    kernel, scales, out = _kernel.NgramSums(table.hashes, table.weights, 3, 4, 1, sums, totals), totals[:1], vectors
    for bad in ((totals[:2], vectors, out), (scales, vectors[:, :1].copy(), out), (scales, vectors, sums[:2].copy())):
        with pytest.raises(ValueError, match="expected 1 words and 2 dimensions of vectors"):
            kernel.add(codes, sizes, *bad)
    with pytest.raises(ValueError, match="signatures: expected rows whose values are contiguous"):
        kernel.add(codes, sizes, scales, vectors, np.ones((1, 4), np.float32)[:, ::2])
    with pytest.raises(ValueError, match="sizes: expected values"):
        kernel.add(codes, sizes + 1, scales, vectors, out.copy())
    assert not sums.any()


def test_averages_are_rounded_as_in_numpy():
    halves = np.arange(0x8000, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = halves[np.isfinite(halves)]
    middles = (finite[1:] + finite[:-1]) / 2  # ties
    near = np.concatenate([finite, middles, [65519.996, 65520, 65536, 1e30, 3e-8, 1e-30]]).astype(np.float32)
    values = np.concatenate([near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))])
    values = np.concatenate([values, -values])[:, None]
    n = len(values)
    kernel = _kernel.NgramSums(
        np.arange(n, dtype=np.uint64), *np.ones((1, n), np.float32), 3, 4, 1, values, *np.ones((1, n), np.float32)
    )
    found = kernel.averages(np.zeros(1, np.float32), 1)
    expected = np.clip(values, -65504, 65504).astype(np.float16)
    np.testing.assert_array_equal(found.view(np.uint16), expected.view(np.uint16))
    found = kernel.averages(np.zeros(1, np.float32), 1 / 256)
    np.testing.assert_array_equal(found, np.clip(values / 256, -65504, 65504).astype(np.float16))
    values[:2] = np.nan
    assert np.isnan(kernel.averages(np.zeros(1, np.float32), 1)[:2]).all()
    with pytest.raises(ValueError, match="common: expected 1 dimensions, got 2"):
        kernel.averages(np.zeros(2, np.float32), 1)


@pytest.mark.parametrize("level", _kernel.available_levels())
def test_ngram_averages(level, monkeypatch):
    """Also of words in which an n-gram occurs twice, such as "ana" in "banana"."""
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    words, counts = ["walking", "walked", "talking", "banana", "", "sing"], np.array([4.0, 9.0, 1.0, 2.0, 3.0, 16.0])
    rows = np.random.default_rng(1).standard_normal((6, 6)).astype(np.float32)
    table = CharNgrams.from_words(words, counts, 3, 4, 1)
    known = KnownWords(table, 6)
    for block in (slice(0, 3), slice(3, 6)):
        known.add(words[block], counts[block], rows[block], np.empty((3, 3), np.float32))
    table = replace(table, vectors=known.averages(1.4))  # nearer to 1 than to 2

    common, phi = unit(np.sqrt(counts) @ rows), [features(table, word) for word in words]
    for gram in ("alk", "ana", "ing>", "<ba"):
        share = np.array([of_word.get(gram_hash(gram), 0) for of_word in phi]) * np.sqrt(counts)
        expected = share @ rows / (3 + share.sum())
        expected -= expected @ common * common
        at, found = find(table, np.array([gram_hash(gram), gram_hash("zzz")], dtype=np.uint64))
        assert found.tolist() == [True, False]
        np.testing.assert_allclose(table.vectors[at[0]], expected, atol=1e-3)
    np.testing.assert_allclose(table.vectors @ common, 0, atol=2e-3)

    vectors, _ = unseen(table, ["walks", "zqzqx", ""], 3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e5, 1e12])
def test_averages_of_vectors_of_any_length_have_the_same_directions(scale):
    words = ["walking", "walked", "talking", "banana"]
    rows = np.random.default_rng(1).standard_normal((4, 6)).astype(np.float32)
    table, found = CharNgrams.from_words(words, np.ones(4), 3, 4, 1), []
    for factor in (1, scale):
        known = KnownWords(table, 6)
        known.add(words, np.ones(4), rows * np.float32(factor), np.empty((4, 0), np.float32))
        vectors = known.averages(factor * float(np.linalg.norm(rows, axis=1).mean()))
        found.append(unseen(replace(table, vectors=vectors), ["walks", "bandana"], 0)[0])
    np.testing.assert_allclose(np.linalg.norm(found[0], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found[1], found[0], atol=2e-3)
