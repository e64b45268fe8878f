"""SentenceWeighting: fitting, pooling, baking and saving, compared with the oracle in weighting_oracle.py."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import random
import sys
import threading
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.test.utils import common_texts
from hypothesis import given, settings
from hypothesis import strategies as st
from weighting_oracle import Oracle

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceWeighting
from gensim_sent2vec._pooling.fitting import decay_weights
from gensim_sent2vec._pooling.pooling import WeightedPooling
from gensim_sent2vec._text.corpus import Sample, sample_lines, sample_sentences
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._util.rows import unit_rows

WORDS = ["the", "walking", "walked", "talk", "banana", "한국어", "한국", "é", "x", "><", "of", "bandana"]
COUNTS = np.array([900, 40, 30, 25, 20, 12, 9, 6, 5, 3, 800, 0])
DIM = 9


def make_vectors(dtype=np.float32) -> Sent2VecKeyedVectors:
    kv = KeyedVectors(DIM)
    kv.add_vectors(WORDS, np.random.default_rng(1).standard_normal((len(WORDS), DIM)).astype(np.float32))
    kv.expandos["count"] = COUNTS
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    return wv.astype(dtype) if dtype != np.float32 else wv


WV = make_vectors()
OUTPUT = np.random.default_rng(2).standard_normal((len(WORDS), DIM)).astype(np.float32)
rng = random.Random(1)
SENTENCES = [rng.choices([*WORDS, "nowhere"], k=rng.choice([0, 1, 2, 5, 9])) for _ in range(60)]
NEW = [*SENTENCES[:20], ["walks", "banana"], ["talked"], ["zzz", "qqq"], [], ["the", "walks", "the", "bananas", "talk"]]

options = st.fixed_dictionaries(
    {
        "sif": st.sampled_from([None, 5e-4, 0.1]),
        "unit_words": st.booleans(),
        "first_half": st.sampled_from([1.0, 1.4, 0.5]),
        "stop_words": st.sampled_from([(), ("the", "of"), ("the", "walks")]),
        "whiten": st.sampled_from([None, 0, -0.3, 0.2]),
        "remove_components": st.integers(0, 3),
        "lexical_weight": st.sampled_from([0, 0.3, 0.6, 1]),
        "decay": st.sampled_from(["sif", "word2vec"]),
        "half_length": st.sampled_from([0, 4]),
        "unseen_words": st.booleans(),
        "linear": st.booleans(),
        "min_n": st.sampled_from([2, 3]),
        "max_n": st.sampled_from([3, 4]),
        "seed": st.integers(0, 5),
    }
)


def assert_same_geometry(ours, theirs, atol=1e-5):
    """Compare cosines and lengths only: eigenvectors are unique up to sign, and not at all for equal eigenvalues."""
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=atol * max(1, np.abs(theirs @ theirs.T).max()))


# -----------------------------------------------------------------------------------------------------
# Compared with the oracle


def assert_matches_the_oracle(given_options, lexical_dims, with_output):
    given_options["lexical_dims"] = lexical_dims if given_options["lexical_weight"] else 0
    output = OUTPUT if with_output and given_options["unit_words"] else None
    weighting = SentenceWeighting(**given_options).fit(WV, SENTENCES, output)
    oracle = Oracle(WORDS, COUNTS, WV.vectors, output, SENTENCES, **given_options)
    expected = np.array([oracle.encode(tokens) for tokens in NEW])
    found = WV.encode(NEW, weighting=weighting)
    assert found.dtype == np.float32 and found.shape == expected.shape
    assert weighting.vector_size == expected.shape[1]
    # The average vectors of n-grams are stored as float16.
    known = [all(word in WV for word in tokens) or not given_options["unseen_words"] for tokens in NEW]
    assert_same_geometry(found[known], expected[known], 2e-5)
    assert_same_geometry(found, expected, 2e-3)


every_option = given(options, st.sampled_from([0, 30, 130]), st.booleans())


@settings(max_examples=25)
@every_option
def test_options_match_the_oracle(given_options, lexical_dims, with_output):
    assert_matches_the_oracle(given_options, lexical_dims, with_output)


@pytest.mark.slow
@settings(max_examples=150)
@every_option
def test_many_options_match_the_oracle(given_options, lexical_dims, with_output):
    assert_matches_the_oracle(given_options, lexical_dims, with_output)


def test_without_a_lexical_part_the_axes_are_those_of_the_word_vectors():
    options = {"lexical_weight": 0, "whiten": 0, "unseen_words": False}
    found = WV.encode(NEW, SentenceWeighting(unit_words=False, sif=None, **options).fit(WV, SENTENCES))
    np.testing.assert_allclose(found, WV.encode(NEW, False), atol=1e-6)
    weighting = SentenceWeighting(whiten=-0.3, lexical_weight=0).fit(WV, SENTENCES, OUTPUT)
    oracle = Oracle(WORDS, COUNTS, WV.vectors, OUTPUT, SENTENCES, whiten=-0.3, lexical_weight=0)
    np.testing.assert_allclose(WV.encode(NEW, weighting), [oracle.encode(t) for t in NEW], atol=2e-3)


def test_decay_weights():
    p = np.array([0, 1e-5, 1e-3, 0.5])
    np.testing.assert_allclose(decay_weights(p, 1e-3, "sif"), 1e-3 / (1e-3 + p), rtol=1e-6)
    curve = decay_weights(p, 1e-4, "word2vec")
    np.testing.assert_allclose(curve, [1, 1, np.sqrt(0.1) + 0.1, np.sqrt(2e-4) + 2e-4], rtol=1e-6)
    assert decay_weights(p, None, "sif").tolist() == [1, 1, 1, 1]


def test_lengths_of_the_two_parts():
    weighting = SentenceWeighting(lexical_weight=0.3, lexical_dims=21).fit(WV, SENTENCES)
    vectors = WV.encode([["walking", "banana"], ["talk", "x"]], weighting)
    split = weighting.meaning_dims
    assert split == 6
    np.testing.assert_allclose((vectors[:, :split] ** 2).sum(axis=1), 0.7, rtol=1e-5)
    np.testing.assert_allclose((vectors[:, split:] ** 2).sum(axis=1), 0.3, rtol=1e-5)


# -----------------------------------------------------------------------------------------------------
# Pooling


@pytest.fixture
def weighted():
    wv = make_vectors()
    wv.weighting = SentenceWeighting(lexical_dims=20).fit(wv, SENTENCES, OUTPUT)
    return wv


@pytest.mark.parametrize("unit_words, scales", [(True, [1e-25, 1e25]), (False, [1e-12, 1e5, 1e12])])
def test_the_length_of_vectors_does_not_matter(unit_words, scales):
    """Of all vectors at a time; also for unknown words, whose vectors are estimated from float16."""
    found = []
    for scale in (1, *scales):
        wv = make_vectors()
        wv.vectors *= np.float32(scale)
        wv.weighting = SentenceWeighting(lexical_dims=20, unit_words=unit_words).fit(wv, SENTENCES)
        vectors = wv.encode([*NEW, ["walkings", "banana", "talking"]])
        found.append(vectors @ vectors.T)  # the signs of axes are arbitrary
    for products in found[1:]:
        np.testing.assert_allclose(products, found[0], atol=3e-3)


def test_all_ways_to_pool_agree(weighted):
    vectors = weighted.encode(NEW)
    assert weighted.sentence_size == vectors.shape[1] == 29
    np.testing.assert_array_equal(vectors, weighted.encode(NEW, weighting=weighted.weighting))
    np.testing.assert_array_equal(vectors, [weighted.get_sentence_vector(tokens) for tokens in NEW])
    np.testing.assert_array_equal(vectors, weighted.encode(iter(NEW), workers=3))
    texts = [" ".join(tokens) for tokens in NEW]
    np.testing.assert_array_equal(vectors, weighted.encode(texts))
    a, b = unit_rows(vectors[-2:])
    assert weighted.similarity_sentences(texts[0], texts[-1]) == pytest.approx(
        float(unit_rows(vectors[:1])[0] @ b), abs=1e-6
    )
    assert not a.any()
    plain = make_vectors()
    np.testing.assert_array_equal(weighted.encode(NEW, weighting=False), plain.encode(NEW))
    np.testing.assert_array_equal(weighted.get_sentence_vector(NEW[0], weighting=False), plain.encode(NEW)[0])
    assert weighted.similarity_sentences("talk", "banana", False) == plain.similarity_sentences("talk", "banana")
    weighted.weighting = None
    np.testing.assert_array_equal(weighted.encode(NEW), plain.encode(NEW))


def test_sentences_without_known_words(weighted):
    sentences = [[], ["the", "of"], ["walks"], [""], ["banana"]]
    weighted.weighting = SentenceWeighting(stop_words=["the", "of", "walked"]).fit(weighted, SENTENCES)
    for normalize in (False, True):
        vectors, known = weighted.encode(sentences, return_known=True, normalize=normalize)
        assert known.tolist() == [False, False, True, False, True] == vectors.any(axis=1).tolist()
        assert np.isfinite(vectors).all()
    plain, known = weighted.encode(sentences, weighting=False, return_known=True)
    assert known.tolist() == [False, True, False, False, True] == plain.any(axis=1).tolist()
    vectors, known = weighted.encode([], return_known=True)
    assert vectors.shape == (0, weighted.sentence_size) and known.shape == (0,)
    assert weighted.similarity_sentences("", "banana") == 0


def test_unknown_words_are_similar_to_words_of_similar_spelling(weighted):
    cosine = weighted.similarity_sentences
    assert cosine("bananas", "banana") > 0.5 > cosine("bananas", "talk")
    weighted.weighting = SentenceWeighting(unseen_words=False).fit(weighted, SENTENCES)
    assert cosine("bananas", "banana") == 0


def test_cached_rows_of_unknown_words_are_right(weighted):
    rng = random.Random(3)
    sentences = [rng.choices([*WORDS, *(f"new{i}" for i in range(300))], k=6) for _ in range(400)]
    sentences += [[f"né{i}", "the", f"new{i + 1}", f"né{i + 1}"] for i in range(100)]
    expected = weighted.encode(sentences, workers=1)
    small, weighting = copy.deepcopy(weighted), weighted.weighting
    small.weighting = weighting
    pooling = WeightedPooling(
        small.freeze(), small.vectors, weighting._parameters, weighting._fitted, cached_values=29 * 40,
        values=small._check_weighting(weighting),
    )  # fmt: skip
    small._weighted_pooling = pooling
    for workers in (1, 4):
        np.testing.assert_array_equal(small.encode(sentences, workers=workers), expected)
        np.testing.assert_array_equal([small.get_sentence_vector(s) for s in sentences], expected)
    assert small._weighted_pooling is pooling


def test_threads_share_one_pooling(weighted):
    rng = random.Random(4)
    sentences = [
        rng.choices([*WORDS, *(f"{kind}{i}" for i in range(500) for kind in ("new", "né"))], k=9) for _ in range(3000)
    ]
    expected = copy.deepcopy(weighted).encode(sentences, workers=1)
    found = {}

    def work(i):
        found[i] = weighted.encode(sentences, workers=2)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for vectors in found.values():
        np.testing.assert_array_equal(vectors, expected)
    assert len(found) == 4


def test_threads_encode_texts_one_by_one(weighted):
    """Short texts share buffers, long ones are encoded without the GIL, and some words must be spelled in Python."""
    rng = random.Random(5)
    words = [*WORDS, *(f"{kind}{i}" for i in range(300) for kind in ("new", "né"))]
    texts = [" ".join(rng.choices(words, k=rng.choice([1, 9, 9, 9, 1500]))) for _ in range(300)]
    expected = {weighting: copy.deepcopy(weighted).encode(texts, weighting, workers=1) for weighting in (None, False)}
    wrong = []

    def work(i):
        order = random.Random(i).sample(range(len(texts)), len(texts))
        for k in order:
            weighting = False if (k + i) % 5 == 0 else None
            if not np.array_equal(weighted.get_sentence_vector(texts[k], weighting), expected[weighting][k]):
                wrong.append(texts[k])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert not wrong


def test_fitting_again_and_new_parameters_take_effect(weighted):
    before = weighted.encode(NEW)
    weighted.weighting.fit(weighted, SENTENCES)
    assert not np.allclose(before, weighted.encode(NEW))
    weighted.weighting.linear = True
    assert np.ptp(np.linalg.norm(weighted.encode(NEW[-4:-2]), axis=1)) > 1e-3


def test_float16():
    half = make_vectors(np.float16)
    weighting = SentenceWeighting(lexical_dims=20).fit(half, SENTENCES)
    assert weighting.rows.dtype == np.float16
    single = SentenceWeighting(lexical_dims=20).fit(make_vectors(), SENTENCES)
    known = [tokens for tokens in NEW if tokens]
    assert_same_geometry(half.encode(known, weighting), WV.encode(known, single), 5e-3)
    wv = make_vectors()
    wv.weighting = single
    again = wv.astype(np.float16)
    assert again.weighting.rows.dtype == np.float16 and wv.weighting.rows.dtype == np.float32
    np.testing.assert_allclose(again.encode(NEW), wv.encode(NEW), atol=3e-3)


# -----------------------------------------------------------------------------------------------------
# Baking


def cosines(vectors):
    unit = unit_rows(vectors.astype(np.float64))
    return unit @ unit.T


@settings(max_examples=40)
@given(options, st.booleans())
def test_baked_vectors_have_the_same_cosines(given_options, with_extra):
    wv = make_vectors()
    wv.weighting = SentenceWeighting(**given_options).fit(wv, SENTENCES)
    extra = ["walks", "talked", "the", "walks"] if with_extra and given_options["unseen_words"] else []
    baked = wv.bake(extra)
    assert list(baked.index_to_key) == WORDS + ["walks", "talked"][: len(set(extra))][: 2 if extra else 0]
    sentences = [[w for w in tokens if w in baked] for tokens in NEW]
    np.testing.assert_allclose(cosines(baked.encode(sentences)), cosines(wv.encode(sentences)), atol=1e-5)
    if (given_options["linear"] or not given_options["lexical_weight"]) and given_options["first_half"] == 1:
        assert baked.weighting is None
    assert baked.get_vecattr("talk", "count") == 25


def test_the_plain_mean_of_baked_vectors_is_the_linear_weighting(weighted, tmp_path):
    linear = copy.deepcopy(weighted)
    linear.weighting.linear = True
    sentences = [[w for w in tokens if w in WORDS] for tokens in NEW]
    expected = cosines(linear.encode(sentences))
    baked = weighted.bake()
    np.testing.assert_allclose(cosines(baked.encode(sentences, weighting=False)), expected, atol=1e-5)

    path = str(tmp_path / "baked.bin")
    baked.save_word2vec_format(path, binary=True)
    plain = KeyedVectors.load_word2vec_format(path, binary=True)
    empty = np.zeros(plain.vector_size)
    means = [plain.get_mean_vector(s, pre_normalize=False) if s else empty for s in sentences]
    np.testing.assert_allclose(cosines(np.array(means)), expected, atol=1e-5)


def test_baking_again_and_what_cannot_be_baked(weighted):
    baked = weighted.bake()
    known = [tokens for tokens in NEW[:20] if "nowhere" not in tokens]
    np.testing.assert_allclose(cosines(baked.bake().encode(known)), cosines(baked.encode(known)), atol=1e-5)
    with pytest.raises(ValueError, match="unseen_words=False"):
        baked.bake(["walks"])
    weighted.weighting = None
    with pytest.raises(ValueError, match="no weighting"):
        weighted.bake()
    weighted.weighting = SentenceWeighting()
    with pytest.raises(ValueError, match="not fitted"):
        weighted.bake()


# -----------------------------------------------------------------------------------------------------
# Files


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("unseen_words", [False, True])
def test_arrays_and_facts_restore_the_weighting(linear, unseen_words):
    weighting = SentenceWeighting(
        lexical_dims=20, linear=linear, unseen_words=unseen_words, stop_words=["of", "the"], first_half=1.2
    ).fit(WV, SENTENCES, OUTPUT)
    arrays, facts = weighting.to_arrays()
    for array in arrays.values():
        assert isinstance(array, np.ndarray) and array.dtype != object
        array.flags.writeable = False  # like those of a mapped file
    again = SentenceWeighting.from_arrays(arrays, json.loads(json.dumps(facts)))
    assert again.parameters == weighting.parameters and repr(again) == repr(weighting)
    np.testing.assert_array_equal(WV.encode(NEW, again), WV.encode(NEW, weighting))
    for part, name in (arrays, "weights"), (facts, "words"):
        damaged = dict(part)
        del damaged[name]
        with pytest.raises(ValueError, match=name):
            SentenceWeighting.from_arrays(*((damaged, facts) if part is arrays else (arrays, damaged)))


@pytest.mark.parametrize(
    "name", ["rows", "weights", "meaning_map", "lexical_map", "ngram_hashes", "ngram_weights", "ngram_vectors"]
)
def test_arrays_of_mismatched_shapes_are_rejected(weighted, name):
    arrays, facts = weighted.weighting.to_arrays()
    with pytest.raises(ValueError, match="shape"):
        SentenceWeighting.from_arrays({**arrays, name: arrays[name][:-1]}, facts)


@pytest.mark.parametrize(
    "name", ["rows", "weights", "meaning_map", "lexical_map", "ngram_hashes", "ngram_weights", "ngram_vectors"]
)
@pytest.mark.parametrize("change", ["f8", "i4", "dimensions", "scalar"])
def test_arrays_of_other_types_are_rejected(weighted, name, change):
    arrays, facts = weighted.weighting.to_arrays()
    array = arrays[name]
    if change == "dimensions":
        array = array[0] if array.ndim > 1 else array[:, None]
    elif change == "scalar":
        array = np.zeros((), array.dtype)
    else:
        array = array.astype(change)
    with pytest.raises(ValueError, match="weighting: the array"):
        SentenceWeighting.from_arrays({**arrays, name: array}, facts)


@pytest.mark.parametrize(
    "facts, message",
    [
        ({"meaning_dims": "2"}, "meaning_dims: expected an integer"),
        ({"meaning_dims": 2**40}, "shape"),
        ({"row_length": None}, "row_length: expected a number"),
        ({"unseen_weight": float("inf")}, "unseen_weight: must be finite"),
        ({"ngram_new_weight": "1"}, "ngram_new_weight: expected a number"),
        ({"words": 12}, "invalid vocabulary fingerprint"),
        ({"words": "x-0"}, "invalid vocabulary fingerprint"),
        ({"words": "3-00000000"}, "shape"),
        ({"parameters": {"seed": 2**64}}, "seed: must be at most"),
        ({"parameters": {"max_n": 2**40}}, "max_n: must be at most 1000"),
        ({"parameters": {"min_n": 0}}, "min_n: must be at least 1"),
        ({"parameters": {"half_length": 2**63}}, "half_length: must be at most"),
        ({"parameters": {"colour": 1}}, "colour"),
    ],
)
def test_invalid_facts_are_rejected(weighted, facts, message):
    arrays, all_facts = weighted.weighting.to_arrays()
    with pytest.raises((ValueError, TypeError), match=message):
        SentenceWeighting.from_arrays(arrays, {**all_facts, **facts})


def test_rows_are_required_for_unknown_words(weighted):
    arrays, facts = weighted.weighting.to_arrays()
    del arrays["rows"]
    with pytest.raises(ValueError, match="rows are missing"):
        SentenceWeighting.from_arrays(arrays, facts)


@pytest.mark.parametrize("baked", [False, True])
def test_files_with_too_many_semantic_dimensions_are_rejected(weighted, baked, tmp_path):
    """Found by fuzz_readers.py."""
    wv = weighted.bake() if baked else weighted
    object.__setattr__(wv.weighting._fitted, "semantic_dims", 2**40)
    wv.save(str(tmp_path / "vectors"))
    with pytest.raises(ValueError, match="weighting: "):
        Sent2VecKeyedVectors.load(str(tmp_path / "vectors"))


def test_the_weighting_is_saved_with_the_vectors(weighted, tmp_path):
    expected = weighted.encode(NEW)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(weighted)).encode(NEW), expected)
    np.testing.assert_array_equal(copy.deepcopy(weighted).encode(NEW), expected)
    weighted.save(str(tmp_path / "wv"))
    for mmap in (None, "r"):
        loaded = Sent2VecKeyedVectors.load(str(tmp_path / "wv"), mmap=mmap)
        np.testing.assert_array_equal(loaded.encode(NEW), expected)
    baked = weighted.bake()
    baked.save(str(tmp_path / "baked"))
    np.testing.assert_array_equal(
        Sent2VecKeyedVectors.load(str(tmp_path / "baked"), mmap="r").encode(NEW), baked.encode(NEW)
    )


@pytest.mark.parametrize("fitted", [False, True])
def test_gensim_saves_large_arrays_as_files_that_can_be_mapped(weighted, fitted, tmp_path):
    weighting = weighted.weighting if fitted else SentenceWeighting(sif=1e-3)
    weighting.save(str(tmp_path / "weighting"), sep_limit=10)
    loaded = SentenceWeighting.load(str(tmp_path / "weighting"), mmap="r")
    assert loaded.parameters == weighting.parameters and loaded.fitted == weighting.fitted == fitted
    if fitted:
        assert all(isinstance(array, np.memmap) for array in loaded.to_arrays()[0].values())
        expected = weighted.encode(NEW)  # by the weighting that was saved
        np.testing.assert_array_equal(weighted.encode(NEW, loaded), expected)


def test_a_save_that_fails_keeps_the_fit(weighted, tmp_path):
    with pytest.raises(OSError):
        weighted.weighting.save(str(tmp_path / "no-folder" / "weighting"), sep_limit=10)
    assert weighted.weighting.rows.shape == (len(WORDS), 29)


def test_rows_and_weights_can_be_replaced(weighted):
    weighting = weighted.weighting
    before, fitted = weighted.encode(NEW), weighting._fitted
    weighting.rows = -weighting.rows
    known = [i for i, tokens in enumerate(NEW) if all(token in WORDS for token in tokens)]
    np.testing.assert_array_equal(weighted.encode(NEW)[known], -before[known])
    weighting.weights = np.zeros_like(weighting.weights)
    assert not weighted.encode(NEW)[known].any()
    with pytest.raises(ValueError, match="'rows' must be float32 or float16 of shape"):
        weighting.rows = weighting.rows[:3]
    with pytest.raises(FrozenInstanceError):
        fitted.rows = weighting.rows
    with pytest.raises(ValueError, match="not fitted"):
        SentenceWeighting().rows = weighting.rows


# -----------------------------------------------------------------------------------------------------
# Any gensim vectors


@pytest.mark.parametrize("kind", [Word2Vec, FastText])
def test_vectors_of_gensim(kind, lee, tmp_path):
    model = kind(lee, vector_size=20, min_count=2, epochs=2, workers=1)
    weighting = SentenceWeighting().fit(model.wv, lee, model.syn1neg)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(model.wv)
    oracle = Oracle(list(model.wv.index_to_key), model.wv.expandos["count"], model.wv.vectors, model.syn1neg, lee[:20])
    vectors = wv.encode(lee[:20], weighting)
    assert vectors.shape == (20, 20) and np.isfinite(vectors).all()
    ours = SentenceWeighting().fit(model.wv, lee[:20], model.syn1neg)
    assert_same_geometry(wv.encode(lee[:20], ours), np.array([oracle.encode(t) for t in lee[:20]]), 2e-3)


def test_counts_that_are_missing_or_dummies(tmp_path):
    kv = KeyedVectors(DIM)
    kv.add_vectors(WORDS, WV.vectors)
    with pytest.raises(ValueError, match=r"no word counts.*fvocab"):
        SentenceWeighting().fit(kv, SENTENCES)
    path = str(tmp_path / "vectors.txt")
    kv.save_word2vec_format(path)
    with pytest.raises(ValueError, match="dummies"):
        SentenceWeighting().fit(KeyedVectors.load_word2vec_format(path), SENTENCES)
    for counts in (np.zeros(len(WORDS)), np.full(len(WORDS), np.nan), -COUNTS):
        kv.expandos["count"] = counts
        with pytest.raises(ValueError, match="must be finite, not negative"):
            SentenceWeighting().fit(kv, SENTENCES)
    kv.expandos["count"] = COUNTS
    assert SentenceWeighting().fit(kv, SENTENCES).fitted


# -----------------------------------------------------------------------------------------------------
# Invalid and minimal input


@pytest.mark.parametrize(
    "bad",
    [
        {"sif": 0}, {"sif": "a"}, {"sif": float("nan")}, {"unit_words": 1}, {"first_half": 0}, {"first_half": None},
        {"stop_words": "the"}, {"stop_words": [1]}, {"stop_words": 3}, {"whiten": -2}, {"whiten": "x"},
        {"remove_components": -1}, {"remove_components": 1.5}, {"lexical_weight": 1.1}, {"lexical_weight": -0.1},
        {"lexical_dims": -1}, {"lexical_dims": True}, {"decay": "linear"}, {"half_length": -1}, {"unseen_words": "no"},
        {"linear": None}, {"min_n": 0}, {"max_n": 2}, {"sample_size": 0}, {"seed": -1},
    ],
)  # fmt: skip
def test_parameters_are_checked(bad):
    with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
        SentenceWeighting(**bad)


def test_arguments_that_do_not_fit_together():
    with pytest.raises(ValueError, match="lexical_dims"):
        SentenceWeighting(lexical_weight=0, lexical_dims=10)
    with pytest.raises(ValueError, match="remove_components"):
        SentenceWeighting(remove_components=DIM).fit(WV, SENTENCES)
    with pytest.raises(ValueError, match="output_vectors"):
        SentenceWeighting().fit(WV, SENTENCES, OUTPUT[:5])
    with pytest.raises(ValueError, match="output_vectors"):
        SentenceWeighting(unit_words=False).fit(WV, SENTENCES, OUTPUT)
    with pytest.raises(ValueError, match="not fitted"):
        WV.encode(NEW, SentenceWeighting())
    with pytest.raises(ValueError, match="not fitted"):
        SentenceWeighting().to_arrays()
    with pytest.raises(TypeError, match="weighting"):
        WV.encode(NEW, weighting=True)
    with pytest.raises(TypeError, match="single string"):
        SentenceWeighting().fit(WV, "the words")
    with pytest.raises(TypeError, match="string"):
        SentenceWeighting().fit(WV, [["the", 3]])
    for nothing in [], [[]], [["nowhere"]]:
        with pytest.raises(ValueError, match="none of"):
            SentenceWeighting().fit(WV, nothing)


def test_a_weighting_for_another_vocabulary_is_rejected(weighted):
    fitted = weighted.weighting
    weighted.add_vector("new", np.ones(DIM))
    with pytest.raises(ValueError, match=r"different .* \(12 words\).*\(13 words\): 'new' was added since; fit"):
        weighted.encode(NEW)
    weighted.add_vectors(["a1", "a2", "a3"], np.ones((3, DIM)))
    with pytest.raises(ValueError, match="'new', 'a1', 'a2' and 1 more were added since; fit it again") as caught:
        weighted.encode(NEW)
    text = str(caught.value)  # each of the ways out works
    assert "a sample of the texts that you encode will do; or, without sentences, use plain means" in text
    assert text.endswith("or do not add words: unknown ones are encoded by their character n-grams")
    assert weighted.encode(["new the"], weighting=False).any()
    assert SentenceWeighting().fit(weighted, NEW).fitted
    other = Sent2VecKeyedVectors.from_keyed_vectors(WV)
    other.set_words(type(WV.key_to_index).from_words([*WORDS[1:], WORDS[0]]))
    with pytest.raises(ValueError, match=r"different vocabulary \(12 words\) .* \(12 words\); fit it again"):
        other.encode(NEW, fitted)


def test_a_failed_fit_keeps_the_previous_one(weighted):
    expected = weighted.encode(NEW)
    with pytest.raises(ValueError):
        weighted.weighting.fit(weighted, [])
    np.testing.assert_array_equal(weighted.encode(NEW), expected)


@pytest.mark.parametrize("options", [{}, {"lexical_dims": 200}, {"lexical_weight": 0}, {"linear": True}])
@pytest.mark.parametrize("sentences", [[["the"]], [["the", "of"], ["x"]]])
def test_minimal_samples(options, sentences):
    weighting = SentenceWeighting(**options).fit(WV, sentences)
    vectors = WV.encode(NEW, weighting)
    assert np.isfinite(vectors).all() and np.linalg.norm(vectors, axis=1).max() < 100


def test_one_dimension_and_one_word():
    kv = KeyedVectors(1)
    kv.add_vectors(["a"], np.ones((1, 1), dtype=np.float32))
    kv.expandos["count"] = np.array([3])
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    for options in {}, {"lexical_weight": 0}, {"lexical_weight": 1}, {"lexical_dims": 1}, {"linear": True}:
        wv.weighting = SentenceWeighting(**options).fit(wv, [["a"]])
        vectors = wv.encode([["a"], ["b"], []])
        assert np.isfinite(vectors).all() and vectors[0].any()


def test_zeros_and_nan():
    wv = make_vectors()
    wv.vectors[3:6] = 0
    wv.weighting = SentenceWeighting().fit(wv, SENTENCES)
    assert np.isfinite(wv.encode(NEW)).all()
    wv.vectors[4, 2] = np.nan
    with pytest.raises(ValueError, match="'banana' is not finite"):
        SentenceWeighting().fit(wv, SENTENCES)
    wv.weighting = SentenceWeighting().fit(wv, [["the", "x"]])  # the word is not in the sample
    assert np.isfinite(wv.encode([*NEW, ["banana"]])).all()


def test_parameters_are_attributes_that_are_checked():
    weighting = SentenceWeighting(sif=np.float32(0.5), seed=np.int64(3), stop_words=["of"])
    assert list(weighting.parameters) == list(inspect.signature(SentenceWeighting).parameters)
    json.dumps({**weighting.parameters, "stop_words": None})  # NumPy scalars have become numbers
    weighting.sif, weighting.stop_words = None, ["the", "the"]
    assert weighting.sif is None and weighting.parameters["stop_words"] == {"the"} and weighting.seed == 3
    with pytest.raises(ValueError, match="max_n"):
        weighting.max_n = 2
    with pytest.raises(ValueError, match="lexical_dims"):
        weighting.lexical_weight, weighting.lexical_dims = 0, 5
    assert weighting.max_n == 4 and weighting.lexical_dims == 0


def test_repr():
    assert repr(SentenceWeighting(sif=1e-3)) == "SentenceWeighting(sif=0.001) <not fitted>"
    assert repr(SentenceWeighting().fit(WV, SENTENCES)) == "SentenceWeighting()"


# -----------------------------------------------------------------------------------------------------
# Samples


@given(st.integers(1, 20), st.integers(0, 200))
def test_samples_of_streams(size, n):
    sentences = [[str(i)] for i in range(n)]
    held = sample_sentences(iter(sentences), size)
    assert len(held) <= size and len(held) * 2 >= min(n, size)
    places = [int(s[0]) for s in held]
    assert len(set(np.diff(places))) <= 1 and places == sorted(places)
    assert list(Sample(size).record(sentences)) == sentences


def test_samples_hold_bounded_sentences():
    sample = Sample(40, max_tokens=100, max_sentence=30)
    assert sum(map(len, sample.record([str(i)] * 1000 for i in range(50)))) == 50_000
    assert 1 <= len(sample.sentences) <= 3 and all(len(s) == 30 for s in sample.sentences)
    passed = list(Sample(3).record(iter([iter(["a", "b"]), {"c"}])))
    assert passed == [["a", "b"], {"c"}]


def test_sampled_lines_are_spread_over_the_file(tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f"line {i:05}\n" for i in range(5000)))
    lines = [int(line[1]) for line in sample_lines(path, 100)]
    assert len(lines) == 100 and lines[0] == 0 and set(np.diff(lines)) == {50}
    assert [line[1] for line in sample_lines(path, 10**6)] == [f"{i:05}" for i in range(5000)]
    path.write_text("한국어 " * 100_000)
    assert {word for line in sample_lines(path, 10) for word in line} >= {"한국어"}
    path.write_text("")
    assert list(sample_lines(path, 10)) == []


@pytest.mark.parametrize("line", ["line {i}\n", "line {i} of {n}\r\n", "\n", "{long} {i}\n", "한국어 " * 30 + "{i}\n"])
@pytest.mark.parametrize("size", [1, 7, 100, 1000, 4000])
@pytest.mark.parametrize("small_file", [0, 1 << 24])
@pytest.mark.parametrize("end", ["", "\n"])
def test_sampled_lines_are_those_of_a_plain_search(tmp_path, monkeypatch, line, size, small_file, end):
    """The first line that starts at or after i * n_bytes / size, and after the line before."""
    path, numbers = tmp_path / "lines", random.Random(size)
    data = "".join(line.format(i=i, n=numbers.randrange(9**9), long="w" * numbers.randrange(99)) for i in range(3000))
    data = (data[:-1] + end).encode()
    monkeypatch.setattr("gensim_sent2vec._text.corpus.SMALL_FILE", small_file)
    path.write_bytes(data)
    lines = (
        data.splitlines(keepends=True) if b"\r" not in data else [part + b"\n" for part in data.split(b"\n") if part]
    )
    starts = np.cumsum([0, *map(len, lines)])[:-1]
    if len(data) <= 64 * size:
        step = 1
        while len(lines[::step]) > size:
            step *= 2
        expected = lines[::step]
    else:
        places = np.searchsorted(starts, [len(data) * i // size for i in range(size)])
        for i in range(1, size):
            places[i] = max(places[i], places[i - 1] + 1)
        expected = [lines[place] for place in places if place < len(lines)]
    assert list(sample_lines(path, size)) == [part.decode().split() for part in expected]
    words = Vocabulary.from_words({word for part in expected for word in part.decode().split()})
    expected_ids = [words[word] for part in expected for word in part.decode().split()]
    pack, ones = sample_lines(path, size).pack(), np.ones(len(words), np.float32)
    used, places, *_ = pack.weighted_words(words.table, ones, 1, 0)
    assert np.frombuffer(used, np.int64)[np.frombuffer(places, np.int32)].tolist() == expected_ids


def test_sampled_lines_with_many_tokens_are_fewer(tmp_path, monkeypatch):
    path = tmp_path / "lines"
    path.write_text("".join(f"{i:03} " + "word " * 300 + "\n" for i in range(1000)))
    for name, most in (("MAX_TOKENS", 20_000), ("MAX_BYTES", 100_000)):
        with monkeypatch.context() as patch:
            patch.setattr(f"gensim_sent2vec._text.corpus.{name}", most)
            lines = [int(tokens[0]) for tokens in sample_lines(path, 200)]
            assert len(sample_lines(path, 200).pack()) == len(lines)
        assert 30 <= len(lines) <= 66 and len(set(np.diff(lines))) == 1


# -----------------------------------------------------------------------------------------------------
# Training

SMALL = {"vector_size": 12, "min_count": 2, "workers": 1, "epochs": 2}


def test_training_fits_a_weighting(lee, lee_path):
    model = Sent2Vec(lee, **SMALL)
    from_file = Sent2Vec(corpus_file=lee_path, **SMALL)
    for trained in (model, from_file):
        expected = SentenceWeighting().fit(trained.wv, lee, trained.syn1neg)
        np.testing.assert_array_equal(trained.wv.encode(lee), trained.wv.encode(lee, expected))
    other = Sent2Vec(lee, weighting=SentenceWeighting(lexical_dims=30, unit_words=False), **SMALL)
    assert other.wv.encode(lee).shape == (300, 42) and not other.weighting.fitted
    for off in (False, None):
        assert Sent2Vec(lee, weighting=off, **SMALL).wv.weighting is None
    with pytest.raises(TypeError, match="weighting"):
        Sent2Vec(weighting="sif")


def test_further_training_fits_it_again(lee):
    model = Sent2Vec(lee, **SMALL)
    model.wv.weighting = SentenceWeighting(sif=1e-2).fit(model.wv, lee, model.syn1neg)
    seen = []

    class Watch:
        def __getattr__(self, hook):
            return lambda model: seen.append((hook, model.wv.weighting is None))

    model.train(lee, epochs=1, callbacks=[Watch()])
    assert seen == [
        ("on_train_begin", True), ("on_epoch_begin", True), ("on_epoch_end", True), ("on_train_end", False)
    ]  # fmt: skip
    assert model.wv.weighting.sif == 1e-2
    expected = SentenceWeighting(sif=1e-2).fit(model.wv, lee, model.syn1neg)
    np.testing.assert_array_equal(model.wv.encode(lee), model.wv.encode(lee, expected))
    model.build_vocab([["newword"] * 5], update=True)
    assert model.wv.weighting is None
    assert model.wv.encode([["newword"]]).shape == (1, 12)
    model.train([["newword", "the"]] * 5, epochs=1)
    assert model.wv.weighting.sif == 1e-2 and len(model.wv.weighting.weights) == len(model.wv)


def test_a_corpus_that_can_be_read_once(lee):
    model = Sent2Vec(**SMALL)
    model.build_vocab(lee)
    model.train(iter(lee), epochs=1)
    assert model.wv.weighting.fitted


@pytest.mark.parametrize("corpus", [[["a", "b"]], [["a", "b"]] * 50, [[str(i % 7)] * 3 for i in range(9)]])
def test_training_on_tiny_corpora(corpus):
    model = Sent2Vec(corpus, vector_size=30, min_count=1, workers=1)
    assert np.isfinite(model.wv.encode([*corpus[:3], ["c"], []])).all()


def test_a_weighting_that_cannot_be_fitted_does_not_spoil_training(caplog):
    model = Sent2Vec(common_texts, min_count=1, vector_size=5, weighting=SentenceWeighting(remove_components=5))
    assert model.wv.weighting is None and "no weighting could be fitted" in caplog.text
    assert model.wv.encode(common_texts).any()


def test_it_is_saved_with_the_model(lee, tmp_path):
    model = Sent2Vec(lee, weighting=SentenceWeighting(first_half=1.2), **SMALL)
    model.save(str(tmp_path / "model"))
    for mmap in (None, "r"):
        loaded = Sent2Vec.load(str(tmp_path / "model"), mmap=mmap)
        np.testing.assert_array_equal(loaded.wv.encode(lee), model.wv.encode(lee))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    loaded.train(lee, epochs=1)
    assert loaded.wv.weighting.first_half == 1.2
    loaded.fit_weighting(lee[:100])
    expected = SentenceWeighting(first_half=1.2).fit(loaded.wv, lee[:100], loaded.syn1neg)
    np.testing.assert_array_equal(loaded.wv.encode(lee), loaded.wv.encode(lee, expected))
