"""Training that diverges is an error."""

import random

import pytest
from gensim.test.utils import common_texts
from models import SMALL, assert_usable

from gensim_sent2vec import Sent2Vec


@pytest.mark.parametrize("alpha", [1e3, 1e6, 1e30, 1e38, 1e39])
@pytest.mark.parametrize(
    "options", [{}, {"word_ngrams": 2, "bucket": 50}, {"vector_size": 100}, {"shared_negatives": False}]
)
def test_a_learning_rate_far_too_high_is_an_error(alpha, options, no_thread_left):
    with pytest.raises(ValueError, match=r"^alpha: training diverged in epoch \d+ at alpha=.*lower alpha"):
        Sent2Vec(common_texts, alpha=alpha, **{**SMALL, "epochs": 20, "workers": 2, **options})


@pytest.mark.parametrize("alpha", [0.5, 1, 2, 5, 10, 20, 50, 100])
def test_divergence_is_never_silent(alpha, lee_path):
    model = Sent2Vec(vector_size=8, workers=1, alpha=alpha, epochs=3)
    model.build_vocab(corpus_file=lee_path)
    try:
        model.train(corpus_file=lee_path)
    except ValueError as error:
        assert str(error).startswith("alpha: training diverged")
    else:
        assert_usable(model)


@pytest.mark.parametrize("size", [8, 100])
def test_vectors_that_grow_without_bound_are_an_error(size):
    """Even while they are finite."""
    rng = random.Random(1)
    weights = [1 / (i + 1) for i in range(500)]
    lines = [rng.choices([f"w{i}" for i in range(500)], weights, k=2) for _ in range(30_000)]
    try:
        model = Sent2Vec(lines, vector_size=size, workers=1, alpha=1.0, epochs=2, weighting=False)
    except ValueError as error:
        assert "grew without bound" in str(error)
    else:
        assert abs(model.wv.vectors).max() < 1e3
