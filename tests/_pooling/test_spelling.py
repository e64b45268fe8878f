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
from gensim_sent2vec._pooling.spelling import (
    CharNgrams,
    NgramAverages,
    NgramsOfWords,
    code_points,
    random_signs,
)

any_word = st.text(max_size=8)
sizes = st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(n, n + 3)))


def ngram_hashes(words, min_n, max_n):
    """The hashes of all n-grams, and how many each word has."""
    found = NgramsOfWords.of(words, min_n, max_n)
    assert (found.hashes[1:] > found.hashes[:-1]).all()
    return found.hashes[found.columns], found.sizes


def hashes_by_word(words, min_n, max_n):
    hashes, counts = ngram_hashes(words, min_n, max_n)
    return [part.tolist() for part in np.split(hashes, np.cumsum(counts)[:-1])] if len(words) else []


@given(st.lists(any_word, max_size=6), sizes)
def test_every_word_gets_its_ngrams(words, min_max):
    found = hashes_by_word(words, *min_max)
    expected = [Counter({gram_hash(g): n for g, n in grams(word, *min_max).items()}) for word in words]
    assert [Counter(part) for part in found] == expected


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
    assert [Counter(p) for p in hashes_by_word(words, 3, 4)] == [
        Counter({gram_hash(g): n for g, n in grams(word, 3, 4).items()}) for word in words
    ]


def test_many_words_get_their_ngrams():
    words = [f"{i:x}-{'word' * (i % 7)}-{i * i}" for i in range(3000)]
    assert [Counter(part) for part in hashes_by_word(words, 3, 6)[::100]] == [
        Counter({gram_hash(g): n for g, n in grams(word, 3, 6).items()}) for word in words[::100]
    ]
    for min_n, max_n in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="1 <= min_n <= max_n"):
            _kernel.ngrams_of_words(*code_points(["a"]), min_n, max_n)
    with pytest.raises(ValueError, match="sizes: expected values >= 0 that sum to at most the 3 code points"):
        _kernel.ngrams_of_words(code_points(["a"])[0], np.array([4]), 3, 4)


def test_hangul_is_split_into_letters_and_normalization_forms_are_equal():
    assert len(grams("한국", 3, 4)) == len(grams(unicodedata.normalize("NFD", "한국"), 3, 4)) == 6 + 5
    composed, decomposed = hashes_by_word(["café", "cafe\u0301"], 3, 4)
    assert composed == decomposed


@pytest.mark.parametrize("dims, seed", [(1, 1), (64, 0), (130, 7)])
def test_random_signs(dims, seed):
    some = ["<th", "the>", "국"]
    hashes = np.array([gram_hash(g) for g in some], dtype=np.uint64)
    np.testing.assert_array_equal(random_signs(hashes, 0, dims, seed), [sign_row(g, dims, seed) for g in some])
    if dims > 64:
        np.testing.assert_array_equal(
            random_signs(hashes, 64, dims - 64, seed), random_signs(hashes, 0, dims, seed)[:, 64:]
        )


def test_random_signs_are_balanced_and_independent():
    hashes, _ = ngram_hashes([f"word{i}" for i in range(2000)], 3, 4)
    hashes = np.unique(hashes)
    rows = random_signs(hashes, 0, 128, 1)
    assert abs(rows.mean()) < 0.02
    correlation = rows.T @ rows / len(rows) - np.eye(128)
    assert abs(correlation).max() < 5 / np.sqrt(len(rows))
    assert not np.array_equal(rows, random_signs(hashes, 0, 128, 2))


def with_vectors(table, dim, dtype):
    """The n-grams with random vectors."""
    vectors = np.random.default_rng(0).standard_normal((len(table.hashes), dim)).astype(dtype)
    return replace(table, vectors=vectors)


def unseen(table, words, dims):
    """Estimated vectors and signatures of length 1."""
    size = table.vectors.shape[1]
    rows = table.row_encoder(np.eye(size, dtype=np.float32), np.eye(dims, dtype=np.float32))(words)
    return rows[:, :size], rows[:, size:]


def test_features_and_weights():
    words, counts = ["banana", "bandana", "", "a", "nana"], np.array([5, 3, 2, 9, 1])
    table = CharNgrams.from_words(words, counts, 3, 4, 1, block_size=2)
    assert (np.diff(table.hashes.astype(object)) > 0).all()
    occurrences = Counter()
    for word, count in zip(words, counts):
        for gram, n in grams(word, 3, 4).items():
            occurrences[gram_hash(gram)] += n * int(count)
    assert table.hashes.tolist() == sorted(occurrences)
    weight = {h: 3e-3 / (3e-3 + (1 + n) / 20) for h, n in occurrences.items()}
    np.testing.assert_allclose(table.weights, [weight[h] for h in sorted(occurrences)], rtol=1e-6)

    of_words = NgramsOfWords.of([*words, "banana!"], 3, 4)
    phi, columns = table.features(of_words), of_words.hashes
    new = 3e-3 / (3e-3 + 1 / 20)
    for row, word in zip(phi.toarray(), [*words, "banana!"]):
        found = {gram_hash(g): n for g, n in grams(word, 3, 4).items()}
        expected = [found.get(int(h), 0) * weight.get(int(h), new) for h in columns]
        np.testing.assert_allclose(row, unit(np.array(expected)), atol=1e-6)


def test_known_and_unknown_words_get_the_same_signatures():
    words = ["banana", "bandana", "한국어", "a", "", "reallyverylongword" * 5]
    table = CharNgrams.from_words(words, np.arange(1, 7), 3, 4, 3)
    of_words = NgramsOfWords.of(words, 3, 4)
    expected = table.signatures(table.features(of_words), of_words.hashes, 200)
    np.testing.assert_allclose(unseen(table, words, 200)[1], expected, atol=1e-6)
    lengths = np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 0, 1], atol=1e-5)
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
    for word, vector, signature in zip(words, vectors, signatures):
        hashes, _ = ngram_hashes([word], 3, 4)
        at, known_ngram = table.find(hashes)
        weights = np.where(known_ngram, table.weights[at], np.float32(table.new_weight))
        expected = (weights * known_ngram) @ table.vectors[at].astype(np.float64)
        np.testing.assert_allclose(vector, unit(expected), atol=1e-5)
        if dims:
            np.testing.assert_allclose(signature, unit(weights @ random_signs(hashes, 0, dims, 7)), atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 4097])
def test_ngrams_are_found_in_tables_of_any_size(n):
    """Also among hashes that begin alike; in a damaged table, which is not sorted, some are missed."""
    rng = np.random.default_rng(n)
    ngrams, _ = ngram_hashes(["walking"], 3, 4)
    others = rng.integers(0, 2**64, n, dtype=np.uint64)
    others[::3] = others[:1] ^ rng.integers(0, 2**20, len(others[::3]), dtype=np.uint64)
    hashes = np.unique(np.concatenate([others, ngrams[::2]]))
    table = CharNgrams(hashes, np.ones(len(hashes), np.float32), rng.random((len(hashes), 5), np.float32), 0.5, 3, 4)
    at, known = table.find(ngrams)
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


def test_ngram_averages():
    words, counts = ["walking", "walked", "talking", "sing"], np.array([4.0, 9.0, 1.0, 16.0])
    rows = np.random.default_rng(1).standard_normal((4, 6)).astype(np.float32)
    table = CharNgrams.from_words(words, counts, 3, 4, 1)
    average = NgramAverages(table, 6)
    for block in (slice(0, 3), slice(3, 4)):
        of_words = NgramsOfWords.of(words[block], 3, 4)
        average.add(table.features(of_words), of_words.hashes, counts[block], rows[block])
    table = replace(table, vectors=average.result())
    common = unit(np.sqrt(counts) @ rows)
    np.testing.assert_allclose(table.vectors @ common, 0, atol=2e-3)

    of_words = NgramsOfWords.of(words, 3, 4)
    phi, columns = table.features(of_words), of_words.hashes
    dense, g = phi.toarray(), int(np.flatnonzero(columns == gram_hash("alk"))[0])
    share = dense[:, g] * np.sqrt(counts)
    expected = share @ rows / (3 + share.sum())
    expected -= expected @ common * common
    at, known = table.find(np.array([gram_hash("alk"), gram_hash("zzz")], dtype=np.uint64))
    assert known.tolist() == [True, False]
    np.testing.assert_allclose(table.vectors[at[0]], expected, atol=1e-3)

    vectors, _ = unseen(table, ["walks", "zqzqx", ""], 3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0], atol=1e-6)
