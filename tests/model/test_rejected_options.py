"""Invalid options raise errors that name them."""

import math

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec
from gensim.test.utils import common_texts
from models import SMALL, assert_usable, state

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.history import TrainingHistory


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
def test_options_without_a_meaning_are_rejected_with_the_reason(option, reason):
    with pytest.raises(TypeError, match=f"^{option}: not an option of Sent2Vec: .*{reason}"):
        Sent2Vec(common_texts, **{option: 1})
    with pytest.raises(TypeError, match=f"^{option}: not an option"):
        Sent2Vec(**{option: None})


@pytest.mark.parametrize(
    "wrong, right",
    [("vector_sise", "vector_size"), ("min_cout", "min_count"), ("worker", "workers"), ("word_ngram", "word_ngrams")],
)
def test_a_misspelled_option_is_rejected_with_the_right_one(wrong, right):
    with pytest.raises(TypeError, match=rf"^{wrong}: not an option of Sent2Vec; did you mean {right}\?"):
        Sent2Vec(common_texts, **{wrong: 1})


def test_an_unknown_option_is_rejected():
    with pytest.raises(TypeError, match=r"^xyzzy: not an option of Sent2Vec$"):
        Sent2Vec(xyzzy=1)


def test_unknown_options_of_train_are_rejected(ready):
    with pytest.raises(TypeError, match=r"^epoch: .*did you mean epochs\?"):
        ready.train(common_texts, epoch=3)
    with pytest.raises(TypeError, match=r"^window: not an option"):
        ready.train(common_texts, window=3)


# Names of gensim 3, Doc2Vec, fastText, the reference program, scikit-learn and sentence-transformers.
ELSEWHERE = {
    "size": "vector_size", "dim": "vector_size", "n_components": "vector_size", "embedding_dim": "vector_size",
    "iter": "epochs", "epoch": "epochs", "n_iter": "epochs", "max_iter": "epochs",
    "lr": "alpha", "learning_rate": "alpha", "start_alpha": "alpha", "minCount": "min_count", "min_df": "min_count",
    "max_features": "max_final_vocab", "wordNgrams": "word_ngrams", "ngram_range": "word_ngrams",
    "dropoutK": "dropout_k", "buckets": "bucket", "neg": "negative", "t": "sample",
    "thread": "workers", "threads": "workers", "n_jobs": "workers", "random_state": "seed",
    "documents": "sentences", "corpus_iterable": "sentences", "corpus": "sentences", "texts": "sentences",
    "input": "corpus_file", "batch_size": "batch_words", "verbose": "show_progress_bar", "callback": "callbacks",
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_of_other_libraries_are_answered_with_ours(name):
    with pytest.raises(TypeError, match=rf"^{name}: not an option of Sent2Vec; did you mean {ELSEWHERE[name]}\?$"):
        Sent2Vec(**{name: 1})


@pytest.mark.parametrize(
    "name, reason",
    [
        ("ws", "entire sentence"), ("loss", "negative sampling"), ("minn", "lexical_dims"), ("maxn", "lexical_dims"),
        ("normalize_embeddings", r"encode\(sentences, normalize=True\)"), ("top_k", "topn="), ("dm", "not Doc2Vec"),
    ],
)  # fmt: skip
def test_options_of_other_libraries_without_a_counterpart_give_the_reason(ready, name, reason):
    for call in (Sent2Vec, ready.train, ready.build_vocab):
        with pytest.raises(TypeError, match=rf"^{name}: not an option of Sent2Vec: .*{reason}"):
            call(common_texts, **{name: 1})


@pytest.mark.parametrize(
    "method, name, answer",
    [
        ("train", "documents", "did you mean corpus_iterable"), ("train", "lr", "did you mean start_alpha"),
        ("train", "iter", "did you mean epochs"), ("train", "corpus_count", "did you mean total_examples"),
        ("train", "size", r"train; .*Sent2Vec\(vector_size=…\)"),
        ("train", "n_jobs", r"Sent2Vec\(workers=…\)"),
        ("train", "negative", r"train; .*Sent2Vec\(negative=…\)"),
        ("build_vocab", "sentences", "did you mean corpus_iterable"),
        ("build_vocab", "minCount", "did you mean min_count"),
        ("build_vocab", "input", "did you mean corpus_file"),
        ("build_vocab", "vector_size", r"build_vocab; .*Sent2Vec\(vector_size=…\)"),
        ("build_vocab", "random_state", r"Sent2Vec\(seed=…\)"),
    ],
)  # fmt: skip
def test_methods_answer_such_names_too(ready, method, name, answer):
    before = state(ready)
    with pytest.raises(TypeError, match=rf"^{name}: not an option of .*{answer}"):
        getattr(ready, method)(**{name: 1})
    assert state(ready) == before


@pytest.mark.parametrize("option, right", [("sentences", "corpus_iterable"), ("alpha", "start_alpha")])
def test_train_does_not_suggest_what_it_rejects(ready, option, right):
    """These are names of the constructor; `train` has different ones."""
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
    (ValueError, "word_ngrams", [1001, 2**31 - 1, 2**70]),
    (ValueError, "negative", [2**31 - 1]),
    (ValueError, "vector_size", [2**31, 2**62]),
    (ValueError, "workers", [2**31 - 1]),
    (ValueError, "dropout_k", [2**31]),
    (ValueError, "shared_negatives", [2**31]),
    (ValueError, "seed", [2**32]),
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
def test_invalid_values_are_rejected_by_name(error, option, value):
    with pytest.raises(error, match=f"^{option}[ :]"):
        Sent2Vec(**{option: value})


def test_options_that_contradict_each_other():
    with pytest.raises(ValueError, match=r"^bucket"):
        Sent2Vec(word_ngrams=2, bucket=0)
    assert Sent2Vec(bucket=0).bucket == 0
    with pytest.raises(ValueError, match=r"^skip_bigrams"):
        Sent2Vec(skip_bigrams=True)
    with pytest.raises(ValueError, match=r"^min_alpha: must be at most alpha=0\.1, got 0\.2"):
        Sent2Vec(alpha=0.1, min_alpha=0.2)


def test_options_can_be_numpy_scalars():
    model = Sent2Vec(
        common_texts, vector_size=np.int64(8), min_count=np.int32(1), alpha=np.float32(0.1), epochs=np.int8(1)
    )
    assert_usable(model)


def test_callbacks_without_a_corpus_are_warned_about(caplog):
    Sent2Vec(callbacks=[CallbackAny2Vec()])
    assert "callbacks" in caplog.text


@pytest.mark.parametrize(
    "wrap", [lambda callback: callback, lambda callback: [callback], lambda callback: iter([callback])]
)
def test_callbacks_can_be_a_single_one(ready, wrap):
    history = TrainingHistory()
    Sent2Vec(common_texts, callbacks=wrap(history), **SMALL)
    ready.train(common_texts, callbacks=wrap(history))
    assert len(history) == 2 * SMALL["epochs"]


def test_callbacks_can_be_none(ready):
    assert_usable(Sent2Vec(common_texts, callbacks=None, **SMALL))
    ready.train(common_texts, callbacks=None)


@pytest.mark.parametrize(
    "callbacks, message",
    [
        (TrainingHistory, r"got the class TrainingHistory; pass TrainingHistory\(\)"),
        ([TrainingHistory], r"got the class TrainingHistory; pass TrainingHistory\(\)"),
        (print, "got the builtin_function_or_method"),
        ([TrainingHistory(), 5], "got the int 5"),
    ],
)
def test_invalid_callbacks_are_rejected_before_any_work(ready, callbacks, message):
    before = state(ready)
    for call in (Sent2Vec, ready.train):
        with pytest.raises(TypeError, match=rf"^callbacks: expected instances.*{message}"):
            call(common_texts, callbacks=callbacks)
    assert state(ready) == before
