"""SentenceIndex: searching, changing, saving and loading."""

import sys

import numpy as np
import pytest
from gensim.models import Doc2Vec, KeyedVectors, Word2Vec
from gensim.models.doc2vec import TaggedDocument
from gensim.test.utils import common_texts

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._files import container
from gensim_sent2vec.hnsw import Graph, HnswIndexer, default_expansion
from gensim_sent2vec.lexical import LexicalScores

METHODS = ["exact", "hnsw"]
THOROUGH: dict = {
    "exact": {},
    "hnsw": {"connectivity": 64, "expansion_add": 1000, "expansion_search": 1000},
}  # options that make HNSW exact here
DTYPES = [np.float32, np.float16]


@pytest.fixture(scope="session")
def sentences(lee) -> list[str]:
    """A thousand snippets of news text."""
    words = [word for text in lee for word in text]
    return [" ".join(words[i : i + 12]) for i in range(0, 12_000, 12)]


@pytest.fixture
def need_usearch():
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')


@pytest.fixture(params=METHODS)
def method(request) -> str:
    if request.param == "hnsw":
        request.getfixturevalue("need_usearch")
    return request.param


def by_hand(wv, sentences, query, topn, hybrid=0.0, allowed=None):
    """Texts and scores of the top-k, from sorting all scores."""
    vectors = wv.encode(sentences, normalize=True).astype(np.float64)
    vector = wv.encode([query], normalize=True)[0]
    scores = (1 - hybrid) * (vectors @ vector)
    if hybrid:
        scores += hybrid * LexicalScores.fit(sentences).scores(query)
    order = [i for i in np.argsort(-scores, kind="stable") if allowed is None or allowed[i]][:topn]
    return [sentences[i] for i in order], scores[order]


def check(results, expected, atol=1e-5):
    """Compare keys and scores; where two scores differ by no more than float32 rounds them, in either order."""
    texts, scores = expected
    np.testing.assert_allclose([score for _, score in results], scores, atol=atol)
    keys, places = [key for key, _ in results], dict(zip(texts, scores))
    assert sorted(keys) == sorted(texts)
    assert all(abs(places[key] - places[text]) < 1e-6 for key, text in zip(keys, texts) if key != text)


# ---------------------------------------------------------------------------------------------------
# Searching


@pytest.mark.parametrize("hybrid", [0.0, 0.5, 1.0])
def test_search_agrees_with_sorting_all_scores(wv, sentences, method, hybrid):
    index = SentenceIndex.build(wv, sentences, method=method, **THOROUGH[method])
    assert (index.method, len(index)) == (method, len(sentences))
    queries = [sentences[5], "the police in the city said that", "of " * 30, "rain"]
    for query in queries:
        check(index.most_similar(query, topn=7, hybrid=hybrid), by_hand(wv, sentences, query, 7, hybrid))
    for results, query in zip(index.most_similar_batch(queries, topn=7, hybrid=hybrid), queries):
        check(results, by_hand(wv, sentences, query, 7, hybrid))


def test_many_queries_at_once(wv, sentences):
    index = SentenceIndex.build(wv, sentences)
    for query, results in zip(sentences, index.most_similar_batch(sentences[:100], topn=3, hybrid=0.3)):
        check(results, by_hand(wv, sentences, query, 3, 0.3))


def test_batches_give_the_same_results(wv, sentences, method):
    index = SentenceIndex.build(wv, sentences, method=method)
    together = index.search_rows(sentences[:50], topn=3, hybrid=0.3)
    for one, other in zip(together, index.search_rows(sentences[:50], topn=3, hybrid=0.3, batch_size=17), strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)


@pytest.mark.parametrize("hybrid", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_hits_hold_the_parts_of_their_scores(wv, sentences, method, hybrid, masked, dtype):
    index = SentenceIndex.build(wv, sentences, method=method, dtype=dtype)
    where = np.arange(len(sentences)) % 3 > 0 if masked else None
    queries = [sentences[5], "the police in the city said that", sentences[7].split()]
    vectors = wv.encode([" ".join(queries[2]) if i == 2 else query for i, query in enumerate(queries)], normalize=True)
    found = index.search_rows(queries, 5, hybrid, where)
    for query, vector, hits in zip(queries, vectors, found, strict=True):
        np.testing.assert_allclose(hits.cosines, index.vectors[hits.rows].astype(np.float32) @ vector, atol=1e-6)
        if hybrid:
            np.testing.assert_array_equal(hits.lexical, index.lexical.scores(query)[hits.rows])
            mixed = (1 - hybrid) * hits.cosines + hybrid * hits.lexical
            np.testing.assert_allclose(hits.scores, mixed, atol=1e-6)
        else:
            assert hits.lexical is None
            np.testing.assert_array_equal(hits.scores, hits.cosines)
        np.testing.assert_allclose(index.score_rows([query], hits.rows, hybrid)[0], hits.scores, atol=1e-6)
    for hits, (rows, scores) in zip(found, index.find(queries, 5, hybrid, where, vectors), strict=True):
        np.testing.assert_array_equal(hits.rows, rows)
        np.testing.assert_allclose(hits.scores, scores, atol=1e-6)


def test_a_query_may_be_text_tokens_or_a_vector(wv, sentences):
    index = SentenceIndex.build(wv, sentences)
    text = sentences[3]
    vector = 7 * wv.get_sentence_vector(text)
    expected = index.most_similar(text)
    assert expected[0] == (text, pytest.approx(1, abs=1e-5))
    for results in (index.most_similar(text.split()), index.most_similar(vector)):
        assert [key for key, _ in results] == [key for key, _ in expected]
        np.testing.assert_allclose([s for _, s in results], [s for _, s in expected], atol=1e-5)
    mixed = index.most_similar_batch([text, text.split(), vector])
    assert [[key for key, _ in results] for results in mixed] == [[key for key, _ in expected]] * 3
    of_matrix = index.most_similar_batch(vector[None])
    assert [key for key, _ in of_matrix[0]] == [key for key, _ in expected]
    assert index.most_similar(text.split(), hybrid=0.5) == index.most_similar(text, hybrid=0.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_precision(wv, sentences, dtype):
    index = SentenceIndex.build(wv, sentences, dtype=dtype)
    assert index.vectors.dtype == dtype
    exact = dict(zip(*by_hand(wv, sentences, "the police said", len(sentences))))
    results = index.most_similar("the police said", topn=20)
    np.testing.assert_allclose(
        [score for _, score in results], [exact[key] for key, _ in results], atol=1e-5 if dtype == np.float32 else 1e-3
    )


def test_fewer_sentences_than_topn(wv, method):
    index = SentenceIndex.build(wv, ["the police", "the rain"], method=method)
    assert [key for key, _ in index.most_similar("police", topn=9)] == ["the police", "the rain"]
    assert len(index.most_similar("police", topn=9, hybrid=0.5)) == 2
    empty = SentenceIndex.build(wv, [], method=method)
    assert empty.most_similar("police") == []
    assert empty.most_similar_batch(["police", "rain"], hybrid=0.5) == [[], []]
    assert index.most_similar_batch([]) == []


def test_unknown_words(wv):
    wv.weighting = None  # it makes vectors for unknown words from their character n-grams
    index = SentenceIndex.build(wv, ["the police", "xyzzy plugh", "the rain"])
    assert index.most_similar("xyzzy") == [("the police", 0.0), ("xyzzy plugh", 0.0), ("the rain", 0.0)]
    assert index.most_similar("xyzzy", topn=1, hybrid=0.5)[0][0] == "xyzzy plugh"
    assert dict(index.most_similar("the police"))["xyzzy plugh"] == 0


def test_keys_other_than_the_sentences(wv, sentences, method):
    options = THOROUGH[method]
    plain = SentenceIndex.build(wv, sentences, method=method, **options)
    rows = {text: i for i, text in enumerate(sentences)}
    expected = [rows[key] for key, _ in plain.most_similar("the police")]
    numbered = SentenceIndex.build(wv, sentences, keys=range(100, 100 + len(sentences)), method=method, **options)
    results = numbered.most_similar("the police")
    assert [key for key, _ in results] == [100 + i for i in expected]
    assert type(results[0][0]) is int and type(results[0][1]) is float
    names = (f"질문 {i}" for i in range(len(sentences)))
    named = SentenceIndex.build(wv, iter(sentences), keys=names, method=method, **options)
    assert [key for key, _ in named.most_similar("the police")] == [f"질문 {i}" for i in expected]
    assert named.sentences[expected[0]] == sentences[expected[0]]


def test_filters(wv, sentences, method):
    index = SentenceIndex.build(wv, sentences, keys=range(len(sentences)), method=method)
    even = np.arange(len(sentences)) % 2 == 0
    texts, scores = by_hand(wv, sentences, "the police", 10, allowed=even)
    for where in (even, even.tolist(), lambda key: key % 2 == 0):
        results = index.most_similar("the police", where=where)
        assert [sentences[key] for key, _ in results] == texts
        np.testing.assert_allclose([score for _, score in results], scores, atol=1e-5)
    assert index.most_similar_batch(["the police"], where=even) == [index.most_similar("the police", where=even)]
    assert index.most_similar("the police", where=lambda key: False) == []
    texts, _ = by_hand(wv, sentences, "the police", 5, 0.5, allowed=even)
    found = index.most_similar("the police", topn=5, hybrid=0.5, where=even)
    assert [sentences[key] for key, _ in found] == texts


def test_a_filter_by_sentence(wv, sentences):
    index = SentenceIndex.build(wv, sentences)
    results = index.most_similar("the police", where=lambda text: "fire" in text)
    assert results and all("fire" in text for text, _ in results)


def test_analogies(wv, sentences):
    index = SentenceIndex.build(wv, sentences)
    a, b, c = (wv.encode([text], normalize=True)[0] for text in sentences[:3])
    total = b + c - a
    vectors = wv.encode(sentences, normalize=True)
    scores = vectors @ (total / np.linalg.norm(total))
    scores[:3] = -2
    results = index.most_similar(positive=sentences[1:3], negative=sentences[:1], topn=4)
    order = np.argsort(-scores)[:4]
    assert [key for key, _ in results] == [sentences[i] for i in order]
    np.testing.assert_allclose([score for _, score in results], scores[order], atol=1e-5)
    with_vectors = index.most_similar(positive=[b, c], negative=[a], topn=len(sentences))
    assert len(with_vectors) == len(sentences)


def test_search_takes_one_query_or_many(wv, sentences, method):
    index = SentenceIndex.build(wv, sentences, method=method, **THOROUGH[method])
    one = index.most_similar("the police", topn=3, hybrid=0.5)
    assert index.search("the police", topn=3, hybrid=0.5) == index.search("the police", 3, 0.5) == one
    many = index.most_similar_batch(["the police", "rain"], topn=3)
    for queries in (["the police", "rain"], ("the police", "rain"), iter(["the police", "rain"])):
        assert index.search(queries, topn=3) == many
    assert index.search(["the police"], topn=3) == many[:1] != many[0]
    assert index.search([]) == index.search(iter([])) == []
    tokens = index.search([["the", "police"], "rain"], topn=3)
    assert [[key for key, _ in results] for results in tokens] == [[key for key, _ in results] for results in many]
    vectors = wv.encode(["the police", "rain"])
    assert [key for key, _ in index.search(vectors[0], topn=3)] == [key for key, _ in many[0]]
    assert [[key for key, _ in results] for results in index.search(vectors, topn=3)] == [
        [key for key, _ in results] for results in many
    ]
    assert index.search("the police", where=lambda key: False) == []


@pytest.mark.parametrize("hybrid", [0.0, 0.5])
def test_all_sentences_are_returned_for_topn_none(wv, sentences, method, hybrid):
    index = SentenceIndex.build(wv, sentences, method=method)
    results = index.most_similar("the police", topn=None, hybrid=hybrid)
    check(results, by_hand(wv, sentences, "the police", len(sentences), hybrid))
    assert index.search(["the police"], topn=None, hybrid=hybrid) == [results]
    assert len(index.find(["the police"], topn=None, hybrid=hybrid)[0][0]) == len(sentences)
    even = np.arange(len(sentences)) % 2 == 0
    assert len(index.search("the police", topn=None, where=even, hybrid=hybrid)) == even.sum()
    assert SentenceIndex.build(wv, [], method=method).search("the police", topn=None) == []


@pytest.mark.parametrize("name", ["k", "n", "top_k", "limit", "top_n", "n_results"])
def test_names_of_other_libraries_get_a_hint(wv, name):
    index = SentenceIndex.build(wv, ["the police", "the rain"])
    for search in (index.search, index.most_similar, index.most_similar_batch, index.find, index.search_rows):
        with pytest.raises(TypeError, match=f"{name}: not an argument of {search.__name__}; did you mean topn\\?"):
            search(["police"], **{name: 3})
    with pytest.raises(TypeError, match="text: not an argument of most_similar; did you mean query"):
        index.most_similar(text="police")
    with pytest.raises(TypeError, match="nonsense: not an argument of search; the arguments are queries, topn"):
        index.search("police", nonsense=3)
    with pytest.raises(TypeError, match="score_rows"):
        index.score_rows(["police"], np.arange(2), alpha=1)


def test_invalid_arguments_of_a_search(wv, sentences):
    index = SentenceIndex.build(wv, sentences)
    vector = wv.get_sentence_vector("police")
    for error, message, arguments in (
        (ValueError, "query: pass either", {}),
        (ValueError, "query: pass either", {"query": "a", "positive": ["b"]}),
        (TypeError, "positive, negative: expected lists", {"positive": "police"}),
        (ValueError, "topn: must be at least 1", {"query": "a", "topn": 0}),
        (TypeError, "topn: expected an integer, or None for all, got 2.5", {"query": "a", "topn": 2.5}),
        (TypeError, "topn: expected an integer, or None for all, got True", {"query": "a", "topn": True}),
        (ValueError, "hybrid: must be between 0 and 1", {"query": "a", "hybrid": 1.5}),
        (ValueError, "hybrid: a vector has no lexical score", {"query": vector, "hybrid": 0.5}),
        (ValueError, "hybrid: must be 0 with positive=", {"positive": ["a"], "hybrid": 0.5}),
        (ValueError, "query: expected a finite vector of 20", {"query": vector[:5]}),
        (ValueError, "query: expected a finite vector", {"query": vector * np.nan}),
        (ValueError, "where: expected", {"query": "a", "where": [True]}),
        (ValueError, "where: expected", {"query": "a", "where": np.ones(len(sentences))}),
    ):
        with pytest.raises(error, match=message):
            index.most_similar(**arguments)
    with pytest.raises(TypeError, match="queries: expected a list"):
        index.most_similar_batch("police")
    with pytest.raises(ValueError, match="hybrid: a vector has no lexical score"):
        index.score_rows([vector], np.arange(2), hybrid=0.5)
    with pytest.raises(ValueError, match="hybrid: must be between 0 and 1"):
        index.score_rows(["a"], np.arange(2), hybrid=2)


def test_invalid_arguments_of_build(wv, model):
    for error, message, arguments in (
        (ValueError, "method: expected", {"method": "annoy"}),
        (ValueError, "dtype: expected", {"dtype": np.int8}),
        (ValueError, "keys: expected one per sentence, got 1 key for 2", {"keys": ["a"]}),
        (TypeError, "keys: expected all strings or all integers", {"keys": ["a", 1]}),
        (TypeError, "keys: expected all strings or all integers", {"keys": [True, False]}),
        (ValueError, "connectivity: only method=", {"connectivity": 8}),
        (TypeError, "trees: not an argument of build; the arguments are .*connectivity", {"trees": 8}),
    ):
        with pytest.raises(error, match=message):
            SentenceIndex.build(wv, ["a", "b"], **arguments)
    with pytest.raises(TypeError, match="sentences: expected a list"):
        SentenceIndex.build(wv, "police")
    with pytest.raises(TypeError, match=r"pass its \.wv"):
        SentenceIndex.build(model, ["police"])
    with pytest.raises(TypeError, match="from_keyed_vectors"):
        SentenceIndex.build(KeyedVectors(3), ["police"])


def test_vectors_of_other_gensim_models():
    model = Word2Vec(common_texts, vector_size=10, min_count=1, seed=1, workers=1)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(model.wv)
    index = SentenceIndex.build(wv, common_texts)
    assert index.most_similar(common_texts[2], topn=1)[0][0] == " ".join(common_texts[2])


# ---------------------------------------------------------------------------------------------------
# Contents


@pytest.mark.parametrize("keys", [None, [7, 8, 8], ["a", "b", "b"]])
def test_rows_iteration_and_membership(wv, keys, tmp_path):
    texts = ["the police", "the rain", "a fire"]
    index = SentenceIndex.build(wv, texts, keys)
    pairs = list(zip(keys or texts, texts))
    assert len(index) == 3 and list(index) == [index[i] for i in range(3)] == pairs
    assert (index[1].key, index[1].sentence) == pairs[1]
    assert type(index[1].key) is type(pairs[1][0]) and type(next(iter(index)).key) is type(pairs[0][0])
    assert index[-1] == index[np.int64(2)] == pairs[2]
    assert index[1:] == pairs[1:] and index[::-1] == pairs[::-1] and index[5:] == []
    assert pairs[0][0] in index and index[1] in index
    for missing in ("the", 3, None, 7.0, ["the police"], index[0]._replace(sentence="the")):
        assert missing not in index
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"row {row} is out of range for an index of 3 sentences"):
            index[row]
    for row in ("the police", 1.0, None, [0]):
        with pytest.raises(TypeError, match="row: expected an integer or a slice"):
            index[row]
    index.save(tmp_path / "index")
    assert list(SentenceIndex.load(tmp_path / "index", wv, mmap="r")) == pairs
    assert not SentenceIndex.build(wv, []) and list(SentenceIndex.build(wv, [])) == []


def test_repr_says_what_an_index_is(wv, sentences):
    wv.weighting = None
    index = SentenceIndex.build(wv, sentences)
    assert repr(index) == "<SentenceIndex of 1,000 sentences: exact, 20 dimensions, float32>"
    index = SentenceIndex.build(wv, sentences[:9], range(9), dtype=np.float16, lexical=True)
    assert repr(index) == "<SentenceIndex of 9 sentences: exact, 20 dimensions, float16, integer keys, lexical scores>"


# ---------------------------------------------------------------------------------------------------
# Changes


@pytest.mark.parametrize("kind", ["sentences", "int", "str"])
def test_add_and_remove(wv, sentences, method, kind):
    def keys(texts):
        return {"sentences": None, "int": [len(t) for t in texts], "str": [t[::-1] for t in texts]}[kind]

    def name(text):
        return {"sentences": text, "int": len(text), "str": text[::-1]}[kind]

    texts = sentences[:60]
    index = SentenceIndex.build(wv, texts[:40], keys(texts[:40]), method=method, lexical=True, **THOROUGH[method])
    index.add(texts[40:], keys(texts[40:]))
    gone = {name(text) for text in texts[::7]}
    left = [text for text in texts if name(text) not in gone]
    assert index.remove(list(gone)) == len(texts) - len(left)
    index.add(sentences[60:70], keys(sentences[60:70]))
    left += sentences[60:70]
    assert len(index) == len(left) and list(index.sentences) == left
    assert list(index.keys) == [name(text) for text in left]
    fresh = SentenceIndex.build(wv, left, keys(left))
    for hybrid in (0.0, 0.5):
        got, want = (i.most_similar("the police said", topn=10, hybrid=hybrid) for i in (index, fresh))
        assert [key for key, _ in got] == [key for key, _ in want]
        np.testing.assert_allclose([s for _, s in got], [s for _, s in want], atol=1e-5)


def test_equal_sentences_are_removed_together(wv):
    index = SentenceIndex.build(wv, ["the police", "the rain", "the police"])
    assert index.remove("the police") == 2
    assert list(index.sentences) == ["the rain"]


def test_invalid_changes(wv):
    index = SentenceIndex.build(wv, ["the police", "the rain"])
    numbered = SentenceIndex.build(wv, ["the police", "the rain"], keys=[1, 2])
    with pytest.raises(KeyError, match="fire"):
        index.remove(["the rain", "the fire"])
    with pytest.raises(KeyError, match="'1'"):
        numbered.remove("1")
    with pytest.raises(KeyError, match="1"):
        index.remove(1)
    with pytest.raises(ValueError, match="keys: not allowed"):
        index.add(["a"], keys=[1])
    with pytest.raises(ValueError, match="keys: required"):
        numbered.add(["a"])
    with pytest.raises(TypeError, match="keys: strings and integers cannot be mixed"):
        numbered.add(["a"], keys=["1"])
    with pytest.raises(TypeError, match="sentences: expected a list"):
        index.add("a")
    assert len(index) == len(numbered) == 2


# ---------------------------------------------------------------------------------------------------
# Files


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["sentences", "int", "str"])
def test_save_and_load(wv, sentences, method, dtype, mmap, kind, tmp_path):
    keys = {"sentences": None, "int": range(-3, 197), "str": [f"열쇠 {i}" for i in range(200)]}[kind]
    index = SentenceIndex.build(wv, sentences[:200], keys, method=method, dtype=dtype, lexical=mmap is None)
    index.save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap, verify=True)
    assert repr(loaded) == repr(index)
    for hybrid in (0.0, 0.5):
        assert loaded.most_similar("the police", hybrid=hybrid) == index.most_similar("the police", hybrid=hybrid)
    assert loaded.vectors.flags.writeable == (mmap is None)
    for changed in (index, loaded):
        changed.remove(changed.most_similar("the police")[0][0])
        changed.add(["the police at night"], None if kind == "sentences" else [7 if kind == "int" else "밤"])
    loaded.save(tmp_path / "index")  # over the file that may be memory-mapped
    again = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
    assert again.most_similar("the police") == loaded.most_similar("the police") == index.most_similar("the police")


def test_lexical_scores_are_saved(wv, sentences, tmp_path, monkeypatch):
    SentenceIndex.build(wv, sentences[:50], lexical=True).save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index", wv, mmap="r")
    monkeypatch.setattr(LexicalScores, "fit", None)
    assert loaded.most_similar(sentences[3], topn=1, hybrid=0.5)[0][0] == sentences[3]
    assert not loaded.lexical.rows.flags.writeable


def test_an_index_keeps_its_kind_of_lexical_scores(wv, sentences, tmp_path):
    options = {"analyzer": "char_wb", "length_power": 0.25, "ngrams": (2, 3)}
    index = SentenceIndex.build(wv, sentences[:50], lexical=options, csls=True)
    assert index.has_lexical
    index.save(tmp_path / "index")
    for mmap in (None, "r"):
        loaded = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
        assert vars(loaded.lexical.options) == options
        assert loaded.search("the police", hybrid=0.5, csls=0.5) == index.search("the police", hybrid=0.5, csls=0.5)
        loaded.add(sentences[50:60])
        assert vars(loaded.lexical.options) == options
        fitted = LexicalScores.fit(sentences[:60], **options)
        np.testing.assert_array_equal(loaded.lexical.scores("the police"), fitted.scores("the police"))
        loaded.remove([sentences[3]])
        assert vars(loaded.lexical.options) == options
    plain = SentenceIndex.build(wv, sentences[:50])
    assert not plain.has_lexical
    plain.save(tmp_path / "index")
    assert vars(SentenceIndex.load(tmp_path / "index", wv).lexical.options) == vars(LexicalScores.fit(["a"]).options)


def test_files_of_earlier_versions_keep_their_scores(wv, sentences, tmp_path):
    """They say nothing of options, whether they store lexical scores or not."""
    earlier = {"analyzer": "char_wb", "length_power": 0}
    expected = LexicalScores.fit(sentences[:60], **earlier)
    for lexical in (False, earlier):
        SentenceIndex.build(wv, sentences[:50], lexical=lexical).save(tmp_path / "index")
        arrays, facts = container.read(tmp_path / "index")
        del facts["lexical_options"]
        if lexical:
            facts["lexical"] = {name: facts["lexical"][name] for name in ("n", "ngrams")}
        container.write(tmp_path / "index", arrays, facts)
        index = SentenceIndex.load(tmp_path / "index", wv)
        assert index.has_lexical == bool(lexical)
        index.add(sentences[50:60])
        index.save(tmp_path / "index")  # still
        index = SentenceIndex.load(tmp_path / "index", wv)
        np.testing.assert_array_equal(index.lexical.scores("the police"), expected.scores("the police"))


@pytest.mark.parametrize("options", [3, [], {"x": 1}, {"analyzer": ["char"]}, {"length_power": "1"}, {"ngrams": 7}])
def test_damaged_options_are_refused_with_the_file(wv, sentences, tmp_path, options):
    path = tmp_path / "index"
    SentenceIndex.build(wv, sentences[:5]).save(path)
    arrays, facts = container.read(path)
    container.write(path, arrays, facts | {"lexical_options": options})
    with pytest.raises(ValueError, match=r"index': lexical_options: "):
        SentenceIndex.load(path, wv)


@pytest.mark.parametrize(
    ("lexical", "error", "message"),
    [
        ({"analyser": "char"}, TypeError, "analyser"),
        ({"analyzer": "word"}, ValueError, "analyzer: expected"),
        ({"length_power": -1}, ValueError, "length_power: "),
        ("char", TypeError, "lexical: expected True, False, or a mapping of options, got 'char'"),
    ],
)
def test_options_of_lexical_scores_are_checked(wv, sentences, lexical, error, message):
    with pytest.raises(error, match=message):
        SentenceIndex.build(wv, sentences[:5], lexical=lexical)


def test_another_weighting_is_refused(wv, sentences, tmp_path):
    assert wv.weighting is not None
    index = SentenceIndex.build(wv, sentences[:50])
    assert index.vectors.shape == (50, wv.sentence_size)
    index.save(tmp_path / "index")
    wv.weighting = None
    with pytest.raises(ValueError, match="encode differently"):
        SentenceIndex.load(tmp_path / "index", wv)


def test_other_vectors_are_refused(model, sentences, tmp_path):
    wv = model.wv
    wv.weighting = None
    SentenceIndex.build(wv, sentences[:50]).save(tmp_path / "index")
    half = SentenceIndex.load(tmp_path / "index", wv.astype(np.float16))
    assert half.most_similar(sentences[3], topn=1)[0][0] == sentences[3]
    for change in (
        lambda wv: setattr(wv, "vectors", np.random.default_rng(0).standard_normal(wv.vectors.shape, dtype=np.float32)),
        lambda wv: setattr(wv, "vectors_ngrams", wv.vectors_ngrams[::-1].copy()),
        lambda wv: setattr(wv, "word_ngrams", 3),
    ):
        other = wv.astype(np.float32)
        change(other)
        with pytest.raises(ValueError, match="built with other vectors"):
            SentenceIndex.load(tmp_path / "index", other)
    small = Sent2VecKeyedVectors.from_keyed_vectors(Word2Vec(common_texts, vector_size=20, min_count=1).wv)
    with pytest.raises(ValueError, match=f"{len(wv):,} words, while the given vectors have {len(small)} words"):
        SentenceIndex.load(tmp_path / "index", small)
    with pytest.raises(TypeError, match=r"pass its \.wv"):
        SentenceIndex.load(tmp_path / "index", model)


def test_damaged_and_other_files(wv, sentences, tmp_path):
    path = tmp_path / "index"
    SentenceIndex.build(wv, sentences[:50]).save(path)
    saved = path.read_bytes()
    for size in (0, 5, 100, len(saved) // 2, len(saved) - 1):
        path.write_bytes(saved[:size])
        with pytest.raises(ValueError, match="index"):
            SentenceIndex.load(path, wv)
    changed = bytearray(saved)
    changed[-50] ^= 255
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="damaged"):
        SentenceIndex.load(path, wv, verify=True)
    container.write(path, {}, {"kind": "other"})
    with pytest.raises(ValueError, match="holds a other"):
        SentenceIndex.load(path, wv)
    with pytest.raises(FileNotFoundError):
        SentenceIndex.load(tmp_path / "missing", wv)


# ---------------------------------------------------------------------------------------------------
# hnsw


def test_hnsw_needs_usearch(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[index\]"):
        SentenceIndex.build(wv, ["police"], method="hnsw")


def test_hnsw_options(wv, sentences, need_usearch):
    index = SentenceIndex.build(wv, sentences, method="hnsw", connectivity=8, expansion_add=40, expansion_search=30)
    assert len(index.most_similar("the police", topn=5)) == 5
    with pytest.raises(ValueError, match="connectivity: must be at least 1, got 0"):
        SentenceIndex.build(wv, sentences, method="hnsw", connectivity=0)
    for name in "connectivity", "expansion_add", "expansion_search":
        with pytest.raises(ValueError, match=f"{name}: must be at most"):
            SentenceIndex.build(wv, sentences, method="hnsw", **{name: 2**62})
        with pytest.raises(TypeError, match=f"{name}: expected an integer"):
            SentenceIndex.build(wv, sentences, method="hnsw", **{name: 8.5})


def test_hnsw_recall(wv, sentences, need_usearch):
    exact, graph = (SentenceIndex.build(wv, sentences, method=method) for method in METHODS)
    queries = sentences[::10]
    pairs = zip(exact.most_similar_batch(queries), graph.most_similar_batch(queries))
    recall = np.mean([len({k for k, _ in a} & {k for k, _ in b}) / 10 for a, b in pairs])
    assert recall > 0.95


def test_searches_of_larger_graphs_examine_more_candidates_by_default(wv, sentences, need_usearch):
    index = SentenceIndex.build(wv, sentences[:100], method="hnsw")
    graph = index._graph.graph
    assert [default_expansion(n, 10) for n in (100, 100_000, 1_000_000)] == [64, 234, 587]
    assert [default_expansion(100_000, count) for count in (1, 100)] == [234, 740]
    assert (graph.expansion_search, graph.expansion(10), graph.expansion(80)) == (None, 64, 80)
    graph.remove(np.arange(50))
    assert graph.expansion(10) == 50  # all that there are


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("options", [{}, {"expansion_search": 30, "expansion_add": 40}])
def test_options_of_a_hnsw_graph_are_saved(wv, sentences, need_usearch, tmp_path, mmap, options):
    SentenceIndex.build(wv, sentences, method="hnsw", **options).save(tmp_path / "index")
    index = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
    index.add(["police again"])
    graph = index._graph.graph
    assert graph.options() == {"expansion_search": None, "expansion_add": 128} | options
    assert graph.index.expansion_add == options.get("expansion_add", 128)


def test_expansion_search_takes_effect(need_usearch):
    vectors = np.random.default_rng(0).standard_normal((4000, 100), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:200] + vectors[1000:1200]
    nearest = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]

    def recall(graph):
        return np.mean(
            [len({*rows} & {*expected}) / 10 for (rows, _), expected in zip(graph.search(queries, 10), nearest)]
        )

    built = Graph.build(vectors, expansion_add=40, expansion_search=10)
    loaded = Graph.from_bytes(built.to_bytes(), mapped=True, **built.options())
    assert recall(loaded) == recall(built)
    least = recall(built)
    built.expansion_search = None
    default = recall(built)
    built.expansion_search = 500
    assert least + 0.05 < default < recall(built) - 0.01
    rows, cosines = built.search(queries, 10)[7]
    for part in (built.search(queries[7:8], 10)[0], built.search(queries, 10, max_candidates=1500)[7]):
        assert (part[0] == rows).all() and (part[1] == cosines).all() and len(rows) == 10


def test_every_vector_of_a_hnsw_graph_is_reachable(need_usearch):
    rows = np.random.default_rng(0)
    for _ in range(10):
        vectors = rows.standard_normal((1000, 10), dtype=np.float32)
        graph = Graph.build(vectors)
        assert [numbers[0] for numbers, _ in graph.search(vectors, 1)] == list(range(1000))


def test_hnsw_indexer_for_gensim_words(model, need_usearch, tmp_path):
    for words in (model, model.wv, Word2Vec(common_texts, vector_size=10, min_count=1)):
        indexer = HnswIndexer(words, expansion_search=500)
        wv = getattr(words, "wv", words)
        word = wv.index_to_key[5]
        expected = wv.most_similar(word, topn=5)
        found = [pair for pair in wv.most_similar(word, topn=6, indexer=indexer) if pair[0] != word]
        assert [key for key, _ in found[:5]] == [key for key, _ in expected]
        np.testing.assert_allclose([c for _, c in found[:5]], [c for _, c in expected], atol=1e-4)
        indexer.save(tmp_path / "words")
        for mmap in (None, "r"):
            loaded = HnswIndexer.load(tmp_path / "words", mmap=mmap)
            assert wv.most_similar(word, topn=6, indexer=loaded) == wv.most_similar(word, topn=6, indexer=indexer)
    with pytest.raises(TypeError, match="model: expected a gensim model or KeyedVectors, got str"):
        HnswIndexer("police")
    container.write(tmp_path / "other", {}, {"kind": "other"})
    with pytest.raises(ValueError, match="HnswIndexer"):
        HnswIndexer.load(tmp_path / "other")


@pytest.mark.parametrize("change", ["train", "set", "add"])
def test_hnsw_indexer_of_changed_words(model, lee, need_usearch, change):
    wv = model.wv
    indexer = HnswIndexer(model)
    expected = wv.most_similar("police", indexer=indexer)
    if change == "train":
        model.train(lee, total_examples=len(lee), epochs=1)
    elif change == "set":
        wv["police"] = -wv["police"]
    else:
        wv.add_vectors(["neword"], np.ones((1, 20), dtype=np.float32))
    with pytest.raises(ValueError, match="indexer: the vectors of the model changed"):
        wv.most_similar("police", indexer=indexer)
    again = wv.most_similar("police", indexer=HnswIndexer(model))
    assert again[0] == ("police", pytest.approx(1, abs=1e-4)) and expected[0][0] == "police"


def test_hnsw_indexer_for_gensim_documents(need_usearch):
    model = Doc2Vec([TaggedDocument(text, [i]) for i, text in enumerate(common_texts)], vector_size=10, min_count=1)
    results = model.dv.most_similar([model.dv[3]], topn=1, indexer=HnswIndexer(model))
    assert results[0][0] == 3
