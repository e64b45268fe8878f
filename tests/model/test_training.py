"""What `train` does with a corpus: targets, learning rate, subsampling, and whether it learns."""

import copy
import math
import random

import numpy as np
import pytest
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from gensim.test.utils import common_texts
from models import SMALL, assert_usable, matrices

from gensim_sent2vec import Sent2Vec


def test_train_returns_targets_and_tokens(lee):
    model = Sent2Vec(min_count=5, vector_size=8, workers=2)
    model.build_vocab(lee)
    known = [[word for word in text if word in model.wv] for text in lee]
    targets = sum(len(text) for text in known if len(text) >= 2)  # a single word has no context
    tokens = sum(map(len, lee))
    assert model.train(lee, epochs=3) == (3 * targets, 3 * tokens)


def test_training_learns_which_words_go_together():
    numbers = random.Random(1)
    topics = [[f"{topic}{i}" for i in range(30)] for topic in "ab"]
    sentences = [numbers.choices(topics[i % 2], k=8) for i in range(2000)]
    for workers in (1, 2):
        model = Sent2Vec(sentences, vector_size=10, alpha=0.05, workers=workers)
        for word in topics[0][:3]:
            assert {neighbour[0] for neighbour, _ in model.wv.most_similar(word, topn=20)} == {"a"}
        assert model.wv.similarity_sentences(topics[0][:3], topics[0][5:], False) > 0.8
        assert model.wv.similarity_sentences(topics[0][:3], topics[1][:3], False) < 0


def test_sample_skips_targets_as_in_word2vec(lee):
    model = Sent2Vec(min_count=5, vector_size=4, sample=1e-3, workers=1)
    model.build_vocab(lee)
    counts = model.wv.expandos["count"]
    f = counts / counts.sum()
    keep = np.minimum(np.sqrt(1e-3 / f) + 1e-3 / f, 1)
    assert np.allclose(model.wv.expandos["sample_int"] / 2**32, keep)
    plain = Word2Vec(min_count=5, sample=1e-3)
    plain.build_vocab(lee)
    for word in model.wv.index_to_key[:50]:
        ours, theirs = (int(wv.get_vecattr(word, "sample_int")) for wv in (model.wv, plain.wv))
        assert ours == pytest.approx(theirs, rel=1e-6)
    trained, tokens = model.train(lee, epochs=5)
    expected, variance = 5 * (counts * keep).sum(), 5 * (counts * keep * (1 - keep)).sum()
    assert abs(trained - expected) < 6 * math.sqrt(variance)
    assert tokens == 5 * sum(map(len, lee))


def test_a_sample_threshold_above_one_is_a_count():
    model = Sent2Vec(min_count=1, sample=100)
    model.build_vocab([["a"] * 5, ["b"]])
    assert (model.wv.expandos["sample_int"] == 2**32 - 1).all()


def test_the_learning_rate_falls_from_alpha_to_min_alpha(lee):
    rates = []

    class Rates(CallbackAny2Vec):
        def on_epoch_begin(self, model):
            rates.append(model.min_alpha_yet_reached)

    model = Sent2Vec(lee, vector_size=4, alpha=0.2, min_alpha=0.05, epochs=2, workers=1, callbacks=[Rates()])
    assert rates[0] == pytest.approx(0.2)
    assert model.min_alpha_yet_reached == pytest.approx(0.05)
    assert (model.alpha, model.min_alpha) == (0.2, 0.05)
    model.train(lee, start_alpha=0.1, end_alpha=0.01, epochs=1)
    assert (model.alpha, model.min_alpha) == (0.1, 0.01)
    assert model.min_alpha_yet_reached == pytest.approx(0.01)
    model.train(lee, total_words=2 * model.corpus_total_words, epochs=1)
    assert model.min_alpha_yet_reached == pytest.approx(0.055)
    model.train(lee, total_examples=2 * len(lee), epochs=1)
    assert model.min_alpha_yet_reached == pytest.approx(0.055)
    model.train(lee, word_count=model.corpus_total_words // 2, epochs=2)
    assert model.min_alpha_yet_reached == pytest.approx(0.01)


def test_training_continues_where_it_stopped(ready):
    before = copy.deepcopy(matrices(ready))
    ready.train(common_texts)
    for name, rows in matrices(ready).items():
        assert not np.array_equal(rows, before[name])
    assert ready.train_count == 2
    assert_usable(ready)


def test_lines_of_unknown_words_change_nothing(ready, tmp_path):
    path = tmp_path / "unknown.txt"
    path.write_text("who knows\nthese words\n" * 50)
    for corpus in ({"corpus_iterable": [["who", "knows"], ["these"]] * 50}, {"corpus_file": path}):
        before = copy.deepcopy(matrices(ready))
        trained, tokens = ready.train(**corpus, total_words=200)
        assert trained == 0
        assert tokens > 0
        assert all(np.array_equal(rows, before[name]) for name, rows in matrices(ready).items())


def test_single_words_change_nothing(ready):
    before = copy.deepcopy(matrices(ready))
    assert ready.train([["graph"], ["graph", "unknown"]], total_words=3)[0] == 0
    assert all(np.array_equal(rows, before[name]) for name, rows in matrices(ready).items())


@pytest.mark.parametrize("exponent", [0, 0.5, 1, -1, 50, -50, 400, -400])
@pytest.mark.parametrize("counts", [{"a": 10**17, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 0, "b": 0, "c": 5}])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.filterwarnings("error")
@pytest.mark.timeout(30)
def test_extreme_counts_and_exponents_do_not_hang(exponent, counts, shared):
    model = Sent2Vec(min_count=0, vector_size=4, ns_exponent=exponent, workers=1, shared_negatives=shared)
    model.build_vocab_from_freq(counts)
    model.train([["a", "b", "c"], ["a", "a"], ["b", "b", "b"]] * 20, total_words=160, epochs=2)
    assert_usable(model)


def test_encode_is_that_of_the_vectors(ready):
    texts = ["human computer interface", "graph of trees"]
    np.testing.assert_array_equal(ready.encode(texts), ready.wv.encode(texts))
    vectors, known = ready.encode(texts, weighting=False, normalize=True, return_known=True)
    np.testing.assert_array_equal(vectors, ready.wv.encode(texts, False, True))
    assert known.all()


def test_repr_tells_what_the_model_is(ready):
    ready.wv.weighting = None
    assert repr(ready) == (
        "<Sent2Vec: 12 words, 8 dimensions, tokenizer split, sentence vectors are plain means, "
        "n-grams of up to 2 words in 50 rows>"
    )
    model = Sent2Vec(common_texts, tokenizer="words", **{**SMALL, "vector_size": 1000})
    assert repr(model) == "<Sent2Vec: 12 words, 1,000 dimensions, tokenizer words, weighted sentence vectors>"
    assert repr(Sent2Vec(tokenizer=str.split)).startswith("<Sent2Vec: 0 words, 100 dimensions, tokenizer ")
