"""Mining of pairs, near duplicates and communities, against all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, _kernel
from gensim_sent2vec._search.pairs import n_neighbors, n_pairs, nearest_earlier_rows, nearest_rows, tiles
from gensim_sent2vec.mining import (
    Community,
    _nearest_earlier_by_graph,
    community_detection,
    counts_by_threshold,
    earlier_duplicates,
    near_duplicates,
    paraphrase_mining,
)


@pytest.fixture(scope="module")
def wv():
    rng = np.random.default_rng(5)
    result = Sent2VecKeyedVectors(8)
    words = [f"w{i}" for i in range(60)]
    result.add_vectors(words, rng.standard_normal((60, 8)).astype(np.float32))
    return result


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(6)
    made = [" ".join(f"w{i}" for i in rng.integers(0, 60, rng.integers(1, 5))) for _ in range(300)]
    made[7], made[150], made[299] = made[3], made[3], ""  # equal texts, an empty one
    made[20], made[21] = "nothing known", "nothing known"
    return made


def cosines(wv, texts):
    vectors = wv.encode(texts, normalize=True).astype(np.float64)
    products = vectors @ vectors.T
    known = vectors.any(axis=1)
    products[~known] = products[:, ~known] = -np.inf
    np.fill_diagonal(products, -np.inf)
    return products


def test_pairs_are_those_of_all_products(wv, texts):
    products = cosines(wv, texts)
    for topn, threshold in ((1, 0.5), (3, 0.8), (1000, 0.9), (10, 1.0)):
        nearest = np.zeros_like(products, dtype=bool)
        for row, order in enumerate(np.argsort(-products, axis=1, kind="stable")[:, :topn]):
            nearest[row, order] = True
        expected = {
            (int(i), int(j))
            for i, j in zip(*np.nonzero((nearest | nearest.T) & (products >= threshold - 1e-6)))
            if i < j
        }
        found = paraphrase_mining(wv, texts, topn=topn, threshold=threshold)
        scores = [score for score, _, _ in found]
        assert scores == sorted(scores, reverse=True)
        assert max(scores) <= 1
        assert len({(i, j) for _, i, j in found}) == len(found)
        assert {(i, j) for _, i, j in found} ^ expected <= ties_of(products, topn)
        for score, i, j in found:
            assert score == pytest.approx(products[i, j], abs=1e-6)


def ties_of(products, topn):
    """Pairs at the limit of the top n, whose order rounding may change."""
    products = np.maximum(products, -2)
    limit = -np.sort(-products, axis=1)[:, min(topn, len(products) - 1) - 1]
    close = np.abs(products - limit[:, None]) < 1e-6
    return {(int(min(i, j)), int(max(i, j))) for i, j in zip(*np.nonzero(close | close.T))}


def test_equal_texts_are_found_with_a_threshold_of_one(wv, texts):
    pairs = [(i, j) for _, i, j in paraphrase_mining(wv, texts, threshold=1)]
    assert {(3, 7), (3, 150), (7, 150)} <= set(pairs)
    assert near_duplicates(wv, texts, threshold=1)[[7, 150]].all()


def test_sentences_without_known_words_are_in_no_pair(wv, texts):
    pairs = paraphrase_mining(wv, texts, threshold=-1, topn=len(texts))
    assert not {20, 21, 299} & {row for _, i, j in pairs for row in (i, j)}
    n = len(texts) - 3
    assert len(pairs) == n * (n - 1) // 2


def test_a_duplicate_has_a_similar_or_equal_earlier_sentence(wv, texts):
    products = cosines(wv, texts)
    for threshold in (0.7, 0.9):
        expected = np.tril(products, -1).max(axis=1, where=np.tri(len(texts), k=-1, dtype=bool), initial=-1)
        expected = expected >= threshold - 1e-6
        expected[21] = True  # the text of row 20, of unknown words
        found = near_duplicates(wv, texts, threshold=threshold)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, expected)
    rows, scores = earlier_duplicates(wv, texts, threshold=0.9)
    assert rows[7] == rows[150] == 3 and rows[21] == 20 and rows[20] == rows[0] == -1
    assert scores[7] == scores[21] == 1 and scores[0] == 0
    assert not near_duplicates(wv, texts, threshold=1)[299]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 12), st.booleans(), st.integers(0, 99))
def test_tiles_of_any_size_give_the_same(n, topn, tile_rows, half, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (n, 3)).astype(np.float16 if half else np.float32)  # exact products, many ties
    products = vectors.astype(np.float32) @ vectors.astype(np.float32).T
    np.fill_diagonal(products, -np.inf)
    earlier = np.where(np.tri(n, k=-1, dtype=bool), products, -np.inf)
    for matrix, k, found in (
        (products, topn, nearest_rows(vectors, topn, tile_rows=tile_rows)),
        (earlier, 1, nearest_earlier_rows(vectors, tile_rows=tile_rows)),
    ):
        assert len(found) == n
        for row, (rows, scores) in zip(matrix, found):
            expected = np.argsort(-row, kind="stable")[: min(k, np.isfinite(row).sum())]
            assert rows.tolist() == expected.tolist()
            assert scores.tolist() == row[expected].tolist()
    counts = n_neighbors(vectors, 1.0, tile_rows=tile_rows)
    assert counts.tolist() == (products >= 1).sum(axis=1).tolist()
    assert sum(products.size for _, _, products in tiles(vectors, tile_rows=tile_rows)) == n_pairs(n, tile_rows)


def test_columns_must_match_the_queries():
    top_k = _kernel.TopK(np.empty((3, 0), dtype=np.float32), 1)
    with pytest.raises(ValueError, match="scores: expected 3 columns, one per query, got 2"):
        top_k.add_columns(np.zeros((5, 2), dtype=np.float32), 0)


def test_communities_do_not_overlap_and_are_near_their_centers(wv, texts):
    products = cosines(wv, texts)
    communities = community_detection(wv, texts, threshold=0.8, min_community_size=4)
    assert communities and [len(c) for c in communities] == sorted(map(len, communities), reverse=True)
    rows = [row for community in communities for row in community]
    assert len(rows) == len(set(rows))
    for center, *others in communities:
        similarities = products[center, others]
        assert (similarities >= 0.8 - 1e-6).all()
        assert (np.diff(similarities) <= 1e-6).all()
    # Greedy: the first center has the most neighbors, and its community has all of them.
    counts = (products >= 0.8 - 1e-6).sum(axis=1)
    assert len(communities[0]) == counts.max() + 1
    assert community_detection(wv, texts, threshold=0.8, min_community_size=10**6) == []


def test_a_community_is_labeled_by_its_typical_words():
    texts = [f"w1 w2 w{i}" for i in range(10, 20)] + [f"w7 w{i}" for i in range(20, 30)]
    wv = wv_of_two_topics()
    communities = community_detection(wv, texts, threshold=0.9, min_community_size=5)
    assert [sorted(community) for community in communities] == [list(range(10)), list(range(10, 20))]
    assert set(communities[0].words[:2]) == {"w1", "w2"} and communities[1].words[0] == "w7"
    assert repr(communities[1]) == f"<Community of 10 sentences around row {communities[1][0]}: " + (
        ", ".join(communities[1].words) + ">"
    )
    assert isinstance(communities[0], Community)


def wv_of_two_topics():
    wv = Sent2VecKeyedVectors(2)
    small = np.array([0.05, 0.05], dtype=np.float32)
    wv.add_vectors(["w1", "w2", "w7"], np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32))
    wv.add_vectors([f"w{i}" for i in range(10, 30)], np.tile(small, (20, 1)))
    return wv


@pytest.mark.parametrize("sentences", [[], [""], ["w1"], ["unknown", "unknown"]])
def test_few_sentences(wv, sentences):
    assert paraphrase_mining(wv, sentences) == []
    assert community_detection(wv, sentences, min_community_size=2) == []
    assert near_duplicates(wv, sentences).tolist() == [False, True][: len(sentences)] or len(sentences) < 2


def test_an_index_is_mined_as_its_sentences_are(wv, texts):
    index = SentenceIndex.build(wv, texts, keys=range(len(texts)))
    assert paraphrase_mining(index) == paraphrase_mining(wv, texts)
    assert near_duplicates(index).tolist() == near_duplicates(wv, texts).tolist()
    assert community_detection(index, threshold=0.8) == community_detection(wv, texts, threshold=0.8)
    half = SentenceIndex.build(wv, texts, dtype=np.float16)
    assert {pair[1:] for pair in paraphrase_mining(half, threshold=0.95)} >= {(3, 7), (3, 150), (7, 150)}


def test_a_graph_finds_nearly_the_same(wv, texts):
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    exact = {pair[1:] for pair in paraphrase_mining(wv, texts)}
    for mined in (wv, SentenceIndex.build(wv, texts, method="hnsw")):
        sentences = texts if mined is wv else None
        found = {pair[1:] for pair in paraphrase_mining(mined, sentences, method="hnsw")}
        assert len(found & exact) >= 0.95 * len(exact)
        repeated = near_duplicates(mined, sentences, method="hnsw")
        assert repeated[[7, 21, 150]].all() and (repeated <= near_duplicates(wv, texts)).all()


def test_a_graph_finds_an_earlier_row_however_many_later_ones_are_nearer():
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    rng = np.random.default_rng(0)
    near = 1 + 0.05 * rng.standard_normal((200, 8))
    near[0] += [1.0, *np.zeros(7)]  # the 199 others are nearer to each other than to the first
    wv = Sent2VecKeyedVectors(8)
    words = [f"w{i}" for i in range(200)]
    wv.add_vectors(words, near.astype(np.float32))
    index = SentenceIndex.build(wv, words)
    for batch_size in (16, 50, 1000):
        nearest = _nearest_earlier_by_graph(index, batch_size)
        expected = nearest_earlier_rows(index.vectors)
        assert [rows.tolist() for rows, _ in nearest[:2]] == [[], [0]]
        found = [rows[0] for rows, _ in nearest[1:]]
        assert np.mean([row == other[0] for row, (other, _) in zip(found, expected[1:])]) > 0.95
    assert near_duplicates(wv, words, method="hnsw").tolist() == [False, *[True] * 199]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_scores_of_a_graph_are_exact(wv, texts, dtype):
    pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    index = SentenceIndex.build(wv, texts, dtype=dtype)
    exact = {pair[1:]: pair[0] for pair in paraphrase_mining(index, threshold=0.5)}
    for score, *pair in paraphrase_mining(index, threshold=0.5, method="hnsw"):
        assert exact.get(tuple(pair), score) == pytest.approx(score, abs=1e-6)
    rows, scores = earlier_duplicates(index, threshold=0.5)
    found, found_scores = earlier_duplicates(index, threshold=0.5, method="hnsw")
    assert found_scores[found == rows] == pytest.approx(scores[found == rows], abs=1e-6)


@pytest.mark.parametrize("mine", [paraphrase_mining, near_duplicates, community_detection])
def test_invalid_arguments_are_named(wv, mine):
    with pytest.raises(TypeError, match="sentences: missing"):
        mine(wv)
    with pytest.raises(TypeError, match="sentences: an index has its own"):
        mine(SentenceIndex.build(wv, ["w1"]), ["w2"])
    with pytest.raises(TypeError, match="wv: expected Sent2VecKeyedVectors, got str"):
        mine("model.s2v", ["w2"])
    with pytest.raises(ValueError, match="threshold: must be between -1 and 1, got 90"):
        mine(wv, ["w1"], threshold=90)
    with pytest.raises(TypeError, match="sentences: row 1"):
        mine(wv, ["w1", None])


def test_a_changed_model_is_noticed(wv):
    own = Sent2VecKeyedVectors.from_keyed_vectors(wv)
    own.vectors = own.vectors.copy()
    index = SentenceIndex.build(own, ["w1", "w2"])
    own.vectors *= -2
    with pytest.raises(ValueError, match="changed"):
        paraphrase_mining(index)
    with pytest.raises(ValueError, match="method: expected"):
        paraphrase_mining(wv, ["w1"], method="annoy")


# -----------------------------------------------------------------------------------------------------
# Which threshold?


def test_counts_by_threshold():
    scores = np.array([1, 0.95, 0.8999999, 0.72, -0.3], dtype=np.float32)
    assert counts_by_threshold(scores) == {0.95: 2, 0.9: 3, 0.85: 3, 0.8: 3, 0.7: 4, 0.6: 4, 0.5: 4}
    assert counts_by_threshold((score for score in (0.2, 0.1)), (0.15, 0)) == {0.15: 1, 0: 2}
    assert counts_by_threshold([], (0.5,)) == {0.5: 0}
    for scores in (0.5, [(0.5, 1, 2)], ["high"]):
        with pytest.raises(TypeError, match=r"^scores: expected a list of numbers"):
            counts_by_threshold(scores)
    with pytest.raises(ValueError, match=r"^scores: .*got NaN"):
        counts_by_threshold([0.3, float("nan")])


def test_the_distribution_of_similarities_is_logged(wv, texts, caplog):
    caplog.set_level("INFO", logger="gensim_sent2vec.mining")
    earlier_duplicates(wv, texts, threshold=0.9)
    index = SentenceIndex.build(wv, texts)
    best = np.tril(index.vectors @ index.vectors.T - 2 * np.eye(len(texts)), -1)[1:]
    counts = ", ".join(f"{n:,} at {at:g}" for at, n in counts_by_threshold(best.max(axis=1)).items())
    assert (
        f"sentences with a similar earlier one, by threshold: {counts}; the highest similarity is 1.000" in caplog.text
    )
    caplog.clear()
    pairs = paraphrase_mining(wv, texts, threshold=0.9)
    assert f"{len(pairs):,} pairs at threshold 0.9; sentences with a similar one, by threshold: " in caplog.text
    caplog.clear()
    assert community_detection(wv, texts, min_community_size=10**6) == []
    assert (
        "no community: at threshold 0.75, no sentence has 999,999 neighbors or more; the largest group has"
        in caplog.text
    )
    caplog.clear()
    assert paraphrase_mining(wv, []) == [] and not caplog.records
