"""NaN and infinite values are refused by name, wherever they come from."""

import numpy as np
import pytest

from gensim_sent2vec import SentenceIndex
from gensim_sent2vec._util.rows import rows_not_finite
from gensim_sent2vec.hnsw import Graph, HnswIndexer

METHODS = ["exact", "hnsw"]


@pytest.fixture(params=METHODS)
def method(request) -> str:
    if request.param == "hnsw":
        pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    return request.param


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_word_without_a_finite_vector_is_named(wv, method, value, weighted):
    if not weighted:
        wv.weighting = None
    index = SentenceIndex.build(wv, ["the rain"] * 20, method=method)
    rows = wv.weighting.rows if weighted else wv.vectors
    for array in (rows, wv.vectors):
        array[wv.key_to_index["police"], 0] = value
    for sentences in (["the rain", "the police"], [["the", "rain"], ["the", "police"]]):
        with pytest.raises(ValueError, match=r"sentences: row 1 \(.*police.*'police' has NaN or infinite values"):
            SentenceIndex.build(wv, sentences, method=method)
        with pytest.raises(ValueError, match=r"sentences: row 1 .*'police'"):
            index.add(sentences)
    assert len(index) == 20
    for query in ("the police", ["the police"], ["the rain", ["police"]]):
        with pytest.raises(ValueError, match=r"queries: row \d .*'police'"):
            index.search(query)
    assert len(index.search("the rain")) == 10


def test_other_rows_without_finite_values(wv):
    wv.weighting = None
    wv.vectors_ngrams[:] = np.nan
    with pytest.raises(ValueError, match=r"sentences: row 2 \('the police'\).*n-grams or of the weighting"):
        SentenceIndex.build(wv, ["rain", "police", "the police"])


def test_stored_vectors_are_checked_on_first_use(wv, method, tmp_path):
    texts = ["the police", "the rain", "a fire"]
    index = SentenceIndex.build(wv, texts, method=method)
    index.vectors[1] = np.nan
    index.save(tmp_path / "index")
    for mmap in (None, "r"):
        for use in (
            lambda loaded: loaded.search("the rain", topn=2),
            lambda loaded: loaded.search("the rain", where=[True, True, False]),
            lambda loaded: loaded.score_rows(["the rain"], np.arange(3)),
        ):
            loaded = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
            with pytest.raises(ValueError, match=r"vectors: 1 of 3 rows of the index .* row 1 \('the rain'\)"):
                use(loaded)


def test_vectors_of_queries_that_do_not_fit(wv):
    index = SentenceIndex.build(wv, ["the police", "the rain"])
    good = wv.encode(["the police"], normalize=True)
    for bad in (good * np.nan, good[0], np.repeat(good, 2, axis=0), good[:, :3]):
        with pytest.raises(ValueError, match="vectors: expected finite vectors of shape"):
            index.search_rows(["the police"], vectors=bad)
    with pytest.raises(ValueError, match="queries: row 1: expected a finite vector"):
        index.search(np.concatenate([good, good * np.inf]))


def test_graphs_of_words(model):
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    wv = model.wv
    wv.vectors[5] = 0  # has no direction, and a similarity of 0 with all
    indexer = HnswIndexer(wv)
    with pytest.raises(ValueError, match="vector: expected finite"):
        indexer.most_similar(wv.vectors[0] * np.nan, 3)
    word = wv.index_to_key[7]
    wv.vectors[7, 3] = np.inf
    with pytest.raises(ValueError, match=f"model: the vector of {word!r} has NaN"):
        HnswIndexer(model)
    with pytest.raises(ValueError, match="vectors: 1 have NaN or infinite values, the first has id 7"):
        Graph.build(wv.vectors)


def test_rows_not_finite():
    rows = np.ones((10_000, 3), dtype=np.float16)
    assert len(rows_not_finite(rows)) == len(rows_not_finite(rows[:0])) == 0
    rows[5, 1], rows[9999, 2] = np.inf, np.nan
    assert rows_not_finite(rows).tolist() == [5, 9999]
