"""Baked rows that are fitted to sentences, compared with the formula in plain NumPy.

Steps that baked rows include exactly are tested in test_weighting.py.
"""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import sparse

from gensim_sent2vec import SentenceWeighting
from gensim_sent2vec._pooling import baking
from gensim_sent2vec._util.rows import unit_rows


@pytest.fixture
def problem():
    """Rows, counts of words in sentences, and target vectors."""
    random = np.random.default_rng(1)
    counts = random.integers(1, 4, (40, 12)) * (random.random((40, 12)) < 0.3)
    counts = sparse.csr_matrix(counts.astype(np.float32))
    rows, targets = (random.standard_normal((n, 5)).astype(np.float32) for n in (12, 40))
    return rows, counts, unit_rows(rows.mean(axis=0) + targets)


def mean_cosine(baked, wv, sentences):
    """Mean cosine between plain means and weighted vectors."""
    known = [[token for token in tokens if token in baked] for tokens in sentences]
    plain = baked.encode(known, weighting=False, normalize=True)
    return (plain * wv.encode(known, normalize=True)).sum(axis=1).mean()


def test_ridge_regression(problem):
    _, a, b = problem
    dense = a.toarray().astype(np.float64)
    exact = np.linalg.solve(dense.T @ dense + 0.7 * np.eye(12), dense.T @ b)
    errors = [np.abs(baking.ridge_regression(a, b, 0.7, steps) - exact).max() for steps in (3, 60)]
    assert errors[1] < 1e-4 < errors[0] < 0.5


def test_rounds_follow_the_formula(problem):
    rows, counts, targets = problem
    dense, expected = counts.toarray().astype(np.float64), rows.astype(np.float64)
    for _ in range(baking.ROUNDS):
        sums = dense @ expected
        lengths = np.linalg.norm(sums, axis=1)
        usable = lengths > 0
        a = dense[usable] / lengths[usable, None]
        z, u = targets[usable], sums[usable] / lengths[usable, None]
        mu = baking.PRIOR * (a[a > 0] ** 2).mean()
        left = a.T @ a + mu * np.eye(12)
        expected = np.linalg.solve(left, a.T @ ((z * u).sum(axis=1, keepdims=True) * z) + mu * expected)
    np.testing.assert_allclose(baking.fit_rows(rows, counts, targets, steps=100), expected, atol=1e-3)


def test_rows_of_words_without_evidence_stay(problem):
    rows, counts, targets = problem
    counts = counts.tolil()
    counts[:, 3] = 0
    targets[5] = 0
    fitted = baking.fit_rows(rows, counts.tocsr(), targets)
    np.testing.assert_array_equal(fitted[3], rows[3])
    assert np.isfinite(fitted).all() and not np.allclose(fitted, rows)
    zeros = np.zeros_like(rows)
    np.testing.assert_array_equal(baking.fit_rows(zeros, counts.tocsr(), targets), zeros)


@pytest.mark.parametrize("options", [{}, {"first_half": 1.5}])
def test_fitted_rows_have_better_plain_means(wv, lee, options, tmp_path):
    wv.weighting = SentenceWeighting(lexical_dims=20 if not options else 0, **options).fit(wv, lee)
    pieces = [tokens[i : i + n] for tokens in lee for n in (4, 25) for i in range(0, len(tokens), n)]
    training, held_out = pieces[::2], pieces[1::2]
    baked = wv.bake(sentences=iter(training))
    assert baked.weighting is None and baked.vectors.dtype == np.float32
    for sentences in (training, held_out):
        assert 1 - mean_cosine(baked, wv, sentences) < 0.9 * (1 - mean_cosine(wv.bake(), wv, sentences))

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
    not_fitted = wv.bake(extra)
    np.testing.assert_array_equal(baked["qqq"], not_fitted["qqq"])
    assert not np.allclose(baked["policewoman"], not_fitted["policewoman"], rtol=1e-3)
    np.testing.assert_array_equal(baked.vectors, wv.bake(extra, sentences=[text.split() for text in texts]).vectors)


def test_a_linear_weighting_is_not_fitted(wv, lee):
    wv.weighting = SentenceWeighting(linear=True).fit(wv, lee)
    np.testing.assert_array_equal(wv.bake(sentences=lee).vectors, wv.bake().vectors)


def test_errors(wv):
    for sentences in ("one text", 3):
        with pytest.raises(TypeError, match="sentences"):
            wv.bake(sentences=sentences)
    for sentences in ([], [["nothing-known"], []]):
        with pytest.raises(ValueError, match=r"sentences: none of \d sentences has a word"):
            wv.bake(sentences=sentences)
