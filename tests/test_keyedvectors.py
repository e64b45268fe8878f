"""Sent2VecKeyedVectors: sentence vectors compared with plain numpy, and the methods of gensim's KeyedVectors."""

import copy
import gzip
import pickle
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.test.utils import common_texts, datapath
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, _kernel
from gensim_sent2vec._files import container
from gensim_sent2vec._text.vocabulary import IndexToKey, Vocabulary
from gensim_sent2vec.keyedvectors import BATCH_SIZE

WORDS = [f"w{i}" for i in range(40)] + ["한국어", "é", "\U0001f600", "The"]
SHAPES = [(1, False), (2, False), (3, False), (5, False), (2, True), (4, True)]  # word_ngrams, skip_bigrams
HASHES = ["mixed", "epfml"]


def make_vectors(word_ngrams=1, skip_bigrams=False, ngram_hash="mixed", dim=10, bucket=37, words=WORDS):
    """Vectors with random rows."""
    rows = np.random.default_rng(1)
    wv = Sent2VecKeyedVectors(dim)
    wv.set_words(Vocabulary.from_words(words))
    wv.vectors = rows.standard_normal((len(words), dim), dtype=np.float32)
    if word_ngrams > 1:
        wv.vectors_ngrams = rows.standard_normal((bucket, dim), dtype=np.float32)
    wv.word_ngrams, wv.skip_bigrams, wv.ngram_hash = word_ngrams, skip_bigrams, ngram_hash
    return wv


# ---------------------------------------------------------------------------------------------------
# Plain numpy

MASK = 2**64 - 1


def mix(z: int) -> int:
    """The finalizer of splitmix64."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def ngram_row(ids, bucket: int, ngram_hash: str) -> int:
    """The row of one n-gram of word ids. The placeholder has id 0 in the reference program, and 1 in new models."""
    first, factor = (1, 116049371) if ngram_hash == "epfml" else (2, 0xD1342543DE82EF95)
    h = 0
    for i in ids:
        h = (h * factor + i + first) & MASK
    return h % bucket if ngram_hash == "epfml" else mix(h) * bucket >> 64


def ngrams(ids, n: int, skip: bool):
    """All n-grams of a sentence: contiguous ones of 2 to n words, or pairs up to distance n - 1."""
    if skip:
        return [(ids[i], ids[j]) for i in range(len(ids)) for j in range(i + 1, min(i + n, len(ids)))]
    return [ids[i : i + k] for k in range(2, n + 1) for i in range(len(ids) - k + 1)]


def by_hand(wv, tokens) -> np.ndarray:
    """The mean of the rows of a sentence's words and n-grams."""
    words = {word: i for i, word in enumerate(wv.index_to_key)}
    ids = [words[token] for token in tokens if token in words]
    rows = [wv.vectors[i] for i in ids]
    for gram in ngrams(ids, wv.word_ngrams, wv.skip_bigrams):
        rows.append(wv.vectors_ngrams[ngram_row(gram, wv.bucket, wv.ngram_hash)])
    return np.mean(rows, axis=0, dtype=np.float64) if rows else np.zeros(wv.vector_size)


def some_sentences(n: int, seed: int = 1) -> list[list[str]]:
    """Sentences of 0 to 30 words, with repeated and unknown words."""
    numbers = random.Random(seed)
    return [numbers.choices([*WORDS, "unknown", "nobody"], k=numbers.choice([0, 1, 2, 3, 7, 30])) for _ in range(n)]


def test_the_worked_example_of_the_reference_hash():
    """n-grams of 14 17 26 1538 2 6 in a vocabulary of 1745; our ids are one less, as the placeholder is not a word."""
    known = {(14, 17): 692956, (14, 17, 26): 1780052, (17, 26): 841078, (2, 6): 100493}
    for gram, row in known.items():
        assert 1745 + ngram_row([i - 1 for i in gram], 2_000_000, "epfml") == row


@pytest.mark.parametrize("ngram_hash", HASHES)
@pytest.mark.parametrize("word_ngrams, skip_bigrams", SHAPES)
@pytest.mark.parametrize("dim", [1, 7, 100, 300])
def test_a_sentence_vector_is_the_mean_of_its_rows(word_ngrams, skip_bigrams, ngram_hash, dim):
    wv = make_vectors(word_ngrams, skip_bigrams, ngram_hash, dim, bucket=1009)
    for tokens in some_sentences(40):
        vector = wv.get_sentence_vector(tokens)
        assert vector.shape == (dim,)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, by_hand(wv, tokens), rtol=1e-4, atol=1e-5)


@given(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=12), st.sampled_from(SHAPES), st.sampled_from(HASHES))
def test_any_sentence_is_the_mean_of_its_rows(tokens, shape, ngram_hash):
    wv = make_vectors(*shape, ngram_hash)
    np.testing.assert_allclose(wv.get_sentence_vector(tokens), by_hand(wv, tokens), rtol=1e-4, atol=1e-5)
    assert np.array_equal(wv.get_sentence_vector(" ".join(tokens)), wv.get_sentence_vector(tokens))


def test_trained_vectors_are_pooled_the_same_way(wv, lee):
    for tokens in lee[:50]:
        np.testing.assert_allclose(wv.get_sentence_vector(tokens, False), by_hand(wv, tokens), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_words, bucket", [(2**16, 2**20), (3, 2_000_000), (5, 1)])
def test_rows_far_into_the_matrices(n_words, bucket):
    wv = make_vectors(3, dim=2, bucket=bucket, words=[f"w{i}" for i in range(n_words)])
    for tokens in (["w0", "w1", "w2"], [f"w{n_words - 1}", f"w{n_words - 2}", f"w{n_words - 1}"]):
        np.testing.assert_allclose(wv.get_sentence_vector(tokens), by_hand(wv, tokens), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------------------
# Sentences and streams of sentences


@pytest.fixture(params=SHAPES[1::3], ids=str)
def bigrams(request):
    return make_vectors(*request.param)


def loop(wv, sentences) -> np.ndarray:
    return np.array([wv.get_sentence_vector(sentence) for sentence in sentences], dtype=np.float32)


@pytest.mark.parametrize("workers", [None, 1, 2, 8])
@pytest.mark.parametrize("batch", [1, 7, 2048])
def test_encode_equals_a_loop(bigrams, workers, batch, no_thread_left):
    sentences = some_sentences(100)
    expected = loop(bigrams, sentences)
    texts = [" ".join(sentence) for sentence in sentences]
    for same in (sentences, tuple(map(tuple, sentences)), iter(sentences), texts, (text for text in texts)):
        vectors = bigrams.encode(same, workers=workers, batch_size=batch)
        assert vectors.dtype == np.float32
        assert np.array_equal(vectors, expected)


def test_encode_of_many_batches(bigrams):
    sentences = some_sentences(3 * BATCH_SIZE + 5)
    assert np.array_equal(bigrams.encode(sentences), loop(bigrams, sentences))


@pytest.mark.parametrize("empty", [[], (), iter([])])
def test_encode_of_no_sentences(bigrams, empty):
    vectors = bigrams.encode(empty)
    assert vectors.shape == (0, 10)
    assert vectors.dtype == np.float32
    assert bigrams.encode(empty, normalize=True).shape == (0, 10)


def test_encode_accepts_arrays_of_strings(bigrams):
    texts = [" ".join(sentence) for sentence in some_sentences(20)]
    for dtype in (object, str):
        assert np.array_equal(bigrams.encode(np.array(texts, dtype=dtype)), loop(bigrams, texts))
    assert np.array_equal(bigrams.get_sentence_vector(np.str_("w1 w2")), bigrams.get_sentence_vector("w1 w2"))
    assert np.array_equal(bigrams.get_sentence_vector(np.array(["w1", "w2"])), bigrams.get_sentence_vector("w1 w2"))


def test_texts_are_split_as_python_splits_them(bigrams):
    text = "w1\tw2\u3000w3\r\nw4\n\n w5\x85w6\u2028w7"
    assert np.array_equal(bigrams.get_sentence_vector(text), bigrams.get_sentence_vector(text.split()))
    assert np.array_equal(bigrams.get_sentence_vector(text), bigrams.get_sentence_vector("w1 w2 w3 w4 w5 w6 w7"))


def test_tokens_are_used_as_they_are():
    wv = make_vectors(words=["a b", "a", "", "\ud800"])
    assert np.array_equal(wv.get_sentence_vector(["a b"]), wv.vectors[0])
    assert np.array_equal(wv.get_sentence_vector("a b"), wv.vectors[1])
    assert np.array_equal(wv.get_sentence_vector([""]), wv.vectors[2])
    assert np.array_equal(wv.get_sentence_vector("\ud800"), wv.vectors[3])


@pytest.mark.parametrize("sentence", ["", " \n", [], "unknown", ["unknown", "words"], "W1"])
def test_unknown_sentences_give_zeros(bigrams, sentence):
    assert not bigrams.get_sentence_vector(sentence).any()
    assert not bigrams.encode([sentence, sentence]).any()
    assert not bigrams.encode([sentence], normalize=True).any()


def test_zeros_are_in_the_rows_of_unknown_sentences(bigrams):
    vectors = bigrams.encode(["w1", "unknown", "", "w2"])
    assert vectors.any(axis=1).tolist() == [True, False, False, True]


def test_normalize(bigrams):
    sentences = some_sentences(100)
    plain, unit = bigrams.encode(sentences), bigrams.encode(sentences, normalize=True)
    assert unit.dtype == np.float32
    lengths = np.linalg.norm(plain, axis=1)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), lengths > 0, atol=1e-6)
    np.testing.assert_allclose(unit * lengths[:, None], plain, rtol=1e-5, atol=1e-6)


def test_a_sentence_vector_can_be_modified(bigrams):
    """It is a copy, not a view of the matrix."""
    before = bigrams.vectors.copy()
    vector = bigrams.get_sentence_vector(["w1"])
    vector += 1
    assert np.array_equal(bigrams.vectors, before)


def test_similarity_of_sentences(bigrams):
    a, b = "w1 w2 w3", ["w4", "w5"]
    va, vb = bigrams.get_sentence_vector(a), bigrams.get_sentence_vector(b)
    cosine = va @ vb / np.linalg.norm(va) / np.linalg.norm(vb)
    assert bigrams.similarity_sentences(a, b) == pytest.approx(cosine, abs=1e-6)
    assert bigrams.similarity_sentences(b, a) == pytest.approx(cosine, abs=1e-6)
    assert bigrams.similarity_sentences(a, a) == pytest.approx(1)
    assert bigrams.similarity_sentences(a, "unknown") == 0
    assert isinstance(bigrams.similarity_sentences(a, b), float)


def test_encode_of_a_single_text(bigrams):
    for text in ("w1 w2", np.str_("w1"), "unknown", ""):
        [expected], [known] = bigrams.encode([text], return_known=True)
        vector, is_known = bigrams.encode(text, return_known=True)
        assert vector.shape == (10,) and np.array_equal(vector, expected) and is_known is bool(known)
        assert np.array_equal(bigrams.encode(text), expected)
    assert np.linalg.norm(bigrams.encode("w1 w2", normalize=True)) == pytest.approx(1)
    with pytest.raises(TypeError, match=r"^sentences: expected a list of texts, got the single string b'one"):
        bigrams.encode(b"one sentence")


def test_similarity_matrix(bigrams):
    a, b = ["w1 w2", "w3", "unknown"], [["w2"], ["w1", "w2"]]
    matrix = bigrams.similarity_matrix(a, b)
    assert matrix.shape == (3, 2) and matrix.dtype == np.float32 and matrix[0, 1] == pytest.approx(1)
    expected = [[bigrams.similarity_sentences(x, y) for y in b] for x in a]
    np.testing.assert_allclose(matrix, expected, atol=1e-6)
    np.testing.assert_array_equal(bigrams.similarity_matrix(a), bigrams.similarity_matrix(iter(a), a))
    assert bigrams.similarity_matrix([], b).shape == (0, 2) and bigrams.similarity_matrix(a, []).shape == (3, 0)
    for name, arguments in (("a", ("w1", ["w2"])), ("b", (["w1"], "w2"))):
        with pytest.raises(TypeError, match=rf"^{name}: expected a list of texts, got the single string"):
            bigrams.similarity_matrix(*arguments)
    for name, arguments in (("a", (["w1", None], ["w2"])), ("b", (["w1"], ["w2", None]))):
        with pytest.raises(TypeError, match=rf"^{name}: row 1: a missing value"):
            bigrams.similarity_matrix(*arguments)


def test_similarities_are_at_most_1(wv, lee):
    texts = [" ".join(tokens) for tokens in lee]
    assert np.abs(wv.similarity_matrix(texts)).max() <= 1
    assert max(wv.similarity_sentences(text, text) for text in texts) <= 1


def test_repr(wv):
    wv.word_ngrams, wv.tokenizer = 2, "words"
    expected = (
        "<Sent2VecKeyedVectors: 3,955 words, 20 dimensions, tokenizer words, SentenceWeighting(), n-grams of up to 2 "
        "words in 5,000 rows>"
    )
    assert repr(wv).replace(f"{len(wv):,}", "3,955") == expected
    wv.weighting, wv.word_ngrams = None, 1
    assert repr(wv.astype(np.float16)).endswith("dimensions, tokenizer words, plain means, float16>")
    assert repr(Sent2VecKeyedVectors(3)).startswith("<Sent2VecKeyedVectors: 0 words, 3 dimensions, tokenizer split")


@pytest.mark.parametrize(
    "sentences", [[1, 2], [None], [["w1", 2]], [b"w1"], ["w1", ["w2"]], [["w1"], "w2"], 5, [["w1"], None]]
)
def test_encode_refuses_invalid_sentences(bigrams, sentences, no_thread_left):
    with pytest.raises(TypeError):
        bigrams.encode(sentences)


@pytest.mark.parametrize("sentence", [5, None, b"w1", ["w1", None], [["w1"]]])
def test_get_sentence_vector_refuses_invalid_sentences(bigrams, sentence):
    with pytest.raises(TypeError):
        bigrams.get_sentence_vector(sentence)


@pytest.mark.parametrize("workers", [0, -1])
def test_encode_refuses_to_work_without_threads_or_batches(bigrams, workers):
    with pytest.raises(ValueError, match=rf"^workers:? must be at least 1, got {workers}"):
        bigrams.encode(["w1"], workers=workers)
    with pytest.raises(ValueError, match=rf"^batch_size:? must be at least 1, got {workers}"):
        bigrams.encode(["w1"], batch_size=workers)


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_of_the_stream_reaches_the_caller(bigrams, workers, no_thread_left):
    def stream():
        yield from ["w1"] * 100
        raise OSError("the network is down")

    with pytest.raises(OSError, match="the network is down"):
        bigrams.encode(stream(), workers=workers, batch_size=3)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stream_is_read_no_further_than_the_threads_need(bigrams, workers, no_thread_left):
    """An invalid sentence ends an infinite stream."""

    def stream():
        yield from ["w1"] * 100
        yield 5
        while True:
            yield "w2"

    with pytest.raises(TypeError):
        bigrams.encode(stream(), workers=workers, batch_size=3)


def test_progress_is_shown_on_request(bigrams, capfd):
    bigrams.encode(["w1"] * 10, show_progress_bar=True)
    assert "encode" in capfd.readouterr().err
    bigrams.encode(["w1"] * 10)
    assert capfd.readouterr().err == ""


def test_vectors_without_words_give_zeros():
    wv = Sent2VecKeyedVectors(4)
    assert wv.get_sentence_vector("a").tolist() == [0, 0, 0, 0]
    assert wv.encode([["a"], []]).tolist() == [[0] * 4] * 2


# ---------------------------------------------------------------------------------------------------
# Changes take effect


def test_new_matrices_take_effect(bigrams):
    sentences = some_sentences(10)
    bigrams.encode(sentences)
    bigrams.vectors = bigrams.vectors * 2
    bigrams.vectors_ngrams = bigrams.vectors_ngrams * 3
    for tokens in sentences:
        np.testing.assert_allclose(bigrams.get_sentence_vector(tokens), by_hand(bigrams, tokens), rtol=1e-4, atol=1e-5)
    bigrams.vectors[:] = 0
    np.testing.assert_array_equal(bigrams.get_sentence_vector("w1"), 0)


@pytest.mark.parametrize(
    "name, value", [("word_ngrams", 1), ("word_ngrams", 3), ("skip_bigrams", True), ("ngram_hash", "epfml")]
)
def test_new_attributes_take_effect(name, value):
    wv, tokens = make_vectors(4), WORDS[:6]
    wv.get_sentence_vector(tokens)
    setattr(wv, name, value)
    np.testing.assert_allclose(wv.get_sentence_vector(tokens), by_hand(wv, tokens), rtol=1e-4, atol=1e-5)


def test_matrices_that_do_not_match_are_refused():
    wv = make_vectors(2)
    wv.vectors = wv.vectors[:-1]
    expected = f"vectors: expected at least one row per word, {len(WORDS)}, got {len(WORDS) - 1}"
    with pytest.raises(ValueError, match=expected):
        wv.encode(["w1"])
    wv = make_vectors(2)
    wv.vectors_ngrams = wv.vectors_ngrams[:0]
    with pytest.raises(ValueError, match="vectors_ngrams"):
        wv.encode(["w1"])
    wv.vectors_ngrams = np.zeros((5, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="vectors_ngrams"):
        wv.encode(["w1"])


def test_words_can_be_added(bigrams):
    added = np.arange(20, dtype=np.float32).reshape(2, 10)
    before = list(bigrams.index_to_key)
    bigrams.add_vectors(["new", "newer"], added)
    assert list(bigrams.index_to_key) == [*before, "new", "newer"]
    assert np.array_equal(bigrams.get_sentence_vector("new"), added[0])
    assert np.array_equal(bigrams["newer"], added[1])
    assert bigrams.most_similar("newer", topn=1)[0][0] == "new"
    np.testing.assert_allclose(bigrams.get_sentence_vector("w1 newer"), by_hand(bigrams, ["w1", "newer"]), rtol=1e-5)
    bigrams["w1"] = np.ones(10, dtype=np.float32)
    assert np.array_equal(bigrams.get_sentence_vector("w1"), np.ones(10))
    bigrams.add_vectors(["w1"], np.zeros((1, 10)))  # gensim's add_vectors keeps what is there
    assert np.array_equal(bigrams["w1"], np.ones(10))
    bigrams.add_vectors(["w1"], np.zeros((1, 10)), replace=True)
    assert not bigrams.get_sentence_vector("w1").any()


def test_single_words_can_be_added(bigrams):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gensim warns that it is slow
        assert bigrams.add_vector("new", np.full(10, 3)) == len(WORDS)
    assert bigrams.get_sentence_vector("new").tolist() == [3] * 10
    assert bigrams.key_to_index["new"] == len(WORDS)


def test_preallocated_words_can_be_filled():
    wv = Sent2VecKeyedVectors(2, count=2)
    assert wv.add_vector("a", np.array([1, 2])) == 0
    with pytest.raises(ValueError, match="only 1 of 2 words have been added"):
        wv.get_sentence_vector("a")
    assert wv.add_vector("b", np.array([3, 4])) == 1
    assert wv.get_sentence_vector("a b").tolist() == [2, 3]
    assert isinstance(wv.key_to_index, Vocabulary)


def test_sorting_by_frequency():
    wv = make_vectors(words=["a", "b", "c"])
    wv.expandos = {"count": np.array([1, 3, 2])}
    before = {word: wv[word].copy() for word in "abc"}
    wv.sort_by_descending_frequency()
    assert list(wv.index_to_key) == ["b", "c", "a"]
    assert isinstance(wv.key_to_index, Vocabulary)
    for word in "abc":
        assert np.array_equal(wv[word], before[word])
        assert np.array_equal(wv.get_sentence_vector(word), before[word])
    Sent2VecKeyedVectors(3).sort_by_descending_frequency()


# ---------------------------------------------------------------------------------------------------
# Words: compared with gensim's own KeyedVectors of the same words and vectors

PAIRS, ANALOGIES = datapath("wordsim353.tsv"), datapath("questions-words.txt")
QUESTIONS = {
    "len": lambda wv: len(wv),
    "in": lambda wv: ["the" in wv, "nonsense" in wv, 0 in wv, 10**9 in wv],
    "[]": lambda wv: (wv["the"], wv[["the", "of"]], wv[3]),
    "get_index": lambda wv: (wv.get_index("of"), wv.get_index("nonsense", -1)),
    "get_vector": lambda wv: wv.get_vector("the", norm=True),
    "get_mean_vector": lambda wv: wv.get_mean_vector(["the", "of", "nonsense"]),
    "most_similar": lambda wv: wv.most_similar("Australian", topn=20),
    "most_similar of some": lambda wv: wv.most_similar(["the", ("of", 0.5)], ["police"], restrict_vocab=100),
    "most_similar of all": lambda wv: wv.most_similar("the", topn=None),
    "most_similar of a vector": lambda wv: wv.most_similar(wv["the"], topn=3),
    "similar_by_word": lambda wv: wv.similar_by_word("police", topn=3),
    "similar_by_vector": lambda wv: wv.similar_by_vector(wv["police"], topn=3),
    "most_similar_cosmul": lambda wv: wv.most_similar_cosmul(["the", "police"], ["of"], topn=5),
    "most_similar_to_given": lambda wv: wv.most_similar_to_given("the", ["of", "police", "said"]),
    "doesnt_match": lambda wv: wv.doesnt_match(["the", "of", "and", "police"]),
    "similarity": lambda wv: wv.similarity("the", "of"),
    "n_similarity": lambda wv: wv.n_similarity(["the", "of"], ["police"]),
    "distances": lambda wv: wv.distances("the", ["of", "police"]),
    "distances to all": lambda wv: wv.distances("the"),
    "closer_than": lambda wv: wv.closer_than("the", "of"),
    "rank": lambda wv: wv.rank("the", "of"),
    "rank_by_centrality": lambda wv: wv.rank_by_centrality(["the", "of", "police"]),
    "relative_cosine_similarity": lambda wv: wv.relative_cosine_similarity("the", "of"),
    "normed": lambda wv: wv.get_normed_vectors(),
    "attribute": lambda wv: wv.get_vecattr("the", "count"),
    "vectors_for_all": lambda wv: wv.vectors_for_all(["of", "nonsense", "the"]).most_similar("of"),
    "evaluate_word_pairs": lambda wv: wv.evaluate_word_pairs(PAIRS),
    "evaluate_word_pairs, zeros": lambda wv: wv.evaluate_word_pairs(PAIRS, dummy4unknown=True),
    "evaluate_word_analogies": lambda wv: wv.evaluate_word_analogies(ANALOGIES, restrict_vocab=2000),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_methods_on_words_give_the_results_of_gensim(wv, twin, question):
    ask = QUESTIONS[question]
    np.testing.assert_equal(ask(wv), ask(twin))


def test_evaluations_are_not_empty(wv):
    (pearson, _), (spearman, _), unknown = wv.evaluate_word_pairs(PAIRS)
    assert -1 <= pearson <= 1
    assert -1 <= spearman <= 1
    assert 0 < unknown < 100
    score, sections = wv.evaluate_word_analogies(ANALOGIES, restrict_vocab=2000)
    assert 0 <= score <= 1
    assert sum(len(sections[-1][kind]) for kind in ("correct", "incorrect")) > 0


def test_word_movers_distance(wv, twin):
    pytest.importorskip("ot", reason="gensim needs POT for the word mover's distance")
    documents = ["the", "police", "said", "so"], ["Australian", "cricket", "of", "the", "day"]
    assert wv.wmdistance(*documents) == pytest.approx(twin.wmdistance(*documents))


def test_unknown_words_are_key_errors(wv):
    for ask in (
        lambda: wv["nonsense"],
        lambda: wv.most_similar("nonsense"),
        lambda: wv.get_vecattr("nonsense", "count"),
    ):
        with pytest.raises(KeyError, match="nonsense"):
            ask()


def test_index_to_key_and_key_to_index(wv):
    assert isinstance(wv.index_to_key, IndexToKey)
    assert isinstance(wv.key_to_index, Vocabulary)
    assert wv.index_to_key[:3] == [wv.index_to_key[i] for i in range(3)]
    assert wv.key_to_index[wv.index_to_key[7]] == 7


def test_attributes_of_words(wv):
    wv.set_vecattr("the", "colour", 5)
    assert wv.get_vecattr("the", "colour") == 5
    assert len(wv.expandos["colour"]) == len(wv)


def test_unit_normalize_all(wv):
    wv.encode(["the"])
    wv.unit_normalize_all()
    np.testing.assert_allclose(np.linalg.norm(wv.vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(wv.get_sentence_vector("the", weighting=False)), 1, rtol=1e-5)


# ---------------------------------------------------------------------------------------------------
# The word2vec format


@pytest.fixture
def few(wv) -> Sent2VecKeyedVectors:
    """The most frequent of the trained words, because gensim writes and reads slowly."""
    few = Sent2VecKeyedVectors(wv.vector_size)
    few.set_words(Vocabulary.from_words(wv.index_to_key[:300]))
    few.vectors = wv.vectors[:300].copy()
    few.expandos = {"count": wv.expandos["count"][:300].copy()}
    return few


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("ending", ["", ".gz", ".bz2"])
def test_word2vec_files_round_trip(few, twin_of, tmp_path, binary, ending):
    path = str(tmp_path / f"vectors{ending}")
    few.save_word2vec_format(path, binary=binary)
    if not ending:  # compressed files contain the time
        twin_of(few).save_word2vec_format(str(tmp_path / "twin"), binary=binary)
        assert (tmp_path / "twin").read_bytes() == (tmp_path / "vectors").read_bytes()
    for kind in (Sent2VecKeyedVectors, KeyedVectors):
        loaded = kind.load_word2vec_format(path, binary=binary)
        assert list(loaded.index_to_key) == list(few.index_to_key)
        assert loaded.vectors.tobytes() == few.vectors.tobytes()
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
    assert isinstance(loaded.key_to_index, Vocabulary)
    assert loaded.word_ngrams == 1
    expected = np.mean([few["the"], few["of"]], axis=0)
    np.testing.assert_allclose(loaded.get_sentence_vector("the of"), expected, rtol=1e-5, atol=1e-7)


def test_word2vec_files_with_counts_and_limits(few, tmp_path):
    path, counts = str(tmp_path / "vectors"), str(tmp_path / "counts")
    few.save_word2vec_format(path, fvocab=counts)
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, fvocab=counts, limit=100)
    assert len(loaded) == 100
    assert [loaded.get_vecattr(i, "count") for i in range(100)] == [few.get_vecattr(i, "count") for i in range(100)]


def test_glove_files_have_no_header(few, tmp_path):
    path = str(tmp_path / "vectors")
    few.save_word2vec_format(path, write_header=False)
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, no_header=True)
    assert loaded.vectors.tobytes() == few.vectors.tobytes()
    assert isinstance(
        Sent2VecKeyedVectors.load_word2vec_format(datapath("test_glove.txt"), no_header=True), KeyedVectors
    )


def test_a_word_that_occurs_twice_in_a_word2vec_file(tmp_path):
    """Such files exist; gensim uses the first occurrence."""
    path = tmp_path / "vectors"
    path.write_text("4 2\na 1 2\nb 3 4\na 5 6\nc 7 8\n")
    loaded = Sent2VecKeyedVectors.load_word2vec_format(str(path))
    assert list(loaded.index_to_key) == ["a", "b", "c"]
    assert loaded.vectors.tolist() == [[1, 2], [3, 4], [7, 8]]
    assert loaded.get_sentence_vector("a c").tolist() == [4, 5]
    assert loaded.most_similar("a", topn=2)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_half_precision_round_trips_through_word2vec_files(few, tmp_path, binary, ending):
    half = few.astype(np.float16)
    path = str(tmp_path / f"vectors{ending}")
    half.save_word2vec_format(path, binary=binary)
    assert half.vectors.dtype == np.float16
    for kind in (Sent2VecKeyedVectors, KeyedVectors):
        loaded = kind.load_word2vec_format(path, binary=binary)
        assert loaded.vectors.dtype == np.float32
        np.testing.assert_array_equal(loaded.vectors, half.vectors.astype(np.float32))
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary, datatype=np.float16)
    assert loaded.vectors.tobytes() == half.vectors.tobytes()
    np.testing.assert_array_equal(loaded.encode(["the of"]), half.encode(["the of"]))


def test_word2vec_files_leave_out_ngrams(wv, few, tmp_path, caplog):
    few.save_word2vec_format(str(tmp_path / "words"))
    assert not caplog.records
    few.vectors_ngrams, few.word_ngrams = wv.vectors_ngrams, 2
    few.save_word2vec_format(str(tmp_path / "ngrams"))
    assert "5000 n-gram rows are left out" in caplog.text
    assert (tmp_path / "ngrams").read_bytes() == (tmp_path / "words").read_bytes()


@pytest.mark.parametrize("binary", [False, True])
def test_words_that_word2vec_files_cannot_store_are_left_out(tmp_path, caplog, binary):
    words = ["plain", "New York", "", "\u200b한국어\U0001f600", "a\nb", "\ud800", "a\u00a0b", "-1.5", "\x7f", "a\u3000"]
    wv = Sent2VecKeyedVectors(2)
    wv.add_vectors(words, np.arange(20, dtype=np.float32).reshape(10, 2))
    wv.expandos["count"] = np.arange(10, 0, -1)
    path, counts = str(tmp_path / "vectors"), str(tmp_path / "counts.gz")
    wv.save_word2vec_format(path, binary=binary)
    assert "4 words, such as 'New York', '', 'a\\nb', cannot be stored" in caplog.text
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
    assert loaded.index_to_key == [words[i] for i in (0, 3, 6, 7, 8, 9)]
    np.testing.assert_array_equal(loaded.vectors, wv.vectors[[0, 3, 6, 7, 8, 9]])
    assert list(wv.index_to_key) == words
    # Lines of a file of counts are split at any whitespace.
    wv.save_word2vec_format(path, counts, binary=binary)
    loaded = Sent2VecKeyedVectors.load_word2vec_format(path, counts, binary=binary)
    assert loaded.index_to_key == [words[i] for i in (0, 3, 7, 8)]
    assert loaded.expandos["count"].tolist() == [10, 7, 3, 2]


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_damaged_word2vec_files_are_reported_by_name(few, tmp_path, binary, ending):
    path = str(tmp_path / f"vectors{ending}")
    few.save_word2vec_format(path, binary=binary)
    whole = Path(path).read_bytes()
    assert len(Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)) == 300
    for n in (0, 1, 4, 7, 8, 100, len(whole) // 2, len(whole) - 30):
        Path(path).write_bytes(whole[:n])
        with pytest.raises((ValueError, OSError), match=path):
            Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
    if not ending:
        for header in (b"3000000000 20\n", b"2 -20\n", b"300 0\n", b"99999999999999999999 2\n", b"300\n", b"x" * 999):
            Path(path).write_bytes(header + whole[whole.index(b"\n") + 1 :])
            with pytest.raises(ValueError, match=f"{path}. is damaged.*: bytes 0 to"):
                Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
    with pytest.raises(ValueError, match=path):
        few.save_word2vec_format(path, binary=not binary)
        Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)


def test_a_compressed_word2vec_file_cannot_request_too_much_memory(tmp_path):
    path = str(tmp_path / "vectors.gz")
    with gzip.open(path, "wb") as file:
        file.write(b"100000000000000 100000\na 1\n")
    with pytest.raises(MemoryError, match=f"loading .{path}. needs"):
        Sent2VecKeyedVectors.load_word2vec_format(path)


# ---------------------------------------------------------------------------------------------------
# Vectors of other models


@pytest.fixture(scope="module", params=[Word2Vec, FastText])
def other(request, lee):
    options = {"bucket": 1000} if request.param is FastText else {}
    return request.param(lee, vector_size=16, min_count=3, epochs=1, workers=1, **options).wv


def test_from_keyed_vectors(other, lee):
    wv = Sent2VecKeyedVectors.from_keyed_vectors(other)
    assert np.shares_memory(wv.vectors, other.vectors)
    assert list(wv.index_to_key) == other.index_to_key
    assert wv.get_vecattr("the", "count") == other.get_vecattr("the", "count")
    for tokens in lee[:20]:
        known = [other.vectors[other.key_to_index[token]] for token in tokens if token in other.key_to_index]
        np.testing.assert_allclose(wv.get_sentence_vector(tokens), np.mean(known, axis=0), rtol=1e-4, atol=1e-6)
    assert wv.most_similar("the") == other.most_similar("the")
    assert not wv.get_sentence_vector("nonsensically").any()


def test_from_keyed_vectors_leaves_the_source_as_it_was(other):
    words, n = list(other.index_to_key), len(other.vectors)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(other)
    wv.add_vectors(["new"], np.ones((1, 16)))
    wv.set_vecattr("the", "colour", 1)
    assert other.index_to_key == words
    assert len(other.vectors) == n
    assert "colour" not in other.expandos


def test_from_keyed_vectors_of_other_types(lee):
    plain = KeyedVectors(3, dtype=np.float64)
    plain.add_vectors(["a", "b"], np.arange(6).reshape(2, 3))
    wv = Sent2VecKeyedVectors.from_keyed_vectors(plain)
    assert wv.vectors.dtype == np.float32
    assert wv.get_sentence_vector("a b").tolist() == [1.5, 2.5, 3.5]
    for no_vectors in (Word2Vec(min_count=1), {"a": [1]}, None, "path"):
        with pytest.raises(
            TypeError, match=r"^keyed_vectors: expected gensim KeyedVectors, got \w+; if it is a model, pass its \.wv"
        ):
            Sent2VecKeyedVectors.from_keyed_vectors(no_vectors)


def test_keys_that_are_not_strings_are_refused():
    """gensim's document vectors can have integers as keys."""
    plain = KeyedVectors(2)
    plain.add_vectors([0, 1], np.ones((2, 2)))
    with pytest.raises(TypeError, match=r"keyed_vectors: expected strings as keys, got int 0"):
        Sent2VecKeyedVectors.from_keyed_vectors(plain)


# ---------------------------------------------------------------------------------------------------
# Files


@pytest.mark.parametrize("sep_limit", [1, 10 * 1024**2])
@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("shape", SHAPES[:5:2], ids=str)
def test_saved_vectors_are_identical(tmp_path, shape, mmap, sep_limit):
    wv = make_vectors(*shape, ngram_hash="epfml")
    path = str(tmp_path / "vectors")
    wv.save(path, sep_limit=sep_limit)
    loaded = Sent2VecKeyedVectors.load(path, mmap=mmap)
    sentences = some_sentences(50)
    assert loaded.encode(sentences).tobytes() == wv.encode(sentences).tobytes()
    assert loaded.index_to_key == wv.index_to_key
    assert loaded.vectors.tobytes() == wv.vectors.tobytes()
    assert loaded.vectors_ngrams.tobytes() == wv.vectors_ngrams.tobytes()
    for name in ("word_ngrams", "skip_bigrams", "ngram_hash", "vector_size", "bucket"):
        assert getattr(loaded, name) == getattr(wv, name)


def test_saving_changes_nothing(wv, tmp_path):
    before = wv.encode(["the of", "police"])
    wv.save(str(tmp_path / "vectors"), sep_limit=1)
    assert np.array_equal(wv.encode(["the of", "police"]), before)
    assert wv.vectors.flags.writeable
    assert isinstance(wv.key_to_index, Vocabulary)


def test_mapped_arrays_are_read_only_and_never_written(wv, tmp_path, lee):
    wv.save(str(tmp_path / "vectors"), sep_limit=1)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files) == 1
    mapped = Sent2VecKeyedVectors.load(str(tmp_path / "vectors"), mmap="r")
    words = mapped.key_to_index
    for array in (mapped.vectors, mapped.vectors_ngrams, words.blob, words.offsets, words.slots):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 0
    mapped.encode(lee, normalize=True, workers=2)
    mapped.most_similar("the")
    mapped.get_vector("the", norm=True)
    mapped.similarity_sentences("the", "of")
    mapped.add_vectors(["new"], np.ones((1, 20)))
    mapped.get_sentence_vector("new the")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_mapped_model_answers_and_grows_in_memory(model, tmp_path, lee):
    model.save(str(tmp_path / "model"), sep_limit=1)
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    mapped = Sent2Vec.load(str(tmp_path / "model"), mmap="r")
    assert isinstance(mapped.wv.vectors, np.memmap)
    assert mapped.wv.encode(lee).tobytes() == model.wv.encode(lee).tobytes()
    assert mapped.wv.most_similar("the") == model.wv.most_similar("the")
    mapped.build_vocab([["brandnew", "brandnew"]], update=True)
    assert mapped.wv.get_sentence_vector("brandnew").any()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


# In a separate process, because reading a map of a truncated file kills it.
SAVE_OVER_ITSELF = """
import sys
import numpy as np
from gensim_sent2vec import Sent2VecKeyedVectors
from gensim_sent2vec._text.vocabulary import Vocabulary
wv = Sent2VecKeyedVectors(10)
wv.set_words(Vocabulary.from_words(f"w{i}" for i in range(20_000)))
wv.vectors = np.ones((20_000, 10), dtype=np.float32)
wv.save(sys.argv[1], sep_limit=1)
mapped = Sent2VecKeyedVectors.load(sys.argv[1], mmap="r")
mapped.save(sys.argv[1], sep_limit=1)
for vectors in (mapped, Sent2VecKeyedVectors.load(sys.argv[1])):
    assert (vectors.vectors == 1).all()
    assert vectors.get_sentence_vector("w0 w19999").tolist() == [1] * 10
"""


def test_mapped_vectors_can_be_saved_over_their_own_files(tmp_path, run_python):
    assert run_python(SAVE_OVER_ITSELF, str(tmp_path / "vectors")) == ("", 0)


@pytest.fixture(scope="module")
def large_vectors(tmp_path_factory):
    """The path of saved vectors of many words, with counts."""
    n = 200_000
    wv = Sent2VecKeyedVectors(3)
    wv.set_words(Vocabulary.from_words(f"a rather long word {i}" for i in range(n)))
    wv.vectors = np.ones((n, 3), dtype=np.float32)
    wv.expandos = {"count": np.arange(n)[::-1].copy()}
    folder = tmp_path_factory.mktemp("large")
    wv.save(str(folder / "vectors"))
    return folder / "vectors"


def test_all_large_arrays_are_mapped(large_vectors):
    """An additional process must cost only a few MB whatever the model's size: each array above 1 MiB is mapped."""
    mapped = Sent2VecKeyedVectors.load(str(large_vectors), mmap="r")
    words = mapped.key_to_index
    for array in (mapped.vectors, words.blob, words.offsets, words.slots):
        assert array.nbytes > 1 << 20
        assert isinstance(array, np.memmap)


def test_what_every_process_reads_is_small(large_vectors):
    """Only the header is read, and nothing in it grows with the vocabulary."""
    header = container.read_header(large_vectors)
    assert min(array.begin for array in header.tensors.values()) < 4096


def test_counts_are_saved(large_vectors):
    loaded = Sent2VecKeyedVectors.load(str(large_vectors), mmap="r")
    assert loaded.get_vecattr("a rather long word 5", "count") == 200_000 - 6


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_names_of_compressed_files_are_refused(wv, tmp_path, ending):
    with pytest.raises(ValueError, match=r"^fname: .*would not be compressed"):
        wv.save(str(tmp_path / f"vectors{ending}"))
    assert not list(tmp_path.iterdir())


def test_paths_may_be_path_objects(wv, tmp_path):
    wv.save(tmp_path / "vectors")
    assert Sent2VecKeyedVectors.load(tmp_path / "vectors").encode(["the"]).tobytes() == wv.encode(["the"]).tobytes()


def test_vectors_survive_pickle_and_copy(wv):
    expected = wv.encode(["the of", "police"]).tobytes()
    for twin in (pickle.loads(pickle.dumps(wv)), copy.deepcopy(wv), copy.copy(wv)):
        assert twin.encode(["the of", "police"]).tobytes() == expected
        assert twin.most_similar("the") == wv.most_similar("the")
        assert twin.index_to_key == wv.index_to_key
    twin = copy.deepcopy(wv)
    twin.vectors[:] = 0
    assert wv.encode(["the of", "police"]).tobytes() == expected


def test_loading_a_file_of_another_class_names_the_class(tmp_path):
    path = str(tmp_path / "file")
    Sent2Vec(common_texts, vector_size=4, min_count=1, epochs=1).save(path)
    with pytest.raises(
        TypeError, match=r"holds a gensim_sent2vec\.model\.Sent2Vec, not .*its vectors are Sent2Vec\.load"
    ):
        Sent2VecKeyedVectors.load(path)
    Word2Vec(common_texts, vector_size=4, min_count=1).wv.save(path)
    with pytest.raises(
        TypeError, match=r"holds a gensim\.models\.keyedvectors\.KeyedVectors, not Sent2VecKeyedVectors"
    ):
        Sent2VecKeyedVectors.load(path)
    Word2Vec(common_texts, vector_size=4, min_count=1).save(path)
    with pytest.raises(TypeError, match=r"holds a gensim\.models\.word2vec\.Word2Vec, not .*Word2Vec\.load"):
        Sent2VecKeyedVectors.load(path)
    with pytest.raises(FileNotFoundError):
        Sent2VecKeyedVectors.load(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("level", _kernel.available_levels())
@pytest.mark.parametrize("dim", [1, 7, 100, 300, 333])
def test_float16_rows_are_not_converted(level, dim, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", level)
    rng = np.random.default_rng(dim)
    wv = Sent2VecKeyedVectors(dim)
    wv.set_words(Vocabulary.from_words(["a", "b", "c"]))
    wv.vectors = rng.normal(size=(3, dim)).astype(np.float32)
    wv.vectors[0] *= 1e-7  # subnormal in float16
    wv.vectors_ngrams = rng.normal(size=(11, dim)).astype(np.float32)
    wv.word_ngrams = 3
    half = wv.astype(np.float16)
    assert half.vectors.dtype == half.vectors_ngrams.dtype == np.float16
    sentences = ["a", "a b", "c b a a", "", "x"]
    widened = half.astype(np.float32)
    np.testing.assert_array_equal(half.encode(sentences), widened.encode(sentences))
    np.testing.assert_allclose(half.encode(sentences), wv.encode(sentences), atol=2e-3)
    with pytest.raises(ValueError, match="float64"):
        wv.astype(np.float64)


def test_all_values_of_half_precision():
    wv = Sent2VecKeyedVectors(1)
    wv.set_words(Vocabulary.from_words(map(str, range(1 << 16))))
    wv.vectors = np.arange(1 << 16, dtype=np.uint16).view(np.float16)[:, None]
    with pytest.raises(ValueError, match=r"sentences: row 31,744 .*the word '31744' has NaN or infinite"):
        wv.encode(list(wv.index_to_key))
    wv.vectors[~np.isfinite(wv.vectors)] = 0
    np.testing.assert_array_equal(wv.encode(list(wv.index_to_key)), wv.vectors.astype(np.float32))


def test_truncated_word2vec_files_raise_what_gensim_raises_and_a_value_error(wv, tmp_path):
    """gensim raises an EOFError, and callers of this package expect a ValueError that names the file."""
    path = tmp_path / "words"
    for binary in (True, False):
        wv.save_word2vec_format(path, binary=binary)
        path.write_bytes(path.read_bytes()[:-100])
        for error in (EOFError, ValueError):
            with pytest.raises(error, match="words' is damaged"):
                Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)
