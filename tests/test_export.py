"""Export to torch and Keras: the same sentence vectors, and rows that can be trained."""

import sys

import numpy as np
import pytest
from test_keyedvectors import HASHES, SHAPES, make_vectors

from gensim_sent2vec.export import padded_rows, sentence_rows, stacked_rows, to_embedding_bag, to_keras

SENTENCES = ["w1 w2 unknown w3 w1", "", "한국어 The é", "unknown", "w5"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason='needs torch: pip install "gensim-sent2vec[torch]"')


@pytest.fixture
def keras(monkeypatch):
    if "keras" not in sys.modules:
        monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason='needs torch: pip install "gensim-sent2vec[keras]"')
    return pytest.importorskip("keras", reason='needs keras: pip install "gensim-sent2vec[keras]"')


def means(wv, sentences):
    """Sentence vectors computed from `sentence_rows`."""
    matrix = stacked_rows(wv)
    rows, offsets = sentence_rows(wv, sentences)
    parts = np.split(rows, offsets[1:])
    return np.array([matrix[part].mean(axis=0) if len(part) else np.zeros(wv.vector_size) for part in parts])


@pytest.mark.parametrize("ngram_hash", HASHES)
@pytest.mark.parametrize(("word_ngrams", "skip_bigrams"), SHAPES)
def test_rows_of_sentences(word_ngrams, skip_bigrams, ngram_hash):
    wv = make_vectors(word_ngrams, skip_bigrams, ngram_hash)
    for sentences in (SENTENCES, [sentence.split() for sentence in SENTENCES], SENTENCES[1:2]):
        np.testing.assert_allclose(means(wv, sentences), wv.encode(sentences), atol=1e-6)
    assert [part.shape for part in sentence_rows(wv, [])] == [(0,), (0,)]


def test_rows_of_half_precision():
    wv = make_vectors(3).astype(np.float16)
    assert stacked_rows(wv).dtype == np.float32
    np.testing.assert_allclose(means(wv, SENTENCES), wv.encode(SENTENCES), atol=1e-6)


def test_the_tokenizer_is_applied_and_the_weighting_is_not(wv):
    assert wv.weighting is not None
    wv.tokenizer = "simple"
    sentences = ["The POLICE, in Sydney!", "rain"]
    np.testing.assert_allclose(means(wv, sentences), wv.encode(sentences, weighting=False), atol=1e-6)


def test_words_come_first():
    wv = make_vectors(2)
    rows, offsets = sentence_rows(wv, ["w1 w2", "w7"])
    assert rows[:2].tolist() == [1, 2] and rows[2] >= len(wv) and rows[3:].tolist() == [7]
    assert offsets.tolist() == [0, 3]


@pytest.mark.parametrize(("word_ngrams", "skip_bigrams"), SHAPES)
def test_embedding_bag(torch, word_ngrams, skip_bigrams):
    wv = make_vectors(word_ngrams, skip_bigrams)
    bag, lookup = wv.to_embedding_bag()
    with torch.no_grad():
        vectors = bag(*lookup(SENTENCES)).numpy()
    np.testing.assert_allclose(vectors, wv.encode(SENTENCES), atol=1e-6)
    assert bag.weight.requires_grad


@pytest.mark.parametrize("sparse", [False, True])
def test_the_bag_learns_and_the_vectors_are_unchanged(torch, sparse):
    wv = make_vectors(2)
    before = wv.vectors.copy()
    bag, lookup = to_embedding_bag(wv, sparse=sparse)
    target = torch.ones(2, wv.vector_size)
    losses = []
    for _ in range(20):
        loss = ((bag(*lookup(["w1 w2", "w3"])) - target) ** 2).sum()
        losses.append(loss.item())
        bag.weight.grad = None
        loss.backward()
        with torch.no_grad():
            grad = bag.weight.grad
            assert grad.is_sparse == sparse
            bag.weight -= 0.3 * (grad.to_dense() if sparse else grad)
    assert losses[-1] < losses[0] / 10
    np.testing.assert_array_equal(wv.vectors, before)


def test_a_bag_that_is_not_trainable(torch):
    bag, _ = to_embedding_bag(make_vectors(), trainable=False)
    assert not bag.weight.requires_grad


@pytest.mark.parametrize(("word_ngrams", "skip_bigrams"), SHAPES)
def test_padded_rows(word_ngrams, skip_bigrams):
    wv = make_vectors(word_ngrams, skip_bigrams)
    rows, offsets = sentence_rows(wv, SENTENCES)
    padded = padded_rows(wv, SENTENCES)
    for line, part in zip(padded, np.split(rows, offsets[1:])):
        expected = part + 2 if len(part) else np.array([1])
        assert line[: len(expected)].tolist() == expected.tolist() and not line[len(expected) :].any()
    assert padded.dtype == np.int64 and padded[:, -1].any()
    assert [padded_rows(wv, given).tolist() for given in ([], ["", "unknown"])] == [[], [[1], [1]]]


@pytest.mark.parametrize(("word_ngrams", "skip_bigrams"), SHAPES)
def test_keras(keras, word_ngrams, skip_bigrams):
    wv = make_vectors(word_ngrams, skip_bigrams)
    layers, lookup = to_keras(wv)
    vectors = keras.ops.convert_to_numpy(layers(lookup(SENTENCES)))
    np.testing.assert_allclose(vectors, wv.encode(SENTENCES), atol=1e-6)
    assert len(layers.trainable_weights) == 1 and not to_keras(wv, trainable=False)[0].trainable_weights


def test_keras_learns_and_the_vectors_are_unchanged(keras):
    wv = make_vectors(2)
    before = wv.vectors.copy()
    layers, lookup = to_keras(wv)
    model = keras.Sequential([layers])
    model.compile("adam", "mse")
    inputs, targets = lookup(["w1 w2", "w3", ""]), np.ones((3, wv.vector_size))
    losses = model.fit(inputs, targets, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    rows = keras.ops.convert_to_numpy(layers.trainable_weights[0])
    assert not rows[0].any(), "padding is masked, and is not trained"
    np.testing.assert_array_equal(wv.vectors, before)


def test_errors(monkeypatch):
    wv = make_vectors()
    with pytest.raises(TypeError, match="sentences"):
        sentence_rows(wv, "w1")
    with pytest.raises(TypeError, match="wv"):
        sentence_rows({}, ["w1"])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[torch\]"):
        to_embedding_bag(wv)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[keras\].*KERAS_BACKEND=torch"):
        to_keras(wv)
