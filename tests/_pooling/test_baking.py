"""Baked rows that are fitted on sentences, against the formula in plain numpy; what is baked exactly stands in
test_weighting.py."""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import sparse

from gensim_sent2vec import SentenceWeighting
from gensim_sent2vec._pooling import baking
from gensim_sent2vec._util.rows import unit_rows


@pytest.fixture
def problem():
    """Rows, counts of words in sentences, and vectors asked for."""
    random = np.random.default_rng(1)
    counts = random.integers(1, 4, (40, 12)) * (random.random((40, 12)) < 0.3)
    counts = sparse.csr_matrix(counts.astype(np.float32))
    rows, asked_for = (random.standard_normal((n, 5)).astype(np.float32) for n in (12, 40))
    return rows, counts, unit_rows(rows.mean(axis=0) + asked_for)


def nearness(baked, wv, sentences):
    """Mean cosine of plain means with the vectors that the weighting gives."""
    known = [[token for token in tokens if token in baked] for tokens in sentences]
    plain = baked.encode(known, weighting=False, normalize=True)
    return (plain * wv.encode(known, normalize=True)).sum(axis=1).mean()


def test_ridge(problem, monkeypatch):
    _, a, b = problem
    dense = a.toarray().astype(np.float64)
    exact = np.linalg.solve(dense.T @ dense + 0.7 * np.eye(12), dense.T @ b)
    off = []
    for steps in (3, 60):
        monkeypatch.setattr(baking, "STEPS", steps)
        off.append(np.abs(baking.ridge(a, b, 0.7) - exact).max())
    assert off[1] < 1e-4 < off[0] < 0.5


def test_rounds_follow_the_formula(problem, monkeypatch):
    rows, counts, asked_for = problem
    monkeypatch.setattr(baking, "STEPS", 100)
    dense, expected = counts.toarray().astype(np.float64), rows.astype(np.float64)
    for _ in range(baking.ROUNDS):
        sums = dense @ expected
        lengths = np.linalg.norm(sums, axis=1)
        usable = lengths > 0
        a = dense[usable] / lengths[usable, None]
        z, u = asked_for[usable], sums[usable] / lengths[usable, None]
        mu = baking.PRIOR * (a[a > 0] ** 2).mean()
        left = a.T @ a + mu * np.eye(12)
        expected = np.linalg.solve(left, a.T @ ((z * u).sum(axis=1, keepdims=True) * z) + mu * expected)
    np.testing.assert_allclose(baking.nearest_rows(rows, counts, asked_for), expected, atol=1e-3)


def test_words_without_evidence_stay(problem):
    rows, counts, asked_for = problem
    counts = counts.tolil()
    counts[:, 3] = 0
    asked_for[5] = 0
    found = baking.nearest_rows(rows, counts.tocsr(), asked_for)
    np.testing.assert_array_equal(found[3], rows[3])
    assert np.isfinite(found).all() and not np.allclose(found, rows)
    zeros = np.zeros_like(rows)
    np.testing.assert_array_equal(baking.nearest_rows(zeros, counts.tocsr(), asked_for), zeros)


@pytest.mark.parametrize("options", [{}, {"first_half": 1.5}])
def test_plain_means_come_nearer(wv, lee, options, tmp_path):
    wv.weighting = SentenceWeighting(lexical_dims=20 if not options else 0, **options).fit(wv, lee)
    pieces = [tokens[i : i + n] for tokens in lee for n in (4, 25) for i in range(0, len(tokens), n)]
    fitted_on, others = pieces[::2], pieces[1::2]
    baked = wv.bake(sentences=iter(fitted_on))
    assert baked.weighting is None and baked.vectors.dtype == np.float32
    for sentences in (fitted_on, others):
        assert 1 - nearness(baked, wv, sentences) < 0.9 * (1 - nearness(wv.bake(), wv, sentences))

    path = str(tmp_path / "baked.txt")
    baked.save_word2vec_format(path)
    plain = KeyedVectors.load_word2vec_format(path)
    known = [token for token in lee[0] if token in plain]
    np.testing.assert_allclose(plain.get_mean_vector(known, pre_normalize=False), baked.encode([known])[0], atol=1e-5)


def test_extra_words_and_texts(wv, lee):
    wv.weighting = SentenceWeighting(stop_words=["the"]).fit(wv, lee)
    extra = ["policewoman", "qqq"]
    texts = [" ".join([*tokens, "policewoman"]) for tokens in lee] + ["the", "", "nothing-known"]
    baked = wv.bake(extra, sentences=texts)
    assert list(baked.index_to_key)[len(wv) :] == extra and not baked["the"].any()
    only_spelt = wv.bake(extra)
    np.testing.assert_array_equal(baked["qqq"], only_spelt["qqq"])
    assert not np.allclose(baked["policewoman"], only_spelt["policewoman"], rtol=1e-3)
    np.testing.assert_array_equal(baked.vectors, wv.bake(extra, sentences=[text.split() for text in texts]).vectors)


def test_what_is_linear_is_not_fitted(wv, lee):
    wv.weighting = SentenceWeighting(linear=True).fit(wv, lee)
    np.testing.assert_array_equal(wv.bake(sentences=lee).vectors, wv.bake().vectors)


def test_errors(wv):
    for sentences in ("one text", 3):
        with pytest.raises(TypeError, match="sentences"):
            wv.bake(sentences=sentences)
    for sentences in ([], [["nothing-known"], []]):
        with pytest.raises(ValueError, match=r"sentences: none of \d has a word"):
            wv.bake(sentences=sentences)
