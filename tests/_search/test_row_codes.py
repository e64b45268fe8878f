"""The int8 codes of an index: made when they pay, right after each change, and no difference to results."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gensim_sent2vec import SentenceIndex, _kernel
from gensim_sent2vec._search.row_codes import IndexCodes
from gensim_sent2vec._util import memory

pytestmark = pytest.mark.skipif(not _kernel.has_fast_codes(), reason="this processor has no use for codes")


@pytest.fixture(scope="module")
def sentences(lee) -> list[str]:
    words = [word for text in lee for word in text]
    return [" ".join(words[i : i + 8]) for i in range(0, 4000, 8)]


@pytest.fixture
def use_codes(monkeypatch):
    """``use_codes(index)`` makes codes in the third search of an index, and of those that it becomes."""
    made = []

    class Recorded(_kernel.RowCodes):
        def __init__(self, rows):
            made.append(rows)

    monkeypatch.setattr(_kernel, "RowCodes", Recorded)
    monkeypatch.setattr("gensim_sent2vec.search.IndexCodes", lambda: IndexCodes(min_values=1, min_searches=2))
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_searches_with_codes(wv, sentences, use_codes, dtype, tmp_path):
    plain = SentenceIndex.build(wv, sentences, dtype=dtype)
    index = SentenceIndex.build(wv, sentences, dtype=dtype)
    plain._codes = IndexCodes()

    def compare():
        mask = np.arange(len(index)) % 3 > 0
        for query in [*sentences[::60], "the police", ["the", "rain"], "unheard of", index.vectors[3]]:
            for topn in (1, 10, None):
                assert index.search(query, topn) == plain.search(query, topn)
            assert index.most_similar(query, where=mask) == plain.most_similar(query, where=mask)
            assert index.search([query] * 2) == plain.search([query] * 2)
        assert index.search("the rain", csls=0.5) == plain.search("the rain", csls=0.5)
        assert index.search("the rain", hybrid=0.5) == plain.search("the rain", hybrid=0.5)

    compare()
    assert len(use_codes) == 1 and use_codes[0] is index.vectors
    for each in (index, plain):
        each.add(["the police came", *sentences[:70]])
        plain._codes = IndexCodes()
    compare()
    for each in (index, plain):
        each.remove([sentences[3], "the police came"])
        plain._codes = IndexCodes()
    compare()
    assert len(use_codes) == 3 and use_codes[2] is index.vectors
    index.save(tmp_path / "index")
    for mmap in (None, "r"):
        index = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
        compare()
    assert len(use_codes) == 5
    index = pickle.loads(pickle.dumps(plain))
    compare()


def test_vectors_that_are_replaced(wv, sentences, use_codes):
    """Codes of other vectors are not used; vectors cannot be changed without that being seen."""
    index = SentenceIndex.build(wv, sentences)
    for _ in range(5):
        index.search("the rain")
    with pytest.raises(ValueError, match="read-only"):
        index.vectors[0] = 0
    index.vectors = index.vectors[::-1].copy()
    expected = index.vectors @ wv.encode("the rain", normalize=True)
    assert index.find(["the rain"], topn=1)[0][0][0] == np.argmax(expected)


def test_when_codes_are_made(monkeypatch):
    matrix = np.ones((100, 10), np.float32)
    codes = IndexCodes(min_values=1000, min_searches=3)
    assert [codes.of(matrix, 1) is not None for _ in range(5)] == [False] * 3 + [True] * 2
    assert codes.of(matrix, 1).rows is matrix and codes.of(matrix, _kernel.MAX_CODED_QUERIES + 1) is None
    assert codes.of(matrix.copy(), 1) is None
    assert pickle.loads(pickle.dumps(codes)).of(matrix, 4).rows is matrix
    for _ in range(5):
        assert codes.of(matrix[:-1], 1) is None  # too small
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", "plain")
    assert IndexCodes(0, 0).of(matrix, 1) is None


def test_codes_are_not_made_without_memory(monkeypatch):
    matrix = np.ones((100, 10), np.float32)
    codes = IndexCodes(0, 2)
    monkeypatch.setattr(memory, "available", lambda: memory.Limit("a limit", 1999))
    assert not any(codes.of(matrix, 1) for _ in range(9))
    monkeypatch.setattr(memory, "available", lambda: memory.Limit("a limit", 2000))
    assert any(codes.of(matrix, 1) for _ in range(9))


def test_codes_in_threads(wv, sentences, use_codes):
    index = SentenceIndex.build(wv, sentences)
    queries = sentences[:100]
    expected = [index.search(query) for query in queries]
    index = SentenceIndex.build(wv, sentences)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(index.search, queries)) == expected
