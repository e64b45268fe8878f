"""Lock factors (gensim's ``vectors_lockf``): from vectors of a file to a model that leaves them alone."""

import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from gensim.models.callbacks import CallbackAny2Vec

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec.shrink import shrink

OPTIONS = {"vector_size": 20, "min_count": 3, "epochs": 1, "weighting": False}
NEW = [["apple", "pear", "said", "the"]] * 20


def build(lee, workers=1, **options):
    model = Sent2Vec(workers=workers, **{**OPTIONS, **options})
    model.build_vocab(lee)
    return model


@pytest.fixture
def untrained(lee):
    return build(lee)


def train(model, lee):
    model.train(lee, total_examples=len(lee), epochs=1)


def rows_of(wv):
    return {word: wv[word].copy() for word in wv.index_to_key}


@pytest.fixture
def pretrained(tmp_path):
    """``pretrained(words, binary)``: a word2vec file with vectors of these words, and of some that are not in lee."""

    def write(words, binary=False, name="pretrained", dim=20):
        vectors = KeyedVectors(dim)
        words = [*words, "unheardof", "neverseen"]
        vectors.add_vectors(words, np.random.default_rng(1).normal(0, 0.1, (len(words), dim)).astype(np.float32))
        path = str(tmp_path / name)
        vectors.save_word2vec_format(path, binary=binary)
        return path, vectors

    return write


# ---------------------------------------------------------------------------------------------------
# Training


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "options",
    [{}, {"shared_negatives": False}, {"word_ngrams": 2, "bucket": 1000}, {"sample": 1e-3, "vector_size": 100}],
    ids=["shared", "exact", "n-grams", "subsampling"],
)
def test_locked_words_keep_their_vectors(lee, workers, options):
    """Frequent words, whose rows each thread copies, and rare ones; in steps, as the factors stay in force."""
    model = build(lee, workers, **options)
    is_locked = np.arange(len(model.wv)) % 2 == 0
    model.wv.vectors_lockf = np.where(is_locked, 0, 1).astype(np.float32)
    before, output, ngrams = model.wv.vectors.copy(), model.syn1neg.copy(), model.wv.vectors_ngrams.copy()
    for _ in range(2):
        train(model, lee)
        assert np.array_equal(model.wv.vectors[is_locked], before[is_locked])
    assert (model.wv.vectors[~is_locked] != before[~is_locked]).any(axis=1).mean() > 0.99
    assert (model.syn1neg != output).any(axis=1).mean() > 0.99
    assert not len(ngrams) or (model.wv.vectors_ngrams != ngrams).any(axis=1).mean() > 0.9


def test_a_factor_between_scales_the_updates(lee):
    """The first step of a line moves a word by its factor times the same gradient."""
    moves = []
    for factor in (1, 0.25):
        model = build(lee, shared_negatives=False)
        model.wv.vectors_lockf = np.array([factor], dtype=np.float32)  # one for all words, as in gensim
        model.syn1neg[:] = np.random.default_rng(0).normal(0, 0.1, model.syn1neg.shape)
        before = model.wv.vectors.copy()
        model.train([["the", "police"]], total_words=2, epochs=1)
        moves.append(np.linalg.norm(model.wv.vectors - before))
    assert moves[1] == pytest.approx(moves[0] / 4, rel=0.05)


def test_factors_of_one_are_no_factors(lee):
    models = [build(lee) for _ in range(3)]
    models[1].wv.vectors_lockf = np.ones(len(models[1].wv))
    del models[2].wv.vectors_lockf
    for model in models:
        train(model, lee)
        assert np.array_equal(model.wv.vectors, models[0].wv.vectors)
        assert np.array_equal(model.syn1neg, models[0].syn1neg)


class Release(CallbackAny2Vec):
    """Locks all words in the second of three epochs, in place or by another array."""

    def __init__(self, in_place):
        self.in_place, self.rows = in_place, []

    def on_epoch_begin(self, model):
        factor = 0 if len(self.rows) == 1 else 1
        if self.in_place:
            model.wv.vectors_lockf[:] = factor
        else:
            model.wv.vectors_lockf = np.full(1, factor, dtype=np.float32)

    def on_epoch_end(self, model):
        self.rows.append(model.wv.vectors.copy())


@pytest.mark.parametrize("in_place", [True, False])
def test_callbacks_can_lock_and_release_words(untrained, lee, in_place):
    callback = Release(in_place)
    untrained.wv.vectors_lockf = np.ones(len(untrained.wv), dtype=np.float32)
    untrained.train(lee, epochs=3, callbacks=callback)
    first, second, third = callback.rows
    assert np.array_equal(first, second) and not np.array_equal(second, third)


def test_a_callback_that_sets_invalid_factors(untrained, lee):
    class Callback(CallbackAny2Vec):
        def on_epoch_begin(self, model):
            model.wv.vectors_lockf = np.full(1, 2.0)

    with pytest.raises(ValueError, match=r"^wv.vectors_lockf: factors must be from 0 to 1, got 2.0"):
        untrained.train(lee, epochs=1, callbacks=Callback())
    untrained.wv.vectors_lockf = np.ones(1)
    train(untrained, lee)


def test_all_locked_as_in_gensim(lee):
    for cls, options in ((Sent2Vec, {}), (Word2Vec, {"sorted_vocab": 1})):
        model = cls(vector_size=20, min_count=3, workers=1, **options)
        model.build_vocab(lee)
        model.wv.vectors_lockf = np.zeros(1, dtype=np.float32)
        before = model.wv.vectors.copy()
        model.train(lee, total_examples=len(lee), epochs=1)
        assert np.array_equal(model.wv.vectors, before)
        assert model.syn1neg.any()


@pytest.mark.parametrize(
    "factors, message",
    [
        (np.ones(7), r"expected a factor per word, shape \(\d+,\), or one for all, shape \(1,\), got shape \(7,\)"),
        (np.ones((1, 1)), "expected a factor per word"),
        (np.float32(0), "expected a factor per word"),
        (np.array([-0.1]), "factors must be from 0 to 1, got -0.1"),
        (np.array([1.5]), "factors must be from 0 to 1, got 1.5"),
        (np.array([np.nan]), "factors must be from 0 to 1, got nan"),
        (np.array(["x"]), "expected floats"),
        ([[1], [2, 3]], "expected floats"),
    ],
)
def test_invalid_factors(untrained, lee, factors, message):
    before = untrained.wv.vectors.copy()
    untrained.wv.vectors_lockf = factors
    with pytest.raises(ValueError, match=f"^wv.vectors_lockf: {message}"):
        train(untrained, lee)
    assert np.array_equal(untrained.wv.vectors, before)


def test_the_word_of_an_invalid_factor_is_named(untrained, lee):
    untrained.wv.vectors_lockf = np.ones(len(untrained.wv), dtype=np.float32)
    untrained.wv.vectors_lockf[untrained.wv.key_to_index["police"]] = np.inf
    with pytest.raises(ValueError, match="from 0 to 1, got inf for the word 'police'"):
        train(untrained, lee)


@pytest.mark.parametrize("name", ["vectors_ngrams_lockf", "vectors_vocab_lockf"])
def test_factors_that_only_fasttext_has(untrained, lee, name):
    setattr(untrained.wv, name, np.zeros(1, dtype=np.float32))
    with pytest.raises(ValueError, match=rf"^wv.{name}: .*only words can be locked \(wv.vectors_lockf\)"):
        train(untrained, lee)


# ---------------------------------------------------------------------------------------------------
# Words that change


def lock(wv, *words):
    wv.vectors_lockf = np.ones(len(wv), dtype=np.float32)
    wv.vectors_lockf[[wv.key_to_index[word] for word in words]] = 0


def test_words_that_are_added_are_not_locked(untrained, lee):
    lock(untrained.wv, "police", "said")
    untrained.wv.add_vectors(["apple"], np.ones((1, 20), np.float32))
    untrained.build_vocab(NEW, update=True)
    with pytest.warns(UserWarning, match="Adding single vectors"):
        untrained.wv.add_vector("plum", np.ones(20, np.float32))
    untrained.build_vocab(NEW, update=True)
    assert len(untrained.wv.vectors_lockf) == len(untrained.wv)
    before = rows_of(untrained.wv)
    train(untrained, lee + NEW)
    for word in ("police", "said"):
        assert np.array_equal(untrained.wv[word], before[word])
    for word in ("apple", "pear", "government"):
        assert not np.array_equal(untrained.wv[word], before[word])


def test_one_factor_stands_for_added_words_too(untrained, lee):
    untrained.wv.vectors_lockf = np.zeros(1, dtype=np.float32)
    untrained.build_vocab(NEW, update=True)
    before = untrained.wv.vectors.copy()
    train(untrained, lee + NEW)
    assert np.array_equal(untrained.wv.vectors, before)


def test_factors_follow_sorted_words(untrained, lee):
    lock(untrained.wv, "police", "said")
    counts = np.random.default_rng(0).permutation(len(untrained.wv)) + 1
    untrained.wv.expandos["count"] = counts
    untrained.wv.sort_by_descending_frequency()
    locked = np.flatnonzero(untrained.wv.vectors_lockf == 0)
    assert sorted(untrained.wv.index_to_key[i] for i in locked) == ["police", "said"]


def test_a_new_vocabulary_is_not_locked(untrained, lee):
    lock(untrained.wv, "police", "said")
    untrained.build_vocab(NEW * 50)
    assert untrained.wv.vectors_lockf.tolist() == [1]
    lock(untrained.wv, "apple")
    untrained.reset_from(build(lee))
    assert untrained.wv.vectors_lockf.tolist() == [1]
    train(untrained, lee)


@pytest.mark.parametrize("sep_limit", [1, 10**9])
def test_factors_are_saved_with_the_model(untrained, lee, tmp_path, sep_limit):
    lock(untrained.wv, "police", "said")
    untrained.save(str(tmp_path / "model"), sep_limit=sep_limit)
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    before = rows_of(loaded.wv)
    train(loaded, lee)
    assert np.array_equal(loaded.wv["police"], before["police"])
    assert not np.array_equal(loaded.wv["government"], before["government"])


def test_factors_are_saved_with_the_vectors(untrained, tmp_path):
    lock(untrained.wv, "police", "said")
    untrained.wv.save(tmp_path / "x.s2v")
    for mmap in (None, "r"):
        loaded = Sent2VecKeyedVectors.load(tmp_path / "x.s2v", mmap=mmap)
        assert np.array_equal(loaded.vectors_lockf, untrained.wv.vectors_lockf)
    small = shrink(untrained.wv, max_words=100)
    assert len(small.vectors_lockf) == 100 and small.vectors_lockf.tolist().count(0) == 1 + ("police" in small)


# ---------------------------------------------------------------------------------------------------
# intersect_word2vec_format


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["pretrained", "pretrained.gz"])
def test_pretrained_vectors_that_stay(untrained, lee, pretrained, binary, name):
    path, vectors = pretrained(["police", "said", "zaphod", "the"], binary, name)
    before = rows_of(untrained.wv)
    untrained.wv.intersect_word2vec_format(path, binary=binary)
    for step in range(2):
        for word in ("police", "said", "the"):
            np.testing.assert_allclose(untrained.wv[word], vectors[word], rtol=1e-6)
        assert np.array_equal(untrained.wv["government"], before["government"]) == (step == 0)
        assert "unheardof" not in untrained.wv
        train(untrained, lee)


def test_pretrained_vectors_that_are_trained_on(untrained, lee, pretrained):
    path, vectors = pretrained(["police", "said"])
    untrained.wv.intersect_word2vec_format(path, lockf=1.0)
    np.testing.assert_allclose(untrained.wv["police"], vectors["police"], rtol=1e-6)
    train(untrained, lee)
    assert not np.allclose(untrained.wv["police"], vectors["police"])


def test_several_files_and_words_that_were_added(untrained, lee, pretrained):
    """Words keep the factors of an earlier file."""
    first, vectors = pretrained(["police", "said"], name="first")
    untrained.wv.intersect_word2vec_format(first)
    untrained.wv.add_vectors(["unheardof"], np.ones((1, 20), np.float32))
    untrained.build_vocab([["neverseen"] * 5, *NEW], update=True)
    second, _ = pretrained(["apple"], name="second")
    untrained.wv.intersect_word2vec_format(second, lockf=0.5)
    expected = {"police": 0, "said": 0, "unheardof": 0.5, "neverseen": 0.5, "apple": 0.5, "pear": 1, "government": 1}
    assert {word: untrained.wv.vectors_lockf[untrained.wv.key_to_index[word]] for word in expected} == expected
    train(untrained, lee + NEW)
    np.testing.assert_allclose(untrained.wv["police"], vectors["police"], rtol=1e-6)


def test_intersecting_as_gensim_does(lee, tmp_path):
    """The last vector of a repeated word counts, other words are ignored, and the lines may end in blanks."""
    path = tmp_path / "two.txt"
    rows = [("police", 1), ("zaphod", 2), ("said", 3), ("police", 4)]
    path.write_text(f"{len(rows)} 20\n" + "".join(f"{word} " + f"{value} " * 20 + "\n" for word, value in rows))
    ours, theirs = build(lee), Word2Vec(vector_size=20, min_count=3)
    theirs.build_vocab(lee)
    theirs.wv.vectors_lockf = np.ones(len(theirs.wv), dtype=np.float32)
    for model in (ours, theirs):
        model.wv.intersect_word2vec_format(str(path), lockf=0.25)
        assert model.wv["police"].tolist() == [4] * 20 and model.wv["said"].tolist() == [3] * 20
        factors = model.wv.vectors_lockf
        assert {word: factors[model.wv.key_to_index[word]] for word in ("police", "said", "the")} == {
            "police": 0.25, "said": 0.25, "the": 1
        }  # fmt: skip
        assert (factors != 1).sum() == 2


def test_vectors_without_a_model(tmp_path, pretrained):
    path, vectors = pretrained(["police"])
    wv = Sent2VecKeyedVectors(20)
    wv.add_vectors(["police", "said"], np.ones((2, 20), np.float32))
    wv.intersect_word2vec_format(path)
    np.testing.assert_allclose(wv["police"], vectors["police"], rtol=1e-6)
    assert wv.vectors_lockf.tolist() == [0, 1]


def test_half_precision(tmp_path):
    wv = Sent2VecKeyedVectors(2, dtype=np.float16)
    wv.add_vectors(["police", "said"], np.ones((2, 2)))
    path = tmp_path / "vectors"
    path.write_text("1 2\npolice 0.1 0.2\n")
    wv.intersect_word2vec_format(str(path))
    assert wv.vectors.dtype == np.float16 and wv["police"].tolist() == np.float16([0.1, 0.2]).tolist()
    path.write_text("1 2\npolice 0.1 70000\n")
    with pytest.raises(ValueError, match="the vector of 'police' has NaN, infinite or too large values"):
        wv.intersect_word2vec_format(str(path))


VECTOR = b" ".join([b"1.0000"] * 20)


@pytest.mark.parametrize(
    "content, binary, message",
    [
        (b"2 20\npolice " + VECTOR + b"\n", False, "the file ends after 1 of 2 words"),
        (b"2 20\npolice " + VECTOR + b"\nsaid 1 2\n", False, "line 3: expected a word and 20 values, got 2 values"),
        (b"2 20\npolice " + VECTOR + b"\nsaid " + VECTOR[:-6] + b"nan\n", False, "of 'said' has NaN, infinite"),
        (b"2 20\npolice " + VECTOR + b"\nsaid " + VECTOR[:-6] + b"x\n", False, "could not convert"),
        (b"2 20\npolice " + VECTOR + b"\n\xff " + VECTOR + b"\n", False, "utf-?8"),
        (b"2 20\npolice " + bytes(80) + b"said " + bytes(70), True, "do not fit|ends after 1 of 2 words"),
        (b"2 20\npolice " + bytes(80) + b"x" * (1 << 21), True, "word 1: no end within"),
        (b"police " + VECTOR + b"\n", False, "expected the numbers of words and of dimensions"),
        (b"2 20\npolice " + VECTOR + b"\nsaid " + VECTOR + b"\n", True, "it is a text file|do not fit"),
    ],
)
def test_damaged_files_change_nothing(untrained, tmp_path, content, binary, message):
    path = tmp_path / "damaged"
    for name, data in (("damaged", content), ("damaged.gz", gzip.compress(content))):
        path = tmp_path / name
        path.write_bytes(data)
        before = untrained.wv.vectors.copy()
        with pytest.raises((ValueError, EOFError), match=rf"(?s)^'.*{name}' is damaged.*({message})"):
            untrained.wv.intersect_word2vec_format(str(path), binary=binary)
        assert np.array_equal(untrained.wv.vectors, before) and untrained.wv.vectors_lockf.tolist() == [1]


def test_invalid_arguments_of_intersect(untrained, pretrained, tmp_path):
    path, _ = pretrained(["police"])
    for lockf in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=r"^lockf: must be"):
            untrained.wv.intersect_word2vec_format(path, lockf=lockf)
    with pytest.raises(ValueError, match=r"^fname: .*has vectors of 7 dimensions, expected 20"):
        untrained.wv.intersect_word2vec_format(pretrained(["police"], name="seven", dim=7)[0])
    with pytest.raises(FileNotFoundError):
        untrained.wv.intersect_word2vec_format(str(tmp_path / "missing"))
    untrained.wv.save(tmp_path / "x.s2v")
    mapped = Sent2VecKeyedVectors.load(tmp_path / "x.s2v", mmap="r")
    with pytest.raises(ValueError, match=r"^vectors: read-only \(memory-mapped\); load the model without mmap"):
        mapped.intersect_word2vec_format(path)
