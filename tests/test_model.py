"""Sent2Vec as a gensim model: vocabularies, training from all kinds of corpora, and what failures leave."""

import copy
import gzip
import itertools
import logging
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gensim import utils
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from gensim.models.word2vec import LineSentence, PathLineSentences, Text8Corpus
from gensim.test.utils import common_texts
from processes import heed_ctrl_c

from gensim_sent2vec import Sent2Vec, _kernel
from gensim_sent2vec._text.corpus import TokenLines
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._training import run as training_module
from gensim_sent2vec._util import progress
from gensim_sent2vec._util.threads import ThreadGroup, available_cpus

SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2}
STOPS_WITHIN = 5  # seconds; about one is promised, but machines are shared


def weights(model) -> dict[str, np.ndarray]:
    return {
        "vectors": model.wv.vectors,
        "vectors_ngrams": model.wv.vectors_ngrams,
        "placeholder": model.placeholder,
        "syn1neg": model.syn1neg,
    }


def state(model) -> dict:
    """All that a failing call must leave as it was."""
    return {
        **{name: rows.tobytes() for name, rows in weights(model).items()},
        "words": list(model.wv.index_to_key),
        **{name: values.tobytes() for name, values in model.wv.expandos.items()},
        "alpha": (model.alpha, model.min_alpha),
        "epochs": model.epochs,
        "corpus": (model.corpus_count, model.corpus_total_words, model.raw_vocab),
        "train_count": model.train_count,
    }


def assert_same_bytes(a, b):
    assert list(a.wv.index_to_key) == list(b.wv.index_to_key)
    for name in weights(a):
        assert weights(a)[name].tobytes() == weights(b)[name].tobytes(), name


def assert_usable(model):
    assert all(np.isfinite(rows).all() for rows in weights(model).values())
    known = model.wv.index_to_key[0]
    assert model.wv.get_sentence_vector([known]).any()


class Restartable:
    """The simplest corpus of a user's own."""

    def __init__(self, sentences):
        self.sentences = sentences

    def __iter__(self):
        return iter(self.sentences)


@pytest.fixture
def corpus_file(tmp_path) -> str:
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(text) + "\n" for text in common_texts))
    return str(path)


@pytest.fixture
def ready() -> Sent2Vec:
    """A small trained model, with n-grams."""
    return Sent2Vec(common_texts, word_ngrams=2, bucket=50, **SMALL)


# ---------------------------------------------------------------------------------------------------
# Where sentences come from


@pytest.fixture
def text8_path(tmp_path):
    path = tmp_path / "text8"
    path.write_text(" ".join(token for text in common_texts for token in text))
    return path


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for i, text in enumerate(common_texts):
        (folder / f"{i}.txt").write_text(" ".join(text) + "\n")
    return str(folder)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize(
    "kind", ["list", "tuples", "LineSentence", "PathLineSentences", "own", "TokenLines", "file", "numpy"]
)
def test_every_corpus_trains(kind, workers, corpus_file, directory, no_thread_left):
    corpus = {
        "list": {"sentences": common_texts},
        "tuples": {"sentences": tuple(map(tuple, common_texts))},
        "LineSentence": {"sentences": LineSentence(corpus_file)},
        "PathLineSentences": {"sentences": PathLineSentences(directory)},
        "own": {"sentences": Restartable(common_texts)},
        "TokenLines": {"sentences": TokenLines(corpus_file)},
        "file": {"corpus_file": corpus_file},
        "numpy": {"sentences": [np.array(text) for text in common_texts]},
    }[kind]
    model = Sent2Vec(**corpus, **{**SMALL, "workers": workers})
    counts = Counter(itertools.chain.from_iterable(common_texts))
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == counts
    assert (model.corpus_count, model.corpus_total_words) == (len(common_texts), counts.total())
    assert model.syn1neg.any()
    assert_usable(model)
    if workers == 1:
        assert_same_bytes(model, Sent2Vec(common_texts, **SMALL))


def test_text8_corpus_trains(text8_path):
    model = Sent2Vec(Text8Corpus(text8_path), **SMALL)
    assert model.corpus_total_words == sum(map(len, common_texts))
    assert_usable(model)


def test_one_positional_argument_is_the_corpus():
    assert_same_bytes(Sent2Vec(common_texts, **SMALL), Sent2Vec(sentences=common_texts, **SMALL))


def test_sentences_may_be_any_iterables_of_tokens():
    class Streams:
        def __iter__(self):
            return ((token for token in text) for text in common_texts)

    assert_same_bytes(Sent2Vec(Streams(), **SMALL), Sent2Vec(common_texts, **SMALL))


def test_a_path_like_corpus_file(corpus_file, tmp_path):
    assert_same_bytes(
        Sent2Vec(corpus_file=tmp_path / "corpus.txt", **SMALL), Sent2Vec(corpus_file=corpus_file, **SMALL)
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"word_ngrams": 3, "bucket": 500}, {"word_ngrams": 3, "bucket": 500, "skip_bigrams": True}, {"sample": 1e-3},
     {"shared_negatives": False}, {"compute_loss": True}],
)  # fmt: skip
def test_a_file_and_an_iterable_give_the_same_bytes(lee_path, lee, options):
    options = {"vector_size": 12, "min_count": 2, "epochs": 2, "workers": 1, **options}
    from_file = Sent2Vec(corpus_file=lee_path, **options)
    assert_same_bytes(from_file, Sent2Vec(lee, batch_words=500, **options))
    assert_same_bytes(from_file, Sent2Vec(LineSentence(lee_path), **options))


def test_blank_lines_and_empty_sentences_do_no_harm(tmp_path):
    sentences = [[], ["a", "b", "c"], [], [], ["b"], ["c", "a"], []]
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences))
    model = Sent2Vec(sentences, **SMALL)
    assert (model.corpus_count, model.corpus_total_words) == (7, 6)
    assert_same_bytes(model, Sent2Vec(corpus_file=path, **SMALL))


def test_words_may_hold_any_characters():
    odd = ["", " ", "a b", "\n", "\0", "\ud800", "한국어", "\u3000"]
    model = Sent2Vec([odd] * 5, **SMALL)
    assert list(model.wv.index_to_key) == odd
    assert model.wv.get_sentence_vector(odd).any()


# ---------------------------------------------------------------------------------------------------
# The vocabulary


def test_words_stand_by_count_then_by_first_appearance(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee)
    counts = Counter(itertools.chain.from_iterable(lee))
    expected = [(word, n) for word, n in counts.most_common() if n >= 5]  # sorts stably
    assert [(word, model.wv.get_vecattr(word, "count")) for word in model.wv.index_to_key] == expected
    assert dict(model.wv.key_to_index) == {word: i for i, (word, _) in enumerate(expected)}


def test_build_vocab_then_train_is_what_the_constructor_does():
    model = Sent2Vec(**SMALL)
    model.build_vocab(common_texts)
    model.train(common_texts, total_examples=model.corpus_count, epochs=model.epochs)
    by_words = Sent2Vec(**SMALL)
    by_words.build_vocab(common_texts)
    by_words.train(common_texts)  # the sizes are those that build_vocab counted
    assert_same_bytes(by_words, Sent2Vec(common_texts, **SMALL))
    assert list(model.wv.index_to_key) == list(by_words.wv.index_to_key)
    assert_usable(model)


def test_one_pass_can_be_a_stream():
    model = Sent2Vec(**SMALL)
    model.build_vocab(iter(common_texts))
    model.train((text for text in common_texts), epochs=1)
    assert_usable(model)


def test_a_vocabulary_from_counts():
    counts = Counter(itertools.chain.from_iterable(common_texts))
    model = Sent2Vec(**SMALL)
    model.build_vocab_from_freq(counts, corpus_count=len(common_texts))
    built = Sent2Vec(**SMALL)
    built.build_vocab(common_texts)
    assert_same_bytes(model, built)
    assert (model.corpus_count, model.corpus_total_words) == (len(common_texts), counts.total())
    model.train(common_texts)
    assert_usable(model)


def test_counts_can_be_kept(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee, keep_raw_vocab=True)
    assert model.raw_vocab == Counter(itertools.chain.from_iterable(lee))
    model.build_vocab(lee)
    assert model.raw_vocab is None


def test_an_update_adds_words_and_counts_and_keeps_all_weights(ready):
    before, words = copy.deepcopy(weights(ready)), list(ready.wv.index_to_key)
    counts = {word: ready.wv.get_vecattr(word, "count") for word in words}
    ready.build_vocab([["graph", "new", "newer"], ["new", "graph"]], update=True)
    n = len(words)
    assert list(ready.wv.index_to_key) == [*words, "new", "newer"]  # old words keep their ids
    assert ready.wv.key_to_index["newer"] == n + 1
    added = {"graph": 2, "new": 2, "newer": 1}
    for word in ready.wv.index_to_key:
        assert ready.wv.get_vecattr(word, "count") == counts.get(word, 0) + added.get(word, 0)
    after = weights(ready)
    assert np.array_equal(after["vectors"][:n], before["vectors"])
    assert np.array_equal(after["syn1neg"][:n], before["syn1neg"])
    assert np.array_equal(after["vectors_ngrams"], before["vectors_ngrams"])
    assert np.array_equal(after["placeholder"], before["placeholder"])
    assert len(after["vectors"]) == len(after["syn1neg"]) == n + 2
    assert 0 < np.abs(after["vectors"][n:]).max() <= 1 / ready.vector_size
    assert not after["syn1neg"][n:].any()

    ready.train([["graph", "new", "newer"], ["new", "graph"]])
    assert ready.syn1neg[n:].any()
    assert ready.wv.get_sentence_vector("new words newer").any()
    assert_usable(ready)


def test_an_update_counts_rare_occurrences_of_known_words():
    """min_count decides which words are added; words that are known have long passed it."""
    model = Sent2Vec([["a", "b"]] * 3, **{**SMALL, "min_count": 2})
    model.build_vocab([["a", "c", "c"]], update=True)
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == {"a": 4, "b": 3, "c": 2}


def test_an_update_without_new_words(ready):
    before = weights(copy.deepcopy(ready))
    ready.build_vocab([["graph", "trees"]], update=True)
    assert all(np.array_equal(rows, before[name]) for name, rows in weights(ready).items())


def test_an_update_from_counts(ready):
    ready.build_vocab_from_freq({"graph": 5, "new": 7}, update=True)
    assert ready.wv.get_vecattr("graph", "count") == 3 + 5
    assert ready.wv.get_vecattr("new", "count") == 7
    ready.train([["graph", "new"]], total_words=2)
    assert_usable(ready)


def test_a_vocabulary_built_anew_starts_anew(ready):
    ready.build_vocab([["x", "y"], ["y"]])
    assert list(ready.wv.index_to_key) == ["y", "x"]
    assert ready.wv.vectors.shape == ready.syn1neg.shape == (2, 8)
    assert ready.wv.vectors_ngrams.shape == (50, 8)
    assert not ready.syn1neg.any()


def test_trim_rule(lee):
    def rule(word, count, min_count):
        assert min_count == 10
        if word == "the":
            return utils.RULE_DISCARD
        return utils.RULE_KEEP if word.startswith("z") else utils.RULE_DEFAULT

    counts = Counter(itertools.chain.from_iterable(lee))
    expected = {w: n for w, n in counts.items() if w != "the" and (n >= 10 or w.startswith("z"))}
    built = Sent2Vec(min_count=10)
    built.build_vocab(lee, trim_rule=rule)
    trained = Sent2Vec(lee, trim_rule=rule, **{**SMALL, "min_count": 10, "epochs": 1})
    for model in (built, trained):
        assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == expected


@pytest.mark.parametrize("bound", [1, 10, 137, 1000, 10**6])
def test_max_final_vocab(lee, bound):
    model = Sent2Vec(min_count=2, max_final_vocab=bound)
    model.build_vocab(lee)
    counts = Counter(itertools.chain.from_iterable(lee))
    least = next(n for n in itertools.count(2) if sum(count >= n for count in counts.values()) <= bound)
    assert model.effective_min_count == least
    assert set(model.wv.index_to_key) == {word for word, count in counts.items() if count >= least}
    assert model.min_count == 2


def test_max_vocab_size_bounds_the_counting(lee, lee_path):
    for corpus in ({"corpus_iterable": lee}, {"corpus_file": lee_path}):
        model = Sent2Vec(min_count=5, max_vocab_size=1000)
        model.build_vocab(keep_raw_vocab=True, **corpus)
        assert len(model.raw_vocab) <= 1000
        assert set(list(model.wv.index_to_key)[:20]) <= set(itertools.chain.from_iterable(lee))
        assert "the" in model.wv
        assert model.corpus_total_words == sum(map(len, lee))


def test_a_dry_run_reports_and_changes_nothing(ready, lee):
    before = state(ready)
    ready.raw_vocab = Counter(itertools.chain.from_iterable(lee))
    report = ready.prepare_vocab(min_count=5, dry_run=True)
    kept = {word: n for word, n in ready.raw_vocab.items() if n >= 5}
    assert report["num_retained_words"] == len(kept)
    assert report["drop_unique"] == len(ready.raw_vocab) - len(kept)
    assert report["retain_total"] == sum(kept.values())
    ready.raw_vocab = None
    assert state(ready) == before


@pytest.mark.parametrize("options", [{}, {"word_ngrams": 2, "bucket": 300}, {"bucket": 300}, {"vector_size": 7}])
def test_estimate_memory_is_what_the_arrays_take(lee, options):
    model = Sent2Vec(min_count=2, **options)
    model.build_vocab(lee)
    report = model.estimate_memory()
    assert report["vectors"] == model.wv.vectors.nbytes
    assert report["vectors_ngrams"] == model.wv.vectors_ngrams.nbytes
    assert report["syn1neg"] == model.syn1neg.nbytes
    assert report["total"] == sum(size for name, size in report.items() if name != "total")
    words = model.wv.key_to_index
    arrays = [words.blob, words.offsets, words.slots, *model.wv.expandos.values()]
    assert report["vocab"] / 2 <= sum(array.nbytes for array in arrays) <= report["vocab"]


def test_estimate_memory_of_a_size_to_come():
    model = Sent2Vec(vector_size=100, word_ngrams=2, bucket=1000)
    report = model.estimate_memory(vocab_size=10**6, report={"phrases": 5})
    assert report["vectors"] == report["syn1neg"] == 400 * 10**6
    assert report["vectors_ngrams"] == 400 * 1000
    assert report["phrases"] == 5
    assert report["total"] == sum(size for name, size in report.items() if name != "total")


def test_a_unigram_model_holds_no_buckets(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee)
    assert model.bucket == 2_000_000
    assert model.wv.vectors_ngrams.shape == (0, 100)
    assert model.wv.bucket == 0


def test_the_start_is_uniform_and_depends_on_the_seed_only(lee):
    starts = []
    for workers, seed in ((1, 1), (3, 1), (1, 2)):
        model = Sent2Vec(min_count=2, workers=workers, seed=seed, word_ngrams=2, bucket=1000)
        model.build_vocab(lee)
        starts.append(weights(model))
    for name in ("vectors", "vectors_ngrams", "placeholder"):
        rows = starts[0][name]
        assert np.array_equal(rows, starts[1][name])
        assert not np.array_equal(rows, starts[2][name])
        assert np.abs(rows).max() <= 1 / 100
    rows = starts[0]["vectors"].ravel()
    assert abs(rows.mean()) < 4 * 0.01 / math.sqrt(3 * rows.size)
    assert rows.std() == pytest.approx(0.01 / math.sqrt(3), rel=0.01)
    assert not np.isin(starts[0]["vectors_ngrams"][:100, 0], starts[0]["vectors"]).all()
    assert not starts[0]["syn1neg"].any()


def test_reset_from_shares_the_vocabulary(ready):
    other = Sent2Vec(vector_size=6, word_ngrams=2, bucket=9)
    other.reset_from(ready)
    assert other.wv.key_to_index is ready.wv.key_to_index
    assert list(other.wv.index_to_key) == list(ready.wv.index_to_key)
    assert other.wv.vectors.shape == other.syn1neg.shape == (len(ready.wv), 6)
    assert other.wv.vectors_ngrams.shape == (9, 6)
    other.train(common_texts)
    assert_usable(other)


# ---------------------------------------------------------------------------------------------------
# Training


def test_train_returns_targets_and_tokens(lee):
    model = Sent2Vec(min_count=5, vector_size=8, workers=2)
    model.build_vocab(lee)
    known = [[word for word in text if word in model.wv] for text in lee]
    targets = sum(len(text) for text in known if len(text) >= 2)  # nothing can be learnt from a single word
    tokens = sum(map(len, lee))
    assert model.train(lee, epochs=3) == (3 * targets, 3 * tokens)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_a_file_is_read_once_by_all_threads_together(lee, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(training_module, "MIN_SLICE", 997)
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(" ".join(text) for text in lee))
    model = Sent2Vec(min_count=5, vector_size=8, workers=workers)
    model.build_vocab(corpus_file=path)
    assert model.train(corpus_file=path, epochs=2)[1] == 2 * sum(map(len, lee))


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


def test_sample_skips_targets_as_word2vec_has_it(lee):
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


def test_a_threshold_above_one_is_a_count():
    model = Sent2Vec(min_count=1, sample=100)
    model.build_vocab([["a"] * 5, ["b"]])
    assert (model.wv.expandos["sample_int"] == 2**32 - 1).all()


def test_the_rate_falls_from_alpha_to_min_alpha(lee):
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


def test_training_goes_on_where_it_stopped(ready):
    before = copy.deepcopy(weights(ready))
    ready.train(common_texts)
    for name, rows in weights(ready).items():
        assert not np.array_equal(rows, before[name])
    assert ready.train_count == 2
    assert_usable(ready)


def test_lines_of_unknown_words_change_nothing(ready, tmp_path):
    path = tmp_path / "unknown.txt"
    path.write_text("who knows\nthese words\n" * 50)
    for corpus in ({"corpus_iterable": [["who", "knows"], ["these"]] * 50}, {"corpus_file": path}):
        before = copy.deepcopy(weights(ready))
        trained, tokens = ready.train(**corpus, total_words=200)
        assert trained == 0
        assert tokens > 0
        assert all(np.array_equal(rows, before[name]) for name, rows in weights(ready).items())


def test_single_words_change_nothing(ready):
    before = copy.deepcopy(weights(ready))
    assert ready.train([["graph"], ["graph", "unknown"]], total_words=3)[0] == 0
    assert all(np.array_equal(rows, before[name]) for name, rows in weights(ready).items())


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


# ---------------------------------------------------------------------------------------------------
# Loss, callbacks, lifecycle, progress


class LossByEpoch(CallbackAny2Vec):
    def __init__(self):
        self.losses, self.total = [], 0.0

    def on_epoch_end(self, model):
        now = model.get_latest_training_loss()
        self.losses.append(now - self.total)
        self.total = now


def losses(corpus, workers=1, **options):
    callback = LossByEpoch()
    options = {"vector_size": 20, "epochs": 5, "workers": workers, "compute_loss": True, **options}
    model = Sent2Vec(**corpus, callbacks=[callback], **options)
    assert isinstance(model.get_latest_training_loss(), float)
    assert model.get_latest_training_loss() == pytest.approx(sum(callback.losses))
    return callback.losses


@pytest.mark.parametrize("source", ["file", "sentences"])
@pytest.mark.parametrize("options", [{}, {"shared_negatives": False}, {"word_ngrams": 2, "bucket": 1000}])
def test_the_loss_falls_and_does_not_depend_on_the_threads(lee_path, lee, source, options):
    corpus = {"corpus_file": lee_path} if source == "file" else {"sentences": lee}
    options = options | {"alpha": 0.2}  # in larger steps on so few words, threads get into each other's way
    one, two = losses(corpus, **options), losses(corpus, workers=2, **options)
    assert one[-1] < one[0]
    assert two == pytest.approx(one, rel=0.05)
    assert losses(corpus, **options) == one


def test_the_loss_of_a_model_that_knows_nothing():
    """Output rows start at zero: each of 1 + negative draws costs log 2."""
    model = Sent2Vec(vector_size=4, min_count=1, alpha=1e-30, negative=5, compute_loss=True, shared_negatives=False)
    model.build_vocab(common_texts)
    trained, _ = model.train(common_texts, epochs=1, compute_loss=True)
    assert model.get_latest_training_loss() == pytest.approx(trained * 6 * math.log(2), rel=1e-6)


def test_no_loss_unless_asked_for(ready):
    assert ready.get_latest_training_loss() == 0
    ready.train(common_texts, compute_loss=True)
    assert ready.get_latest_training_loss() > 0
    ready.train(common_texts)
    assert ready.get_latest_training_loss() == 0


def test_counting_the_loss_changes_no_vector(lee):
    options = {"vector_size": 12, "workers": 1, "epochs": 1}
    assert_same_bytes(Sent2Vec(lee, **options), Sent2Vec(lee, compute_loss=True, **options))


class Diary(CallbackAny2Vec):
    def __init__(self, name, diary):
        self.name, self.diary = name, diary

    def on_train_begin(self, model):
        self.diary.append((self.name, "train begins"))

    def on_epoch_begin(self, model):
        self.diary.append((self.name, "epoch begins"))

    def on_epoch_end(self, model):
        self.diary.append((self.name, "epoch ends"))

    def on_train_end(self, model):
        self.diary.append((self.name, "train ends"))


def test_callbacks_are_called_in_order():
    diary = []
    Sent2Vec(common_texts, callbacks=[Diary(1, diary), Diary(2, diary)], **SMALL)
    events = ["train begins", *["epoch begins", "epoch ends"] * 2, "train ends"]
    assert diary == [(name, event) for event in events for name in (1, 2)]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"])
@pytest.mark.parametrize("source", ["file", "sentences"])
def test_an_error_in_a_callback_reaches_the_caller(ready, hook, source, corpus_file, no_thread_left):
    def fail(model):
        raise RuntimeError("the callback failed")

    callback = CallbackAny2Vec()
    setattr(callback, hook, fail)
    corpus = {"corpus_file": corpus_file} if source == "file" else {"corpus_iterable": common_texts}
    with pytest.raises(RuntimeError, match="the callback failed"):
        ready.train(**corpus, callbacks=[callback])
    assert_usable(ready)
    ready.train(**corpus)


def test_a_callback_can_save_and_ask_the_model(tmp_path, lee):
    class Checkpoints(CallbackAny2Vec):
        def __init__(self):
            self.saved = 0

        def on_epoch_end(self, model):
            self.saved += 1
            model.save(str(tmp_path / f"epoch{self.saved}"))
            assert np.linalg.norm(model.wv.get_vector("the", norm=True)) == pytest.approx(1, rel=1e-5)
            expected = model.wv.vectors[[model.wv.key_to_index[word] for word in ("the", "of")]].mean(axis=0)
            assert model.wv.get_sentence_vector("the of") == pytest.approx(expected, rel=1e-5, abs=1e-7)

    model = Sent2Vec(lee, vector_size=8, workers=2, epochs=3, callbacks=[Checkpoints()])
    assert_same_bytes(Sent2Vec.load(str(tmp_path / "epoch3")), model)
    assert not np.array_equal(Sent2Vec.load(str(tmp_path / "epoch1")).wv.vectors, model.wv.vectors)


def test_training_forgets_cached_lengths(ready):
    assert ready.wv.get_vector("graph", norm=True) @ ready.wv.get_vector("graph", norm=True) == pytest.approx(1)
    ready.train(common_texts, start_alpha=2.0)
    assert ready.wv.get_vector("graph", norm=True) @ ready.wv.get_vector("graph", norm=True) == pytest.approx(1)


def test_the_life_of_a_model_is_recorded(tmp_path):
    model = Sent2Vec(common_texts, comment="a comment", **SMALL)
    model.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    events = [event["event"] for event in loaded.lifecycle_events]
    for earlier, later in itertools.pairwise(["prepare_vocab", "build_vocab", "train", "saving", "loaded"]):
        assert events.index(earlier) < events.index(later)
    assert "created" in events
    assert loaded.comment == "a comment"


def test_progress_is_shown_where_it_is_wanted(capfd, lee):
    Sent2Vec(lee, show_progress_bar=True, **SMALL)
    shown = capfd.readouterr().err
    assert "vocabulary" in shown
    assert "train" in shown
    assert "epoch=2/2" in shown
    for show in (False, None):  # None: standard error is no terminal here
        Sent2Vec(lee, show_progress_bar=show, **SMALL)
        assert capfd.readouterr().err == ""


def test_progress_is_logged_elsewhere(caplog, monkeypatch, lee):
    monkeypatch.setattr(progress, "LOG_EVERY", 0)
    caplog.set_level(logging.INFO, "gensim_sent2vec.progress")
    Sent2Vec(lee, compute_loss=True, weighting=False, **SMALL)
    lines = [record.getMessage() for record in caplog.records if record.name == "gensim_sent2vec.progress"]
    assert lines[-1].startswith("train: 100.0%, ")
    assert "epoch 2/2" in lines[-1]
    assert "loss" in lines[-1]


def test_progress_is_logged_rarely(caplog, lee):
    caplog.set_level(logging.INFO, "gensim_sent2vec.progress")
    Sent2Vec(lee, **SMALL)
    assert not [record for record in caplog.records if record.name == "gensim_sent2vec.progress"]


# ---------------------------------------------------------------------------------------------------
# The same bytes again

HASH_OF_A_MODEL = """
import hashlib, sys
from gensim_sent2vec import Sent2Vec
digest = hashlib.sha256()
for corpus in ({"corpus_file": sys.argv[1]}, {"sentences": [l.split() for l in open(sys.argv[1], encoding="utf-8")]}):
    model = Sent2Vec(**corpus, vector_size=12, epochs=1, workers=1, word_ngrams=2, bucket=500, sample=1e-2, seed=7)
    for part in (model.wv.vectors, model.wv.vectors_ngrams, model.placeholder, model.syn1neg):
        digest.update(part.tobytes())
    digest.update("\\n".join(model.wv.index_to_key).encode())
print(digest.hexdigest())
"""


def test_one_thread_gives_the_same_bytes_in_every_process(lee_path, run_python):
    first, status = run_python(HASH_OF_A_MODEL, lee_path, PYTHONHASHSEED="0")
    assert status == 0, first
    assert run_python(HASH_OF_A_MODEL, lee_path, PYTHONHASHSEED="123") == (first, 0)


def test_one_thread_gives_the_same_bytes_again():
    options = {"word_ngrams": 2, "bucket": 50, "sample": 0.1, **SMALL}
    assert_same_bytes(Sent2Vec(common_texts, **options), Sent2Vec(common_texts, **options))


def test_another_seed_gives_other_vectors():
    one, two = (Sent2Vec(common_texts, seed=seed, **SMALL) for seed in (1, 2))
    assert list(one.wv.index_to_key) == list(two.wv.index_to_key)
    assert not np.array_equal(one.wv.vectors, two.wv.vectors)


def test_a_second_training_draws_other_numbers():
    """A model trained twice must not meet the very same negatives again."""
    start = Sent2Vec(**SMALL)
    start.build_vocab(common_texts)
    later = copy.deepcopy(start)
    later.train_count = 1
    for model in (start, later):
        model.train(common_texts)
    assert not np.array_equal(start.syn1neg, later.syn1neg)


def test_a_saved_model_trains_on_as_the_one_in_memory(ready, tmp_path):
    ready.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    assert_same_bytes(loaded, ready)
    for model in (ready, loaded):
        model.train(common_texts)
    assert_same_bytes(loaded, ready)


@pytest.mark.parametrize("mmap", [None, "r"])
def test_save_and_load_keep_every_bit(lee_model, lee, tmp_path, mmap):
    lee_model.save(str(tmp_path / "model"), sep_limit=1)
    loaded = Sent2Vec.load(str(tmp_path / "model"), mmap=mmap)
    assert_same_bytes(loaded, lee_model)
    assert loaded.wv.encode(lee).tobytes() == lee_model.wv.encode(lee).tobytes()
    for name in (
        "word_ngrams",
        "bucket",
        "dropout_k",
        "skip_bigrams",
        "negative",
        "ns_exponent",
        "seed",
        "train_count",
    ):
        assert getattr(loaded, name) == getattr(lee_model, name)


def test_paths_may_be_path_objects(ready, tmp_path):
    ready.save(tmp_path / "model")
    assert_same_bytes(Sent2Vec.load(tmp_path / "model"), ready)


# ---------------------------------------------------------------------------------------------------
# Options that are refused


@pytest.mark.parametrize(
    "option, reason",
    [
        ("window", "entire sentence"),
        ("shrink_windows", "entire sentence"),
        ("sg", "skip-gram"),
        ("cbow_mean", "mean"),
        ("hs", "negative sampling"),
        ("hashfxn", "seed"),
        ("null_word", "padding"),
        ("sorted_vocab", "sorted"),
    ],
)
def test_options_that_mean_nothing_are_refused_with_the_reason(option, reason):
    with pytest.raises(TypeError, match=f"^{option}: not an option of Sent2Vec: .*{reason}"):
        Sent2Vec(common_texts, **{option: 1})
    with pytest.raises(TypeError, match=f"^{option}: not an option"):
        Sent2Vec(**{option: None})


@pytest.mark.parametrize(
    "wrong, right",
    [("vector_sise", "vector_size"), ("min_cout", "min_count"), ("worker", "workers"), ("word_ngram", "word_ngrams")],
)
def test_a_misspelt_option_is_refused_with_the_right_one(wrong, right):
    with pytest.raises(TypeError, match=rf"^{wrong}: not an option of Sent2Vec; did you mean {right}\?"):
        Sent2Vec(common_texts, **{wrong: 1})


def test_an_option_like_no_other_is_refused():
    with pytest.raises(TypeError, match=r"^xyzzy: not an option of Sent2Vec$"):
        Sent2Vec(xyzzy=1)


def test_options_of_train_are_refused(ready):
    with pytest.raises(TypeError, match=r"^epoch: .*did you mean epochs\?"):
        ready.train(common_texts, epoch=3)
    with pytest.raises(TypeError, match=r"^window: not an option"):
        ready.train(common_texts, window=3)


@pytest.mark.parametrize("option, right", [("sentences", "corpus_iterable"), ("alpha", "start_alpha")])
def test_train_does_not_suggest_what_it_refuses(ready, option, right):
    """The constructor has these names, `train` has others."""
    with pytest.raises(TypeError, match=rf"^{option}: .*did you mean {right}\?"):
        ready.train(**{option: common_texts})


BAD_OPTIONS = [
    (ValueError, "word_ngrams", [0, -1]),
    (ValueError, "vector_size", [0, -1]),
    (ValueError, "epochs", [0, -5]),
    (ValueError, "negative", [0, -1]),
    (ValueError, "workers", [0, -1]),
    (ValueError, "min_count", [-1]),
    (ValueError, "batch_words", [0]),
    (ValueError, "dropout_k", [-1]),
    (ValueError, "bucket", [-1]),
    (ValueError, "max_vocab_size", [0, -1]),
    (ValueError, "max_final_vocab", [0, -1]),
    (ValueError, "seed", [-1]),
    (ValueError, "shared_negatives", [-1]),
    (ValueError, "alpha", [0, -0.1, math.nan, math.inf, -math.inf]),
    (ValueError, "min_alpha", [-0.1, math.nan, math.inf]),
    (ValueError, "sample", [-1e-3, math.nan, math.inf]),
    (ValueError, "ns_exponent", [math.nan, math.inf]),
    (TypeError, "word_ngrams", ["2", 2.0, None, True]),
    (TypeError, "vector_size", ["100", 99.5, None]),
    (TypeError, "epochs", ["5", 2.5, None]),
    (TypeError, "workers", ["2", 1.5]),
    (TypeError, "min_count", ["5", None, 1.5]),
    (TypeError, "negative", ["5", None, 1.5]),
    (TypeError, "max_final_vocab", ["5", 1.5]),
    (TypeError, "shared_negatives", [2.5, "x", None]),
    (TypeError, "alpha", ["0.1", None, True]),
    (TypeError, "ns_exponent", ["0.5", None]),
]


@pytest.mark.parametrize(
    "error, option, value", [(error, option, value) for error, option, values in BAD_OPTIONS for value in values]
)
def test_bad_values_are_refused_by_name(error, option, value):
    with pytest.raises(error, match=f"^{option}[ :]"):
        Sent2Vec(**{option: value})


def test_options_that_contradict_each_other():
    with pytest.raises(ValueError, match=r"^bucket"):
        Sent2Vec(word_ngrams=2, bucket=0)
    assert Sent2Vec(bucket=0).bucket == 0
    with pytest.raises(ValueError, match=r"^skip_bigrams"):
        Sent2Vec(skip_bigrams=True)
    with pytest.raises(ValueError, match=r"^min_alpha.*alpha=0\.1"):
        Sent2Vec(alpha=0.1, min_alpha=0.2)


def test_options_of_numpy_are_numbers():
    model = Sent2Vec(
        common_texts, vector_size=np.int64(8), min_count=np.int32(1), alpha=np.float32(0.1), epochs=np.int8(1)
    )
    assert_usable(model)


def test_callbacks_without_a_corpus_are_warned_about(caplog):
    Sent2Vec(callbacks=[CallbackAny2Vec()])
    assert "callbacks" in caplog.text


# ---------------------------------------------------------------------------------------------------
# Corpora that are refused, and what is left behind: all that was there before

# Told at once, whatever is to be done with the corpus.
BAD_ANYWHERE = {
    "a string": (TypeError, "^sentences: .*corpus_file=", lambda tmp: {"sentences": "abc"}),
    "strings": (TypeError, "^sentences: each sentence must be a list", lambda tmp: {"sentences": ["abc def"]}),
    "a number": (TypeError, "^sentences: ", lambda tmp: {"sentences": 5}),
    "numbers": (TypeError, "^sentences: ", lambda tmp: {"sentences": [1, 2]}),
    "numbers for tokens": (TypeError, "^sentences: tokens must be strings", lambda tmp: {"sentences": [["a", 1]]}),
    "a missing file": (FileNotFoundError, "^corpus_file: .*nowhere", lambda tmp: {"corpus_file": tmp / "nowhere"}),
    "a directory": (IsADirectoryError, "^corpus_file: .*PathLineSentences", lambda tmp: {"corpus_file": tmp}),
    "a compressed file": (ValueError, "^corpus_file: .*decompress", lambda tmp: {"corpus_file": tmp / "text.gz"}),
    "token lists": (TypeError, "^corpus_file: .*sentences=", lambda tmp: {"corpus_file": common_texts}),
    "both": (TypeError, "one of the two", lambda tmp: {"sentences": common_texts, "corpus_file": tmp / "text"}),
}
# Found by counting the words.
BAD_TO_COUNT = {
    "nothing": (ValueError, "^sentences: the corpus is empty", lambda tmp: {"sentences": []}),
    "empty sentences": (ValueError, r"^sentences: .*empty \(2 sentences", lambda tmp: {"sentences": [[], []]}),
    "an empty file": (ValueError, "^corpus_file .*empty", lambda tmp: {"corpus_file": tmp / "empty"}),
    "compressed in secret": (ValueError, "^corpus_file: .*not UTF-8", lambda tmp: {"corpus_file": tmp / "zipped"}),
    "a binary file": (ValueError, "^corpus_file: .*offset", lambda tmp: {"corpus_file": tmp / "binary"}),
    "Latin-1": (ValueError, "^corpus_file: .*iconv", lambda tmp: {"corpus_file": tmp / "latin"}),
}
# One pass is enough to count, but not to train.
BAD_TO_READ_AGAIN = {
    "a generator": (TypeError, "^sentences: 6 passes are needed", lambda tmp: {"sentences": iter(common_texts)}),
}


@pytest.fixture
def bad_corpus(request, tmp_path):
    """The error, its message, and the corpus as options of the constructor."""
    text = b"some text\nmore text\n" * 50
    (tmp_path / "empty").write_bytes(b"\n \n")
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "text.gz").write_bytes(gzip.compress(text))
    (tmp_path / "zipped").write_bytes(gzip.compress(text))
    (tmp_path / "binary").write_bytes(np.arange(1000, dtype=np.float32).tobytes())
    (tmp_path / "latin").write_bytes("caf\xe9 cr\xe8me\n".encode("latin-1") * 50)
    error, message, corpus = {**BAD_ANYWHERE, **BAD_TO_COUNT, **BAD_TO_READ_AGAIN}[request.param]
    return error, message, corpus(tmp_path)


@pytest.mark.parametrize("bad_corpus", [*BAD_ANYWHERE, *BAD_TO_COUNT, *BAD_TO_READ_AGAIN], indirect=True)
def test_a_bad_corpus_is_refused_by_name(bad_corpus, no_thread_left):
    error, message, corpus = bad_corpus
    with pytest.raises(error, match=message):
        Sent2Vec(**corpus, min_count=1)


@pytest.mark.parametrize("bad_corpus", [*BAD_ANYWHERE, *BAD_TO_COUNT], indirect=True)
@pytest.mark.parametrize("update", [False, True])
def test_a_bad_corpus_leaves_the_vocabulary_as_it_was(ready, bad_corpus, update, no_thread_left):
    error, message, corpus = bad_corpus
    before = state(ready)
    with pytest.raises(error, match=message):
        ready.build_vocab(corpus.get("sentences"), corpus.get("corpus_file"), update=update)
    assert state(ready) == before
    ready.train(common_texts)


@pytest.mark.parametrize("bad_corpus", [*BAD_ANYWHERE, *BAD_TO_READ_AGAIN], indirect=True)
def test_train_refuses_a_bad_corpus_and_changes_no_weight(ready, bad_corpus, no_thread_left):
    error, message, corpus = bad_corpus
    before = copy.deepcopy(weights(ready))
    with pytest.raises(error, match=message):
        ready.train(corpus.get("sentences"), corpus.get("corpus_file"), epochs=6)
    assert all(np.array_equal(rows, before[name]) for name, rows in weights(ready).items())
    ready.train(common_texts)


def test_no_corpus_at_all(ready):
    for call in (ready.build_vocab, ready.train):
        with pytest.raises(TypeError, match="sentences and corpus_file: pass one of the two"):
            call()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_count": 5}, r"^min_count=5 leaves no word: the most frequent of 12, 'system', occurs 4 times; lower"),
        ({"trim_rule": lambda *_: utils.RULE_DISCARD}, "trim_rule leaves no word"),
        ({"max_final_vocab": 2, "sentences": [["a", "b", "c"]]}, "max_final_vocab"),
        ({"max_vocab_size": 2, "sentences": [["a", "b", "c"]]}, "max_vocab_size"),
    ],
)  # fmt: skip
def test_no_word_left_says_which_option_to_change(options, message):
    with pytest.raises(ValueError, match=message):
        Sent2Vec(**{"sentences": common_texts, "min_count": 1, **options})


def test_no_word_left_leaves_the_model_as_it_was(ready):
    before = state(ready)
    with pytest.raises(ValueError, match="min_count=9 leaves no word"):
        ready.build_vocab([["x", "y"]], min_count=9)
    assert state(ready) == before
    with pytest.raises(ValueError, match="trim_rule leaves no word"):
        ready.build_vocab_from_freq({"x": 1}, trim_rule=lambda *_: utils.RULE_DISCARD)
    assert state(ready) == before


def test_counts_that_are_none_are_refused(ready):
    before = state(ready)
    for counts in ({"a": -1}, {"a": 0.5}, {5: 5}):
        with pytest.raises(ValueError, match=r"^word_freq: expected words with counts >= 0"):
            ready.build_vocab_from_freq(counts)
    with pytest.raises(ValueError, match="empty"):
        Sent2Vec().build_vocab_from_freq({})
    assert state(ready) == before


def test_a_vocabulary_of_one_word_cannot_be_trained():
    with pytest.raises(ValueError, match=r"single word, 'a'.*lower min_count or pass a larger corpus"):
        Sent2Vec([["a", "a"], ["a"]], **SMALL)
    model = Sent2Vec(**SMALL)
    model.build_vocab([["a", "a"]])
    model.build_vocab([["b"]], update=True)
    model.train([["a", "b"]])
    assert_usable(model)


def test_training_needs_a_vocabulary():
    with pytest.raises(ValueError, match="no vocabulary yet; call build_vocab"):
        Sent2Vec().train(common_texts)
    with pytest.raises(ValueError, match="no vocabulary to update; call build_vocab"):
        Sent2Vec(min_count=1).build_vocab(common_texts, update=True)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "^epochs: must be at least 1"),
        ({"start_alpha": 0}, "^start_alpha: must be above 0"),
        ({"start_alpha": math.nan}, "^start_alpha: must be finite"),
        ({"end_alpha": -1}, "^end_alpha: must be at least 0"),
        ({"end_alpha": math.inf}, "^end_alpha: must be finite"),
        ({"start_alpha": 0.1, "end_alpha": 0.2}, r"^end_alpha.*(above|greater).*start_alpha"),
        ({"total_words": -5}, "total_words or total_examples"),
        ({"total_words": 0, "total_examples": 0}, "total_words or total_examples"),
    ],
)
def test_train_refuses_bad_options_and_changes_nothing(ready, options, message):
    before = state(ready)
    with pytest.raises(ValueError, match=message):
        ready.train(common_texts, **options)
    assert state(ready) == before


def test_a_corpus_that_is_empty_the_second_time(ready, tmp_path):
    class Once:
        def __init__(self):
            self.sentences = list(common_texts)

        def __iter__(self):
            sentences, self.sentences = self.sentences, []
            return iter(sentences)

    with pytest.raises(
        ValueError, match=r"^sentences: the corpus was empty in epoch 1; it must give its sentences anew"
    ):
        Sent2Vec(Once(), **SMALL)
    with pytest.raises(
        ValueError, match=r"^sentences: the corpus was empty in epoch 2; it must give its sentences anew"
    ):
        ready.train(Once(), epochs=3)
    assert_usable(ready)


def test_a_file_that_shrinks_is_trained_as_far_as_it_goes(lee_path, tmp_path):
    text = Path(lee_path).read_bytes()
    path = tmp_path / "corpus.txt"
    path.write_bytes(text)
    model = Sent2Vec(vector_size=8, min_count=1, workers=2, epochs=2)
    model.build_vocab(corpus_file=path)
    half = text[: len(text) // 2]
    path.write_bytes(half)
    assert model.train(corpus_file=path)[1] == 2 * len(half.split())

    class Shrink(CallbackAny2Vec):
        def on_epoch_end(self, model):
            path.write_bytes(half[:1000])

    assert model.train(corpus_file=path, callbacks=[Shrink()])[1] == len(half.split()) + len(half[:1000].split())
    assert_usable(model)


def test_a_file_that_vanishes_is_an_error(ready, corpus_file, no_thread_left):
    class Vanish(CallbackAny2Vec):
        def on_epoch_end(self, model):
            os.unlink(corpus_file)

    with pytest.raises(FileNotFoundError, match=r"corpus\.txt"):
        ready.train(corpus_file=corpus_file, callbacks=[Vanish()])
    assert_usable(ready)


def test_a_file_that_is_emptied_is_an_error_that_names_it(ready, corpus_file):
    Path(corpus_file).write_text("")
    with pytest.raises(ValueError, match=r"^corpus_file.* empty in epoch 1"):
        ready.train(corpus_file=corpus_file)


@pytest.mark.parametrize("rows", ["wv.vectors", "wv.vectors_ngrams", "placeholder", "syn1neg"])
def test_rows_that_are_mapped_read_only_cannot_be_trained(ready, rows):
    owner, name = (ready.wv, rows[3:]) if rows.startswith("wv.") else (ready, rows)
    getattr(owner, name).flags.writeable = False
    before = state(ready)
    with pytest.raises(ValueError, match=f"^train: {rows} is mapped read-only; load the model without mmap"):
        ready.train(common_texts)
    assert state(ready) == before


def test_a_mapped_model_cannot_be_trained(ready, tmp_path):
    path = str(tmp_path / "model")
    ready.save(path, sep_limit=1)
    mapped = Sent2Vec.load(path, mmap="r")
    with pytest.raises(ValueError, match="mapped read-only; load the model without mmap to train it on"):
        mapped.train(common_texts)
    assert_same_bytes(mapped, ready)
    assert_same_bytes(Sent2Vec.load(path), ready)


# ---------------------------------------------------------------------------------------------------
# Divergence


@pytest.mark.parametrize("alpha", [1e3, 1e6, 1e30, 1e38, 1e39])
@pytest.mark.parametrize(
    "options", [{}, {"word_ngrams": 2, "bucket": 50}, {"vector_size": 100}, {"shared_negatives": False}]
)
def test_a_rate_far_too_high_is_an_error(alpha, options, no_thread_left):
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


# ---------------------------------------------------------------------------------------------------
# Errors of iterators and threads: at once, and with no thread left running


class Breaks:
    """A corpus that fails at its n-th sentence in a given pass; endless before that in earlier passes' stead."""

    def __init__(self, sentences, at_pass, at_sentence):
        self.sentences, self.at_pass, self.at_sentence, self.passes = sentences, at_pass, at_sentence, 0

    def __iter__(self):
        self.passes += 1
        for i, sentence in enumerate(self.sentences):
            if self.passes == self.at_pass and i == self.at_sentence:
                raise OSError("the network is down")
            yield sentence


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("at_pass", [1, 2, 3])
@pytest.mark.parametrize("at_sentence", [0, 250])
@pytest.mark.timeout(60)
def test_an_error_of_the_corpus_reaches_the_caller(lee, workers, at_pass, at_sentence, no_thread_left):
    with pytest.raises(OSError, match="the network is down"):
        Sent2Vec(Breaks(lee, at_pass, at_sentence), vector_size=8, workers=workers, batch_words=1000)


@pytest.mark.timeout(60)
def test_an_error_of_the_corpus_leaves_a_usable_model(lee, model, no_thread_left):
    with pytest.raises(OSError, match="the network is down"):
        model.train(Breaks(lee, 2, 100), epochs=5)
    assert_usable(model)
    model.train(lee, epochs=1)


class Endless:
    """A corpus that only an error can end."""

    def __iter__(self):
        return itertools.cycle(common_texts)


class BrokenTrainer:
    """A trainer of which one in so many fails at its third batch or slice."""

    made = 0

    def __init__(self, *args, **options):
        self.trainer = TRAINER(*args, **options)
        self.number, self.calls = BrokenTrainer.made, 0
        BrokenTrainer.made += 1

    def __getattr__(self, name):
        return getattr(self.trainer, name)

    def train_pack(self, *args):
        self.count()
        self.trainer.train_pack(*args)

    def train_slice(self, *args):
        self.count()
        self.trainer.train_slice(*args)

    def count(self):
        self.calls += 1
        if self.number == 0 and self.calls == 3:
            time.sleep(0.3)  # meanwhile the queue fills up, and the main thread waits for room in it
            raise RuntimeError("a thread failed")


TRAINER = _kernel.Trainer


@pytest.fixture
def broken_trainer(monkeypatch):
    monkeypatch.setattr(BrokenTrainer, "made", 0)
    monkeypatch.setattr(_kernel, "Trainer", BrokenTrainer)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("batch_words, report_delay", [(10, 0), (10, 1), (10_000, 1), (10, 3600)])
@pytest.mark.timeout(20)
def test_an_error_in_a_thread_ends_an_endless_corpus(
    broken_trainer, workers, batch_words, report_delay, no_thread_left
):
    model = Sent2Vec(**{**SMALL, "workers": workers}, batch_words=batch_words)
    model.build_vocab(common_texts)
    with pytest.raises(RuntimeError, match="a thread failed"):
        model.train(Endless(), total_words=10**9, report_delay=report_delay)
    assert_usable(model)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.timeout(60)
def test_an_error_in_a_thread_ends_a_file(broken_trainer, lee_path, workers, monkeypatch, no_thread_left):
    monkeypatch.setattr(training_module, "MIN_SLICE", 1000)
    model = Sent2Vec(vector_size=8, workers=workers)
    model.build_vocab(corpus_file=lee_path)
    with pytest.raises(RuntimeError, match="a thread failed"):
        model.train(corpus_file=lee_path, epochs=10**6)
    assert_usable(model)


def test_a_token_too_long_for_training_is_an_error(ready, tmp_path, no_thread_left):
    path = tmp_path / "corpus.txt"
    path.write_text("graph trees\n" + "x" * 3_000_000 + "\n")
    with pytest.raises(ValueError, match=r"corpus.*token of more than 1 MiB"):
        ready.train(corpus_file=path, total_words=3)


def test_workers_hand_errors_to_the_block(no_thread_left):
    stopped = threading.Event()

    def work(i):
        if i == 1:
            raise KeyError("broken")
        assert stopped.wait(30)

    with pytest.raises(KeyError, match="broken"), ThreadGroup(3, work, stopped.set) as threads:
        while not threads.wait(30):
            pass


def test_workers_stop_when_the_block_fails(no_thread_left):
    stopped = threading.Event()
    with pytest.raises(ZeroDivisionError), ThreadGroup(3, lambda i: stopped.wait(30), stopped.set):
        1 / 0  # noqa: B018


def test_workers_raise_at_the_end_of_the_block():
    def fail(i):
        raise OSError(f"thread {i}")

    with pytest.raises(OSError, match="thread 0"), ThreadGroup(1, fail, lambda: None):
        pass


def test_workers_run_each_number_once(no_thread_left):
    done = []
    with ThreadGroup(5, done.append, lambda: None) as threads:
        assert threads.wait(30)
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_the_default_number_of_threads_is_that_of_the_cpus():
    assert Sent2Vec().workers == available_cpus() >= 1


# ---------------------------------------------------------------------------------------------------
# Ctrl-C

CTRL_C = """
import sys, threading, time
from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text.corpus import TokenLines

def watch():
    while not model.syn1neg.any():  # zeros before the first target
        time.sleep(0.01)
    print("training", flush=True)

source, kind, path, saved = sys.argv[1:]
options = {"words": {}, "ngrams": {"word_ngrams": 3}, "pairs": {"word_ngrams": 2, "skip_bigrams": True}}[kind]
corpus = {"corpus_file": path} if source == "file" else {"corpus_iterable": TokenLines(path)}
model = Sent2Vec(min_count=1, vector_size=64, workers=2, alpha=0.01, bucket=1000, epochs=10**6, negative=20, **options)
model.build_vocab(**corpus)
try:
    threading.Thread(target=watch).start()
    model.train(**corpus)
except KeyboardInterrupt:
    print("stopped", threading.active_count(), flush=True)
    model.save(saved)
"""


class Child:
    """A process whose lines can be waited for."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", *args], stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
        )
        self.lines: list[str] = []
        self.ended = False
        self.seen = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self.seen:
                self.lines.append(line.strip())
                self.seen.notify_all()
        with self.seen:
            self.ended = True
            self.seen.notify_all()

    def wait_for(self, start: str, seconds: float) -> str | None:
        """The first line that starts so, None where there is none in time."""

        def found():
            return next((line for line in self.lines if line.startswith(start)), None)

        with self.seen:
            self.seen.wait_for(lambda: found() or self.ended, seconds)
            return found()

    def __enter__(self):
        return self

    def __exit__(self, *exc) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def long_job(tmp_path_factory):
    """``long_job("lines" or "line")``: a text that takes long to train on, in lines or in one."""
    folder = tmp_path_factory.mktemp("long")
    numbers = random.Random(1)
    tokens = [f"w{numbers.randrange(3000)}" for _ in range(1_000_000)]
    (folder / "line").write_text(" ".join(tokens * 3))
    (folder / "lines").write_text("\n".join(" ".join(tokens[i : i + 20]) for i in range(0, len(tokens), 20)))
    return lambda name: str(folder / name)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("source", ["file", "iterable"])
@pytest.mark.parametrize("shape, kind", [("lines", "words"), ("line", "words"), ("line", "ngrams"), ("line", "pairs")])
@pytest.mark.timeout(120)
def test_ctrl_c_stops_training_soon_and_leaves_a_usable_model(source, shape, kind, long_job, tmp_path):
    saved = str(tmp_path / "model")
    with Child(CTRL_C, source, kind, long_job(shape), saved) as child:
        assert child.wait_for("training", 60)
        child.process.send_signal(signal.SIGINT)
        assert child.wait_for("stopped", STOPS_WITHIN) == "stopped 1"  # the main thread is the only one left
        assert child.process.wait(30) == 0
    model = Sent2Vec.load(saved)
    assert len(model.wv) == 3000
    assert model.syn1neg.any()
    assert_usable(model)


def test_the_vocabulary_of_a_model_is_made_of_arrays(ready):
    assert isinstance(ready.wv.key_to_index, Vocabulary)
