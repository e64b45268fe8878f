"""Files saved by earlier versions load and give the same results; see data/golden/generate.py."""

import json

import numpy as np
import paths
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec.hnsw import HnswIndexer

GOLDEN = paths.DATA / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
QUERIES = ["the cat likes a mouse", "two firemen follow the car", "서울 거리", "qwxz", ""]


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("name", sorted(EXPECTED["vectors"]))
def test_vectors(name, mmap):
    expected = EXPECTED["vectors"][name]
    wv = Sent2VecKeyedVectors.load(GOLDEN / f"{name}.s2v", mmap=mmap, verify=True)
    assert (len(wv), len(wv.vectors_ngrams), wv.tokenizer) == (
        expected["words"],
        expected["ngram_rows"],
        expected["tokenizer"],
    )
    assert list(wv.index_to_key[:5]) == expected["first_words"]
    assert (None if wv.weighting is None else repr(wv.weighting)) == expected["weighting"]
    np.testing.assert_array_equal(wv.vectors[0], np.asarray(expected["word_vector"], dtype=wv.vectors.dtype))
    np.testing.assert_allclose(wv.encode(QUERIES), expected["encoded"], atol=1e-5)
    np.testing.assert_allclose(wv.encode(QUERIES, weighting=False), expected["plain"], atol=1e-5)


def test_attributes():
    wv = Sent2VecKeyedVectors.load(GOLDEN / "unigrams.s2v")
    assert wv.comment == "an attribute of the object"
    assert wv.get_vecattr("cat", "kind") == 3
    assert wv.get_vecattr("the", "count") > 100
    assert wv.most_similar("cat", topn=1)[0][0] == EXPECTED["nearest_to_cat"][0]


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("name", sorted(EXPECTED["indexes"]))
def test_indexes(name, mmap):
    if name.startswith("hnsw"):
        pytest.importorskip("usearch")
    wv = Sent2VecKeyedVectors.load(GOLDEN / "unigrams.s2v")
    index = SentenceIndex.load(GOLDEN / f"{name}.index", wv, mmap=mmap, verify=True)
    for hybrid, answers in EXPECTED["indexes"][name].items():
        for query, expected in zip(QUERIES, answers):
            found = index.most_similar(query, topn=3, hybrid=float(hybrid))
            assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)
            assert found[0][0] == expected[0][0]


@pytest.mark.parametrize("mmap", [None, "r"])
def test_a_correction_for_hubs(mmap):
    wv = Sent2VecKeyedVectors.load(GOLDEN / "unigrams.s2v")
    index = SentenceIndex.load(GOLDEN / "refitted.index", wv, mmap=mmap)
    assert index.has_csls
    for query, expected in zip(QUERIES, EXPECTED["csls"]):
        found = index.search(query, 3, 0.5, csls=0.5)
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_a_tuned_weighting():
    weighting = Sent2VecKeyedVectors.load(GOLDEN / "tuned.s2v").weighting
    assert weighting.tuning == EXPECTED["tuning"]
    assert len(weighting.ngram_factors.hashes) > 10


def test_word_indexer():
    pytest.importorskip("usearch")
    wv = Sent2VecKeyedVectors.load(GOLDEN / "unigrams.s2v")
    indexer = HnswIndexer.load(GOLDEN / "words.hnsw")
    found = [word for word, _ in wv.most_similar("cat", topn=4, indexer=indexer)]
    assert found == ["cat", *EXPECTED["nearest_to_cat"]]  # gensim expects the indexer to skip the word itself
