"""Making trained vectors smaller."""

import tracemalloc

import numpy as np
import paths
import pytest
from gensim.models import KeyedVectors
from gensim.models.phrases import Phrases
from hypothesis import given, settings
from hypothesis import strategies as st

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceWeighting, _kernel, load_epfml_vectors
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec.shrink import shrink, shrink_to_file

EPFML = paths.EPFML


def made(n_words=30, dim=4, bucket=0, n=2, ngram_hash="mixed", seed=0, skip=False) -> Sent2VecKeyedVectors:
    """Random vectors of words w0, w1 …, of which w0 is the most frequent."""
    rng = np.random.default_rng(seed)
    wv = Sent2VecKeyedVectors(dim)
    wv.set_words(Vocabulary.from_words(f"w{i}" for i in range(n_words)))
    wv.vectors = rng.normal(size=(n_words, dim)).astype(np.float32)
    wv.vectors_ngrams = rng.normal(size=(bucket, dim)).astype(np.float32)
    wv.word_ngrams, wv.skip_bigrams, wv.ngram_hash = (n if bucket else 1), skip, ngram_hash
    wv.expandos = {"count": np.arange(n_words, 0, -1) * 10, "name": np.array([f"n{i}" for i in range(n_words)], object)}
    return wv


def texts(n=200, n_words=30, seed=0) -> list[list[str]]:
    """Random sentences, in which the first words are the most frequent."""
    rng = np.random.default_rng(seed)
    return [[f"w{i}" for i in (n_words * rng.random(rng.integers(1, 9)) ** 2).astype(int)] for _ in range(n)]


# ---------------------------------------------------------------------------------------------------
# Words


@pytest.mark.parametrize("bucket", [0, 100])
@pytest.mark.parametrize("options", [{"max_words": 20}, {"min_count": 110}, {"min_count": 20, "max_words": 20}])
def test_the_most_frequent_words_are_kept(bucket, options):
    wv = made(bucket=bucket)
    small = shrink(wv, **options)
    assert list(small.index_to_key) == [f"w{i}" for i in range(20)] and small.key_to_index["w19"] == 19
    assert "w20" not in small
    np.testing.assert_array_equal(small.vectors, wv.vectors[:20])
    np.testing.assert_array_equal(small.vectors_ngrams, wv.vectors_ngrams)
    assert small.get_vecattr("w19", "count") == 110 and small.get_vecattr("w19", "name") == "n19"
    # n-grams of the kept words have the same rows as before.
    sentences = [[t for t in tokens if t in small] for tokens in texts()]
    np.testing.assert_array_equal(small.encode(sentences), wv.encode(sentences))
    np.testing.assert_array_equal(small.encode(texts()), wv.encode(sentences))
    assert len(wv) == 30 and wv.vectors.shape == (30, 4) and len(wv.expandos["count"]) == 30


def test_words_in_any_order():
    wv = made()
    wv.expandos["count"][:3] = 1, 5, 5
    small = shrink(wv, max_words=28)
    assert list(small.index_to_key) == [f"w{i}" for i in range(30) if i not in (0, 2)]
    np.testing.assert_array_equal(small.vectors, np.delete(wv.vectors, (0, 2), axis=0))
    assert list(shrink(wv, min_count=6).index_to_key) == [f"w{i}" for i in range(3, 30)]


def test_words_without_counts_are_taken_to_be_sorted():
    wv = made()
    del wv.expandos["count"]
    assert list(shrink(wv, max_words=3).index_to_key) == ["w0", "w1", "w2"]
    with pytest.raises(ValueError, match="min_count: these vectors have no counts"):
        shrink(wv, min_count=3)


def test_words_in_vectors_with_ngrams_must_be_sorted():
    wv = made(bucket=50)
    wv.expandos["count"][0] = 1
    with pytest.raises(ValueError, match=r"not sorted by descending count.*bucket=0"):
        shrink(wv, max_words=20)
    small = shrink(wv, max_words=20, bucket=0)
    assert "w0" not in small and small.word_ngrams == 1 and small.vectors_ngrams.shape == (0, 4)
    np.testing.assert_array_equal(small.get_sentence_vector("w1"), wv.vectors[1])
    assert len(shrink(wv, max_words=30, dtype=np.float16)) == 30


def test_ngrams_can_be_dropped():
    small = shrink(made(bucket=50, skip=True, n=3), bucket=0)
    assert (small.bucket, small.word_ngrams, small.skip_bigrams) == (0, 1, False)
    np.testing.assert_allclose(small.get_sentence_vector("w1 w2"), made().vectors[1:3].mean(axis=0), rtol=1e-6)


# ---------------------------------------------------------------------------------------------------
# n-gram rows


def rows_of(wv, sentences) -> np.ndarray:
    encoder = _kernel.Encoder(
        wv.freeze(), wv.vectors, wv.vectors_ngrams, word_ngrams=wv.word_ngrams, skip_bigrams=wv.skip_bigrams,
        ngram_hash=wv.ngram_hash,
    )  # fmt: skip
    rows = np.frombuffer(encoder.row_ids(_kernel.Pack(sentences))[0], dtype=np.int64) - len(wv)
    return rows[rows >= 0]


def shares(old: int, new: int, n_old: int, n_new: int, ngram_hash: str) -> float:
    """The share of an old row that is folded into a new one, by counting points."""
    if ngram_hash == "epfml":
        return float(old % n_new == new)
    points = set(range(old * n_new, (old + 1) * n_new)) & set(range(new * n_old, (new + 1) * n_old))
    return len(points) / n_new


@settings(max_examples=60)
@given(
    ngram_hash=st.sampled_from(("mixed", "epfml")),
    n_new=st.integers(1, 40),
    more=st.integers(0, 60),
    n=st.integers(2, 4),
    skip=st.booleans(),
    seed=st.integers(0, 99),
    sample=st.booleans(),
)
def test_folded_rows(ngram_hash, n_new, more, n, skip, seed, sample):
    """The new row of each n-gram includes its old one, and old rows are weighted by how often they are used."""
    n_old = n_new * (1 + more // 20) if ngram_hash == "epfml" else n_new + more
    wv = made(bucket=n_old, n=n, ngram_hash=ngram_hash, seed=seed, skip=skip)
    sentences = texts(20, seed=seed)
    small = shrink(wv, bucket=n_new, dtype=np.float32, sentences=[["w1", "w2"], *sentences] if sample else None)
    before, after = rows_of(wv, sentences), rows_of(small, sentences)
    share = np.array([[shares(i, j, n_old, n_new, ngram_hash) for i in range(n_old)] for j in range(n_new)])
    assert (share[after, before] > 0).all()
    np.testing.assert_allclose(share.sum(axis=0), 1)
    if sample:
        weights = share * np.bincount(rows_of(wv, [["w1", "w2"], *sentences]), minlength=n_old)
    elif n_new == n_old:
        weights = share
    else:
        weights = share * (wv.vectors_ngrams**2).sum(axis=1)
    totals = weights.sum(axis=1, keepdims=True)
    expected = weights @ wv.vectors_ngrams / np.where(totals > 0, totals, 1)
    np.testing.assert_allclose(small.vectors_ngrams, expected, atol=1e-5)


def test_unused_rows_are_dropped():
    wv = made(bucket=1000)
    sentences = [["w1", "w2"], ["w3", "w4", "w5"]]
    small = shrink(wv, bucket=500, sentences=sentences)
    assert np.count_nonzero(small.vectors_ngrams.any(axis=1)) == 3
    np.testing.assert_allclose(small.encode(sentences), wv.encode(sentences), rtol=1e-5)
    same = shrink(wv, bucket=1000, dtype=np.float16, sentences=iter(sentences))
    assert np.count_nonzero(same.vectors_ngrams.any(axis=1)) == 3


def test_uses_are_counted_for_the_kept_words():
    wv = made(bucket=1000)
    small = shrink(wv, max_words=10, bucket=999, sentences=["w1 w20 w2"])
    assert np.count_nonzero(small.vectors_ngrams.any(axis=1)) in (1, 2)
    np.testing.assert_allclose(small.get_sentence_vector("w1 w2"), wv.get_sentence_vector("w1 w2"), rtol=1e-5)


def test_a_fifth_of_a_trained_model_gives_nearly_the_same_vectors(lee):
    # At a low learning rate, n-grams account for much of what is learned, so that their rows matter.
    wv = Sent2Vec(lee, alpha=0.2, vector_size=20, min_count=2, word_ngrams=2, bucket=5000, workers=1, seed=1).wv
    sentences = [tokens[i : i + 20] for tokens in lee for i in range(0, len(tokens), 20)]
    whole = wv.encode(sentences, weighting=False, normalize=True)

    def alike(small) -> float:
        return float(np.einsum("ij,ij->i", whole, small.encode(sentences, weighting=False, normalize=True)).mean())

    used = shrink(wv, max_words=len(wv) * 2 // 3, bucket=1500, dtype=np.float16, sentences=lee)
    unknown = shrink(wv, max_words=len(wv) * 2 // 3, bucket=1500, dtype=np.float16)
    assert used.vectors.nbytes + used.vectors_ngrams.nbytes < (wv.vectors.nbytes + wv.vectors_ngrams.nbytes) / 4
    assert alike(used) > 0.98 and alike(unknown) > 0.96
    assert alike(used) > alike(unknown) > alike(shrink(wv, bucket=0))


@pytest.mark.parametrize("name", ["ngrams2.bin", "ngrams5.bin"])
def test_vectors_of_the_reference_program(name):
    wv = load_epfml_vectors(EPFML / name)
    sentences = [" ".join(wv.index_to_key[i : i + 3]) for i in range(0, 30, 3)]
    folded = shrink(wv, bucket=wv.bucket // 2, sentences=sentences)
    assert folded.ngram_hash == "epfml" and folded.bucket == wv.bucket // 2
    words = shrink(wv, max_words=30, dtype=np.float16, sentences=sentences)
    np.testing.assert_allclose(words.encode(sentences), wv.encode(sentences), atol=1e-3)
    with pytest.raises(
        ValueError, match=rf"a divisor of {wv.bucket}, got {wv.bucket - 1}; the next smaller one is \d+$"
    ):
        shrink(wv, bucket=wv.bucket - 1)


# ---------------------------------------------------------------------------------------------------
# Precision, and everything else that belongs to the vectors


def test_float16_and_back():
    wv = made(bucket=50)
    half = shrink(wv, dtype="float16")
    assert half.vectors.dtype == half.vectors_ngrams.dtype == np.float16
    np.testing.assert_array_equal(half.vectors, wv.vectors.astype(np.float16))
    again = shrink(half, dtype=np.float32, max_words=7)
    assert again.vectors.dtype == np.float32
    np.testing.assert_array_equal(again.vectors, half.vectors[:7])
    assert shrink(half, bucket=25).vectors_ngrams.dtype == np.float16


def test_values_too_large_for_float16():
    wv = made(bucket=50)
    wv.vectors_ngrams[3, 1] = -70000
    with pytest.raises(ValueError, match="dtype: a vector contains 70000, which is too large for float16"):
        shrink(wv, dtype=np.float16)


def test_tokenizer_phrases_and_attributes_are_kept(lee):
    wv = made(bucket=50)
    wv.tokenizer, wv.phrases, wv.note = "simple", Phrases(lee, min_count=5), {"corpus": "lee"}
    small = shrink(wv, max_words=20)
    assert small.tokenizer == "simple" and small.phrases is wv.phrases and small.note == {"corpus": "lee"}
    assert small.tokens("New South Wales") == wv.tokens("New South Wales")
    np.testing.assert_array_equal(small.get_sentence_vector("W1 w2"), wv.get_sentence_vector("w1 W2"))


def test_no_array_is_shared_with_the_old_vectors():
    wv = made(bucket=50)
    small = shrink(wv, max_words=30)
    assert small.most_similar("w1", topn=1) == wv.most_similar("w1", topn=1)
    for array in (small.vectors, small.vectors_ngrams, small.expandos["count"]):
        array[:] = 0
    assert wv.vectors.all() and wv.vectors_ngrams.all() and wv.expandos["count"].all()


@pytest.mark.parametrize("options", [{"max_words": 300}, {"max_words": 300, "dtype": np.float16}, {"bucket": 100}])
def test_the_weighting_is_kept(wv, lee, tmp_path, options):
    wv.weighting = SentenceWeighting(lexical_dims=30).fit(wv, lee)
    small = shrink(wv, **options)
    sentences = [[token for token in tokens if token in small] for tokens in lee]
    exact = "dtype" not in options
    np.testing.assert_allclose(small.encode(sentences), wv.encode(sentences), atol=1e-6 if exact else 2e-3)
    assert small.weighting.rows.dtype == options.get("dtype", np.float32)
    assert len(small.weighting.rows) == len(small) and small.encode(["unheard-of"]).any()
    shrink_to_file(wv, tmp_path / "small", **options)
    loaded = Sent2VecKeyedVectors.load(tmp_path / "small", verify=True)
    np.testing.assert_array_equal(loaded.encode(lee), small.encode(lee))


def test_weightings_without_rows_or_not_fitted(wv, lee):
    wv.weighting = SentenceWeighting(lexical_dims=30, unseen_words=False).fit(wv, lee)
    baked = wv.bake()
    small = shrink(baked, max_words=300)
    sentences = [[token for token in tokens if token in small] for tokens in lee]
    assert small.weighting.rows is None and small.vector_size == baked.vector_size
    np.testing.assert_allclose(small.encode(sentences), baked.encode(sentences), atol=1e-6)
    wv.weighting = SentenceWeighting()
    assert not shrink(wv, max_words=300).weighting.fitted


# ---------------------------------------------------------------------------------------------------
# Files


def test_files_contain_what_shrink_returns(wv, lee, tmp_path):
    path = tmp_path / "wv.s2v"
    wv.save(path)
    mapped = Sent2VecKeyedVectors.load(path, mmap="r")
    options = {"max_words": 500, "bucket": 2000, "dtype": np.float16, "sentences": lee}
    small = shrink(wv, **options)
    shrink_to_file(mapped, path, **options)  # replaces the file from which it is mapped
    loaded = Sent2VecKeyedVectors.load(path, verify=True)
    for array in ("vectors", "vectors_ngrams"):
        np.testing.assert_array_equal(getattr(loaded, array), getattr(small, array))
    assert list(loaded.index_to_key) == list(small.index_to_key)
    np.testing.assert_array_equal(loaded.expandos["count"], small.expandos["count"])
    np.testing.assert_array_equal(loaded.encode(lee), small.encode(lee))
    np.testing.assert_array_equal(mapped.vectors, wv.vectors)


@pytest.mark.parametrize("sample", [False, True])
def test_files_are_written_block_by_block(tmp_path, sample):
    wv = made(n_words=40_000, dim=100, bucket=200_000)
    wv.expandos = {}
    wv.save(tmp_path / "wv")
    n = wv.vectors_ngrams.nbytes
    wv = Sent2VecKeyedVectors.load(tmp_path / "wv", mmap="r")
    sentences = texts() if sample else None
    tracemalloc.start()
    try:
        shrink_to_file(wv, tmp_path / "small", bucket=150_000, sentences=sentences)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n / 4
    assert (tmp_path / "small").stat().st_size > n / 2


# ---------------------------------------------------------------------------------------------------
# Errors


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({}, ValueError, "nothing to do: pass at least one of"),
        (
            {"bucket": 51},
            ValueError,
            "bucket: there are 50 n-gram rows, which cannot be folded into 51; pass at most 50",
        ),
        ({"bucket": -1}, ValueError, "bucket: must be at least 0"),
        ({"bucket": 1.5}, TypeError, "bucket: expected an integer"),
        ({"max_words": 0}, ValueError, "max_words: must be at least 1"),
        ({"min_count": 10_000}, ValueError, "min_count: none of 30 words occurred 10000 times"),
        ({"dtype": np.int8}, ValueError, "dtype: expected float32 or float16, got int8"),
        (
            {"bucket": 25, "sentences": "w1 w2"},
            TypeError,
            "sentences: expected a list of texts, got the single string",
        ),
        ({"bucket": 25, "sentences": ["w1", "x y"]}, ValueError, "sentences: none of 2 has an n-gram of known words"),
        ({"bucket": 25, "sentences": [["w1", 2]]}, TypeError, "tokens must be strings"),
    ],
)
def test_impossible_requests(options, error, message, tmp_path):
    wv = made(bucket=50)
    with pytest.raises(error, match=message):
        shrink(wv, **options)
    with pytest.raises(error, match=message):
        shrink_to_file(wv, tmp_path / "small", **options)
    assert not list(tmp_path.iterdir())


def test_vectors_without_ngrams_have_no_rows_to_fold():
    with pytest.raises(ValueError, match="bucket: there are 0 n-gram rows"):
        shrink(made(), bucket=10)
    assert shrink(made(), bucket=0).bucket == 0


def test_objects_of_other_classes_are_refused_with_advice(model):
    with pytest.raises(TypeError, match=r"wv: .*got KeyedVectors.*from_keyed_vectors"):
        shrink(KeyedVectors(3), max_words=2)
    with pytest.raises(TypeError, match=r"got Sent2Vec; pass its \.wv"):
        shrink(model, max_words=2)


def test_names_of_compressed_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="would not be compressed"):
        shrink_to_file(made(), tmp_path / "small.gz", max_words=3)
