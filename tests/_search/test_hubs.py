"""The correction for hubs (CSLS) and the weighting that is fitted to the sentences of an index."""

import numpy as np
import pytest
from gensim.models import KeyedVectors

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._search import hubs
from gensim_sent2vec._search.hubs import mean_cosines, mean_lexical_scores, mean_products, reference_rows
from gensim_sent2vec.lexical import LexicalScores

WORDS = [f"{a}{b}{c}" for a in "bdgklmn" for b in "aeiou" for c in "nrst"]
HYBRIDS = (0.0, 0.4, 1.0)


def make_texts(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 7))) for _ in range(n)]


TEXTS, QUERIES = make_texts(120, 1), make_texts(9, 2)


def make_vectors(**options):
    rng = np.random.default_rng(3)
    kv = KeyedVectors(20)
    kv.add_vectors(WORDS, (rng.standard_normal((len(WORDS), 20)) + 0.7).astype(np.float32))
    kv.expandos["count"] = rng.integers(5, 500, len(WORDS))
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    wv.weighting = SentenceWeighting(**{"lexical_dims": 20} | options).fit(wv, make_texts(300, 4))
    return wv


WV = make_vectors()


def mean_of_nearest(scores, k=10):
    scores = scores.copy()
    np.fill_diagonal(scores, -np.inf)
    return np.sort(scores, axis=1)[:, -k:].mean(axis=1)


def expected_scores(index, queries, hybrid, csls):
    """All scores, from matrices of all pairs."""
    texts = list(index.sentences)
    vectors = WV.encode(texts, normalize=True) if index.wv is WV else index.wv.encode(texts, normalize=True)
    of_queries = index.wv.encode(queries, normalize=True)
    lexical = LexicalScores.fit(texts)
    of_texts, spelled = (np.stack([lexical.scores(text) for text in of]) for of in (texts, queries))
    hubness = (1 - hybrid) * mean_of_nearest(vectors @ vectors.T) + hybrid * mean_of_nearest(of_texts)
    return (1 - hybrid) * of_queries @ vectors.T + hybrid * spelled - csls * hubness


def check(index, csls=0.5):
    for hybrid in HYBRIDS:
        expected = expected_scores(index, QUERIES, hybrid, csls)
        for scores, (rows, found) in zip(expected, index.find(QUERIES, topn=5, hybrid=hybrid, csls=csls)):
            np.testing.assert_allclose(found, np.sort(scores)[::-1][:5], atol=2e-5)
            np.testing.assert_allclose(scores[rows], found, atol=2e-5)


def test_scores_are_lowered_by_the_mean_score_with_the_nearest_neighbors():
    check(SentenceIndex.build(WV, TEXTS))
    check(SentenceIndex.build(WV, TEXTS, csls=True, lexical=True), csls=1.2)


def test_every_search_takes_it():
    index = SentenceIndex.build(WV, TEXTS, keys=range(len(TEXTS)))
    for hybrid in HYBRIDS:
        options = {"topn": 4, "hybrid": hybrid, "csls": 0.5}
        batch = index.most_similar_batch(QUERIES, **options)
        for query, found in zip(QUERIES, batch):
            one = index.most_similar(query, **options)
            assert (
                [key for key, _ in one]
                == [key for key, _ in found]
                == [key for key, _ in index.search(query, **options)]
            )
            assert [score for _, score in one] == pytest.approx([score for _, score in found], abs=1e-5)
        assert index.search(QUERIES, **options) == batch
        rows = np.array([key for key, _ in batch[0]])
        np.testing.assert_allclose(
            index.score_rows(QUERIES[:1], rows, hybrid, 0.5)[0], [s for _, s in batch[0]], atol=1e-5
        )
        hits = index.search_rows(QUERIES[:1], **options)[0]
        np.testing.assert_allclose(hits.scores, [s for _, s in index.most_similar(QUERIES[0], **options)], atol=1e-5)
        assert hits.cosines.max() <= 1.0001
    mask = np.arange(len(TEXTS)) % 2 == 0
    assert all(key % 2 == 0 for key, _ in index.search(QUERIES[0], csls=0.5, where=mask))
    analogy = index.most_similar(positive=QUERIES[:2], negative=QUERIES[2:3], csls=0.5)
    assert analogy != index.most_similar(positive=QUERIES[:2], negative=QUERIES[2:3])


def test_hnsw():
    pytest.importorskip("usearch")
    index = SentenceIndex.build(WV, TEXTS, method="hnsw")
    exact = SentenceIndex.build(WV, TEXTS)
    for hybrid in (0.0, 0.4):
        assert [[k for k, _ in found] for found in index.search(QUERIES, 3, hybrid, csls=0.5)] == [
            [k for k, _ in found] for found in exact.search(QUERIES, 3, hybrid, csls=0.5)
        ]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_files(tmp_path, dtype):
    index = SentenceIndex.build(WV, TEXTS, csls=True, lexical=True, dtype=dtype)
    assert index.has_csls and "csls" in repr(index)
    index.save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index", WV, mmap="r")
    assert loaded.has_csls
    assert loaded.search(QUERIES, hybrid=0.4, csls=0.5) == index.search(QUERIES, hybrid=0.4, csls=0.5)
    plain = SentenceIndex.build(WV, TEXTS)
    assert not plain.has_csls
    plain.save(tmp_path / "index")
    assert not SentenceIndex.load(tmp_path / "index", WV).has_csls


def test_a_damaged_file_is_refused(tmp_path):
    index = SentenceIndex.build(WV, TEXTS, csls=True)
    index._mean_cosines = index._mean_cosines[:-1]
    index.save(tmp_path / "index")
    with pytest.raises(ValueError, match=r"csls\.cosines: expected one float32 per sentence"):
        SentenceIndex.load(tmp_path / "index", WV)


def test_adding_and_removing_keep_it():
    more = make_texts(30, 7)
    index = SentenceIndex.build(WV, TEXTS, csls=True)
    index.add(more)
    assert index.has_csls
    check(index)
    index.remove([index[i].key for i in (0, 5, 130)])
    assert index.has_csls
    check(index)


def test_a_large_index_is_compared_with_a_sample(monkeypatch):
    vectors = WV.encode(make_texts(3000, 9), normalize=True)
    exact = mean_cosines(vectors)
    assert len(reference_rows(3000)) == 3000
    monkeypatch.setattr(hubs, "MAX_REFERENCES", 1000)
    monkeypatch.setattr(hubs, "MIN_REFERENCES", 100)
    assert len(reference_rows(3000)) == 1000
    sampled = mean_cosines(vectors)
    assert np.corrcoef(exact, sampled)[0, 1] > 0.8
    assert (sampled <= exact + 1e-5).all()  # the nearest of a sample are farther
    np.testing.assert_allclose(mean_cosines(vectors, 2900), sampled[2900:], atol=1e-6)
    texts = make_texts(1500, 9)
    lexical = LexicalScores.fit(texts, length_power=0)
    assert (
        np.corrcoef(mean_lexical_scores(lexical), mean_of_nearest(np.stack([lexical.scores(t) for t in texts])))[0, 1]
        > 0.9
    )
    index = SentenceIndex.build(WV, make_texts(2000, 9), csls=True)
    before = index._hubness(0.0)
    index.add(make_texts(50, 10))
    np.testing.assert_array_equal(index._hubness(0.0)[:2000], before)
    index.remove(index[3].key)
    assert len(index._hubness(0.0)) == len(index)


def test_few_sentences():
    for n in (0, 1, 2):
        index = SentenceIndex.build(WV, TEXTS[:n], csls=True, lexical=True)
        assert len(index.search(QUERIES[0], hybrid=0.5, csls=0.5)) == n
    assert SentenceIndex.build(WV, TEXTS[:1]).search(TEXTS[0], csls=0.5)[0][1] == pytest.approx(1, abs=1e-5)


def test_none_changes_nothing():
    index = SentenceIndex.build(WV, TEXTS)
    assert index.search(QUERIES, csls=0) == index.search(QUERIES)
    assert not index.has_csls


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-0.1, ValueError),
        (1e30, ValueError),
        (np.inf, ValueError),
        (np.nan, ValueError),
        (True, TypeError),
        ("x", TypeError),
    ],
)
def test_the_strength_is_checked(value, error):
    index = SentenceIndex.build(WV, TEXTS[:5])
    for search in (index.search, index.most_similar, lambda q, csls: index.score_rows([q], np.arange(2), csls=csls)):
        with pytest.raises(error, match=r"^csls: "):
            search(QUERIES[0], csls=value)


# -----------------------------------------------------------------------------------------------------
# refit


@pytest.mark.parametrize(
    "options", [{}, {"lexical_weight": 0, "lexical_dims": 0}, {"whiten": -0.3, "remove_components": 1}]
)
def test_refitting_gives_what_fitting_to_the_sentences_gives(options):
    """The weights do not depend on the sentences, so both are the same, on axes that the weighting keeps."""
    wv = make_vectors(**options | ({"lexical_dims": 80} if options.get("lexical_weight") != 0 else {}))
    index = SentenceIndex.build(wv, TEXTS, refit=True)
    fitted = SentenceWeighting(**wv.weighting.parameters).fit(wv, TEXTS)
    expected = wv.encode(TEXTS, weighting=fitted, normalize=True)
    same = expected @ expected.T
    found = index.vectors @ index.vectors.T
    if not options.get("remove_components"):  # other components would have been removed
        np.testing.assert_allclose(found, same, atol=2e-3)
    before = wv.encode(TEXTS, normalize=True)
    assert np.abs(found - before @ before.T).max() > 0.01
    assert index.wv is not wv and index.wv.vectors is wv.vectors


def test_a_refitted_index_is_consistent(tmp_path):
    weighting = WV.weighting
    index = SentenceIndex.build(WV, TEXTS, refit=True, csls=True)
    assert WV.weighting is weighting
    check(index)
    index.add(["unseenword bane", "ban"])
    assert index.search("unseenword bane")[0][1] == pytest.approx(1, abs=1e-5)
    index.save(tmp_path / "index")
    for mmap in (None, "r"):
        loaded = SentenceIndex.load(tmp_path / "index", WV, mmap=mmap)
        assert loaded.search(QUERIES, hybrid=0.4, csls=0.5) == index.search(QUERIES, hybrid=0.4, csls=0.5)
        loaded.add(["another ban"])
        loaded.save(tmp_path / "again")
        assert SentenceIndex.load(tmp_path / "again", WV).search("another ban")[0][1] == pytest.approx(1, abs=1e-5)


def test_a_refitted_index_of_other_vectors_is_refused(tmp_path):
    SentenceIndex.build(WV, TEXTS, refit=True).save(tmp_path / "index")
    other = KeyedVectors(20)
    other.add_vectors(WORDS[:-1], np.ones((len(WORDS) - 1, 20), np.float32))
    other.expandos["count"] = np.arange(5, len(WORDS) + 4)
    with pytest.raises(ValueError, match="built with other vectors"):
        SentenceIndex.load(tmp_path / "index", Sent2VecKeyedVectors.from_keyed_vectors(other))


def test_vectors_without_a_weighting_cannot_be_refitted():
    wv = make_vectors()
    wv.weighting = None
    with pytest.raises(ValueError, match=r"^refit: the vectors have no weighting"):
        SentenceIndex.build(wv, TEXTS, refit=True)
    with pytest.raises(ValueError, match=r"^refit: .* unseen_words"):
        SentenceIndex.build(make_vectors(unseen_words=False), TEXTS, refit=True)


def test_the_sample_can_be_smaller():
    n = 2 * hubs.MIN_REFERENCES
    assert len(reference_rows(n, most=100)) == 100 and len(reference_rows(50, most=100)) == 50
    vectors = WV.encode(make_texts(3000, 9), normalize=True)
    np.testing.assert_array_equal(mean_cosines(vectors, most=3000), mean_cosines(vectors))
    assert 0.8 < np.corrcoef(mean_cosines(vectors), mean_cosines(vectors, most=1000))[0, 1] < 1
    products = LexicalScores.fit(make_texts(3000, 9)).matrix()
    exact, sampled = mean_products(products), mean_products(products, most=1000)
    assert 0.8 < np.corrcoef(exact, sampled)[0, 1] < 1
