"""Rows, words and attributes that change: what depends on them follows, or is refused by name."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.models.phrases import Phrases

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceWeighting, _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._util.rows import row_values
from gensim_sent2vec.convert import convert, load_any
from gensim_sent2vec.shrink import shrink


@pytest.fixture
def changed(wv):
    """``changed(verb)``: vectors without n-grams and weighting whose rows were changed by one of gensim's verbs."""
    wv.word_ngrams, wv.vectors_ngrams, wv.weighting = 1, wv.vectors_ngrams[:0], None
    return wv


@pytest.fixture
def word2vec_file(tmp_path):
    """A word2vec file with other vectors of two words."""
    path = tmp_path / "two.txt"
    path.write_text("2 20\npolice " + "7 " * 19 + "7\nsaid " + "5 " * 19 + "-5\n")
    return str(path)


def resize(wv, path):
    wv._unfreeze()
    wv.index_to_key = [*wv.index_to_key, "neword"]
    wv.key_to_index = {**wv.key_to_index, "neword": len(wv.key_to_index)}
    wv.resize_vectors()


def preallocate(wv, path):
    wv._unfreeze()
    wv.index_to_key.append(None)
    wv.vectors = np.concatenate([wv.vectors, np.zeros((1, 20), np.float32)])
    wv.fill_norms()
    wv.next_index = len(wv.index_to_key) - 1
    wv.add_vector("neword", np.full(20, 9))


def intersect(wv, path):
    wv.vectors_lockf = np.ones(len(wv), dtype=np.float32)
    wv.intersect_word2vec_format(path)


def scale(wv, path):
    wv.vectors *= np.arange(1, 21, dtype=np.float32)


VERBS = {
    "set item": lambda wv, path: wv.__setitem__("police", 100 * wv["police"]),
    "set items": lambda wv, path: wv.__setitem__(["police", "said"], np.ones((2, 20)) * [[3], [-4]]),
    "add_vectors": lambda wv, path: wv.add_vectors(["neword", "newords"], np.arange(40).reshape(2, 20)),
    "replace": lambda wv, path: wv.add_vectors(["police"], np.ones((1, 20)), replace=True),
    "add_vector": lambda wv, path: wv.add_vector("neword", np.full(20, 9)),
    "add_vector to an unused place": preallocate,
    "assignment": lambda wv, path: setattr(wv, "vectors", wv.vectors[:, ::-1] * 3),
    "in place, with an operator": scale,
    "in place": lambda wv, path: np.multiply(wv.vectors, 2, out=wv.vectors),
    "one row in place": lambda wv, path: np.negative(wv.vectors[7] * 5, out=wv.vectors[7]),
    "sort": lambda wv, path: (wv.expandos.update(count=np.arange(len(wv))), wv.sort_by_descending_frequency()),
    "intersect": intersect,
    "unit_normalize_all": lambda wv, path: wv.unit_normalize_all(),
    "resize": resize,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.filterwarnings("ignore:Adding single vectors")
def test_norms_and_sentence_vectors_follow_changed_rows(changed, twin_of, word2vec_file, verb):
    wv = changed
    wv.most_similar("police")
    wv.get_sentence_vector("police said")
    VERBS[verb](wv, word2vec_file)
    fresh = KeyedVectors(20)
    fresh.add_vectors(list(wv.index_to_key), np.array(wv.vectors))
    for word in ("said", "police"):
        assert wv.most_similar(word) == fresh.most_similar(word)
        assert max(similarity for _, similarity in wv.most_similar(word)) < 1.0001
    np.testing.assert_array_equal(wv.get_normed_vectors(), fresh.get_normed_vectors())
    expected = (wv["police"] + wv["said"]) / 2
    np.testing.assert_allclose(wv.get_sentence_vector("police said"), expected, rtol=1e-5, atol=1e-6)


def test_a_graph_of_words_is_refused_after_any_replaced_row():
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    from gensim_sent2vec.hnsw import HnswIndexer

    wv = Sent2VecKeyedVectors(2)
    rows = np.random.default_rng(1).standard_normal((6000, 2), dtype=np.float32)
    wv.add_vectors([f"w{i}" for i in range(6000)], rows)
    indexer = HnswIndexer(wv)
    wv.vectors = wv.vectors.copy()
    wv.most_similar("w1", indexer=indexer)
    wv["w5003"] = -wv["w5003"]
    with pytest.raises(ValueError, match=r"indexer: the vectors of the model changed.*build it again"):
        wv.most_similar("w1", indexer=indexer)


def test_rare_rows_that_are_replaced(tmp_path):
    wv = Sent2VecKeyedVectors(3)
    wv.add_vectors([f"w{i}" for i in range(9000)], np.ones((9000, 3), np.float32))
    wv.fill_norms()
    wv["w8001"] = 5 * wv["w8001"]
    assert wv.most_similar("w1", topn=None).max() < 1.0001


# ---------------------------------------------------------------------------------------------------
# Words and their attributes


def test_attributes_follow_new_words(wv, tmp_path):
    wv.weighting = None
    wv.set_vecattr("police", "topic", "crime")
    n = len(wv)
    wv["neword"] = np.ones(20, "f")
    wv.add_vectors(
        ["twowords", "threewords"], np.ones((2, 20)), extras={"count": np.array([5, 6]), "rank": np.array([0.5, 1])}
    )
    wv.add_vectors(["fourwords", "threewords"], np.ones((2, 20)), extras={"count": np.array([8, 9])})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wv.add_vector("fivewords", np.ones(20))
    assert wv.expandos["count"][n:].tolist() == [0, 5, 6, 8, 0]
    assert wv.expandos["rank"][n:].tolist() == [0, 0.5, 1, 0, 0]
    wv.save(tmp_path / "x.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "x.s2v", verify=True)
    assert loaded.get_vecattr("threewords", "count") == 6 and loaded.get_vecattr("police", "topic") == "crime"
    assert np.array_equal(loaded["neword"], np.ones(20))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda wv: wv.expandos.update(count=wv.expandos["count"][:-1]), "'count'"),
        (lambda wv: setattr(wv, "vectors", wv.vectors[:, :7]), "vectors: float32 of shape"),
        (lambda wv: setattr(wv, "vectors", wv.vectors.astype(int)), "vectors: int64 of shape"),
        (lambda wv: setattr(wv, "vectors_ngrams", wv.vectors_ngrams[:, :7].copy()), "vectors_ngrams"),
        (lambda wv: setattr(wv, "vectors_ngrams", wv.vectors_ngrams[:0]), "vectors_ngrams"),
        (lambda wv: setattr(wv, "vectors", wv.vectors[:-1]), "words, but"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(wv, tmp_path, change, message):
    wv.weighting = None
    path = tmp_path / "x.s2v"
    wv.save(path)
    before = path.read_bytes()
    change(wv)
    with pytest.raises(ValueError, match=f"^save: .*{message}"):
        wv.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "keys, rows, error",
    [
        (["neword", "newords"], np.ones((2, 19)), "weights: expected vectors of shape"),
        (["neword", "newords"], np.ones((3, 20)), "weights: expected vectors of shape"),
        (["neword", "neword"], np.ones((2, 20)), "keys: the word 'neword' occurs twice"),
        (["neword", None], np.ones((2, 20)), "keys: expected words, got the NoneType"),
        ([3], np.ones((1, 20)), "keys: expected words, got the int 3"),
    ],
)
def test_a_failed_addition_changes_nothing(wv, keys, rows, error):
    before, words = wv.vectors.copy(), list(wv.index_to_key)
    for add in (wv.add_vectors, wv.__setitem__):
        with pytest.raises((ValueError, TypeError), match=f"^{error}"):
            add(keys, rows)
    with pytest.raises(ValueError, match="extras: 'count' has 3 values for 1 word"):
        wv.add_vectors(["neword"], np.ones((1, 20)), extras={"count": np.ones(3)})
    with pytest.raises(ValueError, match="weights: expected"):
        wv.add_vector("neword", np.ones(3))
    with pytest.raises(ValueError, match="key: 'police' is a word already"):
        wv.add_vector("police", np.ones(20))
    assert list(wv.index_to_key) == words and np.array_equal(wv.vectors, before)
    wv.get_sentence_vector("police", weighting=False)


def test_words_with_ngrams_are_not_sorted(wv):
    before = wv.encode(["the police said"], weighting=False)
    with pytest.raises(ValueError, match=r"vectors: words with n-grams cannot be sorted.*sorted_vocab"):
        wv.expandos["count"] = np.arange(len(wv))
        wv.sort_by_descending_frequency()
    assert np.array_equal(wv.encode(["the police said"], weighting=False), before)
    wv.expandos["count"] = np.arange(len(wv), 0, -1)  # in this order already
    wv.sort_by_descending_frequency()
    assert np.array_equal(wv.encode(["the police said"], weighting=False), before)


def upper(wv):
    return [word.upper() for word in wv.index_to_key]


def rename_ids(wv):
    wv.key_to_index = {word: i for i, word in enumerate(upper(wv))}


RENAMED = {
    "index_to_key": lambda wv: setattr(wv, "index_to_key", upper(wv)),
    "index2word": lambda wv: setattr(wv, "index2word", upper(wv)),
    "key_to_index": rename_ids,
    "key_to_index of others": lambda wv: setattr(wv, "key_to_index", Vocabulary.from_words(upper(wv))),
    "fewer": lambda wv: setattr(wv, "index_to_key", wv.index_to_key[:-1]),
    "fewer ids": lambda wv: setattr(wv, "key_to_index", dict(list(wv.key_to_index.items())[:-1])),
}


@pytest.fixture
def small():
    wv = Sent2VecKeyedVectors(2)
    wv.add_vectors(["police", "said", "the"], np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    wv.encode(["police"])
    return wv


@pytest.mark.parametrize("change", RENAMED)
def test_words_that_are_only_renamed_in_one_place(small, tmp_path, change):
    RENAMED[change](small)
    for use in (
        lambda: small.encode(["police"]),
        lambda: small.get_sentence_vector("POLICE"),
        lambda: small.save(tmp_path / "x.s2v"),
        lambda: small.save_word2vec_format(str(tmp_path / "x.txt")),
    ):
        with pytest.raises(ValueError, match=r"^index_to_key and key_to_index: their words differ.*set both"):
            use()
    assert not list(tmp_path.iterdir())


def test_words_that_are_renamed(small, tmp_path):
    small.index_to_key = upper(small)
    rename_ids(small)
    assert small.encode(["POLICE", "police"]).tolist() == [[1, 2], [0, 0]]
    assert small.most_similar("POLICE", topn=1)[0][0] == "SAID"
    small.save(tmp_path / "x.s2v")
    assert Sent2VecKeyedVectors.load(tmp_path / "x.s2v").index_to_key == ["POLICE", "SAID", "THE"]
    small.index_to_key = list(small.index_to_key)  # equal words
    assert small.encode(["SAID"]).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    "rows",
    [
        lambda wv: np.asfortranarray(wv.vectors),
        lambda wv: wv.vectors.astype(np.float64),
        lambda wv: wv.vectors[:, ::-1],
    ],
)
def test_rows_of_another_layout(small, rows):
    small.vectors = rows(small)
    with pytest.raises(ValueError, match=r"vectors: expected a C-contiguous .*; convert it with numpy\.ascontiguous"):
        small.encode(["police"])
    small.vectors = np.ascontiguousarray(small.vectors, dtype="float32")
    np.testing.assert_array_equal(small.encode(["police"])[0], small["police"])


def test_counts_that_are_lists_or_floats(small, tmp_path):
    small.expandos = {"count": [1, 2, 3], "topic": ["a", "b", "c"]}
    small.save(tmp_path / "x.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "x.s2v")
    assert loaded.expandos["count"].tolist() == [1, 2, 3] and loaded.get_vecattr("said", "topic") == "b"
    words, counts = str(tmp_path / "words"), str(tmp_path / "counts")
    for values in ([1, 2, 3], np.array([1.0, 2, 3])):
        small.expandos["count"] = values
        small.save_word2vec_format(words, counts)
        assert Sent2VecKeyedVectors.load_word2vec_format(words, counts).expandos["count"].tolist() == [3, 2, 1]
        assert small.expandos["count"] is values
    for values in (np.array([1, 2, np.nan]), np.array([1, 2, 0.5])):
        small.expandos["count"] = values
        with pytest.raises(ValueError, match=r"^fvocab: '.*counts' can hold integers only"):
            small.save_word2vec_format(words, counts)
    small.expandos = {}
    with pytest.raises(ValueError, match=r"^count: the words have no counts to sort them by"):
        small.sort_by_descending_frequency()


COPIES = {
    "copy": copy.copy,
    "half precision": lambda wv: wv.astype(np.float16),
    "deepcopy": copy.deepcopy,
    "pickle": lambda wv: pickle.loads(pickle.dumps(wv)),
}


@pytest.mark.parametrize("make", COPIES)
def test_a_copy_can_change_without_the_original(small, tmp_path, make):
    small.expandos["count"] = np.array([1, 2, 3])
    small["fire"] = np.array([7, 8], np.float32)  # words are in a list and a dict until they are used
    twin = COPIES[make](small)
    twin.add_vectors(["zebra", "said"], np.ones((2, 2), np.float32), replace=True)
    twin.set_vecattr("fire", "topic", "heat")
    twin.sort_by_descending_frequency()
    assert set(twin.index_to_key) == {"police", "said", "the", "fire", "zebra"}
    assert twin.encode(["zebra", "said"]).tolist() == [[1, 1], [1, 1]]
    assert list(small.index_to_key) == ["police", "said", "the", "fire"]
    assert small.expandos.keys() == {"count"} and small.expandos["count"].tolist() == [1, 2, 3, 0]
    assert small.encode(["said", "fire", "zebra"]).tolist() == [[3, 4], [7, 8], [0, 0]]
    small.save(tmp_path / "x.s2v")
    assert Sent2VecKeyedVectors.load(tmp_path / "x.s2v").index_to_key == ["police", "said", "the", "fire"]


@pytest.mark.parametrize("make", ["copy", "half precision"])
def test_attributes_of_a_copy(small, make):
    small.expandos["count"] = np.array([1, 2, 3])
    twin = COPIES[make](small)
    twin.set_vecattr("said", "topic", "heat")
    twin.sort_by_descending_frequency()
    twin.set_vecattr("police", "count", 9)
    assert small.expandos.keys() == {"count"} and small.expandos["count"].tolist() == [1, 2, 3]


# ---------------------------------------------------------------------------------------------------
# Words that occur twice in a file


@pytest.fixture
def repeated(tmp_path):
    path = tmp_path / "repeated.txt"
    words = ["a", "b", "a", *"cdefghijklm", "c"]
    path.write_text(f"{len(words)} 2\n" + "".join(f"{word} {i} 1\n" for i, word in enumerate(words)))
    return str(path)


def test_dummy_counts_of_files_with_repeated_words(repeated):
    for load in (Sent2VecKeyedVectors, KeyedVectors):
        wv = load.load_word2vec_format(repeated)
        ours = wv if load is Sent2VecKeyedVectors else Sent2VecKeyedVectors.from_keyed_vectors(wv)
        with pytest.raises(ValueError, match="are dummies, which gensim sets"):
            SentenceWeighting().fit(ours, [["a", "b"]])


def test_unused_places_are_dropped(repeated):
    plain = KeyedVectors.load_word2vec_format(repeated)
    assert None in plain.index_to_key
    wv = Sent2VecKeyedVectors.from_keyed_vectors(plain)
    assert list(wv.index_to_key) == list("abcdefghijklm") == list(wv.key_to_index)
    assert wv.vectors.shape == (13, 2) and {len(values) for values in wv.expandos.values()} == {13}
    assert all(np.array_equal(wv[word], plain[word]) for word in wv.index_to_key)


def test_attributes_that_gensim_left_short_are_completed():
    plain = KeyedVectors(2)
    plain.add_vectors(["a", "b"], np.ones((2, 2), np.float32))
    plain.set_vecattr("a", "count", 3)
    plain["c"] = np.ones(2)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(plain)
    assert wv.expandos["count"].tolist() == [3, 0, 0] and wv.get_vecattr("c", "count") == 0


def change_added(wv):
    wv.add_vectors(["x", "y"], np.ones((2, 2), np.float32))


@pytest.mark.parametrize(
    "change",
    [
        change_added,
        lambda wv: wv.set_vecattr("d", "count", 100),
        lambda wv: shrink(wv, max_words=11),
        lambda wv: Sent2VecKeyedVectors.from_keyed_vectors(wv.vectors_for_all("abcefghijklm", copy_vecattrs=True)),
    ],
    ids=["words added", "a count set", "words dropped", "a word left out"],
)
@pytest.mark.parametrize("binary", [False, True])
def test_dummy_counts_are_recognized_after_changes(repeated, tmp_path, change, binary):
    words = Sent2VecKeyedVectors.load_word2vec_format(repeated)
    path = str(tmp_path / "vectors")
    words.save_word2vec_format(path, binary=binary)
    wv = Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
    wv = change(wv) or wv
    for name, output_format in (("x.s2v", "native"), ("x.bin", "epfml")):
        wv.save(tmp_path / "wv.s2v")
        convert(tmp_path / "wv.s2v", tmp_path / name, output_format)
        for vectors in (wv, load_any(tmp_path / name)):
            with pytest.raises(ValueError, match="are dummies, which gensim sets"):
                SentenceWeighting().fit(vectors, [["a", "b"]])


def test_counts_of_texts_are_no_dummies(lee):
    wv = Sent2Vec(lee, vector_size=4, min_count=1, workers=1, epochs=1, weighting=False).wv
    SentenceWeighting().fit(wv, lee)
    top = Sent2VecKeyedVectors.from_keyed_vectors(wv.vectors_for_all(wv.index_to_key[:12], copy_vecattrs=True))
    SentenceWeighting().fit(top, lee)


@pytest.mark.parametrize("missing", ["a", "f", "m"])
def test_a_file_of_counts_that_lacks_a_word(repeated, tmp_path, missing):
    path = tmp_path / "counts.txt"
    path.write_text("".join(f"{word} 5\n" for word in "abcdefghijklm" if word != missing))
    with pytest.raises((ValueError, EOFError), match=rf"fvocab: .*counts.txt' has no count for ('{missing}'|a word)"):
        Sent2VecKeyedVectors.load_word2vec_format(repeated, fvocab=str(path))


# ---------------------------------------------------------------------------------------------------
# The weighting, which has rows of its own

STALE = "weighting: fitted on other vectors than these.*fit it again.*weighting=False"


@pytest.fixture
def weighted(lee):
    """Weighted vectors without n-grams."""
    return Sent2Vec(lee, vector_size=20, min_count=3, workers=1, epochs=1).wv


OTHER_WORDS = ("add_vectors", "add_vector", "add_vector to an unused place", "sort", "resize")
WEIGHTED_VERBS = {name: verb for name, verb in VERBS.items() if name not in OTHER_WORDS}


@pytest.mark.parametrize("verb", WEIGHTED_VERBS)
def test_a_weighting_of_other_rows_is_refused(weighted, lee, word2vec_file, tmp_path, verb):
    wv = weighted
    wv.encode(["police said"])
    WEIGHTED_VERBS[verb](wv, word2vec_file)
    copies = [wv, copy.deepcopy(wv), copy.copy(wv), pickle.loads(pickle.dumps(wv))]
    for stale in copies if verb not in ("in place", "one row in place") else copies[:1]:
        for use in (
            lambda stale=stale: stale.encode(["police said"]),
            lambda stale=stale: stale.encode("police"),
            lambda stale=stale: stale.get_sentence_vector("police"),
            lambda stale=stale: stale.similarity_sentences("police", "said"),
            lambda stale=stale: stale.similarity_matrix(["police"], ["said"]),
            lambda stale=stale: stale.bake(),
            lambda stale=stale: stale.astype(np.float16),
            lambda stale=stale: stale.save(tmp_path / "stale.s2v"),
            lambda stale=stale: shrink(stale, max_words=100),
        ):
            with pytest.raises(ValueError, match=STALE):
                use()
        assert not (tmp_path / "stale.s2v").exists()
        expected = (stale["police"] + stale["said"]) / 2
        np.testing.assert_allclose(stale.encode("police said", weighting=False), expected, rtol=1e-5, atol=1e-6)
    wv.weighting.fit(wv, lee)  # in place
    again = wv.encode(["police said"])
    wv.weighting = SentenceWeighting().fit(wv, lee)
    np.testing.assert_allclose(wv.encode(["police said"]), again, atol=1e-5)
    wv.save(tmp_path / "fresh.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "fresh.s2v")
    np.testing.assert_array_equal(loaded.encode(["police said"]), wv.encode(["police said"]))


def test_a_stale_weighting_stays_stale_in_whole_models(lee, tmp_path):
    model = Sent2Vec(lee, vector_size=20, min_count=3, workers=1, epochs=1)
    model.save(str(tmp_path / "model"))
    model.wv.encode(["police"])
    assert len(Sent2Vec.load(str(tmp_path / "model")).wv.encode(["police"]))
    model.wv["police"] = -model.wv["police"]
    model.save(str(tmp_path / "model"))
    for sep_limit in (1, 10**9):
        model.save(str(tmp_path / "model"), sep_limit=sep_limit)
        loaded = Sent2Vec.load(str(tmp_path / "model"))
        with pytest.raises(ValueError, match=STALE):
            loaded.wv.encode(["police"])
    loaded.train(lee, total_examples=len(lee), epochs=1)
    loaded.wv.encode(["police"])


def test_weightings_that_are_passed(weighted, lee):
    wv, other = weighted, copy.deepcopy(weighted)
    weighting = SentenceWeighting().fit(wv, lee)
    unused = SentenceWeighting().fit(wv, lee)
    assert len(wv.encode(["police"], weighting=weighting)) == len(other.encode(["police"], weighting=weighting))
    assert len(wv.astype(np.float16).encode(["police"], weighting=weighting))
    other.vectors = other.vectors[:, ::-1].copy()
    with pytest.raises(ValueError, match=STALE):
        other.encode(["police"], weighting=unused)  # fitted on others with the same words
    wv["police"] = -wv["police"]
    for stale in (weighting, unused):
        with pytest.raises(ValueError, match=STALE):
            wv.encode(["police"], weighting=stale)
        wv.weighting = stale
        with pytest.raises(ValueError, match=STALE):
            wv.encode(["police"])


def test_norms_that_are_forced_show_changes_in_place():
    """Rows of rare words are not compared on each use."""
    words = [f"w{i}" for i in range(9000)]
    wv = Sent2VecKeyedVectors(3)
    wv.add_vectors(words, np.random.default_rng(0).normal(size=(9000, 3)).astype(np.float32))
    wv.expandos["count"] = np.random.default_rng(0).integers(1, 100, 9000)
    wv.weighting = SentenceWeighting().fit(wv, [words[i : i + 5] for i in range(0, 9000, 5)])
    before = wv.encode(["w8001 w1"])
    for _ in range(2):  # nothing has changed
        wv.fill_norms(force=True)
        np.testing.assert_array_equal(wv.encode(["w8001 w1"]), before)
    wv.vectors[8001] = [100, 0, 0]
    wv.fill_norms(force=True)
    with pytest.raises(ValueError, match=STALE):
        wv.encode(["w8001 w1"])
    assert wv.most_similar("w1", topn=None).max() < 1.0001


def weighted_words(n, dim, dtype=np.float32):
    """Vectors of n words with a weighting that was fitted on them, and more sentences than words."""
    words = [f"w{i}" for i in range(n)]
    wv = Sent2VecKeyedVectors(dim)
    wv.add_vectors(words, np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32))
    wv.expandos["count"] = np.random.default_rng(0).integers(1, 100, n)
    sentences = [words[i : i + 5] for i in range(0, n, 5)]
    wv.weighting = SentenceWeighting(unseen_words=False).fit(wv, sentences)
    return wv if dtype == np.float32 else wv.astype(dtype)


RARE = {
    "a text": lambda wv, weighting: wv.encode("w8001", weighting),
    "texts": lambda wv, weighting: wv.encode(["w1", "w8001"], weighting),
    "many texts": lambda wv, weighting: wv.encode(["w1", "w8001"] * 2000, weighting),
    "a stream": lambda wv, weighting: wv.encode((["w8001"] for _ in range(5000)), weighting, workers=3),
    "a sentence": lambda wv, weighting: wv.get_sentence_vector(["w1", "w8001"], weighting),
    "a pair": lambda wv, weighting: wv.similarity_sentences("w1", "w8001", weighting),
    "save": lambda wv, weighting: wv.save("x.s2v"),
    "bake": lambda wv, weighting: wv.bake(),
    "astype": lambda wv, weighting: wv.astype(np.float16),
    "shrink": lambda wv, weighting: shrink(wv, max_words=100),
}


@pytest.mark.parametrize("use", RARE)
@pytest.mark.parametrize("change", ["row", "operator on a view", "before the first use"])
def test_rare_rows_that_are_changed_in_place(use, change):
    wv = weighted_words(9000, 7)
    other = wv.weighting if use in ("save", "bake", "astype", "shrink") else copy.deepcopy(wv.weighting)
    if change != "before the first use":
        for weighting in (None, other):
            wv.get_sentence_vector("w8001 w1", weighting)
    elif other is not wv.weighting:
        other = None  # known since it was fitted
    before = wv.encode(["w1 w2"])
    rows = wv.vectors[8001:8002]
    if change == "row":
        wv.vectors[8001] = 7
    else:
        rows *= 2
    for weighting in (other, None):
        with pytest.raises(ValueError, match=STALE):
            RARE[use](wv, weighting)
    with pytest.raises(ValueError, match=STALE):
        wv.encode(["w1 w2"])
    rows[:] = 0
    wv.weighting = wv.weighting.fit(wv, [["w1", "w2"]])
    assert wv.encode(["w1 w2"]).shape == before.shape


def test_a_changed_row_is_found_by_the_words_of_a_sentence():
    wv = weighted_words(9000, 7)
    before = wv.get_sentence_vector("w5000 w8999")
    wv.vectors[8001] = 0
    np.testing.assert_array_equal(wv.get_sentence_vector("w5000 w8999"), before)
    np.testing.assert_array_equal(wv.encode("w8002"), wv.encode("w8002"))
    with pytest.raises(ValueError, match=STALE):
        wv.get_sentence_vector("w5000 w8999 w8001")
    with pytest.raises(ValueError, match=STALE):
        wv.get_sentence_vector("w5000 w8999")  # it is known now


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("dim", [1, 2, 3, 4, 7, 20])
def test_a_changed_row_of_any_size(dim, dtype):
    """One value of each row is compared, whatever the number of dimensions."""
    wv = weighted_words(60, dim, dtype)
    expected = wv.encode([f"w{i}" for i in range(60)])
    for i in range(60):
        np.testing.assert_array_equal(wv.encode(f"w{i}"), expected[i])
    wv.vectors[:] += 1
    for i in range(60):
        with pytest.raises(ValueError, match=STALE):
            wv.encode(f"w{i}")
        del wv._weighting_is_stale  # so that the next word is compared


def test_rows_that_are_mapped_are_not_compared(tmp_path):
    weighted_words(60, 4).save(tmp_path / "x.s2v")
    wv = Sent2VecKeyedVectors.load(tmp_path / "x.s2v", mmap="r")
    wv.encode("w1")
    assert wv._weighted_pooling._source == (None, None)
    expected = wv.encode(["w1 w2"])
    wv.vectors = np.array(wv.vectors)  # equal, but can be changed
    np.testing.assert_array_equal(wv.encode(["w1 w2"]), expected)
    wv.vectors[2] = 5
    with pytest.raises(ValueError, match=STALE):
        wv.encode("w2")


def test_the_source_of_an_encoder_must_fit():
    wv = weighted_words(6, 4)
    words, vectors = wv.freeze(), wv.vectors
    options = {"word_ngrams": 1, "skip_bigrams": False, "ngram_hash": "mixed"}
    values = row_values(vectors).copy()
    for source in (
        (vectors, values[:-1]),
        (vectors[:5], values),
        (vectors, values.astype("f2")),
        (vectors[:, :0], values),
    ):
        with pytest.raises(ValueError, match="source: expected"):
            _kernel.Encoder(words, vectors, vectors[:0], source=source, **options)
    encoder = _kernel.Encoder(words, vectors, vectors[:0], source=(vectors, values), **options)
    out = np.empty((1, 4), np.float32)
    encoder.encode(_kernel.Pack(["w3"]), out)
    vectors[3] = 9
    encoder.encode(_kernel.Pack(["w3"]), out, compare=False)
    with pytest.raises(_kernel.ChangedVectorsError, match="word 3"):
        encoder.encode(_kernel.Pack(["w3"]), out)


def test_changes_that_do_not_matter_to_a_weighting(weighted):
    wv = weighted
    expected = wv.encode(["police said"])
    wv.vectors = wv.vectors.copy()
    wv.add_vectors(["police"], np.zeros((1, 20)))  # keeps what is there
    wv.set_vecattr("police", "count", 7)
    wv.most_similar("police")
    np.testing.assert_array_equal(wv.encode(["police said"]), expected)


def test_a_weighting_without_rows_follows_the_vectors(weighted, lee):
    wv = weighted.bake()
    before = wv.encode("police")
    wv["police"] = -wv["police"]
    np.testing.assert_allclose(wv.encode("police"), -before, atol=1e-6)


# ---------------------------------------------------------------------------------------------------
# NaN and infinite values


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_word_that_is_not_finite_is_named_at_its_first_use(changed, value):
    wv = changed
    wv.encode(["police said"])
    wv.vectors[wv.key_to_index["police"], 3] = value
    many = [["said"]] * 5000 + [["said", "police"]]
    for sentences, row in ((["said", "the police"], "1"), (many, "5,000"), (iter(many), "5,000")):
        with pytest.raises(ValueError, match=rf"^sentences: row {row} .*the word 'police' has NaN or infinite values"):
            wv.encode(sentences)
    for call in (wv.get_sentence_vector, lambda text: wv.similarity_sentences("said", text)):
        with pytest.raises(ValueError, match=r"^(sentence|b) .*the word 'police' has NaN or infinite values"):
            call("the police")
    with pytest.raises(ValueError, match=r"^b: row 0 .*the word 'police'"):
        wv.similarity_matrix(["said"], ["police"])
    with pytest.raises(ValueError, match=r"vectors: 1 of .*words have NaN or infinite values, such as 'police'"):
        wv.most_similar("said")
    assert np.isfinite(wv.encode(["said"])).all()
    wv["police"] = np.zeros(20)
    wv.most_similar("said")
    assert np.isfinite(wv.encode(["police said"])).all()


def test_large_values_are_finite(changed):
    changed["police"] = np.full(20, 1e30, dtype=np.float32)
    assert np.isfinite(changed.encode(["police"])).all()


def test_float16_does_not_overflow(changed, lee):
    wv = changed
    wv["police"] = np.full(20, 65_000)
    assert wv.astype(np.float16)["police"].max() == 65_000 // 32 * 32
    wv["police"] = np.full(20, 70_000)
    with pytest.raises(ValueError, match=r"^vectors: that of 'police' has values too large for float16"):
        wv.astype(np.float16)
    wv["police"] = np.full(20, np.nan)
    with pytest.raises(ValueError, match=r"^vectors: that of 'police' is NaN or infinite"):
        wv.astype(np.float16)
    wv["police"] = np.zeros(20)
    wv.vectors_ngrams = np.full((3, 20), 1e6, dtype=np.float32)
    with pytest.raises(ValueError, match=r"^vectors_ngrams: row 0 has values too large"):
        wv.astype(np.float16)


# ---------------------------------------------------------------------------------------------------
# One text after another, for which the check of weighting and vectors is kept until something changes


def lose_write_access(wv):
    """Change a row after writing was forbidden for a while, in which nothing had to be compared."""
    wv.vectors.flags.writeable = False
    wv.weighting = wv.weighting
    wv.get_sentence_vector("police said")
    wv.vectors.flags.writeable = True
    wv.get_sentence_vector("police said")
    wv["police"] = -wv["police"]


def del_unit_length(wv):
    del wv.unit_length


STATES = {
    "vectors": lambda wv: setattr(wv, "vectors", wv.vectors[::-1].copy()),
    "a vector": lambda wv: wv.__setitem__("police", 2 * wv["police"]),
    "a vector in place": lambda wv: np.negative(wv.vectors, out=wv.vectors),
    "a word": lambda wv: wv.add_vector("polices", np.ones(20)),
    "tokenizer": lambda wv: setattr(wv, "tokenizer", "words"),
    "phrases": lambda wv: setattr(wv, "phrases", Phrases([["Police", "said"]] * 9, min_count=1, threshold=0.1)),
    "other words": lambda wv: wv.set_words(Vocabulary.from_words([*wv.index_to_key[1:], "the first"])),
    "unit_length": lambda wv: setattr(wv, "unit_length", True),
    "unit_length no more": lambda wv: (setattr(wv, "unit_length", True), wv.encode("it", False), del_unit_length(wv)),
    "no weighting": lambda wv: setattr(wv, "weighting", None),
    "weighting": lambda wv: setattr(wv, "weighting", SentenceWeighting(sif=1e-2).fit(wv, [["police"]])),
    "the weighting fitted again": lambda wv: wv.weighting.fit(wv, [["police", "the"], ["said", "of"]]),
    "first_half": lambda wv: setattr(wv.weighting, "first_half", 3),
    "stop_words": lambda wv: setattr(wv.weighting, "stop_words", ["unknowable"]),
    "lexical_weight": lambda wv: setattr(wv.weighting, "lexical_weight", 0.9),
    "weights": lambda wv: setattr(wv.weighting, "weights", wv.weighting.weights[::-1].copy()),
    "write access": lose_write_access,
}  # fmt: skip


WITHOUT_EFFECT = ("unit_length", "unit_length no more")
WITHOUT_EFFECT_ON_MEANS = (
    "a word", "unit_length no more", "no weighting", "weighting", "the weighting fitted again", "first_half",
    "stop_words", "lexical_weight", "weights",
)  # fmt: skip


@pytest.mark.parametrize("change", STATES)
@pytest.mark.parametrize("weighting", [None, False])
@pytest.mark.filterwarnings("ignore:Adding single vectors")
def test_texts_one_by_one_follow_every_change(weighted, change, weighting):
    wv, text = weighted, "Police said unknowable and said, the police"

    def outcome(encode):
        try:
            return encode().tolist()
        except ValueError as error:
            return str(error)

    uses = {
        "batch": lambda: wv.encode([text], weighting)[0],  # which checks everything
        "encode": lambda: wv.encode(text, weighting),
        "get_sentence_vector": lambda: wv.get_sentence_vector(text, weighting),
    }
    for _ in range(2):
        before = outcome(uses["encode"])
    STATES[change](wv)
    after = [outcome(uses[name]) for name in ("encode", "get_sentence_vector", "batch")]
    assert after[0] == after[1] == after[2]
    assert (after[0] == before) == (change in (WITHOUT_EFFECT if weighting is None else WITHOUT_EFFECT_ON_MEANS))


def test_a_change_while_a_text_is_encoded_is_noticed(weighted, monkeypatch):
    """Another thread replaces the vectors after the pooling was made, and before it is kept."""
    wv = weighted
    original, made = type(wv)._pooling_of_means, []

    def make(self, words):
        made.append(original(self, words))
        if len(made) == 1:
            wv.vectors = -wv.vectors
        return made[-1]

    monkeypatch.setattr(type(wv), "_pooling_of_means", make)
    before = wv.encode("police said", weighting=False)
    for _ in range(3):
        np.testing.assert_array_equal(wv.encode("police said", weighting=False), -before)
    assert len(made) == 2
